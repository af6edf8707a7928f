//! Which window of weight settings is open, and which passed without one.

use strum::{IntoStaticStr, VariantNames};

use crate::chain::{StopReason, WaitReason};

/// More windows than this are not counted at once.
const MAX_AT_ONCE: usize = 1_000;

/// What last stood in the way of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum Obstacle {
    /// The chain did not answer.
    Unreachable,
    /// We were not allowed to, see [`StopReason`].
    Stopped,
    /// There was nothing to set.
    NoScores,
    /// The chain refused what it should have taken.
    Refused,
    /// The fate of an earlier setting was not known, or it was lost.
    Unsettled,
}

impl Obstacle {
    /// A stable label for metrics.
    pub fn label(self) -> &'static str {
        self.into()
    }
}

impl From<&StopReason> for Obstacle {
    fn from(reason: &StopReason) -> Self {
        match reason {
            StopReason::Refused(_) => Self::Refused,
            _ => Self::Stopped,
        }
    }
}

impl Obstacle {
    pub(super) fn of_wait(reason: WaitReason) -> Option<Self> {
        match reason {
            WaitReason::NoScores | WaitReason::ScoresAhead => Some(Self::NoScores),
            WaitReason::TooManyUnrevealed => Some(Self::Stopped),
            WaitReason::MetagraphTooOld => Some(Self::Unreachable),
            WaitReason::OpenSetting => Some(Self::Unsettled),
            WaitReason::Window | WaitReason::Backoff => None,
        }
    }
}

/// Follows the windows. Counting begins with the first look: what passed while no node ran is not
/// counted.
#[derive(Debug, Default)]
pub(super) struct Windows {
    /// First block of the window that is open or comes next, and its length.
    current: Option<(u64, u64)>,
    obstacle: Option<Obstacle>,
}

impl Windows {
    pub(super) fn note(&mut self, obstacle: Obstacle) {
        self.obstacle = Some(obstacle);
    }

    /// Takes note of the block from which weights are due, and tells with what obstacle each window
    /// ended that is over at `head` by now.
    pub(super) fn advance(&mut self, due_at: u64, length: u64, head: u64) -> Vec<Obstacle> {
        let opens_at = match self.current {
            None => due_at.max(head),
            // Weights landed, or the chain counts from a later block: another window.
            Some((opens_at, _)) => opens_at.max(due_at),
        };
        if self.current.is_some_and(|(before, _)| before != opens_at) {
            self.obstacle = None;
        }
        self.current = Some((opens_at, length.max(1)));
        self.pass(head)
    }

    /// Weights landed in `block`, perhaps not in the first window that was open.
    pub(super) fn landed(&mut self, block: u64) -> Vec<Obstacle> {
        self.pass(block)
    }

    fn pass(&mut self, head: u64) -> Vec<Obstacle> {
        let Some((opens_at, length)) = self.current else { return Vec::new() };
        let n_over = head.saturating_sub(opens_at) / length;
        if n_over == 0 {
            return Vec::new();
        }
        self.current = Some((opens_at + n_over * length, length));
        let obstacle = self.obstacle.take().unwrap_or(Obstacle::Unreachable);
        vec![obstacle; usize::try_from(n_over).unwrap_or(usize::MAX).min(MAX_AT_ONCE)]
    }
}
