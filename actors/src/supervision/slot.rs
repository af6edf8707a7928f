//! The slot of one actor in the tree: which life of it is running, and how messages reach it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use actix::prelude::SendError;
use actix::{Addr, MailboxError, Message};
use parking_lot::{Mutex, RwLock};

use super::handling::{Handles, Tracked};
use super::hosted::{Hosted, Resident};
use super::life::Lifeline;
use super::mailbox::{Mailbox, Ticket};
use super::recipient::{AskError, Deliver, PendingReply, Recipient};
use crate::away::timeout;

struct Live<A: Resident> {
    address: Addr<Hosted<A>>,
    mailbox: Arc<Mailbox>,
}

impl<A: Resident> Clone for Live<A> {
    fn clone(&self) -> Self {
        Self { address: self.address.clone(), mailbox: Arc::clone(&self.mailbox) }
    }
}

struct State<A: Resident> {
    name: Arc<str>,
    current: RwLock<Option<Live<A>>>,
    /// The life that was started last; expires when that life ends.
    last_life: Mutex<Weak<()>>,
}

/// The slot of one actor. Clones refer to the same slot.
pub struct Slot<A: Resident>(Arc<State<A>>);

impl<A: Resident> Clone for Slot<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A: Resident> Slot<A> {
    /// An empty slot.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        let (current, last_life) = Default::default();
        Self(Arc::new(State { name: name.into(), current, last_life }))
    }

    /// The actor's name in the tree.
    pub fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    /// A recipient for senders of `M`.
    pub fn recipient<M>(&self) -> Recipient<M>
    where
        A: Handles<M>,
        M: Message + Send + 'static,
        M::Result: Send + 'static,
    {
        Recipient::new(self.clone())
    }

    /// Begins a life. Also returns the previous one, which may still be ending.
    pub(super) fn begin_life(&self) -> (Lifeline, Weak<()>) {
        let lifeline = Lifeline::default();
        let before = std::mem::replace(&mut *self.0.last_life.lock(), Arc::downgrade(&lifeline));
        (lifeline, before)
    }

    pub(super) fn occupy(&self, address: Addr<Hosted<A>>) {
        let mailbox = Arc::new(Mailbox::new(Arc::clone(self.name())));
        *self.0.current.write() = Some(Live { address, mailbox });
    }

    /// Empties the slot, unless a later life holds it already.
    pub(super) fn vacate(&self, address: &Addr<Hosted<A>>) {
        let mut current = self.0.current.write();
        if current.as_ref().is_some_and(|live| live.address == *address) {
            *current = None;
        }
    }

    fn live(&self) -> Option<Live<A>> {
        self.0.current.read().clone()
    }

    /// The running life, with a permit for one message to it.
    fn admit(&self) -> Result<(Live<A>, Ticket), AskError> {
        let live = self.live().ok_or_else(|| AskError::Down(Arc::clone(self.name())))?;
        let ticket = live.mailbox.take_place(A::MAILBOX);
        let ticket = ticket.ok_or_else(|| AskError::Full(Arc::clone(self.name())))?;
        Ok((live, ticket))
    }
}

impl<A, M> Deliver<M> for Slot<A>
where
    A: Handles<M>,
    M: Message + Send + 'static,
    M::Result: Send + 'static,
{
    fn name(&self) -> &Arc<str> {
        Self::name(self)
    }

    fn is_up(&self) -> bool {
        self.0.current.read().is_some()
    }

    fn has_room(&self) -> bool {
        self.live()
            .is_some_and(|live| live.address.connected() && live.mailbox.depth() < A::MAILBOX)
    }

    fn ask(&self, message: M, deadline: Duration) -> PendingReply<M::Result> {
        let (admitted, name) = (self.admit(), Arc::clone(self.name()));
        Box::pin(async move {
            let (live, ticket) = admitted?;
            match timeout(deadline, live.address.send(Tracked { message, ticket })).await {
                Ok(Ok(reply)) => Ok(reply),
                Ok(Err(MailboxError::Closed)) => Err(AskError::Lost(name)),
                Ok(Err(MailboxError::Timeout)) | Err(_) => Err(AskError::Deadline(name, deadline)),
            }
        })
    }

    fn tell(&self, message: M) -> Result<(), AskError> {
        let (live, ticket) = self.admit()?;
        live.address.try_send(Tracked { message, ticket }).map_err(|error| match error {
            SendError::Full(_) => AskError::Full(Arc::clone(self.name())),
            SendError::Closed(_) => AskError::Down(Arc::clone(self.name())),
        })
    }
}
