//! A miner in one file: it says the last message backwards, word by word. `docs/add-a-miner.md`
//! quotes it.

use std::sync::Arc;
use std::time::Duration;

use sn1::synapse::body::Prompt;

use super::{Build, MinerDefinition};
use crate::axon::{Answering, Caller, ChunkSink, Miner};

pub(super) const DEFINITION: MinerDefinition =
    MinerDefinition { name: "toy", build: Build::Alone(|_| Arc::new(Backwards)) };

struct Backwards;

impl Miner for Backwards {
    fn answer(&self, prompt: Prompt, _within: Duration, sink: ChunkSink) -> Answering {
        Box::pin(async move {
            for word in prompt.messages.last().into_iter().flat_map(|text| text.split(' ').rev()) {
                sink.send(format!("{word} ")).await?; // Ends here when the caller has gone.
            }
            Ok(())
        })
    }

    fn blacklist(&self, caller: &Caller) -> Result<(), String> {
        if caller.stake < 1.0 { Err("Too little stake".to_owned()) } else { Ok(()) }
    }
}
