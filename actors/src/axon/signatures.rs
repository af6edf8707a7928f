//! Checks signatures: on the event loop while they are few, on other threads when they are many, so
//! that a flood of them does not delay the streams of the same loop. Those threads try only the
//! plain form, which every dendrite signs; the wallets' `<Bytes>` form would double the price of a
//! forgery.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sn1::synapse::limits::{Rate, TokenBuckets};
use sn1::synapse::pipeline::{RefusalKind, check_plain_signature, check_signature};
use sn1::synapse::verify::Claim;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::clock::unix_ns;

/// What an event loop checks itself: at 50 µs each, a third of its time, and never a millisecond at
/// a stretch. A check on another thread costs two context switches.
const INLINE: Rate = Rate { per_second: 6_000.0, burst: 16.0 };
/// Checks that run or wait on other threads; beyond that a request is refused with 503.
const MAX_PENDING: usize = 1024;

/// The threads that check signatures for one axon, shared by its event loops.
#[derive(Debug)]
pub(super) struct Checkers {
    threads: Arc<Semaphore>,
    n_pending: AtomicUsize,
}

impl Checkers {
    /// Uses half of the cores for checks, at least one.
    pub(super) fn new() -> Arc<Self> {
        let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
        Arc::new(Self {
            threads: Arc::new(Semaphore::new((n_cores / 2).max(1))),
            n_pending: AtomicUsize::new(0),
        })
    }
}

/// One event loop's access to the checkers.
#[derive(Debug, Clone)]
pub(super) struct Signatures {
    checkers: Arc<Checkers>,
    inline: Rc<RefCell<TokenBuckets<()>>>,
}

/// A check that waits or runs; counted until it is dropped.
struct Pending(Arc<Checkers>);

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.n_pending.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Signatures {
    pub(super) fn new(checkers: Arc<Checkers>) -> Self {
        Self { checkers, inline: Rc::new(RefCell::new(TokenBuckets::new(INLINE, 1))) }
    }

    /// Returns the claim if its signature is valid. A known caller does not wait behind strangers.
    pub(super) async fn check(&self, claim: Claim, is_known: bool) -> Result<Claim, RefusalKind> {
        let is_inline = self.inline.borrow_mut().take((), unix_ns());
        if is_known || is_inline {
            check_signature(&claim)?;
            return Ok(claim);
        }
        let checkers = Arc::clone(&self.checkers);
        if checkers.n_pending.fetch_add(1, Ordering::Relaxed) >= MAX_PENDING {
            checkers.n_pending.fetch_sub(1, Ordering::Relaxed);
            return Err(RefusalKind::Overloaded);
        }
        let pending = Pending(Arc::clone(&checkers));
        // The semaphore is never closed; if it were, the fault would be ours.
        let thread = Arc::clone(&checkers.threads).acquire_owned().await;
        let thread = thread.map_err(|_| RefusalKind::Failed)?;
        let checked = spawn_blocking(move || {
            // Held until the check ends, even if its caller has gone.
            let _held = (pending, thread);
            check_plain_signature(&claim).map(|()| claim)
        });
        Ok(checked.await.map_err(|_| RefusalKind::Failed)??)
    }
}
