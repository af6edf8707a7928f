//! Supervision on top of actix: who starts an actor, who notices its death, who brings it back.
//!
//! actix keeps a panic inside one actor but never revives it, and its own supervisor restarts the
//! same value without delay. So the parts here are ours:
//!
//! - [`Resident`] is an actor as the tree sees it; [`Hosted`] is the actix actor around it that
//!   counts its messages, answers heartbeats and reports its end.
//! - [`policy`] decides what follows an exit; it is arithmetic on a clock it is given.
//! - [`Supervisor`] owns the children's factories and applies those decisions.
//! - [`Recipient`] is how everyone else reaches an actor, by the message that it answers. It
//!   survives restarts, and a send while the actor is down is a typed error at once, never a hang.
//!
//! Every resident lives on a thread of its own, so one that blocks takes nobody with it. A blocked
//! thread cannot be killed; it is abandoned, told so through a flag, and replaced.

mod control;
mod fault;
mod handling;
mod hosted;
mod life;
mod mailbox;
pub mod policy;
mod recipient;
mod root;
mod running;
mod slot;
mod spec;
mod supervisor;

pub use fault::{FaultCounts, FaultKind, InjectFault, RestartLedger, TreeEvent};
pub use handling::{Handles, Reply};
pub use hosted::{Context, Drained, Hosted, Resident};
pub use recipient::{AskError, Deliver, PendingReply, Recipient, TellError};
pub use root::{Root, RootExit};
pub use slot::Slot;
pub use spec::ChildSpec;
pub use supervisor::{Supervisor, TooManyFaults};

#[cfg(test)]
mod tests;
