//! One connection, and how long it may take to send a head or to read a reply.
//!
//! The HTTP library reads heads and frames bodies. This wrapper around its socket adds the limits
//! that the library lacks: the size and the time of *every* head (not only of the first), and how
//! long a reply may wait for its reader. It looks at bytes only to find the end of a head.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::rules::AxonLimits;

mod cut;
mod handle;
mod socket;
mod table;
mod track;

use cut::Cut;
pub(super) use cut::CutReason;
pub(super) use handle::ConnectionHandle;
pub(super) use socket::EarlySocket;
pub(super) use table::{ConnectionTable, Standing};
pub(super) use track::{HEAD_WITHIN, Track};
use track::{LINGER, Phase};

/// A connection whose reader takes nothing for this long is closed.
const WRITE_WITHIN: Duration = Duration::from_secs(10);
/// The random part of that time, subtracted from it, so that connections opened together are not
/// closed together and do not all come back at once.
const WRITE_JITTER: Duration = Duration::from_secs(4);
/// How many bytes of a refused sender are read and discarded at most.
const MAX_LINGER_BYTES: usize = 1 << 18;
/// How many of these bytes one poll discards at most, so that a flood delays nobody else.
const LINGER_STRETCH_BYTES: usize = 1 << 15;

/// A TCP socket with limits on time and size.
#[derive(Debug)]
pub(super) struct Connection {
    socket: EarlySocket,
    track: Rc<Track>,
    reading: Deadline,
    writing: Deadline,
}

/// A timer that is made on first use.
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
    /// Enters the socket into the table; closes it at once when there is no room.
    pub(super) fn open(
        socket: EarlySocket,
        peer: SocketAddr,
        standing: Standing,
        connections: &Arc<ConnectionTable>,
        limits: &AxonLimits,
    ) -> io::Result<Self> {
        let connection = connections.enter(peer, standing).map_err(|reason| {
            connections.count(reason);
            io::Error::new(io::ErrorKind::ConnectionRefused, <&str>::from(reason))
        })?;
        socket.stream().set_nodelay(true)?;
        let phase = Phase::Head { until: Instant::now() + HEAD_WITHIN };
        let track = Rc::new(Track::new(connection, phase, limits.max_head_bytes));
        Ok(Self { socket, track, reading: Deadline::default(), writing: Deadline::default() })
    }

    pub(super) fn track(&self) -> Rc<Track> {
        Rc::clone(&self.track)
    }

    /// Sends the reason as an HTTP reply, closes our side, and discards what still arrives.
    fn cut(&mut self, why: Cut, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.track.count(why.reason());
        self.track.is_served.set(true);
        // A peer that does not read its reply is not waited for.
        let _ = self.socket.stream().try_write(&why.reply());
        let _ = Pin::new(&mut self.socket).poll_shutdown(cx);
        self.poll_linger(Instant::now() + LINGER, 0, cx).map(Err)
    }

    /// Discards input until `until`. Always ends in an error, never in data.
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

    /// While an answer is written: notices that the caller has closed, and leaves its input in the
    /// socket.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scratch = [0; 1];
        match ready!(self.socket.poll_peek(cx, &mut ReadBuf::new(&mut scratch))) {
            Ok(0) => Poll::Ready(Ok(())),
            // The end of the answer wakes this task.
            Ok(_) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Reads at most `n_most` bytes.
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

    /// Ready when the reader has taken nothing for too long, or when the whole reply has taken too
    /// long.
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

impl Drop for Connection {
    fn drop(&mut self) {
        if self.track.is_broken.get() {
            // Where this fails the caller takes the answer for a whole one.
            let _ = self.socket.stream().set_zero_linger();
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let handle = &this.track.connection.handle;
        handle.register(cx.waker());
        if handle.is_evicted() {
            return Poll::Ready(Err(closed(CutReason::Evicted.into())));
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
        // The HTTP library replies on its own only to a request that it could not parse.
        if let Some(reply) = this.track.said_of_malformed(bytes) {
            // As in `cut`: a peer that does not read its reply is not waited for.
            let _ = this.socket.stream().try_write(&reply);
            return Poll::Ready(Ok(bytes.len()));
        }
        if this.track.connection.handle.is_evicted() {
            return Poll::Ready(Err(closed(CutReason::Evicted.into())));
        }
        let until = this.track.reply_until.get();
        let written = Pin::new(&mut this.socket).poll_write(cx, bytes)?;
        this.track.connection.handle.stalls(written.is_pending());
        let is_over = match written {
            Poll::Ready(_) => {
                this.writing.is_set = false;
                until.is_some_and(|until| Instant::now() > until)
            }
            Poll::Pending => this.poll_reader(until, cx).is_ready(),
        };
        if is_over {
            this.track.count(CutReason::SlowReader);
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
