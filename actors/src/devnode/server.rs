//! The actor that owns the port: accepts connections, up to a limit, and starts a task for each.
//! The tasks end with it.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tracing::debug;

use super::caller::Caller;
use super::connection::Connection;
use super::http;
use crate::away::timeout;
use crate::spawn::spawn_named;
use crate::supervision::{Context, Resident};

/// Most open connections.
const MAX_CONNECTIONS: usize = 1024;
/// Largest message from a client, in bytes.
const MAX_MESSAGE_BYTES: usize = 16 << 20;
/// Time for a new client to send its handshake, or its whole HTTP request.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// The pause when the system has no room for another connection.
const BREATH: Duration = Duration::from_millis(100);
/// Orders to misbehave do not affect connections on this path.
const CONTROL_PATH: &str = "/control";

/// The actor that owns the port.
pub(super) struct DevNodeServer {
    listener: Option<std::net::TcpListener>,
    caller: Caller,
    /// Dropping it ends all connections.
    alive: watch::Sender<()>,
}

impl DevNodeServer {
    pub(super) fn new(listener: std::net::TcpListener, caller: Caller) -> Self {
        Self { listener: Some(listener), caller, alive: watch::Sender::new(()) }
    }
}

/// Why the port is not served.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServerError {
    #[error("could not serve the chain's port: {0}")]
    Start(#[from] std::io::Error),
    #[error("the listener ended")]
    Ended,
}

impl Resident for DevNodeServer {
    type Error = ServerError;

    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), Self::Error> {
        let Some(listener) = self.listener.take() else { return Ok(()) };
        let listener = TcpListener::from_std(listener)?;
        let accepting = accept_all(listener, self.caller.clone(), self.alive.subscribe());
        ctx.run(accepting, |_, (), ctx| ctx.fail(ServerError::Ended));
        Ok(())
    }
}

async fn accept_all(listener: TcpListener, caller: Caller, alive: watch::Receiver<()>) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let line = caller.switchboard.line();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                debug!(%error, "no connection could be accepted");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        if line.borrow().is_shut() {
            continue;
        }
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            debug!("a connection beyond the limit was closed");
            continue;
        };
        let (caller, mut alive) = (caller.clone(), alive.clone());
        spawn_named("devnode_connection", async move {
            let counted = caller.switchboard.count_connection();
            tokio::select! {
                () = serve(stream, caller) => {}
                // Nothing is ever sent: this resolves when the server has gone.
                _ = alive.changed() => {}
            }
            drop((counted, place));
        });
    }
}

async fn serve(stream: TcpStream, caller: Caller) {
    let mut first = [0; 2048];
    let peeked = timeout(HANDSHAKE_WITHIN, stream.peek(&mut first)).await;
    let Ok(Ok(n_bytes @ 1..)) = peeked else { return };
    // The port is open before the chain is, and while the chain is restarted.
    if !caller.methods.until_up(HANDSHAKE_WITHIN).await {
        return;
    }
    if http::asks_for_a_websocket(&first[..n_bytes]) {
        serve_websocket(stream, caller).await;
    } else {
        let serving = http::serve(stream, &caller, MAX_MESSAGE_BYTES);
        let served = timeout(HANDSHAKE_WITHIN, serving).await;
        debug!(?served, "HTTP request");
    }
}

async fn serve_websocket(stream: TcpStream, caller: Caller) {
    let mut line = caller.switchboard.line();
    let n_drops = line.borrow_and_update().n_drops;
    // Small messages are sent at once.
    let _ = stream.set_nodelay(true);
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let mut is_control = false;
    #[expect(clippy::result_large_err, reason = "the type is the library's")]
    let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        is_control = request.uri().path() == CONTROL_PATH;
        Ok(response)
    };
    let opening = accept_hdr_async_with_config(stream, look, Some(limits));
    let Ok(Ok(socket)) = timeout(HANDSHAKE_WITHIN, opening).await else { return };
    let connection = Connection::new(socket, caller, is_control);
    tokio::select! {
        ended = connection.run() => debug!(%ended, "connection ended"),
        _ = line.wait_for(|line| line.n_drops != n_drops), if !is_control => {
            debug!("connection cut on order");
        }
    }
}
