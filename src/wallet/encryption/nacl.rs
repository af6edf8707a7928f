//! `$NACL`, a nonce of 24 bytes, and a secretbox: the form that the official wallet writes.

use argon2::{Algorithm, Argon2, Params, Version};
use crypto_secretbox::aead::Aead;
use crypto_secretbox::{KeyInit, XSalsa20Poly1305};
use zeroize::Zeroizing;

use super::{Encryption, EncryptionError};
use crate::wallet::password::Password;

/// The official wallet's salt, the same for every file: only the nonce differs.
const SALT: [u8; 16] = [
    0x13, 0x71, 0x83, 0xdf, 0xf1, 0x5a, 0x09, 0xbc, 0x9c, 0x90, 0xb5, 0x51, 0x87, 0x39, 0xe9, 0xb1,
];
/// Memory of argon2i in KiB: 512 MiB.
const MEMORY_KIB: u32 = 512 * 1024;
const N_PASSES: u32 = 8;
const N_NONCE: usize = 24;
/// Bytes of a Poly1305 tag.
const N_TAG: usize = 16;

pub(super) type Key = Zeroizing<[u8; 32]>;

#[derive(Debug, Clone)]
pub(super) struct Box {
    nonce: [u8; N_NONCE],
    sealed: Vec<u8>,
}

impl Box {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let body = bytes.strip_prefix(Encryption::Nacl.start())?;
        let (nonce, sealed) = body.split_first_chunk()?;
        (N_TAG <= sealed.len()).then(|| Self { nonce: *nonce, sealed: sealed.to_vec() })
    }

    pub(super) fn open(&self, key: &Key) -> Option<Vec<u8>> {
        let cipher = XSalsa20Poly1305::new((&**key).into());
        cipher.decrypt((&self.nonce).into(), self.sealed.as_slice()).ok()
    }
}

/// Derives the key from a password; it is the same for every file.
pub(super) fn key(password: &Password) -> Result<Key, EncryptionError> {
    let mut key = Key::default();
    let derived = Params::new(MEMORY_KIB, N_PASSES, 1, Some(32)).and_then(|params| {
        Argon2::new(Algorithm::Argon2i, Version::V0x13, params).hash_password_into(
            password.bytes(),
            &SALT,
            key.as_mut_slice(),
        )
    });
    // The parameters are constants in range, so only a password of gigabytes fails.
    derived.map(|()| key).map_err(|_| EncryptionError::TooLong)
}

/// Seals a key file as the official wallet does. A nonce must never be used twice.
///
/// # Errors
/// [`EncryptionError::TooLong`] if the password or the file exceeds gigabytes.
pub fn seal(
    plain: &[u8],
    password: &Password,
    nonce: [u8; N_NONCE],
) -> Result<Vec<u8>, EncryptionError> {
    seal_with(plain, &key(password)?, nonce)
}

pub(super) fn seal_with(
    plain: &[u8],
    key: &Key,
    nonce: [u8; N_NONCE],
) -> Result<Vec<u8>, EncryptionError> {
    let cipher = XSalsa20Poly1305::new((&**key).into());
    let sealed = cipher.encrypt((&nonce).into(), plain).map_err(|_| EncryptionError::TooLong)?;
    Ok([Encryption::Nacl.start(), &nonce, &sealed].concat())
}
