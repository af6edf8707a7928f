//! What is read of the chain: each answer is of one block, whose runtime it is read with.

use std::sync::Arc;

use futures_util::future::try_join_all;
use sn1::chain::decode::{
    Read, Runtime, Snapshot, SnapshotPlan, WeightCommits, WeightTermsPlan, commits_of_next_epoch,
};
use sn1::chain::transaction::last_block;
use sn1::chain::{
    Head, Mortality, Netuid, PrometheusRecord, StoredCommit, StoredWeights, Uid, WeightTerms,
};
use sn1::wallet::AccountId;
use tokio::time::{Duration, Instant, sleep};

use super::session::Session;
use super::{CallError, Subtensor, SubtensorError};

/// A transaction counts from the newest final block: its hash is signed, and final blocks alone
/// never change. Finality lags by 2 to 3 blocks, so that some 60 of the era's 64 are left. Where it
/// lags by more than this, a block so far below the head is old enough to stay, and an era that
/// began at the final one would be half over.
const LONGEST_LAG: u64 = 16;
/// The storage key of `Timestamp.Now`, the same in every runtime of Substrate.
const TIMESTAMP_NOW: [u8; 32] = [
    0xf0, 0xc3, 0x65, 0xc3, 0xcf, 0x59, 0xd6, 0x71, 0xeb, 0x72, 0xda, 0x0e, 0x7a, 0x41, 0x13, 0xc4,
    0x9f, 0x1f, 0x05, 0x15, 0xf4, 0x62, 0xcd, 0xcf, 0x84, 0xe0, 0xf1, 0xd6, 0x04, 0x5d, 0xfc, 0xbb,
];

impl Subtensor {
    /// The newest block.
    ///
    /// # Errors
    /// [`SubtensorError::Unreachable`]
    pub async fn head(&self) -> Result<Head, SubtensorError> {
        self.ask("reading the newest block", |session| async move { session.head().await }).await
    }

    /// When a block was made, in Unix milliseconds, by its author's clock; `None` when the runtime
    /// does not say it where every runtime does.
    ///
    /// # Errors
    /// [`SubtensorError::Unreachable`]
    pub async fn made_at(&self, head: Head) -> Result<Option<u64>, SubtensorError> {
        let read = Read::Storage { key: TIMESTAMP_NOW.to_vec() };
        let take = |session: Arc<Session>| {
            let read = read.clone();
            async move {
                match session.read(&read, head.hash).await {
                    // A node without this block says nothing of our clock, and is not broken.
                    Err(CallError::Refused { .. }) => Ok(None),
                    answer => answer,
                }
            }
        };
        let stored = self.ask("reading when a block was made", take).await?;
        Ok(stored.and_then(|bytes| Some(u64::from_le_bytes(bytes.try_into().ok()?))))
    }

    /// The newest final block.
    ///
    /// # Errors
    /// [`SubtensorError::Unreachable`]
    pub async fn finalized(&self) -> Result<Head, SubtensorError> {
        let attempted = "reading the newest final block";
        self.ask(attempted, |session| async move { session.finalized().await }).await
    }

    /// The subnet at the newest block: everything in it was read at that block's hash.
    ///
    /// # Errors
    /// [`SubtensorError`]
    pub async fn snapshot(&self, netuid: Netuid) -> Result<Snapshot, SubtensorError> {
        let take = |session: Arc<Session>| async move {
            let (head, runtime) = self.newest(&session).await?;
            let plan = SnapshotPlan::choose(&runtime)?;
            let reads = plan.reads(&runtime, netuid)?;
            let answers = session.read_all(&reads, head.hash).await?;
            Ok(plan.decode(&runtime, netuid, head, &answers)?)
        };
        self.ask("reading the metagraph", take).await
    }

    /// The same as the first thing that is asked of a chain, which may not be up yet: asked again
    /// for so long, `None` for without end, while each node fails in a way that `is_worth` it.
    /// `tell` hears of each failure.
    ///
    /// # Errors
    /// The last [`SubtensorError`].
    pub async fn first_snapshot(
        &self,
        netuid: Netuid,
        within: Option<Duration>,
        is_worth: fn(&CallError) -> bool,
        mut tell: impl FnMut(&SubtensorError),
    ) -> Result<Snapshot, SubtensorError> {
        let (began, mut n_failures) = (Instant::now(), 0_u32);
        loop {
            let error = match self.snapshot(netuid).await {
                Err(error) if error.is_worth(is_worth) => error,
                answer => return answer,
            };
            if within.is_some_and(|within| began.elapsed() >= within) {
                return Err(error);
            }
            tell(&error);
            sleep(self.shared.settings.deadlines.pause(n_failures)).await;
            n_failures = n_failures.saturating_add(1);
        }
    }

