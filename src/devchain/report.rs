//! What a block did, in the words of the runtime's events.

use serde::{Deserialize, Serialize};

use super::state::EpochReport;
use crate::chain::{Hash, Head, Netuid, Refusal, Uid};
use crate::wallet::AccountId;

/// What a transaction changed, as the runtime tells it. Success and failure as such are
/// [`Applied::outcome`], the fee is [`Applied::fee`]. Amounts are in rao.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A hotkey got a slot.
    NeuronRegistered {
        /// The subnet.
        netuid: Netuid,
        /// The slot.
        uid: Uid,
        /// The hotkey.
        hotkey: AccountId,
    },
    /// An axon record changed.
    AxonServed {
        /// The subnet.
        netuid: Netuid,
        /// Whose record.
        hotkey: AccountId,
    },
    /// A prometheus record changed.
    PrometheusServed {
        /// The subnet.
        netuid: Netuid,
        /// Whose record.
        hotkey: AccountId,
    },
    /// Weights are in force.
    WeightsSet {
        /// Mechanism id times 4,096 plus netuid.
        index: u16,
        /// Whose weights.
        uid: Uid,
    },
    /// Sealed weights are stored.
    TimelockedWeightsCommitted {
        /// Who committed.
        hotkey: AccountId,
        /// Mechanism id times 4,096 plus netuid.
        index: u16,
        /// BLAKE2b-256 of the sealed bytes.
        commit: Hash,
        /// The round that opens them.
        round: u64,
    },
    /// Balance became stake.
    StakeAdded {
        /// Who paid.
        coldkey: AccountId,
        /// Whose stake.
        hotkey: AccountId,
        /// The subnet.
        netuid: Netuid,
        /// How much.
        amount: u64,
    },
    /// Stake became balance.
    StakeRemoved {
        /// Who got it.
        coldkey: AccountId,
        /// Whose stake.
        hotkey: AccountId,
        /// The subnet.
        netuid: Netuid,
        /// How much.
        amount: u64,
    },
    /// Balance changed hands.
    Transfer {
        /// Who paid.
        from: AccountId,
        /// Who got it.
        to: AccountId,
        /// How much.
        amount: u64,
    },
    /// An account holds balance for the first time.
    NewAccount {
        /// The account.
        account: AccountId,
    },
}

/// A transaction in a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The transaction.
    pub hash: Hash,
    /// Who asked.
    pub signer: AccountId,
    /// Its place among the block's transactions, from 0.
    pub index: u32,
    /// Carried out, or refused without effect but for nonce and fee.
    pub outcome: Result<(), Refusal>,
    /// What it cost the signer, in rao; 0 for calls that are free.
    pub fee: u64,
    /// What it changed, in order; empty when it was refused.
    pub events: Vec<Event>,
}

/// What a block did, in the order in which it was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockReport {
    /// The block.
    pub head: Head,
    /// Its time, in Unix milliseconds.
    pub now_ms: u64,
    /// Hotkeys whose sealed weights came into force, before the epoch.
    pub revealed: Vec<AccountId>,
    /// The epoch, if one ran at the start of this block.
    pub epoch: Option<EpochReport>,
    /// Its transactions.
    pub applied: Vec<Applied>,
    /// Transactions that left the pool without a block: their time was over, or their signer
    /// could no longer pay.
    pub dropped: Vec<Hash>,
}
