//! Questions to miners, and what comes back.

use std::time::Duration;

use actix::Message;
use sn1::chain::{AxonInfo, Uid};
use sn1::synapse::outcome::Outcome;
use sn1::wallet::AccountId;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// A miner to ask.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its uid in the subnet.
    pub uid: Uid,
    /// Its hotkey, which the signature of the request covers.
    pub hotkey: AccountId,
    /// The address of its axon, from the metagraph.
    pub axon: AxonInfo,
}

/// One miner's answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The miner that was asked.
    pub target: Target,
    /// The text that each read returned, with the seconds since the request was sent.
    pub chunks: Vec<(String, f64)>,
    /// The HTTP status; `None` when no head arrived.
    pub http_status: Option<u16>,
    /// Status code, message, process time and the whole text.
    pub outcome: Outcome,
    /// When the exchange ended.
    pub ended: Instant,
}

/// Asks miners. The reply is the channel of their answers: each comes when it is complete, none
/// later than the timeout, and the channel closes after the last.
#[derive(Message, Debug, Clone)]
#[rtype(result = "mpsc::Receiver<Answer>")]
pub struct AskMiners {
    /// The miners to ask.
    pub targets: Vec<Target>,
    /// The role of each message.
    pub roles: Vec<String>,
    /// The text of each message, in order.
    pub messages: Vec<String>,
    /// Time for each miner, from connecting to the last byte.
    pub timeout: Duration,
    /// Receives every head and chunk as it arrives, before the answers are complete. Every event of
    /// a miner is sent before its [`Answer`]. The round goes on when the receiver has gone.
    pub progress: Option<mpsc::UnboundedSender<Progress>>,
}

/// One event from one miner.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The miner that it came from.
    pub target: Target,
    /// What arrived.
    pub event: ProgressEvent,
}

/// What arrived from a miner. Times are in seconds since the dendrite accepted the question.
#[derive(Debug, Clone, PartialEq)]
pub enum ProgressEvent {
    /// The head of a reply; nothing in it is authenticated.
    Head {
        /// The code of the status line.
        http_status: u16,
        /// When the head was complete.
        after_s: f64,
    },
    /// Text, one event for each read that returned some. A refusal has none.
    Chunk {
        /// The whole characters that the read completed.
        text: String,
        /// When the text was read.
        after_s: f64,
    },
}
