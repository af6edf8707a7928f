//! The handler of one synapse: a supervised task that lives as long as its stream.
//!
//! The miner writes in a task of its own, so a panic or an error in it breaks off this stream, which
//! the caller can tell from an end, and touches nothing else. A caller who goes away drops the body,
//! and with it the task, at its next await.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::body::{BodySize, MessageBody};
use bytes::Bytes;
use metrics::{counter, gauge};
use sn1::synapse::body::Prompt;
use sn1::telemetry;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::connection::Track;
use super::handler::Holding;
use super::miner::{Answering, BrokenOff, ChunkSink, Miner, MinerError};
use crate::spawn::spawn_named;

/// The longest time that a caller is granted, whatever it asks for.
const MAX_ANSWER_SECONDS: f64 = 120.0;
/// A miner that goes on this long after the caller's time is cut off.
const OVERTIME: Duration = Duration::from_secs(5);
/// A reader that still has not taken the answer this long after its end is cut off.
const READ_OUT: Duration = Duration::from_secs(10);
/// Chunks that may wait for a slow reader.
const CHUNKS_AHEAD: usize = 32;

/// Starts the answer to a prompt; gives the body that it writes.
pub(super) fn start(
    name: &Arc<str>,
    miner: &Arc<dyn Miner>,
    prompt: Prompt,
    holding: Holding,
    track: Option<Rc<Track>>,
) -> StreamBody {
    let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
    let sink = ChunkSink::new(sender);
    let within = Duration::from_secs_f64(prompt.seconds(MAX_ANSWER_SECONDS));
    if let Some(track) = &track {
        track.reply_until(Instant::now() + within + OVERTIME + READ_OUT);
    }
    let open = OpenStream::new(name);
    let miner = Arc::clone(miner);
    spawn_named("synapse_handler", async move {
        let _holding = holding;
        // Made in here, so that a panic of the method itself is this task's too.
        let answering = Box::pin({
            let sink = sink.clone();
            async move { miner.answer(prompt, within, sink).await }
        });
        let end = tokio::select! {
            () = sink.gone() => "caller_gone",
            end = write_answer(answering, within + OVERTIME, &sink) => end,
        };
        open.ended(end);
    });
    StreamBody { chunks, track }
}

async fn write_answer(answering: Answering, limit: Duration, sink: &ChunkSink) -> &'static str {
    // A task of its own so that a panic in it is told apart from an end.
    let task = tokio::spawn(answering);
    let abort = AbortOnDrop(task.abort_handle());
    let outcome = tokio::time::timeout(limit, task).await;
    drop(abort);
    match outcome {
        Ok(Ok(Ok(()))) => "complete",
        Ok(Ok(Err(MinerError::CallerGone(_)))) => "caller_gone",
        Ok(Ok(Err(error))) => {
            debug!(%error, "answer broke off");
            sink.break_off().await;
            "error"
        }
        Ok(Err(panic)) => {
            warn!(%panic, "a miner panicked; its stream is broken off");
            sink.break_off().await;
            "panic"
        }
        Err(_) => "deadline",
    }
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a miner writes, as the body of a reply: one HTTP chunk for each of its sends.
pub(super) struct StreamBody {
    chunks: mpsc::Receiver<Result<Bytes, BrokenOff>>,
    track: Option<Rc<Track>>,
}

impl MessageBody for StreamBody {
    type Error = BrokenOff;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        self.get_mut().chunks.poll_recv(cx)
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        if let Some(track) = &self.track {
            track.end();
        }
    }
}

/// Counts a stream while it is open, and how it ended.
struct OpenStream {
    actor: Arc<str>,
    end: &'static str,
}

impl OpenStream {
    fn new(actor: &Arc<str>) -> Self {
        gauge!(telemetry::AXON_OPEN_STREAMS.name, "actor" => Arc::clone(actor)).increment(1.0);
        Self { actor: Arc::clone(actor), end: "error" }
    }

    fn ended(mut self, end: &'static str) {
        self.end = end;
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let actor = Arc::clone(&self.actor);
        gauge!(telemetry::AXON_OPEN_STREAMS.name, "actor" => Arc::clone(&actor)).decrement(1.0);
        counter!(telemetry::AXON_STREAMS.name, "actor" => actor, "end" => self.end).increment(1);
    }
}
