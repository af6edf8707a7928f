//! What the node knows of the chain, and the only way to it.
//!
//! [`Chain`] is the seam: the client in `sn1-actors` implements it, for the real chain and the dev
//! chain alike. Everything else here is plain data at one block, how it is read from a runtime's
//! answers ([`decode`]), and the arithmetic from scores to weights ([`weights`]).

use std::future::Future;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::wallet::{AccountId, Keypair};

pub mod axon_info;
pub mod commit_record;
pub mod commit_reveal;
pub mod decode;
pub mod freshness;
pub mod refusal;
pub mod registration;
pub mod rpc;
pub mod serving;
pub mod transaction;
pub mod weight_cycle;
pub mod weight_plan;
pub mod weight_terms;
pub mod weights;

pub use axon_info::{AxonInfo, PrometheusInfo, PrometheusRecord};
pub use commit_record::{
    CommitId, CommitIntent, CommitOutcome, CommitRecord, RevealOutcome, SealedIntent,
};
pub use freshness::{Freshness, Stage};
pub use refusal::{Refusal, RefusalClass};
pub use registration::Registration;
pub use weight_plan::{Plan, PlanSettings, PlannedSetting, StopReason, WaitReason};
pub use weight_terms::{Mortality, RevealTerms, StoredCommit, WeightSetting, WeightTerms};
pub use weights::WeightVector;

/// Rao in one TAO.
pub const RAO_PER_TAO: u64 = 1_000_000_000;

/// A neuron's slot on a subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Uid(pub u16);

impl std::fmt::Display for Uid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A subnet's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Netuid(pub u16);

impl std::fmt::Display for Netuid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A block's hash, or a transaction's. Shown as `0x` hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Hash(pub [u8; 32]);

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "0x{}", hex::encode(self.0))
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.trim_start_matches("0x"), &mut bytes)
            .map_err(serde::de::Error::custom)?;
        Ok(Self(bytes))
    }
}

/// The newest block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Height.
    pub number: u64,
    /// Hash.
    pub hash: Hash,
}

/// A subnet's settings that the node acts on (docs/spec/chain.md#hyperparameters and
/// docs/spec/chain.md#weights-checks).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hyperparameters {
    /// Blocks between epochs.
    pub tempo: u16,
    /// Blocks a hotkey waits between two weight settings.
    pub weights_rate_limit: u64,
    /// Lowest version key the chain accepts with weights.
    pub weights_version_key: u64,
    /// Fewest weights a vector may hold.
    pub min_allowed_weights: u16,
    /// Largest share of one weight, of 65,535.
    pub max_weight_limit: u16,
    /// Blocks during which a new neuron is not pruned.
    pub immunity_period: u16,
    /// Blocks after which a silent validator counts as inactive; the largest number stands for
    /// itself and more.
    pub activity_cutoff: u16,
    /// Consensus majority, of 65,535.
    pub kappa: u16,
    /// Bonds moving average, of 1,000,000.
    pub bonds_moving_average: u64,
    /// Seats with a validator permit.
    pub max_validators: u16,
    /// Slots on the subnet.
    pub max_uids: u16,
    /// Blocks between two changes of an axon record.
    pub serving_rate_limit: u64,
    /// Stake, in rao, below which weights are refused.
    pub stake_threshold: u64,
    /// Whether weights must be committed first and revealed later.
    pub commit_reveal_enabled: bool,
    /// Price of a registration, in rao.
    pub burn: u64,
}

impl Default for Hyperparameters {
    /// The runtime's own for a new subnet (docs/spec/chain.md#hyperparameters), but weights need no
    /// stake and are not committed first: where dev chains and tests begin.
    fn default() -> Self {
        Self {
            tempo: 360,
            weights_rate_limit: 100,
            weights_version_key: 0,
            min_allowed_weights: 1,
            max_weight_limit: u16::MAX,
            immunity_period: 5000,
            activity_cutoff: 5000,
            kappa: 32_767,
            bonds_moving_average: 900_000,
            max_validators: 64,
            max_uids: 256,
            serving_rate_limit: 50,
            stake_threshold: 0,
            commit_reveal_enabled: false,
            burn: RAO_PER_TAO,
        }
    }
}

/// One slot of the subnet, at one block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neuron {
    /// The slot.
    pub uid: Uid,
    /// Who serves and signs.
    pub hotkey: AccountId,
    /// Who owns the hotkey.
    pub coldkey: AccountId,
    /// The metagraph's S (total stake weight), in rao.
    pub stake: u64,
    /// Holds a validator permit.
    pub validator_permit: bool,
    /// Was active in the last epoch.
    pub active: bool,
    /// Where it serves.
    pub axon: AxonInfo,
    /// Block of its last weights, or of its registration.
    pub last_update: u64,
    /// Block of its registration.
    pub registered_at: u64,
    /// Share of the miners' reward, of 65,535.
    pub incentive: u16,
    /// Share of the validators' reward, of 65,535.
    pub dividends: u16,
    /// Consensus weight, of 65,535.
    pub consensus: u16,
    /// Validator trust, of 65,535.
    pub validator_trust: u16,
    /// Emission of the last epoch, in rao.
    pub emission: u64,
}

/// What of a registration's price is locked for one slot (docs/spec/chain.md#newer), as the chain
/// counts it: in billionths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collateral {
    /// Locked now.
    pub locked: u64,
    /// Locked at least.
    pub min: u64,
    /// Earned back.
    pub earned: u64,
}

