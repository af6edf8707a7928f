//! The recent past: the newest blocks with their state, and the hashes of older blocks.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::block::Block;
use crate::chain::Hash;

/// Number of blocks whose state is kept.
pub(super) const KEPT_STATES: usize = 320;
/// Number of blocks whose hash is kept: as many as the runtime itself looks back for an era.
const KEPT_HASHES: usize = 4_096;
/// Number of hashes that survive a restart: more than the era of any client spans.
const SAVED_HASHES: usize = 600;

/// Block hashes by number, without gaps up to the newest; the genesis hash is always kept.
#[derive(Debug, Clone)]
pub(super) struct Hashes {
    genesis: Hash,
    /// Number of the first block in `recent`.
    first: u64,
    recent: VecDeque<Hash>,
}

impl Hashes {
    pub(super) fn new(genesis: Hash) -> Self {
        Self { genesis, first: 0, recent: VecDeque::from([genesis]) }
    }

    pub(super) fn genesis(&self) -> Hash {
        self.genesis
    }

    pub(super) fn push(&mut self, hash: Hash) {
        self.recent.push_back(hash);
        if self.recent.len() > KEPT_HASHES {
            self.recent.pop_front();
            self.first += 1;
        }
    }

    pub(super) fn get(&self, number: u64) -> Option<Hash> {
        if number == 0 {
            return Some(self.genesis);
        }
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.recent.get(place).copied()
    }

    /// The number of the block with this hash, searched from the newest back.
    pub(super) fn number_of(&self, hash: Hash) -> Option<u64> {
        let place = self.recent.iter().rposition(|known| *known == hash);
        let number = place.map(|place| self.first + place as u64);
        number.or((hash == self.genesis).then_some(0))
    }

    /// The numbers of the blocks whose hashes are kept.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.first..self.first + self.recent.len() as u64
    }
}

/// [`Hashes`] in saved form: the newest ones in one text.
#[derive(Serialize, Deserialize)]
struct SavedHashes {
    genesis: Hash,
    first: u64,
    recent: String,
}

impl Serialize for Hashes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let skipped = self.recent.len().saturating_sub(SAVED_HASHES);
        let bytes: Vec<u8> = self.recent.iter().skip(skipped).flat_map(|hash| hash.0).collect();
        let (genesis, first) = (self.genesis, self.first + skipped as u64);
        SavedHashes { genesis, first, recent: hex::encode(bytes) }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Hashes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let SavedHashes { genesis, first, recent } = SavedHashes::deserialize(deserializer)?;
        let bytes = hex::decode(recent).map_err(serde::de::Error::custom)?;
        let (hashes, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() || hashes.is_empty() {
            return Err(serde::de::Error::custom("block hashes of another length than 32 bytes"));
        }
        Ok(Self { genesis, first, recent: hashes.iter().copied().map(Hash).collect() })
    }
}

/// The newest blocks, oldest first; never empty.
#[derive(Debug, Clone)]
pub(super) struct History {
    newest: Arc<Block>,
    older: VecDeque<Arc<Block>>,
}

impl History {
    pub(super) fn new(block: Block) -> Self {
        Self { newest: Arc::new(block), older: VecDeque::new() }
    }

    pub(super) fn newest(&self) -> &Arc<Block> {
        &self.newest
    }

    /// The oldest block whose state is kept.
    pub(super) fn oldest(&self) -> &Block {
        self.older.front().unwrap_or(&self.newest)
    }

    pub(super) fn push(&mut self, block: Block) {
        let before = std::mem::replace(&mut self.newest, Arc::new(block));
        self.older.push_back(before);
        if self.older.len() >= KEPT_STATES {
            self.older.pop_front();
        }
    }

    pub(super) fn find(&self, hash: Hash) -> Option<&Arc<Block>> {
        if self.newest.hash == hash {
            return Some(&self.newest);
        }
        self.older.iter().rev().find(|block| block.hash == hash)
    }
}
