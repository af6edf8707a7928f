//! A new key with the secret that it was made from, and the key files that hold it.
//!
//! The files have the members that bittensor-wallet 4.1.1 writes: phrase and seed where they are
//! known, the private key always. A seed is written as hex, which that release reads but does not
//! itself write when it is given a seed.

use std::fmt;

use serde::Serialize;
use zeroize::Zeroizing;

use super::keyfile::SR25519;
use super::phrase::Phrase;
use super::suri::SuriError;
use super::{AccountId, Keypair, WalletError};

/// Bytes of the output buffer: more than any key file takes, so that it never grows and leaves
/// secrets behind in freed memory.
const N_BUFFER: usize = 2048;

/// A key that can be written to a file. `Debug` shows the address only; secrets are wiped when
/// dropped.
pub struct NewKey {
    pair: Keypair,
    phrase: Option<Phrase>,
    seed: Option<Zeroizing<[u8; 32]>>,
}

/// The members of a public key file such as `coldkeypub.txt`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PublicMembers {
    account_id: String,
    public_key: String,
    ss58_address: String,
    crypto_type: u64,
}

/// The members of a key file with its secrets.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AllMembers<'a> {
    #[serde(flatten)]
    public: PublicMembers,
    private_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_phrase: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_seed: Option<&'a str>,
}

impl NewKey {
    /// The key of a secret phrase without a password.
    ///
    /// # Errors
    /// As [`Keypair::from_seed`]: none today.
    pub fn from_phrase(phrase: Phrase) -> Result<Self, WalletError> {
        let seed = phrase.seed("");
        let key = Self::from_seed(&seed)?;
        Ok(Self { phrase: Some(phrase), ..key })
    }

    /// The key of a 32-byte seed (mini secret).
    ///
    /// # Errors
    /// As [`Keypair::from_seed`]: none today.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, WalletError> {
        let pair = Keypair::from_seed(seed)?;
        Ok(Self { pair, phrase: None, seed: Some(Zeroizing::new(*seed)) })
    }

    /// The key of a secret URI. Its file holds the private key alone, as the official wallet's does.
    ///
    /// # Errors
    /// See [`SuriError`].
    pub fn from_suri(suri: &str) -> Result<Self, SuriError> {
        Ok(Self { pair: Keypair::from_suri(suri)?, phrase: None, seed: None })
    }

    /// The account that the key signs for.
    pub fn account_id(&self) -> AccountId {
        self.pair.account_id()
    }

    /// The unencrypted key file.
    ///
    /// # Errors
    /// None in practice: every member is text.
    pub fn keyfile(&self) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
        let private = Zeroizing::new(self.pair.0.secret.to_bytes());
        let private = hex_text(private.as_slice());
        let seed = self.seed.as_ref().map(|seed| hex_text(seed.as_slice()));
        let phrase = self.phrase.as_ref().map(Phrase::words);
        let members = AllMembers {
            public: PublicMembers::of(&self.account_id()),
            private_key: &private,
            secret_phrase: phrase.as_ref().map(|words| words.as_str()),
            secret_seed: seed.as_ref().map(|seed| seed.as_str()),
        };
        let mut file = Zeroizing::new(Vec::with_capacity(N_BUFFER));
        serde_json::to_writer(&mut *file, &members)?;
        Ok(file)
    }
}

/// Writes the public key file of an account, such as `coldkeypub.txt`.
///
/// # Errors
/// None in practice: every member is text.
pub fn public_keyfile(account: &AccountId) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&PublicMembers::of(account))
}

impl PublicMembers {
    fn of(account: &AccountId) -> Self {
        let public_key = format!("0x{}", hex::encode(account.0));
        Self {
            account_id: public_key.clone(),
            public_key,
            ss58_address: account.to_ss58(),
            crypto_type: SR25519,
        }
    }
}

fn hex_text(bytes: &[u8]) -> Zeroizing<String> {
    let digits = Zeroizing::new(hex::encode(bytes));
    Zeroizing::new(["0x", &digits].concat())
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewKey({})", self.account_id())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::testing::{vector_json, vector_text};
    use crate::wallet::keyfile::{parse_keyfile, parse_public_keyfile};

    #[test]
    fn files_have_the_members_of_the_chain_vectors() {
        let file: Value = vector_json("chain/vectors/keys.json");
        let cases = file["mnemonics"].as_array().unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let phrase = Phrase::parse(case["mnemonic"].as_str().unwrap()).unwrap();
            let key = NewKey::from_phrase(phrase).unwrap();
            let written: Value = serde_json::from_slice(&key.keyfile().unwrap()).unwrap();
            // JSON objects compare without regard to order.
            assert_eq!(written, case["keyfile"]);
        }
        let alice = NewKey::from_suri("//Alice").unwrap();
        let written: Value = serde_json::from_slice(&alice.keyfile().unwrap()).unwrap();
        let path = "chain/vectors/wallets/plain/hotkeys/second";
        assert_eq!(written, serde_json::from_str::<Value>(&vector_text(path)).unwrap());
        let written =
            public_keyfile(&"5EPCUjPxiHAcNooYipQFWr9NmmXJKpNG5RhcntXwbtUySrgH".parse().unwrap());
        let path = "chain/vectors/wallets/plain/coldkeypub.txt";
        let expected: Value = vector_json(path);
        assert_eq!(serde_json::from_slice::<Value>(&written.unwrap()).unwrap(), expected);
    }

    #[test]
    fn every_written_file_is_read_again() {
        let keys = [
            NewKey::from_seed(&[7; 32]).unwrap(),
            NewKey::from_phrase(Phrase::from_entropy(&[9; 32]).unwrap()).unwrap(),
            NewKey::from_suri("//Alice/soft///pw").unwrap(),
        ];
        for key in keys {
            let file = key.keyfile().unwrap();
            assert!(file.capacity() == N_BUFFER, "outgrown: {}", file.len());
            assert_eq!(parse_keyfile(&file).unwrap().account_id(), key.account_id());
            let public = public_keyfile(&key.account_id()).unwrap();
            assert_eq!(parse_public_keyfile(&public), Ok(key.account_id()));
            assert_eq!(format!("{key:?}"), format!("NewKey({})", key.account_id()));
        }
    }
}
