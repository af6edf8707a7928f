//! The chain side of the tree: who makes blocks on a local net, who follows the chain, who keeps
//! the metagraph fresh and who commits weights.
//!
//! Everyone speaks to the [`Chain`](sn1::chain::Chain) trait, whose one client is [`subtensor`]. What many read is published on watch channels as an `Arc`
//! of something immutable: nobody waits for the chain to know its last known state.

mod chain_link;
mod failpoints;
mod metagraph_sync;
pub mod subtensor;
mod weight_committer;

use std::sync::Arc;
use std::time::Instant;

use sn1::chain::{Head, Metagraph};
use tokio::sync::watch;

pub use chain_link::ChainLink;
pub use failpoints::{Failpoint, FailpointError, Failpoints};
pub use metagraph_sync::{MetagraphSync, SnapshotAge, SyncHints, SyncSettings};
pub use weight_committer::{CommitterLinks, CommitterSettings, StandingFeed, WeightCommitter};

/// The newest block and when it was seen.
#[derive(Debug, Clone, Copy)]
pub struct SeenHead {
    /// The block.
    pub head: Head,
    /// When this node first saw it.
    pub at: Instant,
}

/// Follows the newest block; `None` before the first.
pub type HeadFeed = watch::Receiver<Option<SeenHead>>;

/// Follows the metagraph; `None` before the first sync.
pub type MetagraphFeed = watch::Receiver<Option<Arc<Metagraph>>>;
