//! Block hashes: BLAKE2b-256 over the parent's hash and everything that the block did.
//!
//! State is a function of the genesis, of the blocks since then and of changes from outside, so a
//! hash over those covers the state without reading all of it for every block. The input of the
//! hash is the JSON of the types themselves, so that no new field can be left out.

use serde::{Deserialize, Serialize};

use super::{BlockReport, GenesisConfig, Hash};
use crate::wallet::blake2b_256;

/// Hash of the changes from outside since the last block; zero if there were none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Interventions(Hash);

impl Interventions {
    /// Adds one change to the hash.
    pub(super) fn note(&mut self, change: &impl Serialize) {
        self.0 = hash_of(&(self.0, change));
    }
}

/// The hash of block 0, over the configuration.
pub(super) fn genesis_hash(config: &GenesisConfig) -> Hash {
    hash_of(config)
}

/// The hash of a block after genesis. Ignores the hash in `report`.
pub(super) fn block_hash(parent: Hash, interventions: Interventions, report: &BlockReport) -> Hash {
    let BlockReport { head, now_ms, revealed, epoch, applied, dropped } = report;
    hash_of(&(parent, interventions, head.number, now_ms, revealed, epoch, applied, dropped))
}

fn hash_of(value: &impl Serialize) -> Hash {
    // Our own types have string keys and always serialise.
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    Hash(blake2b_256(&bytes))
}
