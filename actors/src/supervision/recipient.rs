//! How one actor reaches another: a handle on the actor that answers one kind of message, whichever
//! life of it is running.
//!
//! A sender knows the message and the actor's name for errors, but not its type, so a test can put
//! any function in its place.

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix::Message;

use crate::away::Moment;

/// The interval of checks whether an actor is up, and of the tries of [`Recipient::ask_again`].
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Why a message was not delivered, or got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The actor is being restarted; the message was not delivered.
    #[error("{0} is being restarted")]
    Down(Arc<str>),
    /// The mailbox is full; the message was not delivered.
    #[error("{0} has a full mailbox")]
    Full(Arc<str>),
    /// The actor ended while it had the message, whether or not it had handled it.
    #[error("{0} died before it answered")]
    Lost(Arc<str>),
    /// No answer came within the deadline; the actor may still act on the message.
    #[error("{0} did not answer within {1:?}")]
    Deadline(Arc<str>, Duration),
}

/// The future of an answer.
pub type PendingReply<T> = Pin<Box<dyn Future<Output = Result<T, AskError>> + Send>>;

/// Delivers messages of one kind to the actor that answers them. Implemented by the slots of the
/// tree, and in tests by stand-ins.
pub trait Deliver<M: Message>: Send + Sync {
    /// The actor's name in the tree.
    fn name(&self) -> &Arc<str>;

    /// Whether the actor is running.
    fn is_up(&self) -> bool;

    /// Whether a message would be accepted now.
    fn has_room(&self) -> bool;

    /// Sends `message` and waits for the reply, for at most `deadline`. Of its errors only `Lost` and
    /// `Deadline` leave open whether the actor acted on the message.
    fn ask(&self, message: M, deadline: Duration) -> PendingReply<M::Result>;

    /// Sends `message` without waiting for an answer.
    ///
    /// # Errors
    /// `Down` or `Full`; the sender decides whether to drop the message, keep it or refuse.
    fn tell(&self, message: M) -> Result<(), AskError>;
}

/// A sender's handle on the actor that answers `M`. It survives restarts; a send while the actor is
/// down is a typed error at once, never a hang.
pub struct Recipient<M: Message>(Arc<dyn Deliver<M>>);

impl<M: Message> Clone for Recipient<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M: Message + 'static> Deref for Recipient<M> {
    type Target = dyn Deliver<M>;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl<M: Message + 'static> Recipient<M> {
    /// A recipient that sends through `deliver`.
    pub fn new(deliver: impl Deliver<M> + 'static) -> Self {
        Self(Arc::new(deliver))
    }

    /// Waits until the actor is running, for at most `within`. Returns whether it is.
    pub async fn until_up(&self, within: Duration) -> bool {
        let began = Moment::now();
        while !self.is_up() && began.elapsed() < within {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        self.is_up()
    }

    /// Like [`Deliver::ask`], but waits for restarts: tries again after `Down` and `Full` until
    /// `deadline`, and once after `Lost`, so that a message that kills its handler does so at most
    /// twice. Only for messages that the actor may act on twice.
    ///
    /// # Errors
    /// As for [`Deliver::ask`].
    pub async fn ask_again(&self, message: M, deadline: Duration) -> Result<M::Result, AskError>
    where
        M: Clone,
    {
        let began = Moment::now();
        let mut was_lost = false;
        loop {
            let left = began.left(deadline);
            match self.ask(message.clone(), left).await {
                Err(lost @ AskError::Lost(_)) if was_lost => return Err(lost),
                Err(error @ (AskError::Down(_) | AskError::Full(_) | AskError::Lost(_)))
                    if !left.is_zero() =>
                {
                    was_lost |= matches!(error, AskError::Lost(_));
                    tokio::time::sleep(left.min(LOOK_EVERY)).await;
                }
                settled => return settled,
            }
        }
    }
}
