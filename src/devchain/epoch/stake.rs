//! The voters of an epoch and their stake: docs/spec/yuma.md#step-1 to docs/spec/yuma.md#step-3.

use super::{EpochInput, EpochParams};
use crate::devchain::fixed::I32F32;
use crate::devchain::matrix::normalize;

/// Stake and permits of all neurons, by uid.
pub(super) struct Electorate {
    /// Whether the last update lies within the activity cutoff.
    pub(super) active: Vec<bool>,
    /// The neuron's share of all stake above the threshold.
    pub(super) stake: Vec<I32F32>,
    /// Permits from the last epoch, which apply in this one.
    pub(super) permits: Vec<bool>,
    /// Permits that apply from the next epoch on.
    pub(super) new_permits: Vec<bool>,
    /// The neuron's share of the stake that is active and permitted.
    pub(super) voting: Vec<I32F32>,
}

impl Electorate {
    pub(super) fn of(input: &EpochInput) -> Self {
        let params = &input.params;
        let is_active =
            |last_update: u64| params.block <= last_update.saturating_add(params.activity_cutoff);
        let active: Vec<bool> =
            input.neurons.iter().map(|neuron| is_active(neuron.last_update)).collect();
        let stake = stake_shares(input);
        let mut permits: Vec<bool> = input.neurons.iter().map(|n| n.validator_permit).collect();
        let mut new_permits = top_holders(&stake, usize::from(params.max_validators));
        for permits in [&mut permits, &mut new_permits] {
            permit_owner(params, permits);
        }
        let votes = |i: usize| {
            if active[i] && permits[i] { stake[i] } else { I32F32::ZERO }
        };
        let mut voting: Vec<I32F32> = (0..stake.len()).map(votes).collect();
        normalize(&mut voting);
        Self { active, stake, permits, new_permits, voting }
    }

    /// The shares to pay by if no neuron has earned anything: the voters', or else those of all
    /// stake.
    pub(super) fn fallback(&self) -> &[I32F32] {
        let nobody_votes = self.voting.iter().all(|share| *share == I32F32::ZERO);
        if nobody_votes { &self.stake } else { &self.voting }
    }
}

fn permit_owner(params: &EpochParams, permits: &mut [bool]) {
    if let Some(permit) = params.owner.and_then(|uid| permits.get_mut(usize::from(uid.0))) {
        *permit = true;
    }
}

/// Each neuron's share of all stake that reaches the threshold. The owner's stake always counts.
fn stake_shares(input: &EpochInput) -> Vec<I32F32> {
    let owner = input.params.owner.map(|uid| usize::from(uid.0));
    let counted: Vec<u64> = input
        .neurons
        .iter()
        .enumerate()
        .map(|(uid, neuron)| {
            let enough = neuron.stake >= input.params.stake_threshold || owner == Some(uid);
            if enough { neuron.stake } else { 0 }
        })
        .collect();
    let sum: u128 = counted.iter().copied().map(u128::from).sum();
    counted.iter().map(|stake| I32F32::from_ratio(*stake, sum)).collect()
}

/// The `seats` neurons with the largest positive stake; of equal ones the higher uid is taken.
fn top_holders(stake: &[I32F32], seats: usize) -> Vec<bool> {
    let mut seated: Vec<bool> = stake.iter().map(|share| *share != I32F32::ZERO).collect();
    let mut rising: Vec<usize> = (0..stake.len()).collect();
    rising.sort_by_key(|uid| stake[*uid]);
    for uid in rising.iter().take(stake.len().saturating_sub(seats)) {
        seated[*uid] = false;
    }
    seated
}
