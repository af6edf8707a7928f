//! Work has a name: the one place that starts background tasks.

use std::future::Future;

use metrics::counter;
use sn1::telemetry;

/// Runs `future` on the current thread's runtime; counts how it ended, a panic included.
pub(crate) fn spawn_named(name: &'static str, future: impl Future<Output = ()> + 'static) {
    let guard = EndGuard { name, outcome: "cancelled" };
    actix::spawn(async move {
        let mut guard = guard;
        guard.outcome = "panic";
        future.await;
        guard.outcome = "ok";
    });
}

struct EndGuard {
    name: &'static str,
    outcome: &'static str,
}

impl Drop for EndGuard {
    fn drop(&mut self) {
        let outcome = match self.outcome {
            "panic" if !std::thread::panicking() => "cancelled",
            settled => settled,
        };
        counter!(telemetry::TASKS_ENDED.name, "task" => self.name, "outcome" => outcome)
            .increment(1);
    }
}
