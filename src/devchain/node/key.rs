//! One key of a storage map.

use crate::wallet::AccountId;

/// One key of a map, in SCALE. Maps that hold a value here have keys of fixed width only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key(pub(super) Vec<u8>);

impl Key {
    /// The key as an unsigned number of the key's own width.
    pub(super) fn number<T: TryFrom<u64>>(&self) -> Option<T> {
        let mut word = [0; 8];
        word.get_mut(..self.0.len())?.copy_from_slice(&self.0);
        T::try_from(u64::from_le_bytes(word)).ok()
    }

    pub(super) fn account(&self) -> Option<AccountId> {
        self.0.as_slice().try_into().ok().map(AccountId)
    }
}
