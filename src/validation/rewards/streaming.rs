//! The penalty for answers that arrive in oversized chunks (docs/spec/mechanism.md#streaming).
//!
//! A chunk is the result of one read of the socket (docs/spec/mechanism.md#quirk-42); the caller
//! counts its tokens.

use serde_json::{Map, Value};

use super::{Embeddings, Reward, RewardError, Scorer};

/// Penalty for each oversized chunk; the sum is at most 1.
const PER_CHUNK: f32 = 0.25;

/// The reward `streaming`, which is used as a penalty.
#[derive(Debug)]
pub struct Streaming {
    /// Chunks with more tokens than this are oversized.
    pub max_tokens_per_chunk: u32,
}

impl Reward for Streaming {
    fn name(&self) -> &'static str {
        "streaming"
    }

    fn options(&self) -> Map<String, Value> {
        let limit = self.max_tokens_per_chunk.into();
        [("max_tokens_per_chunk".to_owned(), limit)].into_iter().collect()
    }

    fn prepare<'a>(
        &'a self,
        _: &'a str,
        _: Option<&'a Embeddings>,
    ) -> Result<Scorer<'a>, RewardError> {
        let limit = self.max_tokens_per_chunk;
        Ok(Box::new(move |completion| penalty(completion.tokens_per_chunk, limit)))
    }
}

/// The penalty of one answer, in 0..1, from the token count of each of its chunks.
pub fn penalty(tokens_per_chunk: &[u32], max_tokens_per_chunk: u32) -> f32 {
    let oversized = tokens_per_chunk.iter().filter(|&&tokens| tokens > max_tokens_per_chunk);
    // Multiples of a quarter are exact, and more than four chunks make no difference.
    oversized.take(4).map(|_| PER_CHUNK).sum()
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
        max_tokens_per_chunk: u32,
        tokens_per_chunk: Vec<Vec<u32>>,
    }

    #[derive(Deserialize)]
    struct Output {
        rewards: Vec<f32>,
        rewards_normalized: Vec<f32>,
    }

    #[test]
    fn vectors_agree() {
        for case in cases::<Input, Output>("streaming") {
            let (id, input, output) = case.into_parts();
            let answers = input.tokens_per_chunk.iter();
            let got: Vec<f32> =
                answers.map(|tokens| penalty(tokens, input.max_tokens_per_chunk)).collect();
            assert_eq!(got, output.rewards, "{id}");
            for (got, expected) in normalize(&got).iter().zip(&output.rewards_normalized) {
                assert!((got - expected).abs() <= 1e-6, "{id}: {got} for {expected}");
            }
        }
    }

    proptest! {
        #[test]
        fn penalties_lie_between_0_and_1(tokens: Vec<u32>, limit: u32) {
            prop_assert!((0.0..=1.0).contains(&penalty(&tokens, limit)));
        }
    }
}
