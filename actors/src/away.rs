//! Time in which this process was away: stopped by a signal, frozen with its container, moved to
//! another host, or starved of processors. Nobody else is to blame for what did not arrive meanwhile.
//!
//! Whoever measures a peer's silence does so from a [`Moment`], or with [`timeout`]: what the process
//! was away for does not count. A thread that only ticks notices an absence by its own late tick. Ages
//! that are told (of a block, of the metagraph) and times that a peer has set go on by the plain clock.

use std::pin::pin;
use std::sync::LazyLock;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use tokio::time::error::Elapsed;
use tracing::warn;

/// The interval of the ticks.
const TICK: Duration = Duration::from_millis(200);
/// A tick that comes after so long was kept up by an absence of the whole process.
const ABSENCE: Duration = Duration::from_secs(1);

static HERE: LazyLock<Option<Attendance>> = LazyLock::new(Attendance::begin);

/// When the ticks began, and what they showed.
struct Attendance {
    began: std::time::Instant,
    marks: Mutex<Marks>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Marks {
    last_tick: Duration,
    away: Duration,
}

impl Marks {
    /// All absences until now, one that no tick has ended included.
    fn away_at(self, now: Duration) -> Duration {
        let gap = now.saturating_sub(self.last_tick);
        if gap < ABSENCE { self.away } else { self.away + gap }
    }

    /// Returns the absence that this tick ends, if there was one.
    fn tick(&mut self, now: Duration) -> Option<Duration> {
        let away = self.away_at(now);
        let before = std::mem::replace(self, Self { last_tick: now, away }).away;
        Some(away - before).filter(|absence| !absence.is_zero())
    }
}

impl Attendance {
    /// Starts the ticks. Without a thread for them, `None`: then no absence is noticed.
    fn begin() -> Option<Self> {
        let ticks = || loop {
            std::thread::sleep(TICK);
            let Some(here) = &*HERE else { return };
            let absence = here.marks.lock().tick(here.began.elapsed());
            if let Some(absence) = absence {
                let seconds = absence.as_secs_f64();
                warn!(seconds, "this process was away: stopped, frozen or starved");
            }
        };
        std::thread::Builder::new().name("attendance".to_owned()).spawn(ticks).ok()?;
        Some(Self { began: std::time::Instant::now(), marks: Mutex::default() })
    }
}

/// All absences of this process.
fn total() -> Duration {
    let here = HERE.as_ref();
    here.map_or(Duration::ZERO, |here| here.marks.lock().away_at(here.began.elapsed()))
}

/// A moment, from which time is counted without this process's absences.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    at: Instant,
    away: Duration,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self { away: total(), at: Instant::now() }
    }

    /// When so much time has passed, as far as absences are known until now.
    fn after(self, time: Duration) -> Instant {
        self.at + time + self.absence()
    }

    pub(crate) fn elapsed(self) -> Duration {
        let since = self.after(Duration::ZERO);
        Instant::now().saturating_duration_since(since)
    }

    /// How long the process has been away since.
    pub(crate) fn absence(self) -> Duration {
        total().saturating_sub(self.away)
    }

    /// What is left of `within`; nothing when it has passed.
    pub(crate) fn left(self, within: Duration) -> Duration {
        within.saturating_sub(self.elapsed())
    }

    /// Waits until so much time has passed since this moment.
    pub(crate) async fn passes(self, time: Duration) {
        // It ends by nothing else.
        let _ = self.timeout(time, std::future::pending::<()>()).await;
    }

    /// Waits for `future` until `within` has passed since this moment.
    ///
    /// # Errors
    /// When it has.
    pub(crate) async fn timeout<F: Future>(
        self,
        within: Duration,
        future: F,
    ) -> Result<F::Output, Elapsed> {
        let mut future = pin!(future);
        loop {
            let at = self.after(within);
            match tokio::time::timeout_at(at, &mut future).await {
                // Away meanwhile: what was left of the time is still to come.
                Err(_) if self.after(within) > at => {}
                outcome => return outcome,
            }
        }
    }
}

/// Waits for `future` for at most so long from now on.
///
/// # Errors
/// When the time has passed.
pub(crate) async fn timeout<F: Future>(within: Duration, future: F) -> Result<F::Output, Elapsed> {
    Moment::now().timeout(within, future).await
}

/// Waits so long.
pub(crate) async fn sleep(time: Duration) {
    Moment::now().passes(time).await;
}

/// Has the process been away for so long.
#[cfg(test)]
pub(crate) fn pretend(absence: Duration) {
    HERE.as_ref().unwrap().marks.lock().away += absence;
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_late_tick_is_an_absence_and_a_slow_one_is_not() {
        let mut marks = Marks::default();
        for (now, away) in [(200, 0), (1_100, 0), (1_300, 0), (13_300, 12_000), (13_500, 12_000)] {
            assert_eq!(marks.away_at(ms(now)), ms(away), "before the tick at {now}");
            assert_eq!(marks.tick(ms(now)).is_some(), now == 13_300);
            assert_eq!(marks.away_at(ms(now)), ms(away), "after the tick at {now}");
        }
        // Whoever looks first after a pause, before the late tick, sees it too.
        assert_eq!(marks.away_at(ms(20_000)), ms(18_500));
    }

    #[actix::test]
    async fn an_absence_prolongs_what_is_waited_for() {
        let (began, moment) = (Instant::now(), Moment::now());
        let late = timeout(ms(50), async {
            tokio::time::sleep(ms(10)).await;
            pretend(ms(40));
            std::future::pending::<()>().await;
        });
        assert!(late.await.is_err());
        assert!(began.elapsed() >= ms(90), "{:?}", began.elapsed());
        assert!(moment.elapsed() <= began.elapsed() - ms(40));
        let within = Moment::now();
        assert_eq!(within.timeout(ms(50), std::future::ready(7)).await, Ok(7));
    }
}
