//! Rewards: what one answer is worth against the text that it is compared with
//! (docs/spec/mechanism.md#tasks and docs/spec/mechanism.md#rewards).
//!
//! A [`Reward`] is a file of this folder and a line of [`REWARDS`]. It knows no task: the tasks'
//! definitions name their rewards with a weight each ([`Weighted`]), and [`TaskRewards`] puts the
//! scores of a batch together. Everything is kept in 32 bits, as the validators whose weights ours
//! are compared with do. Response time and status never enter; embeddings and token counts arrive
//! as arguments.

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

/// Every reward, one line each, with the options it has where a definition gives none.
pub const REWARDS: &[&dyn Reward] = &[
    &rouge::Rouge { ngram: None },
    &relevance::Relevance,
    &float_diff::FloatDiff,
    &streaming::Streaming { max_tokens_per_chunk: 200 },
];

/// A way to score completions.
pub trait Reward: fmt::Debug + Send + Sync {
    /// The name that definitions, event logs and the file of the reward carry.
    fn name(&self) -> &'static str;

    /// The options that a task's definition gives, as the reference's definitions spell them.
    fn options(&self) -> Map<String, Value> {
        Map::new()
    }

    /// What an event log says about the reward.
    fn extra_info(&self) -> Value {
        json!({ "type": self.name() })
    }

    /// Whether it compares embeddings. Then it can only compare with the reference.
    fn needs_embeddings(&self) -> bool {
        false
    }

    /// Makes ready to compare completions with `text`, which is the reference of a batch or, for a
    /// penalty, its challenge. What takes long and is the same for every completion belongs here.
    /// `embeddings` are there where the reward [needs](Reward::needs_embeddings) them.
    ///
    /// # Errors
    /// When nothing can be compared with `text`.
    fn prepare<'a>(
        &'a self,
        text: &'a str,
        embeddings: Option<&'a Embeddings>,
    ) -> Result<Scorer<'a>, RewardError>;
}

/// Scores one completion, in 0..1. A score that is no number counts as 0.
pub type Scorer<'a> = Box<dyn Fn(&Completion<'_>) -> f32 + Send + Sync + 'a>;

/// One miner's answer. It comes from a stranger: whatever it holds, scoring it neither fails nor
/// takes long.
#[derive(Debug, Clone, Copy)]
pub struct Completion<'a> {
    /// The whole text; empty where there was none.
    pub text: &'a str,
    /// The tokens in each chunk.
    pub tokens_per_chunk: &'a [u32],
    /// The text's embedding; empty where the reward needs none.
    pub embedding: &'a [f32],
}

/// The embeddings that a batch is compared by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Embeddings {
    /// Of the reference.
    pub reference: Vec<f32>,
    /// Of the empty text.
    pub empty: Vec<f32>,
    /// Of each completion.
    pub completions: Vec<Vec<f32>>,
}

/// One line of a task's reward or penalty table.
#[derive(Debug, Clone, Copy)]
pub struct Weighted {
    /// What scores the completions.
    pub model: Model,
    /// How much its score counts, in 0..1.
    pub weight: f64,
}

impl Weighted {
    /// A reward with its weight.
    pub const fn new(reward: &'static dyn Reward, weight: f64) -> Self {
        Self { model: Model::Made(reward), weight }
    }

    /// A reward that the mechanism has and this version does not compute.
    pub const fn planned(name: &'static str, weight: f64) -> Self {
        Self { model: Model::Planned(name), weight }
    }
}

/// What a definition scores by.
#[derive(Debug, Clone, Copy)]
pub enum Model {
    /// A reward of this version.
    Made(&'static dyn Reward),
    /// The name of a reward that this version does not compute.
    Planned(&'static str),
}

impl Model {
    /// The reward's name.
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
    /// A reward that this software has no arithmetic for.
    #[error("needed the reward model `{0}`, which is not available; leave out the tasks using it")]
    NotAvailable(&'static str),
    /// An empty batch.
    #[error("scored a batch without completions; send the challenge to at least one miner")]
    NoCompletions,
    /// A list that does not go with the completions.
    #[error("read {got} {what} for {expected} completions; give one for each completion")]
    Count {
        /// What the list holds.
        what: &'static str,
        /// How many completions there are.
        expected: usize,
        /// How many entries the list has.
        got: usize,
    },
    /// Embeddings missing where a reward needs them.
    #[error("scored a task that needs embeddings without them; embed the texts first")]
    EmbeddingsMissing,
    /// A reference that is no number where the task needs one (docs/spec/mechanism.md#quirk-11).
    #[error("read the reference `{0}` as a number, which it is not; draw the task again")]
    ReferenceNotANumber(String),
}

#[cfg(test)]
pub(super) mod tests;
