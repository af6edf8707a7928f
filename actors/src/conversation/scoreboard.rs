//! The moving averages of the miners' scores. The scoreboard alone owns them; all others read
//! snapshots from the [`ScoreFeed`](crate::feeds::ScoreFeed), which are published once they are on
//! disk.
//!
//! A turn and the scores that follow from it are committed to the store before the turn is
//! acknowledged. A turn counts once however often it is sent, so an asker that got no answer may
//! send it again.

use std::path::PathBuf;
use std::sync::Arc;

use metrics::gauge;
use sn1::chain::{AxonInfo, Metagraph, Uid};
use sn1::store::{Recorded, ResponseRecord, ScoreState, ScoredMiner, Store, TurnRecord};
use sn1::telemetry;
use sn1::validation::scoring::{Averaging, Axons, Scores};
use sn1::wallet::AccountId;
use tokio::sync::watch;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::WatchStream;
use tracing::info;

use crate::feeds::{MetagraphFeed, ScoresSnapshot};
use crate::messages::scores::{FinishPass, GetScores, RecordError, RecordTurn};
use crate::supervision::{Context, Handles, Reply, Resident};

/// How scores are averaged, and where they are stored.
#[derive(Debug, Clone)]
pub struct ScoreboardSettings {
    /// The share of a new reward in the average, and the decay.
    pub averaging: Averaging,
    /// The path of the state file.
    pub state_file: PathBuf,
}

/// The actor that owns the scores.
pub struct Scoreboard {
    settings: ScoreboardSettings,
    store: Store,
    scores: Scores<AccountId>,
    axons: Vec<(AccountId, AxonInfo)>,
    steps: u64,
    turns: u64,
    metagraph: MetagraphFeed,
    published: Arc<watch::Sender<Option<Arc<ScoresSnapshot>>>>,
}

impl Scoreboard {
    /// Reads the scores from the store, follows `metagraph`, and publishes the scores to
    /// `published` after each commit.
    ///
    /// # Errors
    /// When the state file cannot be used.
    pub fn open(
        settings: ScoreboardSettings,
        metagraph: MetagraphFeed,
        published: Arc<watch::Sender<Option<Arc<ScoresSnapshot>>>>,
    ) -> Result<Self, RecordError> {
        let store = Store::open(&settings.state_file)?;
        let state = store.load_scores()?;
        let (hotkeys, values) =
            state.miners.iter().map(|miner| (miner.hotkey, miner.score)).unzip();
        info!(
            steps = state.steps,
            turns = state.turns,
            miners = state.miners.len(),
            "scores loaded"
        );
        let scores = Scores::restore(values, hotkeys);
        let (steps, turns) = (state.steps, state.turns);
        let axons = Vec::new();
        Ok(Self { settings, store, scores, axons, steps, turns, metagraph, published })
    }

    fn state(&self) -> ScoreState {
        let miners = self.scores.hotkeys().iter().zip(self.scores.values());
        let miners = miners.map(|(hotkey, score)| ScoredMiner { hotkey: *hotkey, score: *score });
        ScoreState { steps: self.steps, turns: self.turns, miners: miners.collect() }
    }

    /// Follows the metagraph: a slot whose hotkey changed starts again from 0.
    fn resync(&mut self, metagraph: &Metagraph) -> Result<(), RecordError> {
        let axons: Vec<_> =
            metagraph.neurons.iter().map(|neuron| (neuron.hotkey, neuron.axon)).collect();
        let changed = if axons == self.axons { Axons::Unchanged } else { Axons::Changed };
        let hotkeys: Vec<AccountId> = axons.iter().map(|(hotkey, _)| *hotkey).collect();
        let before = self.scores.clone();
        self.scores.resync(&hotkeys, changed);
        self.axons = axons;
        if before == self.scores {
            return Ok(());
        }
        self.store.save_scores(&self.state())?;
        self.publish();
        Ok(())
    }

    /// The answers of miners that still hold the slot in which they were asked; the others do not
    /// count.
    fn still_theirs(&self, responses: &[ResponseRecord]) -> Vec<ResponseRecord> {
        let holds = |response: &&ResponseRecord| {
            self.scores.hotkeys().get(usize::from(response.uid.0)) == Some(&response.hotkey)
        };
        responses.iter().filter(holds).cloned().collect()
    }

