//! How an agent holds conversations, and whom it asks.

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
use crate::inference::{Embed, Generate, PoolCapabilities};
use crate::messages::events::LogEvent;
use crate::messages::miners::AskMiners;
use crate::messages::scores::{FinishPass, GetScores, RecordTurn};
use crate::messages::tasks::NextTask;
use crate::notice::Notice;
use crate::supervision::Recipient;

/// How conversations are held.
#[derive(Debug, Clone)]
pub struct AgentSettings {
    /// Our hotkey.
    pub hotkey: AccountId,
    /// For each miner, connect to last byte.
    pub timeout: Duration,
    /// Miners that are known to come, with their axons: the first question waits for them, within
    /// [`AgentSettings::forward_max_time`]. Empty where nobody is known beforehand.
    pub expected: Arc<[(AccountId, AxonInfo)]>,
    /// Miners asked in a turn.
    pub sample_size: usize,
    /// A permit holder with more stake than this, in TAO, is a validator and not asked.
    pub vpermit_tao_limit: f64,
    /// One miner for each coldkey.
    pub query_unique_coldkeys: bool,
    /// One miner for each address.
    pub query_unique_ips: bool,
    /// The reward models of this process.
    pub rewards: RewardPipeline,
    /// How references are generated.
    pub reference: GenerateSettings,
    /// How challenges and follow-ups are generated.
    pub challenge: GenerateSettings,
    /// For one text of the model.
    pub generate_within: Duration,
    /// For a whole pass.
    pub forward_max_time: Duration,
    /// Whether events hold the context's fields.
    pub log_full: bool,
    /// Seeds every draw of this conversation.
    pub seed: u64,
}

/// Whom an agent talks to.
#[derive(Clone)]
pub struct AgentLinks {
    /// Gives tasks.
    pub task_factory: Recipient<NextTask>,
    /// Asks miners.
    pub dendrite: Recipient<AskMiners>,
    /// Has the scores.
    pub scores: Recipient<GetScores>,
    /// Keeps turns.
    pub turns: Recipient<RecordTurn>,
    /// Counts conversations.
    pub passes: Recipient<FinishPass>,
    /// Keeps events.
    pub event_log: Recipient<LogEvent>,
    /// Generates texts.
    pub pool: Recipient<Generate>,
    /// Embeds texts.
    pub encoder: Recipient<Embed>,
    /// What the two can be asked for: without a model a conversation ends after its first turn.
    pub capabilities: PoolCapabilities,
    /// The subnet.
    pub metagraph: MetagraphFeed,
    /// No conversation begins on a subnet that we know too little of.
    pub age: SnapshotAge,
    /// Counts tokens in chunks.
    pub tokenizer: Arc<Tokenizer>,
    /// The embedding of the empty text, which never changes.
    pub empty_embedding: Arc<OnceCell<Vec<f32>>>,
    /// Tells people.
    pub notices: UnboundedSender<Notice>,
}
