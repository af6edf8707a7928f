//! When a commit opens: the first block of its reveal epoch, and the beacon round of that moment
//! (docs/spec/chain.md#reveal-round).
//!
//! Runtimes since spec 423 keep the epoch's state on chain ([`EpochState`]); older ones derive the
//! epoch from the block number ([`ModularEpochs`]). Both answer for a commit that lands in the
//! block after the head, and so does this.

use super::beacon::BeaconParameters;
use crate::chain::Netuid;

/// Longest reveal period that the chain allows, in epochs.
pub const MAX_REVEAL_PERIOD_EPOCHS: u64 = 100;
/// Blocks without a step after which the chain runs an epoch whatever the tempo says.
const MAX_BLOCKS_WITHOUT_STEP: u64 = 50_400;
/// Blocks from the first of the reveal epoch to the round: the beacon's pulse must not be late.
const BLOCKS_OF_SAFETY: u64 = 3;

/// Why no reveal can be planned.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ScheduleError {
    /// The subnet runs no epochs.
    #[error("the subnet's tempo is 0: it runs no epochs and reveals nothing")]
    NoTempo,
    /// Outside what the chain allows.
    #[error("a reveal period of {0} epochs is outside 1 to {MAX_REVEAL_PERIOD_EPOCHS}")]
    Period(u64),
    /// The state leads to no reveal within the chain's own bound.
    #[error("no block within {0} of the head is in the reveal epoch: read the epoch's state again")]
    NotReached(u64),
    /// Block or epoch numbers that leave 64 bits.
    #[error("the schedule's block numbers are out of range: read the epoch's state again")]
    OutOfRange,
    /// Block time or clock are no usable numbers.
    #[error("cannot plan with {block_time} s a block at Unix second {now}")]
    Clock {
        /// Seconds a block.
        block_time: f64,
        /// Unix seconds.
        now: f64,
    },
}

/// The epoch's state of one subnet, all of one block (runtimes since spec 423).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochState {
    /// Block of the last epoch (`LastEpochBlock`).
    pub last_epoch_block: u64,
    /// Block for which the owner asked for an epoch (`PendingEpochAt`); 0 for none.
    pub pending_epoch_at: u64,
    /// How many epochs have run (`SubnetEpochIndex`).
    pub subnet_epoch_index: u64,
    /// Blocks between epochs.
    pub tempo: u16,
    /// Blocks since the last step (`BlocksSinceLastStep`).
    pub blocks_since_last_step: u64,
    /// The block that all this was read at.
    pub head: u64,
}

impl EpochState {
    /// Whether the epoch runs in `block`, by the state as it stands.
    pub fn runs_at(&self, block: u64) -> bool {
        let pending = self.pending_epoch_at > 0 && block >= self.pending_epoch_at;
        let overdue = self.blocks_since_last_step > MAX_BLOCKS_WITHOUT_STEP;
        let due = block.saturating_sub(self.last_epoch_block) >= u64::from(self.tempo);
        self.tempo > 0 && (pending || overdue || due)
    }

    /// The epoch that a commit in `block` belongs to.
    pub fn epoch_at(&self, block: u64) -> u64 {
        self.subnet_epoch_index.saturating_add(u64::from(self.runs_at(block)))
    }

    /// The state after the next block.
    pub fn next(self) -> Self {
        let head = self.head.saturating_add(1);
        let since = self.blocks_since_last_step.saturating_add(1);
        let counted = Self { head, blocks_since_last_step: since, ..self };
        if !counted.runs_at(head) {
            return counted;
        }
        Self {
            last_epoch_block: head,
            pending_epoch_at: 0,
            subnet_epoch_index: self.subnet_epoch_index.saturating_add(1),
            blocks_since_last_step: 0,
            ..counted
        }
    }

    /// How many blocks after the head surely run no epoch, whichever way they are counted.
    fn quiet_blocks(&self) -> u64 {
        let next = self.head.saturating_add(1);
        let due = self.last_epoch_block.saturating_add(u64::from(self.tempo));
        let pending = if self.pending_epoch_at > 0 { self.pending_epoch_at } else { u64::MAX };
        let overdue = MAX_BLOCKS_WITHOUT_STEP.saturating_sub(self.blocks_since_last_step);
        due.min(pending).saturating_sub(next).min(overdue)
    }