    /// All that a weight setting of `hotkey` is planned from, read at the newest block.
    ///
    /// # Errors
    /// [`SubtensorError`]
    pub async fn weight_terms(
        &self,
        netuid: Netuid,
        hotkey: &AccountId,
    ) -> Result<WeightTerms, SubtensorError> {
        let take = |session: Arc<Session>| async move {
            let (head, runtime) = self.newest(&session).await?;
            let plan = WeightTermsPlan::choose(&runtime)?;
            let reads = plan.reads(&runtime, netuid, hotkey)?;
            let answers = session.read_all(&reads, head.hash).await?;
            let mut terms = plan.decode(&runtime, netuid, hotkey, head, &answers)?;
            if let Some(reveal) = &mut terms.reveal
                && let Some((commits, read)) =
                    commits_of_next_epoch(&runtime, netuid, &reveal.schedule)?
            {
                let stored = session.read(&read, head.hash).await?;
                reveal.n_unrevealed = commits.decode(&runtime, hotkey, stored.as_deref())?.len();
            }
            Ok(terms)
        };
        self.ask("reading what weights are planned from", take).await
    }

    /// The sealed commits of `hotkey` that the chain still holds, of any epoch, oldest first.
    ///
    /// # Errors
    /// [`SubtensorError`]
    pub async fn weight_commits(
        &self,
        netuid: Netuid,
        hotkey: &AccountId,
    ) -> Result<Vec<StoredCommit>, SubtensorError> {
        let take = |session: Arc<Session>| async move {
            let (head, runtime) = self.newest(&session).await?;
            let kept = WeightCommits::choose(&runtime)?;
            let keys = session.keys(&kept.prefix(&runtime, netuid)?, head.hash).await?;
            let reads: Vec<_> = keys.into_iter().map(|key| Read::Storage { key }).collect();
            let epochs =
                try_join_all(reads.iter().map(|read| session.read(read, head.hash))).await?;
            let mut commits = Vec::new();
            for epoch in epochs {
                commits.extend(kept.decode(&runtime, hotkey, epoch.as_deref())?);
            }
            commits.sort_by_key(|commit| (commit.block, commit.round));
            Ok(commits)
        };
        self.ask("reading the sealed commits", take).await
    }

    /// The weights that `uid` has on chain now.
    ///
    /// # Errors
    /// [`SubtensorError`]
    pub async fn weights(&self, netuid: Netuid, uid: Uid) -> Result<StoredWeights, SubtensorError> {
        let take = |session: Arc<Session>| async move {
            let (head, runtime) = self.newest(&session).await?;
            let stored = session.read(&runtime.weights(netuid, uid)?, head.hash).await?;
            Ok(runtime.decode_weights(stored.as_deref())?)
        };
        self.ask("reading the weights", take).await
    }

    /// Where the chain says that the metrics of `hotkey` are; `None` when it never said so.
    ///
    /// # Errors
    /// [`SubtensorError`]
    pub async fn prometheus(
        &self,
        netuid: Netuid,
        hotkey: &AccountId,
    ) -> Result<Option<PrometheusRecord>, SubtensorError> {
        let take = |session: Arc<Session>| async move {
            let (head, runtime) = self.newest(&session).await?;
            let stored = session.read(&runtime.prometheus(netuid, hotkey)?, head.hash).await?;
            Ok(runtime.decode_prometheus(stored.as_deref())?)
        };
        self.ask("reading the prometheus record", take).await
    }

    /// Nonce and last block of the next transaction of `signer`. The nonce counts what waits in the
    /// pool of the node that is asked.
    ///
    /// # Errors
    /// [`SubtensorError::Unreachable`]
    pub async fn next_transaction(&self, signer: &AccountId) -> Result<Mortality, SubtensorError> {
        let take = |session: Arc<Session>| async move {
            let nonce = session.next_nonce(signer).await?;
            let (head, finalized) = (session.head().await?, session.finalized().await?);
            let birth = finalized.number.max(head.number.saturating_sub(LONGEST_LAG));
            Ok(Mortality { nonce, last_block: last_block(birth) })
        };
        self.ask("planning a transaction", take).await
    }

    /// The newest block and its runtime.
    pub(super) async fn newest(
        &self,
        session: &Session,
    ) -> Result<(Head, Arc<Runtime>), CallError> {
        let head = session.head().await?;
        Ok((head, self.runtime(session, head.hash).await?.0))
    }
}
