//! The errors of loading and stepping a language model.

use std::path::PathBuf;

use super::gguf::GgufError;
use super::source::SourceError;
use super::template::TemplateError;
use super::tokenizer::TokenizerError;

/// Why a model could not be loaded, or why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    /// There is no usable model file at the configured place.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The model file could not be read from disk.
    #[error("cannot read the model file {}", path.display())]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: std::io::Error,
    },
    /// The model file is damaged or of an unsupported kind.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// The file's tokenizer cannot be used.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The file's chat template cannot be used.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The engine's settings are invalid, for this reason.
    #[error("cannot start the engine: {0}")]
    Settings(String),
    /// An operation of libtorch failed. The engine's sequences are then in an unknown state: drop
    /// the engine and load it again.
    #[error("libtorch failed: {0}")]
    Torch(String),
    /// The model computed NaN or infinite logits; as with [`LlmError::Torch`], load the engine
    /// again.
    #[error("the model gave logits that are not numbers for request {request}")]
    NotANumber {
        /// Id of the request that the logits belong to.
        request: u64,
    },
}

#[cfg(feature = "libtorch")]
impl From<tch::TchError> for LlmError {
    fn from(error: tch::TchError) -> Self {
        Self::Torch(first_line(&error.to_string()))
    }
}

/// The first line of a libtorch message; a C++ stack trace follows it.
#[cfg(feature = "libtorch")]
pub(crate) fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}
