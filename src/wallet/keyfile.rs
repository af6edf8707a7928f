//! The official wallet's key files: bytes in, key pair out.
//!
//! A file is one JSON object. `privateKey` holds schnorrkel's 64 secret bytes, `secretSeed` the
//! mini secret of 32; either may be absent, and release 4.1.1 of the wallet writes seeds that are
//! not hex. So every secret that can be read is tried, and only the one that gives the address
//! which the file states is taken. Encrypted files and ed25519 keys are refused, and no error text
//! ever holds a part of the file.

use std::fmt;

use schnorrkel::SecretKey;
use serde::Deserialize;

use super::{AccountId, Keypair};

/// How encrypted files begin, and what wrote them.
const ENCRYPTIONS: [(&[u8], &str); 3] =
    [(b"$NACL", "NaCl"), (b"$ANSIBLE_VAULT", "Ansible Vault"), (b"gAAAAA", "Fernet")];
/// `cryptoType` of sr25519, the only kind that signs on this network. Absent from old files.
const SR25519: u64 = 1;

/// Why a key file gives no key pair.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyfileError {
    /// Encrypted with a password.
    #[error(
        "the key file is encrypted ({0}): encrypted key files are not supported yet, use a hotkey without a password"
    )]
    Encrypted(&'static str),
    /// No JSON object, or one whose members have other types.
    #[error("this is not a key file of the official wallet (line {line}, column {column})")]
    Format {
        /// Where reading ended.
        line: usize,
        /// Where in that line.
        column: usize,
    },
    /// Another kind of key.
    #[error("the key file holds an ed25519 key, but hotkeys must be sr25519: make a new one")]
    NotSr25519,
    /// No address to hold the secret against.
    #[error("the key file states no valid ss58Address")]
    NoAddress,
    /// Only public members, or only a phrase.
    #[error("the key file holds neither privateKey nor secretSeed, so nothing can be signed")]
    NoSecret,
    /// A secret of the wrong length, or not hex.
    #[error("the key file is damaged: its privateKey or secretSeed is not the hex of a key")]
    BadSecret,
    /// The secret is another account's.
    #[error("the key file is damaged: it states {stated}, but its secret belongs to {derived}")]
    OtherAddress {
        /// As the file says.
        stated: AccountId,
        /// As the secret says.
        derived: AccountId,
    },
}

/// The members that count. Never shown: the secrets are in here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    ss58_address: Option<String>,
    private_key: Option<String>,
    secret_seed: Option<String>,
    crypto_type: Option<u64>,
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Members({})", self.ss58_address.as_deref().unwrap_or("no address"))
    }
}

/// Reads an unencrypted key file.
///
/// # Errors
/// See [`KeyfileError`].
pub fn parse_keyfile(bytes: &[u8]) -> Result<Keypair, KeyfileError> {
    if let Some((_, name)) = ENCRYPTIONS.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Err(KeyfileError::Encrypted(name));
    }
    // The reader's own words may quote a value, so only the place is kept.
    let members: Members = serde_json::from_slice(bytes)
        .map_err(|error| KeyfileError::Format { line: error.line(), column: error.column() })?;
    if members.crypto_type.is_some_and(|kind| kind != SR25519) {
        return Err(KeyfileError::NotSr25519);
    }
    let stated = members.ss58_address.as_deref().and_then(|text| text.parse().ok());
    let stated: AccountId = stated.ok_or(KeyfileError::NoAddress)?;
    if members.private_key.is_none() && members.secret_seed.is_none() {
        return Err(KeyfileError::NoSecret);
    }
    let candidates = members.candidates();
    match candidates.iter().find(|pair| pair.account_id() == stated) {
        Some(pair) => Ok(pair.clone()),
        None => Err(candidates.first().map_or(KeyfileError::BadSecret, |pair| {
            KeyfileError::OtherAddress { stated, derived: pair.account_id() }
        })),
    }
}

impl Members {
    /// Every key pair that the secrets can be read as.
    fn candidates(&self) -> Vec<Keypair> {
        let private = self.private_key.as_deref().and_then(secret_bytes::<64>);
        let seed = self.secret_seed.as_deref().and_then(secret_bytes::<32>);
        let own = private.and_then(|bytes| SecretKey::from_bytes(&bytes).ok());
        // Other wallets export the scalar times eight, as ed25519 does.
        let exported = private.and_then(|bytes| SecretKey::from_ed25519_bytes(&bytes).ok());
        let pairs = own.into_iter().chain(exported).map(|secret| Keypair(secret.to_keypair()));
        pairs.chain(seed.and_then(|seed| Keypair::from_seed(&seed).ok())).collect()
    }
}

