//! Which caller gets a stream now, which waits, and which is refused.
//!
//! The axon runs a fixed number of streams at once; a fixed number of further callers wait in a
//! line, ordered by priority, then by arrival. When the line is full, the caller with the lowest
//! priority is refused at once, whether it is the newcomer or the last in line. A stream whose
//! reader takes nothing is ended when a caller of higher priority waits. A permit returns however
//! its holder ends.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use metrics::{Gauge, gauge};
use parking_lot::Mutex;
use sn1::telemetry;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::connection::ConnectionHandle;

/// Why a caller got no stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum TurnedAway {
    /// All streams and the whole line are taken by callers of at least the same priority.
    #[error("no room")]
    Full,
    /// The caller's patience ended before its turn came.
    #[error("waited too long")]
    Late,
}

/// A position in the order of the line: higher priority first, then earlier arrival.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rank {
    priority: f64,
    arrival: u64,
}

impl Eq for Rank {}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> Ordering {
        other.priority.total_cmp(&self.priority).then(self.arrival.cmp(&other.arrival))
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A reader that takes nothing for this long may lose its stream to a caller of higher priority.
const STALLED: Duration = Duration::from_millis(500);
/// How often a waiting caller looks for such a stream.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A running stream: its caller's priority and the connection that it writes to.
#[derive(Debug)]
struct Running {
    priority: f64,
    handle: Option<Arc<ConnectionHandle>>,
}

#[derive(Debug, Default)]
struct Line {
    running: HashMap<u64, Running>,
    /// Permits granted to callers in line that have not taken them yet.
    n_called: usize,
    waiting: BTreeMap<Rank, oneshot::Sender<()>>,
    n_arrived: u64,
}

/// The streams of one axon, and the line of callers that wait for one.
#[derive(Debug)]
pub(super) struct Admission {
    line: Mutex<Line>,
    shown: Shown,
    n_streams: usize,
    n_waiting: usize,
}

/// The gauge of callers in line.
struct Shown(Gauge);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown")
    }
}

/// The right to write one answer. Dropping it frees the stream.
#[derive(Debug)]
pub(super) struct StreamPermit {
    admission: Arc<Admission>,
    id: u64,
}

/// A position in the line. Dropping it leaves the line, and passes on a permit that came too late.
struct Waiting<'a> {
    admission: &'a Arc<Admission>,
    rank: Rank,
    called: oneshot::Receiver<()>,
}

impl Admission {
    /// An axon with `n_streams` streams and `n_waiting` positions in line. `name` labels its
    /// metrics.
    pub(super) fn new(name: &Arc<str>, n_streams: usize, n_waiting: usize) -> Arc<Self> {
        let shown = gauge!(telemetry::AXON_WAITING.name, "actor" => Arc::clone(name));
        Arc::new(Self { line: Mutex::default(), shown: Shown(shown), n_streams, n_waiting })
    }

    /// A permit, at once or after waiting for at most `patience`. `handle` is the connection that
    /// the answer is written to.
    pub(super) async fn enter(
        self: &Arc<Self>,
        priority: f64,
        handle: Option<Arc<ConnectionHandle>>,
        patience: Duration,
    ) -> Result<StreamPermit, TurnedAway> {
        // NaN counts as the lowest priority.
        let priority = if priority.is_nan() { f64::NEG_INFINITY } else { priority };
        let runs = Running { priority, handle };
        let (mut waiting, runs) = match self.queue(runs)? {
            Queued::In(permit) => return Ok(permit),
            Queued::Waits(waiting, runs) => (waiting, runs),
        };
        let until = Instant::now() + patience;
        loop {
            let look_again = until.min(Instant::now() + LOOK_AGAIN);
            match timeout_at(look_again, &mut waiting.called).await {
                Ok(Ok(())) => {
                    let mut line = self.line.lock();
                    line.n_called -= 1;
                    return Ok(self.permit(&mut line, runs));
                }
                Ok(Err(_)) => return Err(TurnedAway::Full),
                Err(_) if look_again == until => return Err(TurnedAway::Late),
                Err(_) => {
                    let mut line = self.line.lock();
                    if line.make_way(waiting.rank) {
                        line.call_next();
                    }
                }
            }
        }
    }

    fn permit(self: &Arc<Self>, line: &mut Line, runs: Running) -> StreamPermit {
        line.n_arrived += 1;
        let id = line.n_arrived;
        line.running.insert(id, runs);
        StreamPermit { admission: Arc::clone(self), id }
    }

