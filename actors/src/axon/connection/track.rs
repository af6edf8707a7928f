//! What has been read and answered on a connection: its phase, and the deadline of that phase.
//!
//! The socket's side reports what was read, the request's side what became of it.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use sn1::synapse::budgets::Pair;
use sn1::synapse::malformed::what_is_wrong;
use tokio::time::Instant;

use super::cut::{Cut, CutReason};
use super::handle::ConnectionHandle;
use super::table::OpenConnection;

/// An idle connection is closed after this long, whatever state the HTTP library believes it is in.
const IDLE_FOR: Duration = Duration::from_secs(25);
/// Time for the head of a request, counted from the opening of the connection or from its first
/// byte.
pub(in crate::axon) const HEAD_WITHIN: Duration = Duration::from_secs(5);
/// How long a refused sender may go on sending, so that it can read the refusal.
pub(super) const LINGER: Duration = Duration::from_millis(500);
/// Time to read a reply of known size, which is small.
const SIZED_REPLY_WITHIN: Duration = Duration::from_secs(15);
/// The begin of what the HTTP library says of a head that it cannot parse, with no body.
const BARE_REFUSAL: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n";
/// The begin of what it says of one with too many headers.
const LARGE_REFUSAL: &[u8] = b"HTTP/1.1 431 ";
/// The bytes that end a head.
const HEAD_END: &[u8; 4] = b"\r\n\r\n";

/// The phase of a connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Phase {
    /// No request is being read or answered.
    Idle { until: Instant },
    /// A head is being read.
    Head { until: Instant },
    /// What looks like a whole head was read; the HTTP library has not passed it on yet.
    Asked { until: Instant },
    /// A request is being answered. The HTTP library may read `n_body_bytes` more, the body.
    /// Anything after them stays in the socket.
    Busy { n_body_bytes: usize },
    /// The request was refused; further input is discarded.
    Refused { until: Instant, n_dropped: usize },
}

/// The state that the socket and its requests share. All on one thread.
#[derive(Debug)]
pub(in crate::axon) struct Track {
    pub(super) connection: OpenConnection,
    pub(super) phase: Cell<Phase>,
    n_head_bytes: Cell<usize>,
    /// The head that is being read, to say what is wrong with it.
    head: RefCell<Vec<u8>>,
    /// How many bytes of [`HEAD_END`] the last read ended with.
    n_matched: Cell<usize>,
    /// Bytes of the body that arrived together with the end of the head.
    n_early_bytes: Cell<usize>,
    max_head_bytes: usize,
    pub(super) reply_until: Cell<Option<Instant>>,
    pub(super) is_served: Cell<bool>,
    /// The answer ends with the connection: one that breaks off must not look like one that ended.
    is_plain: Cell<bool>,
    pub(super) is_broken: Cell<bool>,
    /// In whose name, and from which network, the last request was verified.
    proven: Cell<Option<Pair>>,
}

impl Track {
    pub(super) fn new(connection: OpenConnection, phase: Phase, max_head_bytes: usize) -> Self {
        Self {
            connection,
            phase: Cell::new(phase),
            n_head_bytes: Cell::new(0),
            head: RefCell::default(),
            n_matched: Cell::new(0),
            n_early_bytes: Cell::new(0),
            max_head_bytes,
            reply_until: Cell::new(None),
            is_served: Cell::new(false),
            is_plain: Cell::new(false),
            is_broken: Cell::new(false),
            proven: Cell::new(None),
        }
    }

    /// The server starts to answer a request whose body takes at most `n_body_bytes`.
    pub(in crate::axon) fn begin(&self, n_body_bytes: usize) {
        let n_body_bytes = n_body_bytes.saturating_sub(self.n_early_bytes.take());
        self.phase.set(Phase::Busy { n_body_bytes });
        self.head.take();
        self.is_served.set(true);
        self.reply_until.set(None);
        self.connection.handle.set_busy(true);
        // The body may have arrived already.
        self.connection.handle.wake();
    }

    /// The reply is delayed because the address asks too often. Until then the connection may be
    /// closed to make room for another.
    pub(in crate::axon) fn is_made_to_wait(&self) {
        self.connection.handle.set_busy(false);
    }

    /// The whole body was read.
    pub(in crate::axon) fn body_read(&self) {
        self.phase.set(Phase::Busy { n_body_bytes: 0 });
    }

    /// The answer has neither a length nor chunks.
    pub(in crate::axon) fn ends_with_the_answer(&self) {
        self.is_plain.set(true);
    }

    /// The answer is not whole: where nothing else tells, the connection is reset.
    pub(in crate::axon) fn break_off(&self) {
        self.is_broken.set(self.is_plain.get());
    }

    /// Records that a request on this connection was verified and within its hotkey's limits.
    pub(in crate::axon) fn prove(&self, pair: Pair) {
        if self.proven.replace(Some(pair)) != Some(pair) {
            self.connection.prove(pair.hotkey);
        }
    }

    /// Records that a request on this connection was refused.
    pub(in crate::axon) fn disprove(&self) {
        self.proven.set(None);
    }

    /// Whether the last request on this connection was verified in the same name.
    pub(in crate::axon) fn is_proven(&self, pair: Pair) -> bool {
        self.proven.get() == Some(pair)
    }

