//! Converts text to token ids and back, with the vocabulary in the model file.
//!
//! Users' text always stays text: [`Tokenizer::encode`] never returns a control token, whatever the
//! text looks like. Control tokens come only from a rendered chat template, through
//! [`Tokenizer::encode_prompt`]. A file with an unknown pre-tokenizer is refused, because a guess
//! would give slightly wrong ids and, unnoticed, worse answers.

mod bytes;
mod control;

use std::fmt;

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;

use super::gguf::{Gguf, GgufError};
use bytes::TokenBytes;
pub(crate) use control::{ControlTokens, guarded};

const NORMAL: i64 = 1;
const CONTROL: i64 = 3;
const UNUSED: i64 = 5;

/// Why a file's tokenizer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// The metadata are missing, damaged or of an unsupported kind.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// The merges do not fit the vocabulary.
    #[error("cannot use the tokenizer of {file}: its merges do not fit its vocabulary: {reason}")]
    Merges {
        /// Name of the file.
        file: String,
        /// What does not fit, in words.
        reason: String,
    },
}

/// A rendered chat template, still as text. The guard character marks the places at which a message
/// looks like a control token; [`Tokenizer::encode_prompt`] removes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedPrompt {
    pub(crate) text: String,
    pub(crate) guard: char,
}

/// A byte-level BPE tokenizer with its control tokens.
pub struct Tokenizer {
    bpe: tokenizers::Tokenizer,
    bytes: TokenBytes,
    control: ControlTokens,
    end_ids: Vec<u32>,
    /// The tokens that templates can name, and their texts.
    named: Vec<(&'static str, String)>,
}

/// The tokens that templates can name, the keys of their ids, and whether the name stands for an empty
/// text where a model has no such token.
const NAMED: [(&str, &str, bool); 4] = [
    ("bos_token", "tokenizer.ggml.bos_token_id", true),
    ("eos_token", "tokenizer.ggml.eos_token_id", true),
    ("unk_token", "tokenizer.ggml.unknown_token_id", false),
    ("pad_token", "tokenizer.ggml.padding_token_id", false),
];

impl Tokenizer {
    /// Builds the tokenizer from a model file.
    ///
    /// # Errors
    /// Another model than byte-level BPE, an unknown pre-tokenizer or token type, or damaged
    /// metadata.
    pub fn from_gguf(gguf: &Gguf<'_>) -> Result<Self, TokenizerError> {
        check_model(gguf)?;
        let tokens = gguf.texts("tokenizer.ggml.tokens")?;
        let types = token_types(gguf, tokens.len())?;
        let bytes = TokenBytes::new(&tokens, |id| types[id] == CONTROL)
            .map_err(|reason| gguf.bad_value("tokenizer.ggml.tokens", reason))?;
        let control = ControlTokens::new(
            (0u32..)
                .zip(&tokens)
                .filter(|(id, _)| types[*id as usize] == CONTROL)
                .map(|(id, text)| (id, (*text).to_owned())),
        );
        let mut named = Vec::new();
        for (name, key, is_always_there) in NAMED {
            let text = special(gguf, key, &tokens)?.map(|(_, text)| text);
            let text = text.or_else(|| is_always_there.then(String::new));
            named.extend(text.map(|text| (name, text)));
        }
        let eos = special(gguf, "tokenizer.ggml.eos_token_id", &tokens)?;
        let end_of_turn = special(gguf, "tokenizer.ggml.eot_token_id", &tokens)?;
        Ok(Self {
            bpe: build_bpe(gguf, &tokens)?,
            bytes,
            control,
            end_ids: [&eos, &end_of_turn].into_iter().flatten().map(|token| token.0).collect(),
            named,
        })
    }

