//! One connection: how long it may take to say or hear something.
//!
//! The HTTP library reads heads and frames bodies; this wrapper around its socket adds what it does
//! not bound: the size and the time of *every* head (not of the first only), and how long a reply
//! may wait for a reader. It looks at bytes only to find the end of a head.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use sn1::wallet::AccountId;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::rules::AxonLimits;

mod house;

use house::Place;
pub(super) use house::{Connections, Seat};

/// A connection on which nothing is asked is closed after this long, whatever the HTTP library makes of
/// its state.
const IDLE_FOR: Duration = Duration::from_secs(25);
/// For the head of a request, from the opening of the connection or its first byte.
const HEAD_WITHIN: Duration = Duration::from_secs(5);
/// A reader who takes nothing for this long has gone.
const WRITE_WITHIN: Duration = Duration::from_secs(10);
/// Up to so much less, by lot: a crowd that came together is not to go, and come again, together.
const WRITE_JITTER: Duration = Duration::from_secs(4);
/// A refused sender may finish what it is sending, so that it can read the refusal.
const LINGER: Duration = Duration::from_millis(500);
/// Most bytes that are thrown away for that.
const MAX_LINGER_BYTES: usize = 1 << 18;
/// Of these at a stretch, so that a flood holds nobody else up.
const LINGER_STRETCH_BYTES: usize = 1 << 15;
/// A sized reply is small: it is read at once or by nobody.
const SIZED_REPLY_WITHIN: Duration = Duration::from_secs(15);
/// What ends a head.
const HEAD_END: &[u8; 4] = b"\r\n\r\n";

/// Where a connection is in its life.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// Nothing is asked.
    Idle { until: Instant },
    /// A head is on its way.
    Head { until: Instant },
    /// What looks like a whole head was read; the HTTP library has not handed it on yet.
    Asked { until: Instant },
    /// A request is served. So many more bytes are the HTTP library's: the body. What comes after
    /// them waits in the socket.
    Busy { n_body_bytes: usize },
    /// Refused; what still comes is thrown away.
    Refused { until: Instant, n_dropped: usize },
}

/// What the socket and the requests on it know of each other. One thread.
#[derive(Debug)]
pub(super) struct Track {
    place: Place,
    phase: Cell<Phase>,
    n_head_bytes: Cell<usize>,
    /// Bytes of [`HEAD_END`] that ended the last read.
    n_matched: Cell<usize>,
    /// Bytes that came with the end of the head.
    n_early_bytes: Cell<usize>,
    max_head_bytes: usize,
    reply_until: Cell<Option<Instant>>,
    is_served: Cell<bool>,
    is_proven: Cell<bool>,
}

impl Track {
    fn new(place: Place, phase: Phase, max_head_bytes: usize) -> Self {
        Self {
            place,
            phase: Cell::new(phase),
            n_head_bytes: Cell::new(0),
            n_matched: Cell::new(0),
            n_early_bytes: Cell::new(0),
            max_head_bytes,
            reply_until: Cell::new(None),
            is_served: Cell::new(false),
            is_proven: Cell::new(false),
        }
    }

    /// The server begins to answer a request whose body takes at most so many bytes.
    pub(super) fn begin(&self, n_body_bytes: usize) {
        let n_body_bytes = n_body_bytes.saturating_sub(self.n_early_bytes.take());
        self.phase.set(Phase::Busy { n_body_bytes });
        self.is_served.set(true);
        self.reply_until.set(None);
        self.place.seat.set_busy(true);
        // The body may be waiting.
        self.place.seat.wake();
    }

    /// The request is answered late, because its address asks too fast. Meanwhile its connection is
    /// nobody's loss.
    pub(super) fn is_made_to_wait(&self) {
        self.place.seat.set_busy(false);
    }

    /// The body was read to its end.
    pub(super) fn body_read(&self) {
        self.phase.set(Phase::Busy { n_body_bytes: 0 });
    }

    /// The request on this connection is verified and within the hotkey's limits.
    pub(super) fn prove(&self, hotkey: AccountId) {
        if !self.is_proven.replace(true) {
            self.place.prove(hotkey);
        }
    }

    /// Whether a request on this connection was verified before.
    pub(super) fn is_proven(&self) -> bool {
        self.is_proven.get()
    }

    pub(super) fn seat(&self) -> Arc<Seat> {
        Arc::clone(&self.place.seat)
    }

    /// The reply must have been read by then.
    pub(super) fn reply_until(&self, until: Instant) {
        self.reply_until.set(Some(until));
    }

