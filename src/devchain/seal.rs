//! Block hashes: BLAKE2b-256 over the parent and all that the block did.
//!
//! State is a function of the genesis, of what blocks did since and of changes from outside, so a
//! hash over those covers the state without reading it whole at every block. What is hashed is the
//! JSON of the very types, so that no new field can be left out.

use serde::{Deserialize, Serialize};

use super::{BlockReport, GenesisConfig, Hash};
use crate::wallet::blake2b_256;

/// Hash over the changes from outside since the last block; zero for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Interventions(Hash);

impl Interventions {
    /// Folds in one more change.
    pub(super) fn note(&mut self, change: &impl Serialize) {
        self.0 = hash_of(&(self.0, change));
    }
}

/// The hash of block 0.
pub(super) fn genesis_hash(config: &GenesisConfig) -> Hash {
    hash_of(config)
}

/// The hash of a block after genesis. The report's own hash is not looked at.
pub(super) fn block_hash(parent: Hash, interventions: Interventions, report: &BlockReport) -> Hash {
    let BlockReport { head, now_ms, revealed, epoch, applied, dropped } = report;
    hash_of(&(parent, interventions, head.number, now_ms, revealed, epoch, applied, dropped))
}

fn hash_of(value: &impl Serialize) -> Hash {
    // Our own types have string keys and nothing that fails to serialise.
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    Hash(blake2b_256(&bytes))
}
