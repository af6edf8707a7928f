//! The schedule of epochs, under either rule (docs/spec/chain.md#reveal-round).
//!
//! Queries take place before a block's epoch step, so the block that runs an epoch belongs to the
//! new epoch on a chain with stateful epochs, and to the old one on a chain with modular epochs.

use serde::{Deserialize, Serialize};

use super::State;
use crate::chain::commit_reveal::{EpochSchedule, EpochState, ModularEpochs};
use crate::devchain::rules::EpochRule;

/// The epoch state that the chain keeps since spec 423. Before that, only the last epoch is
/// tracked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(in crate::devchain) struct EpochCounters {
    /// `LastEpochBlock`: the block in which the cycle began.
    pub(in crate::devchain) last_block: u64,
    /// `PendingEpochAt`: the block for which an epoch was requested; 0 if none was.
    pub(in crate::devchain) pending_at: u64,
    /// `SubnetEpochIndex`: how many epochs have run.
    pub(in crate::devchain) index: u64,
    /// `BlocksSinceLastStep`: blocks since the last epoch step.
    pub(in crate::devchain) since_last_step: u64,
}

impl State {
    /// The schedule as a client reads it at block `head`.
    pub(in crate::devchain) fn schedule(&self, head: u64) -> EpochSchedule {
        match self.rules.epochs {
            EpochRule::Modular => EpochSchedule::Modular(self.modular(head)),
            EpochRule::Stateful => EpochSchedule::Stateful(self.stateful(head)),
        }
    }

    /// Whether `block` runs an epoch. Tempo 0 stops epochs.
    pub(in crate::devchain) fn runs_epoch(&self, block: u64) -> bool {
        match self.rules.epochs {
            EpochRule::Modular => self.blocks_until_modular_epoch(block) == Some(0),
            EpochRule::Stateful => self.stateful(block).runs_at(block),
        }
    }

    /// The epoch that `block` belongs to, given the state before its epoch step or after it.
    pub(in crate::devchain) fn epoch_index(&self, block: u64) -> u64 {
        match self.rules.epochs {
            EpochRule::Modular => self.modular(block).epoch_at(block).unwrap_or(u64::MAX),
            EpochRule::Stateful => self.stateful(block).epoch_at(block),
        }
    }

    /// Blocks from `head` to the one that runs the next epoch; `None` if tempo is 0.
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

    /// Switches to stateful epochs after block `head`, as the upgrade to spec 423 does: the index
    /// continues from the one that the block number gave, so commits keep their epoch. The last
    /// epoch begins the new cycle. There is no way back.
    pub(in crate::devchain) fn adopt_stateful_epochs(&mut self, head: u64) {
        if self.rules.epochs == EpochRule::Stateful {
            return;
        }
        self.epochs.index = self.epoch_index(head.saturating_add(1));
        self.rules.epochs = EpochRule::Stateful;
    }

    /// Applies a new tempo to the cycle: with stateful epochs, a new cycle begins at `block`.
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
