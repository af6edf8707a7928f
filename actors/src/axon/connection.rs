//! One connection: how many there may be, and how long each may take to say or hear something.
//!
//! The HTTP library reads heads and frames bodies; this wrapper around its socket adds what it does
//! not bound: the size and the time of *every* head (not of the first only), and how long a reply
//! may wait for a reader. It looks at bytes only to find the end of a head.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use metrics::{counter, gauge};
use parking_lot::Mutex;
use sn1::synapse::limits::peer_network;
use sn1::telemetry;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::rules::AxonLimits;

/// For the head of a request, from the opening of the connection or its first byte.
const HEAD_WITHIN: Duration = Duration::from_secs(5);
/// A reader who takes nothing for this long has gone.
const WRITE_WITHIN: Duration = Duration::from_secs(10);
/// A refused sender may finish what it is sending, so that it can read the refusal.
const LINGER: Duration = Duration::from_millis(500);
/// Most bytes that are thrown away for that.
const MAX_LINGER_BYTES: usize = 1 << 20;
/// What ends a head.
const HEAD_END: &[u8; 4] = b"\r\n\r\n";

/// The open connections of one axon. Outlives its server, as they may.
#[derive(Debug)]
pub(super) struct Connections {
    name: Arc<str>,
    open: Mutex<Open>,
    n_max: usize,
    n_max_per_address: usize,
}

#[derive(Debug, Default)]
struct Open {
    seats: HashMap<u64, (IpAddr, Arc<Seat>)>,
    by_address: HashMap<IpAddr, usize>,
    n_ever: u64,
}

/// What others may know and do of a connection.
#[derive(Debug, Default)]
struct Seat {
    /// A request on it was verified: it belongs to somebody we serve.
    is_proven: AtomicBool,
    /// It answers a request now.
    is_busy: AtomicBool,
    is_evicted: AtomicBool,
    waker: AtomicWaker,
}

/// A connection's place among the open ones; leaves when dropped.
#[derive(Debug)]
struct Place {
    connections: Arc<Connections>,
    id: u64,
    seat: Arc<Seat>,
}

impl Connections {
    pub(super) fn new(name: Arc<str>, limits: &AxonLimits) -> Arc<Self> {
        Arc::new(Self {
            name,
            open: Mutex::default(),
            n_max: limits.max_connections,
            n_max_per_address: limits.max_connections_per_address,
        })
    }

    fn count(&self, end: &'static str) {
        counter!(telemetry::AXON_CONNECTIONS_CUT.name, "actor" => Arc::clone(&self.name), "reason" => end)
            .increment(1);
    }

    /// A place for a new connection, or the reason for which there is none.
    fn enter(self: &Arc<Self>, peer: SocketAddr) -> Result<Place, &'static str> {
        let address = peer_network(peer.ip());
        let mut open = self.open.lock();
        if open.by_address.get(&address).is_some_and(|n| *n >= self.n_max_per_address) {
            return Err("address_limit");
        }
        if open.seats.len() >= self.n_max {
            let evicted = open.evict().ok_or("connection_limit")?;
            evicted.is_evicted.store(true, Ordering::Release);
            evicted.waker.wake();
            self.count("evicted");
        }
        open.n_ever += 1;
        let (id, seat) = (open.n_ever, Arc::<Seat>::default());
        open.seats.insert(id, (address, Arc::clone(&seat)));
        *open.by_address.entry(address).or_default() += 1;
        self.show(&open);
        Ok(Place { connections: Arc::clone(self), id, seat })
    }

    fn show(&self, open: &Open) {
        gauge!(telemetry::AXON_CONNECTIONS.name, "actor" => Arc::clone(&self.name))
            .set(open.seats.len() as f64);
    }
}

impl Open {
    /// Takes the oldest connection off the list on which nothing was verified yet and that does
    /// not answer now.
    fn evict(&mut self) -> Option<Arc<Seat>> {
        let is_idle = |seat: &Seat| {
            !seat.is_proven.load(Ordering::Acquire) && !seat.is_busy.load(Ordering::Acquire)
        };
        let idle = self.seats.iter().filter(|(_, (_, seat))| is_idle(seat));
        let oldest = *idle.map(|(id, _)| id).min()?;
        self.remove(oldest)
    }

    fn remove(&mut self, id: u64) -> Option<Arc<Seat>> {
        let (address, seat) = self.seats.remove(&id)?;
        if let Some(n) = self.by_address.get_mut(&address) {
            *n -= 1;
            if *n == 0 {
                self.by_address.remove(&address);
            }
        }
        Some(seat)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock();
        open.remove(self.id);
        self.connections.show(&open);
    }
}

