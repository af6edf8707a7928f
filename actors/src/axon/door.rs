//! The door: who is let in, who is turned away, and who stands outside for a while first.
//!
//! A stranger whose address has asked too much is not heard again before its time. Turned away at
//! once it would be back at once, so the door is opened and nothing said: for as long as the address
//! has to wait, a second at most, and to so many at a time.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_http::error::DispatchError;
use sn1::synapse::limits::peer_network;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::connection::Connection;
use super::state::AxonState;
use crate::clock::unix_ns;

/// The longest that somebody stands outside.
const OUTSIDE_FOR: Duration = Duration::from_secs(1);
/// What is read of somebody outside, and thrown away; whoever sends more goes at once.
const MAX_UNHEARD_BYTES: usize = 64 * 1024;

/// Those who stand outside.
#[derive(Debug)]
pub(super) struct Outside {
    n_now: AtomicUsize,
    n_max: usize,
}

/// One of them; leaves when dropped.
struct Standing<'a>(&'a Outside);

impl Outside {
    pub(super) fn new(n_max: usize) -> Self {
        Self { n_now: AtomicUsize::new(0), n_max }
    }

    fn enter(&self) -> Option<Standing<'_>> {
        let standing = Standing(self);
        (self.n_now.fetch_add(1, Ordering::Relaxed) < self.n_max).then_some(standing)
    }
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        self.0.n_now.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Takes a connection in, or closes it.
pub(super) async fn open(
    socket: TcpStream,
    state: Arc<AxonState>,
) -> Result<(Connection, Option<SocketAddr>), DispatchError> {
    let peer = socket.peer_addr().map_err(DispatchError::Io)?;
    let (network, now) = (peer_network(peer.ip()), unix_ns());
    let wait = state.stranger_waits(network, now);
    if !wait.is_zero() {
        state.connections.count("address_rate");
        keep_outside(socket, wait.min(OUTSIDE_FOR), &state.outside).await;
        return Err(DispatchError::Io(io::ErrorKind::ConnectionRefused.into()));
    }
    let is_known = state.knows(network, now);
    let connection = Connection::open(socket, peer, is_known, &state.connections, &state.limits)
        .map_err(DispatchError::Io)?;
    Ok((connection, Some(peer)))
}

/// Ends when the time is over, or the other side has gone or says too much.
async fn keep_outside(mut socket: TcpStream, wait: Duration, outside: &Outside) {
    let Some(_standing) = outside.enter() else { return };
    let unheard = async {
        let (mut n_bytes, mut scratch) = (0, [0; 1024]);
        while n_bytes < MAX_UNHEARD_BYTES {
            match socket.read(&mut scratch).await {
                Ok(0) | Err(_) => return,
                Ok(n_read) => n_bytes += n_read,
            }
        }
    };
    // Both ends are the same to the caller: the connection is closed.
    let _ = timeout(wait, unheard).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_stand_outside_and_no_more() {
        let outside = Outside::new(2);
        let held = [outside.enter(), outside.enter()];
        assert!(held.iter().all(Option::is_some) && outside.enter().is_none());
        drop(held);
        assert_eq!(outside.n_now.load(Ordering::Relaxed), 0);
        assert!(outside.enter().is_some());
    }
}
