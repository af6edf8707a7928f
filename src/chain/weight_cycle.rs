//! The life of weight settings as a machine without clock or socket: look at the chain, settle what
//! is open, plan, write down, send, and look again.
//!
//! Whoever drives a [`WeightCycle`] asks the chain and the journal in the order that its methods
//! are listed in, and may die between any two of them: a new cycle made from the journal goes on.
//! Two rules keep it honest. What is open is settled by what the chain shows, before anything else
//! is planned; and nothing is planned but on fresh [`WeightTerms`]. So there is never a second
//! setting in a window, and an entry is closed only by what is final.

use std::collections::VecDeque;

use super::weight_plan::{
    Plan, PlanSettings, PlannedSetting, StopReason, WaitReason, due_at, plan_weights, window_length,
};
use super::{
    ChainError, CommitId, CommitIntent, CommitOutcome, CommitRecord, Head, Included, Refusal,
    RefusalClass, RevealOutcome, StoredCommit, StoredWeights, WeightTerms,
};

mod fate;
#[cfg(test)]
mod tests;
mod window;

pub use window::Obstacle;

use window::Windows;

/// Longest pause between two attempts, in blocks.
const MAX_PAUSE: u64 = 16;
/// Longest pause between two looks while we may not set weights, in blocks.
const MAX_RECHECK: u64 = 20;

/// What the chain says of our weights, read in this order.
#[derive(Debug, Clone, PartialEq)]
pub struct ChainView {
    /// The newest final block.
    pub finalized: Head,
    /// All that a setting is planned from.
    pub terms: WeightTerms,
    /// Our sealed commits that the chain holds.
    pub commits: Vec<StoredCommit>,
    /// The weights of our slot; empty without one.
    pub stored: StoredWeights,
}

/// A fact about the journal that the chain has shown. It holds once it is written there.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// An open setting has met its fate.
    Settled(CommitRecord, CommitOutcome),
    /// A sealed commit was opened, or dropped.
    Reveal(CommitRecord, RevealOutcome),
}

/// Whether the committer can set weights.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum CommitterStatus {
    /// Nothing was read yet.
    #[default]
    Starting,
    /// All is well, or will be by itself.
    Ready,
    /// Somebody must do something.
    Stopped(StopReason),
}

/// A reveal that each look since that block has shown.
#[derive(Debug, Clone, Copy)]
struct ShownReveal {
    id: CommitId,
    outcome: RevealOutcome,
    since: u64,
}

/// What is open, what is due, and when to look. One a hotkey.
#[derive(Debug)]
pub struct WeightCycle {
    settings: PlanSettings,
    /// Fate unknown, oldest first. The first may be known to be in a block.
    open: VecDeque<CommitRecord>,
    included: Option<Included>,
    /// Landed and sealed, oldest first.
    sealed: Vec<CommitRecord>,
    /// What became of them by the last look, final or not.
    shown_reveals: Vec<ShownReveal>,
    last_landed: Option<u64>,
    last_plain: Option<u64>,
    looked_at: Option<u64>,
    /// Nothing is planned before this block.
    next_plan: u64,
    /// Look again at the same block.
    is_eager: bool,
    /// Attempts that failed since the last one that landed.
    n_failures: u32,
    refusal: Option<Refusal>,
    status: CommitterStatus,
    windows: Windows,
    missed: Vec<Obstacle>,
}

impl WeightCycle {
    /// Goes on from the whole journal, oldest entry first.
    pub fn new(settings: PlanSettings, journal: &[CommitRecord]) -> Self {
        let landed = journal.iter().filter(|record| record.landed().is_some());
        let plain = landed.clone().filter(|record| record.intent.sealed.is_none());
        Self {
            settings,
            open: journal.iter().filter(|record| record.outcome.is_none()).cloned().collect(),
            included: None,
            sealed: journal.iter().filter(|record| record.awaits_reveal()).cloned().collect(),
            shown_reveals: Vec::new(),
            last_landed: landed.filter_map(CommitRecord::landed).max(),
            last_plain: plain.filter_map(CommitRecord::landed).max(),
            looked_at: None,
            next_plan: 0,
            is_eager: false,
            n_failures: 0,
            refusal: None,
            status: CommitterStatus::Starting,
            windows: Windows::default(),
            missed: Vec::new(),
        }
    }

    /// Whether a look at the chain is worth its price now that `head` is the newest block. Not to be
    /// asked while a setting is on its way.
    pub fn wants_look(&self, head: u64) -> bool {
        let is_new = self.looked_at.is_none_or(|looked_at| looked_at < head);
        let awaits_reveal = |record: &CommitRecord| {
            record.intent.sealed.is_some_and(|sealed| sealed.reveal_block <= head)
        };
        let has_cause = self.next_plan <= head
            || !self.open.is_empty()
            || self.sealed.iter().any(awaits_reveal);
        self.is_eager || (is_new && has_cause)
    }

