//! Sentence embeddings for the relevance reward: all-MiniLM-L6-v2 and models of its kind.
//!
//! A folder with `config.json`, `model.safetensors` and `tokenizer.json` becomes an [`EncoderFolder`],
//! read and checked, and with libtorch a `SentenceEncoder`. The embedding of a text is the mean of the
//! last layer over its tokens, scaled to length one; texts are cut at [`MAX_TOKENS`]. All numbers are
//! `f32`. A folder whose configuration describes anything but a plain BERT encoder is refused, because
//! something else would be computed, unnoticed.

#[cfg(feature = "libtorch")]
mod bert;
mod config;
#[cfg(feature = "libtorch")]
mod encoder;
mod layout;

use std::path::{Path, PathBuf};

use tokenizers::{Tokenizer, TruncationParams};

use config::BertConfig;
#[cfg(feature = "libtorch")]
pub use encoder::{SentenceEncoder, set_threads};

/// The longest text that is encoded, in tokens, including the two that frame it.
pub const MAX_TOKENS: usize = 256;

/// Why an encoder could not be loaded or used.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddingError {
    /// A file is missing or cannot be read.
    #[error("cannot read {}; run `make models` or name another folder", path.display())]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: std::io::Error,
    },
    /// A file is damaged, or describes an unsupported kind of model.
    #[error("cannot use {} for a sentence encoder: {reason}", path.display())]
    Unusable {
        /// Path of the file.
        path: PathBuf,
        /// What is wrong with the file, in words.
        reason: String,
    },
    /// A text could not be split into tokens.
    #[error("cannot split a text into tokens: {reason}")]
    Tokens {
        /// The tokenizer's message.
        reason: String,
    },
    /// An operation of libtorch failed.
    #[error("libtorch failed: {0}")]
    Torch(String),
}

/// The files of an encoder, read and checked as far as it goes without computing. Both the preflight of
/// a role and the encoder read them through this, so that what the one refuses, the other does.
#[derive(Debug)]
#[cfg_attr(not(feature = "libtorch"), expect(dead_code, reason = "read by the encoder"))]
pub struct EncoderFolder {
    config: BertConfig,
    tokenizer: Tokenizer,
    /// The bytes of `model.safetensors`, whose tensors are those of the configuration.
    weights: Vec<u8>,
}

impl EncoderFolder {
    /// Reads the files.
    ///
    /// # Errors
    /// A file is missing, damaged or unsupported.
    pub fn read(folder: &Path) -> Result<Self, EmbeddingError> {
        let config = BertConfig::load(&folder.join("config.json"))?;
        let tokenizer = load_tokenizer(&folder.join("tokenizer.json"), &config)?;
        let path = folder.join("model.safetensors");
        let weights = read(&path)?;
        layout::check_tensors(&weights, &config)
            .map_err(|reason| EmbeddingError::Unusable { path, reason })?;
        Ok(Self { config, tokenizer, weights })
    }
}

fn load_tokenizer(path: &Path, config: &BertConfig) -> Result<Tokenizer, EmbeddingError> {
    let unusable = |reason: String| EmbeddingError::Unusable { path: path.to_owned(), reason };
    let bytes = read(path)?;
    let mut tokenizer =
        Tokenizer::from_bytes(bytes).map_err(|error| unusable(error.to_string()))?;
    let n_tokens = tokenizer.get_vocab_size(true);
    if n_tokens as i64 > config.vocab_size {
        let (found, wanted) = (n_tokens, config.vocab_size);
        return Err(unusable(format!("it has {found} tokens, the model {wanted}")));
    }
    let truncation = TruncationParams { max_length: MAX_TOKENS, ..TruncationParams::default() };
    tokenizer
        .with_padding(None)
        .with_truncation(Some(truncation))
        .map_err(|error| unusable(error.to_string()))?;
    Ok(tokenizer)
}

fn read(path: &Path) -> Result<Vec<u8>, EmbeddingError> {
    std::fs::read(path).map_err(|source| EmbeddingError::Read { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;
