//! The actix actor around every resident: counts, heartbeats, faults on demand, and a last word.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix::dev::{MessageResponse, OneshotSender};
use actix::fut::{wrap_future, wrap_stream};
use actix::{Actor, ActorContext, ActorFutureExt, ActorStreamExt, AsyncContext, Handler, Message};
use futures_util::Stream;
use metrics::{counter, histogram};
use sn1::telemetry;
use tokio::sync::mpsc::UnboundedSender;

use super::link::Ticket;
use super::policy::Exit;
use super::supervisor::Fault;

/// A boxed future that need not leave its thread.
type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;
/// What [`Context::every`] repeats.
type Tick<A> = dyn Fn(&mut A, &mut Context<'_, A>);

/// Whether a resident has stopped working once [`Resident::drain`] returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// It may be dropped now.
    Now,
    /// It will call [`Context::finish`] by itself; its supervisor waits up to the spec's limit.
    Later,
}

/// A long-lived actor of the tree. Built by its supervisor's factory on a thread of its own, so
/// it need not be `Send`.
pub trait Resident: Sized + Unpin + 'static {
    /// Messages that may wait before senders are told that the mailbox is full.
    const MAILBOX: usize = 64;

    /// Called once on the actor's own thread.
    ///
    /// # Errors
    /// What keeps it from working; counted as an `error` fault by its supervisor.
    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), String> {
        let _ = ctx;
        Ok(())
    }

    /// Whether what it owns (a thread, a device) still makes progress. Asked at each heartbeat;
    /// `false` for longer than the spec's limit counts as a stall.
    fn is_healthy(&self) -> bool {
        true
    }

    /// Takes no new work and finishes what was accepted.
    fn drain(&mut self, ctx: &mut Context<'_, Self>) -> Drained {
        let _ = ctx;
        Drained::Now
    }
}

/// A resident that handles `M`.
pub trait Handles<M: Message>: Resident
where
    M::Result: Send + 'static,
{
    /// Answers now, or with a future that lives as long as the actor does.
    fn handle(&mut self, message: M, ctx: &mut Context<'_, Self>) -> Reply<M::Result>;
}

/// A handler's answer.
pub enum Reply<T> {
    /// Ready.
    Now(T),
    /// Ready when the future is. Dropped with the actor, in which case the asker learns that the
    /// actor was lost.
    Later(LocalFuture<T>),
}

impl<T: 'static> Reply<T> {
    /// An answer that takes time.
    pub fn later(future: impl Future<Output = T> + 'static) -> Self {
        Self::Later(Box::pin(future))
    }
}

/// What a resident may do to its own life.
pub struct Context<'a, A: Resident> {
    inner: &'a mut actix::Context<Hosted<A>>,
}

