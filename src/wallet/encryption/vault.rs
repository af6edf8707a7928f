//! Ansible Vault 1.1: a header line, then hex of three lines of hex, wrapped at 80 characters.

use std::num::NonZeroU32;

use aes::Aes256;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use ring::{hmac, pbkdf2};
use zeroize::Zeroizing;

use crate::wallet::password::Password;

const HEAD: &str = "$ANSIBLE_VAULT;1.1;AES256";
const ROUNDS: NonZeroU32 = NonZeroU32::new(10_000).unwrap();
/// Block size of the padding in bytes. CTR needs no padding, but Ansible pads.
const N_BLOCK: usize = 16;

/// Cipher key, MAC key and counter: 32, 32 and 16 bytes.
pub(super) type Keys = Zeroizing<[u8; 80]>;

#[derive(Debug, Clone)]
pub(super) struct Vault {
    salt: Vec<u8>,
    mac: Vec<u8>,
    sealed: Vec<u8>,
}

impl Vault {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (head, body) = std::str::from_utf8(bytes).ok()?.split_once('\n')?;
        if head.trim_end() != HEAD {
            return None;
        }
        let body: String = body.split_ascii_whitespace().collect();
        let parts = String::from_utf8(hex::decode(body).ok()?).ok()?;
        let mut parts = parts.split('\n').map(|part| hex::decode(part).ok());
        let (salt, mac, sealed) = (parts.next()??, parts.next()??, parts.next()??);
        let is_whole = parts.next().is_none()
            && mac.len() == 32
            && !sealed.is_empty()
            && sealed.len().is_multiple_of(N_BLOCK);
        is_whole.then_some(Self { salt, mac, sealed })
    }

    pub(super) fn keys(&self, password: &Password) -> Keys {
        let mut keys = Zeroizing::new([0; 80]);
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            ROUNDS,
            &self.salt,
            password.bytes(),
            keys.as_mut_slice(),
        );
        keys
    }

    pub(super) fn open(&self, keys: &Keys) -> Option<Vec<u8>> {
        let (cipher_key, rest) = keys.split_at(32);
        let (mac_key, counter) = rest.split_at(32);
        let mac_key = hmac::Key::new(hmac::HMAC_SHA256, mac_key);
        hmac::verify(&mac_key, &self.sealed, &self.mac).ok()?;
        let mut plain = self.sealed.clone();
        Ctr128BE::<Aes256>::new_from_slices(cipher_key, counter).ok()?.apply_keystream(&mut plain);
        let n_padding = usize::from(*plain.last()?);
        let is_padded = (1..=N_BLOCK).contains(&n_padding);
        is_padded.then(|| plain.truncate(plain.len() - n_padding))?;
        Some(plain)
    }
}