    fn record(&mut self, mut turn: TurnRecord) -> Result<Arc<ScoresSnapshot>, RecordError> {
        if self.store.has_turn(&turn.id)? {
            return Ok(self.snapshot());
        }
        turn.responses = self.still_theirs(&turn.responses);
        let uids: Vec<u16> = turn.responses.iter().map(|response| response.uid.0).collect();
        let rewards: Vec<f32> = turn.responses.iter().map(|response| response.reward).collect();
        let (before, turns_before) = (self.scores.clone(), self.turns);
        self.scores.update(&uids, &rewards, self.settings.averaging)?;
        self.turns += 1;
        match self.store.record_turn(&turn, &self.state()) {
            Ok(Recorded::Now) => {
                self.publish();
                Ok(self.snapshot())
            }
            Ok(Recorded::Before) => Ok(self.snapshot()),
            Err(error) => {
                (self.scores, self.turns) = (before, turns_before);
                Err(error.into())
            }
        }
    }

    /// Publishes the committed scores. Before the first metagraph there are none.
    fn publish(&self) {
        if let Some(snapshot) = self.known() {
            self.published.send_replace(Some(snapshot));
        }
        gauge!(telemetry::CONVERSATION_STEPS.name).set(self.steps as f64);
        for (uid, score) in (0..).zip(self.scores.values()) {
            gauge!(telemetry::MINER_SCORE.name, "uid" => Uid(uid).to_string())
                .set(f64::from(*score));
        }
    }

    fn finish_pass(&mut self, id: &str) -> Result<u64, RecordError> {
        let after = ScoreState { steps: self.steps + 1, ..self.state() };
        match self.store.record_pass(id, &after)? {
            Recorded::Now => self.steps += 1,
            Recorded::Before => {}
        }
        self.publish();
        Ok(self.steps)
    }

    fn known(&self) -> Option<Arc<ScoresSnapshot>> {
        (!self.scores.hotkeys().is_empty()).then(|| self.snapshot())
    }

    fn snapshot(&self) -> Arc<ScoresSnapshot> {
        Arc::new(ScoresSnapshot {
            steps: self.steps,
            turns: self.turns,
            values: self.scores.values().to_vec(),
            hotkeys: self.scores.hotkeys().to_vec(),
        })
    }
}

impl Resident for Scoreboard {
    type Error = RecordError;

    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), Self::Error> {
        let known = self.metagraph.borrow().clone();
        if let Some(metagraph) = known {
            self.resync(&metagraph)?;
        }
        self.publish();
        let snapshots =
            WatchStream::from_changes(self.metagraph.clone()).filter_map(|latest| latest);
        ctx.listen(snapshots, |this, metagraph, ctx| {
            if let Err(error) = this.resync(&metagraph) {
                ctx.fail(error);
            }
        });
        Ok(())
    }
}

impl Handles<GetScores> for Scoreboard {
    fn handle(
        &mut self,
        _: GetScores,
        _: &mut Context<'_, Self>,
    ) -> Reply<Option<Arc<ScoresSnapshot>>> {
        Reply::Now(self.known())
    }
}

impl Handles<RecordTurn> for Scoreboard {
    fn handle(
        &mut self,
        RecordTurn(turn): RecordTurn,
        ctx: &mut Context<'_, Self>,
    ) -> Reply<Result<Arc<ScoresSnapshot>, RecordError>> {
        or_end(self.record(TurnRecord::clone(&turn)), ctx)
    }
}

impl Handles<FinishPass> for Scoreboard {
    fn handle(
        &mut self,
        FinishPass(id): FinishPass,
        ctx: &mut Context<'_, Self>,
    ) -> Reply<Result<u64, RecordError>> {
        or_end(self.finish_pass(&id), ctx)
    }
}

/// Replies; an error ends the scoreboard too, which then reads the store anew.
fn or_end<T>(
    outcome: Result<T, RecordError>,
    ctx: &mut Context<'_, Scoreboard>,
) -> Reply<Result<T, RecordError>> {
    if let Err(error) = &outcome {
        ctx.fail(error.clone());
    }
    Reply::Now(outcome)
}
