//! The course of one query: runs a dendrite in a small tree of its own, and collects the answers.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use sn1::chain::Uid;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::count::{Counter, Measure};
use super::output::Output;
use super::record::Record;
use super::{Query, QueryError, Resolved, Verdict};
use crate::dendrite::Dendrite;
use crate::messages::miners::{Answer, AskMiners, Progress};
use crate::signals::Signals;
use crate::supervision::{ChildSpec, Root, RootExit, Slot};

/// The shortest time between two redraws of the live picture.
const PICTURE_EVERY: Duration = Duration::from_millis(60);
/// Time to start the dendrite and give it the question.
const START_WITHIN: Duration = Duration::from_secs(10);

/// Asks all miners at once, and prints until the last one has ended or a signal comes.
pub(super) async fn ask(query: Query, resolved: Resolved) -> Result<Verdict, QueryError> {
    let counter = load_counter(&query).await?;
    let mut signals = Signals::new()?;
    let slot = Slot::<Dendrite>::new("Dendrite");
    let settings = resolved.dendrite;
    let child = ChildSpec::new(&slot, move || Dendrite::new(settings.clone()));
    let (watchers, _unwatched) = mpsc::unbounded_channel();
    let mut root = Root::start("Query", vec![child], watchers);
    let (progress_sender, progress) = mpsc::unbounded_channel();
    let ask = AskMiners {
        targets: resolved.asked.iter().map(super::Asked::target).collect(),
        roles: query.conversation.roles().to_vec(),
        messages: query.conversation.messages().to_vec(),
        timeout: query.timeout,
        progress: Some(progress_sender),
    };
    let answers = slot.recipient().ask_again(ask, START_WITHIN).await;
    let answers = answers.map_err(|error| QueryError::GaveUp(error.to_string()))?;
    let records = resolved.asked.into_iter().map(Record::new).collect();
    let mut course = Course::new(records, Output::new(query.format), counter);
    course.follow(progress, answers, &mut signals, &mut root).await?;
    let verdict = course.close().await?;
    match root.stop().await {
        RootExit::Stopped => Ok(verdict),
        RootExit::GaveUp(reason) => Err(QueryError::GaveUp(reason)),
    }
}

/// Starts to read the tokenizer in the background. One that is required is waited for, so that no
/// miner is asked in vain.
async fn load_counter(query: &Query) -> Result<Loading, QueryError> {
    let count_by = query.count_by.clone();
    let is_required = count_by.is_required;
    let loading = tokio::task::spawn_blocking(move || count_by.load());
    if is_required { Ok(Loading::Done(settle(loading.await)?)) } else { Ok(Loading::Open(loading)) }
}

fn settle(
    loaded: Result<Result<Counter, QueryError>, tokio::task::JoinError>,
) -> Result<Counter, QueryError> {
    loaded.unwrap_or_else(|error| {
        Err(QueryError::GaveUp(format!("the tokenizer could not be read: {error}")))
    })
}

/// A counter whose tokenizer may still be loading.
enum Loading {
    Open(JoinHandle<Result<Counter, QueryError>>),
    Done(Counter),
}

impl Loading {
    /// Waits until it is loaded. May be dropped and called again.
    async fn done(&mut self) -> Result<(), QueryError> {
        if let Self::Open(loading) = self {
            *self = Self::Done(settle(loading.await)?);
        }
        Ok(())
    }

    fn counter(&self) -> Option<&Counter> {
        match self {
            Self::Done(counter) => Some(counter),
            Self::Open(_) => None,
        }
    }
}

struct Course {
    started: Instant,
    records: Vec<Record>,
    by_slot: HashMap<Uid, usize>,
    /// By the index of the record; in the end each record has one.
    measures: BTreeMap<usize, Measure>,
    /// Records that have ended but were not printed yet.
    untold: Vec<usize>,
    output: Output,
    counter: Loading,
}

impl Course {
    fn new(records: Vec<Record>, output: Output, counter: Loading) -> Self {
        let slots = records.iter().enumerate().map(|(i, record)| (record.asked.slot, i));
        Self {
            started: Instant::now(),
            by_slot: slots.collect(),
            records,
            measures: BTreeMap::new(),
            untold: Vec::new(),
            output,
            counter,
        }
    }

    fn elapsed_s(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Follows the answers until every record is settled.
    async fn follow(
        &mut self,
        mut progress: mpsc::UnboundedReceiver<Progress>,
        mut answers: mpsc::Receiver<Answer>,
        signals: &mut Signals,
        root: &mut Root,
    ) -> Result<(), QueryError> {
        let mut ticks = tokio::time::interval(PICTURE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let why = loop {
            tokio::select! {
                Some(news) = progress.recv() => self.arrived(news),
                answer = answers.recv() => match answer {
                    Some(answer) => self.answered(answer),
                    None => break "the dendrite failed before the answer came",
                },
                done = self.counter.done(), if self.counter.counter().is_none() => done?,
                _ = ticks.tick() => self.output.progress(&self.records, self.elapsed_s())?,
                () = signals.any() => break "interrupted",
                exit = root.ended() => match exit {
                    RootExit::GaveUp(reason) => return Err(QueryError::GaveUp(reason)),
                    RootExit::Stopped => break "the dendrite stopped before the answer came",
                },
            }
            self.tell()?;
        };
        while let Ok(news) = progress.try_recv() {
            self.arrived(news);
        }
        self.cut_off(why);
        Ok(())
    }

    fn arrived(&mut self, news: Progress) {
        if let Some(i) = self.by_slot.get(&news.target.uid) {
            self.records[*i].arrived(news.event);
        }
    }

    fn answered(&mut self, answer: Answer) {
        let Some(i) = self.by_slot.get(&answer.target.uid).copied() else { return };
        let elapsed_s = answer.ended.saturating_duration_since(self.started).as_secs_f64();
        self.records[i].answered(answer, elapsed_s);
        self.untold.push(i);
    }

    fn cut_off(&mut self, why: &str) {
        let elapsed_s = self.elapsed_s();
        for (i, record) in self.records.iter_mut().enumerate() {
            if record.end.is_none() {
                record.cut_off(why, elapsed_s);
                self.untold.push(i);
            }
        }
    }

    /// Measures and prints the records that have ended, once the counter is loaded.
    fn tell(&mut self) -> Result<(), QueryError> {
        let Some(counter) = self.counter.counter() else { return Ok(()) };
        for i in self.untold.drain(..) {
            let measure = counter.measure(&self.records[i]);
            self.output.one_ended(&self.records[i], &measure)?;
            self.measures.insert(i, measure);
        }
        Ok(())
    }

    /// Prints the rest, and returns how many miners succeeded.
    async fn close(mut self) -> Result<Verdict, QueryError> {
        self.counter.done().await?;
        self.tell()?;
        let unit = self.counter.counter().map_or("words", Counter::unit);
        let measures: Vec<_> = self.measures.into_values().collect();
        self.output.all_ended(&self.records, &measures, unit)?;
        let n_good = self.records.iter().filter(|record| record.is_success()).count();
        Ok(match n_good {
            0 => Verdict::None,
            n_good if n_good == self.records.len() => Verdict::All,
            _ => Verdict::Some,
        })
    }
}
