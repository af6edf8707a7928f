//! How fast one connection asks. A node that limits its callers is no broken one: the request waits
//! on the same connection, longer each time, and so do all others. From the first refusal until as
//! many answers, one request is out at a time.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use metrics::counter;
use parking_lot::Mutex as SyncMutex;
use sn1::telemetry::CHAIN_LIMITED;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::sleep;
use tracing::warn;

use super::super::{Deadlines, Endpoint};
use crate::recording::Reminder;

pub(super) struct Pace {
    endpoint: Endpoint,
    deadlines: Deadlines,
    /// Limits that no answer has made up for.
    n_limits: AtomicU32,
    n_pauses: AtomicU64,
    turn: Mutex<()>,
    reminder: SyncMutex<Reminder>,
}

/// The leave to send one request.
pub(super) struct Turn<'a> {
    /// `None` while nothing is limited.
    held: Option<MutexGuard<'a, ()>>,
    n_pauses: u64,
}

impl Pace {
    pub(super) fn new(endpoint: Endpoint, deadlines: Deadlines) -> Self {
        let (n_limits, n_pauses) = (AtomicU32::new(0), AtomicU64::new(0));
        let (turn, reminder) = (Mutex::new(()), SyncMutex::default());
        Self { endpoint, deadlines, n_limits, n_pauses, turn, reminder }
    }

    pub(super) async fn turn(&self) -> Turn<'_> {
        let is_limited = self.n_limits.load(Ordering::Relaxed) > 0;
        let held = if is_limited { Some(self.turn.lock().await) } else { None };
        Turn { held, n_pauses: self.n_pauses.load(Ordering::Relaxed) }
    }

    /// A request was answered.
    pub(super) fn answered(&self) {
        let less = |n_limits: u32| n_limits.checked_sub(1);
        // Nothing was limited: nothing to make up for.
        let _ = self.n_limits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// A request was refused because there were too many. Of those that were out at once, one pauses
    /// and the others wait behind it.
    pub(super) async fn limited(&self, turn: Turn<'_>) {
        counter!(CHAIN_LIMITED.name).increment(1);
        let n_pauses = turn.n_pauses;
        let _held = match turn.held {
            Some(held) => held,
            None => self.turn.lock().await,
        };
        if self.n_pauses.load(Ordering::Relaxed) != n_pauses {
            return;
        }
        let n_limits = self.n_limits.fetch_add(1, Ordering::Relaxed);
        let pause = self.deadlines.pause(n_limits);
        if let Some(n_quiet) = self.reminder.lock().is_due(Instant::now()) {
            let (endpoint, pause) = (&self.endpoint, pause.as_secs_f64());
            warn!(%endpoint, pause, n_quiet, "the chain's node limits our requests, asking slower");
        }
        sleep(pause).await;
        self.n_pauses.fetch_add(1, Ordering::Relaxed);
    }
}
