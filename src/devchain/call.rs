//! The calls of the dev chain: those of the runtime that the node, its tests and the official
//! clients use, without their encoding.
//!
//! The signature of a [`Transaction`] has been checked already. A caller that accepts transactions
//! from outside must decode them, check the signature and compute the hash.

use serde::{Deserialize, Serialize};

use super::change::HyperparameterChange;
use crate::chain::{AxonInfo, Hash, Netuid, Uid};
use crate::wallet::AccountId;

/// A request to the chain. Amounts are in rao.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Signed by the coldkey: registers `hotkey` in a slot and burns the price of the registration.
    BurnedRegister {
        /// Number of the subnet to register on.
        netuid: Netuid,
        /// The hotkey that gets the slot.
        hotkey: AccountId,
    },
    /// Signed by the coldkey: the same, unless the price is above a limit.
    RegisterLimit {
        /// Number of the subnet to register on.
        netuid: Netuid,
        /// The hotkey that gets the slot.
        hotkey: AccountId,
        /// The highest price to pay, in rao.
        limit: u64,
    },
    /// Signed by the hotkey: publishes the address of its axon. The block in the record is ignored.
    ServeAxon {
        /// Number of the subnet that the axon serves.
        netuid: Netuid,
        /// Address, port and protocol of the axon.
        axon: AxonInfo,
    },
    /// Signed by the hotkey: publishes the address of its metrics.
    ServePrometheus {
        /// Number of the subnet that the neuron belongs to.
        netuid: Netuid,
        /// Version number of the serving software.
        version: u32,
        /// The IPv4 or IPv6 address as an integer.
        ip: u128,
        /// TCP port.
        port: u16,
        /// IP version: 4 or 6.
        ip_type: u8,
    },
    /// Signed by the hotkey: sets the weight `values[i]` for `uids[i]`.
    SetWeights {
        /// Number of the subnet to vote on.
        netuid: Netuid,
        /// The mechanism; only 0 exists.
        mecid: u8,
        /// The neurons that get the weights.
        uids: Vec<Uid>,
        /// The weights; only their ratios matter.
        values: Vec<u16>,
        /// Version of the validator's scoring; must reach the subnet's version key.
        version_key: u64,
    },
    /// Signed by the hotkey: commits weights that the chain opens itself, once the beacon has
    /// signed `reveal_round`.
    CommitTimelocked {
        /// Number of the subnet to vote on.
        netuid: Netuid,
        /// The mechanism; only 0 exists.
        mecid: u8,
        /// The sealed weights.
        #[serde(with = "super::hex_bytes")]
        commit: Vec<u8>,
        /// The beacon round whose signature opens the weights.
        reveal_round: u64,
        /// Version of the layout of the sealed bytes.
        version: u16,
    },
    /// Signed by the hotkey: commits a hash of weights, which it reveals later.
    CommitHash {
        /// Number of the subnet to vote on.
        netuid: Netuid,
        /// The mechanism; only 0 exists.
        mecid: u8,
        /// The hash of sender, weights and salt.
        hash: Hash,
    },
    /// Signed by the hotkey: sets the weights behind a hash that it committed.
    RevealWeights {
        /// Number of the subnet to vote on.
        netuid: Netuid,
        /// The mechanism; only 0 exists.
        mecid: u8,
        /// The neurons that get the weights.
        uids: Vec<Uid>,
        /// The weights, as they were hashed.
        values: Vec<u16>,
        /// What was hashed with them.
        salt: Vec<u16>,
        /// Version of the validator's scoring, as it was hashed.
        version_key: u64,
    },
    /// Signed by a coldkey: moves its balance into a hotkey's stake.
    AddStake {
        /// The hotkey whose stake grows.
        hotkey: AccountId,
        /// Number of the subnet that the stake is for.
        netuid: Netuid,
        /// Rao to move.
        amount: u64,
    },
    /// Signed by the hotkey's coldkey: moves the hotkey's stake into the coldkey's balance.
    RemoveStake {
        /// The hotkey whose stake shrinks.
        hotkey: AccountId,
        /// Number of the subnet that the stake is on.
        netuid: Netuid,
        /// Rao to move.
        amount: u64,
    },
    /// Signed by the hotkey's coldkey: moves all of the hotkey's stake into the coldkey's balance.
    RemoveAllStake {
        /// The hotkey that loses its stake.
        hotkey: AccountId,
        /// Number of the subnet that the stake is on; all of them if there is none.
        netuid: Option<Netuid>,
    },
    /// Signed by a coldkey: moves balance to another account.
    Transfer {
        /// The account that receives the balance.
        to: AccountId,
        /// Rao to move.
        amount: u64,
        /// Whether to refuse a transfer that leaves the signer less than the existential deposit.
        keep_alive: bool,
    },
    /// Signed by the sudo account, or for an owner's setting by the subnet owner: changes one
    /// setting.
    SetHyperparameter(HyperparameterChange),
    /// Signed by the subnet owner: changes the tempo, within the owner's bounds.
    SetTempo {
        /// Number of the owner's subnet.
        netuid: Netuid,
        /// Blocks between epochs, 360 to 50,400.
        tempo: u16,
    },
    /// Signed by the subnet owner: has the next block run an epoch.
    TriggerEpoch {
        /// Number of the owner's subnet.
        netuid: Netuid,
    },
    /// Carries a transaction that only the author of the block can open.
    SubmitEncrypted {
        /// The sealed transaction.
        #[serde(with = "super::hex_bytes")]
        ciphertext: Vec<u8>,
    },
    /// Does nothing, for a fee.
    Remark,
    /// A call that the runtime has and the dev chain lacks: costs a fee and is refused.
    Unsupported {
        /// Name of the call's pallet.
        pallet: String,
        /// Name of the call in the pallet.
        call: String,
    },
}