    /// Something of ours changed on the chain: plan again at the next look, whatever was waited for,
    /// but for the pause after a refusal.
    pub fn replan(&mut self) {
        if self.n_failures == 0 || matches!(self.status, CommitterStatus::Stopped(_)) {
            self.next_plan = 0;
        }
    }

    /// A look begins, with `head` as the newest block that was heard of.
    pub fn looking(&mut self, head: u64) {
        self.looked_at = Some(head);
        self.is_eager = false;
    }

    /// The chain did not answer.
    pub fn chain_unreachable(&mut self) {
        self.windows.note(Obstacle::Unreachable);
    }

    /// The chain's runtime lacks what weights are planned or sent with, in these words.
    pub fn unsupported(&mut self, reason: String, head: u64) {
        self.stop(StopReason::Unsupported(reason), head, MAX_RECHECK * 8);
    }

    /// What the chain shows of open settings and sealed commits. Each finding goes into the journal,
    /// then to [`WeightCycle::found`].
    pub fn findings(&mut self, view: &ChainView) -> Vec<Finding> {
        // An open setting may have overwritten what was opened, or the other way round: reveals are
        // told once it is settled.
        let opened = match self.open.is_empty() {
            true => fate::reveals(&self.sealed, self.last_plain, view),
            false => Vec::new(),
        };
        let reveals = self.final_reveals(opened, view);
        let settled = self.open.front().and_then(|record| {
            let outcome = fate::fate(&record.intent, self.included, &self.sealed, view)?;
            Some(Finding::Settled(record.clone(), outcome))
        });
        reveals.into_iter().chain(settled).collect()
    }

    /// Those of the reveals at the newest block that were the same at a block that is final by now.
    /// Until then a fork may open what another one dropped.
    fn final_reveals(
        &mut self,
        shown: Vec<(usize, RevealOutcome)>,
        view: &ChainView,
    ) -> Vec<Finding> {
        let before = std::mem::take(&mut self.shown_reveals);
        let mut told = Vec::new();
        for (position, outcome) in shown {
            let record = &self.sealed[position];
            let same =
                before.iter().find(|shown| shown.id == record.id && shown.outcome == outcome);
            let since = same.map_or(view.terms.head.number, |shown| shown.since);
            self.shown_reveals.push(ShownReveal { id: record.id, outcome, since });
            if since <= view.finalized.number {
                told.push(Finding::Reveal(record.clone(), outcome));
            }
        }
        told
    }

    /// A finding is in the journal.
    pub fn found(&mut self, finding: &Finding) {
        match finding {
            Finding::Settled(record, outcome) => self.settled(record, outcome),
            Finding::Reveal(record, _) => self.sealed.retain(|sealed| sealed.id != record.id),
        }
    }

    fn settled(&mut self, record: &CommitRecord, outcome: &CommitOutcome) {
        self.open.retain(|open| open.id != record.id);
        self.included = None;
        match outcome {
            CommitOutcome::Landed { block, .. } => {
                self.set_at(*block);
                let landed = CommitRecord { outcome: Some(outcome.clone()), ..record.clone() };
                match landed.awaits_reveal() {
                    true => self.sealed.push(landed),
                    false => self.last_plain = self.last_plain.max(Some(*block)),
                }
            }
            CommitOutcome::Replaced { block } => self.set_at(*block),
            CommitOutcome::Lost => self.windows.note(Obstacle::Unsettled),
            CommitOutcome::Refused { .. } => self.windows.note(Obstacle::Refused),
        }
        // The next of several open entries is looked into at once.
        self.is_eager = !self.open.is_empty();
    }

    /// Weights were set at this block.
    fn set_at(&mut self, block: u64) {
        self.last_landed = self.last_landed.max(Some(block));
        self.missed.extend(self.windows.landed(block));
        self.n_failures = 0;
        self.refusal = None;
        self.next_plan = 0; // The planner knows the window.
    }

    /// What to do, after the findings of the same look. A plan to set is persisted and sent, or
    /// given up with [`WeightCycle::chain_unreachable`] or [`WeightCycle::unsealable`].
    pub fn plan(&mut self, view: &ChainView, scores: Result<&[f32], WaitReason>, now: f64) -> Plan {
        let head = view.terms.head.number;
        if !self.open.is_empty() {
            self.windows.note(Obstacle::Unsettled);
            return Plan::Wait { until_block: head + 1, reason: WaitReason::OpenSetting };
        }
        let due_at = due_at(&view.terms, self.last_landed, &self.settings);
        let length = window_length(&view.terms, &self.settings);
        self.missed.extend(self.windows.advance(due_at, length, head));
        if self.n_failures > 0 && head < self.next_plan {
            return Plan::Wait { until_block: self.next_plan, reason: WaitReason::Backoff };
        }
        let plan = plan_weights(&view.terms, scores, self.last_landed, &self.settings, now);
        self.take_note(&plan, head, length);
        plan
    }

