//! The only one that signs weights, and the journal's owner. It drives the core's [`WeightCycle`]:
//! reads what the cycle wants to see, writes down what it finds, and sends what it plans.
//!
//! An entry in the journal precedes every signature. An entry of unknown fate is settled first, by
//! asking the chain; only then is anything new planned. What stands in the way is said once, in the
//! log, in the metrics and to whoever follows [`CommitterStatusFeed`](crate::feeds::CommitterStatusFeed).

use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{counter, gauge, histogram};
use sn1::chain::weight_cycle::{ChainView, CommitterStatus, Finding, WeightCycle};
use sn1::chain::{
    Chain, ChainError, CommitOutcome, CommitRecord, Included, Mortality, Plan, PlanSettings,
    PlannedSetting, Registration, RevealOutcome, Stage, StopReason, WaitReason, WeightSetting,
};
use sn1::store::{Store, StoreError};
use sn1::telemetry::{
    self, WEIGHT_COMMITS, WEIGHT_REVEALS, WEIGHT_WINDOWS_MISSED, WEIGHTS_STOPPED,
};
use tokio_stream::wrappers::WatchStream;
use tracing::{debug, error, info, warn};

use super::failpoints::Failpoint;
use crate::clock::unix_seconds;
use crate::feeds::ScoresSnapshot;
use crate::notice::Notice;
use crate::recording::{Failures, prime, show_one_of};
use crate::supervision::{Context, Drained, Resident};

mod links;

pub use links::{CommitterLinks, CommitterSettings};

/// Its name among those who wait for the chain.
const PART: &str = "weights";

/// The actor.
pub struct WeightCommitter<C> {
    chain: C,
    settings: CommitterSettings,
    links: CommitterLinks,
    journal: Store,
    cycle: WeightCycle,
    /// Our place on the subnet, as the metagraph last told it.
    place: Option<Registration>,
    failures: Failures,
    is_busy: bool,
    is_draining: bool,
}

impl<C: Chain> WeightCommitter<C> {
    /// Opens the journal.
    ///
    /// # Errors
    /// A state file that cannot be used.
    pub fn open(
        chain: C,
        settings: CommitterSettings,
        links: CommitterLinks,
    ) -> Result<Self, StoreError> {
        let journal = Store::open(&settings.state_file)?;
        let entries = journal.commits()?;
        let plan = PlanSettings {
            hotkey: settings.hotkey.account_id(),
            epoch_length: settings.epoch_length,
            version_key: settings.version_key,
            is_disabled: settings.is_disabled,
        };
        let cycle = WeightCycle::new(plan, &entries);
        if let Some(block) = cycle.last_landed() {
            gauge!(telemetry::WEIGHTS_BLOCK.name).set(block as f64);
        }
        prime(&[WEIGHT_COMMITS, WEIGHT_REVEALS, WEIGHT_WINDOWS_MISSED], &[]);
        show_one_of(&WEIGHTS_STOPPED, None);
        let (place, failures, is_busy, is_draining) = (None, Failures::default(), false, false);
        Ok(Self { chain, settings, links, journal, cycle, place, failures, is_busy, is_draining })
    }

    fn head(&self) -> Option<u64> {
        self.links.heads.borrow().map(|seen| seen.head.number)
    }

    /// A new block: looks at the chain if that is worth it.
    fn look(&mut self, ctx: &mut Context<'_, Self>) {
        let is_wanted = self.head().is_some_and(|head| self.cycle.wants_look(head));
        if is_wanted && !self.is_busy && !self.is_draining {
            self.read(ctx);
        }
    }

    fn read(&mut self, ctx: &mut Context<'_, Self>) {
        self.is_busy = true;
        self.cycle.looking(self.head().unwrap_or(0));
        let chain = self.chain.clone();
        let (netuid, hotkey) = (self.settings.netuid, self.settings.hotkey.account_id());
        let has_sealed = self.cycle.has_sealed();
        let read = async move {
            let finalized = chain.finalized().await?;
            let terms = chain.weight_terms(netuid, &hotkey).await?;
            let commits = match has_sealed || terms.reveal.is_some() {
                true => chain.weight_commits(netuid, &hotkey).await?,
                false => Vec::new(),
            };
            let stored = match terms.uid {
                Some(uid) => chain.weights(netuid, uid).await?,
                None => Vec::new(),
            };
            Ok(ChainView { finalized, terms, commits, stored })
        };
        ctx.run(read, |this, read: Result<_, ChainError>, ctx| match read {
            Ok(view) => this.act_on(&view, ctx),
            Err(error @ (ChainError::Missing(_) | ChainError::NoSubnet(_))) => {
                this.cycle.unsupported(error.to_string(), this.head().unwrap_or(0));
                this.become_idle(ctx);
            }
            Err(error) => {
                this.read_failed(&error, "weights: the chain could not be read, asking again");
                this.become_idle(ctx);
            }
        });
    }

