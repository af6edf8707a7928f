//! A block as the node stores it: header, transactions, events, and the state after it.

use std::sync::Arc;

use parity_scale_codec::{Compact, Encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::runtime::Runtime;
use crate::chain::{Hash, Head};
use crate::devchain::DevChain;
use crate::wallet::blake2b_256;

/// Id of the consensus engine in the log that holds the slot.
pub(super) const AURA: [u8; 4] = *b"aura";
/// Index of `PreRuntime` in the enum of logs.
const PRE_RUNTIME: u8 = 6;
/// Index of `RuntimeEnvironmentUpdated` in the enum of logs.
const ENVIRONMENT_UPDATED: u8 = 8;

/// A block's header. The state root is the state machine's own hash, which covers its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) parent: Hash,
    pub(super) number: u64,
    pub(super) state_root: Hash,
    pub(super) extrinsics_root: Hash,
    /// The digest's logs in order, each in SCALE.
    #[serde(with = "crate::devchain::node::hex_lists")]
    pub(super) logs: Vec<Vec<u8>>,
}

impl Header {
    /// BLAKE2b-256 over the header in SCALE: the block's hash, as clients compute it.
    pub(super) fn hash(&self) -> Hash {
        let mut bytes = self.parent.0.to_vec();
        Compact(self.number).encode_to(&mut bytes);
        bytes.extend(self.state_root.0);
        bytes.extend(self.extrinsics_root.0);
        self.encode_digest(&mut bytes);
        Hash(blake2b_256(&bytes))
    }

    /// The logs as one SCALE list.
    pub(super) fn encode_digest(&self, out: &mut Vec<u8>) {
        Compact(self.logs.len() as u64).encode_to(out);
        self.logs.iter().for_each(|log| out.extend(log));
    }

    pub(super) fn to_json(&self) -> Json {
        json!({
            "parentHash": self.parent.to_string(),
            "number": format!("{:#x}", self.number),
            "stateRoot": self.state_root.to_string(),
            "extrinsicsRoot": self.extrinsics_root.to_string(),
            "digest": { "logs": self.logs.iter().map(|log| to_hex(log)).collect::<Vec<_>>() },
        })
    }
}

/// The bytes as `0x` and hex digits.
pub(super) fn to_hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// The log that holds the slot of a block.
pub(super) fn slot_log(slot: u64) -> Vec<u8> {
    let mut log = vec![PRE_RUNTIME];
    log.extend(AURA);
    slot.encode().encode_to(&mut log);
    log
}

/// The log that says that another runtime is in force after the block.
pub(super) fn upgrade_log() -> Vec<u8> {
    vec![ENVIRONMENT_UPDATED]
}

/// A hash over the transactions in order.
pub(super) fn extrinsics_root(extrinsics: &[Vec<u8>]) -> Hash {
    let hashes = extrinsics.iter().flat_map(|bytes| blake2b_256(bytes));
    Hash(blake2b_256(&hashes.collect::<Vec<u8>>()))
}

/// A block and the state after it.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) hash: Hash,
    pub(super) header: Header,
    pub(super) extrinsics: Vec<Vec<u8>>,
    /// The block's events in SCALE, encoded by the runtime that carried the block out.
    pub(super) events: Vec<u8>,
    pub(super) n_events: u32,
    /// Time of the block, in Unix milliseconds.
    pub(super) now_ms: u64,
    /// The spec version that the state gives for the last upgrade.
    pub(super) upgraded_to: u32,
    /// The runtime in force after the block, for reads of its state and for the next block.
    pub(super) runtime: Arc<Runtime>,
    pub(super) chain: Arc<DevChain>,
}

impl Block {
    pub(super) fn head(&self) -> Head {
        Head { number: self.header.number, hash: self.hash }
    }

    pub(super) fn to_json(&self) -> Json {
        let extrinsics = self.extrinsics.iter().map(|bytes| to_hex(bytes));
        json!({
            "block": {
                "header": self.header.to_json(),
                "extrinsics": extrinsics.collect::<Vec<_>>(),
            },
            "justifications": null,
        })
    }
}
