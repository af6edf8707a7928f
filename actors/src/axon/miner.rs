//! What a miner author implements, and how an answer reaches the wire.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use sn1::synapse::body::Prompt;
use sn1::synapse::pipeline::RefusalKind;
use tokio::sync::mpsc;

use super::rules::Caller;

/// The caller has closed the connection; the answer is not needed any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the caller has gone")]
pub struct CallerGone;

/// Why an answer ended early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MinerError {
    /// The caller closed the connection; not a fault of the miner.
    #[error(transparent)]
    CallerGone(#[from] CallerGone),
    /// The answer cannot go on. A caller who has nothing of it yet gets status 500; else the stream is
    /// broken off, which the caller can tell from a regular end.
    #[error("{0}")]
    Failed(String),
    /// What answers has no room: like `Failed`, with status 503.
    #[error("{0}")]
    Overloaded(String),
    /// The caller's time was over before anything was written: the status of a timeout.
    #[error("nothing was written within the caller's time")]
    Late,
}

impl From<&MinerError> for RefusalKind {
    /// What a caller who has nothing of the answer yet is told; the cause stays here.
    fn from(error: &MinerError) -> Self {
        match error {
            MinerError::Overloaded(_) => Self::Overloaded,
            MinerError::Late => Self::TimedOut,
            MinerError::CallerGone(_) | MinerError::Failed(_) => Self::Failed,
        }
    }
}

/// The writing end of an answer: each send is one chunk on the wire.
#[derive(Debug, Clone)]
pub struct ChunkSink {
    chunks: mpsc::Sender<Part>,
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "snake_case")]
pub(super) enum StreamEnd {
    Complete,
    /// The miner failed, or the axon stopped.
    Error,
    Panic,
    Deadline,
    CallerGone,
}

impl StreamEnd {
    /// The value of the metric's label.
    pub(super) fn label(self) -> &'static str {
        self.into()
    }
}

/// One message from a miner to the body of its reply.
#[derive(Debug)]
pub(super) enum Part {
    Chunk(Bytes),
    End(StreamEnd),
    /// The answer broke off; the kind is what the caller is told if nothing was sent yet.
    Broken(StreamEnd, RefusalKind),
}

/// The error that ends a body without its last chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer broke off")]
pub(super) struct BrokenOff;

impl ChunkSink {
    pub(super) fn new(chunks: mpsc::Sender<Part>) -> Self {
        Self { chunks }
    }

    /// Sends text as one chunk; waits while the caller reads slowly.
    ///
    /// # Errors
    /// When the caller has closed the connection.
    pub async fn send(&self, text: impl Into<String>) -> Result<(), CallerGone> {
        self.send_bytes(Bytes::from(text.into())).await
    }

    /// Sends bytes as one chunk, without checking that they are text.
    ///
    /// # Errors
    /// When the caller has closed the connection.
    pub async fn send_bytes(&self, bytes: Bytes) -> Result<(), CallerGone> {
        self.chunks.send(Part::Chunk(bytes)).await.map_err(|_| CallerGone)
    }

    /// Resolves when the caller closes the connection.
    pub async fn gone(&self) {
        self.chunks.closed().await;
    }

    pub(super) async fn finish(&self, last: Part) {
        // Fails only when the caller has gone, which needs no report.
        let _ = self.chunks.send(last).await;
    }
}

/// The future that writes one answer.
pub type Answering = Pin<Box<dyn Future<Output = Result<(), MinerError>> + Send>>;

/// The whole answer of `miner` to `prompt`, without an axon: for trying out a miner.
///
/// # Errors
/// When the answer ends early.
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

/// What a miner author implements: takes a conversation, writes text.
///
/// Before [`answer`](Self::answer) is called, the axon has verified the caller and applied every
/// limit. A panic in any method gets the reply that the SDKs give to an exception, and harms no
/// other request.
pub trait Miner: Send + Sync + 'static {
    /// Writes the answer into `sink`; each send is one chunk. `within` is the time that the caller
    /// allows: a miner that is not done by then stops, and what it has sent stands.
    ///
    /// The future is dropped when the caller goes away, so whatever it owns is freed with it. It
    /// runs on the axon's event loop: work that blocks belongs on a thread of the miner's own.
    fn answer(&self, prompt: Prompt, within: Duration, sink: ChunkSink) -> Answering;

    /// Refuses a caller, with the reason that the caller receives. Called before the signature is
    /// checked, so it must be quick; the axon's own rules (lists, registration, permit, stake) come
    /// first.
    ///
    /// # Errors
    /// When this caller is not served.
    fn blacklist(&self, caller: &Caller) -> Result<(), String> {
        let _ = caller;
        Ok(())
    }

    /// The caller's priority when all streams are taken; higher goes first. By default its stake in
    /// TAO.
    fn priority(&self, caller: &Caller) -> f64 {
        caller.stake
    }
}
