//! The supervisor: owns factories, notices ends, applies the policy, gives up when it must.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use actix::{Actor, Addr, Arbiter, Message};
use metrics::{counter, gauge};
use sn1::telemetry;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tracing::{error, info, warn};

use super::hosted::{
    Birth, ChildEvent, Context, Drained, End, Handles, Hosted, Ping, Reply, Resident, Stop, Vitals,
};
use super::link::{Link, Slot};
use super::policy::{Backoff, Exit, Intensity, Policy, RestartPlan, Verdict};

/// Between two heartbeats.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// How long a new life waits for the end of the one before it, whose files it takes over. One that
/// is blocked for longer is fenced off by the store instead.
const PREDECESSOR_WITHIN: Duration = Duration::from_secs(3);
/// Faults in five minutes that a child may have. Longer than eight of the slowest restarts take, so
/// that a lasting fault does escalate.
const CHILD_INTENSITY: Intensity = Intensity { max_restarts: 8, window: Duration::from_secs(300) };
/// The same for supervisors, which fail only after their children did.
const SUPERVISOR_INTENSITY: Intensity =
    Intensity { max_restarts: 2, window: Duration::from_secs(1800) };

/// A fault on demand, for tests and for operators on a local net.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Panic in a handler.
    Panic,
    /// End as failed.
    Error,
    /// Block the actor's thread until it is abandoned.
    Stall,
}

/// What a supervisor says of its children to whoever watches the tree.
#[derive(Debug, Clone)]
pub struct TreeEvent {
    /// The child.
    pub actor: Arc<str>,
    /// Its fault: `panic`, `error` or `stall`.
    pub fault: &'static str,
    /// What it said, if it said anything.
    pub reason: String,
    /// Whether it will be started again, after this delay; `None`: the supervisor gave up.
    pub restart_after: Option<Duration>,
}

type StartFn = dyn Fn(Birth) -> Box<dyn Running> + Send + Sync;

/// How to make one child and what to do when it ends.
#[derive(Clone)]
pub struct ChildSpec {
    name: Arc<str>,
    policy: Policy,
    intensity: Intensity,
    backoff: Backoff,
    stall_after: Duration,
    drain_within: Duration,
    start: Arc<StartFn>,
    stops: Stops,
    /// Set when the child is a supervisor itself: how to reach it, and whom it answers for.
    below: Option<(Link<Supervisor>, Vec<Arc<str>>)>,
}

impl ChildSpec {
    /// A permanent child: eight faults in five minutes are borne, the first restart follows at once,
    /// a silence of ten seconds is a stall. `factory` runs on the child's own thread.
    pub fn new<A: Resident>(
        slot: &Slot<A>,
        factory: impl Fn() -> Result<A, String> + Send + Sync + 'static,
    ) -> Self {
        let (slot, factory) = (slot.clone(), Arc::new(factory));
        Self {
            name: Arc::clone(slot.name()),
            policy: Policy::Permanent,
            intensity: CHILD_INTENSITY,
            backoff: Backoff { first: Duration::from_millis(100), cap: Duration::from_secs(10) },
            stall_after: Duration::from_secs(10),
            drain_within: Duration::from_secs(5),
            start: Arc::new(move |birth| start_resident(birth, &slot, &factory)),
            stops: Stops::Alone,
            below: None,
        }
    }

    /// A supervisor as a child of another.
    pub fn supervisor(
        name: impl Into<Arc<str>>,
        children: Vec<ChildSpec>,
        watchers: UnboundedSender<TreeEvent>,
    ) -> Self {
        let slot = Slot::new(name);
        let names = children.iter().flat_map(ChildSpec::names).collect();
        let drain_within = drain_limit(&children);
        let name = Arc::clone(slot.name());
        let link = slot.link();
        let spec = Self::new(&slot, move || {
            Ok(Supervisor::new(Arc::clone(&name), children.clone(), watchers.clone()))
        });
        Self { below: Some((link, names)), drain_within, intensity: SUPERVISOR_INTENSITY, ..spec }
    }

    /// Which ends are followed by a restart.
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// How many faults are borne.
    pub fn intensity(self, max_restarts: usize, window: Duration) -> Self {
        Self { intensity: Intensity { max_restarts, window }, ..self }
    }

    /// The delay before a restart.
    pub fn backoff(self, first: Duration, cap: Duration) -> Self {
        Self { backoff: Backoff { first, cap }, ..self }
    }

    /// How long without progress is a stall.
    pub fn stall_after(self, stall_after: Duration) -> Self {
        Self { stall_after, ..self }
    }

    /// How long an ordered stop may take.
    pub fn drain_within(self, drain_within: Duration) -> Self {
        Self { drain_within, ..self }
    }

