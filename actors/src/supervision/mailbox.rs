//! The number of messages that wait for an actor: senders are refused before a mailbox grows too
//! large.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use metrics::gauge;
use sn1::telemetry;

/// Counts the messages that wait for one life of an actor.
pub(super) struct Mailbox {
    name: Arc<str>,
    depth: AtomicUsize,
}

impl Mailbox {
    /// An empty mailbox, shown in the metrics under this actor's name.
    pub(super) fn new(name: Arc<str>) -> Self {
        Self { name, depth: AtomicUsize::new(0) }
    }

    /// The number of messages that wait.
    pub(super) fn depth(&self) -> usize {
        self.depth.load(Ordering::Relaxed)
    }

    /// A permit for one message; `None` when `capacity` messages are waiting.
    pub(super) fn take_place(self: &Arc<Self>, capacity: usize) -> Option<Ticket> {
        let place = self.depth.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |depth| {
            (depth < capacity).then_some(depth + 1)
        });
        let before = place.ok()?;
        self.publish(before + 1);
        Some(Ticket(Arc::clone(self)))
    }

    fn publish(&self, depth: usize) {
        gauge!(telemetry::ACTOR_MAILBOX_DEPTH.name, "actor" => self.name.to_string())
            .set(depth as f64);
    }
}

/// The permit of one message in a mailbox, returned when the message is taken out or lost.
pub(super) struct Ticket(Arc<Mailbox>);

impl Drop for Ticket {
    fn drop(&mut self) {
        let before = self.0.depth.fetch_sub(1, Ordering::Relaxed);
        self.0.publish(before.saturating_sub(1));
    }
}
