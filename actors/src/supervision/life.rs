//! One life of an actor, as its supervisor sees it from another thread: signs of life, and how it
//! ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::policy::Exit;

/// What a supervisor learns of a child without asking it.
pub(super) struct ChildEvent {
    pub(super) child_idx: usize,
    pub(super) generation: u64,
    pub(super) exit: Exit,
}

/// What a new life is given.
pub(super) struct Birth {
    pub(super) name: Arc<str>,
    pub(super) child_idx: usize,
    pub(super) generation: u64,
    pub(super) events: UnboundedSender<ChildEvent>,
}

/// Held while a life lasts, so that the next one can wait for its end.
pub(super) type Lifeline = Arc<()>;

/// Signs of life that outlive the actor's thread being blocked.
pub(super) struct Vitals {
    born: Instant,
    progress_ms: AtomicU64,
    abandoned: AtomicBool,
}

impl Vitals {
    pub(super) fn new() -> Self {
        Self {
            born: Instant::now(),
            progress_ms: AtomicU64::new(0),
            abandoned: AtomicBool::new(false),
        }
    }

    pub(super) fn progress(&self) {
        let elapsed = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.progress_ms.store(elapsed, Ordering::Relaxed);
    }

    /// Time since the last sign of life.
    pub(super) fn silence(&self) -> Duration {
        let last = Duration::from_millis(self.progress_ms.load(Ordering::Relaxed));
        self.born.elapsed().saturating_sub(last)
    }

    /// Tells the thread, should it ever wake up, that it was replaced.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed)
    }
}

/// Reports the end of a life when it is dropped: on stop and on unwind alike.
pub(super) struct LastWord {
    birth: Birth,
    exit: Exit,
}

impl LastWord {
    /// A life that will have finished, unless it says otherwise.
    pub(super) fn of(birth: Birth) -> Self {
        Self { birth, exit: Exit::Finished }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.birth.name
    }

    pub(super) fn set(&mut self, exit: Exit) {
        self.exit = exit;
    }
}

impl Drop for LastWord {
    fn drop(&mut self) {
        let exit = if std::thread::panicking() {
            Exit::Panicked
        } else {
            std::mem::replace(&mut self.exit, Exit::Finished)
        };
        let (child_idx, generation) = (self.birth.child_idx, self.birth.generation);
        // A supervisor that is gone itself needs no word.
        let _ = self.birth.events.send(ChildEvent { child_idx, generation, exit });
    }
}
