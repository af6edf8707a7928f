//! One life of an actor, as its supervisor sees it from another thread: its signs of life, and how
//! it ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::mpsc::UnboundedSender;

use super::policy::ActorEnd;

/// The end of one life of a child, as reported to its supervisor.
pub(super) struct ChildEvent {
    pub(super) child_idx: usize,
    pub(super) generation: u64,
    pub(super) exit: ActorEnd,
}

/// What a new life starts with.
pub(super) struct Birth {
    pub(super) name: Arc<str>,
    pub(super) child_idx: usize,
    pub(super) generation: u64,
    pub(super) events: UnboundedSender<ChildEvent>,
}

/// Held for as long as a life lasts, so that the next one can wait for its end.
pub(super) type Lifeline = Arc<()>;

/// The signs of life of one actor, readable while its thread is blocked. They are counted, not timed:
/// their reader measures silence in its own heartbeats, of which a process that was stopped or starved
/// had none.
#[derive(Default)]
pub(super) struct Vitals {
    n_signs: AtomicU64,
    abandoned: AtomicBool,
}

impl Vitals {
    pub(super) fn progress(&self) {
        self.n_signs.fetch_add(1, Ordering::Relaxed);
    }

    /// How many signs of life there were.
    pub(super) fn n_signs(&self) -> u64 {
        self.n_signs.load(Ordering::Relaxed)
    }

    /// Tells the thread that it was replaced, in case it ever goes on.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed)
    }
}

/// Reports the end of a life when it is dropped: on a stop and on a panic alike.
pub(super) struct LastWord {
    birth: Birth,
    exit: ActorEnd,
}

impl LastWord {
    /// Reports the life as finished, unless another exit is set.
    pub(super) fn of(birth: Birth) -> Self {
        Self { birth, exit: ActorEnd::Finished }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.birth.name
    }

    pub(super) fn set(&mut self, exit: ActorEnd) {
        self.exit = exit;
    }
}

impl Drop for LastWord {
    fn drop(&mut self) {
        let exit = if std::thread::panicking() {
            ActorEnd::Panicked
        } else {
            std::mem::replace(&mut self.exit, ActorEnd::Finished)
        };
        let (child_idx, generation) = (self.birth.child_idx, self.birth.generation);
        // Fails only when the supervisor has gone, which needs no report.
        let _ = self.birth.events.send(ChildEvent { child_idx, generation, exit });
    }
}
