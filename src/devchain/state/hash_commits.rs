//! Weights that are committed as a hash and revealed by their sender (docs/spec/chain.md#hash-commits),
//! which is older than [`super::commits`] and what the official CLI does.

use parity_scale_codec::Encode;
use serde::{Deserialize, Serialize};

use super::{State, WeightRequest, ensure};
use crate::chain::{Hash, Netuid, Refusal};
use crate::devchain::report::Event;
use crate::wallet::{AccountId, blake2b_256};

/// Most hashes of one hotkey that wait.
const MAX_WAITING: usize = 10;

/// A hash in storage (`WeightCommits`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::devchain) struct HashCommit {
    pub(in crate::devchain) hash: Hash,
    /// The epoch that the hash was committed in.
    pub(in crate::devchain) epoch: u64,
    pub(in crate::devchain) block: u64,
}

impl State {
    /// Stores the hash after all checks, in the runtime's order.
    pub(in crate::devchain) fn commit_hash(
        &mut self,
        block: u64,
        hotkey: &AccountId,
        (netuid, mecid): (Netuid, u8),
        hash: Hash,
    ) -> Result<Vec<Event>, Refusal> {
        self.check_weights_stake(netuid, hotkey)?;
        self.ensure_mechanism(netuid, mecid)?;
        ensure(self.hyperparameters.commit_reveal_enabled, Refusal::CommitRevealDisabled)?;
        let uid = self.slot_of(netuid, hotkey)?;
        ensure(self.has_waited(block, uid), Refusal::CommittingWeightsTooFast)?;
        let epoch = self.epoch_index(block);
        let period = self.rules.reveal_period_epochs;
        let mut waiting = self.hash_commits.get(hotkey).cloned().unwrap_or_default();
        waiting.retain(|commit| commit.epoch.saturating_add(period) >= epoch);
        ensure(waiting.len() < MAX_WAITING, Refusal::TooManyUnrevealedCommits)?;
        waiting.push(HashCommit { hash, epoch, block });
        self.hash_commits.insert(*hotkey, waiting);
        if let Some(slot) = self.slot_mut(uid) {
            slot.last_update = block;
        }
        Ok(vec![Event::WeightsCommitted { hotkey: *hotkey, index: netuid.0, hash }])
    }

    /// The pool's checks of a reveal: stake, and a hash whose epoch has come.
    pub(in crate::devchain) fn check_reveal_for_pool(
        &self,
        block: u64,
        request: WeightRequest<'_>,
        salt: &[u16],
    ) -> Result<(), Refusal> {
        self.check_weights_stake(request.netuid, request.hotkey)?;
        let hash = hash_of(request, salt);
        let mut waiting = self.hash_commits.get(request.hotkey).into_iter().flatten();
        let commit = waiting.find(|commit| commit.hash == hash);
        let commit = commit.ok_or(Refusal::NoWeightsCommitFound)?;
        let due = commit.epoch.saturating_add(self.rules.reveal_period_epochs);
        ensure(due == self.epoch_index(block), Refusal::CommitBlockNotInRevealRange)
    }

    /// Sets the revealed weights after all checks, in the runtime's order. Older hashes of the
    /// hotkey go with the one that is revealed.
    pub(in crate::devchain) fn reveal_hash(
        &mut self,
        block: u64,
        request: WeightRequest<'_>,
        salt: &[u16],
    ) -> Result<Vec<Event>, Refusal> {
        self.ensure_subnet(request.netuid)?;
        ensure(self.hyperparameters.commit_reveal_enabled, Refusal::CommitRevealDisabled)?;
        let hash = hash_of(request, salt);
        let later = self.hashes_after(block, request.hotkey, hash)?;
        let mut events = self.set_revealed_weights(block, request)?;
        if later.is_empty() {
            self.hash_commits.remove(request.hotkey);
        } else {
            self.hash_commits.insert(*request.hotkey, later);
        }
        let (hotkey, index) = (*request.hotkey, request.netuid.0);
        events.push(Event::WeightsRevealed { hotkey, index, hash });
        Ok(events)
    }

    /// The hashes that wait behind `hash`, which must be due in `block`.
    fn hashes_after(
        &self,
        block: u64,
        hotkey: &AccountId,
        hash: Hash,
    ) -> Result<Vec<HashCommit>, Refusal> {
        let (epoch, period) = (self.epoch_index(block), self.rules.reveal_period_epochs);
        let due = |commit: &HashCommit| commit.epoch.saturating_add(period);
        let stored = self.hash_commits.get(hotkey).ok_or(Refusal::NoWeightsCommitFound)?;
        let is_late = stored.iter().any(|commit| commit.hash == hash && due(commit) < epoch);
        let waiting: Vec<_> = stored.iter().filter(|commit| due(commit) >= epoch).collect();
        let Some(place) = waiting.iter().position(|commit| commit.hash == hash) else {
            return Err(match (is_late, waiting.is_empty()) {
                (true, _) => Refusal::ExpiredWeightCommit,
                (false, true) => Refusal::NoWeightsCommitFound,
                (false, false) => Refusal::InvalidRevealCommitHashNotMatch,
            });
        };
        ensure(due(waiting[place]) == epoch, Refusal::RevealTooEarly)?;
        Ok(waiting[place + 1..].iter().map(|commit| (*commit).clone()).collect())
    }
}

/// The hash that stands for these weights: of sender, mechanism index, uids, values, salt and
/// version key.
fn hash_of(request: WeightRequest<'_>, salt: &[u16]) -> Hash {
    // Whether there is such a mechanism is checked later.
    let index = u16::from(request.mecid).wrapping_mul(4096).wrapping_add(request.netuid.0);
    let uids: Vec<u16> = request.uids.iter().map(|uid| uid.0).collect();
    let terms = (request.hotkey.0, index, uids, request.values, salt, request.version_key);
    Hash(blake2b_256(&terms.encode()))
}
