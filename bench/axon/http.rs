//! One HTTP/1.1 connection of a caller, framed by hand: as little work as a load generator can do,
//! and as much freedom as an attacker needs. Requests are bytes; replies are read to their end.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::{Buf, BytesMut};
use sn1::synapse::sign::SignedRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// A request as it goes over the wire.
pub(crate) fn frame(request: &SignedRequest, host: SocketAddr) -> Vec<u8> {
    let mut bytes = head(request, host);
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", request.body.len()).as_bytes());
    bytes.extend_from_slice(&request.body);
    bytes
}

/// The head of a request without its end, so that more headers can follow.
pub(crate) fn head(request: &SignedRequest, host: SocketAddr) -> Vec<u8> {
    let mut text = format!("POST {} HTTP/1.1\r\nhost: {host}\r\n", request.path);
    for (name, value) in &request.headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    text.into_bytes()
}

/// A whole reply.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body without its framing.
    pub(crate) body: Vec<u8>,
    /// Whether the connection can carry another request.
    pub(crate) stays_open: bool,
}

/// A client's connection to a server.
#[derive(Debug)]
pub(crate) struct Connection {
    /// The incoming half.
    pub(crate) replies: Replies,
    /// The outgoing half.
    pub(crate) writer: OwnedWriteHalf,
}

impl Connection {
    /// Connects from a loopback address of the caller's choice.
    pub(crate) async fn open(from: Ipv4Addr, to: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((from, 0)))?;
        Self::connect(socket, to).await
    }

    /// Connects a socket that is already configured.
    pub(crate) async fn connect(socket: TcpSocket, to: SocketAddr) -> io::Result<Self> {
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        Ok(Self { replies: Replies { reader, buffer: BytesMut::new() }, writer })
    }

    /// Sends a request and reads its reply.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<Reply> {
        self.writer.write_all(request).await?;
        self.replies.next().await
    }
}

/// The incoming half of a connection.
#[derive(Debug)]
pub(crate) struct Replies {
    reader: OwnedReadHalf,
    buffer: BytesMut,
}

/// How a reply marks the end of its body.
enum Framing {
    Length(usize),
    Chunked,
    Close,
}

/// The parts of a reply's head that the bench needs.
pub(crate) struct Head {
    /// The HTTP status.
    pub(crate) status: u16,
    framing: Framing,
    stays_open: bool,
}

impl Replies {
    /// The next reply, read to its end.
    pub(crate) async fn next(&mut self) -> io::Result<Reply> {
        let head = self.head().await?;
        let body = match head.framing {
            Framing::Length(length) => self.take(length).await?.to_vec(),
            Framing::Chunked => self.chunks().await?,
            Framing::Close => self.rest().await?,
        };
        Ok(Reply { status: head.status, body, stays_open: head.stays_open })
    }

    /// The next reply's head. A cancelled call keeps what it has read.
    pub(crate) async fn head(&mut self) -> io::Result<Head> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                let head = self.buffer.split_to(end + 4);
                return parse_head(&head);
            }
            self.read().await?;
        }
    }

    async fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = self.line().await?;
            let size = std::str::from_utf8(&size).ok();
            let size = size.and_then(|digits| usize::from_str_radix(digits.trim(), 16).ok());
            let size = size.ok_or_else(|| malformed("chunk size"))?;
            if size == 0 {
                self.line().await?;
                return Ok(body);
            }
            body.extend_from_slice(&self.take(size).await?);
            self.line().await?;
        }
    }

    async fn rest(&mut self) -> io::Result<Vec<u8>> {
        while self.reader.read_buf(&mut self.buffer).await? > 0 {}
        Ok(self.buffer.split().to_vec())
    }

    async fn line(&mut self) -> io::Result<BytesMut> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n") {
                let line = self.buffer.split_to(end);
                self.buffer.advance(2);
                return Ok(line);
            }
            self.read().await?;
        }
    }

    async fn take(&mut self, length: usize) -> io::Result<BytesMut> {
        while self.buffer.len() < length {
            self.read().await?;
        }
        Ok(self.buffer.split_to(length))
    }

    async fn read(&mut self) -> io::Result<()> {
        self.buffer.reserve(4096);
        match self.reader.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn parse_head(head: &[u8]) -> io::Result<Head> {
    let text = std::str::from_utf8(head).map_err(|_| malformed("head"))?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| malformed("status line"))?;
    let mut parsed = Head { status, framing: Framing::Close, stays_open: true };
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            let length = value.parse().map_err(|_| malformed("content-length"))?;
            parsed.framing = Framing::Length(length);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            parsed.framing = Framing::Chunked;
        } else if name.eq_ignore_ascii_case("connection") {
            parsed.stays_open = !value.eq_ignore_ascii_case("close");
        }
    }
    parsed.stays_open &= !matches!(parsed.framing, Framing::Close);
    Ok(parsed)
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("malformed {what} in a reply"))
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}