    /// In an ordered stop, stops at the same time as its neighbours of the same kind.
    pub fn stops_together(self) -> Self {
        Self { stops: Stops::Together, ..self }
    }

    /// This child and all below it.
    pub fn names(&self) -> Vec<Arc<str>> {
        let below = self.below.iter().flat_map(|(_, names)| names.iter().cloned());
        std::iter::once(Arc::clone(&self.name)).chain(below).collect()
    }
}

/// Whether an ordered stop takes a child by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stops {
    Alone,
    Together,
}

/// The longest time that an ordered stop of these children takes.
fn drain_limit(children: &[ChildSpec]) -> Duration {
    let groups = children.chunk_by(|a, b| a.stops == Stops::Together && b.stops == Stops::Together);
    groups.filter_map(|group| group.iter().map(|child| child.drain_within).max()).sum()
}

/// A started child, as its supervisor holds it. Dropping it abandons the child.
trait Running {
    fn ping(&self);
    fn silence(&self) -> Duration;
    fn stop(&self);
    /// Whether the fault was delivered.
    fn inject(&self, fault: Fault) -> bool;
}

struct RunningResident<A: Resident> {
    address: Addr<Hosted<A>>,
    arbiter: Arbiter,
    vitals: Arc<Vitals>,
    slot: Slot<A>,
}

impl<A: Resident> Running for RunningResident<A> {
    fn ping(&self) {
        // A full mailbox needs no heartbeat: each message it handles is a sign of life.
        let _ = self.address.try_send(Ping);
    }

    fn silence(&self) -> Duration {
        self.vitals.silence()
    }

    fn stop(&self) {
        if self.address.try_send(Stop).is_err() {
            let _ = self.address.try_send(End(Exit::Finished));
        }
    }

    fn inject(&self, fault: Fault) -> bool {
        self.address.try_send(fault).is_ok()
    }
}

impl<A: Resident> Drop for RunningResident<A> {
    fn drop(&mut self) {
        self.slot.vacate(&self.address);
        gauge!(telemetry::ACTOR_UP.name, "actor" => self.slot.name().to_string()).set(0.0);
        self.vitals.abandon();
        let _ = self.address.try_send(End(Exit::Finished));
        self.arbiter.stop();
    }
}

fn start_resident<A: Resident, F>(
    birth: Birth,
    slot: &Slot<A>,
    factory: &Arc<F>,
) -> Box<dyn Running>
where
    F: Fn() -> Result<A, String> + Send + Sync + 'static,
{
    let arbiter = Arbiter::new();
    let vitals = Arc::new(Vitals::new());
    let (factory, child_vitals) = (Arc::clone(factory), Arc::clone(&vitals));
    let (lifeline, before) = slot.begin_life();
    let address = Hosted::start_in_arbiter(&arbiter.handle(), move |ctx| {
        // Room for heartbeats and stops beside the senders' places.
        ctx.set_mailbox_capacity(A::MAILBOX + 16);
        let open = move || {
            await_end_of(&before);
            factory()
        };
        Hosted::new(birth, child_vitals, lifeline, Box::new(open))
    });
    slot.occupy(address.clone());
    gauge!(telemetry::ACTOR_UP.name, "actor" => slot.name().to_string()).set(1.0);
    Box::new(RunningResident { address, arbiter, vitals, slot: slot.clone() })
}

/// Waits on the new life's own thread.
fn await_end_of(before: &Weak<()>) {
    let started = Instant::now();
    while before.strong_count() > 0 && started.elapsed() < PREDECESSOR_WITHIN {
        std::thread::sleep(Duration::from_millis(5));
    }
}

struct Child {
    spec: ChildSpec,
    plan: RestartPlan,
    generation: u64,
    running: Option<Box<dyn Running>>,
}

/// An ordered stop under way, from the last child to the first.
struct Stopping {
    /// Children before this one have not been told yet.
    n_left: usize,
    /// Children that were told and have not ended.
    awaited: Vec<usize>,
}

/// One-for-one supervision of a list of children, started in order and stopped in reverse.
pub struct Supervisor {
    name: Arc<str>,
    children: Vec<Child>,
    events: UnboundedSender<ChildEvent>,
    inbox: Option<UnboundedReceiver<ChildEvent>>,
    watchers: UnboundedSender<TreeEvent>,
    stopping: Option<Stopping>,
}

impl Supervisor {
    fn new(name: Arc<str>, specs: Vec<ChildSpec>, watchers: UnboundedSender<TreeEvent>) -> Self {
        let (events, inbox) = mpsc::unbounded_channel();
        let children = specs
            .into_iter()
            .map(|spec| Child {
                plan: RestartPlan::new(spec.policy, spec.intensity, spec.backoff),
                spec,
                generation: 0,
                running: None,
            })
            .collect();
        Self { name, children, events, inbox: Some(inbox), watchers, stopping: None }
    }

