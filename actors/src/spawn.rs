//! Starts background tasks, each under a name; no other place does.

use std::future::Future;

use metrics::counter;
use sn1::telemetry;
use strum::{IntoStaticStr, VariantNames};

/// Runs `future` on the current thread's runtime, and counts how it ended, a panic included.
#[expect(clippy::disallowed_methods, reason = "the one place that may")]
pub(crate) fn spawn_named(name: &'static str, future: impl Future<Output = ()> + 'static) {
    let guard = EndGuard { name, end: TaskEnd::Cancelled };
    actix::spawn(async move {
        let mut guard = guard;
        guard.end = TaskEnd::Panic;
        future.await;
        guard.end = TaskEnd::Ok;
    });
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
enum TaskEnd {
    /// It ran to its end.
    Ok,
    /// Its runtime dropped it.
    Cancelled,
    /// It panicked.
    Panic,
}

struct EndGuard {
    name: &'static str,
    end: TaskEnd,
}

impl Drop for EndGuard {
    fn drop(&mut self) {
        let outcome: &'static str = match self.end {
            TaskEnd::Panic if !std::thread::panicking() => TaskEnd::Cancelled,
            settled => settled,
        }
        .into();
        counter!(telemetry::TASKS_ENDED.name, "task" => self.name, "outcome" => outcome)
            .increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_those_of_the_metric() {
        assert_eq!(telemetry::TASKS_ENDED.values("outcome"), TaskEnd::VARIANTS);
    }
}
