//! What the node knows of the chain and the only door to it.
//!
//! [`Chain`] is the seam: the embedded dev chain implements it in `sn1-actors`. Everything else here
//! is plain data at one block, how it is read from a real runtime's answers ([`decode`]), and the
//! arithmetic from scores to weights ([`weights`]).

use std::future::Future;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::wallet::{AccountId, Keypair};

pub mod axon_info;
pub mod commit_reveal;
pub mod decode;
pub mod weights;

pub use axon_info::AxonInfo;
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

/// A subnet's settings that the node acts on (`subtensor.md` sections 2 and 4).
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

/// Why the pool did not take a transaction, or the runtime did not carry it out. The names are
/// the runtime's own (`subtensor.md` section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// The nonce was used already.
    #[error("transaction is outdated: its nonce was used already; sign it anew")]
    Outdated,
    /// The nonce lies ahead of the account's next one.
    #[error("transaction's nonce lies in the future; ask the chain for the next one")]
    FutureNonce,
    /// The signature does not belong to the signer.
    #[error("transaction has a bad signature")]
    BadSignature,
    /// The payer cannot pay.
    #[error("the coldkey cannot pay: its balance is too low")]
    BalanceTooLow,
    /// No such subnet.
    #[error("the subnet does not exist")]
    SubnetNotExists,
    /// The hotkey holds no uid on the subnet.
    #[error("the hotkey is not registered on the subnet")]
    HotKeyNotRegisteredInSubNet,
    /// The hotkey holds a uid on the subnet already.
    #[error("the hotkey is registered on the subnet already")]
    HotKeyAlreadyRegisteredInSubNet,
    /// The hotkey belongs to another coldkey.
    #[error("the hotkey belongs to another coldkey")]
    NonAssociatedColdKey,
    /// The subnet is full and every neuron is immune.
    #[error("the subnet is full and every neuron on it is still immune")]
    NoNeuronIdAvailable,
    /// Weights came before the rate limit had passed.
    #[error("weights came too fast: wait for the rate limit to pass")]
    SettingWeightsTooFast,
    /// The hotkey has no validator permit.
    #[error("the hotkey has no validator permit")]
    NeuronNoValidatorPermit,
    /// Stake is below the threshold for weights.
    #[error("not enough stake to set weights")]
    NotEnoughStakeToSetWeights,
    /// The version key is older than the subnet demands.
    #[error("the weights' version key is older than the subnet demands: update the node")]
    IncorrectWeightVersionKey,
    /// Fewer weights than the subnet demands.
    #[error("the weight vector is too short")]
    WeightVecLengthIsLow,
    /// As many uids as weights are needed.
    #[error("the weight vector's uids and values differ in length")]
    WeightVecNotEqualSize,
    /// A uid is named twice.
    #[error("the weight vector names a uid twice")]
    DuplicateUids,
    /// A uid is not on the subnet.
    #[error("the weight vector names a uid that is not on the subnet")]
    UidVecContainInvalidOne,
    /// More weights than neurons.
    #[error("the weight vector is longer than the subnet")]
    UidsLengthExceedUidsInSubNet,
    /// Weights must be committed first.
    #[error("the subnet takes committed weights only")]
    CommitRevealEnabled,
    /// The axon record came before the rate limit had passed.
    #[error("the axon record came too fast: wait for the serving rate limit to pass")]
    ServingRateLimitExceeded,
    /// The address type is neither 4 nor 6.
    #[error("the axon's address type is neither 4 nor 6")]
    InvalidIpType,
    /// The address cannot be served.
    #[error("the axon's address cannot be served")]
    InvalidIpAddress,
    /// The port is 0.
    #[error("the axon's port is 0")]
    InvalidPort,
}

impl Refusal {
    /// The runtime's name of the error; a stable label for metrics and reports.
    pub fn label(&self) -> String {
        format!("{self:?}")
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
    /// The subnet is not there.
    #[error("subnet {0} does not exist on this chain")]
    NoSubnet(Netuid),
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
/// [`ChainError::Unreachable`]. Transactions return once they are in a block.
pub trait Chain: Clone + Send + Sync + Unpin + 'static {
    /// The newest block.
    fn head(&self) -> impl Future<Output = Result<Head, ChainError>> + Send;

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

    /// Sets weights in one transaction.
    fn set_weights(
        &self,
        hotkey: &Keypair,
        netuid: Netuid,
        weights: &WeightVector,
        version_key: u64,
    ) -> impl Future<Output = Result<Included, ChainError>> + Send;
}
