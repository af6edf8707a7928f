//! Supervision on top of actix: who starts an actor, who notices its death, who brings it back.
//!
//! actix keeps a panic inside one actor but never revives it, and its own supervisor restarts the
//! same value without delay. So the parts here are ours:
//!
//! - [`Resident`] is an actor as the tree sees it; [`Hosted`] is the actix actor around it that
//!   counts its messages, answers heartbeats and reports its end.
//! - [`policy`] decides what follows an exit; it is arithmetic on a clock it is given.
//! - [`Supervisor`] owns the children's factories and applies those decisions.
//! - [`Link`] is how everyone else reaches an actor. It survives restarts, and a send while the
//!   actor is down is a typed error at once, never a hang.
//!
//! Every resident lives on a thread of its own, so one that blocks takes nobody with it. A blocked
//! thread cannot be killed; it is abandoned, told so through a flag, and replaced.

mod hosted;
mod link;
pub mod policy;
mod supervisor;

pub use hosted::{Context, Drained, Handles, Hosted, Reply, Resident};
pub use link::{AskError, Link, Slot, TellError};
pub use supervisor::{
    ChildSpec, Fault, FaultCounts, InjectFault, RestartLedger, Root, RootExit, Supervisor,
    TreeEvent,
};

#[cfg(test)]
mod tests;
