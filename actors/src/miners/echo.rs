//! The miner that repeats the question.

use std::sync::Arc;
use std::time::Duration;

use sn1::synapse::body::Prompt;

use super::{Build, MinerDefinition};
use crate::axon::{Answering, ChunkSink, Miner};

pub(super) const DEFINITION: MinerDefinition =
    MinerDefinition { name: "echo", build: Build::Alone(|_| Arc::new(EchoMiner)) };

/// Answers with the last message of the conversation.
#[derive(Debug, Clone, Copy)]
pub struct EchoMiner;

impl Miner for EchoMiner {
    fn answer(&self, prompt: Prompt, _: Duration, sink: ChunkSink) -> Answering {
        Box::pin(async move {
            if let Some(last) = prompt.messages.last().filter(|last| !last.is_empty()) {
                sink.send(last.clone()).await?;
            }
            Ok(())
        })
    }
}
