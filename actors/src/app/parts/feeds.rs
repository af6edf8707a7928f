//! What is known of the chain, on watch channels. They are made before the tree and outlive every
//! actor in it: while one is down, its last word stands, with its age.

use std::sync::Arc;
use std::time::Duration;

use sn1::chain::weight_cycle::Standing;
use sn1::chain::{Freshness, Metagraph};
use tokio::sync::watch;

use crate::chain::{HeadFeed, MetagraphFeed, SeenHead, SnapshotAge, StandingFeed, SyncHints};

/// A chain without a block for this many block times is not ready.
const STALE_BLOCKS: u32 = 10;
/// On a metagraph older than this many block times nothing new is begun.
const TOO_OLD_BLOCKS: u32 = 100;
/// However fast blocks come, a busy machine is given some seconds.
const LEAST_BLOCK_TIME: Duration = Duration::from_millis(500);

/// The feeds of one node. Clones are the same feeds.
#[derive(Debug, Clone)]
pub struct Feeds {
    /// The newest block.
    pub heads: Arc<watch::Sender<Option<SeenHead>>>,
    /// The newest final block.
    pub finals: Arc<watch::Sender<Option<SeenHead>>>,
    /// The subnet.
    pub metagraph: Arc<watch::Sender<Option<Arc<Metagraph>>>>,
    /// How old the metagraph is.
    pub age: SnapshotAge,
    /// Asks for a fresh metagraph.
    pub hints: SyncHints,
    /// Where the weight committer stands.
    pub standing: Arc<watch::Sender<Standing>>,
    block_time: Duration,
}

impl Feeds {
    /// Feeds of a chain that makes a block in this time. Nothing is known yet.
    pub fn new(block_time: Duration) -> Self {
        let (stale_after, too_old_after) = (STALE_BLOCKS, TOO_OLD_BLOCKS);
        Self::with_freshness(Freshness { block_time, stale_after, too_old_after })
    }

    /// The same, with other ages at which a metagraph is stale and too old.
    pub fn with_freshness(freshness: Freshness) -> Self {
        let block_time = freshness.block_time;
        let freshness = Freshness { block_time: block_time.max(LEAST_BLOCK_TIME), ..freshness };
        Self {
            heads: Arc::default(),
            finals: Arc::default(),
            metagraph: Arc::default(),
            age: SnapshotAge::new(freshness),
            hints: SyncHints::default(),
            standing: Arc::default(),
            block_time,
        }
    }

    /// Follows the newest block.
    pub fn heads(&self) -> HeadFeed {
        self.heads.subscribe()
    }

    /// Follows the newest final block.
    pub fn finals(&self) -> HeadFeed {
        self.finals.subscribe()
    }

    /// Follows the subnet.
    pub fn metagraph(&self) -> MetagraphFeed {
        self.metagraph.subscribe()
    }

    /// Follows the weight committer.
    pub fn standing(&self) -> StandingFeed {
        self.standing.subscribe()
    }

    /// A chain without a block for so long is not ready.
    pub fn silent_after(&self) -> Duration {
        self.block_time * STALE_BLOCKS + Duration::from_secs(2)
    }
}
