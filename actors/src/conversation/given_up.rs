//! Where and why a conversation was given up.

use std::error::Error;

use strum::{IntoStaticStr, VariantNames};

/// The stage at which a conversation was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantNames)]
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
    /// The value of the stage's label in metrics and events.
    pub(super) fn label(self) -> &'static str {
        self.into()
    }
}

/// Why a turn was given up, and at which stage.
#[derive(Debug, thiserror::Error)]
#[error("{stage:?}: {reason}")]
pub(super) struct TurnError {
    pub(super) stage: Stage,
    pub(super) reason: Box<dyn Error + Send + Sync>,
}

/// Adds the stage to an error that ends a turn.
pub(super) fn at<E: Into<Box<dyn Error + Send + Sync>>>(
    stage: Stage,
) -> impl FnOnce(E) -> TurnError {
    move |error| TurnError { stage, reason: error.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_those_of_the_metric() {
        let declared = sn1::telemetry::CONVERSATION_FAILURES.values("stage");
        assert_eq!(declared, Stage::VARIANTS);
    }
}
