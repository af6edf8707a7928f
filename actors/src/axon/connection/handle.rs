//! What the rest of the axon reads and sets of one connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;
use std::time::Duration;

use futures_util::task::AtomicWaker;

use crate::away::Moment;

/// The state of a connection that the rest of the axon reads and sets.
#[derive(Debug)]
pub(in crate::axon) struct ConnectionHandle {
    /// A verified request came on it, or from its address lately: it belongs to a known caller.
    pub(super) is_proven: AtomicBool,
    /// A request on it is being answered.
    pub(super) is_busy: AtomicBool,
    is_evicted: AtomicBool,
    /// Milliseconds from `opened` until its reader stopped taking data; 0 while it reads.
    stalled_at_ms: AtomicU64,
    opened: Moment,
    waker: AtomicWaker,
}

impl ConnectionHandle {
    pub(in crate::axon) fn new(is_proven: bool) -> Arc<Self> {
        Arc::new(Self {
            is_proven: AtomicBool::new(is_proven),
            is_busy: AtomicBool::new(false),
            is_evicted: AtomicBool::new(false),
            stalled_at_ms: AtomicU64::new(0),
            opened: Moment::now(),
            waker: AtomicWaker::new(),
        })
    }

    /// Marks the connection for closing and wakes its task, which closes it.
    pub(in crate::axon) fn evict(&self) {
        self.is_evicted.store(true, Ordering::Release);
        self.waker.wake();
    }

    pub(in crate::axon) fn is_evicted(&self) -> bool {
        self.is_evicted.load(Ordering::Acquire)
    }

    /// Sets whether a request on it is being answered.
    pub(super) fn set_busy(&self, is_busy: bool) {
        self.is_busy.store(is_busy, Ordering::Release);
    }

    /// Sets the waker of the task that polls the connection.
    pub(super) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Wakes the task that polls the connection.
    pub(super) fn wake(&self) {
        self.waker.wake();
    }

    /// How long its reader has taken none of the data that waits for it; zero while it reads.
    pub(in crate::axon) fn stalled_for(&self) -> Duration {
        let now = self.opened.elapsed();
        match self.stalled_at_ms.load(Ordering::Acquire) {
            0 => Duration::ZERO,
            since => now.saturating_sub(Duration::from_millis(since)),
        }
    }

    /// Records whether its reader has stopped taking data.
    pub(in crate::axon) fn stalls(&self, stalls: bool) {
        if !stalls {
            self.stalled_at_ms.store(0, Ordering::Release);
            return;
        }
        let now = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let since = &self.stalled_at_ms;
        // Keeps the time of the first failed write of a series.
        let _ = since.compare_exchange(0, now, Ordering::AcqRel, Ordering::Acquire);
    }
}