    /// Whether it holds a place that is kept for callers who are no strangers.
    pub(in crate::axon) fn is_reserved(&self) -> bool {
        self.connection.is_reserved
    }

    pub(in crate::axon) fn handle(&self) -> Arc<ConnectionHandle> {
        Arc::clone(&self.connection.handle)
    }

    /// Sets the time by which the reply must have been read.
    pub(in crate::axon) fn reply_until(&self, until: Instant) {
        self.reply_until.set(Some(until));
    }

    /// The request is refused before its body was read: the connection is closed after the refusal.
    pub(in crate::axon) fn cut_off(&self) {
        self.count(CutReason::UnreadBody);
        let now = Instant::now();
        self.phase.set(Phase::Refused { until: now + LINGER, n_dropped: 0 });
        self.reply_until.set(Some(now + SIZED_REPLY_WITHIN));
        self.free();
    }

    /// A reply of known size is being sent; the next head may arrive.
    pub(in crate::axon) fn answered(&self) {
        self.end();
        self.reply_until.set(Some(Instant::now() + SIZED_REPLY_WITHIN));
    }

    /// The reply was written; the next head may arrive.
    pub(in crate::axon) fn end(&self) {
        self.phase.set(Phase::Idle { until: Instant::now() + IDLE_FOR });
        self.reply_until.set(None);
        self.free();
    }

    /// What the head that could not be parsed is answered with, given the library's own reply;
    /// `None` when these bytes are the reply to a request that could be parsed.
    pub(super) fn said_of_malformed(&self, reply: &[u8]) -> Option<Vec<u8>> {
        let is_served = self.is_served.replace(true);
        let is_bare =
            || matches!(self.phase.get(), Phase::Head { .. }) && reply.starts_with(BARE_REFUSAL);
        if is_served && !is_bare() {
            return None;
        }
        self.count(CutReason::Malformed);
        let head = self.head.take();
        let is_large = reply.starts_with(LARGE_REFUSAL);
        let why = if is_large { Cut::HeadTooLarge } else { Cut::Malformed(what_is_wrong(&head)) };
        Some(why.reply())
    }

    fn free(&self) {
        self.connection.handle.set_busy(false);
        self.connection.handle.wake();
    }

    pub(super) fn count(&self, reason: CutReason) {
        self.connection.table.count(reason);
    }

    /// Searches what was read for the end of the head. `Err` when the head is too large.
    pub(super) fn read(&self, bytes: &[u8], now: Instant) -> Result<(), Cut> {
        if let Phase::Busy { n_body_bytes } = self.phase.get() {
            let n_body_bytes = n_body_bytes.saturating_sub(bytes.len());
            self.phase.set(Phase::Busy { n_body_bytes });
        }
        if matches!(self.phase.get(), Phase::Idle { .. }) && !bytes.is_empty() {
            self.phase.set(Phase::Head { until: now + HEAD_WITHIN });
            self.n_head_bytes.set(0);
            self.n_matched.set(0);
        }
        if !matches!(self.phase.get(), Phase::Head { .. }) {
            return Ok(());
        }
        self.head.borrow_mut().extend_from_slice(bytes);
        let mut n_matched = self.n_matched.get();
        for (idx, byte) in bytes.iter().enumerate() {
            n_matched = match (HEAD_END.get(n_matched) == Some(byte), *byte) {
                (true, _) => n_matched + 1,
                (false, b'\r') => 1,
                (false, _) => 0,
            };
            if self.n_head_bytes.get() + idx >= self.max_head_bytes {
                return Err(Cut::HeadTooLarge);
            }
            if n_matched == HEAD_END.len() {
                self.phase.set(Phase::Asked { until: now + HEAD_WITHIN });
                self.n_early_bytes.set(bytes.len() - idx - 1);
                self.is_served.set(false);
                return Ok(());
            }
        }
        self.n_matched.set(n_matched);
        self.n_head_bytes.set(self.n_head_bytes.get() + bytes.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::table::Standing;
    use super::super::table::tests::{connections, peer};
    use super::*;

    fn track(connection: OpenConnection, max_head_bytes: usize) -> Track {
        Track::new(connection, Phase::Idle { until: Instant::now() }, max_head_bytes)
    }

    fn is_whole(track: &Track) -> bool {
        matches!(track.phase.get(), Phase::Asked { .. })
    }

    proptest! {
        /// However a head is split into reads, its end is found and its whole size is counted.
        #[test]
        fn a_head_is_followed_through_any_reads(
            text in "[a\r\n]{0,40}",
            cuts in proptest::collection::vec(1..8_usize, 1..40),
            max in 1..48_usize,
        ) {
            let connections = connections(9, 9);
            let track = track(connections.enter(peer(1), Standing::Stranger).unwrap(), max);
            let (mut rest, mut refused) = (text.as_bytes(), false);
            for cut in cuts.into_iter().cycle() {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                refused |= track.read(now, Instant::now()).is_err();
                rest = later;
                if rest.is_empty() || refused || is_whole(&track) {
                    break;
                }
            }
            let end = text.find("\r\n\r\n").map(|start| start + 4);
            match end {
                Some(end) if end <= max => prop_assert!(is_whole(&track)),
                _ => prop_assert_eq!(refused, text.len() > max),
            }
        }
    }
}
