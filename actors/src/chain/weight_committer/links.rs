//! What a weight committer is told at its start, and whom it reads and tells later.

use std::path::PathBuf;
use std::sync::Arc;

use sn1::chain::Netuid;
use sn1::chain::weight_cycle::CommitterStatus;
use sn1::wallet::Keypair;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use crate::chain::failpoints::Failpoints;
use crate::feeds::{HeadFeed, LinkFeed, MetagraphFeed, ScoreFeed, SnapshotAge, SyncHints, Waits};
use crate::notice::Notice;

/// What a committer must know.
#[derive(Debug, Clone)]
pub struct CommitterSettings {
    /// The subnet.
    pub netuid: Netuid,
    /// Signs the weights.
    pub hotkey: Keypair,
    /// Blocks that must have gone by since our last weights; one more is enough.
    pub epoch_length: u64,
    /// Sent with the weights.
    pub version_key: u64,
    /// Never set weights.
    pub is_disabled: bool,
    /// The journal's file.
    pub state_file: PathBuf,
    /// Where to die on purpose.
    pub failpoints: Failpoints,
}

/// What a committer reads and whom it tells.
#[derive(Clone)]
pub struct CommitterLinks {
    /// The scores.
    pub scores: ScoreFeed,
    /// New blocks.
    pub heads: HeadFeed,
    /// The subnet: a change of our place is looked into at once.
    pub metagraph: MetagraphFeed,
    /// Nothing is planned on a subnet that we know too little of.
    pub age: SnapshotAge,
    /// Told when weights have changed on chain.
    pub hints: SyncHints,
    /// The link to the chain: what its outage explains is not said again.
    pub link: LinkFeed,
    /// Told what of ours waits for the chain.
    pub waits: Waits,
    /// Publishes the committer's status.
    pub status: Arc<watch::Sender<CommitterStatus>>,
    /// Tells people.
    pub notices: UnboundedSender<Notice>,
}
