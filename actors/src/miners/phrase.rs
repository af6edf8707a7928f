//! Always says the same.

use std::sync::Arc;
use std::time::Duration;

use sn1::synapse::body::Prompt;

use super::{Build, MinerDefinition};
use crate::axon::{Answering, ChunkSink, Miner};

pub(super) const DEFINITION: MinerDefinition = MinerDefinition {
    name: "phrase",
    build: Build::Alone(|options| Arc::new(PhraseMiner { phrase: options.phrase })),
};

/// Always says the same.
#[derive(Debug, Clone)]
pub struct PhraseMiner {
    /// What it says.
    pub phrase: String,
}

impl Miner for PhraseMiner {
    fn answer(&self, _: Prompt, _: Duration, sink: ChunkSink) -> Answering {
        let phrase = self.phrase.clone();
        Box::pin(async move { Ok(sink.send(phrase).await?) })
    }
}
