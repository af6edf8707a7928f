//! When epochs run, by either rule (docs/spec/chain.md#reveal-round).
//!
//! A block asks before its epoch step, so the block that runs an epoch belongs to the new one on a
//! chain with stateful epochs, and ends the old one on a chain with modular epochs.

use serde::{Deserialize, Serialize};

use super::State;
use crate::chain::commit_reveal::{EpochSchedule, EpochState, ModularEpochs};
use crate::devchain::rules::EpochRule;

/// The epoch's state as kept on chain since spec 423. Before, only the last one is kept up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(in crate::devchain) struct EpochCounters {
    /// `LastEpochBlock`: where the cycle began.
    pub(in crate::devchain) last_block: u64,
    /// `PendingEpochAt`: a block for which an epoch was asked; 0 for none.
    pub(in crate::devchain) pending_at: u64,
    /// `SubnetEpochIndex`: how many epochs have run.
    pub(in crate::devchain) index: u64,
    /// `BlocksSinceLastStep`.
    pub(in crate::devchain) since_last_step: u64,
}

impl State {
    /// The schedule as read at block `head`.
    pub(in crate::devchain) fn schedule(&self, head: u64) -> EpochSchedule {
        match self.rules.epochs {
            EpochRule::Modular => EpochSchedule::Modular(self.modular(head)),
            EpochRule::Stateful => EpochSchedule::Stateful(self.stateful(head)),
        }
    }

    /// Whether `block` runs the epoch. Tempo 0 stops epochs.
    pub(in crate::devchain) fn runs_epoch(&self, block: u64) -> bool {
        match self.rules.epochs {
            EpochRule::Modular => self.blocks_until_modular_epoch(block) == Some(0),
            EpochRule::Stateful => self.stateful(block).runs_at(block),
        }
    }

    /// The epoch that `block` belongs to, as seen before its epoch step or after it.
    pub(in crate::devchain) fn epoch_index(&self, block: u64) -> u64 {
        match self.rules.epochs {
            EpochRule::Modular => self.modular(block).epoch_at(block).unwrap_or(u64::MAX),
            EpochRule::Stateful => self.stateful(block).epoch_at(block),
        }
    }

    /// Blocks from `head` to the one that runs the next epoch; `None` for tempo 0.
    pub(in crate::devchain) fn blocks_until_epoch(&self, head: u64) -> Option<u64> {
        let next = head.saturating_add(1);
        let blocks = match self.rules.epochs {
            EpochRule::Modular => self.blocks_until_modular_epoch(next)?,
            EpochRule::Stateful => self.blocks_until_stateful_epoch(next)?,
        };
        Some(blocks.saturating_add(1))
    }

    pub(in crate::devchain) fn note_epoch(&mut self, block: u64) {
        self.last_epoch = block;
        let is_stateful = self.rules.epochs == EpochRule::Stateful;
        self.epochs = EpochCounters {
            last_block: block,
            pending_at: 0,
            index: self.epochs.index.saturating_add(u64::from(is_stateful)),
            since_last_step: 0,
        };
    }

    /// Goes over to stateful epochs after block `head`, as the upgrade to spec 423 does: the index
    /// goes on from the one that the block number gave, so commits keep their epoch. The last
    /// epoch begins the new cycle. There is no way back.
    pub(in crate::devchain) fn adopt_stateful_epochs(&mut self, head: u64) {
        if self.rules.epochs == EpochRule::Stateful {
            return;
        }
        self.epochs.index = self.epoch_index(head.saturating_add(1));
        self.rules.epochs = EpochRule::Stateful;
    }

    /// What a new tempo does to the cycle: with stateful epochs, it begins at `block`.
    pub(in crate::devchain) fn restart_cycle(&mut self, block: u64) {
        if self.rules.epochs == EpochRule::Stateful {
            self.epochs.last_block = block;
            self.epochs.pending_at = 0;
        }
    }

    fn blocks_until_modular_epoch(&self, block: u64) -> Option<u64> {
        let tempo = u64::from(self.hyperparameters.tempo);
        let shifted = block.wrapping_add(u64::from(self.netuid.0)).wrapping_add(1);
        (tempo != 0).then(|| tempo - shifted % (tempo + 1))
    }

    fn blocks_until_stateful_epoch(&self, block: u64) -> Option<u64> {
        let tempo = u64::from(self.hyperparameters.tempo);
        let due = self.epochs.last_block.saturating_add(tempo);
        let pending = if self.epochs.pending_at > 0 { self.epochs.pending_at } else { u64::MAX };
        (tempo != 0).then(|| due.min(pending).saturating_sub(block))
    }

    fn modular(&self, head: u64) -> ModularEpochs {
        ModularEpochs { netuid: self.netuid, tempo: self.hyperparameters.tempo, head }
    }

    fn stateful(&self, head: u64) -> EpochState {
        EpochState {
            last_epoch_block: self.epochs.last_block,
            pending_epoch_at: self.epochs.pending_at,
            subnet_epoch_index: self.epochs.index,
            tempo: self.hyperparameters.tempo,
            blocks_since_last_step: self.epochs.since_last_step,
            head,
        }
    }
}
