//! The epoch as the chain runs it: when it is due, and what it leaves behind.
//!
//! The schedule is the one before spec 423: the last block of each window of tempo + 1
//! (`subtensor.md` section 5). A neuron's emission goes to its hotkey's stake: the server share
//! for what it served, the validator share for what it judged. What rounding leaves over is not
//! given out. There is no owner's cut and no burnt incentive.

use serde::{Deserialize, Serialize};

use super::{Slot, State};
use crate::chain::Uid;
use crate::devchain::epoch::{
    BondRule, EpochInput, EpochNeuron, EpochOutcome, EpochParams, run_epoch,
};

/// What one epoch paid, in rao, by uid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochReport {
    /// The block it ran in.
    pub block: u64,
    /// To miners.
    pub server_emission: Vec<u64>,
    /// To validators.
    pub validator_emission: Vec<u64>,
}

impl EpochReport {
    /// All that was paid, in rao.
    pub fn paid(&self) -> u64 {
        let amounts = self.server_emission.iter().chain(&self.validator_emission);
        amounts.fold(0, |sum: u64, amount| sum.saturating_add(*amount))
    }
}

impl State {
    /// Blocks from `block` to the next epoch, 0 when `block` runs it; `None` for tempo 0, which
    /// stops epochs.
    pub(in crate::devchain) fn blocks_until_epoch(&self, block: u64) -> Option<u64> {
        let tempo = u64::from(self.hyperparameters.tempo);
        let shifted = block.wrapping_add(u64::from(self.netuid.0)).wrapping_add(1);
        (tempo != 0).then(|| tempo - shifted % (tempo + 1))
    }

    pub(in crate::devchain) fn run_epoch(&mut self, block: u64) -> EpochReport {
        let outcomes = run_epoch(&self.epoch_input(block)).neurons;
        let report = EpochReport {
            block,
            server_emission: outcomes.iter().map(|o| o.server_emission).collect(),
            validator_emission: outcomes.iter().map(|o| o.validator_emission).collect(),
        };
        for (position, outcome) in outcomes.into_iter().enumerate() {
            self.settle(position, outcome);
        }
        self.last_epoch = block;
        report
    }

    fn settle(&mut self, position: usize, outcome: EpochOutcome) {
        let Some(slot) = self.slots.get_mut(position) else {
            return;
        };
        slot.active = outcome.active;
        slot.consensus = outcome.consensus;
        slot.validator_trust = outcome.validator_trust;
        slot.incentive = outcome.incentive;
        slot.dividends = outcome.dividends;
        slot.validator_permit = outcome.validator_permit;
        slot.emission = outcome.emission;
        slot.bonds = outcome.bonds;
        let hotkey = slot.hotkey;
        self.add_to_stake(hotkey, outcome.server_emission);
        self.add_to_stake(hotkey, outcome.validator_emission);
    }

    fn epoch_input(&self, block: u64) -> EpochInput {
        let rules = &self.hyperparameters;
        let owner = self.owner_hotkey.as_ref();
        EpochInput {
            params: EpochParams {
                block,
                tempo: rules.tempo,
                kappa: rules.kappa,
                bonds_moving_average: rules.bonds_moving_average,
                bonds_penalty: u16::MAX,
                max_validators: rules.max_validators,
                stake_threshold: rules.stake_threshold,
                activity_cutoff: u64::from(rules.activity_cutoff),
                owner: owner.and_then(|hotkey| self.uid_of(hotkey)),
                last_step: self.last_epoch,
                bond_rule: BondRule::Original,
                emission: self.emission_per_epoch,
            },
            neurons: self.slots.iter().map(|slot| self.epoch_neuron(slot)).collect(),
        }
    }

    fn epoch_neuron(&self, slot: &Slot) -> EpochNeuron {
        let given = slot.weights.iter().copied();
        EpochNeuron {
            stake: self.stake(&slot.hotkey),
            last_update: slot.last_update,
            registered_at: slot.registered_at,
            validator_permit: slot.validator_permit,
            weights: given.filter(|(_, value): &(Uid, u16)| *value != 0).collect(),
            bonds: slot.bonds.clone(),
        }
    }
}