impl<A: Resident> Context<'_, A> {
    /// Ends the actor as failed, for this reason, after the current handler.
    pub fn fail(&mut self, reason: impl Into<String>) {
        self.inner.notify(End(Exit::Failed(reason.into())));
    }

    /// Ends the actor, its work done, after the current handler.
    pub fn finish(&mut self) {
        self.inner.notify(End(Exit::Finished));
    }

    /// Runs `future` beside the mailbox and hands its output to `then`. Dropped with the actor.
    pub fn run<T: 'static>(
        &mut self,
        future: impl Future<Output = T> + 'static,
        then: impl FnOnce(&mut A, T, &mut Context<'_, A>) + 'static,
    ) {
        let work = wrap_future::<_, Hosted<A>>(future).map(|output, hosted, inner| {
            if let Some(resident) = hosted.inner.as_mut() {
                then(resident, output, &mut Context { inner });
            }
        });
        self.inner.spawn(work);
    }

    /// Calls `then` after a delay.
    pub fn after(
        &mut self,
        delay: Duration,
        then: impl FnOnce(&mut A, &mut Context<'_, A>) + 'static,
    ) {
        self.inner.run_later(delay, |hosted, inner| {
            if let Some(resident) = hosted.inner.as_mut() {
                then(resident, &mut Context { inner });
            }
        });
    }

    /// Calls `tick` again and again, an interval after its last end: ticks that were missed while
    /// the thread was busy are not made up for.
    pub fn every(
        &mut self,
        interval: Duration,
        tick: impl Fn(&mut A, &mut Context<'_, A>) + 'static,
    ) {
        self.arm(interval, Rc::new(tick));
    }

    fn arm(&mut self, interval: Duration, tick: Rc<Tick<A>>) {
        self.after(interval, move |resident, ctx| {
            tick(resident, ctx);
            ctx.arm(interval, tick);
        });
    }

    /// Hands every item of `stream` to `each`. Dropped with the actor.
    pub fn listen<T: 'static>(
        &mut self,
        stream: impl Stream<Item = T> + 'static,
        each: impl Fn(&mut A, T, &mut Context<'_, A>) + 'static,
    ) {
        let work = wrap_stream::<_, Hosted<A>>(stream)
            .map(move |item, hosted, inner| {
                if let Some(resident) = hosted.inner.as_mut() {
                    each(resident, item, &mut Context { inner });
                }
            })
            .finish();
        self.inner.spawn(work);
    }
}

/// What a supervisor learns of a child without asking it.
pub(super) struct ChildEvent {
    pub(super) child_idx: usize,
    pub(super) generation: u64,
    pub(super) exit: Exit,
}

/// Signs of life that outlive the actor's thread being blocked.
pub(super) struct Vitals {
    born: Instant,
    progress_ms: AtomicU64,
    abandoned: AtomicBool,
}

impl Vitals {
    pub(super) fn new() -> Self {
        Self {
            born: Instant::now(),
            progress_ms: AtomicU64::new(0),
            abandoned: AtomicBool::new(false),
        }
    }

    fn progress(&self) {
        let elapsed = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.progress_ms.store(elapsed, Ordering::Relaxed);
    }

    /// Time since the last sign of life.
    pub(super) fn silence(&self) -> Duration {
        let last = Duration::from_millis(self.progress_ms.load(Ordering::Relaxed));
        self.born.elapsed().saturating_sub(last)
    }

    /// Tells the thread, should it ever wake up, that it was replaced.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed)
    }
}

/// Reports the end of a life when it is dropped: on stop and on unwind alike.
struct LastWord {
    events: UnboundedSender<ChildEvent>,
    child_idx: usize,
    generation: u64,
    exit: Exit,
}

impl Drop for LastWord {
    fn drop(&mut self) {
        let exit = if std::thread::panicking() {
            Exit::Panicked
        } else {
            std::mem::replace(&mut self.exit, Exit::Finished)
        };
        let (child_idx, generation) = (self.child_idx, self.generation);
        // A supervisor that is gone itself needs no word.
        let _ = self.events.send(ChildEvent { child_idx, generation, exit });
    }
}

/// What a new life is given.
pub(super) struct Birth {
    pub(super) name: Arc<str>,
    pub(super) child_idx: usize,
    pub(super) generation: u64,
    pub(super) events: UnboundedSender<ChildEvent>,
}

/// Held while a life lasts, so that the next one can wait for its end.
pub(super) type Lifeline = Arc<()>;

type Factory<A> = Box<dyn FnOnce() -> Result<A, String> + Send>;

/// The actix actor around a resident.
///
/// The resident is dropped before the last word is sent, so whoever hears it may take over the
/// resident's files and sockets.
pub struct Hosted<A: Resident> {
    name: Arc<str>,
    factory: Option<Factory<A>>,
    inner: Option<A>,
    vitals: Arc<Vitals>,
    _lifeline: Lifeline,
    last_word: LastWord,
}

impl<A: Resident> Hosted<A> {
    pub(super) fn new(
        birth: Birth,
        vitals: Arc<Vitals>,
        lifeline: Lifeline,
        factory: Factory<A>,
    ) -> Self {
        let Birth { name, child_idx, generation, events } = birth;
        let last_word = LastWord { events, child_idx, generation, exit: Exit::Finished };
        Self { name, factory: Some(factory), inner: None, vitals, _lifeline: lifeline, last_word }
    }

    fn mark_progress(&self) {
        if self.inner.as_ref().is_some_and(Resident::is_healthy) {
            self.vitals.progress();
        }
    }

    fn end(&mut self, exit: Exit, ctx: &mut actix::Context<Self>) {
        self.last_word.exit = exit;
        ctx.terminate();
    }

    fn open(&mut self, ctx: &mut actix::Context<Self>) -> Result<(), String> {
        let Some(factory) = self.factory.take() else { return Ok(()) };
        self.inner.insert(factory()?).started(&mut Context { inner: ctx })
    }
}

