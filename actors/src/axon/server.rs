//! The axon as an actor: an HTTP server on a listener that outlives it. While a server is being
//! replaced, callers wait in the listener's backlog instead of being refused.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Request};
use actix_server::{Server, ServerHandle};
use actix_service::{ServiceFactoryExt, fn_service};
use rustix::net::listen;
use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_send_buffer_size};
use sn1::synapse::headers::AxonIdentity;
use sn1::synapse::limits::peer_network;
use sn1::synapse::proxy::ProxyHeader;
use sn1::synapse::sign::random_uuid;
use sn1::telemetry::{
    AXON_CONNECTIONS_CUT, AXON_CONNECTIONS_OPENED, AXON_REFUSALS, AXON_REQUESTS, AXON_STREAMS,
    TASKS_ENDED,
};
use tokio::net::TcpStream;

use super::connection::{Connection, CutReason, EarlySocket, HEAD_WITHIN, Standing};
use super::handler::{Served, expect, handle};
use super::miner::Miner;
use super::origin::Origin;
use super::settings::AxonSettings;
use super::state::AxonState;
use super::stream::HANDLER_TASK;
use super::tarpit::Tarpit;
use crate::away::timeout;
use crate::clock::unix_ns;
use crate::recording::prime;
use crate::supervision::{Context, Drained, Resident};

/// The statuses that an axon mostly answers with; their series exist from the start.
const ANSWERED_WITH: [&str; 12] =
    ["200", "400", "401", "403", "404", "405", "408", "413", "429", "431", "500", "503"];

/// How long an idle connection is kept: longer than the 15 s of a Python client, so that none is
/// closed under a request (docs/spec/wire.md#axon-duties).
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Time for a connection to close.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// The kernel's buffer for each direction of a connection: many requests, and seconds of an answer.
const SOCKET_BUFFER_BYTES: usize = 64 * 1024;
/// Connections that may wait to be accepted; the kernel caps this, usually at the same number.
const BACKLOG: i32 = 4096;
/// How often it is told what was refused.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// Time that running answers get when the axon stops.
const DRAIN_SECONDS: u64 = 3;

/// Why an axon does not serve.
#[derive(Debug, thiserror::Error)]
pub enum AxonServerError {
    /// The listener could not be cloned, or no server could be started on it.
    #[error("could not serve the axon: {0}")]
    Start(#[from] io::Error),
    /// The server ended although nobody had stopped it.
    #[error("the HTTP server ended: {0}")]
    Ended(io::Error),
}

/// The actor that serves one miner over HTTP.
pub struct AxonServer {
    settings: AxonSettings,
    listener: TcpListener,
    state: Arc<AxonState>,
    miner: Arc<dyn Miner>,
    server: Option<ServerHandle>,
}

impl AxonServer {
    /// A server on this listener. The state is passed in because its record of nonces must survive
    /// a restart: a request that was served once is never served again.
    pub fn new(
        settings: AxonSettings,
        listener: TcpListener,
        state: Arc<AxonState>,
        miner: Arc<dyn Miner>,
    ) -> Self {
        Self { settings, listener, state, miner, server: None }
    }

    fn serve(&mut self, ctx: &mut Context<'_, Self>) -> io::Result<()> {
        let server = self.server()?;
        self.server = Some(server.handle());
        ctx.run(server, |_, ended, ctx| match ended {
            Ok(()) => ctx.finish(),
            Err(error) => ctx.fail(AxonServerError::Ended(error)),
        });
        Ok(())
    }

    fn server(&self) -> io::Result<Server> {
        let uuid = random_uuid(&mut rand::rng());
        let identity = AxonIdentity::new(self.settings.hotkey.clone(), uuid);
        let (name, state) = (Arc::clone(&self.settings.name), Arc::clone(&self.state));
        let miner = Arc::clone(&self.miner);
        let n_max = state.limits.max_connections;
        let builder = Server::build()
            .workers(self.settings.n_threads.max(1))
            .shutdown_timeout(DRAIN_SECONDS)
            .disable_signals()
            // Our own limits are reached first, also with what is just being closed: they close
            // excess connections instead of letting everybody wait.
            .max_concurrent_connections(
                n_max.saturating_add(Tarpit::most(n_max)).saturating_mul(2),
            );
        let stopping = builder.graceful_shutdown_signal();
        let factory = move || {
            let served = Rc::new(Served::new(
                Arc::clone(&name),
                identity.clone(),
                Arc::clone(&state),
                Arc::clone(&miner),
            ));
            let (state, expecting) = (Arc::clone(&state), Rc::clone(&served));
            let stopping = stopping.clone();
            let door = move |socket: TcpStream| open(socket, Arc::clone(&state));
            fn_service(door).and_then(
                HttpService::build()
                    .keep_alive(KEEP_ALIVE)
                    // `Connection` itself times every head.
                    .client_request_timeout(Duration::ZERO)
                    .client_disconnect_timeout(CLOSE_WITHIN)
                    // A caller that closes its side has gone: its answer is not computed to the
                    // end.
                    .h1_allow_half_closed(false)
                    .graceful_shutdown_signal(move || {
                        let stopping = stopping.clone();
                        async move { stopping.notified().await }
                    })
                    .on_connect_ext(|connection: &Connection, data| {
                        data.insert(connection.track());
                    })
                    .expect(fn_service(move |request: Request| {
                        expect(Rc::clone(&expecting), request)
                    }))
                    .h1(fn_service(move |request: Request| {
                        let served = Rc::clone(&served);
                        async move { Ok::<_, std::convert::Infallible>(handle(served, request).await) }
                    })),
            )
        };
        Ok(builder.listen("axon", self.listener()?, factory)?.run())
    }

