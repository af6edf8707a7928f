//! One request and its reply over one connection.
//!
//! This module reads and writes bytes; the core (`synapse::reply`) interprets them, so that it is
//! always known what the peer may have received. Redirects and cookies are not supported.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::Duration;

use rustix::io::Errno;
use sn1::synapse::outcome::Ending;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::DendriteLimits;
use super::arrived::Arrived;
use super::deadlines::{Clock, Deadline, Stage};
use super::pool::Idle;
use super::reading::{Read, Reply};
use super::socket::reset_follows;
use crate::away::timeout;

/// Most bytes of one read, the same number as the SDK's.
const READ_BYTES: usize = 64 * 1024;
/// How long to wait for the reset which shows that the peer had closed before the request arrived:
/// twice the round trip, within these bounds.
const MIN_RESET_GRACE: Duration = Duration::from_millis(50);
const MAX_RESET_GRACE: Duration = Duration::from_secs(1);

/// The buffer of a read. All streams of a thread share it, since none keeps it across an await.
#[derive(Debug)]
pub(super) struct Scratch(RefCell<(Box<[u8]>, Vec<u8>)>);

impl Default for Scratch {
    fn default() -> Self {
        Self(RefCell::new((vec![0; READ_BYTES].into(), Vec::new())))
    }
}

/// The limits, the clock and the buffer of an exchange.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) limits: &'a DendriteLimits,
    pub(super) clock: &'a Clock,
    pub(super) scratch: &'a Scratch,
}

/// An open connection that is ready for a request.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    round_trip: Duration,
    is_reused: bool,
}

/// What became of a request.
#[derive(Debug)]
pub(super) enum Fate {
    /// The request was sent: how the exchange ended, and the connection if it can serve another.
    Over(Ending, Option<Idle>),
    /// The peer provably never received the request. Only a reused connection reports this.
    NeverTaken,
}

impl Connection {
    /// Opens a new connection.
    ///
    /// # Errors
    /// The ending of the exchange.
    pub(super) async fn open(address: SocketAddr) -> Result<Self, Ending> {
        let started = Instant::now();
        let opened = TcpStream::connect(address).await;
        let stream = opened.map_err(|error| not_connected(&error))?;
        // Without it the connection works, only slower.
        let _ = stream.set_nodelay(true);
        Ok(Self { stream, round_trip: started.elapsed(), is_reused: false })
    }

    /// Takes an idle connection into use again.
    ///
    /// # Errors
    /// When the runtime cannot register the socket.
    pub(super) fn reuse(idle: Idle) -> io::Result<Self> {
        let stream = TcpStream::from_std(idle.stream)?;
        Ok(Self { stream, round_trip: idle.round_trip, is_reused: true })
    }

    /// Sends the request and reads the reply into `arrived`, which keeps what came whatever
    /// happens.
    pub(super) async fn exchange(
        mut self,
        request: Vec<u8>,
        rules: Rules<'_>,
        arrived: &mut Arrived,
    ) -> Fate {
        let mut reply = Reply::new(arrived, rules.limits);
        let head_due = rules.clock.deadline(Stage::Head);
        let is_sent = match rules.clock.until(head_due, self.send(request)).await {
            Ok(sent) => sent.is_ok(),
            Err(ending) => return ending.into(),
        };
        let read = match is_sent {
            true => self.read_all(&mut reply, rules, head_due).await,
            false => self.read_last_words(&mut reply, rules).await,
        };
        let end = match read {
            Ok(end) => end,
            Err(ending) => return ending.into(),
        };
        let is_unread = !reply.has_begun
            && self.is_reused
            && (!is_sent || (matches!(end, Read::Closed) && self.was_late(rules.clock).await));
        if is_unread { Fate::NeverTaken } else { self.settle(end, reply) }
    }

    /// Reads until the reply ends, the connection fails or a deadline passes.
    async fn read_all(
        &mut self,
        reply: &mut Reply<'_>,
        rules: Rules<'_>,
        head_due: Deadline,
    ) -> Result<Read, Ending> {
        loop {
            let idle_due = rules.clock.deadline(Stage::Idle);
            let due = if reply.arrived.has_head() { idle_due } else { head_due };
            match rules.clock.until(due, self.read(reply, rules)).await? {
                Read::Part => {}
                end => return Ok(end),
            }
        }
    }

    /// A peer that stops reading the request may have sent its reason: reads what has arrived.
    async fn read_last_words(
        &mut self,
        reply: &mut Reply<'_>,
        rules: Rules<'_>,
    ) -> Result<Read, Ending> {
        let all = self.read_all(reply, rules, rules.clock.deadline(Stage::Total));
        timeout(MIN_RESET_GRACE, all).await.unwrap_or(Ok(Read::Reset))
    }

    async fn send(&mut self, request: Vec<u8>) -> io::Result<()> {
        let mut left = request.as_slice();
        while !left.is_empty() {
            let write = poll_fn(|cx| Pin::new(&mut self.stream).poll_write(cx, left));
            left = &left[write.await?..];
        }
        Ok(())
    }

    /// Reads once and processes all that arrived.
    async fn read(&mut self, reply: &mut Reply<'_>, rules: Rules<'_>) -> Read {
        poll_fn(|cx| {
            let mut scratch = rules.scratch.0.borrow_mut();
            let (space, body) = &mut *scratch;
            let mut buffer = ReadBuf::new(space);
            if ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)).is_err() {
                return Poll::Ready(Read::Reset);
            }
            body.clear();
            Poll::Ready(match buffer.filled() {
                [] => Read::Closed,
                bytes => reply.take(bytes, body, rules.clock.elapsed_s(), rules.limits),
            })
        })
        .await
    }

    /// Whether the peer had closed before the request arrived. It had if it answers the request
    /// with a reset after its end of stream; a reset alone proves nothing, since a peer can read a
    /// request and then reset.
    async fn was_late(&self, clock: &Clock) -> bool {
        let grace = (self.round_trip * 2).clamp(MIN_RESET_GRACE, MAX_RESET_GRACE);
        clock.within(Stage::Total, reset_follows(&self.stream, grace)).await.unwrap_or(false)
    }

    fn settle(self, end: Read, mut reply: Reply<'_>) -> Fate {
        let ending = reply.ending(end);
        let is_kept = ending == Ending::Complete && reply.reader.may_continue();
        let stream = is_kept.then(|| self.stream.into_std().ok()).flatten();
        Fate::Over(ending, stream.map(|stream| Idle { stream, round_trip: self.round_trip }))
    }
}

impl From<Ending> for Fate {
    fn from(ending: Ending) -> Self {
        Self::Over(ending, None)
    }
}

/// A missing route or listener is the peer's fault; a lack of file descriptors is ours.
fn not_connected(error: &io::Error) -> Ending {
    if matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE)) {
        tracing::error!(%error, "could not open a socket for a miner; raise the limit of open files");
        return Ending::Failed(error.to_string());
    }
    Ending::NotConnected
}
