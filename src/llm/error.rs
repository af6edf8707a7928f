//! The errors of loading and stepping a language model.

use std::path::PathBuf;

use super::gguf::GgufError;
use super::source::SourceError;
use super::template::TemplateError;
use super::tokenizer::TokenizerError;

/// Why a model could not be loaded, or why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    /// No model was found where it should be.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The model file could not be read from disk.
    #[error("cannot read the model file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
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
    /// The engine's settings make no sense.
    #[error("cannot start the engine: {0}")]
    Settings(String),
    /// libtorch refused an operation. After this the engine's sequences are in an unknown state:
    /// drop the engine and load it again.
    #[error("libtorch failed: {0}")]
    Torch(String),
    /// The model gave no usable numbers; as with [`LlmError::Torch`], load the engine again.
    #[error("the model gave logits that are not numbers for request {request}")]
    NotANumber {
        /// Whose logits.
        request: u64,
    },
}

#[cfg(feature = "libtorch")]
impl From<tch::TchError> for LlmError {
    fn from(error: tch::TchError) -> Self {
        Self::Torch(first_line(&error.to_string()))
    }
}

/// libtorch puts a C++ stack trace after the first line of its messages.
#[cfg(feature = "libtorch")]
pub(crate) fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}
