//! How to start one child, and what to do when it ends.

use std::sync::Arc;
use std::time::Duration;

use super::fault::InjectFault;
use super::hosted::Resident;
use super::life::Birth;
use super::limits;
use super::policy::{Backoff, Intensity};
use super::recipient::Recipient;
use super::running::{Running, start_resident};
use super::slot::Slot;

type StartFn = dyn Fn(Birth) -> Running + Send + Sync;

/// How to start one child, and what to do when it ends.
#[derive(Clone)]
pub struct ChildSpec {
    pub(super) name: Arc<str>,
    pub(super) intensity: Intensity,
    pub(super) backoff: Backoff,
    pub(super) stall_after: Duration,
    pub(super) drain_within: Duration,
    pub(super) start: Arc<StartFn>,
    pub(super) stops: Stops,
    /// Set when the child is a supervisor: how to reach it, and the names of the children below it.
    pub(super) below: Option<(Recipient<InjectFault>, Vec<Arc<str>>)>,
}

impl ChildSpec {
    /// A child that is always started again, within the limits that hold for all of them. `factory`
    /// runs on the child's own thread.
    pub fn new<A: Resident>(
        slot: &Slot<A>,
        factory: impl Fn() -> Result<A, A::Error> + Send + Sync + 'static,
    ) -> Self {
        let (slot, factory) = (slot.clone(), Arc::new(factory));
        Self {
            name: Arc::clone(slot.name()),
            intensity: limits::OF_CHILDREN,
            backoff: limits::BACKOFF,
            stall_after: limits::STALL_AFTER,
            drain_within: limits::DRAIN_WITHIN,
            start: Arc::new(move |birth| start_resident(birth, &slot, &factory)),
            stops: Stops::Alone,
            below: None,
        }
    }

    /// Sets how many faults within a window lead to a restart.
    pub fn intensity(self, max_restarts: usize, window: Duration) -> Self {
        Self { intensity: Intensity { max_restarts, window }, ..self }
    }

    /// What the child does is only told to people: however often it ends by a fault, it is started
    /// again, and nothing else ends with it.
    pub fn only_tells(self) -> Self {
        self.intensity(usize::MAX, limits::OF_CHILDREN.window)
    }

    /// Sets the first and the longest delay before a restart.
    pub fn backoff(self, first: Duration, cap: Duration) -> Self {
        Self { backoff: Backoff { first, cap }, ..self }
    }

    /// Sets how long without progress counts as a stall.
    pub fn stall_after(self, stall_after: Duration) -> Self {
        Self { stall_after, ..self }
    }

    /// Sets how long an ordered stop may take.
    pub fn drain_within(self, drain_within: Duration) -> Self {
        Self { drain_within, ..self }
    }

    /// In an ordered stop, this child stops at the same time as adjacent children with this
    /// setting.
    pub fn stops_together(self) -> Self {
        Self { stops: Stops::Together, ..self }
    }

    /// The names of this child and of all below it.
    pub fn names(&self) -> Vec<Arc<str>> {
        let below = self.below.iter().flat_map(|(_, names)| names.iter().cloned());
        std::iter::once(Arc::clone(&self.name)).chain(below).collect()
    }
}

/// Whether an ordered stop takes a child alone or with its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stops {
    Alone,
    Together,
}

/// The longest that an ordered stop of these children can take.
pub(super) fn drain_limit(children: &[ChildSpec]) -> Duration {
    let groups = children.chunk_by(|a, b| a.stops == Stops::Together && b.stops == Stops::Together);
    groups.filter_map(|group| group.iter().map(|child| child.drain_within).max()).sum()
}