/// `N` bytes from hex of either case, with or without `0x`.
fn secret_bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn file(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/wallet");
        std::fs::read(format!("{folder}/{name}")).unwrap()
    }

    fn with(name: &str, changes: Value) -> Vec<u8> {
        let mut members: Value = serde_json::from_slice(&file(name)).unwrap();
        for (member, value) in changes.as_object().unwrap() {
            members[member] = value.clone();
        }
        serde_json::to_vec(&members).unwrap()
    }

    #[test]
    fn files_of_the_official_wallet_give_the_address_they_state() {
        let table = [
            ("phrase", "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"),
            ("phrase-7.4.0", "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"),
            ("seed", "5DtDLm5rQHShDqojQpsvcN8tRXHVFaecfDoRet1SU6BFD9Fi"),
            ("uri", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
            ("uri-7.4.0", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
            ("path", "5FRaqNtMuzJ4yxKAz2cSiDHRhJrMbjb5fJkDWhT3N2UXstD4"),
        ];
        for (name, address) in table {
            let pair = parse_keyfile(&file(name)).unwrap();
            assert_eq!(pair.account_id().to_ss58(), address, "{name}");
            let signature = pair.sign(b"message");
            assert_eq!(pair.account_id().verify(b"message", &signature), Ok(()), "{name}");
        }
    }

    #[test]
    fn either_secret_alone_is_enough() {
        let phrase = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV";
        let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
        let exported = "0x98319d4ff8a9508c4bb0cf0b5a78d760a0b2082c02775e6e82370816fedfff48\
                        925a225d97aa00682d6a59b95b18780c10d7032336e88f3442b42361f4a66011";
        let table = [
            (with("phrase", json!({"privateKey": null})), phrase),
            (with("phrase", json!({"secretSeed": null})), phrase),
            (with("phrase", json!({"secretSeed": "0xzz"})), phrase),
            (with("uri", json!({"privateKey": exported})), alice),
        ];
        for (bytes, address) in table {
            assert_eq!(parse_keyfile(&bytes).unwrap().account_id().to_ss58(), address);
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_in_one_sentence_without_the_secret() {
        let bob = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
        let table: [(Vec<u8>, &str); 13] = [
            (file("encrypted"), "encrypted (NaCl)"),
            (b"$ANSIBLE_VAULT;1.1;AES256\n6162".to_vec(), "encrypted (Ansible Vault)"),
            (b"gAAAAABabc".to_vec(), "encrypted (Fernet)"),
            (file("ed25519"), "ed25519"),
            (file("public"), "neither privateKey nor secretSeed"),
            (with("uri", json!({"ss58Address": bob})), "states 5FHneW46"),
            (with("uri", json!({"ss58Address": "5Fnope"})), "no valid ss58Address"),
            (with("uri", json!({"ss58Address": null})), "no valid ss58Address"),
            (with("uri", json!({"privateKey": "0x33a6f309"})), "damaged"),
            (with("uri", json!({"privateKey": 33_600_309})), "not a key file"),
            (b"".to_vec(), "not a key file"),
            (b"{\"privateKey\":\"0x33a6f309".to_vec(), "not a key file"),
            (b"0x33a6f309".to_vec(), "not a key file"),
        ];
        for (bytes, part) in table {
            let error = parse_keyfile(&bytes).unwrap_err().to_string();
            assert!(error.contains(part) && error.lines().count() == 1, "{part}: {error}");
            assert!(!error.contains("33a6f309") && !error.contains("33600309"), "{error}");
        }
    }

    #[test]
    fn debug_texts_hold_no_secret() {
        let pair = parse_keyfile(&file("phrase")).unwrap();
        let members: Members = serde_json::from_slice(&file("phrase")).unwrap();
        let shown = format!("{pair:?} {members:?}");
        assert!(shown.contains("5DfhGyQd"), "{shown}");
        assert!(!shown.contains("fac7959d") && !shown.contains("05d65584"), "{shown}");
    }
}
