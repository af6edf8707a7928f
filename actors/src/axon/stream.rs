//! The answer to one synapse: a supervised task that lives as long as its stream.
//!
//! A panic or an error of the miner breaks off this stream, which the caller can tell from a
//! regular end, and touches no other. When the caller goes away, the body is dropped, and the task
//! with it at its next await.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_http::body::{BodySize, MessageBody};
use bytes::Bytes;
use futures_util::FutureExt;
use metrics::{counter, gauge};
use sn1::synapse::body::Prompt;
use sn1::telemetry;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::connection::Track;
use super::miner::{BrokenOff, ChunkSink, Miner, MinerError, Part};
use super::request_log::RequestLog;
use crate::spawn::spawn_named;

/// The longest answer time in seconds that a caller is granted, whatever it asks for.
const MAX_ANSWER_SECONDS: f64 = 120.0;
/// How long a miner may go on after the caller's time; then it is cut off.
const OVERTIME: Duration = Duration::from_secs(5);
/// How long a reader may take for the rest of an answer that has ended; then it is cut off.
const READ_OUT: Duration = Duration::from_secs(10);
/// Chunks that may wait for a slow reader.
const CHUNKS_AHEAD: usize = 32;

/// How a stream ended.
#[derive(Debug, Clone, Copy, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "snake_case")]
enum StreamEnd {
    Complete,
    /// The miner failed, or the axon stopped.
    Error,
    Panic,
    Deadline,
    CallerGone,
}

impl StreamEnd {
    /// The value of the metric's label.
    fn label(self) -> &'static str {
        self.into()
    }
}

/// Starts the answer to a prompt and returns the body that it is written to. `holding` is kept
/// until the stream ends; `log` tells of it then.
pub(super) fn start(
    log: RequestLog,
    miner: &Arc<dyn Miner>,
    prompt: Prompt,
    holding: impl Sized + 'static,
    track: Option<Rc<Track>>,
) -> StreamBody {
    let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
    let sink = ChunkSink::new(sender);
    let within = Duration::from_secs_f64(prompt.seconds(MAX_ANSWER_SECONDS));
    if let Some(track) = &track {
        track.reply_until(Instant::now() + within + OVERTIME + READ_OUT);
    }
    let open = OpenStream::new(log);
    let miner = Arc::clone(miner);
    spawn_named("synapse_handler", async move {
        let _holding = holding;
        // Called inside the task, so that a panic of the method itself ends only this stream.
        let answering = {
            let sink = sink.clone();
            async move { miner.answer(prompt, within, sink).await }
        };
        let end = tokio::select! {
            () = sink.gone() => StreamEnd::CallerGone,
            end = write_answer(answering, within + OVERTIME, &sink) => end,
        };
        open.ended(end);
    });
    StreamBody { chunks, track, broken: false }
}

/// Writes the answer and ends the body, even if the miner still holds copies of the sink.
async fn write_answer(
    answering: impl Future<Output = Result<(), MinerError>>,
    limit: Duration,
    sink: &ChunkSink,
) -> StreamEnd {
    let answering = AssertUnwindSafe(answering).catch_unwind();
    let (end, last) = match tokio::time::timeout(limit, answering).await {
        Ok(Ok(Ok(()))) => (StreamEnd::Complete, Part::End),
        Ok(Ok(Err(MinerError::CallerGone(_)))) => return StreamEnd::CallerGone,
        Ok(Ok(Err(error))) => {
            debug!(%error, "answer broke off");
            (StreamEnd::Error, Part::Broken)
        }
        Ok(Err(_)) => {
            warn!("a miner panicked; its stream is broken off");
            (StreamEnd::Panic, Part::Broken)
        }
        Err(_) => (StreamEnd::Deadline, Part::End),
    };
    sink.finish(last).await;
    end
}

/// What a miner sends, as the body of a reply: one HTTP chunk for each send.
pub(super) struct StreamBody {
    chunks: mpsc::Receiver<Part>,
    track: Option<Rc<Track>>,
    broken: bool,
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
        let this = self.get_mut();
        if this.broken {
            return Poll::Ready(Some(Err(BrokenOff)));
        }
        match ready!(this.chunks.poll_recv(cx)) {
            Some(Part::Chunk(bytes)) => Poll::Ready(Some(Ok(bytes))),
            Some(Part::End) | None => Poll::Ready(None),
            Some(Part::Broken) => {
                this.track.iter().for_each(|track| track.break_off());
                // Flush what was sent before: an error would drop the write buffer.
                this.broken = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        if let Some(track) = &self.track {
            track.end();
        }
    }
}

/// Counts a stream while it is open, and records and tells how it ended.
struct OpenStream {
    log: RequestLog,
    end: StreamEnd,
}

impl OpenStream {
    fn new(log: RequestLog) -> Self {
        let actor = Arc::clone(&log.actor);
        gauge!(telemetry::AXON_OPEN_STREAMS.name, "actor" => actor).increment(1.0);
        Self { log, end: StreamEnd::Error }
    }

    fn ended(mut self, end: StreamEnd) {
        self.end = end;
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let actor = Arc::clone(&self.log.actor);
        gauge!(telemetry::AXON_OPEN_STREAMS.name, "actor" => Arc::clone(&actor)).decrement(1.0);
        self.log.tell(200, self.end.label());
        counter!(telemetry::AXON_STREAMS.name, "actor" => actor, "end" => self.end.label())
            .increment(1);
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantNames;

    use super::*;

    #[test]
    fn ends_are_those_of_the_metric() {
        let mut declared = telemetry::AXON_STREAMS.values("end").to_vec();
        let mut ours = StreamEnd::VARIANTS.to_vec();
        declared.sort_unstable();
        ours.sort_unstable();
        assert_eq!(declared, ours);
    }
}
