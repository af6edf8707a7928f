//! Looks at when blocks say that they were made, and tells when our clock is wrong by them.

use std::time::{Duration, Instant};

use metrics::gauge;
use sn1::chain::Head;
use sn1::telemetry;
use tracing::{info, warn};

use super::subtensor::Subtensor;
use crate::clock::unix_ns;
use crate::feeds::OwnClock;

/// The least time between two looks, the first few excepted.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// So many blocks are looked at first.
const FIRST_LOOKS: u32 = 4;
/// How often it is told that our clock is wrong.
const TELL_EVERY: Duration = Duration::from_secs(600);

/// What is looked at, and what was told.
#[derive(Debug, Default)]
pub(super) struct ClockWatch {
    clock: OwnClock,
    n_looks: u32,
    looked_at: Option<Instant>,
    /// When it was last told that our clock is wrong, for as long as it is.
    told_at: Option<Instant>,
}

impl ClockWatch {
    /// Lets this clock learn.
    pub(super) fn of(clock: OwnClock) -> Self {
        Self { clock, ..Self::default() }
    }

    /// A question to the chain when a block that has just been seen was made, if it is time for
    /// one. It is answered to nobody but our clock.
    pub(super) fn look(
        &mut self,
        client: &Subtensor,
        head: Head,
    ) -> Option<impl Future<Output = ()> + 'static> {
        let is_due = self.looked_at.is_none_or(|at| at.elapsed() >= LOOK_EVERY);
        if !is_due && self.n_looks >= FIRST_LOOKS {
            return None;
        }
        (self.n_looks, self.looked_at) = (self.n_looks.saturating_add(1), Some(Instant::now()));
        let (client, clock, seen_ns) = (client.clone(), self.clock.clone(), unix_ns());
        Some(async move {
            // A chain that does not say it leaves the word to the callers.
            if let Ok(Some(made_ms)) = client.made_at(head).await {
                clock.block(made_ms.saturating_mul(1_000_000), seen_ns);
            }
        })
    }

    /// Records how far our clock is off; tells when it is wrong, and when it is right again.
    pub(super) fn tell(&mut self) {
        gauge!(telemetry::NODE_CLOCK_OFFSET.name).set(self.clock.offset_s());
        match (self.clock.check(), self.told_at) {
            (Err(reason), told) if told.is_none_or(|at| at.elapsed() >= TELL_EVERY) => {
                self.told_at = Some(Instant::now());
                warn!("{reason}");
            }
            (Ok(()), Some(_)) => {
                self.told_at = None;
                info!("this machine's clock agrees with the others' again");
            }
            _ => {}
        }
    }
}