    /// The request is refused before its body was read: the connection ends with the refusal.
    pub(super) fn cut_off(&self) {
        self.count("unread_body");
        let now = Instant::now();
        self.phase.set(Phase::Refused { until: now + LINGER, n_dropped: 0 });
        self.reply_until.set(Some(now + SIZED_REPLY_WITHIN));
        self.free();
    }

    /// A sized reply is on its way; the next head may come.
    pub(super) fn answered(&self) {
        self.end();
        self.reply_until.set(Some(Instant::now() + SIZED_REPLY_WITHIN));
    }

    /// The reply is written; the next head may come.
    pub(super) fn end(&self) {
        self.phase.set(Phase::Idle { until: Instant::now() + IDLE_FOR });
        self.reply_until.set(None);
        self.free();
    }

    fn free(&self) {
        self.place.seat.set_busy(false);
        self.place.seat.wake();
    }

    fn count(&self, end: &'static str) {
        self.place.connections.count(end);
    }

    /// Follows the head through what was read. `Err` when it is too large.
    fn read(&self, bytes: &[u8], now: Instant) -> Result<(), Cut> {
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

/// Why a connection is cut before any request on it is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    HeadTooLarge,
    SlowHead,
}

impl Cut {
    fn label(self) -> &'static str {
        match self {
            Self::HeadTooLarge => "head_too_large",
            Self::SlowHead => "slow_head",
        }
    }

    fn reply(self) -> &'static [u8] {
        match self {
            Self::HeadTooLarge => {
                b"HTTP/1.1 431 Request Header Fields Too Large\r\nbt_header_axon_status_code: 431\r\nbt_header_axon_status_message: Request head is too large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            }
            Self::SlowHead => {
                b"HTTP/1.1 408 Request Timeout\r\nbt_header_axon_status_code: 408\r\nbt_header_axon_status_message: Request head came too slowly\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            }
        }
    }
}

/// A socket with limits.
#[derive(Debug)]
pub(super) struct Connection {
    socket: TcpStream,
    track: Rc<Track>,
    reading: Deadline,
    writing: Deadline,
}

/// A timer that is made when it is first needed.
#[derive(Debug, Default)]
struct Deadline {
    sleep: Option<Pin<Box<Sleep>>>,
    is_set: bool,
}

impl Deadline {
    fn poll(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if !std::mem::replace(&mut self.is_set, true) || sleep.deadline() != until {
            sleep.as_mut().reset(until);
        }
        sleep.as_mut().poll(cx)
    }
}

impl Connection {
    /// Takes a place for the socket; without one it is closed at once.
    pub(super) fn open(
        socket: TcpStream,
        peer: SocketAddr,
        is_known: bool,
        connections: &Arc<Connections>,
        limits: &AxonLimits,
    ) -> io::Result<Self> {
        let place = connections.enter(peer, is_known).map_err(|reason| {
            connections.count(reason);
            io::Error::new(io::ErrorKind::ConnectionRefused, reason)
        })?;
        socket.set_nodelay(true)?;
        let phase = Phase::Head { until: Instant::now() + HEAD_WITHIN };
        let track = Rc::new(Track::new(place, phase, limits.max_head_bytes));
        Ok(Self { socket, track, reading: Deadline::default(), writing: Deadline::default() })
    }

    pub(super) fn track(&self) -> Rc<Track> {
        Rc::clone(&self.track)
    }

    /// Says why in HTTP, closes our side, and throws away what still comes.
    fn cut(&mut self, why: Cut, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.track.count(why.label());
        self.track.is_served.set(true);
        // A peer that does not read is not waited for.
        let _ = self.socket.try_write(why.reply());
        let _ = Pin::new(&mut self.socket).poll_shutdown(cx);
        self.poll_linger(Instant::now() + LINGER, 0, cx).map(Err)
    }

    /// Ends in an error, never in data.
    fn poll_linger(
        &mut self,
        until: Instant,
        mut n_dropped: usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Error> {
        let mut scratch = [0; 4096];
        let stretch = n_dropped + LINGER_STRETCH_BYTES;
        while n_dropped < MAX_LINGER_BYTES {
            if n_dropped >= stretch {
                self.track.phase.set(Phase::Refused { until, n_dropped });
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.socket).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    n_dropped += buffer.filled().len();
                }
                Poll::Ready(_) => return Poll::Ready(closed("refused")),
                Poll::Pending => {
                    self.track.phase.set(Phase::Refused { until, n_dropped });
                    ready!(self.reading.poll(until, cx));
                    return Poll::Ready(closed("refused"));
                }
            }
        }
        Poll::Ready(closed("refused"))
    }

