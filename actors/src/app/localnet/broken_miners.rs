//! Miners that are broken on purpose: a local net has one of each, and they must harm nobody.

use std::time::Duration;

use bytes::Bytes;
use sn1::synapse::body::Prompt;
use tokio::time::sleep;

use crate::axon::{Answering, ChunkSink, Miner, MinerError};

/// Begins to answer when the caller's time is over.
#[derive(Debug, Clone, Copy)]
pub struct SlowMiner;

impl Miner for SlowMiner {
    fn answer(&self, _: Prompt, within: Duration, sink: ChunkSink) -> Answering {
        Box::pin(async move {
            sleep(within + Duration::from_secs(1)).await;
            Ok(sink.send("here I am").await?)
        })
    }
}

/// Breaks off in the middle of its answer.
#[derive(Debug, Clone, Copy)]
pub struct FailingMiner;

impl Miner for FailingMiner {
    fn answer(&self, prompt: Prompt, _: Duration, sink: ChunkSink) -> Answering {
        Box::pin(async move {
            let question = prompt.messages.last().cloned().unwrap_or_default();
            sink.send(format!("The answer to \"{question}\" is")).await?;
            sleep(Duration::from_millis(50)).await;
            Err(MinerError::Failed("this miner fails on purpose".to_owned()))
        })
    }
}

/// Streams bytes that are no UTF-8.
#[derive(Debug, Clone, Copy)]
pub struct GarbageMiner;

impl Miner for GarbageMiner {
    fn answer(&self, _: Prompt, _: Duration, sink: ChunkSink) -> Answering {
        const NOT_TEXT: &[u8] = &[0xff, 0xfe, 0x00, 0xc3, 0x28, 0x80, 0xf5];
        Box::pin(async move {
            for _ in 0..4 {
                sink.send_bytes(Bytes::from_static(NOT_TEXT)).await?;
            }
            Ok(())
        })
    }
}
