//! Which miners a local net has: two that answer with the language model, simple ones that a good
//! mechanism must score below those, and broken ones that must harm nobody.

use std::sync::Arc;

use sn1::llm::request::GenerateSettings;

use super::broken_miners::{FailingMiner, GarbageMiner, SlowMiner};
use crate::axon::Miner;
use crate::messages::inference::Generate;
use crate::miners::{Build, EchoMiner, MinerDefinition, MinerOptions, ModelMiner, PhraseMiner};
use crate::supervision::Recipient;

/// All of them, in the order in which a local net fills its slots.
static CAST: [MinerDefinition; 7] = [
    MinerDefinition { name: "model_calm", build: Build::WithModel(calm) },
    MinerDefinition { name: "model_lively", build: Build::WithModel(lively) },
    MinerDefinition { name: "echo", build: Build::Alone(|_| Arc::new(EchoMiner)) },
    MinerDefinition { name: "phrase", build: Build::Alone(|_| Arc::new(phrase())) },
    MinerDefinition { name: "slow", build: Build::Alone(|_| Arc::new(SlowMiner)) },
    MinerDefinition { name: "failing", build: Build::Alone(|_| Arc::new(FailingMiner)) },
    MinerDefinition { name: "garbage", build: Build::Alone(|_| Arc::new(GarbageMiner)) },
];

/// The kinds in the order of their slots, again and again; without a model only the others.
pub(super) fn cast(has_model: bool) -> impl Iterator<Item = &'static MinerDefinition> {
    let needs_model = |kind: &MinerDefinition| matches!(kind.build, Build::WithModel(_));
    let possible: Vec<_> = CAST.iter().filter(|kind| has_model || !needs_model(kind)).collect();
    possible.into_iter().cycle()
}

/// Low enough that its answers stay near the likeliest one.
const CALM: (f64, f64) = (0.2, 0.95);
/// High enough that its answers vary, and score lower than the calm ones.
const LIVELY: (f64, f64) = (0.6, 0.9);
/// As in the reference's miners.
const TOP_K: usize = 50;

fn calm(options: MinerOptions, pool: Recipient<Generate>) -> Arc<dyn Miner> {
    model(options, pool, CALM, "You are a helpful assistant. Answer in detail.")
}

fn lively(options: MinerOptions, pool: Recipient<Generate>) -> Arc<dyn Miner> {
    model(options, pool, LIVELY, "You are a friendly assistant. Answer with all that you know.")
}

fn model(
    MinerOptions { sampling, tokens_per_chunk, .. }: MinerOptions,
    pool: Recipient<Generate>,
    (temperature, top_p): (f64, f64),
    system_prompt: &str,
) -> Arc<dyn Miner> {
    let settings = GenerateSettings { temperature, top_p, top_k: TOP_K, ..sampling };
    let system_prompt = system_prompt.to_owned();
    Arc::new(ModelMiner { pool, system_prompt, settings, tokens_per_chunk })
}

fn phrase() -> PhraseMiner {
    PhraseMiner { phrase: "Can you please repeat your question?".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_net_without_a_model_has_the_other_miners() {
        let labels = |has_model| cast(has_model).map(|kind| kind.name).take(8).collect::<Vec<_>>();
        let all = ["model_calm", "model_lively", "echo", "phrase", "slow", "failing", "garbage"];
        assert_eq!(labels(true), [&all[..], &all[..1]].concat());
        assert_eq!(labels(false), [&all[2..], &all[2..5]].concat());
    }
}
