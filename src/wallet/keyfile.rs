//! Reads the official wallet's key files: bytes in, key pair out.
//!
//! A file is one JSON object. `privateKey` holds schnorrkel's 64 secret bytes or the mini secret of
//! 32, `secretSeed` the mini secret, `secretPhrase` the words; any of them may be absent, and release
//! 4.1.1 of the wallet writes seeds that are not hex. So the reader tries every secret that it can
//! parse and takes the one that gives the address stated in the file. Without an address it takes
//! the secret that the official wallets take. The oldest files hold a bare phrase or seed.
//!
//! What both official wallets (bittensor-wallet 4.1.1, bittensor 11.3.0) read is read: like them, a
//! member of another type is taken for absent. Keys of other kinds are refused by name, and no error
//! text contains a secret.

mod member;

use std::fmt;

use schnorrkel::SecretKey;
use serde::Deserialize;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::encryption::{Encryption, EncryptionError, Sealed};
use super::password::Password;
use super::phrase::Phrase;
use super::{AccountId, Keypair};
use member::{Kind, Member};

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
    /// The file is not a JSON object.
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
    /// The key is of a kind that this node does not know.
    #[error(
        "the key file holds a key of the kind {0}, which this version cannot use: hotkeys must be sr25519"
    )]
    UnknownKind(String),
    /// The file is an export of polkadot.js or of an app.
    #[error(
        "this is an export of polkadot.js, not a key file of the official wallet: make the key file \
         from its secret phrase with `sn1 wallet regen`"
    )]
    PolkadotExport,
    /// The address that the file states is none; a public file has none at all.
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
    #[serde(alias = " ss58Address", default)]
    ss58_address: Member,
    #[serde(default)]
    account_id: Member,
    #[serde(default)]
    public_key: Member,
    #[serde(default)]
    private_key: Member,
    #[serde(default)]
    secret_seed: Member,
    #[serde(default)]
    secret_phrase: Member,
    #[serde(default)]
    crypto_type: Member,
    /// Only exports of polkadot.js have these two.
    #[serde(default)]
    encoded: Member,
    #[serde(default)]
    encoding: Member,
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Members({})", self.ss58_address.text().unwrap_or("no address"))
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
    let kind = Kind::of(&members.crypto_type);
    if kind.is_number() {
        kind.check()?;
    }
    let stated = members.stated_address()?;
    if members.has_no_secret() {
        return Err(KeyfileError::NoSecret);
    }
    let mut first = None;
    for pair in members.candidates() {
        if stated.is_none_or(|stated| stated == pair.account_id()) {
            // A kind in words is only a remark where the address proves the key to be sr25519.
            return if stated.is_some() { Ok(pair) } else { kind.check().map(|()| pair) };
        }
        first.get_or_insert(pair.account_id());
    }
    kind.check()?;
    Err(match (first, stated) {
        (Some(derived), Some(stated)) => KeyfileError::OtherAddress { stated, derived },
        _ => KeyfileError::BadSecret,
    })
}

/// Reads the account of a public key file such as `coldkeypub.txt`, whatever the kind of its key.
/// Never reads a secret.
///
/// # Errors
/// [`KeyfileError::Format`], [`KeyfileError::NoAddress`] or [`KeyfileError::OtherPublicKey`].
pub fn parse_public_keyfile(bytes: &[u8]) -> Result<AccountId, KeyfileError> {
    let members = Members::parse(bytes)?;
    let stated = members.stated_address()?.ok_or(KeyfileError::NoAddress)?;
    let keys = [&members.account_id, &members.public_key].into_iter().filter_map(Member::text);
    let agree = |key: &str| secret_bytes(key).is_some_and(|key| *key == stated.0);
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
        let members: Self = serde_json::from_slice(bytes)
            .map_err(|error| KeyfileError::Format { line: error.line(), column: error.column() })?;
        match members.encoded.is_some() && members.encoding.is_some() {
            true => Err(KeyfileError::PolkadotExport),
            false => Ok(members),
        }
    }

    /// The address that the file states, if it states one.
    fn stated_address(&self) -> Result<Option<AccountId>, KeyfileError> {
        let parse = |text: &str| text.parse().map_err(|_| KeyfileError::NoAddress);
        self.ss58_address.text().map(parse).transpose()
    }

    fn has_no_secret(&self) -> bool {
        [&self.private_key, &self.secret_seed, &self.secret_phrase]
            .iter()
            .all(|secret| secret.text().is_none())
    }

    /// The key pair of every secret that parses, in the order in which the official wallets look
    /// for one.
    fn candidates(&self) -> impl Iterator<Item = Keypair> {
        let phrase = || Phrase::parse(self.secret_phrase.text()?).ok().map(|it| it.seed(""));
        let seed = |secret: &Member| secret.text().and_then(secret_bytes::<32>);
        let seeds = std::iter::once_with(phrase)
            .chain([&self.secret_seed, &self.private_key].into_iter().map(seed))
            .flatten();
        let private = self.private_key.text().and_then(secret_bytes::<64>);
        let own = private.as_ref().and_then(|bytes| SecretKey::from_bytes(bytes.as_slice()).ok());
        // Other wallets export the scalar multiplied by eight, as ed25519 does.
        let exported =
            private.and_then(|bytes| SecretKey::from_ed25519_bytes(bytes.as_slice()).ok());
        let pairs = own.into_iter().chain(exported).map(|secret| Keypair(secret.to_keypair()));
        seeds.filter_map(|seed| Keypair::from_seed(&seed).ok()).chain(pairs)
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
