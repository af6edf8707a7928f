//! Why a word of the dev chain was not understood: on the command line, or in a control request.

use sn1::devchain::rpc::RpcError;

use crate::settings::hint;

/// A word that was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// A name that stands for nothing.
    #[error("unknown {what} `{text}`{hint} (one of {names})")]
    Unknown {
        /// What the name was taken for.
        what: &'static str,
        /// The name.
        text: String,
        /// The known name that is near, if any, as a question.
        hint: String,
        /// The known names, with commas.
        names: String,
    },
    /// The text lacks a part.
    #[error("`{text}` is not of the form {form}")]
    Form {
        /// The text.
        text: String,
        /// The form, with an example.
        form: &'static str,
    },
    /// A word without the value it needs.
    #[error("`{0}` needs a value: write `{0}=VALUE`")]
    NoValue(String),
    /// Not a duration.
    #[error("`{0}` is not a duration: write it like 500ms or 2s")]
    Duration(String),
    /// Not a number.
    #[error("`{0}` is not a number")]
    Number(String),
    /// A hyperparameter's value of another type.
    #[error("`{name}`: {reason}")]
    Value {
        /// The hyperparameter.
        name: String,
        /// What is wrong with its value.
        reason: String,
    },
    /// A hyperparameter's value that the runtime does not accept.
    #[error("`{0}`: out of bounds")]
    OutOfBounds(String),
}

impl WordError {
    /// `text` is none of the `known` names.
    pub(super) fn unknown(what: &'static str, text: &str, known: &[&str]) -> Self {
        let hint = hint(text, known.iter().copied());
        Self::Unknown { what, text: text.to_owned(), hint, names: known.join(", ") }
    }

    /// `text` is not of this form.
    pub(super) fn form(text: &str, form: &'static str) -> Self {
        Self::Form { text: text.to_owned(), form }
    }
}

impl From<WordError> for RpcError {
    fn from(error: WordError) -> Self {
        Self::invalid_params(error.to_string())
    }
}