    /// The listener, with the settings that its connections inherit.
    fn listener(&self) -> io::Result<TcpListener> {
        let listener = self.listener.try_clone()?;
        // Otherwise the kernel would hold megabytes for each slow reader.
        set_socket_send_buffer_size(&listener, SOCKET_BUFFER_BYTES)?;
        set_socket_recv_buffer_size(&listener, SOCKET_BUFFER_BYTES)?;
        // A second call, for a longer backlog: when a burst of strangers fills it, the kernel drops
        // the next caller's first packet, and that caller retries only a second later.
        listen(&listener, BACKLOG)?;
        Ok(listener)
    }
}

impl Resident for AxonServer {
    type Error = AxonServerError;

    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), Self::Error> {
        let recorded = [AXON_CONNECTIONS_CUT, AXON_CONNECTIONS_OPENED, AXON_REFUSALS, AXON_STREAMS];
        prime(&recorded, &[("actor", &self.settings.name)]);
        let tell = |this: &mut Self, _: &mut Context<'_, Self>| {
            this.state.tally.tell(&this.settings.name);
        };
        ctx.every(TELL_EVERY, tell);
        prime(&[TASKS_ENDED], &[("task", HANDLER_TASK)]);
        for status in ANSWERED_WITH {
            prime(&[AXON_REQUESTS], &[("actor", &self.settings.name), ("status", status)]);
        }
        self.serve(ctx).map_err(AxonServerError::Start)
    }

    fn drain(&mut self, ctx: &mut Context<'_, Self>) -> Drained {
        let Some(server) = self.server.take() else { return Drained::Now };
        ctx.run(server.stop(true), |_, (), ctx| ctx.finish());
        Drained::Later
    }
}

impl Drop for AxonServer {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            // The call itself sends the command; the future only waits for the end.
            drop(server.stop(false));
        }
    }
}

/// Accepts a connection, or closes it. What a trusted proxy says counts as the peer's address.
async fn open(
    socket: TcpStream,
    state: Arc<AxonState>,
) -> Result<(Connection, Option<SocketAddr>), DispatchError> {
    state.connections.came();
    let mut peer = socket.peer_addr().map_err(DispatchError::Io)?;
    let mut socket = EarlySocket::new(socket);
    if state.is_trusted(peer.ip()) {
        // Where nothing comes in time, the connection's own limits end it.
        let behind = timeout(HEAD_WITHIN, proxied(&mut socket)).await.unwrap_or(Ok(None));
        let behind = behind.inspect_err(|_| state.connections.count(CutReason::Malformed));
        peer = behind.map_err(DispatchError::Io)?.unwrap_or(peer);
    }
    let standing = standing(&mut socket, peer, &state).await.map_err(|reason| {
        state.connections.count(reason);
        DispatchError::Io(io::ErrorKind::ConnectionRefused.into())
    })?;
    let connection = Connection::open(socket, peer, standing, &state.connections, &state.limits)
        .map_err(DispatchError::Io)?;
    Ok((connection, Some(peer)))
}

/// Whom a proxy speaks for on this connection; `None` when it says so in each request, or speaks
/// for itself.
async fn proxied(socket: &mut EarlySocket) -> io::Result<Option<SocketAddr>> {
    loop {
        match ProxyHeader::read(socket.early()) {
            ProxyHeader::Absent => return Ok(None),
            ProxyHeader::Of(source, n_bytes) => {
                socket.skip(n_bytes);
                return Ok(source);
            }
            ProxyHeader::Malformed => return Err(io::ErrorKind::InvalidData.into()),
            ProxyHeader::Unfinished => {
                if socket.read_ahead().await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
    }
}

/// What a connection is let in as. Where the strangers of its address have used up its budget or
/// its places, it has to name who is no stranger.
async fn standing(
    socket: &mut EarlySocket,
    peer: SocketAddr,
    state: &AxonState,
) -> Result<Standing, CutReason> {
    if state.is_trusted(peer.ip()) {
        return Ok(Standing::Proxy);
    }
    let (network, now) = (peer_network(peer.ip()), unix_ns());
    let wait = state.stranger_waits(network, now);
    if wait.is_zero() && state.connections.has_place(network) {
        let is_known = state.knows(network, now);
        return Ok(if is_known { Standing::Known } else { Standing::Stranger });
    }
    let is_heard = |hotkey| {
        let origin = Origin { peer, network, named: Some(hotkey) };
        state.is_no_stranger(&origin, unix_ns())
    };
    let named = state.tarpit.hold(socket, wait, state.limits.max_head_bytes, is_heard).await;
    let reason = if wait.is_zero() { CutReason::AddressLimit } else { CutReason::AddressRate };
    named.map(Standing::Named).ok_or(reason)
}
