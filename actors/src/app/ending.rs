//! How a run ends.

use super::Failure;

/// Why a run ended.
#[derive(Debug, Clone, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Ending {
    /// Its time was over.
    Duration,
    /// It was told to stop.
    Signal,
    /// The tree gave up, for this reason.
    GaveUp(String),
}

impl Ending {
    /// A tree that gave up is a failure.
    pub(super) fn verdict(self) -> Result<(), Failure> {
        match self {
            Self::GaveUp(reason) => Err(Failure::gave_up(&reason)),
            Self::Duration | Self::Signal => Ok(()),
        }
    }
}
