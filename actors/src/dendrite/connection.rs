//! One request and its reply over one connection.
//!
//! The HTTP client is hyper's, driven by hand: nothing is spawned, so an exchange that is dropped
//! is over. It follows no redirect, unpacks nothing and keeps no cookie, because it cannot.

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HOST;
use hyper::{Request, Response};
use rustix::io::Errno;
use sn1::synapse::headers::MAX_REPLY_HEADERS;
use sn1::synapse::outcome::Ending;
use sn1::synapse::sign::SignedRequest;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::DendriteLimits;
use super::arrived::Arrived;
use super::deadlines::{Clock, Stage};
use super::pool::Idle;
use super::socket::{Socket, SocketEnd, Tally, reset_follows};

/// How long a reset may take that shows that the peer had closed before the request came.
const MIN_RESET_GRACE: Duration = Duration::from_millis(50);
const MAX_RESET_GRACE: Duration = Duration::from_secs(1);

type Outgoing = Full<Bytes>;

/// A connection that is ready for a request.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    round_trip: Duration,
    is_reused: bool,
}

/// What became of a request.
#[derive(Debug)]
pub(super) enum Fate {
    /// It was sent; this is how the exchange ended, and the connection if it is good for another.
    Over(Ending, Option<Idle>),
    /// It is proven that the peer never had it. Only a reused connection says so.
    NeverTaken,
}

impl From<Ending> for Fate {
    fn from(ending: Ending) -> Self {
        Self::Over(ending, None)
    }
}

impl Connection {
    /// A new one.
    ///
    /// # Errors
    /// How that ends the exchange.
    pub(super) async fn open(address: SocketAddr) -> Result<Self, Ending> {
        let started = Instant::now();
        let opened = TcpStream::connect(address).await;
        let stream = opened.map_err(|error| not_connected(&error))?;
        // Only costs time where it fails.
        let _ = stream.set_nodelay(true);
        Ok(Self { stream, round_trip: started.elapsed(), is_reused: false })
    }

    /// One that served before.
    ///
    /// # Errors
    /// The runtime takes no more sockets.
    pub(super) fn reuse(idle: Idle) -> io::Result<Self> {
        let stream = TcpStream::from_std(idle.stream)?;
        Ok(Self { stream, round_trip: idle.round_trip, is_reused: true })
    }

    /// Sends the request and reads the reply into `arrived`, which keeps what came whatever
    /// happens.
    pub(super) async fn exchange(
        self,
        request: SignedRequest,
        address: SocketAddr,
        limits: &DendriteLimits,
        clock: &Clock,
        arrived: &mut Arrived,
    ) -> Fate {
        let request = match http_request(request, address) {
            Ok(request) => request,
            Err(error) => return Ending::Failed(error.to_string()).into(),
        };
        let Self { stream, round_trip, is_reused } = self;
        let (mut sender, mut driven) = match Driven::handshake(stream, limits).await {
            Ok(made) => made,
            Err(error) => return Ending::Failed(error.to_string()).into(),
        };
        let sent = driven.with(sender.try_send_request(request));
        let reply = match clock.within(Stage::Head, sent).await {
            Err(ending) => return ending.into(),
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => {
                let ending = before_head(error.error(), &driven.tally);
                let grace = (round_trip * 2).clamp(MIN_RESET_GRACE, MAX_RESET_GRACE);
                let is_unread = is_reused && was_never_taken(&error, driven, grace, clock).await;
                return if is_unread { Fate::NeverTaken } else { ending.into() };
            }
        };
        match read_reply(reply, &mut driven, limits, clock, arrived).await {
            Read::Whole => {
                let idle = driven.into_idle(&sender).await;
                let idle = idle.map(|stream| Idle { stream, round_trip });
                Fate::Over(Ending::Complete, idle)
            }
            Read::Enough => Ending::Complete.into(),
            Read::Failed(ending) => ending.into(),
        }
    }
}

/// No route, nobody there: the peer's fault. No more files: ours.
fn not_connected(error: &io::Error) -> Ending {
    if matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE)) {
        tracing::error!(%error, "no socket for a miner; raise the limit of open files");
        return Ending::Failed(error.to_string());
    }
    Ending::NotConnected
}

fn http_request(
    signed: SignedRequest,
    address: SocketAddr,
) -> Result<Request<Outgoing>, hyper::http::Error> {
    let mut request = Request::post(signed.path).header(HOST, address.to_string());
    for (name, value) in signed.headers {
        request = request.header(name, value);
    }
    request.header("accept-encoding", "identity").body(Full::new(signed.body.into()))
}

/// The HTTP client of one connection, polled whenever something is awaited with it.
struct Driven {
    inner: http1::Connection<Socket, Outgoing>,
    is_over: bool,
    tally: Rc<Tally>,
}

impl Driven {
    async fn handshake(
        stream: TcpStream,
        limits: &DendriteLimits,
    ) -> hyper::Result<(SendRequest<Outgoing>, Self)> {
        let tally = Rc::new(Tally::default());
        let socket = Socket { stream, tally: Rc::clone(&tally) };
        let (sender, inner) = http1::Builder::new()
            .max_headers(MAX_REPLY_HEADERS)
            .max_header_size(limits.max_head_bytes)
            .max_buf_size(limits.max_head_bytes)
            .handshake(socket)
            .await?;
        Ok((sender, Self { inner, is_over: false, tally }))
    }

    fn poll(&mut self, cx: &mut Context<'_>) {
        // Its error reaches whoever waits for head or body as well.
        if !self.is_over && Pin::new(&mut self.inner).poll(cx).is_ready() {
            self.is_over = true;
        }
    }

