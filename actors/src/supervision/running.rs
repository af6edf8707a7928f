//! Starts one life of a child on a thread of its own, and holds on to it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use actix::{Actor, Arbiter};
use metrics::gauge;
use sn1::telemetry;

use super::fault::FaultKind;
use super::hosted::{Hosted, Order, Resident};
use super::life::{Birth, Vitals};
use super::policy::ActorEnd;
use super::slot::Slot;
use crate::away::Moment;

/// How long a new life waits for the end of the previous one, whose files it takes over. When that
/// one is blocked for longer, the store keeps it from writing.
const PREDECESSOR_WITHIN: Duration = Duration::from_secs(3);

/// A started child, as its supervisor holds it. Dropping it abandons the child.
pub(super) struct Running {
    orders: actix::Recipient<Order>,
    arbiter: Arbiter,
    vitals: Arc<Vitals>,
    vacate: Box<dyn Fn()>,
}

impl Running {
    pub(super) fn ping(&self) {
        // A full mailbox needs no heartbeat: each message that is handled is a sign of life.
        let _ = self.orders.try_send(Order::Ping);
    }

    /// How many signs of life there were.
    pub(super) fn n_signs(&self) -> u64 {
        self.vitals.n_signs()
    }

    pub(super) fn stop(&self) {
        if self.orders.try_send(Order::Stop).is_err() {
            let _ = self.orders.try_send(Order::End(ActorEnd::Finished));
        }
    }

    /// Whether the fault was delivered.
    pub(super) fn inject(&self, fault: FaultKind) -> bool {
        self.orders.try_send(Order::Fail(fault)).is_ok()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        (self.vacate)();
        self.vitals.abandon();
        let _ = self.orders.try_send(Order::End(ActorEnd::Finished));
        self.arbiter.stop();
    }
}

pub(super) fn start_resident<A: Resident, F>(
    birth: Birth,
    slot: &Slot<A>,
    factory: &Arc<F>,
) -> Running
where
    F: Fn() -> Result<A, A::Error> + Send + Sync + 'static,
{
    let arbiter = Arbiter::new();
    let vitals = Arc::<Vitals>::default();
    let (factory, child_vitals) = (Arc::clone(factory), Arc::clone(&vitals));
    let (lifeline, before) = slot.begin_life();
    let address = Hosted::start_in_arbiter(&arbiter.handle(), move |ctx| {
        // Room for heartbeats and stops beyond the senders' permits.
        ctx.set_mailbox_capacity(A::MAILBOX + 16);
        let open = move || {
            await_end_of(&before);
            factory()
        };
        Hosted::new(birth, child_vitals, lifeline, Box::new(open))
    });
    slot.occupy(address.clone());
    let up = gauge!(telemetry::ACTOR_UP.name, "actor" => slot.name().to_string());
    up.set(1.0);
    let (orders, slot) = (address.clone().recipient(), slot.clone());
    let vacate = Box::new(move || {
        slot.vacate(&address);
        up.set(0.0);
    });
    Running { orders, arbiter, vitals, vacate }
}

/// Waits for the end of the previous life, on the new life's own thread.
fn await_end_of(before: &Weak<()>) {
    let started = Moment::now();
    while before.strong_count() > 0 && started.elapsed() < PREDECESSOR_WITHIN {
        std::thread::sleep(Duration::from_millis(5));
    }
}
