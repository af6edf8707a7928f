//! What follows an exit: restart now, restart later, or give up.
//!
//! Pure: time and jitter are arguments, so a test runs through a day of faults in a microsecond.

use std::collections::VecDeque;
use std::error::Error;
use std::time::{Duration, Instant};

use super::fault::FaultKind;

/// How an actor ended.
#[derive(Debug)]
pub enum ActorEnd {
    /// It finished its work.
    Finished,
    /// Its code panicked.
    Panicked,
    /// It ended with this error.
    Failed(Box<dyn Error + Send + Sync>),
    /// It showed no progress within its limit and was abandoned.
    Stalled,
}

impl ActorEnd {
    /// The kind of fault; `None` when the actor finished.
    pub fn fault(&self) -> Option<FaultKind> {
        match self {
            Self::Finished => None,
            Self::Panicked => Some(FaultKind::Panic),
            Self::Failed(_) => Some(FaultKind::Error),
            Self::Stalled => Some(FaultKind::Stall),
        }
    }
}

/// How many faults within a window a supervisor answers with a restart before it gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intensity {
    /// The largest number of faults within the window that lead to a restart.
    pub max_restarts: usize,
    /// The time in which faults are counted.
    pub window: Duration,
}

/// The delay before a restart: doubles with each fault in the window, up to a cap, less jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The delay after the first fault.
    pub first: Duration,
    /// The longest delay.
    pub cap: Duration,
}

impl Backoff {
    /// The delay after the `n_faults`-th fault; `jitter` in 0..=1 subtracts up to half of it.
    pub fn delay(&self, n_faults: usize, jitter: f64) -> Duration {
        let doublings = u32::try_from(n_faults.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
        let full = self.first.saturating_mul(1 << doublings).min(self.cap);
        full.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
    }
}

/// What the supervisor does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Start the child again after a delay.
    Restart {
        /// Time until the restart.
        after: Duration,
    },
    /// Too many faults: the supervisor itself fails.
    Escalate,
}

/// The recent faults of one child.
#[derive(Debug, Clone)]
pub struct RestartPlan {
    intensity: Intensity,
    backoff: Backoff,
    faults: VecDeque<Instant>,
}

impl RestartPlan {
    /// The plan of a child that has had no fault.
    pub fn new(intensity: Intensity, backoff: Backoff) -> Self {
        Self { intensity, backoff, faults: VecDeque::new() }
    }

    /// Decides what follows `exit`: who finished starts again at once. Escalates when more than
    /// `max_restarts` faults fall within the window.
    pub fn on_exit(&mut self, exit: &ActorEnd, now: Instant, jitter: f64) -> Verdict {
        if exit.fault().is_none() {
            return Verdict::Restart { after: Duration::ZERO };
        }
        self.faults.retain(|at| now.duration_since(*at) < self.intensity.window);
        self.faults.push_back(now);
        if self.faults.len() > self.intensity.max_restarts {
            return Verdict::Escalate;
        }
        Verdict::Restart { after: self.backoff.delay(self.faults.len(), jitter) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn plan() -> RestartPlan {
        RestartPlan::new(
            Intensity { max_restarts: 3, window: 10 * SECOND },
            Backoff { first: SECOND, cap: 4 * SECOND },
        )
    }

    #[test]
    fn faults_within_the_window_double_the_delay_and_then_escalate() {
        let mut plan = plan();
        let start = Instant::now();
        let verdicts: Vec<Verdict> =
            (0..4).map(|i| plan.on_exit(&ActorEnd::Panicked, start + i * SECOND, 0.0)).collect();
        let restart = |seconds: u32| Verdict::Restart { after: seconds * SECOND };
        assert_eq!(verdicts, [restart(1), restart(2), restart(4), Verdict::Escalate]);
    }

    #[test]
    fn old_faults_are_forgotten() {
        let mut plan = plan();
        let start = Instant::now();
        for i in 0..20 {
            let verdict = plan.on_exit(&ActorEnd::Stalled, start + i * 11 * SECOND, 0.0);
            assert_eq!(verdict, Verdict::Restart { after: SECOND }, "fault {i}");
        }
    }

    #[test]
    fn who_finished_starts_again_at_once_and_that_is_no_fault() {
        let mut plan = plan();
        let now = Instant::now();
        for _ in 0..20 {
            let verdict = plan.on_exit(&ActorEnd::Finished, now, 0.0);
            assert_eq!(verdict, Verdict::Restart { after: Duration::ZERO });
        }
        let verdict = plan.on_exit(&ActorEnd::Failed("no disk".into()), now, 0.0);
        assert_eq!(verdict, Verdict::Restart { after: SECOND });
    }

    #[test]
    fn jitter_takes_off_at_most_half() {
        let backoff = Backoff { first: SECOND, cap: 60 * SECOND };
        assert_eq!(backoff.delay(1, 0.0), SECOND);
        assert_eq!(backoff.delay(1, 1.0), SECOND / 2);
        assert_eq!(backoff.delay(usize::MAX, 0.0), 60 * SECOND);
    }
}
