//! A TCP stream that remembers what went over it, under the HTTP client.
//!
//! What the client reports of a failure does not say whether the peer can have had the request.
//! Here it is counted.

use std::cell::Cell;
use std::io::{self, ErrorKind, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::ReadBufCursor;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// Most that one read takes from the system. Lives on the stack for as long as the read lasts.
const READ_BYTES: usize = 8 * 1024;

/// How reading a socket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SocketEnd {
    /// The peer closed.
    Closed,
    /// The connection was reset, or failed in another way.
    Reset,
}

/// What went over a socket since the request began.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Bytes that the system took.
    pub(super) n_written: Cell<u64>,
    /// Bytes that the peer sent.
    pub(super) n_read: Cell<u64>,
    /// Whether the system refused to take bytes.
    pub(super) write_failed: Cell<bool>,
    /// How reading ended, if it did.
    pub(super) end: Cell<Option<SocketEnd>>,
    /// While set nothing is read, so that the client shows only what it has already.
    pub(super) on_hold: Cell<bool>,
}

/// The stream. Its owner shares the tally.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) stream: TcpStream,
    pub(super) tally: Rc<Tally>,
}

impl Socket {
    fn note_write(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(n_bytes)) => add(&self.tally.n_written, *n_bytes),
            Poll::Ready(Err(_)) => self.tally.write_failed.set(true),
            Poll::Pending => {}
        }
        written
    }
}

fn add(counter: &Cell<u64>, n_bytes: usize) {
    counter.set(counter.get().saturating_add(n_bytes as u64));
}

impl hyper::rt::Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.tally.on_hold.get() {
            // Whoever holds it reads again at once.
            return Poll::Pending;
        }
        let mut space = [MaybeUninit::uninit(); READ_BYTES];
        let n_wanted = cursor.remaining().min(READ_BYTES);
        let mut buffer = ReadBuf::uninit(&mut space[..n_wanted]);
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
        match &read {
            Ok(()) if n_wanted != 0 && buffer.filled().is_empty() => {
                self.tally.end.set(Some(SocketEnd::Closed));
            }
            Ok(()) => add(&self.tally.n_read, buffer.filled().len()),
            Err(_) => self.tally.end.set(Some(SocketEnd::Reset)),
        }
        cursor.put_slice(buffer.filled());
        Poll::Ready(read)
    }
}

impl hyper::rt::Write for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note_write(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Nothing: a stream is closed by being dropped, and until then it may be asked what became
    /// of it.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.note_write(written)
    }
}

/// Whether a reset follows the end of a stream within `grace`.
///
/// A peer that closed before it had the request answers the request's bytes with a reset. One
/// that read the request and closed then has no reason to send any.
pub(super) async fn reset_follows(stream: &TcpStream, grace: Duration) -> bool {
    let give_up = Instant::now() + grace;
    loop {
        match stream.take_error() {
            Ok(Some(error)) => return is_reset(&error),
            Ok(None) => {}
            Err(_) => return false,
        }
        match timeout_at(give_up, stream.ready(Interest::ERROR)).await {
            // The flag may be an old one; asking again is what tells.
            Ok(Ok(_)) if Instant::now() < give_up => tokio::task::yield_now().await,
            _ => return false,
        }
    }
}

/// The system says "broken pipe" where the end of the stream had been seen before the reset.
fn is_reset(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    const LONG: Duration = Duration::from_secs(10);
    const SHORT: Duration = Duration::from_millis(50);

    async fn pair() -> (TcpStream, std::net::TcpStream) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (stream, listener.accept().unwrap().0)
    }

    #[actix::test]
    async fn bytes_that_find_the_peer_closed_are_answered_by_a_reset() {
        let (stream, peer) = pair().await;
        drop(peer);
        stream.readable().await.unwrap();
        assert_eq!(stream.try_read(&mut [0]).unwrap(), 0);
        assert!(!reset_follows(&stream, SHORT).await, "nothing was sent yet");
        stream.writable().await.unwrap();
        assert_eq!(stream.try_write(b"request").unwrap(), 7);
        assert!(reset_follows(&stream, LONG).await);
    }

    #[actix::test]
    async fn a_peer_that_read_everything_closes_without_a_reset() {
        let (stream, mut peer) = pair().await;
        stream.writable().await.unwrap();
        assert_eq!(stream.try_write(b"request").unwrap(), 7);
        peer.read_exact(&mut [0; 7]).unwrap();
        drop(peer);
        stream.readable().await.unwrap();
        assert!(!reset_follows(&stream, SHORT).await);
    }

    #[actix::test]
    async fn an_answer_does_not_look_like_a_reset() {
        let (stream, mut peer) = pair().await;
        peer.write_all(b"answer").unwrap();
        stream.readable().await.unwrap();
        assert!(!reset_follows(&stream, SHORT).await);
    }
}
