//! The miner that always gives the same answer.

use std::sync::Arc;
use std::time::Duration;

use sn1::synapse::body::Prompt;

use super::{Build, MinerDefinition};
use crate::axon::{Answering, ChunkSink, Miner};

pub(super) const DEFINITION: MinerDefinition = MinerDefinition {
    name: "phrase",
    build: Build::Alone(|options| Arc::new(PhraseMiner { phrase: options.phrase })),
};

/// Answers every question with the same phrase.
#[derive(Debug, Clone)]
pub struct PhraseMiner {
    /// The whole answer.
    pub phrase: String,
}

impl Miner for PhraseMiner {
    fn answer(&self, _: Prompt, _: Duration, sink: ChunkSink) -> Answering {
        let phrase = self.phrase.clone();
        Box::pin(async move { Ok(sink.send(phrase).await?) })
    }
}
