//! Idle connections that are kept for the next question.
//!
//! The pool keeps bare TCP streams whose last reply was read to its end, none longer than
//! [`KEPT_FOR`], and no more than the settings allow. Nothing reads from a stream while it waits;
//! when it is taken out, the kernel is asked whether the peer has closed it or sent something.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tokio::time::Instant;

/// Shorter than the 5 s after which a Python axon closes an idle connection
/// (docs/spec/wire.md#dendrite-duties).
const KEPT_FOR: Duration = Duration::from_secs(4);
/// Most idle connections to one address.
const MAX_PER_ADDRESS: usize = 4;

/// A connection between two exchanges.
#[derive(Debug)]
pub(super) struct Idle {
    /// In non-blocking mode, and not registered with any reactor.
    pub(super) stream: TcpStream,
    /// How long it took to connect: about one round trip.
    pub(super) round_trip: Duration,
}

/// The idle connections, by the address that they lead to.
#[derive(Debug)]
pub(super) struct Pool {
    idle: HashMap<SocketAddr, Vec<(Instant, Idle)>>,
    n_idle: usize,
    capacity: usize,
}

impl Pool {
    /// An empty pool for `capacity` connections.
    pub(super) fn new(capacity: usize) -> Self {
        Self { idle: HashMap::new(), n_idle: 0, capacity }
    }

    /// Keeps a connection, or closes it when the pool is full.
    pub(super) fn keep(&mut self, address: SocketAddr, connection: Idle, now: Instant) {
        if self.capacity <= self.n_idle {
            return;
        }
        let there = self.idle.entry(address).or_default();
        if there.len() < MAX_PER_ADDRESS {
            there.push((now, connection));
            self.n_idle += 1;
        }
    }

    /// Takes out the live connection that was used last, if there is one.
    pub(super) fn take(&mut self, address: SocketAddr, now: Instant) -> Option<Idle> {
        let there = self.idle.get_mut(&address)?;
        let mut found = None;
        while let Some((since, connection)) = there.pop() {
            self.n_idle -= 1;
            if now.duration_since(since) < KEPT_FOR && is_quiet(&connection.stream) {
                found = Some(connection);
                break;
            }
        }
        if there.is_empty() {
            self.idle.remove(&address);
        }
        found
    }

    /// Whether the pool has a connection to this address, alive or not.
    pub(super) fn has(&self, address: SocketAddr) -> bool {
        self.idle.contains_key(&address)
    }

    /// Closes connections that have waited for longer than [`KEPT_FOR`].
    pub(super) fn prune(&mut self, now: Instant) {
        self.idle.retain(|_, there| {
            there.retain(|(since, _)| now.duration_since(*since) < KEPT_FOR);
            !there.is_empty()
        });
        self.n_idle = self.idle.values().map(Vec::len).sum();
    }
}

/// Whether the peer has neither closed nor sent anything.
fn is_quiet(stream: &TcpStream) -> bool {
    matches!(stream.peek(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    fn pair() -> (SocketAddr, Idle, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nonblocking(true).unwrap();
        let (peer, _) = listener.accept().unwrap();
        (address, Idle { stream, round_trip: Duration::ZERO }, peer)
    }

    /// Waits until the stream has data or has ended.
    fn wait_for_news(stream: &TcpStream) {
        let give_up = std::time::Instant::now() + Duration::from_secs(10);
        while is_quiet(stream) {
            assert!(std::time::Instant::now() < give_up);
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_live_connection_comes_back_once() {
        let (address, connection, _peer) = pair();
        let (mut pool, now) = (Pool::new(4), Instant::now());
        pool.keep(address, connection, now);
        assert!(pool.has(address));
        assert!(pool.take(address, now).is_some());
        assert!(pool.take(address, now).is_none());
        assert!(!pool.has(address));
        assert_eq!(pool.n_idle, 0);
    }

    #[test]
    fn a_connection_that_the_peer_closed_or_spoke_on_is_not_used() {
        let now = Instant::now();
        let (address, connection, peer) = pair();
        let mut pool = Pool::new(4);
        drop(peer);
        wait_for_news(&connection.stream);
        pool.keep(address, connection, now);
        assert!(pool.take(address, now).is_none());
        let (address, connection, mut peer) = pair();
        peer.write_all(b"HTTP/1.1 408 Too late\r\n\r\n").unwrap();
        wait_for_news(&connection.stream);
        pool.keep(address, connection, now);
        assert!(pool.take(address, now).is_none());
    }

    #[test]
    fn nothing_is_kept_for_five_seconds() {
        let (address, connection, mut peer) = pair();
        let (mut pool, now) = (Pool::new(4), Instant::now());
        pool.keep(address, connection, now);
        assert!(pool.take(address, now + KEPT_FOR).is_none());
        assert_eq!(peer.read(&mut [0]).unwrap(), 0, "it is closed");
        let (address, connection, mut peer) = pair();
        pool.keep(address, connection, now);
        pool.prune(now + KEPT_FOR / 2);
        assert!(pool.has(address));
        pool.prune(now + KEPT_FOR);
        assert!(!pool.has(address));
        assert_eq!(peer.read(&mut [0]).unwrap(), 0, "it is closed");
    }

    #[test]
    fn the_pool_is_bounded() {
        let now = Instant::now();
        let mut pool = Pool::new(1);
        let (first, one, _peer) = pair();
        let (second, other, mut other_peer) = pair();
        pool.keep(first, one, now);
        pool.keep(second, other, now);
        assert!(pool.has(first) && !pool.has(second));
        assert_eq!(other_peer.read(&mut [0]).unwrap(), 0, "it is closed");
    }
}
