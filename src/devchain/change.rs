//! Changes of one setting, which the sudo account makes as with the runtime's admin calls.

use serde::{Deserialize, Serialize};

use super::rules::ChainRules;
use crate::chain::commit_reveal::MAX_REVEAL_PERIOD_EPOCHS;
use crate::chain::{Hyperparameters, Netuid};

/// A new value for one setting of a subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HyperparameterChange {
    /// Number of the subnet; settings of the whole chain ignore it.
    pub netuid: Netuid,
    /// The setting and its new value.
    pub value: HyperparameterValue,
}

/// A setting with its value, by the runtime's names. Amounts are in rao, times in blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HyperparameterValue {
    /// Blocks between epochs. On a chain with stateful epochs the cycle starts over.
    Tempo(u16),
    /// Blocks a hotkey waits between two weight settings.
    WeightsSetRateLimit(u64),
    /// Lowest version key accepted with weights.
    WeightsVersionKey(u64),
    /// Fewest weights a vector may hold.
    MinAllowedWeights(u16),
    /// Largest share of one weight, of 65,535; stored, but not enforced.
    MaxWeightsLimit(u16),
    /// Blocks during which a new neuron is not pruned.
    ImmunityPeriod(u16),
    /// Blocks after which a validator that sets no weights counts as inactive.
    ActivityCutoff(u16),
    /// Consensus majority, of 65,535.
    Kappa(u16),
    /// Bonds moving average, of 1,000,000.
    BondsMovingAverage(u64),
    /// Number of neurons that may hold a validator permit.
    MaxAllowedValidators(u16),
    /// Number of slots on the subnet.
    MaxAllowedUids(u16),
    /// Blocks between two changes of a serving record.
    ServingRateLimit(u64),
    /// Rao of stake below which weights are refused; applies to the whole chain.
    StakeThreshold(u64),
    /// Whether weights must be committed first.
    CommitRevealWeightsEnabled(bool),
    /// Epochs from commit to reveal, 1 to 100.
    RevealPeriodEpochs(u64),
    /// Version of the layout of sealed weights that is accepted; applies to the whole chain.
    CommitRevealWeightsVersion(u16),
    /// Current price of a registration, in rao.
    Burn(u64),
    /// Lowest price of a registration, in rao.
    MinBurn(u64),
    /// Highest price of a registration, in rao.
    MaxBurn(u64),
    /// Blocks after which the price of a registration halves; 0 keeps the price constant.
    AdjustmentInterval(u16),
}

impl HyperparameterValue {
    /// Whether the runtime accepts the value; only reveal periods have a bound.
    pub fn is_allowed(self) -> bool {
        match self {
            Self::RevealPeriodEpochs(value) => (1..=MAX_REVEAL_PERIOD_EPOCHS).contains(&value),
            _ => true,
        }
    }

    /// Whether the subnet owner may set it, too.
    pub fn is_the_owners(self) -> bool {
        matches!(
            self,
            Self::ImmunityPeriod(_)
                | Self::MinAllowedWeights(_)
                | Self::WeightsVersionKey(_)
                | Self::ActivityCutoff(_)
                | Self::BondsMovingAverage(_)
                | Self::MaxAllowedUids(_)
                | Self::ServingRateLimit(_)
                | Self::CommitRevealWeightsEnabled(_)
                | Self::RevealPeriodEpochs(_)
                | Self::MinBurn(_)
                | Self::MaxBurn(_)
        )
    }

    /// Writes the value into the settings it belongs to. Checks nothing, but clips bonds as the
    /// runtime does.
    pub fn set_in(self, subnet: &mut Hyperparameters, chain: &mut ChainRules) {
        match self {
            Self::Tempo(value) => subnet.tempo = value,
            Self::WeightsSetRateLimit(value) => subnet.weights_rate_limit = value,
            Self::WeightsVersionKey(value) => subnet.weights_version_key = value,
            Self::MinAllowedWeights(value) => subnet.min_allowed_weights = value,
            Self::MaxWeightsLimit(value) => subnet.max_weight_limit = value,
            Self::ImmunityPeriod(value) => subnet.immunity_period = value,
            Self::ActivityCutoff(value) => subnet.activity_cutoff = value,
            Self::Kappa(value) => subnet.kappa = value,
            Self::BondsMovingAverage(value) => subnet.bonds_moving_average = value.min(1_000_000),
            Self::MaxAllowedValidators(value) => subnet.max_validators = value,
            Self::MaxAllowedUids(value) => subnet.max_uids = value,
            Self::ServingRateLimit(value) => subnet.serving_rate_limit = value,
            Self::StakeThreshold(value) => subnet.stake_threshold = value,
            Self::CommitRevealWeightsEnabled(value) => subnet.commit_reveal_enabled = value,
            Self::RevealPeriodEpochs(value) => chain.reveal_period_epochs = value,
            Self::CommitRevealWeightsVersion(value) => chain.commit_reveal_version = value,
            Self::Burn(value) => subnet.burn = value,
            Self::MinBurn(value) => chain.min_burn = value,
            Self::MaxBurn(value) => chain.max_burn = value,
            Self::AdjustmentInterval(value) => chain.adjustment_interval = value,
        }
    }
}
