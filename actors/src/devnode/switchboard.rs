//! Orders to open connections: to drop, to fall silent, to be slow. Also counts the connections. It
//! outlives the actors on both sides.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// The orders that hold now for all sockets.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Line {
    /// Increases with every order to cut connections.
    pub(super) n_drops: u64,
    /// Increases with every order to stop listening for good.
    pub(super) n_deafenings: u64,
    stalled_until: Option<Instant>,
    shut_until: Option<Instant>,
    /// The longest delay before an answer.
    pub(super) slowness: Duration,
}

impl Line {
    pub(super) fn is_shut(&self) -> bool {
        self.shut_until.is_some_and(|until| Instant::now() < until)
    }

    /// When messages may pass again; `None` if they may now.
    pub(super) fn stalled_until(&self) -> Option<Instant> {
        self.stalled_until.filter(|until| Instant::now() < *until)
    }
}

/// Counts one connection or subscription until it is dropped.
#[derive(Debug)]
pub(super) struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Sends orders to all connections, and counts them.
#[derive(Debug)]
pub(super) struct Switchboard {
    line: watch::Sender<Line>,
    connections: Arc<AtomicUsize>,
    subscriptions: Arc<AtomicUsize>,
}

impl Switchboard {
    pub(super) fn new() -> Self {
        Self {
            line: watch::Sender::new(Line::default()),
            connections: Arc::default(),
            subscriptions: Arc::default(),
        }
    }

    pub(super) fn line(&self) -> watch::Receiver<Line> {
        self.line.subscribe()
    }

    pub(super) fn count_connection(&self) -> Counted {
        Counted::new(&self.connections)
    }

    pub(super) fn count_subscription(&self) -> Counted {
        Counted::new(&self.subscriptions)
    }

    /// The numbers of open connections and subscriptions.
    pub(super) fn n_open(&self) -> (usize, usize) {
        let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
        (count(&self.connections), count(&self.subscriptions))
    }

    pub(super) fn drop_all(&self) {
        self.line.send_modify(|line| line.n_drops += 1);
    }

    pub(super) fn deafen_all(&self) {
        self.line.send_modify(|line| line.n_deafenings += 1);
    }

    pub(super) fn stall(&self, for_long: Duration) {
        self.line.send_modify(|line| line.stalled_until = Some(Instant::now() + for_long));
    }

    pub(super) fn shut(&self, for_long: Duration) {
        self.line.send_modify(|line| line.shut_until = Some(Instant::now() + for_long));
    }

    pub(super) fn slow_down(&self, up_to: Duration) {
        self.line.send_modify(|line| line.slowness = up_to);
    }
}
