//! Fernet: base64url of version, time, IV, ciphertext and MAC. The time is ignored.

use std::num::NonZeroU32;

use aes::Aes128;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockDecryptMut, KeyIvInit};
use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::{hmac, pbkdf2};
use zeroize::Zeroizing;

use crate::wallet::password::Password;

/// The official wallet's salt, the same for every file.
const SALT: &[u8] = b"Iguesscyborgslikemyselfhaveatendencytobeparanoidaboutourorigins";
const ROUNDS: NonZeroU32 = NonZeroU32::new(10_000_000).unwrap();
const VERSION: u8 = 0x80;
/// Bytes of the version and of the time: one and eight.
const N_HEAD: usize = 9;
const N_BLOCK: usize = 16;
const N_MAC: usize = 32;
/// Reads base64url with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// MAC key and cipher key, 16 bytes each.
pub(super) type Key = Zeroizing<[u8; 32]>;

#[derive(Debug, Clone)]
pub(super) struct Token {
    bytes: Vec<u8>,
}

impl Token {
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let bytes = BASE64.decode(text.trim_ascii()).ok()?;
        let n_sealed = bytes.len().checked_sub(N_HEAD + N_BLOCK + N_MAC)?;
        let is_whole = bytes[0] == VERSION && 0 < n_sealed && n_sealed.is_multiple_of(N_BLOCK);
        is_whole.then_some(Self { bytes })
    }

    pub(super) fn open(&self, key: &Key) -> Option<Vec<u8>> {
        let (mac_key, cipher_key) = key.split_at(16);
        let (signed, mac) = self.bytes.split_at(self.bytes.len() - N_MAC);
        let mac_key = hmac::Key::new(hmac::HMAC_SHA256, mac_key);
        hmac::verify(&mac_key, signed, mac).ok()?;
        let (iv, sealed) = signed[N_HEAD..].split_at(N_BLOCK);
        let cipher = cbc::Decryptor::<Aes128>::new_from_slices(cipher_key, iv).ok()?;
        cipher.decrypt_padded_vec_mut::<Pkcs7>(sealed).ok()
    }
}

/// Derives the key from a password; it is the same for every file. Takes ten million rounds.
pub(super) fn key(password: &Password) -> Key {
    let mut key = Key::default();
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, SALT, password.bytes(), key.as_mut_slice());
    key
}
