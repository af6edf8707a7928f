//! What a weight setting is planned from, what is sent, and where a transaction can still land:
//! plain data between the chain and the committer.

use serde::{Deserialize, Serialize};

use super::commit_reveal::{BeaconParameters, EpochSchedule};
use super::{Head, Hyperparameters, Uid, WeightVector};
use crate::wallet::blake2b_256;

/// All that must be known at one block to plan a weight setting of one hotkey.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightTerms {
    /// The block that everything was read at.
    pub head: Head,
    /// Our slot; `None`: the hotkey is not registered.
    pub uid: Option<Uid>,
    /// Holds a validator permit.
    pub has_permit: bool,
    /// Is the subnet owner's hotkey: exempt of permit and stake threshold.
    pub is_owner: bool,
    /// The metagraph's S, in rao.
    pub stake: u64,
    /// Block of our last weights or commit, or of our registration.
    pub last_update: u64,
    /// Slots that are taken.
    pub n_neurons: u16,
    /// The subnet's settings.
    pub hyperparameters: Hyperparameters,
    /// There exactly when weights must be sealed first.
    pub reveal: Option<RevealTerms>,
}

/// What sealed weights need to know (docs/spec/chain.md#commit-reveal).
#[derive(Debug, Clone, PartialEq)]
pub struct RevealTerms {
    /// Version of sealed commits that the chain takes (`CommitRevealWeightsVersion`).
    pub version: u16,
    /// Epochs from a commit to its reveal (`RevealPeriodEpochs`).
    pub period_epochs: u64,
    /// How this runtime counts epochs, at the terms' block.
    pub schedule: EpochSchedule,
    /// The beacon that opens commits.
    pub beacon: BeaconParameters,
    /// Newest round that the chain has (`Drand.LastStoredRound`); older ones are refused.
    pub last_stored_round: u64,
    /// Seconds a block; 12 when the runtime does not tell.
    pub block_time: f64,
    /// Our commits that the chain has yet to reveal; with ten, it takes no more.
    pub n_unrevealed: usize,
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum WeightSetting {
    /// Weights that count at once.
    Plain {
        /// The weights.
        weights: WeightVector,
        /// Version of the scoring.
        version_key: u64,
    },
    /// Weights that the chain opens by itself in their reveal epoch.
    Sealed {
        /// The sealed payload.
        commit: Vec<u8>,
        /// The beacon round that opens it.
        reveal_round: u64,
        /// Version of sealed commits.
        version: u16,
    },
}

impl WeightSetting {
    /// How the chain names a sealed commit in events and storage: BLAKE2b-256 of its bytes.
    /// `None` for plain weights.
    pub fn commit_hash(&self) -> Option<[u8; 32]> {
        match self {
            Self::Plain { .. } => None,
            Self::Sealed { commit, .. } => Some(blake2b_256(commit)),
        }
    }
}

/// A sealed commit as the chain stores it (`TimelockedWeightCommits`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredCommit {
    /// The block it landed in.
    pub block: u64,
    /// The beacon round that opens it.
    pub round: u64,
    /// BLAKE2b-256 of its bytes.
    pub hash: [u8; 32],
}

/// Where a transaction that is about to be signed can still land.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mortality {
    /// How many transactions of the signer come before it.
    pub nonce: u32,
    /// The last block that may carry it.
    pub last_block: u64,
}
