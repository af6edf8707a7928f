//! What a block did, in terms of the runtime's events.

use serde::{Deserialize, Serialize};

use super::state::EpochReport;
use crate::chain::{Hash, Head, Netuid, Refusal, Uid};
use crate::wallet::AccountId;

/// A change that a transaction made, as the runtime reports it. Success and failure are in
/// [`Applied::outcome`], the fee is in [`Applied::fee`]. Amounts are in rao.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A hotkey was registered in a slot.
    NeuronRegistered {
        /// Number of the subnet that it registered on.
        netuid: Netuid,
        /// Slot that the hotkey got.
        uid: Uid,
        /// The hotkey that was registered.
        hotkey: AccountId,
    },
    /// A hotkey published a new axon record.
    AxonServed {
        /// Number of the subnet that the axon serves.
        netuid: Netuid,
        /// The hotkey that the axon belongs to.
        hotkey: AccountId,
    },
    /// A hotkey published a new prometheus record.
    PrometheusServed {
        /// Number of the subnet that the neuron belongs to.
        netuid: Netuid,
        /// The hotkey that the record belongs to.
        hotkey: AccountId,
    },
    /// A neuron's weights came into force.
    WeightsSet {
        /// Mechanism id times 4,096 plus netuid.
        index: u16,
        /// Slot of the neuron that set the weights.
        uid: Uid,
    },
    /// A hotkey's sealed weights were stored.
    TimelockedWeightsCommitted {
        /// The hotkey that committed them.
        hotkey: AccountId,
        /// Mechanism id times 4,096 plus netuid.
        index: u16,
        /// BLAKE2b-256 of the sealed bytes.
        commit: Hash,
        /// The beacon round that opens them.
        round: u64,
    },
    /// A coldkey's balance became stake.
    StakeAdded {
        /// The coldkey that paid.
        coldkey: AccountId,
        /// The hotkey whose stake grew.
        hotkey: AccountId,
        /// Number of the subnet that the stake is on.
        netuid: Netuid,
        /// Rao that moved.
        amount: u64,
    },
    /// A hotkey's stake became balance.
    StakeRemoved {
        /// The coldkey that received the balance.
        coldkey: AccountId,
        /// The hotkey whose stake shrank.
        hotkey: AccountId,
        /// Number of the subnet that the stake was on.
        netuid: Netuid,
        /// Rao that moved.
        amount: u64,
    },
    /// One account paid another.
    Transfer {
        /// The account that paid.
        from: AccountId,
        /// The account that was paid.
        to: AccountId,
        /// Rao that moved.
        amount: u64,
    },
    /// An account received balance for the first time.
    NewAccount {
        /// The account that exists from now on.
        account: AccountId,
    },
    /// The first balance of a new account.
    Endowed {
        /// The account that exists from now on.
        account: AccountId,
        /// Rao that it received.
        amount: u64,
    },
    /// Rao left an account: for a registration or into stake.
    Withdrawn {
        /// The account that paid.
        account: AccountId,
        /// Rao that it paid.
        amount: u64,
    },
    /// Rao came into an account, out of stake.
    Deposited {
        /// The account that received it.
        account: AccountId,
        /// Rao that it received.
        amount: u64,
    },
    /// A registration's price was destroyed.
    RaoRecycled {
        /// Number of the subnet that was registered on.
        netuid: Netuid,
        /// Rao destroyed there so far.
        total: u64,
    },
    /// A sealed transaction is in the block; what is in it follows in another one.
    EncryptedSubmitted {
        /// BLAKE2b-256 of sender and sealed bytes.
        id: Hash,
        /// The account that sent it.
        account: AccountId,
    },
    /// A hotkey's hash of weights was stored.
    WeightsCommitted {
        /// The hotkey that committed it.
        hotkey: AccountId,
        /// Mechanism id times 4,096 plus netuid.
        index: u16,
        /// The hash.
        hash: Hash,
    },
    /// A hotkey revealed the weights behind a hash.
    WeightsRevealed {
        /// The hotkey that revealed them.
        hotkey: AccountId,
        /// Mechanism id times 4,096 plus netuid.
        index: u16,
        /// The hash.
        hash: Hash,
    },
}

/// A transaction that a block carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Hash of the signed transaction.
    pub hash: Hash,
    /// The account that signed it.
    pub signer: AccountId,
    /// Its position among the block's transactions, from 0.
    pub index: u32,
    /// `Ok` if the call succeeded; after a refusal only nonce and fee have changed.
    pub outcome: Result<(), Refusal>,
    /// Rao that the signer paid; 0 for free calls.
    pub fee: u64,
    /// Its changes in order; empty if it was refused.
    pub events: Vec<Event>,
}

/// What a block did, in the order in which it was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockReport {
    /// Number and hash of the block.
    pub head: Head,
    /// Time of the block, in Unix milliseconds.
    pub now_ms: u64,
    /// Hotkeys whose sealed weights came into force in it, before the epoch.
    pub revealed: Vec<AccountId>,
    /// The epoch, if one ran at the start of this block.
    pub epoch: Option<EpochReport>,
    /// The transactions in the block, in order.
    pub applied: Vec<Applied>,
    /// Transactions that left the pool without being in a block: they expired, or their signer
    /// could no longer pay.
    pub dropped: Vec<Hash>,
}
