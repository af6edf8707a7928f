//! What has arrived from one miner so far; it is kept whatever happens next.

use std::net::SocketAddr;

use metrics::{counter, histogram};
use sn1::synapse::coding::{Coding, UnpackError, Unpacker};
use sn1::synapse::headers::{HeaderError, ReplyHead};
use sn1::synapse::outcome::{Ending, Exchange, Outcome};
use sn1::synapse::reply::Head;
use sn1::synapse::stream::{SplitCharacters, Utf8Stream};
use sn1::telemetry;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::DendriteLimits;
use crate::messages::miners::{Answer, Progress, ProgressEvent, Target};

/// Most bytes that are read of a refusal; with more, its connection is closed.
const MAX_REFUSAL_BYTES: usize = 4 * 1024;

/// Whether to go on reading a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// Go on.
    Wanted,
    /// Stop: the body is a refusal, and it is too long.
    Enough,
}

/// The record of one exchange.
#[derive(Debug)]
pub(super) struct Arrived {
    target: Target,
    progress: Option<UnboundedSender<Progress>>,
    http_status: Option<u16>,
    head: Option<Result<ReplyHead, HeaderError>>,
    unpacker: Unpacker,
    decoder: Utf8Stream,
    chunks: Vec<(String, f64)>,
    n_bytes: usize,
}

impl Arrived {
    /// A record with nothing in it yet.
    pub(super) fn new(target: Target, progress: Option<UnboundedSender<Progress>>) -> Self {
        Self {
            target,
            progress,
            http_status: None,
            head: None,
            unpacker: Unpacker::new(Coding::Plain),
            decoder: Utf8Stream::new(SplitCharacters::Join),
            chunks: Vec::new(),
            n_bytes: 0,
        }
    }

    /// Records the head of the reply, which was complete after `after_s` seconds.
    pub(super) fn head(&mut self, head: Head, after_s: f64) {
        let Head { http_status, reply, coding } = head;
        (self.http_status, self.head) = (Some(http_status), Some(reply));
        self.unpacker = Unpacker::new(coding);
        self.tell(ProgressEvent::Head { http_status, after_s });
    }

    /// Whether a head has arrived.
    pub(super) fn has_head(&self) -> bool {
        self.head.is_some()
    }

    /// Whether the head exceeds the limit.
    pub(super) fn is_unreadable(&self) -> bool {
        self.head == Some(Err(HeaderError::TooLarge))
    }

    /// Whether the head says that the body is not an answer.
    fn is_refusal(&self) -> bool {
        let by_header = match &self.head {
            Some(Ok(head)) => head.status_code.is_some_and(|code| code != 200),
            _ => false,
        };
        by_header || self.http_status.is_some_and(|status| status != 200)
    }

    /// Records the part of the body that one read returned. Of a refusal nothing is kept.
    ///
    /// # Errors
    /// When the answer exceeds a limit, does not unpack or is not UTF-8.
    pub(super) fn chunk(
        &mut self,
        bytes: &[u8],
        after_s: f64,
        limits: &DendriteLimits,
    ) -> Result<Taken, Ending> {
        let n_left = limits.max_answer_bytes.saturating_sub(self.n_bytes);
        self.n_bytes = self.n_bytes.saturating_add(bytes.len());
        if self.is_unreadable() || (self.is_refusal() && MAX_REFUSAL_BYTES < self.n_bytes) {
            return Ok(Taken::Enough);
        }
        if self.is_refusal() {
            return Ok(Taken::Wanted);
        }
        if limits.max_answer_bytes < self.n_bytes || limits.max_chunks <= self.chunks.len() {
            return Err(Ending::TooLarge);
        }
        let unpacked = self.unpacker.push(bytes, n_left).map_err(|error| match error {
            UnpackError::Garbled => Ending::BadCoding,
            UnpackError::TooLarge => Ending::TooLarge,
        })?;
        self.n_bytes += unpacked.len().saturating_sub(bytes.len());
        let text = self.decoder.push(&unpacked).map_err(|_| Ending::BadUtf8)?;
        // The first bytes of a character are not text yet.
        if !text.is_empty() {
            if self.progress.is_some() {
                self.tell(ProgressEvent::Chunk { text: text.clone(), after_s });
            }
            self.chunks.push((text, after_s));
        }
        Ok(Taken::Wanted)
    }

    /// How an exchange ends when its body is complete; the body may have ended inside a character or
    /// before its coding did.
    pub(super) fn end(&mut self) -> Ending {
        if self.is_cut() {
            return Ending::Garbled;
        }
        let decoder = std::mem::take(&mut self.decoder);
        decoder.finish().map_or(Ending::BadUtf8, |()| Ending::Complete)
    }

    /// Whether the body so far ends before its content coding does.
    pub(super) fn is_cut(&self) -> bool {
        self.unpacker.is_cut()
    }

    /// Drops the text, when the read that brought all of it fails.
    pub(super) fn drop_text(&mut self) {
        self.chunks.clear();
    }

    fn tell(&self, event: ProgressEvent) {
        if let Some(progress) = &self.progress {
            // The exchange goes on when nobody listens any more.
            let _ = progress.send(Progress { target: self.target, event });
        }
    }

    /// The answer that the record amounts to.
    pub(super) fn into_answer(
        self,
        address: Option<SocketAddr>,
        ending: Ending,
        elapsed_s: f64,
    ) -> Answer {
        let address = address.map_or_else(|| "no address".to_owned(), |known| known.to_string());
        let outcome = Outcome::of(Exchange {
            address: &address,
            http_status: self.http_status,
            head: self.head,
            text: self.chunks.iter().map(|(text, _)| text.as_str()).collect(),
            ending,
            elapsed_s,
        });
        let status = status_label(outcome.status_code);
        counter!(telemetry::DENDRITE_RESPONSES.name, "status" => status).increment(1);
        if outcome.is_success() {
            histogram!(telemetry::DENDRITE_RESPONSE_SECONDS.name).record(elapsed_s);
        }
        let Self { target, chunks, http_status, .. } = self;
        Answer { target, chunks, http_status, outcome, ended: Instant::now() }
    }
}

/// The statuses that are counted by their number: a miner chooses it, so only these become a series.
const KNOWN: [u16; 14] = [200, 400, 401, 403, 404, 405, 408, 413, 422, 429, 431, 500, 502, 503];

/// Every status as a metric's label.
pub(super) fn status_labels() -> impl Iterator<Item = String> {
    let others = ["none".to_owned(), "other".to_owned()];
    KNOWN.into_iter().map(|code| code.to_string()).chain(others)
}

fn status_label(status: Option<u16>) -> String {
    match status {
        None => "none".to_owned(),
        Some(code) if KNOWN.contains(&code) => code.to_string(),
        Some(_) => "other".to_owned(),
    }
}
