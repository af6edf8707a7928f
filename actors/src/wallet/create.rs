//! New key files, from fresh randomness or from a secret that the operator supplies.

use std::path::PathBuf;

use rand::TryRngCore;
use rand::rngs::OsRng;
use serde::Serialize;
use sn1::wallet::AccountId;
use sn1::wallet::encryption::{Encryption, EncryptionError, seal};
use sn1::wallet::new_key::{NewKey, public_keyfile};
use sn1::wallet::password::Password;
use sn1::wallet::phrase::Phrase;
use zeroize::Zeroizing;

use super::files::{KeyFile, check_free, write_all};
use super::terminal::read_secret;
use super::{WalletFault, WalletFolder};

/// The kind of secret that a key is restored from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A secret phrase of 12 to 24 words.
    Mnemonic,
    /// A seed of 32 bytes, as hex digits.
    Seed,
    /// A secret URI.
    Suri,
}

/// A key that was written. Holds no secret except a new phrase that must be shown.
#[derive(Serialize)]
pub struct Made {
    /// Either `coldkey` or `hotkey`.
    pub kind: &'static str,
    /// The key's address.
    pub address: AccountId,
    /// The secret file, or `coldkeypub.txt` when only that was written.
    pub file: PathBuf,
    /// Whether the file is encrypted.
    pub encrypted: bool,
    /// The phrase of a new key; left out of the JSON when there is none.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "phrase_text")]
    pub mnemonic: Option<Zeroizing<String>>,
}

fn phrase_text<S: serde::Serializer>(
    phrase: &Option<Zeroizing<String>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    phrase.as_ref().map(|phrase| phrase.as_str()).serialize(serializer)
}

/// The key files of one command, which are written together.
pub struct NewFiles<'a> {
    folder: &'a WalletFolder,
    may_replace: bool,
    files: Vec<KeyFile>,
    made: Vec<Made>,
}

impl<'a> NewFiles<'a> {
    /// New files for this wallet; existing ones are replaced only if `may_replace`.
    pub fn new(folder: &'a WalletFolder, may_replace: bool) -> Self {
        Self { folder, may_replace, files: Vec::new(), made: Vec::new() }
    }

    /// Refuses early, before a password is asked for, when files of the coldkey or of this hotkey
    /// exist and may not be replaced.
    ///
    /// # Errors
    /// [`WalletFault::Exists`], or [`WalletFault::Usage`] for a name that is not a plain file name.
    pub fn check(&self, coldkey: bool, hotkey: Option<&str>) -> Result<(), WalletFault> {
        let mut paths = Vec::new();
        if coldkey {
            paths.extend([self.folder.coldkey(), self.folder.coldkeypub()]);
        }
        if let Some(name) = hotkey {
            paths.extend([self.folder.hotkey(name)?, self.folder.hotkeypub(name)?]);
        }
        if self.may_replace {
            return Ok(());
        }
        check_free(paths.iter().map(PathBuf::as_path))
    }

    /// Adds the coldkey and its public half.
    ///
    /// # Errors
    /// [`WalletFault::Usage`] for a password that is too long.
    pub fn coldkey(&mut self, key: &Key, password: Option<&Password>) -> Result<(), WalletFault> {
        let (secret, public) = (self.folder.coldkey(), self.folder.coldkeypub());
        self.add("coldkey", [secret, public], key, password)
    }

    /// Adds a hotkey and its public half.
    ///
    /// # Errors
    /// As for the coldkey, and for a name that is not a plain file name.
    pub fn hotkey(
        &mut self,
        name: &str,
        key: &Key,
        password: Option<&Password>,
    ) -> Result<(), WalletFault> {
        let paths = [self.folder.hotkey(name)?, self.folder.hotkeypub(name)?];
        self.add("hotkey", paths, key, password)
    }

    /// Adds only `coldkeypub.txt`, which is all that a node needs of a coldkey.
    ///
    /// # Errors
    /// Does not fail in practice.
    pub fn coldkeypub(&mut self, account: AccountId) -> Result<(), WalletFault> {
        let file = self.folder.coldkeypub();
        self.files.push(public_file(file.clone(), &account)?);
        let made =
            Made { kind: "coldkey", address: account, file, encrypted: false, mnemonic: None };
        self.made.push(made);
        Ok(())
    }

    fn add(
        &mut self,
        kind: &'static str,
        [secret, public]: [PathBuf; 2],
        key: &Key,
        password: Option<&Password>,
    ) -> Result<(), WalletFault> {
        let plain = key.key.keyfile().map_err(unexpected)?;
        let bytes = match password {
            Some(password) => Zeroizing::new(sealed(&plain, password)?),
            None => plain,
        };
        let address = key.key.account_id();
        let encrypted = Encryption::of(&bytes).is_some();
        self.files.push(KeyFile { path: secret.clone(), bytes });
        self.files.push(public_file(public, &address)?);
        let mnemonic = key.fresh.as_ref().map(Phrase::words);
        self.made.push(Made { kind, address, file: secret, encrypted, mnemonic });
        Ok(())
    }

    /// Writes all files, or none when one exists and may not be replaced.
    ///
    /// # Errors
    /// [`WalletFault::Exists`] or [`WalletFault::Write`].
    pub fn write(self) -> Result<Vec<Made>, WalletFault> {
        write_all(&self.files, self.may_replace)?;
        Ok(self.made)
    }
}

/// A key to be written, with its phrase if the operator has not seen it yet.
#[derive(Debug)]
pub struct Key {
    key: NewKey,
    fresh: Option<Phrase>,
}

