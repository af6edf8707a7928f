//! How long each part of an exchange may take.

use std::time::Duration;

use metrics::counter;
use sn1::synapse::outcome::Ending;
use sn1::telemetry;
use strum::{IntoStaticStr, VariantNames};

use crate::away::Moment;

/// Shares of the timeout, in 0..=1, after which a silent miner is given up before the timeout.
///
/// By default only connecting has a shorter deadline: the SDK knows only the total, so a shorter
/// one for head or text would cut off answers that other validators score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Deadlines {
    /// Time to connect.
    pub connect: f64,
    /// Time from sending the request to the complete head of the reply.
    pub head: f64,
    /// Time between two reads of the text.
    pub idle: f64,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { connect: 0.5, head: 1.0, idle: 1.0 }
    }
}

impl Deadlines {
    /// Whether every value is in 0..=1.
    pub(super) fn are_shares(&self) -> bool {
        [self.connect, self.head, self.idle].iter().all(|share| (0.0..=1.0).contains(share))
    }
}

/// The parts of an exchange, each with a deadline of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Stage {
    Connect,
    Head,
    Idle,
    /// Under no deadline but the timeout.
    Total,
}

impl Stage {
    fn label(self) -> &'static str {
        self.into()
    }
}

/// When a part must be over, and which deadline that is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    since: Moment,
    within: Duration,
    stage: Stage,
}

/// The clock of one round. What this process was away for does not count: miners' answers wait in
/// their sockets meanwhile.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    started: Moment,
    timeout: Duration,
    deadlines: Deadlines,
}

impl Clock {
    /// Starts the clock now.
    pub(super) fn start(timeout: Duration, deadlines: Deadlines) -> Self {
        Self { started: Moment::now(), timeout, deadlines }
    }

    /// Seconds since the start.
    pub(super) fn elapsed_s(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// The deadline of a part that begins now.
    pub(super) fn deadline(&self, stage: Stage) -> Deadline {
        let allowance = self.allowance(stage);
        if allowance < self.started.left(self.timeout) {
            Deadline { since: Moment::now(), within: allowance, stage }
        } else {
            Deadline { since: self.started, within: self.timeout, stage: Stage::Total }
        }
    }

    /// Runs a part of an exchange until a deadline.
    ///
    /// # Errors
    /// The ending of the exchange, when the deadline passes first.
    pub(super) async fn until<T>(
        &self,
        deadline: Deadline,
        part: impl Future<Output = T>,
    ) -> Result<T, Ending> {
        let Deadline { since, within, stage } = deadline;
        since.timeout(within, part).await.map_err(|_| {
            counter!(telemetry::DENDRITE_DEADLINES.name, "stage" => stage.label()).increment(1);
            Ending::TimedOut { timeout_s: self.allowance(stage).as_secs_f64() }
        })
    }

    /// Runs a part of an exchange that begins now, until the deadline of its stage.
    ///
    /// # Errors
    /// As [`Clock::until`].
    pub(super) async fn within<T>(
        &self,
        stage: Stage,
        part: impl Future<Output = T>,
    ) -> Result<T, Ending> {
        self.until(self.deadline(stage), part).await
    }

    fn allowance(&self, stage: Stage) -> Duration {
        let share = match stage {
            Stage::Connect => self.deadlines.connect,
            Stage::Head => self.deadlines.head,
            Stage::Idle => self.deadlines.idle,
            Stage::Total => return self.timeout,
        };
        self.timeout.mul_f64(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_those_of_the_metric() {
        assert_eq!(telemetry::DENDRITE_DEADLINES.values("stage"), Stage::VARIANTS);
    }

    async fn fired(deadlines: Deadlines, stage: Stage) -> Ending {
        let clock = Clock::start(Duration::from_millis(40), deadlines);
        clock.within(stage, std::future::pending::<()>()).await.unwrap_err()
    }

    #[actix::test]
    async fn the_earlier_of_stage_and_total_ends_a_part() {
        let deadlines = Deadlines { connect: 0.5, head: 1.0, idle: 0.25 };
        for (stage, timeout_s) in
            [(Stage::Connect, 0.02), (Stage::Head, 0.04), (Stage::Idle, 0.01), (Stage::Total, 0.04)]
        {
            assert_eq!(fired(deadlines, stage).await, Ending::TimedOut { timeout_s }, "{stage:?}");
        }
        let clock = Clock::start(Duration::from_secs(60), deadlines);
        assert_eq!(clock.within(Stage::Idle, std::future::ready(7)).await, Ok(7));
    }

    #[test]
    fn shares_lie_between_nothing_and_all() {
        assert!(Deadlines::default().are_shares());
        for share in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(!Deadlines { idle: share, ..Deadlines::default() }.are_shares());
        }
    }
}
