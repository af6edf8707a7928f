//! Weights that stay sealed until their reveal epoch (docs/spec/chain.md#commit-reveal).
//!
//! Commits are stored by the epoch they land in. From the first block of the reveal epoch on, the
//! chain opens each of them as soon as the beacon has signed its round; those still sealed when the
//! epoch ends are dropped. A faulty commit is dropped without any error or event.

use serde::{Deserialize, Serialize};

use super::{State, WeightRequest, ensure};
use crate::chain::commit_reveal::{MAX_COMMIT_BYTES, SealedMessage, WeightsPayload};
use crate::chain::{Hash, Netuid, Refusal, Uid};
use crate::devchain::report::Event;
use crate::devchain::rules::EpochRule;
use crate::wallet::{AccountId, blake2b_256};

/// Most sealed commits of one hotkey in one epoch.
const MAX_UNREVEALED: usize = 10;

/// A request to store sealed weights.
#[derive(Clone, Copy)]
pub(in crate::devchain) struct CommitRequest<'a> {
    pub(in crate::devchain) hotkey: &'a AccountId,
    pub(in crate::devchain) netuid: Netuid,
    pub(in crate::devchain) mecid: u8,
    pub(in crate::devchain) commit: &'a [u8],
    pub(in crate::devchain) round: u64,
    pub(in crate::devchain) version: u16,
}

/// Sealed weights in storage (`TimelockedWeightCommits`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::devchain) struct SealedCommit {
    pub(in crate::devchain) hotkey: AccountId,
    pub(in crate::devchain) block: u64,
    #[serde(with = "crate::devchain::hex_bytes")]
    pub(in crate::devchain) commit: Vec<u8>,
    pub(in crate::devchain) round: u64,
}

impl State {
    /// The pool's checks: stake, round, and since spec 423 the rate limit.
    pub(in crate::devchain) fn check_commit_for_pool(
        &self,
        block: u64,
        request: CommitRequest<'_>,
    ) -> Result<(), Refusal> {
        ensure(request.commit.len() <= MAX_COMMIT_BYTES, Refusal::UnexpectedCall)?;
        self.check_weights_stake(request.netuid, request.hotkey)?;
        ensure(request.round >= self.beacon.last_stored_round, Refusal::InvalidRevealRound)?;
        match self.slot_of(request.netuid, request.hotkey) {
            Ok(uid) if self.rules.pool_checks_pace => self.check_commit_pace(block, uid),
            // Who holds no slot is refused by the block.
            _ => Ok(()),
        }
    }

    /// Stores the commit after all checks, in the runtime's order.
    pub(in crate::devchain) fn commit_weights(
        &mut self,
        block: u64,
        request: CommitRequest<'_>,
    ) -> Result<Vec<Event>, Refusal> {
        let uid = self.check_commit(block, request)?;
        let CommitRequest { hotkey, netuid, commit, round, .. } = request;
        let epoch = self.epoch_of_commit(block);
        let stored = SealedCommit { hotkey: *hotkey, block, commit: commit.to_vec(), round };
        self.commits.entry(epoch).or_default().push(stored);
        if let Some(slot) = self.slot_mut(uid) {
            slot.last_update = block;
        }
        let commit = Hash(blake2b_256(commit));
        let hotkey = *hotkey;
        Ok(vec![Event::TimelockedWeightsCommitted { hotkey, index: netuid.0, commit, round }])
    }

    /// Opens the commits that can be opened in `block`, before its epoch step, and drops those that
    /// are too late. Returns the hotkeys whose weights came into force.
    pub(in crate::devchain) fn reveal_commits(&mut self, block: u64) -> Vec<AccountId> {
        let Some(due) = self.epoch_index(block).checked_sub(self.rules.reveal_period_epochs) else {
            return Vec::new();
        };
        self.commits = self.commits.split_off(&due);
        let waiting = self.commits.remove(&due).unwrap_or_default();
        let (open, sealed): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|commit| self.beacon.has(commit.round));
        if !sealed.is_empty() {
            self.commits.insert(due, sealed);
        }
        let reveal = |commit| self.reveal(block, commit);
        open.into_iter().filter_map(reveal).collect()
    }

    /// The block of the hotkey's oldest commit that waits; `None` if there is none, or while
    /// commit-reveal is off.
    pub(super) fn oldest_commit(&self, hotkey: &AccountId) -> Option<u64> {
        let sealed = self.commits.values().flatten().filter(|commit| commit.hotkey == *hotkey);
        let hashes = self.hash_commits.get(hotkey).into_iter().flatten();
        let own = sealed.map(|commit| commit.block).chain(hashes.map(|commit| commit.block));
        own.min().filter(|_| self.hyperparameters.commit_reveal_enabled)
    }

    /// Opens one commit and sets its weights; `None` if anything about it is wrong.
    fn reveal(&mut self, block: u64, commit: SealedCommit) -> Option<AccountId> {
        let SealedCommit { hotkey, commit, round, .. } = commit;
        let signature = self.beacon.pulse(round)?;
        let opened = SealedMessage::from_bytes(&commit).ok()?.open(&signature).ok()?;
        let payload = WeightsPayload::decode(&opened).ok()?;
        if payload.hotkey.is_some_and(|claimed| claimed != hotkey) {
            return None;
        }
        let request = WeightRequest {
            hotkey: &hotkey,
            netuid: self.netuid,
            mecid: 0,
            uids: &payload.uids,
            values: &payload.values,
            version_key: payload.version_key,
        };
        self.set_revealed_weights(block, request).ok()?;
        Some(hotkey)
    }

    fn check_commit(&self, block: u64, request: CommitRequest<'_>) -> Result<Uid, Refusal> {
        self.check_commit_for_pool(block, request)?;
        self.ensure_mechanism(request.netuid, request.mecid)?;
        ensure(self.hyperparameters.commit_reveal_enabled, Refusal::CommitRevealDisabled)?;
        let is_current = request.version == self.rules.commit_reveal_version;
        ensure(is_current, Refusal::IncorrectCommitRevealVersion)?;
        let uid = self.slot_of(request.netuid, request.hotkey)?;
        self.check_commit_pace(block, uid)?;
        let epoch = self.commits.get(&self.epoch_of_commit(block)).into_iter().flatten();
        let n_waiting = epoch.filter(|waiting| waiting.hotkey == *request.hotkey).count();
        ensure(n_waiting < MAX_UNREVEALED, Refusal::TooManyUnrevealedCommits)?;
        Ok(uid)
    }

    fn check_commit_pace(&self, block: u64, uid: Uid) -> Result<(), Refusal> {
        ensure(self.has_waited(block, uid), Refusal::CommittingWeightsTooFast)
    }

    /// The epoch that a commit in `block` is stored under. The last block of a modular epoch has
    /// run the epoch's step already, so its commits belong to the next epoch.
    fn epoch_of_commit(&self, block: u64) -> u64 {
        let is_past_step = self.rules.epochs == EpochRule::Modular && self.runs_epoch(block);
        self.epoch_index(block).saturating_add(u64::from(is_past_step))
    }
}