impl Key {
    /// A key from a new phrase of `n_words` words, with randomness from the system.
    ///
    /// # Errors
    /// [`WalletFault::Usage`] for a number of words that phrases do not have.
    pub fn random(n_words: usize) -> Result<Self, WalletFault> {
        let n_bytes = Phrase::entropy_bytes(n_words).ok_or_else(|| {
            WalletFault::Usage(format!(
                "--n-words: a phrase has 12, 15, 18, 21 or 24 words, not {n_words}"
            ))
        })?;
        let mut entropy = Zeroizing::new([0; 32]);
        fill(&mut entropy[..n_bytes])?;
        let phrase = Phrase::from_entropy(&entropy[..n_bytes]).map_err(unexpected)?;
        let key = NewKey::from_phrase(phrase.clone()).map_err(unexpected)?;
        Ok(Self { key, fresh: Some(phrase) })
    }

    /// The address of the key.
    pub fn account_id(&self) -> AccountId {
        self.key.account_id()
    }
}

/// Reads a secret from standard input, and derives its key.
///
/// # Errors
/// [`WalletFault::BadSecret`] for a line that is not such a secret, [`WalletFault::Interrupted`].
pub fn read_origin(origin: Origin) -> Result<Key, WalletFault> {
    let prompt = match origin {
        Origin::Mnemonic => "Secret phrase",
        Origin::Seed => "Seed (64 hex digits)",
        Origin::Suri => "Secret URI (phrase//hard/soft///password)",
    };
    let line = read_secret(prompt)?;
    key_of(origin, line.trim()).map(|key| Key { key, fresh: None })
}

fn key_of(origin: Origin, text: &str) -> Result<NewKey, WalletFault> {
    let bad = |error: &dyn std::fmt::Display| WalletFault::BadSecret(error.to_string());
    match origin {
        Origin::Mnemonic => {
            let phrase = Phrase::parse(text).map_err(|error| bad(&error))?;
            NewKey::from_phrase(phrase).map_err(|error| bad(&error))
        }
        Origin::Seed => {
            let mut seed = Zeroizing::new([0; 32]);
            let digits = text.strip_prefix("0x").unwrap_or(text);
            hex::decode_to_slice(digits, seed.as_mut_slice())
                .map_err(|_| bad(&"a seed is 64 hex digits, with or without 0x"))?;
            NewKey::from_seed(&seed).map_err(|error| bad(&error))
        }
        // An empty URI would give a key that everyone knows.
        Origin::Suri if text.is_empty() => Err(bad(&"the secret URI is empty")),
        Origin::Suri => NewKey::from_suri(text).map_err(|error| bad(&error)),
    }
}

fn sealed(plain: &[u8], password: &Password) -> Result<Vec<u8>, WalletFault> {
    let mut nonce = [0; 24];
    fill(&mut nonce)?;
    seal(plain, password, nonce)
        .map_err(|error: EncryptionError| WalletFault::Usage(error.to_string()))
}

fn public_file(path: PathBuf, account: &AccountId) -> Result<KeyFile, WalletFault> {
    let bytes = public_keyfile(account).map_err(unexpected)?;
    Ok(KeyFile { path, bytes: Zeroizing::new(bytes) })
}

fn fill(bytes: &mut [u8]) -> Result<(), WalletFault> {
    OsRng.try_fill_bytes(bytes).map_err(unexpected)
}

/// The fault for an error that no input can cause.
fn unexpected(error: impl std::fmt::Display) -> WalletFault {
    WalletFault::Usage(format!("cannot make a key on this system: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::{Exit, Exits};

    #[test]
    fn secrets_give_their_keys_and_errors_do_not_repeat_them() {
        let phrase = "legal winner thank year wave sausage worth useful legal winner thank yellow";
        let seed = "6fa2796b0071cac425d8a7851038318c2c37dcebfe4bae73197ce93e75909bd2";
        let address = "5EHgWw2Af1pnoc7f1A8bfmM97W3DAYW8xr82RfhLL9oAabAe";
        let prefixed = format!("0x{seed}");
        let table = [
            (Origin::Mnemonic, phrase),
            (Origin::Seed, seed),
            (Origin::Seed, &prefixed),
            (Origin::Suri, phrase),
            (Origin::Suri, &prefixed),
        ];
        for (origin, text) in table {
            assert_eq!(key_of(origin, text).unwrap().account_id().to_ss58(), address);
        }
        for origin in [Origin::Mnemonic, Origin::Seed, Origin::Suri] {
            for text in ["", "sausage sausage", "0x6fa2796b", "sausage//"] {
                let error = key_of(origin, text).unwrap_err();
                let shown = error.to_string();
                assert_eq!(error.exit(), Exit::Damaged, "{shown}");
                assert!(!shown.contains("sausage") && !shown.contains("6fa2"), "{shown}");
            }
        }
    }

    #[test]
    fn random_keys_differ_and_their_phrases_have_so_many_words() {
        for n_words in [12, 15, 18, 21, 24] {
            let (one, two) = (Key::random(n_words).unwrap(), Key::random(n_words).unwrap());
            assert_ne!(one.account_id(), two.account_id());
            let words = one.fresh.as_ref().unwrap().words();
            assert_eq!(words.split(' ').count(), n_words);
            let again = key_of(Origin::Mnemonic, &words).unwrap();
            assert_eq!(again.account_id(), one.account_id());
        }
        assert_eq!(Key::random(13).unwrap_err().exit(), Exit::Usage);
    }
}
