//! The relevance score: arithmetic over sentence embeddings (docs/spec/mechanism.md#relevance).
//!
//! The encoder is elsewhere; this module compares a completion's embedding with the reference's,
//! and subtracts the score of an empty text.

use serde_json::{Value, json};

use super::{Embeddings, Reward, RewardError, Scorer};

/// Smaller norms count as this, so that a zero embedding has similarity 0.
const MIN_NORM: f64 = 1e-8;

/// The reward `relevance`.
#[derive(Debug)]
pub struct Relevance;

impl Reward for Relevance {
    fn name(&self) -> &'static str {
        "relevance"
    }

    fn extra_info(&self) -> Value {
        json!({ "threshold": null })
    }

    fn needs_embeddings(&self) -> bool {
        true
    }

    fn prepare<'a>(
        &'a self,
        _: &'a str,
        embeddings: Option<&'a Embeddings>,
    ) -> Result<Scorer<'a>, RewardError> {
        let Embeddings { reference, empty, .. } =
            embeddings.ok_or(RewardError::EmbeddingsMissing)?;
        let baseline = Baseline::new(reference, empty);
        Ok(Box::new(move |completion| baseline.score(completion.embedding)))
    }
}

/// The reference's embedding, and the score of an empty completion.
#[derive(Debug)]
struct Baseline<'a> {
    reference: &'a [f32],
    empty: f32,
}

impl<'a> Baseline<'a> {
    /// Prepares the embeddings of the reference and of the empty text.
    fn new(reference: &'a [f32], empty: &[f32]) -> Self {
        Self { reference, empty: cosine(reference, empty) }
    }

    /// The score of one completion's embedding, in 0..1. Embeddings of different lengths are
    /// compared over the shorter one; an embedding that is not finite scores 0.
    fn score(&self, completion: &[f32]) -> f32 {
        let score = cosine(self.reference, completion) - self.empty;
        if score.is_nan() {
            return 0.0;
        }
        score.clamp(0.0, 1.0)
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot: f64 = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
    (dot / (norm(a) * norm(b))) as f32
}

fn norm(vector: &[f32]) -> f64 {
    let squares: f64 = vector.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    squares.sqrt().max(MIN_NORM)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;
    use crate::testing::cases;
    use crate::validation::rewards::normalize;

    #[derive(Deserialize)]
    struct Input {
        reference: Vec<f32>,
        empty: Vec<f32>,
        completions: Vec<Vec<f32>>,
    }

    #[derive(Deserialize)]
    struct Output {
        rewards: Vec<f32>,
        rewards_normalized: Vec<f32>,
    }

    fn scores(reference: &[f32], empty: &[f32], completions: &[Vec<f32>]) -> Vec<f32> {
        let baseline = Baseline::new(reference, empty);
        completions.iter().map(|one| baseline.score(one)).collect()
    }

    #[test]
    fn vectors_agree() {
        for case in cases::<Input, Output>("relevance") {
            let (id, input, output) = case.into_parts();
            let got = scores(&input.reference, &input.empty, &input.completions);
            assert_eq!(got.len(), output.rewards.len(), "{id}");
            for (got, expected) in got.iter().zip(&output.rewards) {
                assert!((got - expected).abs() <= 1e-6, "{id}: {got} for {expected}");
            }
            for (got, expected) in normalize(&got).iter().zip(&output.rewards_normalized) {
                assert!((got - expected).abs() <= 1e-6, "{id}: {got} for {expected}");
            }
        }
    }

    #[test]
    fn a_broken_embedding_scores_zero() {
        let broken = [vec![f32::NAN, 1.0], vec![f32::INFINITY, 0.0], Vec::new()];
        assert_eq!(scores(&[1.0, 2.0], &[-0.5, 0.1], &broken)[..2], [0.0, 0.0]);
    }

    proptest! {
        #[test]
        fn scores_lie_between_0_and_1(
            reference in prop::collection::vec(-1e3_f32..1e3, 8),
            empty in prop::collection::vec(-1e3_f32..1e3, 8),
            completion in prop::collection::vec(-1e3_f32..1e3, 8),
        ) {
            let score = Baseline::new(&reference, &empty).score(&completion);
            prop_assert!((0.0..=1.0).contains(&score));
        }
    }
}
