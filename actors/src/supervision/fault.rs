//! Faults of actors: their kinds, how they are reported and counted, and how one is caused on
//! purpose.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::Message;

/// How an actor ended, when it did not finish its work.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumIter, strum::IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
pub enum FaultKind {
    /// Its code panicked.
    Panic,
    /// The actor reported an error that it cannot recover from.
    Error,
    /// It showed no progress within its limit.
    Stall,
}

impl FaultKind {
    /// The value of the fault's label in metrics and reports.
    pub fn label(self) -> &'static str {
        self.into()
    }
}

/// Causes a fault in the actor of this name, in this supervisor or one below: for tests and for
/// operators of a local net. The reply says whether the actor was found and running.
#[derive(Message, Debug, Clone)]
#[rtype(result = "bool")]
pub struct InjectFault {
    /// The actor's name in the tree.
    pub actor: Arc<str>,
    /// The fault: a panic in a handler, an end with an error, or a blocked thread until the actor
    /// is abandoned.
    pub fault: FaultKind,
}

/// A supervisor's report to the watchers of the tree about a fault of one of its children.
#[derive(Debug, Clone)]
pub struct TreeEvent {
    /// The child's name in the tree.
    pub actor: Arc<str>,
    /// How the child ended.
    pub fault: FaultKind,
    /// The text of its error; empty for other faults.
    pub reason: String,
    /// The delay before it is started again; `None` when it is not.
    pub restart_after: Option<Duration>,
}

/// How many faults an actor had, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct FaultCounts {
    /// Times that its code panicked.
    pub panic: u32,
    /// Errors that the actor reported itself.
    pub error: u32,
    /// Times that it showed no progress within its limit.
    pub stall: u32,
}

/// The faults of every actor that had one, as counted by a watcher of the tree.
#[derive(Debug, Clone, Default)]
pub struct RestartLedger(BTreeMap<String, FaultCounts>);

impl RestartLedger {
    /// Counts the fault of one event.
    pub fn count(&mut self, event: &TreeEvent) {
        let counts = self.0.entry(event.actor.to_string()).or_default();
        match event.fault {
            FaultKind::Panic => counts.panic += 1,
            FaultKind::Error => counts.error += 1,
            FaultKind::Stall => counts.stall += 1,
        }
    }

    /// The counts, by the actor's name.
    pub fn by_actor(&self) -> &BTreeMap<String, FaultCounts> {
        &self.0
    }
}
