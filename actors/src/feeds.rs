//! What is known of the chain and of the scores, on watch channels of immutable snapshots.
//!
//! The channels are made before the tree and outlive every actor in it: while a publisher is down,
//! its last value stays available, with its age. This module names no actor, so a reader of a feed
//! does not depend on its publisher.

mod not_ready;
mod own_clock;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sn1::chain::weight_cycle::CommitterStatus;
use sn1::chain::{Freshness, Head, Metagraph, Stage};
use sn1::wallet::AccountId;
use tokio::sync::watch;

pub use not_ready::NotReady;
pub use own_clock::OwnClock;

/// A chain without a new block for this many block times is not ready.
const STALE_BLOCKS: u32 = 10;
/// With a metagraph older than this many block times, nothing new is begun.
const TOO_OLD_BLOCKS: u32 = 100;
/// The shortest block time that ages are counted in, so that a fast chain leaves a busy machine
/// seconds.
const LEAST_BLOCK_TIME: Duration = Duration::from_millis(500);

/// A block, and when this node first saw it.
#[derive(Debug, Clone, Copy)]
pub struct SeenHead {
    /// The number and the hash of the block.
    pub head: Head,
    /// When this node first saw the block.
    pub at: Instant,
}

/// Follows the newest block; `None` before the first.
pub type HeadFeed = watch::Receiver<Option<SeenHead>>;

/// Follows the metagraph; `None` before the first sync.
pub type MetagraphFeed = watch::Receiver<Option<Arc<Metagraph>>>;

/// Follows the status of the weight committer.
pub type CommitterStatusFeed = watch::Receiver<CommitterStatus>;

/// The link to the chain at one moment.
#[derive(Debug, Clone, Default)]
pub enum LinkState {
    /// No node was reached yet.
    #[default]
    Starting,
    /// A node is followed.
    Up,
    /// No node is followed any more.
    Away {
        /// Since when.
        since: Instant,
        /// What the last node that was tried has said.
        reason: String,
    },
}

impl LinkState {
    /// Whether a node was followed, and none is any more.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Away { .. })
    }
}

/// Follows the link to the chain.
pub type LinkFeed = watch::Receiver<LinkState>;

/// What waits for the chain, in words, by the part of the node that waits. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Waits(Arc<Mutex<BTreeMap<Arc<str>, String>>>);

impl Waits {
    /// This part waits for that.
    pub(crate) fn set(&self, part: &str, what: String) {
        self.0.lock().insert(part.into(), what);
    }

    /// This part waits no more.
    pub(crate) fn clear(&self, part: &str) {
        self.0.lock().remove(part);
    }

    /// What this part waits for.
    pub fn of(&self, part: &str) -> Option<String> {
        self.0.lock().get(part).cloned()
    }

    /// All of them, for a line of the log.
    pub(crate) fn listed(&self) -> String {
        let waits = self.0.lock();
        let each = waits.iter().map(|(part, what)| format!("{part}: {what}"));
        each.collect::<Vec<_>>().join("; ")
    }
}

/// The scores at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScoresSnapshot {
    /// How many conversations were held.
    pub steps: u64,
    /// How many turns were scored.
    pub turns: u64,
    /// The score of each slot, by uid.
    pub values: Vec<f32>,
    /// The hotkey of each slot, by uid.
    pub hotkeys: Vec<AccountId>,
}

/// Follows the scores as last committed; `None` before the first metagraph.
pub type ScoreFeed = watch::Receiver<Option<Arc<ScoresSnapshot>>>;

/// The age of the published metagraph. Clones follow the same one, even while its publisher is
/// down.
#[derive(Debug, Clone)]
pub struct SnapshotAge {
    synced_at: Arc<watch::Sender<Option<Instant>>>,
    since: Instant,
    freshness: Freshness,
}

impl SnapshotAge {
    /// The age before the first snapshot, which counts from now.
    pub fn new(freshness: Freshness) -> Self {
        Self { synced_at: Arc::default(), since: Instant::now(), freshness }
    }

    /// Time since the snapshot was read; before the first one, since the start.
    pub fn age(&self) -> Duration {
        self.synced_at.borrow().unwrap_or(self.since).elapsed()
    }

    /// Whether the snapshot is fresh, stale or too old to be used.
    pub fn stage(&self) -> Stage {
        self.freshness.stage(self.age())
    }

    /// For `/readyz`.
    ///
    /// # Errors
    /// [`NotReady::TooOld`]
    pub fn check(&self) -> Result<(), NotReady> {
        match self.stage() {
            Stage::Fresh | Stage::Stale => Ok(()),
            Stage::TooOld => Err(NotReady::TooOld(self.age())),
        }
    }

    /// Waits while the snapshot is too old.
    pub async fn until_usable(&self) {
        let mut synced = self.synced_at.subscribe();
        while self.stage() == Stage::TooOld && synced.changed().await.is_ok() {}
    }

    /// Records that a snapshot was read just now.
    pub(crate) fn synced(&self) {
        self.synced_at.send_replace(Some(Instant::now()));
    }
}

/// Asks for a sync at once, because something of ours changed on chain. Clones reach the same sync.
#[derive(Debug, Clone, Default)]
pub struct SyncHints(Arc<watch::Sender<u64>>);

impl SyncHints {
    /// Asks for a sync. Several requests before it count as one.
    pub fn give(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// A receiver that changes with every request.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// The feeds of one node. Clones share the same channels.
#[derive(Debug, Clone)]
pub struct Feeds {
    /// The newest block.
    pub heads: Arc<watch::Sender<Option<SeenHead>>>,
    /// The newest final block.
    pub finals: Arc<watch::Sender<Option<SeenHead>>>,
    /// The link to the chain.
    pub link: Arc<watch::Sender<LinkState>>,
    /// What waits for the chain.
    pub waits: Waits,
    /// The newest metagraph.
    pub metagraph: Arc<watch::Sender<Option<Arc<Metagraph>>>>,
    /// The age of the metagraph.
    pub age: SnapshotAge,
    /// Asks for a fresh metagraph.
    pub hints: SyncHints,
    /// The status of the weight committer.
    pub committer_status: Arc<watch::Sender<CommitterStatus>>,
    /// What is known of our own clock.
    pub clock: OwnClock,
    /// The scores as last committed.
    pub scores: Arc<watch::Sender<Option<Arc<ScoresSnapshot>>>>,
    block_time: Duration,
}

impl Feeds {
    /// Feeds of a chain with this block time. They hold nothing yet.
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
            link: Arc::default(),
            waits: Waits::default(),
            metagraph: Arc::default(),
            age: SnapshotAge::new(freshness),
            hints: SyncHints::default(),
            committer_status: Arc::default(),
            clock: OwnClock::default(),
            scores: Arc::default(),
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

    /// Follows the link to the chain.
    pub fn link(&self) -> LinkFeed {
        self.link.subscribe()
    }

    /// Follows the metagraph.
    pub fn metagraph(&self) -> MetagraphFeed {
        self.metagraph.subscribe()
    }

    /// Follows the status of the weight committer.
    pub fn committer_status(&self) -> CommitterStatusFeed {
        self.committer_status.subscribe()
    }

    /// Follows the scores as last committed.
    pub fn scores(&self) -> ScoreFeed {
        self.scores.subscribe()
    }

    /// How long the chain may go without a new block before it is not ready.
    pub fn silent_after(&self) -> Duration {
        self.block_time * STALE_BLOCKS + Duration::from_secs(2)
    }
}
