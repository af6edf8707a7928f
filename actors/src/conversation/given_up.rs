//! Where and why a conversation was given up.

use strum::IntoStaticStr;

/// Where a conversation was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Stage {
    Task,
    Challenge,
    Query,
    Reward,
    Record,
    FollowUp,
}

impl Stage {
    /// The metrics' label.
    pub(super) fn label(self) -> &'static str {
        self.into()
    }
}

/// Why a turn was given up, and where.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{stage:?}: {reason}")]
pub(super) struct TurnError {
    pub(super) stage: Stage,
    pub(super) reason: String,
}

/// Gives a turn up at `stage` because of an error.
pub(super) fn at<E: std::fmt::Display>(stage: Stage) -> impl FnOnce(E) -> TurnError {
    move |error| TurnError { stage, reason: error.to_string() }
}
