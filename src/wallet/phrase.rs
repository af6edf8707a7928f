//! Secret phrases: English words of BIP-39, and the seed that Substrate derives from them.
//!
//! Substrate stretches the entropy behind the words, not the words themselves, so the seeds differ
//! from those of Bitcoin's wallets.

use std::fmt;
use std::num::NonZeroU32;

use bip39::{Language, Mnemonic};
use ring::pbkdf2;
use zeroize::Zeroizing;

/// PBKDF2 rounds from entropy to seed.
const SEED_ROUNDS: NonZeroU32 = NonZeroU32::new(2048).unwrap();
/// How many words a phrase may have, by BIP-39.
pub const WORD_COUNTS: [usize; 5] = [12, 15, 18, 21, 24];

/// Why a text is not a secret phrase. Never quotes the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhraseError {
    /// The number of words is not in [`WORD_COUNTS`].
    #[error("a secret phrase has 12, 15, 18, 21 or 24 words, not {0}")]
    WordCount(usize),
    /// The word at this position, counted from one, is not in the English list.
    #[error("word {0} of the secret phrase is not in the English list: look for a typing error")]
    UnknownWord(usize),
    /// Every word is in the list, but the checksum does not match.
    #[error("the words of the secret phrase do not fit together: look for a wrong or swapped word")]
    Checksum,
}

/// A secret phrase with a valid checksum. `Debug` shows nothing of it; it is wiped when dropped.
#[derive(Clone)]
pub struct Phrase(Mnemonic);

impl Phrase {
    /// Reads English words in lower case, separated by any white space.
    ///
    /// # Errors
    /// See [`PhraseError`].
    pub fn parse(text: &str) -> Result<Self, PhraseError> {
        let n_words = text.split_whitespace().count();
        Mnemonic::parse_in_normalized(Language::English, text).map(Self).map_err(
            |error| match error {
                bip39::Error::UnknownWord(i) => PhraseError::UnknownWord(i + 1),
                bip39::Error::InvalidChecksum => PhraseError::Checksum,
                _ => PhraseError::WordCount(n_words),
            },
        )
    }

    /// The phrase that encodes `entropy`: 16, 20, 24, 28 or 32 bytes give 12 to 24 words.
    ///
    /// # Errors
    /// [`PhraseError::WordCount`] for another length.
    pub fn from_entropy(entropy: &[u8]) -> Result<Self, PhraseError> {
        // A word carries 11 bits; one bit in 33 is checksum.
        let n_words = entropy.len() * 3 / 4;
        Mnemonic::from_entropy(entropy).map(Self).map_err(|_| PhraseError::WordCount(n_words))
    }

    /// Bytes of entropy in a phrase of `n_words`; `None` if no phrase has that many words.
    pub fn entropy_bytes(n_words: usize) -> Option<usize> {
        WORD_COUNTS.contains(&n_words).then_some(n_words / 3 * 4)
    }

    /// The 32-byte seed (mini secret) of the phrase under a password, which is usually empty.
    pub fn seed(&self, password: &str) -> Zeroizing<[u8; 32]> {
        let (entropy, n_bytes) = self.0.to_entropy_array();
        let entropy = Zeroizing::new(entropy);
        let salt = Zeroizing::new(format!("mnemonic{password}"));
        let mut long = Zeroizing::new([0; 64]);
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA512,
            SEED_ROUNDS,
            salt.as_bytes(),
            &entropy[..n_bytes],
            long.as_mut_slice(),
        );
        let mut seed = Zeroizing::new([0; 32]);
        seed.copy_from_slice(&long[..32]);
        seed
    }

    /// The words, separated by single spaces. Show them to the owner of the key only.
    pub fn words(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.to_string())
    }
}

impl fmt::Debug for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phrase({} words)", self.0.word_count())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::testing::vector_json;
    use crate::wallet::Keypair;

    const PHRASE: &str =
        "legal winner thank year wave sausage worth useful legal winner thank yellow";

    #[test]
    fn phrases_of_the_chain_vectors_give_their_seeds_and_addresses() {
        let file: Value = vector_json("chain/vectors/keys.json");
        let cases = file["mnemonics"].as_array().unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let phrase = Phrase::parse(case["mnemonic"].as_str().unwrap()).unwrap();
            let seed = phrase.seed("");
            let hex = format!("0x{}", hex::encode(seed.as_slice()));
            assert_eq!(hex, case["keyfile"]["secretSeed"]);
            let address = Keypair::from_seed(&seed).unwrap().account_id().to_ss58();
            assert_eq!(address, case["address"]);
            assert_eq!(phrase.words().as_str(), case["mnemonic"]);
        }
    }

    #[test]
    fn typing_errors_are_told_apart_without_a_word_being_shown() {
        let spaced = format!(" \t{}\n", PHRASE.replace(' ', "  "));
        assert_eq!(Phrase::parse(&spaced).unwrap().words().as_str(), PHRASE);
        let table = [
            ("", PhraseError::WordCount(0)),
            ("legal winner", PhraseError::WordCount(2)),
            (&PHRASE.replace("year", "jahr"), PhraseError::UnknownWord(4)),
            (&PHRASE.to_uppercase(), PhraseError::UnknownWord(1)),
            (&PHRASE.replace("yellow", "winner"), PhraseError::Checksum),
        ];
        for (text, error) in table {
            assert_eq!(Phrase::parse(text).unwrap_err(), error);
        }
        assert_eq!(format!("{:?}", Phrase::parse(PHRASE).unwrap()), "Phrase(12 words)");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_text_is_a_phrase_or_an_error(text in "\\PC*|([a-z]{3,8} ){11,25}") {
            let _ = Phrase::parse(&text);
        }

        #[test]
        fn entropy_of_each_length_gives_words_that_are_read_again(
            bytes in prop::collection::vec(any::<u8>(), 32),
            n_words in prop::sample::select(&WORD_COUNTS[..]),
        ) {
            let n_bytes = Phrase::entropy_bytes(n_words).unwrap();
            let phrase = Phrase::from_entropy(&bytes[..n_bytes]).unwrap();
            let words = phrase.words();
            prop_assert_eq!(words.split(' ').count(), n_words);
            prop_assert_eq!(Phrase::parse(&words).unwrap().seed("x"), phrase.seed("x"));
            prop_assert!(Phrase::from_entropy(&bytes[..n_bytes - 1]).is_err());
        }
    }
}
