//! Why a back end did not answer, whether another may try, and what the caller is told.

use crate::messages::inference::{InferenceError, Retry};

/// Why a back end did not answer a job. The pool, not the author, decides about retries.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// The back end died, or its connection broke. The pool gives the job to a back end once more,
    /// unless the caller has received part of an answer.
    #[error("the back end died with the request")]
    Lost,
    /// The back end has no room now. The pool keeps the job until a back end has.
    #[error("the back end has no room for another request now")]
    Overloaded,
    /// The model's context is too short. The pool looks for a back end with a longer one.
    #[error("the prompt has {n_tokens} tokens and the model takes at most {limit}; shorten it")]
    TooLong {
        /// The prompt's length in tokens.
        n_tokens: usize,
        /// The longest prompt, in tokens, that leaves room for one token of answer.
        limit: usize,
    },
    /// No back end can ever answer the request, for this reason.
    #[error("{0}")]
    Refused(String),
}

impl BackendError {
    /// Whether another try may succeed; after `TooLong`, only on another back end.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Lost => Retry::AtOnce,
            Self::Overloaded => Retry::Later,
            Self::TooLong { .. } | Self::Refused(_) => Retry::Never,
        }
    }
}

impl InferenceError {
    /// The error for the caller when a back end failed and no other can take the request over.
    pub(super) fn of_backend(error: &BackendError, n_lost: u8) -> Self {
        match error {
            BackendError::Lost | BackendError::Overloaded => Self::Lost { n_times: n_lost },
            BackendError::TooLong { .. } | BackendError::Refused(_) => {
                Self::Refused(error.to_string())
            }
        }
    }
}
