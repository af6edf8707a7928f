//! Faults of actors: their kinds, how they are told and counted, and how one is caused on purpose.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::Message;

/// How an actor ends that did not end by itself, its work done.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumIter, strum::IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
pub enum FaultKind {
    /// Its code panicked.
    Panic,
    /// It reported that it cannot go on.
    Error,
    /// It made no progress within its limit.
    Stall,
}

impl FaultKind {
    /// The label in metrics and reports.
    pub fn label(self) -> &'static str {
        self.into()
    }
}

/// Causes a fault in the actor of this name, here or in a supervisor below: for tests and for
/// operators of a local net. The reply says whether the actor was found and running.
#[derive(Message, Debug, Clone)]
#[rtype(result = "bool")]
pub struct InjectFault {
    /// The actor.
    pub actor: Arc<str>,
    /// What to do to it: panic in a handler, end as failed, or block its thread until it is
    /// abandoned.
    pub fault: FaultKind,
}

/// What a supervisor tells whoever watches the tree about a fault of one of its children.
#[derive(Debug, Clone)]
pub struct TreeEvent {
    /// The child.
    pub actor: Arc<str>,
    /// How it ended.
    pub fault: FaultKind,
    /// What it said, if it said anything.
    pub reason: String,
    /// Whether it will be started again, after this delay; `None`: the supervisor gave up.
    pub restart_after: Option<Duration>,
}

/// Faults by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct FaultCounts {
    /// Panics.
    pub panic: u32,
    /// Failures that the actor reported itself.
    pub error: u32,
    /// Silences.
    pub stall: u32,
}

/// The faults of every actor that had one, as a watcher of the tree counts them.
#[derive(Debug, Clone, Default)]
pub struct RestartLedger(BTreeMap<String, FaultCounts>);

impl RestartLedger {
    /// Counts one event.
    pub fn count(&mut self, event: &TreeEvent) {
        let counts = self.0.entry(event.actor.to_string()).or_default();
        match event.fault {
            FaultKind::Panic => counts.panic += 1,
            FaultKind::Error => counts.error += 1,
            FaultKind::Stall => counts.stall += 1,
        }
    }

    /// By actor name.
    pub fn by_actor(&self) -> &BTreeMap<String, FaultCounts> {
        &self.0
    }
}
