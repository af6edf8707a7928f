//! How one actor reaches another: a handle that survives restarts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use actix::{Addr, MailboxError, Message};
use metrics::gauge;
use parking_lot::Mutex;
use sn1::telemetry;
use tokio::sync::watch;

use super::hosted::{Handles, Hosted, Lifeline, Resident, Tracked};

/// Why a question got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The actor is being restarted; the message was never delivered.
    #[error("{0} is being restarted")]
    Down(Arc<str>),
    /// The mailbox is full; the message was never delivered.
    #[error("{0} has a full mailbox")]
    Full(Arc<str>),
    /// The actor died with the message, handled or not.
    #[error("{0} died before it answered")]
    Lost(Arc<str>),
    /// No answer in time; the actor may still act on the message.
    #[error("{0} did not answer within {1:?}")]
    Deadline(Arc<str>, Duration),
}

/// Why a message was not delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TellError {
    /// The actor is being restarted.
    #[error("{0} is being restarted")]
    Down(Arc<str>),
    /// The mailbox is full.
    #[error("{0} has a full mailbox")]
    Full(Arc<str>),
}

/// A place taken in a mailbox, given back when the message is taken out or lost.
pub(super) struct Ticket(Arc<Mailbox>);

impl Drop for Ticket {
    fn drop(&mut self) {
        let before = self.0.depth.fetch_sub(1, Ordering::Relaxed);
        self.0.publish(before.saturating_sub(1));
    }
}

struct Mailbox {
    name: Arc<str>,
    depth: AtomicUsize,
}

impl Mailbox {
    fn take_place(self: &Arc<Self>, capacity: usize) -> Option<Ticket> {
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

struct Live<A: Resident> {
    address: Addr<Hosted<A>>,
    mailbox: Arc<Mailbox>,
}

impl<A: Resident> Clone for Live<A> {
    fn clone(&self) -> Self {
        Self { address: self.address.clone(), mailbox: Arc::clone(&self.mailbox) }
    }
}

/// The supervisor's end of a [`Link`]: says which incarnation is the current one.
pub struct Slot<A: Resident> {
    name: Arc<str>,
    current: Arc<watch::Sender<Option<Live<A>>>>,
    /// The life that was started last, as long as it lasts.
    last_life: Arc<Mutex<Weak<()>>>,
}

impl<A: Resident> Clone for Slot<A> {
    fn clone(&self) -> Self {
        Self {
            name: Arc::clone(&self.name),
            current: Arc::clone(&self.current),
            last_life: Arc::clone(&self.last_life),
        }
    }
}

impl<A: Resident> Slot<A> {
    /// A slot with nobody in it yet.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        let (current, last_life) = (Arc::new(watch::Sender::new(None)), Arc::default());
        Self { name: name.into(), current, last_life }
    }

    /// The actor's name in the tree.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// A handle for callers.
    pub fn link(&self) -> Link<A> {
        Link { name: Arc::clone(&self.name), current: self.current.subscribe() }
    }

    /// Begins a life and gives the one before it, which may still be ending.
    pub(super) fn begin_life(&self) -> (Lifeline, Weak<()>) {
        let lifeline = Lifeline::default();
        let before = std::mem::replace(&mut *self.last_life.lock(), Arc::downgrade(&lifeline));
        (lifeline, before)
    }

    pub(super) fn occupy(&self, address: Addr<Hosted<A>>) {
        let mailbox = Mailbox { name: Arc::clone(&self.name), depth: AtomicUsize::new(0) };
        self.current.send_replace(Some(Live { address, mailbox: Arc::new(mailbox) }));
    }

    /// Empties the slot, unless a later incarnation holds it already.
    pub(super) fn vacate(&self, address: &Addr<Hosted<A>>) {
        self.current.send_if_modified(|live| {
            let is_current = live.as_ref().is_some_and(|live| live.address == *address);
            if is_current {
                *live = None;
            }
            is_current
        });
    }
}

/// A caller's handle on an actor, whichever incarnation of it is alive.
pub struct Link<A: Resident> {
    name: Arc<str>,
    current: watch::Receiver<Option<Live<A>>>,
}

impl<A: Resident> Clone for Link<A> {
    fn clone(&self) -> Self {
        Self { name: Arc::clone(&self.name), current: self.current.clone() }
    }
}

impl<A: Resident> Link<A> {
    /// The actor's name in the tree.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether an incarnation is there to be asked.
    pub fn is_up(&self) -> bool {
        self.current.borrow().is_some()
    }