    fn read_failed(&mut self, error: &ChainError, what: &str) {
        counter!(telemetry::CHAIN_ERRORS.name).increment(1);
        match self.failures.count(self.links.link.borrow().is_away(), Instant::now()) {
            true => warn!(%error, "{what}"),
            false => debug!(%error, "{what}"),
        }
        self.cycle.chain_unreachable();
    }

    fn act_on(&mut self, view: &ChainView, ctx: &mut Context<'_, Self>) {
        self.failures = Failures::default();
        for finding in self.cycle.findings(view) {
            if let Err(error) = self.write(&finding) {
                return ctx.fail(error);
            }
        }
        if self.is_draining {
            return self.become_idle(ctx);
        }
        let scores = self.usable_scores();
        let values = scores.as_ref().map(|scores| &scores.values[..]).map_err(|reason| *reason);
        match self.cycle.plan(view, values, unix_seconds()) {
            Plan::Set(planned) => self.prepare(*planned, ctx),
            Plan::Wait { .. } | Plan::Stop { .. } => self.become_idle(ctx),
        }
    }

    /// The scores, if weights may be made of them now.
    fn usable_scores(&self) -> Result<Arc<ScoresSnapshot>, WaitReason> {
        if self.links.age.stage() == Stage::TooOld {
            return Err(WaitReason::MetagraphTooOld);
        }
        let scores = self.links.scores.borrow().clone();
        scores.filter(|scores| scores.turns > 0).ok_or(WaitReason::NoScores)
    }

    /// Seals what was planned and writes it down, with all that its transaction will hold.
    fn prepare(&mut self, planned: PlannedSetting, ctx: &mut Context<'_, Self>) {
        let (chain, hotkey) = (self.chain.clone(), self.settings.hotkey.account_id());
        let next = async move { chain.next_transaction(&hotkey).await };
        ctx.run(next, move |this, next, ctx| match next {
            Ok(mortality) => this.persist(&planned, mortality, ctx),
            Err(error) => {
                this.read_failed(&error, "weights: no nonce to sign with, asking again");
                this.become_idle(ctx);
            }
        });
    }

    fn persist(
        &mut self,
        planned: &PlannedSetting,
        mortality: Mortality,
        ctx: &mut Context<'_, Self>,
    ) {
        let setting = match planned.seal(&mut rand::rng()) {
            Ok(setting) => setting,
            Err(error) => {
                self.cycle.unsealable(StopReason::Unsealable(error), planned);
                return self.become_idle(ctx);
            }
        };
        let intent = planned.intent(&setting, mortality);
        self.settings.failpoints.hit(Failpoint::BeforePersist);
        match self.journal.plan_commit(&intent) {
            Ok(id) => self.cycle.persisted(id, intent),
            Err(error) => return ctx.fail(error),
        }
        self.settings.failpoints.hit(Failpoint::AfterPersist);
        self.send(setting, mortality, ctx);
    }

    fn send(&mut self, setting: WeightSetting, mortality: Mortality, ctx: &mut Context<'_, Self>) {
        let waits = format!("signed at block {}, not final yet", self.head().unwrap_or(0));
        self.links.waits.set(PART, waits);
        let (chain, settings) = (self.chain.clone(), self.settings.clone());
        let submit = async move {
            let started = Instant::now();
            let (hotkey, netuid) = (&settings.hotkey, settings.netuid);
            (chain.submit_weights(hotkey, netuid, &setting, mortality).await, started.elapsed())
        };
        ctx.run(submit, |this, (answer, elapsed), ctx| {
            this.settings.failpoints.hit(Failpoint::AfterSubmit);
            this.answered(answer, elapsed, ctx);
        });
    }

    fn answered(
        &mut self,
        answer: Result<Included, ChainError>,
        elapsed: Duration,
        ctx: &mut Context<'_, Self>,
    ) {
        let is_included = answer.is_ok();
        match &answer {
            Ok(_) => {
                histogram!(telemetry::WEIGHT_COMMIT_SECONDS.name).record(elapsed.as_secs_f64())
            }
            Err(ChainError::Refused { refusal, .. }) => warn!(%refusal, "weights refused"),
            Err(error @ ChainError::Unsent { .. }) => warn!(%error, "weights not sent"),
            Err(error) => {
                // The entry stays open: the next look asks the chain what became of it.
                counter!(WEIGHT_COMMITS.name, "outcome" => "unresolved").increment(1);
                counter!(telemetry::CHAIN_ERRORS.name).increment(1);
                warn!(%error, "fate of the weights unknown, asking the chain");
            }
        }
        let finding = self.cycle.answered(answer, self.head().unwrap_or(0));
        if let Some(Err(error)) = finding.map(|finding| self.write(&finding)) {
            return ctx.fail(error);
        }
        if is_included {
            // Also in a drain: what was signed is read back.
            self.read(ctx);
        } else {
            self.become_idle(ctx);
        }
    }

