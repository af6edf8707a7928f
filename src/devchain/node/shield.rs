//! Sealed transactions (docs/spec/chain.md#shield): a sender encrypts a signed transaction for the
//! author of a block, who sends it on. This chain has one author, whose key follows from its
//! genesis.

use chacha20poly1305::aead::Aead;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use frame_metadata::v15::RuntimeMetadataV15;
use ml_kem::{Decapsulate, DecapsulationKey, KeyExport, MlKem768, Seed};
use scale_info::TypeDefPrimitive;
use sp_crypto_hashing::twox_128;

use super::editor::Editor;
use crate::chain::Hash;
use crate::wallet::blake2b_256;

/// The pallet's name.
pub(super) const PALLET: &str = "MevShield";
/// Its index in the runtime.
const INDEX: u8 = 30;
/// The entries that hold the author's key, which is always the same here.
pub(super) const KEYS: [&str; 3] = ["CurrentKey", "PendingKey", "NextKey"];
/// Bytes of a key's hash, and of a nonce, in a sealed transaction.
const KEY_HASH: usize = 16;
const NONCE: usize = 24;

/// Adds the pallet to the metadata.
///
/// # Errors
/// A sentence if the recorded metadata lacks what the pallet stands on.
pub(super) fn add(metadata: &mut RuntimeMetadataV15) -> Result<(), String> {
    let mut editor = Editor { metadata };
    let byte = editor.primitive(TypeDefPrimitive::U8)?;
    let bytes = editor.sequence(byte);
    let (hash, account) = (editor.named("H256")?, editor.named("AccountId32")?);
    let sealed = [("ciphertext", bytes)];
    let calls = editor.variant("pallet_shield::pallet::Call", 1, "submit_encrypted", &sealed);
    let fields = [("id", hash), ("who", account)];
    let events = editor.variant("pallet_shield::pallet::Event", 0, "EncryptedSubmitted", &fields);
    editor.add_pallet(PALLET, INDEX, calls, events)?;
    KEYS.iter().try_for_each(|name| editor.store_in(PALLET, name, &[], bytes, None))
}

fn key(genesis: Hash) -> DecapsulationKey<MlKem768> {
    let mut seed = Seed::default();
    seed[..32].copy_from_slice(&blake2b_256(&[&genesis.0[..], b"shield d"].concat()));
    seed[32..].copy_from_slice(&blake2b_256(&[&genesis.0[..], b"shield z"].concat()));
    DecapsulationKey::from_seed(seed)
}

/// The author's ML-KEM-768 key, in bytes.
pub(super) fn public_key(genesis: Hash) -> Vec<u8> {
    key(genesis).encapsulation_key().to_bytes().to_vec()
}

/// The transaction inside a sealed one; `None` if it is not for the author's key, or damaged.
pub(super) fn open(genesis: Hash, sealed: &[u8]) -> Option<Vec<u8>> {
    let (key_hash, rest) = sealed.split_at_checked(KEY_HASH)?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (shared, rest) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
    if key_hash != twox_128(&public_key(genesis)) {
        return None;
    }
    let shared = key(genesis).decapsulate(&shared.try_into().ok()?);
    XChaCha20Poly1305::new(&shared).decrypt(&XNonce::from(*nonce), sealed).ok()
}
