//! Signatures are checked here: at once while they are few, on other threads when they are many, so
//! that a flood of them does not hold up the streams of the same event loop.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sn1::synapse::limits::{Rate, TokenBuckets};
use sn1::synapse::pipeline::{RefusalKind, check_signature};
use sn1::synapse::verify::Claim;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::clock::unix_ns;

/// What an event loop checks by itself: at 50 µs each, a tenth of its time, and short bursts.
const INLINE: Rate = Rate { per_second: 2_000.0, burst: 16.0 };
/// Checks that may wait for a thread; further ones are refused with 503.
const MAX_WAITING: usize = 1024;

/// The threads of one axon. Its event loops share them.
#[derive(Debug)]
pub(super) struct Checkers {
    threads: Semaphore,
    n_waiting: AtomicUsize,
}

impl Checkers {
    /// As many threads as half of the cores, at least one.
    pub(super) fn new() -> Arc<Self> {
        let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
        Arc::new(Self {
            threads: Semaphore::new((n_cores / 2).max(1)),
            n_waiting: AtomicUsize::new(0),
        })
    }
}

/// One event loop's way to the checkers.
#[derive(Debug, Clone)]
pub(super) struct Signatures {
    checkers: Arc<Checkers>,
    inline: Rc<RefCell<TokenBuckets<()>>>,
}

struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Signatures {
    pub(super) fn new(checkers: Arc<Checkers>) -> Self {
        Self { checkers, inline: Rc::new(RefCell::new(TokenBuckets::new(INLINE, 1))) }
    }

    /// Gives the claim back if its signature holds.
    pub(super) async fn check(&self, claim: Claim) -> Result<Claim, RefusalKind> {
        let is_inline = self.inline.borrow_mut().take((), unix_ns());
        if is_inline {
            check_signature(&claim)?;
            return Ok(claim);
        }
        let Checkers { threads, n_waiting } = &*self.checkers;
        if n_waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            n_waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(RefusalKind::Overloaded);
        }
        let _waiting = Waiting(n_waiting);
        // Neither the semaphore is ever closed nor can the check panic; if so, it is our fault.
        let _thread = threads.acquire().await.map_err(|_| RefusalKind::Failed)?;
        let checked = spawn_blocking(move || check_signature(&claim).map(|()| claim));
        Ok(checked.await.map_err(|_| RefusalKind::Failed)??)
    }
}
