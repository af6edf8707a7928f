//! The supervisor: starts children, notices their ends, applies the policy, and gives up when it
//! must.

use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::counter;
use sn1::telemetry;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tracing::{error, info, warn};

use super::fault::{InjectFault, TreeEvent};
use super::handling::{Handles, Reply};
use super::hosted::{Context, Drained, Resident};
use super::life::{Birth, ChildEvent};
use super::limits::{HEARTBEAT, OF_SUPERVISORS};
use super::policy::{ActorEnd, RestartPlan, Verdict};
use super::running::Running;
use super::slot::Slot;
use super::spec::{ChildSpec, Stops, drain_limit};
use crate::away::sleep;
use crate::recording::prime;

struct Child {
    spec: ChildSpec,
    plan: RestartPlan,
    generation: u64,
    running: Option<Running>,
    /// Its signs of life at the last heartbeat.
    n_signs: u64,
    /// How many heartbeats in a row have found no new one.
    n_silent_beats: u32,
}

impl Child {
    /// Asks a running child for a sign of life, unless it has given none for too long.
    fn is_stalled(&mut self) -> bool {
        let Some(running) = &self.running else { return false };
        let n_signs = running.n_signs();
        let is_silent = std::mem::replace(&mut self.n_signs, n_signs) == n_signs;
        self.n_silent_beats = if is_silent { self.n_silent_beats + 1 } else { 0 };
        if HEARTBEAT * self.n_silent_beats > self.spec.stall_after {
            return true;
        }
        running.ping();
        false
    }
}

/// An ordered stop in progress, from the last child to the first.
struct Stopping {
    /// How many children, from the first, have not been told to stop yet.
    n_left: usize,
    /// Children that were told to stop and have not ended.
    awaited: Vec<usize>,
}

impl ChildSpec {
    /// A supervisor as the child of another.
    pub fn supervisor(
        name: impl Into<Arc<str>>,
        children: Vec<ChildSpec>,
        watchers: UnboundedSender<TreeEvent>,
    ) -> Self {
        let slot = Slot::new(name);
        let names = children.iter().flat_map(ChildSpec::names).collect();
        let drain_within = drain_limit(&children);
        let name = Arc::clone(slot.name());
        let below = Some((slot.recipient(), names));
        let spec = Self::new(&slot, move || {
            Ok(Supervisor::new(Arc::clone(&name), children.clone(), watchers.clone()))
        });
        Self { below, drain_within, intensity: OF_SUPERVISORS, ..spec }
    }
}

/// Why a supervisor gave up: the child of this name had more faults than its intensity allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} had too many faults")]
pub struct TooManyFaults(String);

/// One-for-one supervision of a list of children, which start in order and stop in reverse.
pub struct Supervisor {
    name: Arc<str>,
    children: Vec<Child>,
    events: UnboundedSender<ChildEvent>,
    inbox: Option<UnboundedReceiver<ChildEvent>>,
    watchers: UnboundedSender<TreeEvent>,
    stopping: Option<Stopping>,
}

impl Supervisor {
    pub(super) fn new(
        name: Arc<str>,
        specs: Vec<ChildSpec>,
        watchers: UnboundedSender<TreeEvent>,
    ) -> Self {
        let (events, inbox) = mpsc::unbounded_channel();
        let children = specs
            .into_iter()
            .map(|spec| Child {
                plan: RestartPlan::new(spec.intensity, spec.backoff),
                spec,
                generation: 0,
                running: None,
                n_signs: 0,
                n_silent_beats: 0,
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
        (child.n_signs, child.n_silent_beats) = (0, 0);
        prime(
            &[telemetry::ACTOR_MESSAGES, telemetry::ACTOR_RESTARTS],
            &[("actor", &child.spec.name)],
        );
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
            Verdict::Escalate => self.give_up(child_idx, ctx),
        }
    }

    fn report(&self, child_idx: usize, exit: &ActorEnd, verdict: Verdict) {
        let (Some(child), Some(fault)) = (self.children.get(child_idx), exit.fault()) else {
            return;
        };
        let actor = Arc::clone(&child.spec.name);
        counter!(telemetry::ACTOR_RESTARTS.name, "actor" => actor.to_string(), "kind" => fault.label())
            .increment(1);
        let reason = match exit {
            ActorEnd::Failed(error) => error.to_string(),
            _ => String::new(),
        };
        let restart_after = match verdict {
            Verdict::Restart { after } => Some(after),
            Verdict::Escalate => None,
        };
        warn!(%actor, fault = fault.label(), reason, ?restart_after, "actor ended by a fault");
        // Fails only when nobody watches the tree.
        let _ = self.watchers.send(TreeEvent { actor, fault, reason, restart_after });
    }

    fn give_up(&mut self, child_idx: usize, ctx: &mut Context<'_, Self>) {
        let culprit = self.children.get(child_idx).map(|child| child.spec.name.to_string());
        let culprit = culprit.unwrap_or_default();
        error!(supervisor = %self.name, %culprit, "too many faults, giving up");
        self.children.iter_mut().rev().for_each(|child| child.running = None);
        ctx.fail(TooManyFaults(culprit));
    }

    fn beat(&mut self, ctx: &mut Context<'_, Self>) {
        let mut stalled = Vec::new();
        for (child_idx, child) in self.children.iter_mut().enumerate() {
            if child.is_stalled() {
                let (generation, exit) = (child.generation, ActorEnd::Stalled);
                stalled.push(ChildEvent { child_idx, generation, exit });
            }
        }
        for event in stalled {
            self.on_event(event, ctx);
        }
    }

    /// Tells the next child, or group of children, to stop once the previous ones have ended;
    /// finishes when none is left.
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
                ctx.run(sleep(child.spec.drain_within), move |this, (), ctx| {
                    let exit = ActorEnd::Stalled;
                    this.on_event(ChildEvent { child_idx, generation, exit }, ctx);
                });
            }
        }
    }
}

impl Resident for Supervisor {
    type Error = TooManyFaults;

    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), Self::Error> {
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

impl Handles<InjectFault> for Supervisor {
    fn handle(&mut self, message: InjectFault, _: &mut Context<'_, Self>) -> Reply<bool> {
        let named = self.children.iter().find(|child| child.spec.name == message.actor);
        if let Some(child) = named {
            let running = child.running.as_ref();
            return Reply::Now(running.is_some_and(|running| running.inject(message.fault)));
        }
        let below = self.children.iter().find_map(|child| {
            let (below, names) = child.spec.below.as_ref()?;
            names.contains(&message.actor).then(|| below.clone())
        });
        match below {
            Some(below) => Reply::later(async move {
                below.ask(message, Duration::from_secs(2)).await.unwrap_or(false)
            }),
            None => Reply::Now(false),
        }
    }
}
