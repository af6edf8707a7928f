//! A TCP socket of which something was read before anybody answers on it: who is behind a proxy, or
//! whose name a request is in.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A socket, and the bytes that were read ahead; they are read again before all others.
#[derive(Debug)]
pub(in crate::axon) struct EarlySocket {
    stream: TcpStream,
    early: BytesMut,
}

impl EarlySocket {
    pub(in crate::axon) fn new(stream: TcpStream) -> Self {
        Self { stream, early: BytesMut::new() }
    }

    /// What was read ahead.
    pub(in crate::axon) fn early(&self) -> &[u8] {
        &self.early
    }

    /// Takes so many of these bytes away.
    pub(in crate::axon) fn skip(&mut self, n_bytes: usize) {
        self.early.advance(n_bytes.min(self.early.len()));
    }

    /// Reads more ahead; the number of bytes, 0 when the peer has closed. Loses nothing when it is
    /// dropped.
    pub(in crate::axon) async fn read_ahead(&mut self) -> io::Result<usize> {
        self.early.reserve(1024);
        self.stream.read_buf(&mut self.early).await
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Looks whether the next byte is there, and leaves it.
    pub(super) fn poll_peek(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        match self.early.is_empty() {
            true => self.stream.poll_peek(cx, buffer),
            false => Poll::Ready(Ok(1)),
        }
    }
}

impl AsyncRead for EarlySocket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.early.is_empty() {
            return Pin::new(&mut this.stream).poll_read(cx, buffer);
        }
        let n_bytes = this.early.len().min(buffer.remaining());
        buffer.put_slice(&this.early.split_to(n_bytes));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for EarlySocket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
