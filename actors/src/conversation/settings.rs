//! How an agent holds conversations, and which actors it talks to.

use std::sync::Arc;
use std::time::Duration;

use sn1::chain::AxonInfo;
use sn1::llm::request::GenerateSettings;
use sn1::llm::tokenizer::Tokenizer;
use sn1::validation::rewards::RewardPipeline;
use sn1::wallet::AccountId;
use tokio::sync::OnceCell;
use tokio::sync::mpsc::UnboundedSender;

use crate::feeds::{MetagraphFeed, SnapshotAge};
use crate::inference::PoolCapabilities;
use crate::messages::events::LogEvent;
use crate::messages::inference::{Embed, Generate};
use crate::messages::miners::AskMiners;
use crate::messages::scores::{FinishPass, GetScores, RecordTurn};
use crate::messages::tasks::NextTask;
use crate::notice::Notice;
use crate::supervision::Recipient;

/// How conversations are held.
#[derive(Debug, Clone)]
pub struct AgentSettings {
    /// The validator's own hotkey, which is never asked.
    pub hotkey: AccountId,
    /// Time for each miner, from connecting to the last byte.
    pub timeout: Duration,
    /// Miners that are expected to register, with their axons: the first question waits for them,
    /// at most [`AgentSettings::forward_max_time`]. Empty when none is known in advance.
    pub expected: Arc<[(AccountId, AxonInfo)]>,
    /// How many miners a turn asks.
    pub sample_size: usize,
    /// A permit holder with more stake than this, in TAO, counts as a validator and is not asked.
    pub vpermit_tao_limit: f64,
    /// Ask at most one miner of each coldkey.
    pub query_unique_coldkeys: bool,
    /// Ask at most one miner at each IP address.
    pub query_unique_ips: bool,
    /// The reward models of this process, shared by all agents.
    pub rewards: RewardPipeline,
    /// How the model generates references.
    pub reference: GenerateSettings,
    /// How the model generates challenges and follow-up questions.
    pub challenge: GenerateSettings,
    /// Time for the model to generate one text.
    pub generate_within: Duration,
    /// Time for a whole pass.
    pub forward_max_time: Duration,
    /// Whether events include the fields of the task's context.
    pub log_full: bool,
    /// The seed of every random draw in this conversation.
    pub seed: u64,
}

/// The actors and feeds that an agent uses.
#[derive(Clone)]
pub struct AgentLinks {
    /// Answers with the next task.
    pub task_factory: Recipient<NextTask>,
    /// Asks the miners.
    pub dendrite: Recipient<AskMiners>,
    /// Answers with the current scores.
    pub scores: Recipient<GetScores>,
    /// Records scored turns.
    pub turns: Recipient<RecordTurn>,
    /// Counts finished conversations.
    pub passes: Recipient<FinishPass>,
    /// Appends events to the event log.
    pub event_log: Recipient<LogEvent>,
    /// Generates text.
    pub pool: Recipient<Generate>,
    /// Embeds texts.
    pub encoder: Recipient<Embed>,
    /// What the pool can do: without a language model a conversation ends after its first turn.
    pub capabilities: PoolCapabilities,
    /// The newest metagraph.
    pub metagraph: MetagraphFeed,
    /// The age of the metagraph: no conversation begins while it is too old.
    pub age: SnapshotAge,
    /// Counts the tokens of chunks.
    pub tokenizer: Arc<Tokenizer>,
    /// The embedding of the empty text, which never changes; computed once.
    pub empty_embedding: Arc<OnceCell<Vec<f32>>>,
    /// Where turns are reported for the console.
    pub notices: UnboundedSender<Notice>,
}