    /// The ids of `text`; none of them is a control token. Bytes that the vocabulary lacks, in
    /// practice a few ASCII control characters, are left out, as in other implementations.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        #[expect(
            clippy::expect_used,
            reason = "no step can fail: there is no normaliser, unknown token, truncation or \
                      post-processor, and both pre-tokenizers always split"
        )]
        let encoding = self.bpe.encode_fast(text, false).expect("plain byte-level BPE");
        encoding.get_ids().to_vec()
    }

    /// The ids of a rendered chat template: its control tokens become single ids, the messages stay
    /// text.
    pub fn encode_prompt(&self, prompt: &RenderedPrompt) -> Vec<u32> {
        let mut ids = Vec::new();
        for piece in self.control.split(&prompt.text) {
            match piece {
                control::Piece::Control(id) => ids.push(id),
                control::Piece::Text(text) => {
                    ids.extend(self.encode(&text.replace(prompt.guard, "")));
                }
            }
        }
        ids
    }

    /// Number of tokens in `text`, without control tokens.
    pub fn count_tokens(&self, text: &str) -> usize {
        self.encode(text).len()
    }

    /// The text of `ids`; control tokens and unknown ids give nothing, incomplete characters
    /// U+FFFD.
    pub fn decode(&self, ids: &[u32]) -> String {
        let bytes: Vec<u8> = ids.iter().flat_map(|id| self.token_bytes(*id)).copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The bytes of one token; empty for a control token or an unknown id.
    pub fn token_bytes(&self, id: u32) -> &[u8] {
        self.bytes.get(id)
    }

    /// Whether this token ends the model's answer.
    pub fn is_end(&self, id: u32) -> bool {
        self.end_ids.contains(&id)
    }

    /// Number of tokens in the vocabulary.
    pub fn n_tokens(&self) -> usize {
        self.bytes.n_tokens()
    }

    /// The tokens that templates can name, and their texts.
    pub(crate) fn named_tokens(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.named.iter().map(|(name, text)| (*name, text.as_str()))
    }

    pub(crate) fn control(&self) -> &ControlTokens {
        &self.control
    }
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_tokens = self.n_tokens();
        formatter.debug_struct("Tokenizer").field("n_tokens", &n_tokens).finish_non_exhaustive()
    }
}

fn check_model(gguf: &Gguf<'_>) -> Result<(), GgufError> {
    let (model, pre) = ("tokenizer.ggml.model", "tokenizer.ggml.pre");
    if gguf.text(model)? != "gpt2" {
        return Err(gguf.bad_value(model, "is not `gpt2`, the only tokenizer model that is known"));
    }
    let found = gguf.text(pre)?;
    if found != "smollm" {
        let reason = format!("is `{found}`; `smollm` is the only pre-tokenizer that is known");
        return Err(gguf.bad_value(pre, reason));
    }
    let add_bos = "tokenizer.ggml.add_bos_token";
    if gguf.value(add_bos) == Some(&super::gguf::Value::Bool(true)) {
        return Err(gguf.bad_value(add_bos, "is true, which is not supported for this tokenizer"));
    }
    Ok(())
}

fn token_types(gguf: &Gguf<'_>, n_tokens: usize) -> Result<Vec<i64>, GgufError> {
    let key = "tokenizer.ggml.token_type";
    let types = gguf.integers(key)?;
    if types.len() != n_tokens {
        let reason = format!("has {} entries for {n_tokens} tokens", types.len());
        return Err(gguf.bad_value(key, reason));
    }
    match types.iter().find(|kind| ![NORMAL, CONTROL, UNUSED].contains(kind)) {
        Some(kind) => Err(gguf.bad_value(key, format!("has the unsupported token type {kind}"))),
        None => Ok(types),
    }
}

/// The token that a metadata key names; `None` if the key is missing.
fn special(
    gguf: &Gguf<'_>,
    key: &str,
    tokens: &[&str],
) -> Result<Option<(u32, String)>, GgufError> {
    let Some(id) = gguf.optional_integer::<u32>(key)? else {
        return Ok(None);
    };
    let token = tokens
        .get(id as usize)
        .ok_or_else(|| gguf.bad_value(key, format!("is {id}, beyond the vocabulary")))?;
    Ok(Some((id, (*token).to_owned())))
}

fn build_bpe(gguf: &Gguf<'_>, tokens: &[&str]) -> Result<tokenizers::Tokenizer, TokenizerError> {
    let wrong = |reason: String| TokenizerError::Merges { file: gguf.file().to_owned(), reason };
    let merges = gguf
        .texts("tokenizer.ggml.merges")?
        .into_iter()
        .map(|merge| {
            let (left, right) = merge.split_once(' ')?;
            Some((left.to_owned(), right.to_owned()))
        })
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| wrong("one has no space between its parts".into()))?;
    let vocabulary: Vocab = tokens.iter().map(|token| (*token).to_owned()).zip(0u32..).collect();
    let bpe = BPE::builder()
        .vocab_and_merges(vocabulary, merges)
        .build()
        .map_err(|error| wrong(error.to_string()))?;
    let mut tokenizer = tokenizers::Tokenizer::new(bpe);
    tokenizer.with_pre_tokenizer(Some(smollm_pre_tokenizer()));
    Ok(tokenizer)
}

/// Splits off every digit, then applies the byte-level pattern.
fn smollm_pre_tokenizer() -> Sequence {
    Sequence::new(vec![
        PreTokenizerWrapper::Digits(Digits::new(true)),
        PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, true, true)),
    ])
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod toy;
