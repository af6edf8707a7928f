//! An actor of the tree, and the actix actor around it, which counts its messages, answers
//! heartbeats and reports its end.

use std::error::Error;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::fut::{wrap_future, wrap_stream};
use actix::{Actor, ActorContext, ActorFutureExt, ActorStreamExt, AsyncContext, Handler, Message};
use futures_util::Stream;

use super::fault::FaultKind;
use super::life::{Birth, LastWord, Lifeline, Vitals};
use super::policy::ActorEnd;

/// The callback that [`Context::every`] repeats.
type Tick<A> = dyn Fn(&mut A, &mut Context<'_, A>);

/// Whether a resident has finished when [`Resident::drain`] returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// It has finished and may be dropped now.
    Now,
    /// It calls [`Context::finish`] later; its supervisor waits up to the spec's limit.
    Later,
}

/// A long-lived actor of the tree. Its supervisor's factory builds it on a thread of its own, so it
/// need not be `Send`.
pub trait Resident: Sized + Unpin + 'static {
    /// Why it may fail: when it starts, in a handler, or in its factory.
    type Error: Error + Send + Sync + 'static;

    /// Messages that may wait in its mailbox; a sender beyond that is refused.
    const MAILBOX: usize = 64;

    /// Called once on the actor's own thread, before its first message.
    ///
    /// # Errors
    /// When the actor cannot work; its supervisor counts an `error` fault.
    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), Self::Error> {
        let _ = ctx;
        Ok(())
    }

    /// Whether what it owns (a thread, a device) still makes progress. Asked at each heartbeat;
    /// `false` for longer than the spec's limit counts as a stall.
    fn is_healthy(&self) -> bool {
        true
    }

    /// Accepts no new work and finishes what was accepted.
    fn drain(&mut self, ctx: &mut Context<'_, Self>) -> Drained {
        let _ = ctx;
        Drained::Now
    }
}

/// What a resident's handlers can do with the actor: end it, and run work beside its mailbox.
pub struct Context<'a, A: Resident> {
    inner: &'a mut actix::Context<Hosted<A>>,
}

impl<A: Resident> Context<'_, A> {
    /// Ends the actor with this error after the current handler.
    pub fn fail(&mut self, error: A::Error) {
        self.inner.notify(Order::End(ActorEnd::Failed(Box::new(error))));
    }

    /// Ends the actor without a fault after the current handler.
    pub fn finish(&mut self) {
        self.inner.notify(Order::End(ActorEnd::Finished));
    }

    /// Runs `future` beside the mailbox and passes its output to `then`. Dropped with the actor.
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

    /// Calls `then` after `delay`. Dropped with the actor.
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

    /// Calls `tick` again and again, an interval after the end of the last call: ticks that were
    /// missed while the thread was busy are skipped.
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

    /// Passes every item of `stream` to `each`. Dropped with the actor.
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

type Factory<A> = Box<dyn FnOnce() -> Result<A, <A as Resident>::Error> + Send>;

/// The actix actor that hosts a resident.
///
/// The resident is dropped before its end is reported, so whoever reads the report may take over
/// its files and sockets.
pub struct Hosted<A: Resident> {
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
        let (last_word, factory) = (LastWord::of(birth), Some(factory));
        Self { factory, inner: None, vitals, _lifeline: lifeline, last_word }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        self.last_word.name()
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.vitals.is_abandoned()
    }

    /// Runs `work` on the resident, if there is one: a life whose start failed has none.
    pub(super) fn with<T>(
        &mut self,
        ctx: &mut actix::Context<Self>,
        work: impl FnOnce(&mut A, &mut Context<'_, A>) -> T,
    ) -> Option<T> {
        self.inner.as_mut().map(|resident| work(resident, &mut Context { inner: ctx }))
    }

    pub(super) fn mark_progress(&self) {
        if self.inner.as_ref().is_some_and(Resident::is_healthy) {
            self.vitals.progress();
        }
    }

    pub(super) fn end(&mut self, exit: ActorEnd, ctx: &mut actix::Context<Self>) {
        self.last_word.set(exit);
        ctx.terminate();
    }

    fn open(&mut self, ctx: &mut actix::Context<Self>) -> Result<(), A::Error> {
        let Some(factory) = self.factory.take() else { return Ok(()) };
        self.inner.insert(factory()?).started(&mut Context { inner: ctx })
    }
}

impl<A: Resident> Actor for Hosted<A> {
    type Context = actix::Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        match self.open(ctx) {
            Ok(()) => self.vitals.progress(),
            Err(error) => self.end(ActorEnd::Failed(Box::new(error)), ctx),
        }
    }
}

/// The orders of a supervisor to a child, and of a resident to its own actor.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) enum Order {
    /// A heartbeat, which marks the vitals; a blocked thread cannot do that.
    Ping,
    /// Finish what was accepted, and stop.
    Stop,
    /// Have a fault of this kind.
    Fail(FaultKind),
    /// End at once, and report this exit.
    End(ActorEnd),
}

impl<A: Resident> Handler<Order> for Hosted<A> {
    type Result = ();

    fn handle(&mut self, order: Order, ctx: &mut Self::Context) {
        match order {
            Order::Ping => {
                if self.is_abandoned() {
                    ctx.terminate();
                }
                self.mark_progress();
            }
            Order::Stop => {
                let drained = self.with(ctx, Resident::drain);
                if drained.is_none_or(|drained| drained == Drained::Now) {
                    self.end(ActorEnd::Finished, ctx);
                }
            }
            Order::Fail(FaultKind::Panic) => panic!("injected fault: panic in {}", self.name()),
            Order::Fail(FaultKind::Error) => {
                self.end(ActorEnd::Failed("injected fault: error".into()), ctx);
            }
            Order::Fail(FaultKind::Stall) => {
                while !self.is_abandoned() {
                    std::thread::sleep(Duration::from_millis(20));
                }
                ctx.terminate();
            }
            Order::End(exit) => self.end(exit, ctx),
        }
    }
}