impl<A: Resident> Actor for Hosted<A> {
    type Context = actix::Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        match self.open(ctx) {
            Ok(()) => self.vitals.progress(),
            Err(reason) => self.end(Exit::Failed(reason), ctx),
        }
    }
}

/// A resident's message with the mailbox place it takes.
pub(super) struct Tracked<M> {
    pub(super) message: M,
    pub(super) ticket: Ticket,
}

impl<M: Message> Message for Tracked<M>
where
    M::Result: Send + 'static,
{
    type Result = M::Result;
}

impl<A, M> Handler<Tracked<M>> for Hosted<A>
where
    A: Handles<M>,
    M: Message + 'static,
    M::Result: Send + 'static,
{
    type Result = Reply<M::Result>;

    fn handle(&mut self, tracked: Tracked<M>, ctx: &mut Self::Context) -> Self::Result {
        let Tracked { message, ticket } = tracked;
        drop(ticket);
        if self.vitals.is_abandoned() {
            ctx.terminate();
            return Reply::Later(Box::pin(std::future::pending()));
        }
        let Some(resident) = self.inner.as_mut() else {
            return Reply::Later(Box::pin(std::future::pending()));
        };
        let started = Instant::now();
        let reply = resident.handle(message, &mut Context { inner: ctx });
        counter!(telemetry::ACTOR_MESSAGES.name, "actor" => self.name.to_string()).increment(1);
        histogram!(telemetry::ACTOR_HANDLING_SECONDS.name, "actor" => self.name.to_string())
            .record(started.elapsed().as_secs_f64());
        self.mark_progress();
        reply
    }
}

impl<A, M> MessageResponse<Hosted<A>, Tracked<M>> for Reply<M::Result>
where
    A: Handles<M>,
    M: Message + 'static,
    M::Result: Send + 'static,
{
    fn handle(
        self,
        ctx: &mut actix::Context<Hosted<A>>,
        reply_to: Option<OneshotSender<M::Result>>,
    ) {
        match (self, reply_to) {
            // An asker that has gone away needs no answer.
            (Reply::Now(value), reply_to) => drop(reply_to.map(|reply_to| reply_to.send(value))),
            (Reply::Later(future), None) => {
                ctx.spawn(wrap_future::<_, Hosted<A>>(async move { drop(future.await) }));
            }
            (Reply::Later(future), Some(mut reply_to)) => {
                let work = async move {
                    tokio::select! {
                        value = future => drop(reply_to.send(value)),
                        () = reply_to.closed() => {}
                    }
                };
                ctx.spawn(wrap_future::<_, Hosted<A>>(work));
            }
        }
    }
}

/// A heartbeat. Answered by a mark in the vitals, which a blocked thread cannot make.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Ping;

impl<A: Resident> Handler<Ping> for Hosted<A> {
    type Result = ();

    fn handle(&mut self, _: Ping, ctx: &mut Self::Context) {
        if self.vitals.is_abandoned() {
            ctx.terminate();
        }
        self.mark_progress();
    }
}

/// Asks the actor to finish what it accepted and stop.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Stop;

impl<A: Resident> Handler<Stop> for Hosted<A> {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Self::Context) {
        let drained = match self.inner.as_mut() {
            Some(resident) => resident.drain(&mut Context { inner: ctx }),
            None => Drained::Now,
        };
        if drained == Drained::Now {
            self.end(Exit::Finished, ctx);
        }
    }
}

/// Ends the actor at once, with this for its last word.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct End(pub(super) Exit);

impl<A: Resident> Handler<End> for Hosted<A> {
    type Result = ();

    fn handle(&mut self, End(exit): End, ctx: &mut Self::Context) {
        self.end(exit, ctx);
    }
}

impl Message for Fault {
    type Result = ();
}

impl<A: Resident> Handler<Fault> for Hosted<A> {
    type Result = ();

    fn handle(&mut self, fault: Fault, ctx: &mut Self::Context) {
        match fault {
            Fault::Panic => panic!("injected fault: panic in {}", self.name),
            Fault::Error => self.end(Exit::Failed("injected fault: error".into()), ctx),
            Fault::Stall => {
                while !self.vitals.is_abandoned() {
                    std::thread::sleep(Duration::from_millis(20));
                }
                ctx.terminate();
            }
        }
    }
}
