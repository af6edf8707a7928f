//! What a miner author implements.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use sn1::synapse::body::Prompt;
use tokio::sync::mpsc;

use super::rules::Caller;

/// The caller has closed the connection: nothing more needs to be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the caller has gone")]
pub struct CallerGone;

/// Why an answer broke off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MinerError {
    /// Not a fault: stop at once.
    #[error(transparent)]
    CallerGone(#[from] CallerGone),
    /// The answer cannot go on; the stream is broken off, which the caller can tell from an end.
    #[error("{0}")]
    Failed(String),
}

/// Where an answer is written, one call for each chunk on the wire.
#[derive(Debug, Clone)]
pub struct ChunkSink {
    chunks: mpsc::Sender<Part>,
}

/// What an answer is made of.
#[derive(Debug)]
pub(super) enum Part {
    Chunk(Bytes),
    End,
    Broken,
}

/// Ends a body without its last chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer broke off")]
pub(super) struct BrokenOff;

impl ChunkSink {
    pub(super) fn new(chunks: mpsc::Sender<Part>) -> Self {
        Self { chunks }
    }

    /// Sends text; waits while the caller reads slowly.
    ///
    /// # Errors
    /// When the caller has gone.
    pub async fn send(&self, text: impl Into<String>) -> Result<(), CallerGone> {
        self.send_bytes(Bytes::from(text.into())).await
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the caller has gone.
    pub async fn send_bytes(&self, bytes: Bytes) -> Result<(), CallerGone> {
        self.chunks.send(Part::Chunk(bytes)).await.map_err(|_| CallerGone)
    }

    /// Resolves when the caller has gone.
    pub async fn gone(&self) {
        self.chunks.closed().await;
    }

    pub(super) async fn finish(&self, last: Part) {
        // When nobody is left to tell, nothing is lost.
        let _ = self.chunks.send(last).await;
    }
}

/// The future of an answer.
pub type Answering = Pin<Box<dyn Future<Output = Result<(), MinerError>> + Send>>;

/// Everything that `miner` answers to `prompt`, without an axon: to try a miner out.
///
/// # Errors
/// Where the answer broke off.
pub async fn answer_of(
    miner: &dyn Miner,
    prompt: Prompt,
    within: Duration,
) -> Result<Vec<Bytes>, MinerError> {
    let (sender, mut parts) = mpsc::channel(1);
    let collect = async {
        let mut chunks = Vec::new();
        while let Some(Part::Chunk(bytes)) = parts.recv().await {
            chunks.push(bytes);
        }
        chunks
    };
    let (answered, chunks) =
        tokio::join!(miner.answer(prompt, within, ChunkSink::new(sender)), collect);
    answered.map(|()| chunks)
}

/// What a miner author implements: messages in, text out.
///
/// The axon has verified the caller, and holds every limit, before [`answer`](Self::answer) is called.
/// A panic in any method is answered as the SDKs answer an exception, and harms nobody else.
pub trait Miner: Send + Sync + 'static {
    /// Writes the answer into `sink`, one chunk for each send. `within` is the time that the caller
    /// allows; a miner that has more to say by then stops, and what it has sent stands.
    ///
    /// The future is dropped when the caller goes away, so holding a resource only within it is
    /// enough to free it. It runs on the axon's event loop: work that blocks belongs on a thread of
    /// the miner's own.
    fn answer(&self, prompt: Prompt, within: Duration, sink: ChunkSink) -> Answering;

    /// Turns callers away, with the reason that they are told. Asked before the signature is checked,
    /// so it must be quick; the axon's own rules (lists, registration, permit, stake) come first.
    ///
    /// # Errors
    /// When this caller is not served.
    fn blacklist(&self, caller: &Caller) -> Result<(), String> {
        let _ = caller;
        Ok(())
    }

    /// Who goes first when all streams are taken: the highest number. By default the caller's stake.
    fn priority(&self, caller: &Caller) -> f64 {
        caller.stake
    }
}
