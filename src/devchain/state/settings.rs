//! Changing one setting at a time, for the sudo account.

use super::{State, ensure};
use crate::chain::Refusal;
use crate::chain::commit_reveal::MAX_REVEAL_PERIOD_EPOCHS;
use crate::devchain::change::{HyperparameterChange, HyperparameterValue};
use crate::devchain::report::Event;
use crate::wallet::AccountId;

impl State {
    pub(in crate::devchain) fn sudo(
        &mut self,
        block: u64,
        signer: &AccountId,
        change: &HyperparameterChange,
    ) -> Result<Vec<Event>, Refusal> {
        ensure(self.sudo.as_ref() == Some(signer), Refusal::RequireSudo)?;
        self.change_setting(block, change)?;
        Ok(Vec::new())
    }

    /// Changes a setting; refused for another subnet and for reveal periods that the runtime
    /// does not take.
    pub(in crate::devchain) fn change_setting(
        &mut self,
        block: u64,
        change: &HyperparameterChange,
    ) -> Result<(), Refusal> {
        use HyperparameterValue as V;
        self.ensure_subnet(change.netuid)?;
        let (subnet, chain) = (&mut self.hyperparameters, &mut self.rules);
        match change.value {
            V::Tempo(value) => {
                subnet.tempo = value;
                self.restart_cycle(block);
            }
            V::WeightsSetRateLimit(value) => subnet.weights_rate_limit = value,
            V::WeightsVersionKey(value) => subnet.weights_version_key = value,
            V::MinAllowedWeights(value) => subnet.min_allowed_weights = value,
            V::MaxWeightsLimit(value) => subnet.max_weight_limit = value,
            V::ImmunityPeriod(value) => subnet.immunity_period = value,
            V::ActivityCutoff(value) => subnet.activity_cutoff = value,
            V::Kappa(value) => subnet.kappa = value,
            V::BondsMovingAverage(value) => subnet.bonds_moving_average = value.min(1_000_000),
            V::MaxAllowedValidators(value) => subnet.max_validators = value,
            V::MaxAllowedUids(value) => subnet.max_uids = value,
            V::ServingRateLimit(value) => subnet.serving_rate_limit = value,
            V::StakeThreshold(value) => subnet.stake_threshold = value,
            V::CommitRevealWeightsEnabled(value) => subnet.commit_reveal_enabled = value,
            V::RevealPeriodEpochs(value) => {
                let is_allowed = (1..=MAX_REVEAL_PERIOD_EPOCHS).contains(&value);
                ensure(is_allowed, reveal_period_refused())?;
                chain.reveal_period_epochs = value;
            }
            V::CommitRevealWeightsVersion(value) => chain.commit_reveal_version = value,
            V::Burn(value) => subnet.burn = value,
            V::MinBurn(value) => chain.min_burn = value,
            V::MaxBurn(value) => chain.max_burn = value,
            V::AdjustmentInterval(value) => chain.adjustment_interval = value,
        }
        Ok(())
    }
}

fn reveal_period_refused() -> Refusal {
    Refusal::Unknown { name: "SubtensorModule.RevealPeriodTooLarge".to_owned() }
}
