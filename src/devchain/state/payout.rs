//! Runs an epoch on the chain's state: collects its input and applies its results.
//!
//! A neuron's emission goes to its hotkey's stake: the server share for its work as a miner, the
//! validator share for its work as a validator. Remainders of rounding are not paid out. There is
//! no owner's cut and no burnt incentive.

use serde::{Deserialize, Serialize};

use super::{Slot, State};
use crate::chain::Uid;
use crate::devchain::epoch::{
    BondRule, EpochInput, EpochNeuron, EpochOutcome, EpochParams, run_epoch,
};
use crate::devchain::rules::EpochRule;

/// The payments of one epoch in rao, by uid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochReport {
    /// Number of the block that the epoch ran in.
    pub block: u64,
    /// Rao paid to each neuron as a miner.
    pub server_emission: Vec<u64>,
    /// Rao paid to each neuron as a validator.
    pub validator_emission: Vec<u64>,
}

impl EpochReport {
    /// Sum of all payments, in rao.
    pub fn paid(&self) -> u64 {
        let amounts = self.server_emission.iter().chain(&self.validator_emission);
        amounts.fold(0, |sum: u64, amount| sum.saturating_add(*amount))
    }
}

impl State {
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
        self.issued = self.issued.saturating_add(report.paid());
        self.note_epoch(block);
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
                last_step: self.last_step(),
                bond_rule: BondRule::Original,
                emission: self.emission_per_epoch,
            },
            neurons: self.slots.iter().map(|slot| self.epoch_neuron(slot)).collect(),
        }
    }

    /// The block of the last epoch for the bonds: before spec 423, the one that follows from the
    /// tempo.
    fn last_step(&self) -> u64 {
        match self.rules.epochs {
            EpochRule::Modular => 0,
            EpochRule::Stateful => self.last_epoch,
        }
    }

    fn epoch_neuron(&self, slot: &Slot) -> EpochNeuron {
        let given = slot.weights.iter().copied();
        EpochNeuron {
            stake: self.stake(&slot.hotkey),
            last_update: slot.last_update,
            committed_at: self.oldest_commit(&slot.hotkey),
            registered_at: slot.registered_at,
            validator_permit: slot.validator_permit,
            weights: given.filter(|(_, value): &(Uid, u16)| *value != 0).collect(),
            bonds: slot.bonds.clone(),
        }
    }
}