    /// Awaits something that the connection brings about.
    async fn with<T>(&mut self, part: impl Future<Output = T>) -> T {
        let mut part = pin!(part);
        poll_fn(|cx| {
            self.poll(cx);
            part.as_mut().poll(cx)
        })
        .await
    }

    /// The next piece of the body, if no more has to be read for it.
    async fn piece_at_hand(&mut self, body: &mut Incoming) -> Option<Piece> {
        self.tally.on_hold.set(true);
        let piece = poll_fn(|cx| {
            let mut next = pin!(next_piece(body));
            // Once to take what is there, once more for what that made room for.
            for _ in 0..2 {
                self.poll(cx);
                if let Poll::Ready(piece) = next.as_mut().poll(cx) {
                    return Poll::Ready(Some(piece));
                }
            }
            Poll::Ready(None)
        })
        .await;
        self.tally.on_hold.set(false);
        piece
    }

    /// The bare stream, if it is good for another request.
    async fn into_idle(mut self, sender: &SendRequest<Outgoing>) -> Option<std::net::TcpStream> {
        poll_fn(|cx| {
            self.poll(cx);
            Poll::Ready(())
        })
        .await;
        if self.is_over || !sender.is_ready() {
            return None;
        }
        let parts = self.inner.into_parts();
        let is_clean = parts.read_buf.is_empty() && self.tally.end.get().is_none();
        if is_clean { parts.io.stream.into_std().ok() } else { None }
    }

    fn into_stream(self) -> TcpStream {
        self.inner.into_parts().io.stream
    }
}

/// What went wrong before the head was whole.
fn before_head(error: &hyper::Error, tally: &Tally) -> Ending {
    if error.is_parse() {
        return Ending::BadHead(error.to_string());
    }
    match tally.end.get() {
        Some(SocketEnd::Closed) => Ending::Disconnected,
        Some(SocketEnd::Reset) => Ending::Reset,
        None if tally.write_failed.get() => Ending::Reset,
        None => Ending::Failed(error.to_string()),
    }
}

/// Whether it is proven that the peer never had the request, so that it may be asked anew.
///
/// Not one byte of a reply came, and either part of the request never left this host, or the peer
/// had closed before the request came and says so by a reset. A reset alone proves nothing: a
/// peer can read a request and then reset.
async fn was_never_taken(
    error: &TrySendError<Request<Outgoing>>,
    driven: Driven,
    grace: Duration,
    clock: &Clock,
) -> bool {
    let tally = Rc::clone(&driven.tally);
    if tally.n_read.get() != 0 {
        return false;
    }
    if error.message().is_some() || tally.n_written.get() == 0 || tally.write_failed.get() {
        return true;
    }
    let stream = driven.into_stream();
    tally.end.get() == Some(SocketEnd::Closed)
        && clock.within(Stage::Total, reset_follows(&stream, grace)).await.unwrap_or(false)
}

/// How reading a reply ended.
pub(super) enum Read {
    /// At its proper end.
    Whole,
    /// Before its end, for it is no answer.
    Enough,
    Failed(Ending),
}

/// What a body gives next: bytes, its proper end, or an error.
type Piece = hyper::Result<Option<Bytes>>;

async fn next_piece(body: &mut Incoming) -> Piece {
    while let Some(frame) = body.frame().await {
        // Trailers say nothing.
        if let Ok(bytes) = frame?.into_data() {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

async fn read_reply(
    reply: Response<Incoming>,
    driven: &mut Driven,
    limits: &DendriteLimits,
    clock: &Clock,
    arrived: &mut Arrived,
) -> Read {
    arrived.head(reply.status().as_u16(), reply.headers(), clock.elapsed_s());
    // The headers hold on to the buffer that they were read into: not for the whole stream.
    let mut body = reply.into_body();
    if arrived.is_unreadable() {
        return Read::Enough;
    }
    let mut piece = None;
    loop {
        let next = match piece.take() {
            Some(next) => next,
            None => match clock.within(Stage::Idle, driven.with(next_piece(&mut body))).await {
                Ok(next) => next,
                Err(ending) => return Read::Failed(ending),
            },
        };
        let bytes = match next {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return arrived.end().map_or_else(Read::Failed, |()| Read::Whole),
            Err(error) => return Read::Failed(in_body(&error, clock)),
        };
        let after_s = clock.elapsed_s();
        let (bytes, rest) = join_read(bytes, driven, &mut body).await;
        piece = rest;
        let taken = if arrived.is_refusal() {
            arrived.refusal(&bytes)
        } else {
            arrived.chunk(&bytes, after_s, limits).map_err(Read::Failed)
        };
        if let Err(read) = taken {
            return read;
        }
    }
}

/// What one read brought counts as one chunk (mechanism.md, quirk 42), into however many HTTP
/// chunks the peer had cut it. Also gives what came after, if it is known already.
async fn join_read(
    first: Bytes,
    driven: &mut Driven,
    body: &mut Incoming,
) -> (Bytes, Option<Piece>) {
    let mut next = driven.piece_at_hand(body).await;
    if !matches!(next, Some(Ok(Some(_)))) {
        return (first, next);
    }
    let mut joined = BytesMut::from(first);
    while let Some(Ok(Some(more))) = next {
        joined.extend_from_slice(&more);
        next = driven.piece_at_hand(body).await;
    }
    (joined.freeze(), next)
}

/// What went wrong in the body. Where the chunked framing is broken the SDK waits for its timeout
/// (synapse-wire.md section 7.3): nothing can follow, so here it is only reported as one.
fn in_body(error: &hyper::Error, clock: &Clock) -> Ending {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    match cause.map(io::Error::kind) {
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => clock.timed_out(),
        _ => Ending::BrokenBody,
    }
}
