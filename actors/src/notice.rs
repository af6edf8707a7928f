//! What actors report for the console. Nobody need be listening.

use sn1::chain::{CommitOutcome, Uid};

/// An event that the operator at the terminal wants to see.
#[derive(Debug, Clone)]
pub enum Notice {
    /// A turn was scored and recorded.
    Turn(Box<TurnNotice>),
    /// The outcome of a weight setting is known.
    Weights {
        /// The weights that were set, by uid.
        entries: Vec<(Uid, u16)>,
        /// The outcome of the setting.
        outcome: CommitOutcome,
    },
}

/// A scored turn, as the console shows it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields say what they are")]
pub struct TurnNotice {
    pub step: u64,
    pub turn: u8,
    pub task: &'static str,
    pub topic: String,
    pub persona: String,
    pub challenge: String,
    pub best: String,
    pub uids: Vec<u16>,
    pub rewards: Vec<f32>,
    pub scores: Vec<f32>,
    pub seconds: f64,
}