/// A call whose signature was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// Hash of the signed bytes, which identifies the transaction.
    pub hash: Hash,
    /// The account that signed it and pays the fee.
    pub signer: AccountId,
    /// Number of the signer's transactions that come before this one.
    pub nonce: u32,
    /// The call to carry out.
    pub call: Call,
    /// Number of the last block that may carry it.
    pub last_block: u64,
    /// Length in bytes as sent, which the fee depends on.
    pub length: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pool is saved as JSON, so every call must have a JSON form of its own.
    #[test]
    fn calls_are_told_apart_in_json_and_survive_it() {
        let (netuid, hotkey) = (Netuid(1), AccountId([9; 32]));
        let axon = AxonInfo::for_address("203.0.113.9:8091".parse().unwrap(), 1);
        let weights = |uids: &[u16], values: &[u16]| Call::SetWeights {
            netuid,
            mecid: 0,
            uids: uids.iter().copied().map(Uid).collect(),
            values: values.to_vec(),
            version_key: 1,
        };
        let commit = vec![1, 255];
        let calls = [
            Call::BurnedRegister { netuid, hotkey },
            Call::ServeAxon { netuid, axon },
            weights(&[1, 2], &[3]),
            weights(&[1], &[2, 3]),
            weights(&[], &[]),
            Call::AddStake { hotkey, netuid, amount: 5 },
            Call::Transfer { to: hotkey, amount: 5, keep_alive: false },
            Call::Transfer { to: hotkey, amount: 5, keep_alive: true },
            Call::ServePrometheus { netuid, version: 1, ip: u128::MAX, port: 2, ip_type: 6 },
            Call::CommitTimelocked { netuid, mecid: 0, commit, reveal_round: 9, version: 4 },
            Call::Remark,
            Call::RegisterLimit { netuid, hotkey, limit: 5 },
            Call::CommitHash { netuid, mecid: 0, hash: Hash([7; 32]) },
            Call::RevealWeights {
                netuid,
                mecid: 0,
                uids: vec![Uid(1)],
                values: vec![2],
                salt: vec![3],
                version_key: 4,
            },
            Call::SetTempo { netuid, tempo: 360 },
            Call::TriggerEpoch { netuid },
            Call::SubmitEncrypted { ciphertext: vec![1] },
            Call::RemoveAllStake { hotkey, netuid: None },
            Call::RemoveAllStake { hotkey, netuid: Some(netuid) },
        ];
        let texts: Vec<_> = calls.iter().map(|call| serde_json::to_string(call).unwrap()).collect();
        for (call, text) in calls.iter().zip(&texts) {
            assert_eq!(serde_json::from_str::<Call>(text).unwrap(), *call);
            assert_eq!(texts.iter().filter(|other| *other == text).count(), 1, "{text}");
        }
    }
}
