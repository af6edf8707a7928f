//! Rewards: the value of an answer, compared with a reference text (docs/spec/mechanism.md#tasks
//! and docs/spec/mechanism.md#rewards).
//!
//! Each [`Reward`] has a file in this folder and a line in [`REWARDS`]. It knows no task: a task's
//! definition names its rewards and their weights ([`Weighted`]), and [`TaskRewards`] combines the
//! scores of a batch. All scores are 32-bit, as in the validators whose weights are compared with
//! ours. Response time and status do not count; embeddings and token counts are arguments.

mod evaluation;
pub mod float_diff;
pub mod relevance;
pub mod rouge;
pub mod streaming;

use std::fmt;

use serde_json::{Map, Value, json};

pub use self::evaluation::{
    Batch, Evaluation, Kind, ModelScores, RewardPipeline, TaskRewards, normalize,
};

/// Every reward, one line each, with the options that apply if a definition gives none.
pub const REWARDS: &[&dyn Reward] = &[
    &rouge::Rouge { ngram: None },
    &relevance::Relevance,
    &float_diff::FloatDiff,
    &streaming::Streaming { max_tokens_per_chunk: 200 },
];

/// A way to score completions.
pub trait Reward: fmt::Debug + Send + Sync {
    /// The name used in definitions, in event logs and for the reward's file.
    fn name(&self) -> &'static str;

    /// The options that a task's definition gives, as the reference's definitions spell them.
    fn options(&self) -> Map<String, Value> {
        Map::new()
    }

    /// Details of the reward for the event log.
    fn extra_info(&self) -> Value {
        json!({ "type": self.name() })
    }

    /// Whether the reward compares embeddings. Such a reward can only compare with the reference.
    fn needs_embeddings(&self) -> bool {
        false
    }

    /// Prepares to compare completions with `text`, which is the reference of a batch or, for a
    /// penalty, its challenge. Slow work that is the same for every completion belongs here.
    /// `embeddings` are present if the reward [needs](Reward::needs_embeddings) them.
    ///
    /// # Errors
    /// Nothing can be compared with `text`.
    fn prepare<'a>(
        &'a self,
        text: &'a str,
        embeddings: Option<&'a Embeddings>,
    ) -> Result<Scorer<'a>, RewardError>;
}

/// Scores one completion, in 0..1. NaN counts as 0.
pub type Scorer<'a> = Box<dyn Fn(&Completion<'_>) -> f32 + Send + Sync + 'a>;

/// The answer of one miner. It is untrusted: whatever it holds, scoring must neither fail nor take
/// long.
#[derive(Debug, Clone, Copy)]
pub struct Completion<'a> {
    /// The whole text; empty if there was no answer.
    pub text: &'a str,
    /// Number of tokens in each chunk.
    pub tokens_per_chunk: &'a [u32],
    /// The text's embedding; empty if the reward needs none.
    pub embedding: &'a [f32],
}

/// The embeddings that a batch is scored with.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Embeddings {
    /// The embedding of the reference.
    pub reference: Vec<f32>,
    /// The embedding of the empty text.
    pub empty: Vec<f32>,
    /// The embedding of each completion.
    pub completions: Vec<Vec<f32>>,
}

/// One entry of a task's reward or penalty table.
#[derive(Debug, Clone, Copy)]
pub struct Weighted {
    /// The reward model.
    pub model: Model,
    /// Weight of its score in the total, in 0..1.
    pub weight: f64,
}

impl Weighted {
    /// An entry with a reward of this version.
    pub const fn new(reward: &'static dyn Reward, weight: f64) -> Self {
        Self { model: Model::Made(reward), weight }
    }

    /// An entry with a reward of the mechanism that this version does not compute.
    pub const fn planned(name: &'static str, weight: f64) -> Self {
        Self { model: Model::Planned(name), weight }
    }
}

/// A reward model, as a definition names it.
#[derive(Debug, Clone, Copy)]
pub enum Model {
    /// A reward that this version computes.
    Made(&'static dyn Reward),
    /// The name of a reward that this version does not compute.
    Planned(&'static str),
}

impl Model {
    /// The name of the reward.
    pub fn name(self) -> &'static str {
        match self {
            Self::Made(reward) => reward.name(),
            Self::Planned(name) => name,
        }
    }
}

/// Why a batch cannot be scored.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RewardError {
    /// This version does not compute the named reward.
    #[error("needed the reward model `{0}`, which is not available; leave out the tasks using it")]
    NotAvailable(&'static str),
    /// The batch has no completions.
    #[error("scored a batch without completions; send the challenge to at least one miner")]
    NoCompletions,
    /// A list has another length than the completions.
    #[error("read {got} {what} for {expected} completions; give one for each completion")]
    Count {
        /// What the list holds.
        what: &'static str,
        /// Number of completions.
        expected: usize,
        /// Number of entries in the list.
        got: usize,
    },
    /// A reward needs embeddings, and the batch has none.
    #[error("scored a task that needs embeddings without them; embed the texts first")]
    EmbeddingsMissing,
    /// The reference is not a number, but the task needs one (docs/spec/mechanism.md#quirk-11).
    #[error("read the reference `{0}` as a number, which it is not; draw the task again")]
    ReferenceNotANumber(String),
}

#[cfg(test)]
pub(super) mod tests;
