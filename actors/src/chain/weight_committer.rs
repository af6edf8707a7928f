//! Scores to weights to chain, once per window, never twice and never for a reason of ours not at
//! all.
//!
//! Every setting is written to the journal before it is signed. A committer that starts, or that
//! got no answer, first asks the chain what became of open entries: it compares the stored weights
//! and the block of our last update with what was planned. Only then does it plan anew.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use metrics::{counter, gauge, histogram};
use sn1::chain::{Chain, ChainError, Included, Metagraph, Netuid, StoredWeights, WeightVector};
use sn1::store::{CommitId, CommitIntent, CommitOutcome, CommitRecord, Store};
use sn1::telemetry;
use sn1::validation::epochs::{EpochFacts, EpochMemory};
use sn1::wallet::Keypair;
use tokio::sync::mpsc::UnboundedSender;
use tokio_stream::wrappers::WatchStream;
use tracing::{info, warn};

use super::{HeadFeed, MetagraphFeed};
use crate::conversation::{GetScores, Scoreboard};
use crate::localnet::Notice;
use crate::supervision::{AskError, Context, Drained, Link, Resident};

const SCORES_WITHIN: Duration = Duration::from_secs(5);

/// What a committer must know.
#[derive(Debug, Clone)]
pub struct CommitterSettings {
    /// The subnet.
    pub netuid: Netuid,
    /// Signs the weights.
    pub hotkey: Keypair,
    /// Blocks that must have gone by since our last weights; one more is enough.
    pub epoch_length: u64,
    /// Sent with the weights.
    pub version_key: u64,
    /// Blocks after which a transaction that is in none will never be in one.
    pub mortality: u64,
    /// Never set weights.
    pub is_disabled: bool,
    /// The journal's file.
    pub state_file: PathBuf,
}

/// The actor that owns the journal and the only one that signs weights.
pub struct WeightCommitter<C> {
    chain: C,
    settings: CommitterSettings,
    journal: Store,
    scoreboard: Link<Scoreboard>,
    heads: HeadFeed,
    metagraph: MetagraphFeed,
    notices: UnboundedSender<Notice>,
    memory: EpochMemory,
    /// The block at which the last entry was closed: older snapshots say nothing new.
    settled_at: u64,
    is_busy: bool,
    is_draining: bool,
}

/// What one attempt came to.
enum Attempt {
    /// Nothing to set: no scores yet, or none that make a vector.
    Nothing,
    /// Planned as this, and this is what the chain made of it.
    Made {
        intent: CommitIntent,
        started: Instant,
        id: CommitId,
        answer: Result<Included, ChainError>,
    },
}

impl<C: Chain> WeightCommitter<C> {
    /// Opens the journal.
    ///
    /// # Errors
    /// A state file that cannot be used, in words.
    pub fn open(
        chain: C,
        settings: CommitterSettings,
        scoreboard: Link<Scoreboard>,
        heads: HeadFeed,
        metagraph: MetagraphFeed,
        notices: UnboundedSender<Notice>,
    ) -> Result<Self, String> {
        let journal = Store::open(&settings.state_file).map_err(|error| error.to_string())?;
        let last_set = last_landed(&journal.commits().map_err(|error| error.to_string())?);
        if let Some(block) = last_set {
            gauge!(telemetry::WEIGHTS_BLOCK.name).set(block as f64);
        }
        for outcome in ["landed", "refused", "unresolved", "lost"] {
            // Seen from the start, so that the first one is a rise.
            counter!(telemetry::WEIGHT_COMMITS.name, "outcome" => outcome).increment(0);
        }
        let memory = EpochMemory::new(last_set);
        Ok(Self {
            chain,
            settings,
            journal,
            scoreboard,
            heads,
            metagraph,
            notices,
            memory,
            settled_at: 0,
            is_busy: false,
            is_draining: false,
        })
    }

    /// Looks at the newest block and does what is due: first settle what is open, then commit.
    fn look(&mut self, ctx: &mut Context<'_, Self>) {
        if self.is_busy || self.is_draining {
            return; // One submission in flight.
        }
        let open = match self.journal.open_commits() {
            Ok(open) => open,
            Err(error) => return ctx.fail(error.to_string()),
        };
        let metagraph = self.metagraph.borrow().clone();
        let Some(metagraph) = metagraph else { return };
        match open.into_iter().next() {
            Some(record) => self.resolve(record, ctx),
            None if self.is_due(&metagraph) => self.commit(&metagraph, ctx),
            None => {}
        }
    }

    fn is_due(&self, metagraph: &Metagraph) -> bool {
        let Some(seen) = *self.heads.borrow() else { return false };
        let Some(own) = metagraph.neuron_of(&self.settings.hotkey.account_id()) else {
            return false;
        };
        let facts = EpochFacts {
            block: seen.head.number,
            last_update: own.last_update,
            epoch_length: self.settings.epoch_length,
            step: 1, // The scoreboard says below whether anything was scored.
            disable_set_weights: self.settings.is_disabled,
            validator_permit: own.validator_permit,
        };
        let since = seen.head.number.saturating_sub(own.last_update);
        let is_news = metagraph.head.number >= self.settled_at;
        let is_allowed = is_news && since >= metagraph.hyperparameters.weights_rate_limit;
        is_allowed && self.memory.due(&facts, true).set_weights
    }

