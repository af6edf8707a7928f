//! Whether weights can be set now, and which: the chain's own checks in the chain's order
//! (docs/spec/chain.md#weights-checks and docs/spec/chain.md#commit-reveal), done before anything
//! is signed.
//!
//! A pure function of what the chain says at one block. It refuses to guess: whatever the chain
//! would refuse is told as a [`WaitReason`] with its block, or as a [`StopReason`] that an operator
//! can act on.

use rand::{CryptoRng, RngCore};

use super::commit_reveal::{ScheduleError, SealError, WeightsPayload, plan_reveal, seal_weights};
use super::weights::WeightsError;
use super::{
    CommitIntent, Mortality, RevealTerms, SealedIntent, Uid, WeightSetting, WeightTerms,
    WeightVector,
};
use crate::wallet::{AccountId, blake2b_256};

mod reasons;

pub use reasons::{StopReason, WaitReason};

/// Unrevealed commits with which the chain takes no more.
const MAX_UNREVEALED: usize = 10;

/// What the operator decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanSettings {
    /// Who sets weights.
    pub hotkey: AccountId,
    /// Blocks that must have gone by since our last weights; one more is enough.
    pub epoch_length: u64,
    /// Version of the scoring, sent with the weights.
    pub version_key: u64,
    /// Never set weights.
    pub is_disabled: bool,
}

/// What to do about weights at one block.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// Nothing before this block.
    Wait {
        /// The first block at which looking again makes sense.
        until_block: u64,
        /// What is waited for.
        reason: WaitReason,
    },
    /// Nothing until something changes that is not ours to change.
    Stop {
        /// What must change.
        reason: StopReason,
    },
    /// Set these.
    Set(Box<PlannedSetting>),
}

/// A weight setting that the chain would take in its next block.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedSetting {
    /// The block that it was planned at.
    pub planned_block: u64,
    /// Our last update at that block.
    pub last_update: u64,
    /// Our slot.
    pub uid: Uid,
    /// The weights.
    pub weights: WeightVector,
    /// Version of the scoring.
    pub version_key: u64,
    /// How to seal them; `None`: they are sent plainly.
    pub sealing: Option<Sealing>,
}

/// For which moment weights are sealed.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealing {
    /// What is sealed.
    pub payload: WeightsPayload,
    /// The chain's terms at the planned block.
    pub terms: RevealTerms,
    /// The beacon round that opens it.
    pub round: u64,
    /// First block of the reveal epoch.
    pub reveal_block: u64,
}

impl PlannedSetting {
    /// What is sent: the weights themselves, or sealed with fresh randomness.
    ///
    /// # Errors
    /// [`SealError`]: more weights than a commit can hold.
    pub fn seal<R: RngCore + CryptoRng>(&self, rng: &mut R) -> Result<WeightSetting, SealError> {
        let Some(Sealing { payload, terms, round, .. }) = &self.sealing else {
            let (weights, version_key) = (self.weights.clone(), self.version_key);
            return Ok(WeightSetting::Plain { weights, version_key });
        };
        let commit = seal_weights(terms.beacon.key(), *round, payload, rng)?;
        Ok(WeightSetting::Sealed { commit, reveal_round: *round, version: terms.version })
    }

    /// What the journal must know before `setting`, which was made of this plan, is signed.
    pub fn intent(&self, setting: &WeightSetting, mortality: Mortality) -> CommitIntent {
        let sealed = match (setting, &self.sealing) {
            (WeightSetting::Sealed { commit, reveal_round, version }, Some(sealing)) => {
                Some(SealedIntent {
                    hash: blake2b_256(commit),
                    round: *reveal_round,
                    version: *version,
                    reveal_block: sealing.reveal_block,
                })
            }
            _ => None,
        };
        CommitIntent {
            planned_block: self.planned_block,
            last_update: self.last_update,
            uid: self.uid,
            weights: self.weights.clone(),
            version_key: self.version_key,
            sealed,
            mortality,
        }
    }
}

/// Blocks from one weight setting to the first at which the next is due: both more than an epoch
/// of ours and the chain's rate limit must have gone by.
pub fn window_length(terms: &WeightTerms, settings: &PlanSettings) -> u64 {
    let ours = settings.epoch_length.saturating_add(1);
    ours.max(terms.hyperparameters.weights_rate_limit)
}

/// The first block at which weights are due, given when the chain saw our last ones and when we
/// know that we landed some.
pub fn due_at(terms: &WeightTerms, last_landed: Option<u64>, settings: &PlanSettings) -> u64 {
    let last = terms.last_update.max(last_landed.unwrap_or(0));
    last.saturating_add(window_length(terms, settings))
}