    /// The state `n_blocks` quiet blocks later.
    fn skip(self, n_blocks: u64) -> Self {
        let blocks_since_last_step = self.blocks_since_last_step.saturating_add(n_blocks);
        Self { head: self.head.saturating_add(n_blocks), blocks_since_last_step, ..self }
    }

    /// The first block of the epoch `period` after that of the next block. Walks from epoch to
    /// epoch, so it costs a few steps for each.
    fn first_reveal_block(&self, period: u64) -> Result<u64, ScheduleError> {
        let next = self.head.checked_add(1).ok_or(ScheduleError::OutOfRange)?;
        let target = self.epoch_at(next).checked_add(period).ok_or(ScheduleError::OutOfRange)?;
        let limit = (period + 1) * MAX_BLOCKS_WITHOUT_STEP;
        let last = self.head.checked_add(limit).ok_or(ScheduleError::OutOfRange)?;
        let mut state = *self;
        while state.head < last {
            if state.epoch_at(state.head + 1) == target {
                return Ok(state.head + 1);
            }
            state = match state.quiet_blocks() {
                0 => state.next(),
                n_blocks => state.skip(n_blocks),
            };
        }
        Err(ScheduleError::NotReached(limit))
    }
}

/// Epochs that follow from the block number alone (runtimes before spec 423).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModularEpochs {
    /// The subnet itself, never a mechanism's index.
    pub netuid: Netuid,
    /// Blocks between epochs, less one.
    pub tempo: u16,
    /// The newest block.
    pub head: u64,
}

impl ModularEpochs {
    /// The epoch that `block` belongs to; `None` beyond 64 bits.
    pub fn epoch_at(&self, block: u64) -> Option<u64> {
        Some(block.checked_add(self.shift())? / self.length())
    }

    fn shift(&self) -> u64 {
        u64::from(self.netuid.0) + 1
    }

    fn length(&self) -> u64 {
        u64::from(self.tempo) + 1
    }

    fn first_reveal_block(&self, period: u64) -> Option<u64> {
        let epoch = self.epoch_at(self.head)?.checked_add(period)?;
        epoch.checked_mul(self.length())?.checked_sub(self.shift())
    }
}

/// How a runtime counts epochs. The storage item `SubnetEpochIndex` tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpochSchedule {
    /// By state kept on chain.
    Stateful(EpochState),
    /// By block number.
    Modular(ModularEpochs),
}

impl EpochSchedule {
    /// The block at which the schedule was read.
    pub fn head(&self) -> u64 {
        match self {
            Self::Stateful(state) => state.head,
            Self::Modular(epochs) => epochs.head,
        }
    }

    /// The first block of the epoch in which a commit sent now is revealed, `period` epochs
    /// (`RevealPeriodEpochs`) after its own.
    ///
    /// # Errors
    /// Any [`ScheduleError`] but [`ScheduleError::Clock`].
    pub fn first_reveal_block(&self, period: u64) -> Result<u64, ScheduleError> {
        if !(1..=MAX_REVEAL_PERIOD_EPOCHS).contains(&period) {
            return Err(ScheduleError::Period(period));
        }
        match self {
            Self::Stateful(EpochState { tempo: 0, .. })
            | Self::Modular(ModularEpochs { tempo: 0, .. }) => Err(ScheduleError::NoTempo),
            Self::Stateful(state) => state.first_reveal_block(period),
            Self::Modular(epochs) => {
                epochs.first_reveal_block(period).ok_or(ScheduleError::OutOfRange)
            }
        }
    }
}

/// When a commit that is sent now opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevealPlan {
    /// The first block of the reveal epoch.
    pub first_block: u64,
    /// The beacon round to seal for.
    pub round: u64,
}

/// Plans the reveal of a commit that is sent at `now` (Unix seconds), with blocks of `block_time`
/// seconds: the real ones of this chain, 12 on the main network.
///
/// # Errors
/// Any [`ScheduleError`].
pub fn plan_reveal(
    schedule: &EpochSchedule,
    period: u64,
    beacon: &BeaconParameters,
    now: f64,
    block_time: f64,
) -> Result<RevealPlan, ScheduleError> {
    if !(now.is_finite() && block_time.is_finite() && block_time > 0.0) {
        return Err(ScheduleError::Clock { block_time, now });
    }
    let first_block = schedule.first_reveal_block(period)?;
    let n_blocks = first_block.saturating_sub(schedule.head()).saturating_add(BLOCKS_OF_SAFETY);
    let round = beacon.round_at(now + n_blocks as f64 * block_time);
    Ok(RevealPlan { first_block, round })
}
