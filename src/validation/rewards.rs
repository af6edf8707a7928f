//! What a batch of completions is worth (docs/spec/mechanism.md#tasks and
//! docs/spec/mechanism.md#rewards).
//!
//! Rewards compare completions with the reference, penalties with the challenge. Everything is
//! kept in 32 bits, as the validators whose weights ours are compared with do. Response time and
//! status never enter; embeddings and token counts arrive as arguments.

pub mod float_diff;
mod mix;
pub mod relevance;
pub mod rouge;
pub mod streaming;
mod task;

pub use mix::TaskMix;
pub use task::{Definition, GLOBAL_PENALTIES, RewardModel, TaskName};

use serde_json::Value;

use rouge::RougeVariant;

/// Why rewards cannot be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RewardError {
    /// A name that is none of the seven tasks'.
    #[error("looked up the task `{0}`, which does not exist; use one of the seven known names")]
    UnknownTask(String),
    /// A model that this software has no arithmetic for.
    #[error("needed the reward model `{0}`, which is not available; leave out the tasks using it")]
    NotAvailable(RewardModel),
    /// A weight outside 0..1.
    #[error("checked the weight {weight} of `{model}` in task `{task}`: it must lie in 0..1")]
    WeightRange {
        /// The task.
        task: TaskName,
        /// The model.
        model: RewardModel,
        /// Its weight.
        weight: f64,
    },
    /// Reward weights that do not sum to 1.
    #[error("summed the reward weights of task `{task}` to {sum}: the sum must be 1")]
    WeightSum {
        /// The task.
        task: TaskName,
        /// The sum.
        sum: f64,
    },
    /// No active task.
    #[error("started without any active task; name at least one")]
    NoTasks,
    /// More or fewer probabilities than tasks.
    #[error("read {got} task probabilities for {expected} tasks; give one for each task")]
    ProbabilityCount {
        /// How many tasks there are.
        expected: usize,
        /// How many probabilities.
        got: usize,
    },
    /// Probabilities that are negative or do not sum to 1.
    #[error("summed the task probabilities to {0}: none may be negative, and the sum must be 1")]
    ProbabilitySum(f64),
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
    /// Relevance scores missing where the task needs them.
    #[error("scored a task that needs relevance without relevance scores; encode the texts first")]
    RelevanceMissing,
    /// A reference that is no number where the task needs one (docs/spec/mechanism.md#quirk-11).
    #[error("read the reference `{0}` as a number, which it is not; draw the task again")]
    ReferenceNotANumber(String),
}

/// What a model's score does to the total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Adds to it; compares with the reference.
    Reward,
    /// Takes a share away; compares with the challenge.
    Penalty,
}

impl Kind {
    /// The word that event keys carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reward => "reward",
            Self::Penalty => "penalty",
        }
    }
}

/// All that a batch of completions is scored by. Lists are in the order of the miners asked.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a, S> {
    /// The answer that rewards compare with.
    pub reference: &'a str,
    /// The question that penalties compare with.
    pub challenge: &'a str,
    /// One answer for each miner; empty where there was none.
    pub completions: &'a [S],
    /// The tokens in each chunk of each answer.
    pub tokens_per_chunk: &'a [Vec<u32>],
    /// Relevance scores, in 0..1, where the task needs them.
    pub relevance: Option<&'a [f32]>,
}

/// One model's scores of a batch, as the event log shows them.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelScores {
    /// The model.
    pub model: RewardModel,
    /// Whether it rewards or penalizes.
    pub kind: Kind,
    /// How much it counts.
    pub weight: f64,
    /// The scores, in 0..1.
    pub raw: Vec<f32>,
    /// The scores stretched over 0..1; see [`normalize`].
    pub normalized: Vec<f32>,
    /// Seconds for each completion.
    pub timings: Vec<f64>,
    /// Seconds for the batch.
    pub batch_time: f64,
    /// The model's settings.
    pub extra_info: Value,
}

/// The rewards of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The reward of each completion.
    pub totals: Vec<f32>,
    /// The place of the first completion with the highest reward.
    pub best: usize,
    /// What went into the totals: rewards, then penalties, in the order of their definitions.
    pub models: Vec<ModelScores>,
}

/// The rewards and penalties of one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskRewards {
    task: TaskName,
    rouge: RougeVariant,
}

impl TaskRewards {
    /// Prepares a task's rewards, with the rouge variant of the process
    /// ([`RougeVariant::of_tasks`]).
    ///
    /// # Errors
    ///
    /// [`RewardError::NotAvailable`] if the task has a model that this software lacks.
    pub fn new(task: TaskName, rouge: RougeVariant) -> Result<Self, RewardError> {
        let this = Self { task, rouge };
        match this.definitions().find(|(_, one)| !one.model.is_available()) {
            Some((_, missing)) => Err(RewardError::NotAvailable(missing.model)),
            None => Ok(this),
        }
    }

    /// The task.
    pub fn task(self) -> TaskName {
        self.task
    }

    /// Whether a [`Batch`] of this task must have relevance scores.
    pub fn needs_relevance(self) -> bool {
        self.definitions().any(|(_, one)| one.model == RewardModel::Relevance)
    }

