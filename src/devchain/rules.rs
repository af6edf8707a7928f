//! Settings of the chain that are not part of the node's view of a subnet.

use serde::{Deserialize, Serialize};

/// How the chain counts epochs (docs/spec/chain.md#reveal-round).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EpochRule {
    /// Epochs follow from the block number, as before spec 423.
    #[default]
    Modular,
    /// Epochs follow from state on the chain, as since spec 423.
    Stateful,
}

/// The chain's settings besides the subnet's [`crate::chain::Hyperparameters`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChainRules {
    /// Epochs from a commit to its reveal.
    pub reveal_period_epochs: u64,
    /// Version of the layout of sealed weights that is accepted.
    pub commit_reveal_version: u16,
    /// Blocks after which the price of a registration halves; 0 keeps the price constant.
    pub adjustment_interval: u16,
    /// Lowest price of a registration in rao; a change of the price stops here.
    pub min_burn: u64,
    /// Highest price of a registration in rao; a change of the price stops here.
    pub max_burn: u64,
    /// The rule by which epochs are counted.
    pub epochs: EpochRule,
    /// Whether the pool checks as since spec 423: the rate limit of weights and the addresses of
    /// metrics, and no longer movements of stake.
    pub pool_checks_pace: bool,
    /// Start of beacon round counting, in Unix seconds.
    pub beacon_genesis: u64,
    /// Seconds between two rounds of the beacon.
    pub beacon_period: u64,
}

impl Default for ChainRules {
    /// The runtime's own defaults, with a constant price of registration.
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
