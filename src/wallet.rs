//! Account ids, their ss58 form, and sr25519 key pairs.
//!
//! Signatures are schnorrkel with the context `substrate`, as the chain and the Python SDK make
//! them (docs/spec/wire.md#signed-text).
//!
//! | module | holds |
//! |---|---|
//! | [`phrase`] | secret phrases, and the seed that one gives |
//! | [`suri`] | Substrate's secret URIs and the keys derived from them |
//! | [`keyfile`] | reads the official wallet's files; [`encryption`] opens and makes sealed ones |
//! | [`new_key`] | a new key with its secret, and the files that hold it |
//! | [`password`] | passwords, and how the official wallet passes them in the environment |
//!
//! Nothing here touches a file or draws a random number: bytes, passwords and randomness are
//! arguments. Secrets are wiped when they are dropped, and neither `Debug` nor an error shows one.

pub mod encryption;
pub mod keyfile;
pub mod new_key;
pub mod password;
pub mod phrase;
pub mod suri;

use std::fmt;
use std::str::FromStr;

use blake2::{Blake2b512, Digest};
use schnorrkel::{ExpansionMode, MiniSecretKey, PublicKey, Signature};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The ss58 network prefix of Bittensor and of generic Substrate accounts.
pub const SS58_PREFIX: u16 = 42;
const SIGNING_CONTEXT: &[u8] = b"substrate";

/// Why a text is not an address, a key or a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WalletError {
    /// Not an ss58 address: wrong alphabet, length or checksum.
    #[error("`{0}` is not a valid ss58 address")]
    Address(String),
    /// Not a derivation path of hard junctions such as `//Alice//1`.
    #[error("`{0}` is not a derivation path of hard junctions such as //Alice")]
    DerivationPath(String),
    /// Not a 64-byte signature in `0x` hex.
    #[error("signature is not 0x and 128 hex digits")]
    SignatureFormat,
    /// The signature does not belong to this key and message.
    #[error("signature does not verify")]
    SignatureMismatch,
}

/// A 32-byte account id: an sr25519 public key. Shown and serialised as ss58.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(pub [u8; 32]);

impl AccountId {
    /// The address with network prefix 42.
    pub fn to_ss58(&self) -> String {
        let mut data = vec![SS58_PREFIX as u8];
        data.extend_from_slice(&self.0);
        let checksum = ss58_checksum(&data);
        data.extend_from_slice(&checksum[..2]);
        bs58::encode(data).into_string()
    }

    /// Reads an address of any network prefix, as verifiers on the wire must
    /// (docs/spec/wire.md#signed-text).
    pub fn from_ss58_any_prefix(text: &str) -> Result<(Self, u16), WalletError> {
        let bad = || WalletError::Address(text.chars().take(80).collect());
        // A longer text cannot be an address. Base58 decoding is quadratic, so this check comes
        // first.
        if text.len() > 64 {
            return Err(bad());
        }
        let data = bs58::decode(text).into_vec().map_err(|_| bad())?;
        let (prefix, n_prefix) = match data.first() {
            Some(&first @ 0..=63) => (u16::from(first), 1),
            Some(&first @ 64..=127) => {
                let second = *data.get(1).ok_or_else(bad)?;
                let low = (first << 2) | (second >> 6);
                (u16::from(low) | (u16::from(second & 0x3f) << 8), 2)
            }
            _ => return Err(bad()),
        };
        if data.len() != n_prefix + 34 {
            return Err(bad());
        }
        let (body, checksum) = data.split_at(n_prefix + 32);
        if ss58_checksum(body)[..2] != *checksum {
            return Err(bad());
        }
        let mut id = [0; 32];
        id.copy_from_slice(&body[n_prefix..]);
        Ok((Self(id), prefix))
    }

    /// Checks a signature over `message`, either plain or wrapped in `<Bytes>` as wallets do.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), WalletError> {
        self.verify_plain(message, signature).or_else(|_| {
            let wrapped = [b"<Bytes>", message, b"</Bytes>"].concat();
            self.verify_plain(&wrapped, signature)
        })
    }

    /// Checks a signature over exactly `message`: half the cost of [`AccountId::verify`] if it
    /// fails.
    pub fn verify_plain(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), WalletError> {
        let mismatch = |_| WalletError::SignatureMismatch;
        let key = PublicKey::from_bytes(&self.0).map_err(mismatch)?;
        let signature = Signature::from_bytes(signature).map_err(mismatch)?;
        key.verify_simple(SIGNING_CONTEXT, message, &signature).map_err(mismatch)
    }
}

