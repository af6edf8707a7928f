//! Storage keys: encodes a pallet, an entry and its keys as bytes, and finds the keys again.

use frame_metadata::v14::StorageHasher;
use sp_crypto_hashing::{blake2_128, blake2_256, twox_64, twox_128, twox_256};

/// The first 32 bytes of all storage keys of an entry.
pub(super) fn entry_prefix(pallet: &str, entry: &str) -> [u8; 32] {
    let mut prefix = [0; 32];
    prefix[..16].copy_from_slice(&twox_128(pallet.as_bytes()));
    prefix[16..].copy_from_slice(&twox_128(entry.as_bytes()));
    prefix
}

/// One encoded key in the form in which it appears in a storage key.
pub(super) fn hashed(key: &[u8], hasher: &StorageHasher) -> Vec<u8> {
    match hasher {
        StorageHasher::Blake2_128 => blake2_128(key).to_vec(),
        StorageHasher::Blake2_256 => blake2_256(key).to_vec(),
        StorageHasher::Blake2_128Concat => [&blake2_128(key), key].concat(),
        StorageHasher::Twox128 => twox_128(key).to_vec(),
        StorageHasher::Twox256 => twox_256(key).to_vec(),
        StorageHasher::Twox64Concat => [&twox_64(key), key].concat(),
        StorageHasher::Identity => key.to_vec(),
    }
}

/// Bytes of hash that precede the key itself; `None` if the storage key does not contain the key.
pub(super) fn hash_width(hasher: &StorageHasher) -> Option<usize> {
    match hasher {
        StorageHasher::Blake2_128Concat => Some(16),
        StorageHasher::Twox64Concat => Some(8),
        StorageHasher::Identity => Some(0),
        StorageHasher::Blake2_128
        | StorageHasher::Blake2_256
        | StorageHasher::Twox128
        | StorageHasher::Twox256 => None,
    }
}
