//! The one run loop: follows a tree until its time is over, a signal comes or it gives up, and sees
//! it to its end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sn1::chain::Metagraph;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::Failure;
use super::console::Console;
use super::ending::Ending;
use super::faults::{FaultPlan, PlannedFault, sleep_until};
use crate::exit::Exit;
use crate::feeds::MetagraphFeed;
use crate::notice::Notice;
use crate::signals::{self, Signals};
use crate::supervision::{ChildSpec, Root, RootExit, TreeEvent};

/// The channels on which actors report.
pub(super) struct Listeners {
    pub(super) notices: UnboundedSender<Notice>,
    pub(super) watchers: UnboundedSender<TreeEvent>,
}

impl Listeners {
    pub(super) fn supervisor(&self, name: &str, children: Vec<ChildSpec>) -> ChildSpec {
        ChildSpec::supervisor(name, children, self.watchers.clone())
    }
}

/// The receiving ends of those channels.
pub(super) struct Inboxes {
    notices: UnboundedReceiver<Notice>,
    events: UnboundedReceiver<TreeEvent>,
}

pub(super) fn channels() -> (Listeners, Inboxes) {
    let (notices, inbox) = unbounded_channel();
    let (watchers, events) = unbounded_channel();
    (Listeners { notices, watchers }, Inboxes { notices: inbox, events })
}

/// What to run, and for how long.
pub(super) struct Course<'a> {
    pub(super) name: &'static str,
    /// Its children, in the order in which they start.
    pub(super) specs: Vec<ChildSpec>,
    pub(super) faults: &'a [PlannedFault],
    /// The subnet, whose changes the console prints.
    pub(super) subnet: Option<MetagraphFeed>,
    /// Printed once signals are handled.
    pub(super) greeting: Option<String>,
    /// Counted from the console's start; `None` runs without a limit.
    pub(super) duration: Option<Duration>,
    /// A task beside the tree. It may end before the run does, and is dropped with it.
    pub(super) duty: Pin<Box<dyn Future<Output = ()>>>,
}

impl Course<'_> {
    /// A tree that runs until it is told to stop, and nothing beside it.
    pub(super) fn new(name: &'static str, specs: Vec<ChildSpec>) -> Self {
        Self {
            name,
            specs,
            faults: &[],
            subnet: None,
            greeting: None,
            duration: None,
            duty: Box::pin(std::future::pending()),
        }
    }
}

/// Runs a command that lasts until it is told to stop, whatever other signals are sent out of habit.
///
/// # Errors
/// Those of the command; or the system offers no signals.
pub async fn lasting(command: impl Future<Output = Result<(), Failure>>) -> Result<Exit, Failure> {
    signals::outlive_habitual().map_err(|error| Failure::usage(error.to_string()))?;
    command.await.map(|()| Exit::Done)
}

/// Runs the tree to its end, and prints what happens.
///
/// # Errors
/// A fault names an unknown actor, or the system offers no signals.
pub(super) async fn run(
    mut course: Course<'_>,
    (listeners, mut inboxes): (Listeners, Inboxes),
    console: &mut Console,
) -> Result<Ending, Failure> {
    let specs = std::mem::take(&mut course.specs);
    let names = specs.iter().flat_map(ChildSpec::names).collect::<Vec<_>>();
    let faults = FaultPlan::new(course.faults, &names, console.started).map_err(Failure::usage)?;
    let mut signals = Signals::new().map_err(|error| Failure::usage(error.to_string()))?;
    let mut root = Root::start(course.name, specs, listeners.watchers);
    if let Some(greeting) = &course.greeting {
        console.greet(greeting);
    }
    let ending = follow(course, faults, &mut inboxes, &mut signals, &mut root, console).await;
    console.ending(&ending);
    if !matches!(ending, Ending::GaveUp(_)) {
        stop(root, &mut signals, console).await;
    }
    inboxes.drain(console);
    Ok(ending)
}

/// Follows the tree until something ends the run.
async fn follow(
    course: Course<'_>,
    mut faults: FaultPlan,
    inboxes: &mut Inboxes,
    signals: &mut Signals,
    root: &mut Root,
    console: &mut Console,
) -> Ending {
    let Course { mut subnet, mut duty, duration, .. } = course;
    let ends_at = duration.map(|duration| console.started + duration);
    let mut is_on_duty = true;
    loop {
        tokio::select! {
            () = &mut duty, if is_on_duty => is_on_duty = false,
            Some(notice) = inboxes.notices.recv() => console.notice(&notice),
            Some(event) = inboxes.events.recv() => console.tree_event(&event),
            Some(known) = newer(&mut subnet) => console.subnet(&known),
            () = sleep_until(faults.next()) => faults.inject(root).await,
            () = sleep_until(ends_at) => return Ending::Duration,
            () = signals.any() => return Ending::Signal,
            exit = root.ended() => return Ending::GaveUp(match exit {
                RootExit::GaveUp(reason) => reason,
                RootExit::Stopped => "the tree stopped by itself".to_owned(),
            }),
        }
    }
}

/// The next state of the subnet; `None` without a feed.
async fn newer(feed: &mut Option<MetagraphFeed>) -> Option<Arc<Metagraph>> {
    let feed = feed.as_mut()?;
    loop {
        feed.changed().await.ok()?;
        if let Some(known) = feed.borrow_and_update().clone() {
            return Some(known);
        }
    }
}

/// Stops the tree in order; stops at once on a second signal.
async fn stop(root: Root, signals: &mut Signals, console: &Console) {
    tokio::select! {
        exit = root.stop() => if let RootExit::GaveUp(reason) = exit {
            tracing::warn!(reason, "not everything stopped in time");
        },
        () = signals.any() => console.hurried(),
    }
}

impl Inboxes {
    /// Prints what was reported while the tree was stopping.
    fn drain(&mut self, console: &mut Console) {
        while let Ok(notice) = self.notices.try_recv() {
            console.notice(&notice);
        }
        while let Ok(event) = self.events.try_recv() {
            console.tree_event(&event);
        }
    }
}
