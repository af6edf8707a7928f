//! Why no weights are set: closed lists, each with a label for metrics and a sentence for people.

use strum::{IntoStaticStr, VariantNames};

use crate::chain::commit_reveal::ScheduleError;
use crate::chain::weights::WeightsError;
use crate::chain::{RAO_PER_TAO, Refusal};

/// What passes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum WaitReason {
    /// The window of our last weights is not over.
    #[error("our last weights are younger than an epoch or the chain's rate limit")]
    Window,
    /// No turn was scored yet.
    #[error("nothing has been scored yet")]
    NoScores,
    /// Scores and subnet are of different sizes for a moment.
    #[error("scores and subnet differ in size: the metagraph is being synced")]
    ScoresAhead,
    /// What we know of the subnet is too old to set weights by.
    #[error("the metagraph is too old to set weights by: look at the chain's connection")]
    MetagraphTooOld,
    /// The chain holds ten of our commits.
    #[error("ten commits wait to be revealed: the chain takes no more before the next epoch")]
    TooManyUnrevealed,
    /// A setting was signed and its fate is unknown.
    #[error("the fate of the last setting is not known yet")]
    OpenSetting,
    /// The last attempt failed a moment ago.
    #[error("the last attempt was refused a moment ago")]
    Backoff,
}

impl WaitReason {
    /// A stable label for metrics.
    pub fn label(self) -> &'static str {
        self.into()
    }
}

/// What an operator, the subnet or its validators must change.
#[derive(Debug, Clone, PartialEq, IntoStaticStr, VariantNames, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum StopReason {
    /// The operator said so.
    #[error("weight setting is switched off (neuron.disable_set_weights)")]
    Disabled,
    /// The hotkey holds no slot.
    #[error("the hotkey is not registered on the subnet: register it")]
    NotRegistered,
    /// Below the chain's threshold.
    #[error(
        "the stake of {} TAO is below the {} TAO that setting weights takes: add stake",
        tao(*stake), tao(*needed)
    )]
    StakeTooLow {
        /// What we have, in rao.
        stake: u64,
        /// What it takes, in rao.
        needed: u64,
    },
    /// The subnet demands a newer version of the scoring.
    #[error("the version key {ours} is older than the subnet's {needed}: update the node")]
    VersionKeyStale {
        /// Ours.
        ours: u64,
        /// The subnet's.
        needed: u64,
    },
    /// No seat among the validators.
    #[error("the hotkey has no validator permit: its stake is not among the highest")]
    NoPermit,
    /// After processing, fewer weights are left than the chain takes.
    #[error("only {n_weights} weights are left of the scores, the subnet demands {needed}")]
    TooFewWeights {
        /// How many are left.
        n_weights: usize,
        /// How many it takes.
        needed: usize,
    },
    /// Scores that make no weights.
    #[error("the scores make no weights: {0}")]
    ScoresUnusable(WeightsError),
    /// The subnet's epochs allow no reveal.
    #[error("no reveal can be planned: {0}")]
    NoRevealRound(ScheduleError),
    /// By our clock the reveal would lie in the past.
    #[error(
        "by this machine's clock weights would be revealed in round {planned}, but the chain has \
         round {stored} already: set the clock"
    )]
    ClockBehind {
        /// The planned round.
        planned: u64,
        /// The newest round on chain.
        stored: u64,
    },
    /// More weights than a sealed commit holds.
    #[error("the weights cannot be sealed: {0}")]
    Unsealable(crate::chain::commit_reveal::SealError),
    /// The chain refused what its own terms allow.
    #[error("the chain refuses our weights: {0}")]
    Refused(Refusal),
    /// The runtime lacks what we need.
    #[error("weights cannot be set on this chain: {0}")]
    Unsupported(String),
}

impl StopReason {
    /// A stable label for metrics.
    pub fn label(&self) -> &'static str {
        self.into()
    }
}

fn tao(rao: u64) -> f64 {
    rao as f64 / RAO_PER_TAO as f64
}
