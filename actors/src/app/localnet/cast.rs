//! Which miners a local net has: two that answer with the language model, simple ones that a good
//! mechanism must score below those, and broken ones that must harm nobody.

use std::sync::Arc;

use sn1::llm::request::GenerateSettings;

use super::broken_miners::{FailingMiner, GarbageMiner, SlowMiner};
use crate::axon::Miner;
use crate::messages::inference::Generate;
use crate::miners::{EchoMiner, ModelMiner, PhraseMiner, TOKENS_PER_CHUNK};
use crate::supervision::Recipient;

/// What the miners of a local net are made from.
pub(super) struct CastParts<'a> {
    pub(super) pool: &'a Recipient<Generate>,
    /// Longest answer of a model, in tokens.
    pub(super) max_tokens: usize,
    /// With the prompt it decides what a model writes.
    pub(super) seed: u64,
}

#[derive(Debug)]
pub(super) struct CastMiner {
    /// Its name in reports.
    pub(super) label: &'static str,
    needs_model: bool,
    build: fn(&CastParts<'_>) -> Arc<dyn Miner>,
}

impl CastMiner {
    pub(super) fn build(&self, parts: &CastParts<'_>) -> Arc<dyn Miner> {
        (self.build)(parts)
    }
}

/// All of them, in the order in which a local net fills its slots.
static CAST: [CastMiner; 7] = [
    CastMiner { label: "model_calm", needs_model: true, build: |parts| Arc::new(calm(parts)) },
    CastMiner { label: "model_lively", needs_model: true, build: |parts| Arc::new(lively(parts)) },
    CastMiner { label: "echo", needs_model: false, build: |_| Arc::new(EchoMiner) },
    CastMiner { label: "phrase", needs_model: false, build: |_| Arc::new(phrase()) },
    CastMiner { label: "slow", needs_model: false, build: |_| Arc::new(SlowMiner) },
    CastMiner { label: "failing", needs_model: false, build: |_| Arc::new(FailingMiner) },
    CastMiner { label: "garbage", needs_model: false, build: |_| Arc::new(GarbageMiner) },
];

/// The kinds in the order of their slots, again and again; without a model only the others.
pub(super) fn cast(has_model: bool) -> impl Iterator<Item = &'static CastMiner> {
    let possible: Vec<_> = CAST.iter().filter(|kind| has_model || !kind.needs_model).collect();
    possible.into_iter().cycle()
}

/// Low enough that its answers stay near the likeliest one.
const CALM: (f64, f64) = (0.2, 0.95);
/// High enough that its answers vary, and score lower than the calm ones.
const LIVELY: (f64, f64) = (0.6, 0.9);
/// As in the reference's miners.
const TOP_K: usize = 50;

fn calm(parts: &CastParts<'_>) -> ModelMiner {
    model(parts, CALM, "You are a helpful assistant. Answer in detail.")
}

fn lively(parts: &CastParts<'_>) -> ModelMiner {
    model(parts, LIVELY, "You are a friendly assistant. Answer with all that you know.")
}

fn model(
    parts: &CastParts<'_>,
    (temperature, top_p): (f64, f64),
    system_prompt: &str,
) -> ModelMiner {
    ModelMiner {
        pool: parts.pool.clone(),
        system_prompt: system_prompt.to_owned(),
        settings: GenerateSettings {
            temperature,
            top_p,
            top_k: TOP_K,
            seed: parts.seed,
            ..GenerateSettings::greedy(parts.max_tokens)
        },
        tokens_per_chunk: TOKENS_PER_CHUNK,
    }
}

fn phrase() -> PhraseMiner {
    PhraseMiner { phrase: "Can you please repeat your question?".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_net_without_a_model_has_the_other_miners() {
        let labels = |has_model| cast(has_model).map(|kind| kind.label).take(8).collect::<Vec<_>>();
        let all = ["model_calm", "model_lively", "echo", "phrase", "slow", "failing", "garbage"];
        assert_eq!(labels(true), [&all[..], &all[..1]].concat());
        assert_eq!(labels(false), [&all[2..], &all[2..5]].concat());
    }
}