/// The subnet at one block: every field is of the same block hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metagraph {
    /// The subnet.
    pub netuid: Netuid,
    /// The block it was read at.
    pub head: Head,
    /// The subnet's settings at that block.
    pub hyperparameters: Hyperparameters,
    /// By uid, without gaps: `neurons[i].uid == Uid(i)`.
    pub neurons: Vec<Neuron>,
    /// By uid; empty where the runtime knows no collateral.
    #[serde(default)]
    pub collateral: Vec<Collateral>,
}

impl Metagraph {
    /// The neuron that `hotkey` holds, if it is registered.
    pub fn neuron_of(&self, hotkey: &AccountId) -> Option<&Neuron> {
        self.neurons.iter().find(|neuron| neuron.hotkey == *hotkey)
    }

    /// The neuron in slot `uid`.
    pub fn neuron(&self, uid: Uid) -> Option<&Neuron> {
        self.neurons.get(usize::from(uid.0))
    }
}

/// Why the chain gave no answer, or refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// Nobody answered. Whether a submitted transaction landed is unknown: ask the chain.
    #[error("the chain did not answer while {attempted}: {reason}")]
    Unreachable {
        /// What was attempted.
        attempted: &'static str,
        /// What happened instead of an answer.
        reason: String,
    },
    /// No node takes transactions. Nothing was sent.
    #[error("{attempted} could not be sent: {reason}")]
    Unsent {
        /// What was attempted.
        attempted: &'static str,
        /// What the nodes lack.
        reason: String,
    },
    /// The subnet is not there.
    #[error("subnet {0} does not exist on this chain")]
    NoSubnet(Netuid),
    /// The chain's runtime has no such call, storage or parameter, in any form that is known.
    #[error(
        "this chain's runtime has no {0}: it is older or newer than this node knows; update the node"
    )]
    Missing(String),
    /// The pool or the runtime said no. Nothing changed on chain.
    #[error("the chain refused {attempted}: {refusal}")]
    Refused {
        /// What was attempted.
        attempted: &'static str,
        /// The runtime's reason.
        #[source]
        refusal: Refusal,
    },
}

/// A transaction that is in a block and succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Included {
    /// The block.
    pub head: Head,
    /// The transaction.
    pub transaction: Hash,
}

/// Weights as the chain stores them: uids rising, the largest value 65,535.
pub type StoredWeights = Vec<(Uid, u16)>;

/// What this node needs from the chain.
///
/// Every call ends within the implementation's own deadline: answered, refused, or
/// [`ChainError::Unreachable`]. Transactions return once they are in a block;
/// [`submit_weights`](Chain::submit_weights) waits for finality.
pub trait Chain: Clone + Send + Sync + Unpin + 'static {
    /// The newest block.
    fn head(&self) -> impl Future<Output = Result<Head, ChainError>> + Send;

    /// The newest final block. A transaction that is not in it or before it, and whose last block
    /// it has passed, never lands.
    fn finalized(&self) -> impl Future<Output = Result<Head, ChainError>> + Send;

    /// The subnet at the newest block.
    fn metagraph(
        &self,
        netuid: Netuid,
    ) -> impl Future<Output = Result<Arc<Metagraph>, ChainError>> + Send;

    /// The weights that `uid` has on chain now.
    fn weights(
        &self,
        netuid: Netuid,
        uid: Uid,
    ) -> impl Future<Output = Result<StoredWeights, ChainError>> + Send;

    /// All that a weight setting of `hotkey` is planned from, read at one block.
    fn weight_terms(
        &self,
        netuid: Netuid,
        hotkey: &AccountId,
    ) -> impl Future<Output = Result<WeightTerms, ChainError>> + Send;

    /// The sealed commits of `hotkey` that the chain still holds, of any epoch, oldest first.
    fn weight_commits(
        &self,
        netuid: Netuid,
        hotkey: &AccountId,
    ) -> impl Future<Output = Result<Vec<StoredCommit>, ChainError>> + Send;

    /// Nonce and last block of the next transaction of `signer`: written down before it is signed.
    fn next_transaction(
        &self,
        signer: &AccountId,
    ) -> impl Future<Output = Result<Mortality, ChainError>> + Send;

    /// Registers `hotkey`, burning the price from `coldkey`'s balance.
    fn burned_register(
        &self,
        coldkey: &Keypair,
        netuid: Netuid,
        hotkey: AccountId,
    ) -> impl Future<Output = Result<Included, ChainError>> + Send;

    /// Publishes where `hotkey` serves.
    fn serve_axon(
        &self,
        hotkey: &Keypair,
        netuid: Netuid,
        axon: AxonInfo,
    ) -> impl Future<Output = Result<Included, ChainError>> + Send;

    /// Publishes where `hotkey`'s metrics are.
    fn serve_prometheus(
        &self,
        hotkey: &Keypair,
        netuid: Netuid,
        prometheus: PrometheusInfo,
    ) -> impl Future<Output = Result<Included, ChainError>> + Send;

    /// Where the chain says that `hotkey`'s metrics are; `None` when it never said so.
    ///
    /// A chain that cannot be asked says [`ChainError::Missing`]; then a record is published once
    /// in a process's life.
    fn prometheus(
        &self,
        netuid: Netuid,
        hotkey: &AccountId,
    ) -> impl Future<Output = Result<Option<PrometheusRecord>, ChainError>> + Send {
        let _ = (netuid, hotkey);
        async { Err(ChainError::Missing("storage of prometheus records".to_owned())) }
    }

    /// Signs with exactly this nonce and last block, submits, and follows to finality, or until
    /// the last block is final without the transaction.
    fn submit_weights(
        &self,
        hotkey: &Keypair,
        netuid: Netuid,
        setting: &WeightSetting,
        mortality: Mortality,
    ) -> impl Future<Output = Result<Included, ChainError>> + Send;
}