/// Where a connection is in its life.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// Nothing is asked; the server closes it after the keep-alive time.
    Idle,
    /// A head is on its way.
    Head { until: Instant },
    /// A whole head was read: body, answer.
    Busy,
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
    max_head_bytes: usize,
    reply_until: Cell<Option<Instant>>,
    is_served: Cell<bool>,
    /// The last request was refused, perhaps before its body was read.
    is_refused: Cell<bool>,
}

impl Track {
    fn new(place: Place, phase: Phase, max_head_bytes: usize) -> Self {
        Self {
            place,
            phase: Cell::new(phase),
            n_head_bytes: Cell::new(0),
            n_matched: Cell::new(0),
            max_head_bytes,
            reply_until: Cell::new(None),
            is_served: Cell::new(false),
            is_refused: Cell::new(false),
        }
    }

    /// The server begins to answer a request.
    pub(super) fn begin(&self) {
        self.phase.set(Phase::Busy);
        self.is_served.set(true);
        self.is_refused.set(false);
        self.place.seat.is_busy.store(true, Ordering::Release);
    }

    /// The request on this connection is verified.
    pub(super) fn prove(&self) {
        self.place.seat.is_proven.store(true, Ordering::Release);
    }

    /// The reply must have been read by then.
    pub(super) fn reply_until(&self, until: Instant) {
        self.reply_until.set(Some(until));
    }

    /// The request is refused. What still comes of its body is not told from a head, so it is cut
    /// off like one that is too large, only without another word.
    pub(super) fn refused(&self) {
        self.is_refused.set(true);
    }

    /// The reply is written; the next head may come.
    pub(super) fn end(&self) {
        self.phase.set(Phase::Idle);
        self.reply_until.set(None);
        self.place.seat.is_busy.store(false, Ordering::Release);
    }

    fn count(&self, end: &'static str) {
        self.place.connections.count(end);
    }

    /// Follows the head through what was read. `Err` when it is too large.
    fn read(&self, bytes: &[u8], now: Instant) -> Result<(), Refused> {
        if self.phase.get() == Phase::Idle && !bytes.is_empty() {
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
                return Err(Refused::HeadTooLarge);
            }
            // A body may contain what looks like the end of a head.
            if n_matched == HEAD_END.len() && !self.is_refused.get() {
                self.phase.set(Phase::Busy);
                self.is_served.set(false);
                return Ok(());
            }
        }
        self.n_matched.set(n_matched);
        self.n_head_bytes.set(self.n_head_bytes.get() + bytes.len());
        Ok(())
    }
}

/// Why a connection is refused before any request on it is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    HeadTooLarge,
    SlowHead,
}

