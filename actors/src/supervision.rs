//! Supervision on top of actix: starts actors, notices when one ends, and restarts it.
//!
//! actix confines a panic to one actor but never revives it, and its own supervisor restarts the
//! same value without delay. Hence these parts:
//!
//! - [`Resident`] is an actor as the tree sees it; [`Hosted`] is the actix actor around it, which
//!   counts its messages, answers heartbeats and reports its end.
//! - [`policy`] decides what follows an exit; it is pure, and takes the time as an argument.
//! - [`Supervisor`] owns the children's factories and applies those decisions.
//! - [`Recipient`] is how everyone else reaches an actor, by the message that it answers. It
//!   survives restarts; a send while the actor is down is a typed error at once, never a hang.
//!
//! Every resident has a thread of its own, so one that blocks stops no other. A blocked thread
//! cannot be killed: it is abandoned, marked as such by a flag, and replaced.

mod fault;
mod handling;
mod hosted;
mod life;
mod limits;
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
pub use recipient::{AskError, Deliver, PendingReply, Recipient};
pub use root::{Root, RootExit};
pub use slot::Slot;
pub use spec::ChildSpec;
pub use supervisor::{Supervisor, TooManyFaults};

#[cfg(test)]
mod tests;
