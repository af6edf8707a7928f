//! How old what we know may be, counted in block times, and what that means for a node's work.

use std::time::Duration;

use strum::IntoStaticStr;

/// What may be done on what is known of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Stage {
    /// Everything.
    Fresh,
    /// Everything, with a warning: the chain has been silent for longer than usual.
    Stale,
    /// Nothing new is begun, neither conversations nor weight settings.
    TooOld,
}

impl Stage {
    /// A stable label.
    pub fn label(self) -> &'static str {
        self.into()
    }

    /// 0, 1, 2: how a gauge shows it.
    pub fn level(self) -> u8 {
        self as u8
    }
}

/// From which age on each stage begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// A block takes so long.
    pub block_time: Duration,
    /// Older than so many blocks is stale.
    pub stale_after: u32,
    /// Older than so many blocks is too old; not below `stale_after`.
    pub too_old_after: u32,
}

impl Freshness {
    /// What knowledge of this age is good for.
    pub fn stage(&self, age: Duration) -> Stage {
        if age > self.block_time * self.too_old_after {
            Stage::TooOld
        } else if age > self.block_time * self.stale_after {
            Stage::Stale
        } else {
            Stage::Fresh
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_begin_beyond_their_limits() {
        let freshness =
            Freshness { block_time: Duration::from_secs(12), stale_after: 10, too_old_after: 100 };
        let stages = [
            (0, Stage::Fresh),
            (120_000, Stage::Fresh),
            (120_001, Stage::Stale),
            (1_200_000, Stage::Stale),
            (1_200_001, Stage::TooOld),
        ];
        for (ms, stage) in stages {
            assert_eq!(freshness.stage(Duration::from_millis(ms)), stage, "{ms}");
        }
        assert!(stages.is_sorted_by_key(|(_, stage)| stage.level()));
    }
}