    /// Scores a batch. `clock` tells the time in seconds, from any origin; it is asked only to
    /// time the models.
    ///
    /// # Errors
    ///
    /// A batch without completions, lists of different lengths, missing relevance scores, or a
    /// reference that is no number in a task that needs one.
    pub fn evaluate<S: AsRef<str>>(
        self,
        batch: &Batch<'_, S>,
        clock: &mut dyn FnMut() -> f64,
    ) -> Result<Evaluation, RewardError> {
        check_batch(batch)?;
        let models = self
            .definitions()
            .map(|(kind, definition)| self.model_scores(kind, definition, batch, clock))
            .collect::<Result<Vec<_>, _>>()?;
        let totals = totals(&models, batch.completions.len());
        Ok(Evaluation { best: first_highest(&totals), totals, models })
    }

    fn definitions(self) -> impl Iterator<Item = (Kind, Definition)> {
        let rewards = self.task.rewards().iter().map(|one| (Kind::Reward, *one));
        let penalties = self.task.penalties().iter().chain(GLOBAL_PENALTIES);
        rewards.chain(penalties.map(|one| (Kind::Penalty, *one)))
    }

    fn model_scores<S: AsRef<str>>(
        self,
        kind: Kind,
        definition: Definition,
        batch: &Batch<'_, S>,
        clock: &mut dyn FnMut() -> f64,
    ) -> Result<ModelScores, RewardError> {
        let start = clock();
        let (raw, timings) = self.raw_scores(kind, definition.model, batch, clock)?;
        Ok(ModelScores {
            model: definition.model,
            kind,
            weight: definition.weight,
            normalized: normalize(&raw),
            raw,
            timings,
            batch_time: clock() - start,
            extra_info: definition.model.extra_info(self.rouge),
        })
    }

    fn raw_scores<S: AsRef<str>>(
        self,
        kind: Kind,
        model: RewardModel,
        batch: &Batch<'_, S>,
        clock: &mut dyn FnMut() -> f64,
    ) -> Result<(Vec<f32>, Vec<f64>), RewardError> {
        let text = match kind {
            Kind::Reward => batch.reference,
            Kind::Penalty => batch.challenge,
        };
        let completion = |idx: usize| batch.completions[idx].as_ref();
        let n = batch.completions.len();
        match model {
            RewardModel::Rouge { .. } => {
                let reference = rouge::Reference::new(self.rouge, text);
                let score = |idx| reference.score(completion(idx)) as f32;
                Ok(timed(n, score, clock))
            }
            RewardModel::FloatDiff => {
                let reference = float_diff::parse_reference(text)
                    .ok_or_else(|| RewardError::ReferenceNotANumber(text.to_owned()))?;
                let score = |idx| float_diff::score(reference, completion(idx)) as f32;
                Ok(timed(n, score, clock))
            }
            RewardModel::Relevance => {
                let scores = batch.relevance.ok_or(RewardError::RelevanceMissing)?;
                Ok(timed(n, |idx| scores[idx], clock))
            }
            RewardModel::Streaming { max_tokens_per_chunk: limit } => {
                let score = |idx: usize| streaming::penalty(&batch.tokens_per_chunk[idx], limit);
                Ok(timed(n, score, clock))
            }
            RewardModel::Date | RewardModel::Ordinal | RewardModel::Diff => {
                Err(RewardError::NotAvailable(model))
            }
        }
    }
}

/// `(x - min) / (max - min + 1e-6)`, in 32 bits. For the log only.
pub fn normalize(scores: &[f32]) -> Vec<f32> {
    let min = scores.iter().copied().fold(f32::INFINITY, f32::min);
    let max = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let span = max - min + 1e-6;
    scores.iter().map(|score| (score - min) / span).collect()
}

fn check_batch<S>(batch: &Batch<'_, S>) -> Result<(), RewardError> {
    let expected = batch.completions.len();
    if expected == 0 {
        return Err(RewardError::NoCompletions);
    }
    let lists = [
        ("token counts", Some(batch.tokens_per_chunk.len())),
        ("relevance scores", batch.relevance.map(<[f32]>::len)),
    ];
    for (what, len) in lists {
        if let Some(got) = len.filter(|&len| len != expected) {
            return Err(RewardError::Count { what, expected, got });
        }
    }
    Ok(())
}

/// Scores and times each completion. A score that is no number counts as 0, so that it can neither
/// win nor spoil the log (docs/spec/mechanism.md#quirk-9).
fn timed(
    n: usize,
    mut score: impl FnMut(usize) -> f32,
    clock: &mut dyn FnMut() -> f64,
) -> (Vec<f32>, Vec<f64>) {
    (0..n)
        .map(|idx| {
            let start = clock();
            let score = score(idx);
            let finite = if score.is_finite() { score } else { 0.0 };
            (finite, clock() - start)
        })
        .unzip()
}

fn totals(models: &[ModelScores], n: usize) -> Vec<f32> {
    let mut totals = vec![0.0_f32; n];
    for scores in models {
        let weight = scores.weight as f32;
        for (total, &score) in totals.iter_mut().zip(&scores.raw) {
            match scores.kind {
                Kind::Reward => *total += weight * score,
                Kind::Penalty => *total *= 1.0 - weight * score,
            }
        }
    }
    totals
}

fn first_highest(totals: &[f32]) -> usize {
    let mut best = 0;
    for (idx, total) in totals.iter().enumerate() {
        if *total > totals[best] {
            best = idx;
        }
    }
    best
}

#[cfg(test)]
mod tests;