impl Refused {
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
    reading: RefCell<Deadline>,
    writing: RefCell<Deadline>,
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
        connections: &Arc<Connections>,
        limits: &AxonLimits,
    ) -> io::Result<Self> {
        let place = connections.enter(peer).map_err(|reason| {
            connections.count(reason);
            io::Error::new(io::ErrorKind::ConnectionRefused, reason)
        })?;
        socket.set_nodelay(true)?;
        let phase = Phase::Head { until: Instant::now() + HEAD_WITHIN };
        let track = Track::new(place, phase, limits.max_head_bytes);
        let (reading, writing) = Default::default();
        Ok(Self { socket, track: Rc::new(track), reading, writing })
    }

    pub(super) fn track(&self) -> Rc<Track> {
        Rc::clone(&self.track)
    }

    /// Says why in HTTP, closes our side, and throws away what still comes.
    fn refuse(&mut self, why: Refused, cx: &mut Context<'_>) {
        if self.track.is_refused.get() {
            self.track.count("unread_body");
        } else {
            self.track.count(why.label());
            // A peer that does not read is not waited for.
            let _ = self.socket.try_write(why.reply());
        }
        let _ = Pin::new(&mut self.socket).poll_shutdown(cx);
        let until = Instant::now() + LINGER;
        self.track.phase.set(Phase::Refused { until, n_dropped: 0 });
    }

    /// Ends in an error, never in data.
    fn poll_linger(
        &mut self,
        until: Instant,
        mut n_dropped: usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Error> {
        let mut scratch = [0; 4096];
        while n_dropped < MAX_LINGER_BYTES {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.socket).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    n_dropped += buffer.filled().len();
                }
                Poll::Ready(_) => return Poll::Ready(closed("refused")),
                Poll::Pending => {
                    self.track.phase.set(Phase::Refused { until, n_dropped });
                    ready!(self.reading.get_mut().poll(until, cx));
                    return Poll::Ready(closed("refused"));
                }
            }
        }
        Poll::Ready(closed("refused"))
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
        seat.waker.register(cx.waker());
        if seat.is_evicted.load(Ordering::Acquire) {
            return Poll::Ready(Err(closed("evicted")));
        }
        if let Phase::Refused { until, n_dropped } = this.track.phase.get() {
            return this.poll_linger(until, n_dropped, cx).map(Err);
        }
        let n_before = buffer.filled().len();
        let read = Pin::new(&mut this.socket).poll_read(cx, buffer)?;
        let refused = match (read, this.track.phase.get()) {
            (Poll::Ready(()), _) => {
                let bytes = buffer.filled().get(n_before..).unwrap_or_default();
                this.track.read(bytes, Instant::now()).err()
            }
            (Poll::Pending, Phase::Head { until }) => {
                let is_over = this.reading.get_mut().poll(until, cx).is_ready();
                is_over.then_some(Refused::SlowHead)
            }
            (Poll::Pending, _) => None,
        };
        match refused {
            None => read.map(Ok),
            Some(why) => {
                buffer.set_filled(n_before);
                this.refuse(why, cx);
                let Phase::Refused { until, n_dropped } = this.track.phase.get() else {
                    return Poll::Ready(Err(closed("refused")));
                };
                this.poll_linger(until, n_dropped, cx).map(Err)
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
        let until = this.track.reply_until.get();
        let written = Pin::new(&mut this.socket).poll_write(cx, bytes)?;
        let is_over = match written {
            Poll::Ready(_) => {
                this.writing.get_mut().is_set = false;
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

impl Connection {
    /// Ready when the reader has taken nothing for too long, or the whole reply took too long.
    fn poll_reader(&mut self, reply_until: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        let writing = self.writing.get_mut();
        let stalled = match (&writing.sleep, writing.is_set) {
            (Some(sleep), true) => sleep.deadline(),
            _ => Instant::now() + WRITE_WITHIN,
        };
        writing.poll(reply_until.map_or(stalled, |until| until.min(stalled)), cx)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn connections(n_max: usize, n_max_per_address: usize) -> Arc<Connections> {
        let limits = AxonLimits {
            max_connections: n_max,
            max_connections_per_address: n_max_per_address,
            ..AxonLimits::default()
        };
        Connections::new("axon".into(), &limits)
    }

    fn peer(number: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, number], 9))
    }

    fn track(place: Place, max_head_bytes: usize) -> Track {
        Track::new(place, Phase::Idle, max_head_bytes)
    }

    #[test]
    fn an_address_gets_so_many_and_no_more() {
        let connections = connections(9, 2);
        let held = [connections.enter(peer(1)).unwrap(), connections.enter(peer(1)).unwrap()];
        assert_eq!(connections.enter(peer(1)).unwrap_err(), "address_limit");
        assert!(connections.enter(peer(2)).is_ok());
        drop(held);
        assert!(connections.enter(peer(1)).is_ok());
        assert!(connections.open.lock().by_address.is_empty());
    }

    #[test]
    fn when_all_are_taken_the_oldest_unproven_idle_one_goes() {
        let connections = connections(3, 3);
        let [proven, busy, idle] =
            [1, 2, 3].map(|number| track(connections.enter(peer(number)).unwrap(), 99));
        proven.prove();
        busy.begin();
        let newcomer = connections.enter(peer(4)).unwrap();
        let is_evicted = |track: &Track| track.place.seat.is_evicted.load(Ordering::Acquire);
        assert!(is_evicted(&idle) && !is_evicted(&proven) && !is_evicted(&busy));
        let newcomer = track(newcomer, 99);
        newcomer.prove();
        assert_eq!(connections.enter(peer(5)).unwrap_err(), "connection_limit");
        drop((idle, busy, proven, newcomer));
        assert!(connections.open.lock().seats.is_empty());
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
            let track = track(connections.enter(peer(1)).unwrap(), max);
            let (mut rest, mut refused) = (text.as_bytes(), false);
            for cut in cuts.into_iter().cycle() {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                refused |= track.read(now, Instant::now()).is_err();
                rest = later;
                if rest.is_empty() || refused || track.phase.get() == Phase::Busy {
                    break;
                }
            }
            let end = text.find("\r\n\r\n").map(|start| start + 4);
            match end {
                Some(end) if end <= max => prop_assert_eq!(track.phase.get(), Phase::Busy),
                _ => prop_assert_eq!(refused, text.len() > max),
            }
        }
    }
}
