//! Who gets a slot, and who loses one (`subtensor.md` sections 2 and 4).
//!
//! A full subnet gives the slot of the neuron with the lowest emission; among equals of the
//! oldest registration, then of the lowest uid. Immune neurons and the subnet owner stay. The
//! price is fixed, and there is no limit on registrations per block.

use super::{Slot, State, ensure};
use crate::chain::{Netuid, Refusal, Uid};
use crate::wallet::AccountId;

/// Where a new neuron goes.
enum Place {
    Append,
    Replace(Uid),
}

impl State {
    /// The part of the checks that guards the pool.
    pub(in crate::devchain) fn check_registration(
        &self,
        coldkey: &AccountId,
        netuid: Netuid,
        hotkey: &AccountId,
    ) -> Result<(), Refusal> {
        self.ensure_subnet(netuid)?;
        ensure(self.uid_of(hotkey).is_none(), Refusal::HotKeyAlreadyRegisteredInSubNet)?;
        self.check_balance(coldkey, self.hyperparameters.burn)?;
        let owner = self.owners.get(hotkey);
        ensure(owner.is_none_or(|owner| owner == coldkey), Refusal::NonAssociatedColdKey)
    }

    pub(in crate::devchain) fn register(
        &mut self,
        block: u64,
        coldkey: &AccountId,
        netuid: Netuid,
        hotkey: AccountId,
    ) -> Result<(), Refusal> {
        self.check_registration(coldkey, netuid, &hotkey)?;
        let place = self.place(block)?;
        let price = self.hyperparameters.burn;
        self.debit(coldkey, price);
        self.burned = self.burned.saturating_add(price);
        self.owners.insert(hotkey, *coldkey);
        match place {
            Place::Append => self.slots.push(Slot::new(hotkey, block)),
            Place::Replace(uid) => self.replace(uid, hotkey, block),
        }
        Ok(())
    }

    fn place(&self, block: u64) -> Result<Place, Refusal> {
        if self.slots.len() < usize::from(self.hyperparameters.max_uids) {
            return Ok(Place::Append);
        }
        self.neuron_to_prune(block).map(Place::Replace).ok_or(Refusal::NoNeuronIdAvailable)
    }

    fn neuron_to_prune(&self, block: u64) -> Option<Uid> {
        let immunity = u64::from(self.hyperparameters.immunity_period);
        let is_immune = |slot: &Slot| block.saturating_sub(slot.registered_at) < immunity;
        self.slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| !is_immune(slot) && !self.is_owner(&slot.hotkey))
            .min_by_key(|(position, slot)| (slot.emission, slot.registered_at, *position))
            .and_then(|(position, _)| super::uid_at(position))
    }

    /// Clears the slot: its own weights and bonds go, weights that others gave it become zero.
    /// Bonds that others hold in it stay until the next epoch sees the new registration.
    fn replace(&mut self, uid: Uid, hotkey: AccountId, block: u64) {
        let toward = self.slots.iter_mut().flat_map(|slot| &mut slot.weights);
        toward.filter(|(target, _)| *target == uid).for_each(|(_, value)| *value = 0);
        if let Some(slot) = self.slot_mut(uid) {
            *slot = Slot::new(hotkey, block);
        }
    }
}
