//! The chain side of the tree: the client, and the actors that follow the newest block, keep the
//! metagraph fresh and commit weights.
//!
//! They speak to the [`Chain`](sn1::chain::Chain) trait, whose one client is [`subtensor`]. What
//! many read goes out on [`feeds`](crate::feeds): nobody waits for the chain to know its last
//! known state.

mod chain_link;
mod clock_watch;
mod failpoints;
mod metagraph_sync;
pub mod subtensor;
mod weight_committer;

pub use chain_link::ChainLink;
pub use failpoints::{Failpoint, FailpointError, Failpoints};
pub use metagraph_sync::{MetagraphSync, SyncSettings};
pub use weight_committer::{CommitterLinks, CommitterSettings, WeightCommitter};