    /// Plans, writes down, signs. The journal entry is made on the actor, between two awaits.
    fn commit(&mut self, metagraph: &Metagraph, ctx: &mut Context<'_, Self>) {
        self.is_busy = true;
        let scoreboard = self.scoreboard.clone();
        let n_neurons = metagraph.neurons.len();
        let limits = (
            metagraph.hyperparameters.min_allowed_weights,
            metagraph.hyperparameters.max_weight_limit,
        );
        let uid = metagraph.neuron_of(&self.settings.hotkey.account_id()).map(|own| own.uid);
        let scores = async move { scoreboard.ask(GetScores, SCORES_WITHIN).await };
        ctx.run(scores, move |this, scores, ctx| {
            let (Some(uid), Some(weights)) = (uid, weights_from(scores, n_neurons, limits)) else {
                return this.settle(Attempt::Nothing, ctx);
            };
            let planned_block = this.heads.borrow().map_or(0, |seen| seen.head.number);
            let version_key = this.settings.version_key;
            let intent = CommitIntent { planned_block, uid, weights, version_key };
            match this.journal.plan_commit(&intent) {
                Ok(id) => this.sign(id, intent, ctx),
                Err(error) => ctx.fail(error.to_string()),
            }
        });
    }

    fn sign(&mut self, id: CommitId, intent: CommitIntent, ctx: &mut Context<'_, Self>) {
        let (chain, settings) = (self.chain.clone(), self.settings.clone());
        let started = Instant::now();
        let submit = async move {
            let answer = chain
                .set_weights(&settings.hotkey, settings.netuid, &intent.weights, intent.version_key)
                .await;
            Attempt::Made { intent, started, id, answer }
        };
        ctx.run(submit, Self::settle);
    }

    fn settle(&mut self, attempt: Attempt, ctx: &mut Context<'_, Self>) {
        let Attempt::Made { intent, started, id, answer } = attempt else {
            return self.rest(ctx);
        };
        match answer {
            Ok(included) => {
                histogram!(telemetry::WEIGHT_COMMIT_SECONDS.name)
                    .record(started.elapsed().as_secs_f64());
                let record = CommitRecord { id, intent, outcome: None };
                self.verify(record, Some(included), ctx);
            }
            Err(ChainError::Refused { refusal, .. }) => {
                let outcome = CommitOutcome::Refused { reason: refusal.label() };
                warn!(%refusal, "weights refused");
                self.close(id, &intent, &outcome, ctx);
            }
            Err(error) => {
                // The entry stays open: the next look asks the chain what became of it.
                counter!(telemetry::WEIGHT_COMMITS.name, "outcome" => "unresolved").increment(1);
                counter!(telemetry::CHAIN_ERRORS.name).increment(1);
                warn!(%error, "fate of the weights unknown, asking the chain");
                self.rest(ctx);
            }
        }
    }

    /// Nothing is in flight any more.
    fn rest(&mut self, ctx: &mut Context<'_, Self>) {
        self.is_busy = false;
        if self.is_draining {
            ctx.finish();
        }
    }

    /// An entry of unknown fate: the chain knows.
    fn resolve(&mut self, record: CommitRecord, ctx: &mut Context<'_, Self>) {
        self.is_busy = true;
        self.verify(record, None, ctx);
    }

    /// Reads back what the chain stores and closes the entry accordingly.
    fn verify(
        &mut self,
        record: CommitRecord,
        included: Option<Included>,
        ctx: &mut Context<'_, Self>,
    ) {
        let (chain, netuid) = (self.chain.clone(), self.settings.netuid);
        let own = self.settings.hotkey.account_id();
        let read = async move {
            let stored = chain.weights(netuid, record.intent.uid).await?;
            let metagraph = chain.metagraph(netuid).await?;
            let last_update = metagraph.neuron_of(&own).map(|neuron| neuron.last_update);
            let state = OnChain { stored, last_update, block: metagraph.head.number };
            Ok::<_, ChainError>((record, state))
        };
        ctx.run(read, move |this, read, ctx| match read {
            Ok((record, state)) => {
                this.settled_at = state.block;
                match judge(&record.intent, &state, included, this.settings.mortality) {
                    Some(outcome) => this.close(record.id, &record.intent, &outcome, ctx),
                    None => this.rest(ctx), // It may still land: asked again at the next block.
                }
            }
            Err(error) => {
                warn!(%error, "could not read the weights back, asking again");
                this.rest(ctx);
            }
        });
    }

