//! The answer to one synapse: a supervised task that lives as long as its stream.
//!
//! The head waits for the first chunk, so that a miner that has failed by then is a refusal with a
//! status, not a 200 with a broken body. Later a panic or an error breaks off this stream, which the
//! caller can tell from a regular end, and touches no other. When the caller goes away, the body is
//! dropped, and the task with it at its next await.

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
use sn1::synapse::pipeline::RefusalKind;
use sn1::telemetry;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::connection::Track;
use super::miner::{BrokenOff, ChunkSink, Miner, MinerError, Part, StreamEnd};
use super::request_log::RequestLog;
use crate::spawn::spawn_named;

/// The background task that answers one request.
pub(super) const HANDLER_TASK: &str = "synapse_handler";

/// The longest answer time in seconds that a caller is granted, whatever it asks for.
const MAX_ANSWER_SECONDS: f64 = 120.0;
/// How long a miner may go on after the caller's time; then it is cut off.
const OVERTIME: Duration = Duration::from_secs(5);
/// How long a reader may take for the rest of an answer that has ended; then it is cut off.
const READ_OUT: Duration = Duration::from_secs(10);
/// Chunks that may wait for a slow reader.
const CHUNKS_AHEAD: usize = 32;

/// Starts the answer to a prompt and returns the body that it is written to, as soon as there is
/// something in it. `holding` is kept until the stream ends; `log` tells of it then.
///
/// # Errors
/// What to tell the caller when the miner failed before it wrote anything.
pub(super) async fn start(
    log: RequestLog,
    miner: &Arc<dyn Miner>,
    prompt: Prompt,
    holding: impl Sized + 'static,
    track: Option<Rc<Track>>,
) -> Result<StreamBody, (RefusalKind, RequestLog)> {
    let (sender, mut chunks) = mpsc::channel(CHUNKS_AHEAD);
    let sink = ChunkSink::new(sender);
    let within = Duration::from_secs_f64(prompt.seconds(MAX_ANSWER_SECONDS));
    if let Some(track) = &track {
        track.reply_until(Instant::now() + within + OVERTIME + READ_OUT);
    }
    let open = OpenStream::new(&log.actor);
    let miner = Arc::clone(miner);
    spawn_named(HANDLER_TASK, async move {
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
    match chunks.recv().await {
        Some(Part::Broken(_, kind)) => Err((kind, log)),
        first => {
            let end = StreamEnd::CallerGone;
            Ok(StreamBody { first, chunks, track, broken: false, log, end })
        }
    }
}

/// Writes the answer and ends the body, even if the miner still holds copies of the sink.
async fn write_answer(
    answering: impl Future<Output = Result<(), MinerError>>,
    limit: Duration,
    sink: &ChunkSink,
) -> StreamEnd {
    let answering = AssertUnwindSafe(answering).catch_unwind();
    let (end, failed) = match tokio::time::timeout(limit, answering).await {
        Ok(Ok(Ok(()))) => (StreamEnd::Complete, None),
        Ok(Ok(Err(MinerError::CallerGone(_)))) => return StreamEnd::CallerGone,
        Ok(Ok(Err(error))) => {
            let end = match error {
                MinerError::Late => StreamEnd::Deadline,
                _ => StreamEnd::Error,
            };
            match error {
                // Callers at once, not a fault: the line of the minute counts them.
                MinerError::Overloaded(_) => debug!(%error, "a miner had no room"),
                _ => warn!(%error, "a miner did not finish its answer"),
            }
            (end, Some(RefusalKind::from(&error)))
        }
        Ok(Err(_)) => {
            warn!("a miner panicked; its answer is broken off");
            (StreamEnd::Panic, Some(RefusalKind::Failed))
        }
        Err(_) => (StreamEnd::Deadline, None),
    };
    sink.finish(failed.map_or(Part::End(end), |kind| Part::Broken(end, kind))).await;
    end
}

/// What a miner sends, as the body of a reply: one HTTP chunk for each send.
pub(super) struct StreamBody {
    /// What was there when the head was written.
    first: Option<Part>,
    chunks: mpsc::Receiver<Part>,
    track: Option<Rc<Track>>,
    broken: bool,
    log: RequestLog,
    end: StreamEnd,
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
        let part = match this.first.take() {
            Some(first) => Some(first),
            None => ready!(this.chunks.poll_recv(cx)),
        };
        match part {
            Some(Part::Chunk(bytes)) => Poll::Ready(Some(Ok(bytes))),
            Some(Part::End(end)) => {
                this.end = end;
                Poll::Ready(None)
            }
            None => Poll::Ready(None),
            Some(Part::Broken(end, _)) => {
                this.end = end;
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
        self.log.tell(200, self.end.label());
        if let Some(track) = &self.track {
            track.end();
        }
    }
}

/// Counts a stream while it is open, and records how it ended.
struct OpenStream {
    actor: Arc<str>,
    end: StreamEnd,
}

impl OpenStream {
    fn new(actor: &Arc<str>) -> Self {
        gauge!(telemetry::AXON_OPEN_STREAMS.name, "actor" => Arc::clone(actor)).increment(1.0);
        Self { actor: Arc::clone(actor), end: StreamEnd::Error }
    }

    fn ended(mut self, end: StreamEnd) {
        self.end = end;
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let actor = Arc::clone(&self.actor);
        gauge!(telemetry::AXON_OPEN_STREAMS.name, "actor" => Arc::clone(&actor)).decrement(1.0);
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