fn ss58_checksum(data: &[u8]) -> [u8; 64] {
    let mut hasher = Blake2b512::new();
    hasher.update(b"SS58PRE");
    hasher.update(data);
    hasher.finalize().into()
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_ss58())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_ss58())
    }
}

impl FromStr for AccountId {
    type Err = WalletError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_ss58_any_prefix(text).map(|(id, _)| id)
    }
}

impl Serialize for AccountId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_ss58())
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An sr25519 key pair. `Debug` shows the address only.
#[derive(Clone)]
pub struct Keypair(schnorrkel::Keypair);

impl Keypair {
    /// The key of a 32-byte mini secret (the `secretSeed` of a key file).
    ///
    /// # Errors
    /// None for any 32 bytes today; the error leaves room for stricter libraries.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, WalletError> {
        MiniSecretKey::from_bytes(seed)
            .map(|mini| Self(mini.expand_to_keypair(ExpansionMode::Ed25519)))
            .map_err(|_| WalletError::DerivationPath(String::new()))
    }

    /// The account of this key: its public half.
    pub fn account_id(&self) -> AccountId {
        AccountId(self.0.public.to_bytes())
    }

    /// Signs `message` unchanged. Randomised: two signatures of one message differ.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign_simple(SIGNING_CONTEXT, message).to_bytes()
    }
}

impl fmt::Debug for Keypair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keypair({})", self.account_id())
    }
}

/// BLAKE2b with a 32-byte digest, the chain's own hash.
pub fn blake2b_256(data: &[u8]) -> [u8; 32] {
    blake2::Blake2b::<blake2::digest::consts::U32>::digest(data).into()
}

/// Reads `0x` and 128 hex digits of either case.
pub fn parse_signature(text: &str) -> Result<[u8; 64], WalletError> {
    let digits = text.strip_prefix("0x").ok_or(WalletError::SignatureFormat)?;
    let mut signature = [0; 64];
    hex::decode_to_slice(digits, &mut signature).map_err(|_| WalletError::SignatureFormat)?;
    Ok(signature)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::testing::vector_json;

    fn text<'a>(value: &'a Value, key: &str) -> &'a str {
        value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
    }

    #[test]
    fn keys_match_the_chain_vectors() {
        let file: Value = vector_json("chain/vectors/keys.json");
        for account in file["dev_accounts"].as_array().unwrap() {
            let pair = Keypair::from_dev_path(text(account, "uri")).unwrap();
            assert_eq!(pair.account_id().to_ss58(), text(account, "address"));
        }
        for case in file["seeds"].as_array().unwrap() {
            let mut seed = [0; 32];
            hex::decode_to_slice(&text(case, "seed")[2..], &mut seed).unwrap();
            let pair = Keypair::from_seed(&seed).unwrap();
            assert_eq!(pair.account_id().to_ss58(), text(case, "address"));
        }
    }

    #[test]
    fn signatures_of_the_chain_vectors_verify_or_not_as_recorded() {
        let file: Value = vector_json("chain/vectors/keys.json");
        let mut n_good = 0;
        for case in file["signatures"].as_array().unwrap() {
            let id: AccountId = text(case, "signer").parse().unwrap();
            let message = hex::decode(&text(case, "message")[2..]).unwrap();
            let verdict = parse_signature(text(case, "signature"))
                .and_then(|signature| id.verify(&message, &signature));
            assert_eq!(verdict.is_ok(), case["valid"].as_bool().unwrap(), "{case}");
            n_good += usize::from(verdict.is_ok());
        }
        assert!(n_good > 0);
    }

    #[test]
    fn addresses_survive_the_round_trip_and_damage_is_noticed() {
        let address = Keypair::from_dev_path("//Alice").unwrap().account_id().to_ss58();
        assert_eq!(address.parse::<AccountId>().unwrap().to_ss58(), address);
        let damaged = address.replacen('5', "6", 1);
        assert!(damaged.parse::<AccountId>().is_err());
        assert!("".parse::<AccountId>().is_err());
    }

    #[test]
    fn derivation_paths_are_hard_junctions_only() {
        for path in ["", "Alice", "/Alice", "//", "//a/b", "//a//"] {
            assert!(Keypair::from_dev_path(path).is_err(), "{path}");
        }
        assert_ne!(
            Keypair::from_dev_path("//sn1//miner//1").unwrap().account_id(),
            Keypair::from_dev_path("//sn1//miner//2").unwrap().account_id(),
        );
    }
}
