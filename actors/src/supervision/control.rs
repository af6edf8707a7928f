//! The messages of a supervisor to a child: heartbeats, the order to stop, and faults on demand.

use std::time::Duration;

use actix::{ActorContext, Handler, Message};

use super::fault::FaultKind;
use super::hosted::{Drained, Hosted, Resident};
use super::policy::ActorEnd;

/// A heartbeat. Its handler marks the vitals, which a blocked thread cannot do.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Ping;

impl<A: Resident> Handler<Ping> for Hosted<A> {
    type Result = ();

    fn handle(&mut self, _: Ping, ctx: &mut Self::Context) {
        if self.is_abandoned() {
            ctx.terminate();
        }
        self.mark_progress();
    }
}

/// Asks the actor to finish what it has accepted, and to stop.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Stop;

impl<A: Resident> Handler<Stop> for Hosted<A> {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Self::Context) {
        let drained = self.with(ctx, Resident::drain);
        if drained.is_none_or(|drained| drained == Drained::Now) {
            self.end(ActorEnd::Finished, ctx);
        }
    }
}

/// Causes a fault of this kind.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Fail(pub(super) FaultKind);

impl<A: Resident> Handler<Fail> for Hosted<A> {
    type Result = ();

    fn handle(&mut self, Fail(fault): Fail, ctx: &mut Self::Context) {
        match fault {
            FaultKind::Panic => panic!("injected fault: panic in {}", self.name()),
            FaultKind::Error => self.end(ActorEnd::Failed("injected fault: error".into()), ctx),
            FaultKind::Stall => {
                while !self.is_abandoned() {
                    std::thread::sleep(Duration::from_millis(20));
                }
                ctx.terminate();
            }
        }
    }
}