    fn take_note(&mut self, plan: &Plan, head: u64, length: u64) {
        match plan {
            Plan::Wait { until_block, reason } => {
                self.next_plan = *until_block;
                Obstacle::of_wait(*reason).into_iter().for_each(|o| self.windows.note(o));
                self.status = CommitterStatus::Ready;
            }
            Plan::Stop { reason } => self.stop(reason.clone(), head, length),
            Plan::Set(_) => {
                self.next_plan = head + 1;
                self.status = match self.refusal.clone() {
                    // The terms allow it, the chain did not: that is still to be tried.
                    Some(refusal) => CommitterStatus::Stopped(StopReason::Refused(refusal)),
                    None => CommitterStatus::Ready,
                };
            }
        }
    }

    fn stop(&mut self, reason: StopReason, head: u64, window: u64) {
        self.windows.note(Obstacle::from(&reason));
        self.next_plan = head + recheck(window);
        self.status = CommitterStatus::Stopped(reason);
    }

    /// The planned weights cannot be sealed.
    pub fn unsealable(&mut self, reason: StopReason, planned: &PlannedSetting) {
        self.stop(reason, planned.planned_block, self.settings.epoch_length);
    }

    /// An intent is in the journal under this number; from now on it is open.
    pub fn persisted(&mut self, id: CommitId, intent: CommitIntent) {
        self.open.push_back(CommitRecord { id, intent, outcome: None, reveal: None });
    }

    /// What came of sending the open setting. A refusal settles it, with this finding; anything else
    /// is for the chain to tell at the next look.
    pub fn answered(&mut self, answer: Result<Included, ChainError>, head: u64) -> Option<Finding> {
        let reason = match answer {
            Ok(included) => {
                self.included = Some(included);
                self.is_eager = true;
                return None;
            }
            Err(ChainError::Refused { refusal, .. }) => {
                if refusal.class() == RefusalClass::AlreadyKnown {
                    return None;
                }
                let reason = refusal.label().to_owned();
                self.refused(refusal, head);
                reason
            }
            Err(error @ (ChainError::NoSubnet(_) | ChainError::Missing(_))) => {
                // Most likely nothing was sent; the chain will tell, once nothing can land any more.
                self.n_failures = self.n_failures.saturating_add(1);
                self.unsupported(error.to_string(), head);
                return None;
            }
            Err(error @ ChainError::Unsent { .. }) => {
                self.n_failures = self.n_failures.saturating_add(1);
                self.unsupported(error.to_string(), head);
                "Unsent".to_owned()
            }
            Err(ChainError::Unreachable { .. }) => {
                self.windows.note(Obstacle::Unreachable);
                return None;
            }
        };
        let record = self.open.back()?.clone();
        Some(Finding::Settled(record, CommitOutcome::Refused { reason }))
    }

    /// Each class of refusals has its answer.
    fn refused(&mut self, refusal: Refusal, head: u64) {
        self.n_failures = self.n_failures.saturating_add(1);
        match refusal.class() {
            RefusalClass::Replan if self.n_failures == 1 => {
                self.next_plan = head;
                self.is_eager = true;
            }
            RefusalClass::Replan | RefusalClass::Wait => {
                self.next_plan = head + pause(self.n_failures);
            }
            RefusalClass::Later | RefusalClass::AlreadyKnown => self.next_plan = head + 1,
            RefusalClass::Stop => {
                self.refusal = Some(refusal.clone());
                self.stop(StopReason::Refused(refusal), head, self.settings.epoch_length);
            }
        }
    }

    /// Where the committer stands.
    pub fn status(&self) -> &CommitterStatus {
        &self.status
    }

    /// The block of our last setting that is known to have landed.
    pub fn last_landed(&self) -> Option<u64> {
        self.last_landed
    }

    /// Whether the chain's sealed commits matter to what is not settled yet.
    pub fn has_sealed(&self) -> bool {
        !self.sealed.is_empty() || self.open.iter().any(|record| record.intent.sealed.is_some())
    }

    /// Whether the fate of a setting is unknown.
    pub fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Windows that passed without a setting since this was last asked, with what stood in the way.
    pub fn take_missed(&mut self) -> Vec<Obstacle> {
        std::mem::take(&mut self.missed)
    }
}

/// Blocks before attempt `n` + 1: 1, 2, 4, and so on.
fn pause(n_failures: u32) -> u64 {
    1_u64.checked_shl(n_failures.saturating_sub(1)).unwrap_or(MAX_PAUSE).min(MAX_PAUSE)
}

/// Blocks between two looks while we may not set weights: a permit that comes back costs no window.
fn recheck(window: u64) -> u64 {
    (window / 8).clamp(1, MAX_RECHECK)
}
