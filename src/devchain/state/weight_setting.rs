//! Sets weights that arrive unsealed (docs/spec/chain.md#weights-checks).

use std::collections::BTreeSet;

use super::{State, ensure};
use crate::chain::{Netuid, Refusal, Uid};
use crate::devchain::fixed::max_upscale;
use crate::devchain::report::Event;
use crate::wallet::AccountId;

/// A request to set weights.
#[derive(Clone, Copy)]
pub(in crate::devchain) struct WeightRequest<'a> {
    pub(in crate::devchain) hotkey: &'a AccountId,
    pub(in crate::devchain) netuid: Netuid,
    pub(in crate::devchain) mecid: u8,
    pub(in crate::devchain) uids: &'a [Uid],
    pub(in crate::devchain) values: &'a [u16],
    pub(in crate::devchain) version_key: u64,
}

impl State {
    /// The pool's checks: stake, and since spec 423 the rate limit of those who hold a slot. The
    /// block checks everything else.
    pub(in crate::devchain) fn check_weights_for_pool(
        &self,
        block: u64,
        request: WeightRequest<'_>,
    ) -> Result<(), Refusal> {
        self.check_weights_stake(request.netuid, request.hotkey)?;
        match self.slot_of(request.netuid, request.hotkey) {
            Ok(uid) if self.rules.pool_checks_pace => self.check_weights_pace(block, uid),
            _ => Ok(()),
        }
    }

    /// Sets the weights after all checks, in the runtime's order.
    pub(in crate::devchain) fn set_weights(
        &mut self,
        block: u64,
        request: WeightRequest<'_>,
    ) -> Result<Vec<Event>, Refusal> {
        // The runtime's default for a subnet that does not exist is on.
        let is_committed =
            request.netuid != self.netuid || self.hyperparameters.commit_reveal_enabled;
        ensure(!is_committed, Refusal::CommitRevealEnabled)?;
        self.set_revealed_weights(block, request)
    }

    /// As [`Self::set_weights`], for weights that the chain itself has opened. While commit-reveal
    /// is on, no rate limit applies and the last update stays, because the commit has moved it.
    pub(super) fn set_revealed_weights(
        &mut self,
        block: u64,
        request: WeightRequest<'_>,
    ) -> Result<Vec<Event>, Refusal> {
        let uid = self.check_weights(block, request)?;
        let scaled = max_upscale(request.values);
        let mut weights: Vec<(Uid, u16)> = request.uids.iter().copied().zip(scaled).collect();
        weights.sort_unstable();
        let was_committed = self.hyperparameters.commit_reveal_enabled;
        if let Some(slot) = self.slot_mut(uid) {
            slot.weights = weights;
            if !was_committed {
                slot.last_update = block;
            }
        }
        Ok(vec![Event::WeightsSet { index: request.netuid.0, uid }])
    }

    fn check_weights(&self, block: u64, request: WeightRequest<'_>) -> Result<Uid, Refusal> {
        check_lengths(request)?;
        self.ensure_mechanism(request.netuid, request.mecid)?;
        ensure(request.uids.len() <= self.slots.len(), Refusal::UidsLengthExceedUidsInSubNet)?;
        let uid = self.slot_of(request.netuid, request.hotkey)?;
        self.check_weights_stake(request.netuid, request.hotkey)?;
        ensure(
            request.version_key >= self.hyperparameters.weights_version_key,
            Refusal::IncorrectWeightVersionKey,
        )?;
        self.check_weights_pace(block, uid)?;
        self.check_permit(uid, request)?;
        self.check_vector(uid, request)?;
        Ok(uid)
    }

    /// Checks the stake on the subnet; its owner needs none.
    pub(in crate::devchain) fn check_weights_stake(
        &self,
        netuid: Netuid,
        hotkey: &AccountId,
    ) -> Result<(), Refusal> {
        let is_here = netuid == self.netuid;
        let stake = if is_here { self.stake(hotkey) } else { 0 };
        let enough = stake >= self.hyperparameters.stake_threshold;
        ensure(enough || is_here && self.is_owner(hotkey), Refusal::NotEnoughStakeToSetWeights)
    }

    fn check_weights_pace(&self, block: u64, uid: Uid) -> Result<(), Refusal> {
        let is_free = self.hyperparameters.commit_reveal_enabled;
        ensure(is_free || self.has_waited(block, uid), Refusal::SettingWeightsTooFast)
    }

    /// Whether the rate limit has passed since the last weights, commit or registration.
    pub(super) fn has_waited(&self, block: u64, uid: Uid) -> bool {
        let last = self.slot(uid).map_or(0, |slot| slot.last_update);
        last == 0 || block.saturating_sub(last) >= self.hyperparameters.weights_rate_limit
    }

    fn check_permit(&self, uid: Uid, request: WeightRequest<'_>) -> Result<(), Refusal> {
        let permitted = self.slot(uid).is_some_and(|slot| slot.validator_permit);
        let exempt = is_self_weight(uid, request.uids) || self.is_owner(request.hotkey);
        ensure(permitted || exempt, Refusal::NeuronNoValidatorPermit)
    }

    fn check_vector(&self, uid: Uid, request: WeightRequest<'_>) -> Result<(), Refusal> {
        let unique: BTreeSet<&Uid> = request.uids.iter().collect();
        ensure(unique.len() == request.uids.len(), Refusal::DuplicateUids)?;
        ensure(
            request.uids.iter().all(|uid| self.slot(*uid).is_some()),
            Refusal::UidVecContainInvalidOne,
        )?;
        let fewest = usize::from(self.hyperparameters.min_allowed_weights).min(self.slots.len());
        ensure(
            request.uids.len() >= fewest || is_self_weight(uid, request.uids),
            Refusal::WeightVecLengthIsLow,
        )
    }
}

fn check_lengths(request: WeightRequest<'_>) -> Result<(), Refusal> {
    ensure(request.uids.len() == request.values.len(), Refusal::WeightVecNotEqualSize)
}

/// Whether it is a single weight on the neuron itself, which needs neither permit nor minimum
/// length.
fn is_self_weight(uid: Uid, uids: &[Uid]) -> bool {
    uids == [uid]
}
