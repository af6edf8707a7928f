//! Asking miners: whom, what, and what comes back.

use std::time::Duration;

use actix::Message;
use sn1::chain::{AxonInfo, Uid};
use sn1::synapse::outcome::Outcome;
use sn1::wallet::AccountId;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// A miner to be asked.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its slot.
    pub uid: Uid,
    /// Its hotkey, which the request is signed for.
    pub hotkey: AccountId,
    /// Where it serves.
    pub axon: AxonInfo,
}

/// One miner's answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Who was asked.
    pub target: Target,
    /// What each read brought: text and seconds since the request was sent.
    pub chunks: Vec<(String, f64)>,
    /// The HTTP status, if a head came.
    pub http_status: Option<u16>,
    /// Status, message, process time and the whole text.
    pub outcome: Outcome,
    /// When it ended.
    pub ended: Instant,
}

/// Asks miners. The reply is the channel on which their answers come, each when it is complete and
/// none later than the timeout; it closes after the last.
#[derive(Message, Debug, Clone)]
#[rtype(result = "mpsc::Receiver<Answer>")]
pub struct AskMiners {
    /// Whom.
    pub targets: Vec<Target>,
    /// Roles of the messages.
    pub roles: Vec<String>,
    /// The conversation.
    pub messages: Vec<String>,
    /// For each miner, all in all.
    pub timeout: Duration,
    /// Told of every head and chunk as it arrives, before the answers are complete. Every event of
    /// a miner is sent before its [`Answer`]. A receiver that is gone is no reason to stop.
    pub progress: Option<mpsc::UnboundedSender<Progress>>,
}

/// One thing that arrived from one miner.
#[derive(Debug, Clone)]
pub struct Progress {
    /// From whom.
    pub target: Target,
    /// What.
    pub event: ProgressEvent,
}

/// What arrived from a miner. Times are seconds since the question was taken up.
#[derive(Debug, Clone, PartialEq)]
pub enum ProgressEvent {
    /// The head of a reply; nothing in it is authenticated.
    Head {
        /// Of the status line.
        http_status: u16,
        /// When it was whole.
        after_s: f64,
    },
    /// Text, one event for each read that brought some. Of a refusal there is none.
    Chunk {
        /// The whole characters that the read completed.
        text: String,
        /// When it was read.
        after_s: f64,
    },
}
