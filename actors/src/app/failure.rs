//! Why a command did not start, or ended badly.

use sn1::chain::ChainError;

use crate::chain::FailpointError;
use crate::exit::{Exit, Exits};
use crate::settings::SettingsError;

/// An exit code, and a sentence for the operator: what was attempted, with what, and what to do about
/// it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    exit: Exit,
    text: String,
}

impl Failure {
    /// A failure with this exit code and this sentence.
    pub fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into() }
    }

    /// A flag or setting that cannot be followed.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::new(Exit::Usage, text)
    }

    /// A listener that cannot be shared between the lives of its actor.
    pub(crate) fn unshared(error: std::io::Error) -> Self {
        Self::usage(format!("a listener could not be shared with its actor: {error}"))
    }

    /// A tree that gave up.
    pub(crate) fn gave_up(reason: &str) -> Self {
        let text = format!("the node gave up: {reason}; its state is intact, start it again");
        Self::new(Exit::GaveUp, text)
    }

    /// How the process ends.
    pub fn exit(&self) -> Exit {
        self.exit
    }
}

impl<E: Exits> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error.exit(), error.to_string())
    }
}

impl Exits for SettingsError {
    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

impl Exits for FailpointError {
    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

impl Exits for ChainError {
    fn exit(&self) -> Exit {
        match self {
            Self::NoSubnet(_) => Exit::NoSubnet,
            _ => Exit::Unavailable,
        }
    }
}