    /// Puts a finding into the journal, then tells it.
    fn write(&mut self, finding: &Finding) -> Result<(), StoreError> {
        self.settings.failpoints.hit(Failpoint::BeforeSettle);
        match finding {
            Finding::Settled(record, outcome) => {
                self.journal.settle_commit(record.id, outcome)?;
                self.tell_outcome(record, outcome);
            }
            Finding::Reveal(record, outcome) => {
                self.journal.settle_reveal(record.id, *outcome)?;
                tell_reveal(record, *outcome);
            }
        }
        self.cycle.found(finding);
        Ok(())
    }

    fn tell_outcome(&self, record: &CommitRecord, outcome: &CommitOutcome) {
        counter!(WEIGHT_COMMITS.name, "outcome" => outcome.label()).increment(1);
        let (weights, planned) = (&record.intent.weights, record.intent.planned_block);
        match outcome {
            CommitOutcome::Landed { block, .. } => {
                gauge!(telemetry::WEIGHTS_BLOCK.name).set(*block as f64);
                let is_sealed = record.intent.sealed.is_some();
                info!(block, weights = weights.entries().len(), is_sealed, "weights are on chain");
                self.links.hints.give();
            }
            CommitOutcome::Replaced { block } => error!(
                block,
                "our weights were in a block, but the chain holds others: is another process \
                 running with this hotkey?"
            ),
            CommitOutcome::Refused { .. } => {} // Said when it was answered.
            CommitOutcome::Lost => warn!(planned, "weights never landed, planning anew"),
        }
        // The account is for people; nobody need be reading.
        let _ = self.links.notices.send(Notice::Weights {
            entries: weights.entries().to_vec(),
            outcome: outcome.clone(),
        });
    }

    /// Nothing is in flight any more.
    fn become_idle(&mut self, ctx: &mut Context<'_, Self>) {
        self.is_busy = false;
        match self.cycle.has_open() {
            true => self.links.waits.set(PART, "the fate of the last ones is not known".into()),
            false => self.links.waits.clear(PART),
        }
        self.tell_standing();
        for obstacle in self.cycle.take_missed() {
            warn!(obstacle = obstacle.label(), "a window passed without weights");
            counter!(WEIGHT_WINDOWS_MISSED.name, "reason" => obstacle.label()).increment(1);
        }
        if self.is_draining {
            ctx.finish();
        } else {
            self.look(ctx); // A block may have come meanwhile, or a refusal asks for a new plan.
        }
    }

    /// Says a change, once.
    fn tell_standing(&self) {
        let status = self.cycle.status();
        let has_changed = self.links.status.send_if_modified(|told| {
            let has_changed = told != status;
            told.clone_from(status);
            has_changed
        });
        if !has_changed {
            return;
        }
        let stopped = match status {
            CommitterStatus::Stopped(reason) => {
                warn!(%reason, "weights are not set");
                Some(reason.label())
            }
            CommitterStatus::Starting | CommitterStatus::Ready => {
                info!("weights are set when they are due");
                None
            }
        };
        show_one_of(&WEIGHTS_STOPPED, stopped);
    }
}

fn tell_reveal(record: &CommitRecord, outcome: RevealOutcome) {
    counter!(WEIGHT_REVEALS.name, "outcome" => outcome.label()).increment(1);
    let round = record.intent.sealed.map(|sealed| sealed.round);
    match outcome {
        RevealOutcome::Revealed => info!(?round, "sealed weights are revealed and count"),
        RevealOutcome::Superseded => info!(?round, "sealed weights gave way to newer ones of ours"),
        RevealOutcome::NotRevealed => error!(
            ?round,
            "the chain did not reveal our weights: check this machine's clock, the hotkey's permit \
             and stake at the reveal, and whether the chain's beacon has that round"
        ),
    }
}

impl<C: Chain> Resident for WeightCommitter<C> {
    type Error = StoreError;

    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), Self::Error> {
        ctx.listen(WatchStream::new(self.links.heads.clone()), |this, _, ctx| this.look(ctx));
        ctx.listen(WatchStream::new(self.links.metagraph.clone()), |this, known, ctx| {
            let own = this.settings.hotkey.account_id();
            let place = known.map(|known| known.registration(&own));
            if std::mem::replace(&mut this.place, place) != place {
                this.cycle.replan();
                this.look(ctx);
            }
        });
        Ok(())
    }

    /// A setting that is signed already is followed to its end.
    fn drain(&mut self, _: &mut Context<'_, Self>) -> Drained {
        self.is_draining = true;
        if self.is_busy { Drained::Later } else { Drained::Now }
    }
}