    /// While an answer is written: sees the caller go, and leaves in the socket what it sends.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scratch = [0; 1];
        match ready!(self.socket.poll_peek(cx, &mut ReadBuf::new(&mut scratch))) {
            Ok(0) => Poll::Ready(Ok(())),
            // Whoever ends the answer wakes this task.
            Ok(_) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Reads no more than `n_most` bytes.
    fn poll_some(
        &mut self,
        n_most: usize,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut part = buffer.take(n_most);
        let read = Pin::new(&mut self.socket).poll_read(cx, &mut part);
        let bytes = part.filled().to_vec();
        if let Poll::Ready(Ok(())) = read {
            buffer.put_slice(&bytes);
        }
        read
    }

    /// Ready when the reader has taken nothing for too long, or the whole reply took too long.
    fn poll_reader(&mut self, reply_until: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        let stalled = match (&self.writing.sleep, self.writing.is_set) {
            (Some(sleep), true) => sleep.deadline(),
            _ => Instant::now() + WRITE_WITHIN - WRITE_JITTER.mul_f64(rand::random()),
        };
        self.writing.poll(reply_until.map_or(stalled, |until| until.min(stalled)), cx)
    }
}

fn closed(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, reason)
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let seat = &this.track.place.seat;
        seat.register(cx.waker());
        if seat.is_evicted() {
            return Poll::Ready(Err(closed("evicted")));
        }
        let n_before = buffer.filled().len();
        let read = match this.track.phase.get() {
            Phase::Refused { until, n_dropped } => {
                return this.poll_linger(until, n_dropped, cx).map(Err);
            }
            Phase::Busy { n_body_bytes: 0 } => return this.poll_gone(cx),
            Phase::Asked { .. } => this.poll_gone(cx)?,
            Phase::Busy { n_body_bytes } => this.poll_some(n_body_bytes, cx, buffer)?,
            Phase::Idle { .. } | Phase::Head { .. } => {
                Pin::new(&mut this.socket).poll_read(cx, buffer)?
            }
        };
        let cut = match (read, this.track.phase.get()) {
            (Poll::Ready(()), _) => {
                let bytes = buffer.filled().get(n_before..).unwrap_or_default();
                this.track.read(bytes, Instant::now()).err()
            }
            (Poll::Pending, Phase::Head { until } | Phase::Asked { until }) => {
                let is_over = this.reading.poll(until, cx).is_ready();
                is_over.then_some(Cut::SlowHead)
            }
            (Poll::Pending, Phase::Idle { until }) => {
                ready!(this.reading.poll(until, cx));
                return Poll::Ready(Err(closed("idle")));
            }
            (Poll::Pending, _) => None,
        };
        match cut {
            None => read.map(Ok),
            Some(why) => {
                buffer.set_filled(n_before);
                this.cut(why, cx)
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if !this.track.is_served.replace(true) {
            // The HTTP library answers by itself only what it could not read.
            this.track.count("malformed");
        }
        if this.track.place.seat.is_evicted() {
            return Poll::Ready(Err(closed("evicted")));
        }
        let until = this.track.reply_until.get();
        let written = Pin::new(&mut this.socket).poll_write(cx, bytes)?;
        this.track.place.seat.stalls(written.is_pending());
        let is_over = match written {
            Poll::Ready(_) => {
                this.writing.is_set = false;
                until.is_some_and(|until| Instant::now() > until)
            }
            Poll::Pending => this.poll_reader(until, cx).is_ready(),
        };
        if is_over {
            this.track.count("slow_reader");
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "slow reader")));
        }
        written.map(Ok)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::house::tests::{connections, peer};
    use super::*;

    fn track(place: Place, max_head_bytes: usize) -> Track {
        Track::new(place, Phase::Idle { until: Instant::now() }, max_head_bytes)
    }

    fn is_whole(track: &Track) -> bool {
        matches!(track.phase.get(), Phase::Asked { .. })
    }

    proptest! {
        /// However a head is cut into reads, its end is found, and its size is what counts.
        #[test]
        fn a_head_is_followed_through_any_reads(
            text in "[a\r\n]{0,40}",
            cuts in proptest::collection::vec(1..8_usize, 1..40),
            max in 1..48_usize,
        ) {
            let connections = connections(9, 9);
            let track = track(connections.enter(peer(1), false).unwrap(), max);
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
