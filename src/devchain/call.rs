//! What can be asked of the dev chain: the runtime's calls that the node, its tests and the
//! official clients use, without their encoding.
//!
//! A [`Transaction`] arrives with its signature checked already. Whoever takes transactions from
//! outside decodes them, checks who signed, and names them by hash.

use serde::{Deserialize, Serialize};

use super::change::HyperparameterChange;
use crate::chain::{AxonInfo, Hash, Netuid, Uid};
use crate::wallet::AccountId;

/// A request to the chain. Amounts are in rao.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// Signed by the coldkey: takes a slot for `hotkey` and burns the price.
    BurnedRegister {
        /// The subnet.
        netuid: Netuid,
        /// Who gets the slot.
        hotkey: AccountId,
    },
    /// Signed by the hotkey: publishes where it serves. The record's own block is ignored.
    ServeAxon {
        /// The subnet.
        netuid: Netuid,
        /// The record.
        axon: AxonInfo,
    },
    /// Signed by the hotkey: publishes where it serves its metrics.
    ServePrometheus {
        /// The subnet.
        netuid: Netuid,
        /// Version number of the serving software.
        version: u32,
        /// The address as an integer.
        ip: u128,
        /// TCP port.
        port: u16,
        /// 4 or 6.
        ip_type: u8,
    },
    /// Signed by the hotkey: `values[i]` for `uids[i]`.
    SetWeights {
        /// The subnet.
        netuid: Netuid,
        /// The mechanism; only 0 exists.
        mecid: u8,
        /// Whom the weights are for.
        uids: Vec<Uid>,
        /// The weights, of any scale.
        values: Vec<u16>,
        /// Version of the scoring.
        version_key: u64,
    },
    /// Signed by the hotkey: weights that the chain opens itself, once the beacon has signed
    /// `reveal_round`.
    CommitTimelocked {
        /// The subnet.
        netuid: Netuid,
        /// The mechanism; only 0 exists.
        mecid: u8,
        /// The sealed weights.
        #[serde(with = "super::hex_bytes")]
        commit: Vec<u8>,
        /// The round whose signature opens them.
        reveal_round: u64,
        /// Which layout the sealed bytes have.
        version: u16,
    },
    /// Signed by a coldkey: moves balance into the hotkey's stake.
    AddStake {
        /// Whose stake grows.
        hotkey: AccountId,
        /// The subnet.
        netuid: Netuid,
        /// How much.
        amount: u64,
    },
    /// Signed by the hotkey's coldkey: moves its stake into the coldkey's balance.
    RemoveStake {
        /// Whose stake shrinks.
        hotkey: AccountId,
        /// The subnet.
        netuid: Netuid,
        /// How much.
        amount: u64,
    },
    /// Signed by a coldkey: moves balance.
    Transfer {
        /// Who gets it.
        to: AccountId,
        /// How much.
        amount: u64,
        /// Whether to refuse what would leave the signer below the existential deposit.
        keep_alive: bool,
    },
    /// Signed by the sudo account: changes one setting.
    SetHyperparameter(HyperparameterChange),
    /// Does nothing, for a fee.
    Remark,
    /// A call of the runtime that the dev chain does not have: costs a fee and is refused.
    Unsupported {
        /// Its pallet.
        pallet: String,
        /// Its name.
        call: String,
    },
}

/// A request whose signature was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// Names it: different bytes, different hash.
    pub hash: Hash,
    /// Who asks, and pays.
    pub signer: AccountId,
    /// How many transactions of the signer come before.
    pub nonce: u32,
    /// What is asked.
    pub call: Call,
    /// The last block that may carry it.
    pub last_block: u64,
    /// Bytes as sent, for the fee.
    pub length: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What waits is kept as JSON, in which no call may be mistaken for another.
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
        ];
        let texts: Vec<_> = calls.iter().map(|call| serde_json::to_string(call).unwrap()).collect();
        for (call, text) in calls.iter().zip(&texts) {
            assert_eq!(serde_json::from_str::<Call>(text).unwrap(), *call);
            assert_eq!(texts.iter().filter(|other| *other == text).count(), 1, "{text}");
        }
    }
}
