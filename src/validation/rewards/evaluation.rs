//! Combines the rewards of a task's definition into the totals of a batch.
//!
//! Rewards compare completions with the reference and add up; penalties compare them with the
//! challenge and reduce the total by a share.

use serde_json::Value;

use super::{Completion, Embeddings, Model, Reward, RewardError, Scorer, Weighted};

/// How a model's score changes the total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Adds to the total; compares with the reference.
    Reward,
    /// Reduces the total by a share; compares with the challenge.
    Penalty,
}

impl Kind {
    /// The word used in event keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reward => "reward",
            Self::Penalty => "penalty",
        }
    }
}

/// The input for scoring a batch of completions. Lists are in the order in which the miners were
/// asked.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a, S> {
    /// The answer that rewards compare with.
    pub reference: &'a str,
    /// The question that penalties compare with.
    pub challenge: &'a str,
    /// The answer of each miner; empty if there was none.
    pub completions: &'a [S],
    /// Number of tokens in each chunk of each answer.
    pub tokens_per_chunk: &'a [Vec<u32>],
    /// The embeddings, if the task [needs them](TaskRewards::needs_embeddings).
    pub embeddings: Option<&'a Embeddings>,
}

/// The scores of a batch by one model, as in the event log.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelScores {
    /// Name of the model.
    pub model: &'static str,
    /// Whether the model rewards or penalizes.
    pub kind: Kind,
    /// Weight of the model in the total, in 0..1.
    pub weight: f64,
    /// Score of each completion, in 0..1.
    pub raw: Vec<f32>,
    /// The scores scaled to 0..1; see [`normalize`].
    pub normalized: Vec<f32>,
    /// Seconds that scoring each completion took.
    pub timings: Vec<f64>,
    /// Seconds that scoring the batch took.
    pub batch_time: f64,
    /// The model's options, for the event log.
    pub extra_info: Value,
}

/// The result of scoring a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The total reward of each completion.
    pub totals: Vec<f32>,
    /// Index of the first completion with the highest reward.
    pub best: usize,
    /// The scores behind the totals: rewards, then penalties, in the order of their definitions.
    pub models: Vec<ModelScores>,
}

/// The reward models of a process. There is one for each name: the first definition sets its
/// options, and every task uses it (docs/spec/mechanism.md#quirk-1).
#[derive(Debug, Clone, Default)]
pub struct RewardPipeline {
    models: Vec<Model>,
}

impl RewardPipeline {
    /// The models of these definitions, in the order in which the process sees them.
    pub fn new(definitions: impl IntoIterator<Item = Weighted>) -> Self {
        let mut models: Vec<Model> = Vec::new();
        for Weighted { model, .. } in definitions {
            if !models.iter().any(|known| known.name() == model.name()) {
                models.push(model);
            }
        }
        Self { models }
    }

    /// The process's model with this name.
    pub fn model(&self, name: &str) -> Option<Model> {
        self.models.iter().copied().find(|known| known.name() == name)
    }

    /// The model that scores for a definition: the process's model with that name, or the
    /// definition's own if there is none.
    fn reward(&self, defined: Model) -> Result<&'static dyn Reward, RewardError> {
        match self.model(defined.name()).unwrap_or(defined) {
            Model::Made(reward) => Ok(reward),
            Model::Planned(name) => Err(RewardError::NotAvailable(name)),
        }
    }
}

/// The rewards and penalties of one task, ready to score batches.
#[derive(Debug, Clone)]
pub struct TaskRewards {
    lines: Vec<Line>,
}

/// One reward or penalty with its weight.
#[derive(Debug, Clone, Copy)]
struct Line {
    kind: Kind,
    reward: &'static dyn Reward,
    weight: f64,
}

impl TaskRewards {
    /// Takes a task's rewards and penalties, with the options of the process's models.
    ///
    /// # Errors
    /// [`RewardError::NotAvailable`] if one of them is not computed by this version.
    pub fn new(
        rewards: impl IntoIterator<Item = Weighted>,
        penalties: impl IntoIterator<Item = Weighted>,
        pipeline: &RewardPipeline,
    ) -> Result<Self, RewardError> {
        let rewards = rewards.into_iter().map(|one| (Kind::Reward, one));
        let penalties = penalties.into_iter().map(|one| (Kind::Penalty, one));
        let lines = rewards.chain(penalties).map(|(kind, Weighted { model, weight })| {
            Ok(Line { kind, reward: pipeline.reward(model)?, weight })
        });
        Ok(Self { lines: lines.collect::<Result<_, _>>()? })
    }

    /// Whether a [`Batch`] of this task needs embeddings.
    pub fn needs_embeddings(&self) -> bool {
        self.lines.iter().any(|line| line.reward.needs_embeddings())
    }

    /// Scores a batch. `clock` returns the time in seconds from any origin; it is used only to time
    /// the models.
    ///
    /// # Errors
    /// A batch without completions, lists of different lengths, missing embeddings, or a reference
    /// that a reward cannot compare with.
    pub fn evaluate<S: AsRef<str>>(
        &self,
        batch: &Batch<'_, S>,
        clock: &mut dyn FnMut() -> f64,
    ) -> Result<Evaluation, RewardError> {
        check_batch(batch)?;
        let models = self
            .lines
            .iter()
            .map(|line| line.scores(batch, clock))
            .collect::<Result<Vec<_>, _>>()?;
        let totals = totals(&models, batch.completions.len());
        Ok(Evaluation { best: first_highest(&totals), totals, models })
    }
}

impl Line {
    fn scores<S: AsRef<str>>(
        &self,
        batch: &Batch<'_, S>,
        clock: &mut dyn FnMut() -> f64,
    ) -> Result<ModelScores, RewardError> {
        let start = clock();
        let (text, embeddings) = match self.kind {
            Kind::Reward => (batch.reference, batch.embeddings),
            Kind::Penalty => (batch.challenge, None),
        };
        let scorer = self.reward.prepare(text, embeddings)?;
        let (raw, timings) = timed(&scorer, batch, clock);
        Ok(ModelScores {
            model: self.reward.name(),
            kind: self.kind,
            weight: self.weight,
            normalized: normalize(&raw),
            raw,
            timings,
            batch_time: clock() - start,
            extra_info: self.reward.extra_info(),
        })
    }
}

/// `(x - min) / (max - min + 1e-6)`, in 32 bits. Only used for the log.
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
        ("embeddings", batch.embeddings.map(|embeddings| embeddings.completions.len())),
    ];
    for (what, len) in lists {
        if let Some(got) = len.filter(|&len| len != expected) {
            return Err(RewardError::Count { what, expected, got });
        }
    }
    Ok(())
}

/// Scores and times each completion. NaN counts as 0, so that it can neither win nor corrupt the
/// log (docs/spec/mechanism.md#quirk-9).
fn timed<S: AsRef<str>>(
    scorer: &Scorer<'_>,
    batch: &Batch<'_, S>,
    clock: &mut dyn FnMut() -> f64,
) -> (Vec<f32>, Vec<f64>) {
    let answers = batch.completions.iter().zip(batch.tokens_per_chunk).enumerate();
    answers
        .map(|(idx, (text, tokens_per_chunk))| {
            let embedding = batch.embeddings.map_or(&[][..], |all| &all.completions[idx]);
            let start = clock();
            let score = scorer(&Completion { text: text.as_ref(), tokens_per_chunk, embedding });
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
