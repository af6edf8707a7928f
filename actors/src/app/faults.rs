//! Faults that are injected on purpose, at planned times.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::settings::hint;
use crate::supervision::{FaultKind, InjectFault, Root};

/// A fault to be injected.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedFault {
    /// The actor's name in the tree.
    pub actor: String,
    /// Time from the start of the run.
    pub after: Duration,
    /// The kind of fault.
    pub fault: FaultKind,
}

/// The faults of a run that were not injected yet.
pub(crate) struct FaultPlan {
    /// The faults, with the next one at the end.
    faults: Vec<PlannedFault>,
    started: Instant,
}

impl FaultPlan {
    /// Faults for actors of these names.
    ///
    /// # Errors
    /// A sentence that names the unknown actor, a near one if there is any, and all.
    pub(crate) fn new(
        faults: &[PlannedFault],
        names: &[Arc<str>],
        started: Instant,
    ) -> Result<Self, String> {
        let is_known = |planned: &&PlannedFault| names.iter().any(|name| **name == *planned.actor);
        if let Some(unknown) = faults.iter().find(|planned| !is_known(planned)) {
            let hint = hint(&unknown.actor, names.iter().map(|name| &**name));
            let all = names.iter().map(|name| &**name).collect::<Vec<_>>().join(", ");
            return Err(format!("no actor is called `{}`{hint} (one of {all})", unknown.actor));
        }
        let mut plan = Self { faults: faults.to_vec(), started };
        plan.sort();
        Ok(plan)
    }

    fn sort(&mut self) {
        self.faults.sort_by_key(|planned| std::cmp::Reverse(planned.after));
    }

    /// When the next fault is due; `None` when none is left.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.faults.last().map(|planned| self.started + planned.after)
    }

    /// Injects the next fault. When its actor is being restarted, it is tried again a little later.
    pub(crate) async fn inject(&mut self, root: &Root) {
        let Some(mut planned) = self.faults.pop() else { return };
        let message = InjectFault { actor: planned.actor.as_str().into(), fault: planned.fault };
        if root.faults().ask(message, Duration::from_secs(1)).await != Ok(true) {
            planned.after = self.started.elapsed() + Duration::from_millis(100);
            self.faults.push(planned);
            self.sort();
        }
    }
}

/// Sleeps until then; `None` sleeps forever.
pub(crate) async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
