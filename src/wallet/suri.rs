//! Substrate's secret URIs: `root//hard/soft///password`.
//!
//! The root is a secret phrase, a seed of 32 bytes in `0x` hex, or nothing at all, which means the
//! public development phrase: such keys are known to everyone and must never hold value. The
//! password belongs to the phrase and is ignored after a seed, as the chain's own tools do.

use schnorrkel::derive::{ChainCode, Derivation};
use schnorrkel::{ExpansionMode, MiniSecretKey, SecretKey};
use zeroize::Zeroizing;

use super::phrase::{Phrase, PhraseError};
use super::{Keypair, WalletError, blake2b_256};

/// The phrase that an empty root stands for.
const DEVELOPMENT_PHRASE: &str =
    "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
/// The mini secret of [`DEVELOPMENT_PHRASE`] without a password, so that development keys skip the
/// key derivation.
const DEVELOPMENT_SEED: [u8; 32] = [
    0xfa, 0xc7, 0x95, 0x9d, 0xbf, 0xe7, 0x2f, 0x05, 0x2e, 0x5a, 0x0c, 0x3c, 0x8d, 0x65, 0x30, 0xf2,
    0x02, 0xb0, 0x2f, 0xd8, 0xf9, 0xf5, 0xca, 0x35, 0x80, 0xec, 0x8d, 0xeb, 0x77, 0x97, 0x47, 0x9e,
];

/// Why a text is not a secret URI. Never quotes the text, which may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SuriError {
    /// The root is neither a seed nor a phrase.
    #[error("the secret URI does not begin with a secret phrase: {0}")]
    Phrase(#[from] PhraseError),
    /// The root begins with `0x` but is not a seed of 64 hex digits.
    #[error("the secret URI begins with 0x, but not with a seed of 64 hex digits")]
    Seed,
    /// A junction without a name.
    #[error("the secret URI has an empty junction: write it like //hard/soft///password")]
    Path,
}

/// One derivation step from a key to the next: `/soft` or `//hard`.
struct Junction {
    is_hard: bool,
    code: ChainCode,
}

/// The parts of a secret URI.
struct SecretUri<'a> {
    root: &'a str,
    junctions: Vec<Junction>,
    password: &'a str,
}

impl<'a> SecretUri<'a> {
    fn parse(text: &'a str) -> Result<Self, SuriError> {
        let (text, password) = text.split_once("///").unwrap_or((text, ""));
        let (root, path) = text.split_at(text.find('/').unwrap_or(text.len()));
        Ok(Self { root, junctions: parse_path(path)?, password })
    }

    fn seed(&self) -> Result<Zeroizing<[u8; 32]>, SuriError> {
        if let Some(digits) = self.root.strip_prefix("0x") {
            let mut seed = Zeroizing::new([0; 32]);
            hex::decode_to_slice(digits, seed.as_mut_slice()).map_err(|_| SuriError::Seed)?;
            return Ok(seed);
        }
        match (self.root, self.password) {
            ("", "") => Ok(Zeroizing::new(DEVELOPMENT_SEED)),
            ("", password) => Ok(Phrase::parse(DEVELOPMENT_PHRASE)?.seed(password)),
            (root, password) => Ok(Phrase::parse(root)?.seed(password)),
        }
    }
}

