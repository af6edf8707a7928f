//! How a resident answers messages.

use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use actix::dev::{MessageResponse, OneshotSender};
use actix::fut::wrap_future;
use actix::{ActorContext, AsyncContext, Handler, Message};
use metrics::{counter, histogram};
use sn1::telemetry;

use super::hosted::{Context, Hosted, Resident};
use super::mailbox::Ticket;

/// A boxed future that need not be `Send`.
type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;
/// A resident that handles `M`.
pub trait Handles<M: Message>: Resident
where
    M::Result: Send + 'static,
{
    /// Answers at once, or with a future that lives as long as the actor.
    fn handle(&mut self, message: M, ctx: &mut Context<'_, Self>) -> Reply<M::Result>;
}

/// A handler's answer.
pub enum Reply<T> {
    /// The answer is ready.
    Now(T),
    /// The answer is ready when the future is. The future is dropped with the actor; then the asker
    /// learns that the actor was lost.
    Later(LocalFuture<T>),
}

impl<T: 'static> Reply<T> {
    /// An answer that a future computes.
    pub fn later(future: impl Future<Output = T> + 'static) -> Self {
        Self::Later(Box::pin(future))
    }
}

/// A message to a resident, with its permit in the mailbox.
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
        if self.is_abandoned() {
            ctx.terminate();
            return Reply::later(std::future::pending());
        }
        let started = Instant::now();
        let reply = self.with(ctx, |resident, ctx| resident.handle(message, ctx));
        let Some(reply) = reply else { return Reply::later(std::future::pending()) };
        counter!(telemetry::ACTOR_MESSAGES.name, "actor" => self.name().to_string()).increment(1);
        histogram!(telemetry::ACTOR_HANDLING_SECONDS.name, "actor" => self.name().to_string())
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
            // An asker that has gone needs no answer.
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
