//! The numbers of supervision, and the rules that fix them. What a child needs beyond them it says in
//! its [`super::ChildSpec`].

use std::time::Duration;

use super::policy::{Backoff, Intensity};

/// The interval of heartbeats. Silence is counted in them, never by the clock: a supervisor that was
/// itself kept from its heartbeats has not heard that its children were silent. Short beside what a
/// stall is.
pub(super) const HEARTBEAT: Duration = Duration::from_millis(500);

/// Silence that is a stall: twice what a handler may have to wait for (SQLite waits five seconds for
/// a busy file).
pub(super) const STALL_AFTER: Duration = Duration::from_secs(10);

/// Time to finish, in an ordered stop, what was accepted: as long as the same wait.
pub(super) const DRAIN_WITHIN: Duration = Duration::from_secs(5);

/// The first restart follows at once for whoever is asking; the last ones spare the machine.
pub(super) const BACKOFF: Backoff =
    Backoff { first: Duration::from_millis(100), cap: Duration::from_secs(10) };

/// Faults of a child. The window is longer than so many stalls with the slowest restarts take, so
/// that a lasting fault of any kind climbs to the parent.
pub(super) const OF_CHILDREN: Intensity =
    Intensity { max_restarts: 8, window: Duration::from_secs(300) };

/// Faults of a supervisor, which fails only after a child has. The window is longer than so many of
/// its children's take.
pub(super) const OF_SUPERVISORS: Intensity =
    Intensity { max_restarts: 2, window: Duration::from_secs(1800) };

#[cfg(test)]
mod tests {
    use super::*;

    /// The longest that it takes one more fault than `intensity` allows to come, when each comes
    /// `lasting` after a start.
    fn escalates_within(intensity: Intensity, lasting: Duration) -> Duration {
        (1..=intensity.max_restarts).map(|n| BACKOFF.delay(n, 0.0) + lasting).sum::<Duration>()
            + lasting
    }

    #[test]
    fn a_lasting_fault_of_any_kind_ends_the_process_within_minutes() {
        assert!(STALL_AFTER >= 10 * HEARTBEAT);
        let of_child = escalates_within(OF_CHILDREN, STALL_AFTER + HEARTBEAT);
        assert!(of_child < OF_CHILDREN.window, "{of_child:?}");
        let of_supervisor = escalates_within(OF_SUPERVISORS, of_child);
        assert!(of_supervisor < OF_SUPERVISORS.window, "{of_supervisor:?}");
        assert!(of_supervisor < Duration::from_secs(10 * 60), "{of_supervisor:?}");
    }
}