    /// Takes a permit, or a position in line.
    fn queue(self: &Arc<Self>, runs: Running) -> Result<Queued<'_>, TurnedAway> {
        let mut line = self.line.lock();
        line.n_arrived += 1;
        let rank = Rank { priority: runs.priority, arrival: line.n_arrived };
        if line.n_taken() >= self.n_streams {
            line.make_way(rank);
        }
        if line.n_taken() < self.n_streams {
            return Ok(Queued::In(self.permit(&mut line, runs)));
        }
        if line.waiting.len() >= self.n_waiting {
            match line.waiting.last_key_value() {
                // Dropping its sender tells the caller that it was displaced.
                Some((last, _)) if rank < *last => drop(line.waiting.pop_last()),
                _ => return Err(TurnedAway::Full),
            }
        }
        let (call, called) = oneshot::channel();
        line.waiting.insert(rank, call);
        self.shown.0.set(line.waiting.len() as f64);
        Ok(Queued::Waits(Waiting { admission: self, rank, called }, runs))
    }
}

impl Line {
    fn n_taken(&self) -> usize {
        self.running.len() + self.n_called
    }

    /// Ends the stalled stream with the lowest priority below this rank's, unless another caller in
    /// line comes first. `true` when a permit is now free.
    fn make_way(&mut self, rank: Rank) -> bool {
        if self.waiting.first_key_value().is_some_and(|(first, _)| *first < rank) {
            return false;
        }
        let stalled = self.running.iter().filter_map(|(id, running)| {
            let handle = running.handle.as_ref()?;
            let is_below = running.priority < rank.priority;
            (is_below && handle.stalled_for() >= STALLED).then_some((running.priority, *id))
        });
        let Some((_, id)) = stalled.min_by(|a, b| a.0.total_cmp(&b.0)) else { return false };
        let running = self.running.remove(&id);
        running.and_then(|running| running.handle).iter().for_each(|handle| handle.evict());
        true
    }

    /// Grants a free permit to the first caller in line that is still there.
    fn call_next(&mut self) {
        while let Some((_, first)) = self.waiting.pop_first() {
            if first.send(()).is_ok() {
                self.n_called += 1;
                return;
            }
        }
    }
}