/// What to do about weights at the block of `terms`, with `scores[i]` for uid `i` (or why there are
/// none), the block of our last landed setting, and the time in Unix seconds.
pub fn plan_weights(
    terms: &WeightTerms,
    scores: Result<&[f32], WaitReason>,
    last_landed: Option<u64>,
    settings: &PlanSettings,
    now: f64,
) -> Plan {
    let due_at = due_at(terms, last_landed, settings);
    let checked =
        check_standing(terms, settings).map_err(|reason| Plan::Stop { reason }).and_then(|uid| {
            match due_at <= terms.head.number {
                true => Ok(uid),
                false => Err(Plan::Wait { until_block: due_at, reason: WaitReason::Window }),
            }
        });
    match checked.and_then(|uid| plan_vector(terms, uid, scores, settings, now)) {
        Ok(planned) => Plan::Set(Box::new(planned)),
        Err(plan) => plan,
    }
}

/// What weights need whenever they are set: registration, stake, version key, permit. The chain looks
/// at the permit after the pace; whoever lacks it hears of it before a window opens.
fn check_standing(terms: &WeightTerms, settings: &PlanSettings) -> Result<Uid, StopReason> {
    if settings.is_disabled {
        return Err(StopReason::Disabled);
    }
    let uid = terms.uid.ok_or(StopReason::NotRegistered)?;
    let needed = terms.hyperparameters.stake_threshold;
    if terms.stake < needed && !terms.is_owner {
        return Err(StopReason::StakeTooLow { stake: terms.stake, needed });
    }
    let needed = terms.hyperparameters.weights_version_key;
    if settings.version_key < needed {
        return Err(StopReason::VersionKeyStale { ours: settings.version_key, needed });
    }
    if !terms.has_permit && !terms.is_owner {
        return Err(StopReason::NoPermit);
    }
    Ok(uid)
}

fn plan_vector(
    terms: &WeightTerms,
    uid: Uid,
    scores: Result<&[f32], WaitReason>,
    settings: &PlanSettings,
    now: f64,
) -> Result<PlannedSetting, Plan> {
    let head = terms.head.number;
    let wait = |until_block, reason| Plan::Wait { until_block, reason };
    let scores = scores.map_err(|reason| wait(head + 1, reason))?;
    let rules = &terms.hyperparameters;
    let n_neurons = usize::from(terms.n_neurons);
    let (fewest, limit) = (rules.min_allowed_weights, rules.max_weight_limit);
    let weights = WeightVector::from_scores(scores, n_neurons, fewest, limit).map_err(|error| {
        match error {
            // The scores know of slots that the terms do not, or the other way round.
            WeightsError::OutsideSubnet { .. } => wait(head + 1, WaitReason::ScoresAhead),
            error => Plan::Stop { reason: StopReason::ScoresUnusable(error) },
        }
    })?;
    let n_weights = weights.entries().len();
    let needed = usize::from(fewest).min(n_neurons);
    let is_self_weight = matches!(weights.entries(), [(only, _)] if *only == uid);
    if n_weights < needed && !is_self_weight {
        return Err(Plan::Stop { reason: StopReason::TooFewWeights { n_weights, needed } });
    }
    let version_key = settings.version_key;
    let sealing = match &terms.reveal {
        None => None,
        Some(reveal) => Some(plan_sealing(head, reveal, &weights, settings, now)?),
    };
    let (planned_block, last_update) = (head, terms.last_update);
    Ok(PlannedSetting { planned_block, last_update, uid, weights, version_key, sealing })
}

fn plan_sealing(
    head: u64,
    terms: &RevealTerms,
    weights: &WeightVector,
    settings: &PlanSettings,
    now: f64,
) -> Result<Sealing, Plan> {
    if terms.n_unrevealed >= MAX_UNREVEALED {
        // The oldest are revealed when the next epoch begins.
        let next_epoch = terms.schedule.first_reveal_block(1).unwrap_or(0);
        let until_block = next_epoch.max(head + 1);
        return Err(Plan::Wait { until_block, reason: WaitReason::TooManyUnrevealed });
    }
    let stop = |reason| Plan::Stop { reason };
    let plan =
        plan_reveal(&terms.schedule, terms.period_epochs, &terms.beacon, now, terms.block_time)
            .map_err(|error: ScheduleError| stop(StopReason::NoRevealRound(error)))?;
    if plan.round < terms.last_stored_round {
        let (planned, stored) = (plan.round, terms.last_stored_round);
        return Err(stop(StopReason::ClockBehind { planned, stored }));
    }
    let payload = WeightsPayload::new(settings.hotkey, weights, settings.version_key);
    let (round, reveal_block) = (plan.round, plan.first_block);
    Ok(Sealing { payload, terms: terms.clone(), round, reveal_block })
}

#[cfg(test)]
mod tests;
