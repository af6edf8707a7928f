//! Settings of the chain that the node's own view of a subnet does not have.

use serde::{Deserialize, Serialize};

/// How the chain counts epochs (docs/spec/chain.md#reveal-round).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EpochRule {
    /// By block number, as before spec 423.
    #[default]
    Modular,
    /// By state kept on chain, as since spec 423.
    Stateful,
}

/// The chain's settings beside the subnet's [`crate::chain::Hyperparameters`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChainRules {
    /// Epochs from commit to reveal.
    pub reveal_period_epochs: u64,
    /// Layout of sealed weights that is accepted.
    pub commit_reveal_version: u16,
    /// Blocks after which the price of a registration halves; 0 keeps the price constant.
    pub adjustment_interval: u16,
    /// Lowest price of a registration, in rao, when it changes.
    pub min_burn: u64,
    /// Highest price of a registration, in rao, when it changes.
    pub max_burn: u64,
    /// How epochs are counted.
    pub epochs: EpochRule,
    /// Whether the pool looks at the pace of weights, as since spec 423, or the block alone.
    pub pool_checks_pace: bool,
    /// When the beacon began, in Unix seconds: the start of the chain.
    pub beacon_genesis: u64,
    /// Seconds between two rounds of the beacon.
    pub beacon_period: u64,
}

impl Default for ChainRules {
    /// The runtime's own defaults, with a constant price.
    fn default() -> Self {
        Self {
            reveal_period_epochs: 1,
            commit_reveal_version: 4,
            adjustment_interval: 0,
            min_burn: 500_000,
            max_burn: 100_000_000_000,
            epochs: EpochRule::Modular,
            pool_checks_pace: true,
            beacon_genesis: 0,
            beacon_period: 3,
        }
    }
}