    /// Waits until an incarnation is there to be asked, for at most `within`. Whether one is.
    pub async fn until_up(&self, within: Duration) -> bool {
        let mut current = self.current.clone();
        let up = tokio::time::timeout(within, current.wait_for(Option::is_some)).await;
        up.is_ok_and(|up| up.is_ok())
    }

    /// Whether a message would be delivered now.
    pub fn has_room(&self) -> bool {
        let live = self.current.borrow();
        live.as_ref().is_some_and(|live| {
            live.address.connected() && live.mailbox.depth.load(Ordering::Relaxed) < A::MAILBOX
        })
    }

    /// Sends `message` and waits for the reply, for at most `deadline`.
    ///
    /// # Errors
    /// See [`AskError`]: only `Lost` and `Deadline` leave open whether the message was acted on.
    pub async fn ask<M>(&self, message: M, deadline: Duration) -> Result<M::Result, AskError>
    where
        A: Handles<M>,
        M: Message + Send + 'static,
        M::Result: Send + 'static,
    {
        let live = self.current.borrow().clone();
        let live = live.ok_or_else(|| AskError::Down(Arc::clone(&self.name)))?;
        let ticket = live
            .mailbox
            .take_place(A::MAILBOX)
            .ok_or_else(|| AskError::Full(Arc::clone(&self.name)))?;
        let request = live.address.send(Tracked { message, ticket });
        match tokio::time::timeout(deadline, request).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(MailboxError::Closed)) => Err(AskError::Lost(Arc::clone(&self.name))),
            Ok(Err(MailboxError::Timeout)) | Err(_) => {
                Err(AskError::Deadline(Arc::clone(&self.name), deadline))
            }
        }
    }

    /// Like [`Link::ask`], but waits out restarts: tries again after `Down` and `Full` until
    /// `deadline`, and once after `Lost`, so that a message that kills its reader kills it no more
    /// than twice. For messages that may be acted on twice.
    pub async fn ask_again<M>(&self, message: M, deadline: Duration) -> Result<M::Result, AskError>
    where
        A: Handles<M>,
        M: Message + Clone + Send + 'static,
        M::Result: Send + 'static,
    {
        let give_up = tokio::time::Instant::now() + deadline;
        let mut was_lost = false;
        loop {
            let left = give_up.saturating_duration_since(tokio::time::Instant::now());
            match self.ask(message.clone(), left).await {
                Err(lost @ AskError::Lost(_)) if was_lost => return Err(lost),
                Err(error @ (AskError::Down(_) | AskError::Full(_) | AskError::Lost(_)))
                    if !left.is_zero() =>
                {
                    was_lost |= matches!(error, AskError::Lost(_));
                    tokio::time::sleep(left.min(Duration::from_millis(50))).await;
                }
                settled => return settled,
            }
        }
    }

    /// Sends `message` without waiting for anything.
    ///
    /// # Errors
    /// When it was not delivered; the sender decides whether to drop, keep or refuse.
    pub fn tell<M>(&self, message: M) -> Result<(), TellError>
    where
        A: Handles<M>,
        M: Message + Send + 'static,
        M::Result: Send + 'static,
    {
        let down = || TellError::Down(Arc::clone(&self.name));
        let live = self.current.borrow().clone().ok_or_else(down)?;
        let ticket = live
            .mailbox
            .take_place(A::MAILBOX)
            .ok_or_else(|| TellError::Full(Arc::clone(&self.name)))?;
        live.address.try_send(Tracked { message, ticket }).map_err(|error| match error {
            actix::prelude::SendError::Full(_) => TellError::Full(Arc::clone(&self.name)),
            actix::prelude::SendError::Closed(_) => down(),
        })
    }
}