    fn start_child(&mut self, child_idx: usize) {
        if self.stopping.is_some() {
            return;
        }
        let events = self.events.clone();
        let Some(child) = self.children.get_mut(child_idx) else { return };
        child.generation += 1;
        let birth = Birth {
            name: Arc::clone(&child.spec.name),
            child_idx,
            generation: child.generation,
            events,
        };
        child.running = Some((child.spec.start)(birth));
        for kind in ["panic", "error", "stall"] {
            // Seen from the start, so that the first fault is a rise.
            let actor = child.spec.name.to_string();
            counter!(telemetry::ACTOR_RESTARTS.name, "actor" => actor, "kind" => kind).increment(0);
        }
    }

    fn on_event(&mut self, event: ChildEvent, ctx: &mut Context<'_, Self>) {
        let ChildEvent { child_idx, generation, exit } = event;
        let Some(child) = self.children.get_mut(child_idx) else { return };
        if child.generation != generation || child.running.is_none() {
            return; // The last word of one that was given up already.
        }
        child.running = None;
        if let Some(stopping) = &mut self.stopping {
            stopping.awaited.retain(|awaited| *awaited != child_idx);
            self.stop_next(ctx);
            return;
        }
        let verdict = child.plan.on_exit(&exit, Instant::now(), rand::random());
        self.report(child_idx, &exit, verdict);
        match verdict {
            Verdict::Restart { after } if after.is_zero() => self.start_child(child_idx),
            Verdict::Restart { after } => {
                ctx.after(after, move |this, _| this.start_child(child_idx));
            }
            Verdict::Done => {}
            Verdict::Escalate => self.give_up(child_idx, ctx),
        }
    }

    fn report(&self, child_idx: usize, exit: &Exit, verdict: Verdict) {
        let (Some(child), Some(fault)) = (self.children.get(child_idx), exit.fault_label()) else {
            return;
        };
        let actor = Arc::clone(&child.spec.name);
        counter!(telemetry::ACTOR_RESTARTS.name, "actor" => actor.to_string(), "kind" => fault)
            .increment(1);
        let reason = match exit {
            Exit::Failed(reason) => reason.clone(),
            _ => String::new(),
        };
        let restart_after = match verdict {
            Verdict::Restart { after } => Some(after),
            Verdict::Done | Verdict::Escalate => None,
        };
        warn!(%actor, fault, reason, ?restart_after, "actor ended by a fault");
        // Nobody need be watching.
        let _ = self.watchers.send(TreeEvent { actor, fault, reason, restart_after });
    }

    fn give_up(&mut self, child_idx: usize, ctx: &mut Context<'_, Self>) {
        let culprit = self.children.get(child_idx).map(|child| child.spec.name.to_string());
        let culprit = culprit.unwrap_or_default();
        error!(supervisor = %self.name, %culprit, "too many faults, giving up");
        self.children.iter_mut().rev().for_each(|child| child.running = None);
        ctx.fail(format!("{culprit} had too many faults"));
    }

    fn beat(&mut self, ctx: &mut Context<'_, Self>) {
        let mut stalled = Vec::new();
        for (child_idx, child) in self.children.iter().enumerate() {
            let Some(running) = &child.running else { continue };
            if running.silence() > child.spec.stall_after {
                let (generation, exit) = (child.generation, Exit::Stalled);
                stalled.push(ChildEvent { child_idx, generation, exit });
            } else {
                running.ping();
            }
        }
        for event in stalled {
            self.on_event(event, ctx);
        }
    }

    /// Tells the next child, or group of children, once those told before have ended; when none is
    /// left, ends.
    fn stop_next(&mut self, ctx: &mut Context<'_, Self>) {
        loop {
            let Some(Stopping { n_left, awaited }) = &mut self.stopping else { return };
            if !awaited.is_empty() {
                return;
            }
            let Some(last) = n_left.checked_sub(1) else { return ctx.finish() };
            let group = self.children.get(..=last).unwrap_or_default().chunk_by(|a, b| {
                a.spec.stops == Stops::Together && b.spec.stops == Stops::Together
            });
            *n_left -= group.last().map_or(1, <[Child]>::len);
            for child_idx in *n_left..=last {
                let Some(child) = self.children.get(child_idx) else { continue };
                let Some(running) = &child.running else { continue };
                info!(actor = %child.spec.name, "stopping");
                running.stop();
                awaited.push(child_idx);
                let generation = child.generation;
                ctx.after(child.spec.drain_within, move |this, ctx| {
                    let exit = Exit::Stalled;
                    this.on_event(ChildEvent { child_idx, generation, exit }, ctx);
                });
            }
        }
    }
}

