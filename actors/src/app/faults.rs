//! Faults that are injected on purpose, at planned times.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::supervision::{FaultKind, InjectFault, Root};

/// A fault to be injected.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedFault {
    /// Into which actor.
    pub actor: String,
    /// When, from the start on.
    pub after: Duration,
    /// Which.
    pub fault: FaultKind,
}

/// The faults of one run that are still to come.
pub(crate) struct FaultPlan {
    /// The next one last.
    faults: Vec<PlannedFault>,
    started: Instant,
}

impl FaultPlan {
    /// Faults for actors of these names.
    ///
    /// # Errors
    /// A sentence that names the actor nobody knows, and the nearest known one.
    pub(crate) fn new(
        faults: &[PlannedFault],
        names: &[Arc<str>],
        started: Instant,
    ) -> Result<Self, String> {
        let is_known = |planned: &&PlannedFault| names.iter().any(|name| **name == *planned.actor);
        if let Some(unknown) = faults.iter().find(|planned| !is_known(planned)) {
            let nearest =
                crate::settings::nearest(&unknown.actor, names.iter().map(|name| &**name));
            let all = names.iter().map(|name| &**name).collect::<Vec<_>>().join(", ");
            return Err(format!(
                "no actor is called `{}`; did you mean `{nearest}`? The actors are {all}",
                unknown.actor
            ));
        }
        let mut plan = Self { faults: faults.to_vec(), started };
        plan.sort();
        Ok(plan)
    }

    fn sort(&mut self) {
        self.faults.sort_by_key(|planned| std::cmp::Reverse(planned.after));
    }

    /// When the next one is due, if there is one.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.faults.last().map(|planned| self.started + planned.after)
    }

    /// Injects the next one. One whose actor is being restarted finds it a little later.
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

/// Sleeps until then; without a time for ever.
pub(crate) async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