fn parse_path(mut path: &str) -> Result<Vec<Junction>, SuriError> {
    let mut junctions = Vec::new();
    while let Some(rest) = path.strip_prefix('/') {
        let (is_hard, rest) = rest.strip_prefix('/').map_or((false, rest), |rest| (true, rest));
        let (name, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if name.is_empty() {
            return Err(SuriError::Path);
        }
        junctions.push(Junction { is_hard, code: ChainCode(junction_code(name)) });
        path = rest;
    }
    Ok(junctions)
}

impl Keypair {
    /// The key of a secret URI such as `//Alice`, or a phrase followed by `//hard/soft///password`.
    ///
    /// # Errors
    /// See [`SuriError`].
    pub fn from_suri(suri: &str) -> Result<Self, SuriError> {
        let uri = SecretUri::parse(suri)?;
        let mini =
            MiniSecretKey::from_bytes(uri.seed()?.as_slice()).map_err(|_| SuriError::Seed)?;
        let root = mini.expand(ExpansionMode::Ed25519);
        Ok(Self(uri.junctions.iter().fold(root, derive).to_keypair()))
    }

    /// A key derived from the public development phrase by hard junctions alone, such as `//Alice`
    /// or `//sn1//miner//3`.
    ///
    /// # Errors
    /// [`WalletError::DerivationPath`] if `path` is anything else.
    pub fn from_dev_path(path: &str) -> Result<Self, WalletError> {
        let bad = || WalletError::DerivationPath(path.to_owned());
        let is_hard_path = path.starts_with("//")
            && !path.contains("///")
            && parse_path(path).is_ok_and(|path| path.iter().all(|step| step.is_hard));
        is_hard_path.then(|| Self::from_suri(path).ok()).flatten().ok_or_else(bad)
    }
}

fn derive(key: SecretKey, junction: &Junction) -> SecretKey {
    if junction.is_hard {
        let (mini, _) = key.hard_derive_mini_secret_key(Some(junction.code), b"");
        mini.expand(ExpansionMode::Ed25519)
    } else {
        key.derived_key_simple(junction.code, b"").0
    }
}

/// The chain code of a junction: a number as u64, any other text SCALE-encoded, padded or hashed to
/// 32 bytes (the key derivation rules of Substrate).
fn junction_code(name: &str) -> [u8; 32] {
    let encoded = match name.parse::<u64>() {
        Ok(number) => number.to_le_bytes().to_vec(),
        Err(_) => [&compact_length(name.len())[..], name.as_bytes()].concat(),
    };
    let mut code = [0; 32];
    if encoded.len() <= 32 {
        code[..encoded.len()].copy_from_slice(&encoded);
    } else {
        code.copy_from_slice(&blake2b_256(&encoded));
    }
    code
}

/// SCALE's compact form of a length below 2^30.
fn compact_length(length: usize) -> Vec<u8> {
    match length {
        0..0x40 => vec![(length as u8) << 2],
        0x40..0x4000 => (((length as u16) << 2) | 1).to_le_bytes().to_vec(),
        _ => (((length as u32) << 2) | 2).to_le_bytes().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::testing::vector_json;

    /// Addresses as bittensor-wallet 4.1.1 derives them; `null` where it refuses.
    #[test]
    fn secret_uris_give_the_addresses_of_the_official_wallet() {
        let cases: Vec<(String, Option<String>)> = vector_json("wallet/suri.json");
        assert!(cases.len() > 30);
        for (suri, address) in cases {
            let pair = Keypair::from_suri(&suri).ok();
            assert_eq!(pair.map(|pair| pair.account_id().to_ss58()), address, "{suri:.80}");
        }
    }

    #[test]
    fn refusals_hold_nothing_of_the_text() {
        for text in ["secret words", "0x5ec2e7", "//secret//", "/", "secret/"] {
            let error = Keypair::from_suri(text).unwrap_err().to_string();
            assert!(!error.contains("secret words") && !error.contains("5ec2e7"), "{error}");
        }
    }

    #[test]
    fn the_vectors_of_the_chain_agree() {
        let file: Value = vector_json("chain/vectors/keys.json");
        for account in file["dev_accounts"].as_array().unwrap() {
            let pair = Keypair::from_suri(account["uri"].as_str().unwrap()).unwrap();
            assert_eq!(pair.account_id().to_ss58(), account["address"]);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_key_or_an_error(text in "\\PC*|(//?[a-z0-9]{0,40}){0,4}(///\\PC*)?") {
            let _ = Keypair::from_suri(&text);
            if let Ok(pair) = Keypair::from_dev_path(&text) {
                let same = Keypair::from_suri(&text).unwrap();
                prop_assert_eq!(pair.account_id(), same.account_id());
            }
        }
    }
}
