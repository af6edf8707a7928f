//! Whether a hotkey is on the subnet: asked at a node's start, and of every snapshot afterwards.

use super::{Metagraph, Uid};
use crate::wallet::AccountId;

/// A hotkey's place on the subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// It holds a slot.
    Registered {
        /// Which.
        uid: Uid,
        /// Whether it may validate.
        has_permit: bool,
    },
    /// It holds none.
    NotRegistered,
}

impl Registration {
    /// Whether the hotkey holds a slot.
    pub fn is_registered(self) -> bool {
        matches!(self, Self::Registered { .. })
    }

    /// Whether the hotkey may validate.
    pub fn has_permit(self) -> bool {
        matches!(self, Self::Registered { has_permit: true, .. })
    }
}

impl Metagraph {
    /// The place of `hotkey` at this block.
    pub fn registration(&self, hotkey: &AccountId) -> Registration {
        self.neuron_of(hotkey).map_or(Registration::NotRegistered, |neuron| {
            Registration::Registered { uid: neuron.uid, has_permit: neuron.validator_permit }
        })
    }
}
