//! What actors tell people. Nobody need be listening.

use sn1::chain::{CommitOutcome, Uid};

/// Something that a person at the terminal wants to hear of.
#[derive(Debug, Clone)]
pub enum Notice {
    /// A turn was scored and recorded.
    Turn(Box<TurnNotice>),
    /// The fate of a weight setting is known.
    Weights {
        /// What was set.
        entries: Vec<(Uid, u16)>,
        /// What became of it.
        outcome: CommitOutcome,
    },
}

/// A scored turn, as people want to hear of it.
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
