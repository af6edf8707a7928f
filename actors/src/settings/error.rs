//! What can be wrong with settings.

use std::fmt;
use std::path::PathBuf;

use sn1::validation::tasks::MixError;

/// Where a value comes from; each overrides those above it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The role's own default.
    Default,
    /// A settings file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A flag, without its dashes.
    Flag(String),
}

impl Origin {
    /// Whether both are of one kind: the same file, or both variables, or both flags.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(a), Self::File(b)) => a == b,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// How a sentence about keys of this kind begins.
    pub(super) fn plural_has(&self) -> String {
        match self {
            Self::Default => "defaults have".to_owned(),
            Self::File(path) => format!("keys in {} have", path.display()),
            Self::Variable(_) => "environment variables have".to_owned(),
            Self::Flag(_) => "flags have".to_owned(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "the environment variable {name}"),
            Self::Flag(name) => write!(f, "the flag --{name}"),
        }
    }
}

/// What is wrong with the settings. Nothing has been started yet.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the settings file {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{path} is not valid TOML: {reason}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong, and in which line.
        reason: String,
    },
    /// The role has no such setting.
    #[error("unknown key `{key}` in {origin}{}", .nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it was set.
        origin: Origin,
        /// A known key that is much like it.
        nearest: Option<String>,
    },
    /// A value that the setting does not take.
    #[error("`{key}` is `{value}` in {origin}, but it must be {rule}")]
    Value {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// Where it was set.
        origin: Origin,
        /// What it must be.
        rule: String,
    },
    /// Values that do not go together.
    #[error("{0}")]
    Together(String),
    /// Tasks and shares that do not fit together or cannot be made.
    #[error("`neuron.tasks` and `neuron.task_p` cannot be used: {0}")]
    Tasks(#[from] MixError),
}
