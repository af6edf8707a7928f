//! The tarpit: holds a connection whose address asked too often before it is closed.
//!
//! An address that is closed at once comes back at once. So the axon stays silent for as long as
//! the address has to wait, at most a second, and holds only a limited number of connections.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The longest that a connection is held.
const LONGEST: Duration = Duration::from_secs(1);
/// Most bytes that are read from a held connection and discarded; with more it is closed at once.
const MAX_UNHEARD_BYTES: usize = 64 * 1024;

/// The number of connections that are held now, and its limit.
#[derive(Debug)]
pub(super) struct Tarpit {
    n_now: AtomicUsize,
    n_max: usize,
}

/// One held connection; counted until it is dropped.
struct Held<'a>(&'a Tarpit);

impl Tarpit {
    /// Holds at most `n_max` connections at once.
    pub(super) fn new(n_max: usize) -> Self {
        Self { n_now: AtomicUsize::new(0), n_max }
    }

    fn enter(&self) -> Option<Held<'_>> {
        let held = Held(self);
        (self.n_now.fetch_add(1, Ordering::Relaxed) < self.n_max).then_some(held)
    }

    /// Returns when the time is over, or the peer has closed or sends too much. Returns at once
    /// when the tarpit is full.
    pub(super) async fn hold(&self, mut socket: TcpStream, wait: Duration) {
        let Some(_held) = self.enter() else { return };
        let unheard = async {
            let (mut n_bytes, mut scratch) = (0, [0; 1024]);
            while n_bytes < MAX_UNHEARD_BYTES {
                match socket.read(&mut scratch).await {
                    Ok(0) | Err(_) => return,
                    Ok(n_read) => n_bytes += n_read,
                }
            }
        };
        // Either way the caller closes the connection.
        let _ = timeout(wait.min(LONGEST), unheard).await;
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.n_now.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_held_and_no_more() {
        let tarpit = Tarpit::new(2);
        let held = [tarpit.enter(), tarpit.enter()];
        assert!(held.iter().all(Option::is_some) && tarpit.enter().is_none());
        drop(held);
        assert_eq!(tarpit.n_now.load(Ordering::Relaxed), 0);
        assert!(tarpit.enter().is_some());
    }
}
