//! Reads the official wallet's key files: bytes in, key pair out.
//!
//! A file is one JSON object. `privateKey` holds schnorrkel's 64 secret bytes, `secretSeed` the
//! mini secret of 32, `secretPhrase` the words; any of them may be absent, and release 4.1.1 of the
//! wallet writes seeds that are not hex. So the reader tries every secret that it can parse and
//! takes the one that gives the address stated in the file. The oldest files hold a bare phrase or
//! seed and state no address. ed25519 keys are refused, and no error text contains a part of the
//! file.

use std::fmt;

use schnorrkel::SecretKey;
use serde::Deserialize;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::encryption::{Encryption, EncryptionError, Sealed};
use super::password::Password;
use super::phrase::Phrase;
use super::{AccountId, Keypair};

/// `cryptoType` of sr25519, the only kind that signs on this network. Absent from old files.
pub(super) const SR25519: u64 = 1;

/// Why a key file does not give a key pair.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyfileError {
    /// The file is encrypted, and no password was given.
    #[error("the key file is encrypted ({0}) and needs its password")]
    Encrypted(Encryption),
    /// The file is encrypted, and the password did not open it.
    #[error(transparent)]
    Sealed(#[from] EncryptionError),
    /// The file is not a JSON object, or its members have other types.
    #[error("this is not a key file of the official wallet (line {line}, column {column})")]
    Format {
        /// The line where parsing stopped, counted from one.
        line: usize,
        /// The column in that line.
        column: usize,
    },
    /// The key is of another kind, ed25519.
    #[error("the key file holds an ed25519 key, but hotkeys must be sr25519: make a new one")]
    NotSr25519,
    /// The file states no address to compare the secret with.
    #[error("the key file states no valid ss58Address")]
    NoAddress,
    /// The file has only public members.
    #[error(
        "the key file holds neither privateKey nor secretSeed nor secretPhrase, so nothing can be signed"
    )]
    NoSecret,
    /// No secret in the file parses as a key, a seed or a phrase.
    #[error("the key file is damaged: its secret is neither the hex of a key nor a secret phrase")]
    BadSecret,
    /// The secret belongs to another account than the stated one.
    #[error("the key file is damaged: it states {stated}, but its secret belongs to {derived}")]
    OtherAddress {
        /// The account that the file states.
        stated: AccountId,
        /// The account that the secret gives.
        derived: AccountId,
    },
    /// The address and the public key in a public file belong to different accounts.
    #[error("the key file is damaged: its ss58Address and its public key are of two accounts")]
    OtherPublicKey,
}

/// The members that are read. Has no `Debug`, because they include the secrets.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(rename_all = "camelCase")]
struct Members {
    /// Some old files write the member's name with a leading space.
    #[serde(alias = " ss58Address")]
    ss58_address: Option<String>,
    account_id: Option<String>,
    public_key: Option<String>,
    private_key: Option<String>,
    secret_seed: Option<String>,
    secret_phrase: Option<String>,
    crypto_type: Option<u64>,
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Members({})", self.ss58_address.as_deref().unwrap_or("no address"))
    }
}

/// Reads a key file and decrypts it first if necessary. May take seconds; see [`Sealed::open`].
///
/// # Errors
/// See [`KeyfileError`].
pub fn open_keyfile(bytes: &[u8], password: &Password) -> Result<Keypair, KeyfileError> {
    match Sealed::parse(bytes) {
        None => parse_keyfile(bytes),
        Some(sealed) => parse_keyfile(&sealed?.open(password)?),
    }
}

/// Reads an unencrypted key file.
///
/// # Errors
/// See [`KeyfileError`].
pub fn parse_keyfile(bytes: &[u8]) -> Result<Keypair, KeyfileError> {
    if let Some(encryption) = Encryption::of(bytes) {
        return Err(KeyfileError::Encrypted(encryption));
    }
    if let Some(pair) = parse_bare(bytes) {
        return Ok(pair);
    }
    let members = Members::parse(bytes)?;
    if members.crypto_type.is_some_and(|kind| kind != SR25519) {
        return Err(KeyfileError::NotSr25519);
    }
    let stated = members.stated_address()?;
    if members.has_no_secret() {
        return Err(KeyfileError::NoSecret);
    }
    let mut first = None;
    for pair in members.candidates() {
        let derived = pair.account_id();
        if derived == stated {
            return Ok(pair);
        }
        first.get_or_insert(derived);
    }
    Err(first
        .map_or(KeyfileError::BadSecret, |derived| KeyfileError::OtherAddress { stated, derived }))
}

/// Reads the account of a public key file such as `coldkeypub.txt`, whatever the kind of its key.
/// Never reads a secret.
///
/// # Errors
/// [`KeyfileError::Format`], [`KeyfileError::NoAddress`] or [`KeyfileError::OtherPublicKey`].
pub fn parse_public_keyfile(bytes: &[u8]) -> Result<AccountId, KeyfileError> {
    let members = Members::parse(bytes)?;
    let stated = members.stated_address()?;
    let keys = [&members.account_id, &members.public_key].into_iter().flatten();
    let agree = |key: &String| secret_bytes(key).is_some_and(|key| *key == stated.0);
    if !keys.into_iter().all(agree) {
        return Err(KeyfileError::OtherPublicKey);
    }
    Ok(stated)
}

/// The key of a file that consists of a phrase or of the hex of a seed.
fn parse_bare(bytes: &[u8]) -> Option<Keypair> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let seed = secret_bytes::<32>(text)
        .or_else(|| Phrase::parse(text).ok().map(|phrase| phrase.seed("")))?;
    Keypair::from_seed(&seed).ok()
}

impl Members {
    fn parse(bytes: &[u8]) -> Result<Self, KeyfileError> {
        // serde_json's message may quote a value, so only the position is kept.
        serde_json::from_slice(bytes)
            .map_err(|error| KeyfileError::Format { line: error.line(), column: error.column() })
    }

    fn stated_address(&self) -> Result<AccountId, KeyfileError> {
        let stated = self.ss58_address.as_deref().and_then(|text| text.parse().ok());
        stated.ok_or(KeyfileError::NoAddress)
    }

    fn has_no_secret(&self) -> bool {
        self.private_key.is_none() && self.secret_seed.is_none() && self.secret_phrase.is_none()
    }

    /// The key pair of every secret that parses, the most expensive to derive last.
    fn candidates(&self) -> impl Iterator<Item = Keypair> {
        let private = self.private_key.as_deref().and_then(secret_bytes::<64>);
        let own = private.as_ref().and_then(|bytes| SecretKey::from_bytes(bytes.as_slice()).ok());
        // Other wallets export the scalar multiplied by eight, as ed25519 does.
        let exported =
            private.and_then(|bytes| SecretKey::from_ed25519_bytes(bytes.as_slice()).ok());
        let pairs = own.into_iter().chain(exported).map(|secret| Keypair(secret.to_keypair()));
        let seed = || self.secret_seed.as_deref().and_then(secret_bytes::<32>);
        let phrase = || Phrase::parse(self.secret_phrase.as_deref()?).ok().map(|it| it.seed(""));
        let seeds = std::iter::once_with(seed).chain(std::iter::once_with(phrase)).flatten();
        pairs.chain(seeds.filter_map(|seed| Keypair::from_seed(&seed).ok()))
    }
}

/// `N` bytes from hex of either case, with or without `0x`.
fn secret_bytes<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), bytes.as_mut_slice()).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests;
