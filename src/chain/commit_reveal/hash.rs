//! The older commit: a hash now, its arguments in the reveal epoch
//! (docs/spec/chain.md#hash-commits).

use super::scale::write_u16s;
use crate::chain::{Hash, Uid};
use crate::wallet::{AccountId, blake2b_256};

/// The arguments of a later reveal, exactly as they will be sent: nothing is scaled up first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevealArguments {
    /// Who commits and reveals.
    pub hotkey: AccountId,
    /// Mechanism id times 4,096 plus netuid; the plain netuid where a call has no mechanism, and
    /// in batches.
    pub mechanism_index: u16,
    /// The slots that weights go to.
    pub uids: Vec<Uid>,
    /// One weight for each slot.
    pub values: Vec<u16>,
    /// Random numbers that keep the weights from being guessed.
    pub salt: Vec<u16>,
    /// The version key that the reveal is checked with.
    pub version_key: u64,
}

impl RevealArguments {
    /// What `commit_weights` takes: BLAKE2b-256 over the SCALE tuple of the fields, in this order.
    pub fn hash(&self) -> Hash {
        let n_numbers = self.uids.len() + self.values.len() + self.salt.len();
        let mut bytes = Vec::with_capacity(60 + 2 * n_numbers);
        bytes.extend_from_slice(&self.hotkey.0);
        bytes.extend_from_slice(&self.mechanism_index.to_le_bytes());
        write_u16s(&mut bytes, self.uids.iter().map(|uid| uid.0));
        write_u16s(&mut bytes, self.values.iter().copied());
        write_u16s(&mut bytes, self.salt.iter().copied());
        bytes.extend_from_slice(&self.version_key.to_le_bytes());
        Hash(blake2b_256(&bytes))
    }
}