    fn close(
        &mut self,
        id: CommitId,
        intent: &CommitIntent,
        outcome: &CommitOutcome,
        ctx: &mut Context<'_, Self>,
    ) {
        if let Err(error) = self.journal.settle_commit(id, outcome) {
            return ctx.fail(error.to_string());
        }
        self.rest(ctx);
        counter!(telemetry::WEIGHT_COMMITS.name, "outcome" => outcome.label()).increment(1);
        match outcome {
            CommitOutcome::Landed { block, .. } => {
                self.memory.record_set(*block);
                gauge!(telemetry::WEIGHTS_BLOCK.name).set(*block as f64);
                info!(block, weights = intent.weights.entries().len(), "weights are on chain");
            }
            // Refused at this block: no sense in asking again before the next epoch's end.
            CommitOutcome::Refused { .. } => self.memory.record_set(intent.planned_block),
            CommitOutcome::Lost => {}
        }
        // The account is for people; nobody need be reading.
        let _ = self.notices.send(Notice::Weights {
            entries: intent.weights.entries().to_vec(),
            outcome: outcome.clone(),
        });
    }
}

/// What the chain says of us at one block.
struct OnChain {
    stored: StoredWeights,
    last_update: Option<u64>,
    block: u64,
}

fn last_landed(journal: &[CommitRecord]) -> Option<u64> {
    let landed = journal.iter().filter_map(|record| match record.outcome {
        Some(CommitOutcome::Landed { block, .. }) => Some(block),
        _ => None,
    });
    landed.max()
}

fn weights_from(
    scores: Result<Option<std::sync::Arc<crate::conversation::ScoresSnapshot>>, AskError>,
    n_neurons: usize,
    (min_allowed, max_limit): (u16, u16),
) -> Option<WeightVector> {
    let scores = match scores {
        Ok(scores) => scores.filter(|scores| scores.turns > 0)?,
        Err(error) => {
            warn!(%error, "no scores for the weights, trying at the next block");
            return None;
        }
    };
    WeightVector::from_scores(&scores.values, n_neurons, min_allowed, max_limit)
        .inspect_err(|error| warn!(%error, "scores make no weights"))
        .ok()
}

/// What the chain's own state says of an intent. Landed: our last update is not older than the plan
/// and the stored weights are the planned ones, scaled as the chain scales them. `None`: the
/// transaction may still be on its way.
fn judge(
    intent: &CommitIntent,
    state: &OnChain,
    included: Option<Included>,
    mortality: u64,
) -> Option<CommitOutcome> {
    let updated = state.last_update.filter(|block| *block >= intent.planned_block);
    match updated {
        Some(block) if state.stored == intent.weights.entries() => Some(CommitOutcome::Landed {
            block: included.map_or(block, |included| included.head.number),
            transaction: included.map(|included| included.transaction),
        }),
        _ if state.block <= intent.planned_block + mortality => None,
        _ => Some(CommitOutcome::Lost),
    }
}

impl<C: Chain> Resident for WeightCommitter<C> {
    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), String> {
        ctx.listen(WatchStream::new(self.heads.clone()), |this, _, ctx| this.look(ctx));
        Ok(())
    }

    /// A setting that is signed already is followed to its end.
    fn drain(&mut self, _: &mut Context<'_, Self>) -> Drained {
        self.is_draining = true;
        if self.is_busy { Drained::Later } else { Drained::Now }
    }
}

#[cfg(test)]
mod tests {
    use sn1::chain::{Hash, Head, Uid};

    use super::*;

    fn intent() -> CommitIntent {
        let weights = WeightVector::new(vec![(Uid(1), 65_535), (Uid(2), 7)]).unwrap();
        CommitIntent { planned_block: 40, uid: Uid(0), weights, version_key: 1 }
    }

    #[test]
    fn an_intent_landed_only_if_the_chain_holds_its_weights_since_the_plan() {
        let state = |weights: &[(u16, u16)], last_update, block| OnChain {
            stored: weights.iter().map(|(uid, weight)| (Uid(*uid), *weight)).collect(),
            last_update,
            block,
        };
        let ours = [(1, 65_535), (2, 7)];
        let judge = |state, included| judge(&intent(), &state, included, 5);
        let landed = CommitOutcome::Landed { block: 41, transaction: None };
        assert_eq!(judge(state(&ours, Some(41), 41), None), Some(landed));
        let head = Head { number: 42, hash: Hash([1; 32]) };
        let included = Included { head, transaction: Hash([2; 32]) };
        let seen = CommitOutcome::Landed { block: 42, transaction: Some(Hash([2; 32])) };
        assert_eq!(judge(state(&ours, Some(42), 50), Some(included)), Some(seen));
        let others: [(&[(u16, u16)], _); 3] =
            [(&ours, Some(39)), (&ours, None), (&[(1, 65_535)], Some(41))];
        for (weights, last_update) in others {
            assert_eq!(judge(state(weights, last_update, 45), None), None, "it may still land");
            let lost = judge(state(weights, last_update, 46), None);
            assert_eq!(lost, Some(CommitOutcome::Lost));
        }
    }
}