impl Resident for Supervisor {
    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), String> {
        if let Some(inbox) = self.inbox.take() {
            ctx.listen(UnboundedReceiverStream::new(inbox), |this, event, ctx| {
                this.on_event(event, ctx);
            });
        }
        ctx.every(HEARTBEAT, |this, ctx| this.beat(ctx));
        (0..self.children.len()).for_each(|child_idx| self.start_child(child_idx));
        Ok(())
    }

    fn drain(&mut self, ctx: &mut Context<'_, Self>) -> Drained {
        if self.stopping.is_none() {
            self.stopping = Some(Stopping { n_left: self.children.len(), awaited: Vec::new() });
            self.stop_next(ctx);
        }
        Drained::Later
    }
}

/// Injects a fault into the actor of this name, here or in a supervisor below. The reply says
/// whether the actor was found and running.
#[derive(Message, Clone)]
#[rtype(result = "bool")]
pub struct InjectFault {
    /// The actor.
    pub actor: Arc<str>,
    /// What to do to it.
    pub fault: Fault,
}

impl Handles<InjectFault> for Supervisor {
    fn handle(&mut self, message: InjectFault, _: &mut Context<'_, Self>) -> Reply<bool> {
        let named = self.children.iter().find(|child| child.spec.name == message.actor);
        if let Some(child) = named {
            let running = child.running.as_ref();
            return Reply::Now(running.is_some_and(|running| running.inject(message.fault)));
        }
        let below = self.children.iter().find_map(|child| {
            let (link, names) = child.spec.below.as_ref()?;
            names.contains(&message.actor).then(|| link.clone())
        });
        match below {
            Some(link) => Reply::later(async move {
                link.ask(message, Duration::from_secs(2)).await.unwrap_or(false)
            }),
            None => Reply::Now(false),
        }
    }
}

/// How the whole tree ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootExit {
    /// It was asked to stop and did.
    Stopped,
    /// It gave up, for this reason.
    GaveUp(String),
}

/// The running tree, held by the process's main task.
pub struct Root {
    link: Link<Supervisor>,
    running: Box<dyn Running>,
    events: UnboundedReceiver<ChildEvent>,
    drain_within: Duration,
}

impl Root {
    /// Starts the tree. Must be called within an actix system.
    pub fn start(
        name: impl Into<Arc<str>>,
        children: Vec<ChildSpec>,
        watchers: UnboundedSender<TreeEvent>,
    ) -> Self {
        let slot = Slot::<Supervisor>::new(name);
        let (sender, events) = mpsc::unbounded_channel();
        let drain_within = drain_limit(&children);
        let name = Arc::clone(slot.name());
        let birth = Birth { name: Arc::clone(&name), child_idx: 0, generation: 0, events: sender };
        let factory = Arc::new(move || {
            Ok(Supervisor::new(Arc::clone(&name), children.clone(), watchers.clone()))
        });
        let running = start_resident(birth, &slot, &factory);
        Self { link: slot.link(), running, events, drain_within }
    }

    /// A handle on the root supervisor.
    pub fn link(&self) -> &Link<Supervisor> {
        &self.link
    }

    /// Resolves when the tree has ended by itself, which it does only by giving up.
    pub async fn ended(&mut self) -> RootExit {
        match self.events.recv().await.map(|event| event.exit) {
            Some(Exit::Failed(reason)) => RootExit::GaveUp(reason),
            Some(Exit::Panicked) => RootExit::GaveUp("the root supervisor panicked".into()),
            Some(Exit::Finished | Exit::Stalled) | None => RootExit::Stopped,
        }
    }

    /// Stops the tree in reverse order of its start, each child within its own limit.
    pub async fn stop(mut self) -> RootExit {
        self.running.stop();
        let limit = self.drain_within + Duration::from_secs(2);
        match tokio::time::timeout(limit, self.ended()).await {
            Ok(exit) => exit,
            Err(_) => RootExit::GaveUp("the tree did not stop in time".into()),
        }
    }
}

/// Faults by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct FaultCounts {
    /// Panics.
    pub panic: u32,
    /// Failures that the actor reported itself.
    pub error: u32,
    /// Silences.
    pub stall: u32,
}

/// The faults of every actor that had one, as a watcher of the tree counts them.
#[derive(Debug, Clone, Default)]
pub struct RestartLedger(BTreeMap<String, FaultCounts>);

impl RestartLedger {
    /// Counts one event.
    pub fn count(&mut self, event: &TreeEvent) {
        let counts = self.0.entry(event.actor.to_string()).or_default();
        match event.fault {
            "panic" => counts.panic += 1,
            "stall" => counts.stall += 1,
            _ => counts.error += 1,
        }
    }

    /// By actor name.
    pub fn by_actor(&self) -> &BTreeMap<String, FaultCounts> {
        &self.0
    }
}
