//! The tarpit: a stranger whose address has asked too much waits here before it is closed.
//!
//! Closed at once it would be back at once. So nothing is said, for as long as the address has to
//! wait, a second at most, and only so many connections are held at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The longest that a connection is held.
const LONGEST: Duration = Duration::from_secs(1);
/// What is read of a held connection, and thrown away; whoever sends more is closed at once.
const MAX_UNHEARD_BYTES: usize = 64 * 1024;

/// Counts the connections that are held.
#[derive(Debug)]
pub(super) struct Tarpit {
    n_now: AtomicUsize,
    n_max: usize,
}

/// One of them; counted until it is dropped.
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

    /// Ends when the time is over, or the other side has gone or says too much. At once when the
    /// tarpit is full.
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
        // Both ends are the same to the caller: the connection is closed.
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