enum Queued<'a> {
    In(StreamPermit),
    Waits(Waiting<'a>, Running),
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut line = self.admission.line.lock();
        // A stream that was ended for another has already lost its permit.
        if line.running.remove(&self.id).is_some() {
            line.call_next();
        }
        self.admission.shown.0.set(line.waiting.len() as f64);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut line = self.admission.line.lock();
        line.waiting.remove(&self.rank);
        // Granted between the deadline and this drop: nobody has taken the permit.
        self.called.close();
        if self.called.try_recv() == Ok(()) {
            line.n_called -= 1;
            line.call_next();
        }
        self.admission.shown.0.set(line.waiting.len() as f64);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use futures_util::future::LocalBoxFuture;
    use proptest::prelude::*;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    impl Admission {
        fn n_waiting(&self) -> usize {
            self.line.lock().waiting.len()
        }
    }

    fn enter(
        admission: &Arc<Admission>,
        priority: f64,
    ) -> LocalBoxFuture<'static, Result<StreamPermit, TurnedAway>> {
        let admission = Arc::clone(admission);
        async move { admission.enter(priority, None, LONG).await }.boxed_local()
    }

    #[actix::test]
    async fn the_highest_priority_goes_first_then_the_first_come() {
        let admission = Admission::new(&"axon".into(), 1, 8);
        let running = admission.enter(0.0, None, LONG).await.unwrap();
        let mut waiting: Vec<_> =
            [1.0, 5.0, 1.0, f64::NAN].map(|priority| enter(&admission, priority)).into();
        assert!(waiting.iter_mut().all(|one| one.now_or_never().is_none()));
        let mut order = Vec::new();
        let mut held = Some(running);
        for _ in 0..4 {
            drop(held.take());
            let ready = waiting.iter_mut().enumerate().find_map(|(i, one)| {
                let permit = one.now_or_never()?;
                Some((i, permit))
            });
            let (i, permit) = ready.unwrap();
            order.push(i);
            waiting[i] = futures_util::future::pending().boxed_local();
            held = Some(permit.unwrap());
        }
        assert_eq!(order, [1, 0, 2, 3]);
    }

    #[actix::test]
    async fn a_full_line_turns_the_lowest_away_at_once() {
        let admission = Admission::new(&"axon".into(), 1, 2);
        let _running = admission.enter(0.0, None, LONG).await.unwrap();
        let (mut low, mut high) = (enter(&admission, 1.0), enter(&admission, 9.0));
        assert!(low.as_mut().now_or_never().is_none() && high.as_mut().now_or_never().is_none());
        let refused = enter(&admission, 1.0).now_or_never().unwrap();
        assert_eq!(refused.unwrap_err(), TurnedAway::Full, "not above the last in line");
        let mut higher = enter(&admission, 5.0);
        assert!(higher.as_mut().now_or_never().is_none());
        assert_eq!(low.now_or_never().unwrap().unwrap_err(), TurnedAway::Full);
        assert_eq!(admission.n_waiting(), 2);
    }

    #[actix::test]
    async fn whoever_waits_too_long_leaves_the_line() {
        let admission = Admission::new(&"axon".into(), 1, 2);
        let running = admission.enter(0.0, None, LONG).await.unwrap();
        let late = admission.enter(0.0, None, Duration::from_millis(1)).await;
        assert_eq!(late.unwrap_err(), TurnedAway::Late);
        assert_eq!(admission.n_waiting(), 0);
        drop(running);
        assert!(enter(&admission, 0.0).now_or_never().unwrap().is_ok());
    }

    #[actix::test]
    async fn a_permit_called_for_somebody_who_left_goes_to_the_next() {
        let admission = Admission::new(&"axon".into(), 1, 2);
        let running = admission.enter(0.0, None, LONG).await.unwrap();
        let (mut first, mut second) = (enter(&admission, 2.0), enter(&admission, 1.0));
        assert!(
            first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none()
        );
        drop(running);
        drop(first);
        assert!(second.now_or_never().unwrap().is_ok());
    }

    #[actix::test]
    async fn a_stalled_stream_makes_way_for_a_higher_priority_and_for_no_other() {
        let admission = Admission::new(&"axon".into(), 1, 2);
        let (reading, stalled) = (ConnectionHandle::new(false), ConnectionHandle::new(false));
        let permit = admission.enter(5.0, Some(Arc::clone(&reading)), LONG).await.unwrap();
        let late = admission.enter(9.0, None, STALLED * 2).await;
        assert_eq!(late.unwrap_err(), TurnedAway::Late, "it reads");
        drop(permit);
        let permit = admission.enter(5.0, Some(Arc::clone(&stalled)), LONG).await.unwrap();
        stalled.stalls(true);
        let late = admission.enter(5.0, None, STALLED * 2).await;
        assert_eq!(late.unwrap_err(), TurnedAway::Late, "no higher priority");
        let higher = admission.enter(9.0, None, LONG).await.unwrap();
        assert!(stalled.is_evicted() && !reading.is_evicted());
        // The stream that was ended returns nothing: its permit belongs to another.
        drop(permit);
        assert!(enter(&admission, 1.0).now_or_never().is_none());
        drop(higher);
        assert!(enter(&admission, 1.0).now_or_never().unwrap().is_ok());
    }

    proptest! {
        /// Whatever callers do, no more streams run than allowed, and in the end every permit is
        /// free.
        #[test]
        fn permits_are_neither_lost_nor_made(
            steps in proptest::collection::vec((0..3_u8, 0..16_usize, -2..3_i8), 0..120),
        ) {
            let timers = tokio::runtime::Builder::new_current_thread().enable_time().build();
            let timers = timers.unwrap();
            let _timers = timers.enter();
            let admission = Admission::new(&"axon".into(), 3, 4);
            let mut waiting = Vec::new();
            let mut permits = Vec::new();
            for (action, which, priority) in steps {
                match action {
                    0 => waiting.push(enter(&admission, f64::from(priority))),
                    1 if !waiting.is_empty() => drop(waiting.swap_remove(which % waiting.len())),
                    2 if !permits.is_empty() => drop(permits.swap_remove(which % permits.len())),
                    _ => {}
                }
                waiting.retain_mut(|one| match one.now_or_never() {
                    None => true,
                    Some(ended) => {
                        permits.extend(ended);
                        false
                    }
                });
                prop_assert!(permits.len() <= 3);
                prop_assert!(admission.n_waiting() <= 4);
            }
            drop((waiting, permits));
            prop_assert_eq!(admission.line.lock().n_taken(), 0);
            prop_assert_eq!(admission.n_waiting(), 0);
        }
    }
}
