//! Assigns slots to new neurons and prunes old ones (docs/spec/chain.md#registration and
//! docs/spec/chain.md#weights-rate-limit).
//!
//! On a full subnet the neuron with the lowest emission loses its slot; among equals the one that
//! registered first, then the one with the lowest uid. Immune neurons and the subnet owner stay.
//! The number of registrations per block is not limited; the price may rise with each and fall with
//! time.

use super::{Slot, State, ensure};
use crate::chain::{Netuid, Refusal, Uid};
use crate::devchain::report::Event;
use crate::wallet::AccountId;

impl State {
    fn check_registration(
        &self,
        coldkey: &AccountId,
        netuid: Netuid,
        hotkey: &AccountId,
    ) -> Result<(), Refusal> {
        self.ensure_subnet(netuid)?;
        ensure(self.uid_of(hotkey).is_none(), Refusal::HotKeyAlreadyRegisteredInSubNet)?;
        let price = self.hyperparameters.burn;
        ensure(price <= self.balance(coldkey), Refusal::NotEnoughBalanceToStake)?;
        let owner = self.owners.get(hotkey);
        ensure(owner.is_none_or(|owner| owner == coldkey), Refusal::NonAssociatedColdKey)
    }

    pub(in crate::devchain) fn register(
        &mut self,
        block: u64,
        coldkey: &AccountId,
        netuid: Netuid,
        hotkey: AccountId,
    ) -> Result<Vec<Event>, Refusal> {
        self.check_registration(coldkey, netuid, &hotkey)?;
        let uid = self.place(block).ok_or(Refusal::NoNeuronIdAvailable)?;
        let price = self.hyperparameters.burn;
        let paid = Event::Withdrawn { account: *coldkey, amount: price };
        self.debit(coldkey, price);
        self.burned = self.burned.saturating_add(price);
        self.raise_price();
        self.owners.insert(hotkey, *coldkey);
        if usize::from(uid.0) < self.slots.len() {
            self.replace(uid, hotkey, block);
        } else {
            self.slots.push(Slot::new(hotkey, block));
        }
        let recycled = Event::RaoRecycled { netuid, total: self.burned };
        Ok(vec![paid, recycled, Event::NeuronRegistered { netuid, uid, hotkey }])
    }

    /// As [`Self::register`], unless the price is above `limit` rao.
    pub(in crate::devchain) fn register_limited(
        &mut self,
        block: u64,
        coldkey: &AccountId,
        netuid: Netuid,
        hotkey: AccountId,
        limit: u64,
    ) -> Result<Vec<Event>, Refusal> {
        self.ensure_subnet(netuid)?;
        let price = self.hyperparameters.burn;
        ensure(price <= limit, Refusal::RegistrationPriceLimitExceeded)?;
        self.register(block, coldkey, netuid, hotkey)
    }

    /// Halves the price of registration at the end of each interval.
    pub(in crate::devchain) fn lower_price(&mut self, block: u64) {
        let interval = u64::from(self.rules.adjustment_interval);
        if interval != 0 && block.is_multiple_of(interval) {
            self.set_price(self.hyperparameters.burn / 2);
        }
    }

    fn raise_price(&mut self) {
        if self.rules.adjustment_interval != 0 {
            self.set_price(self.hyperparameters.burn.saturating_mul(2));
        }
    }

    fn set_price(&mut self, price: u64) {
        self.hyperparameters.burn = price.min(self.rules.max_burn).max(self.rules.min_burn);
    }

    /// The slot for a new neuron: a free one, or that of the neuron to prune.
    fn place(&self, block: u64) -> Option<Uid> {
        if self.slots.len() < usize::from(self.hyperparameters.max_uids) {
            return super::uid_at(self.slots.len());
        }
        self.neuron_to_prune(block)
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

    /// Clears the slot: its own weights and bonds are deleted, and weights that others gave it
    /// become zero. Bonds that others hold in it stay until the next epoch sees the new
    /// registration.
    fn replace(&mut self, uid: Uid, hotkey: AccountId, block: u64) {
        let toward = self.slots.iter_mut().flat_map(|slot| &mut slot.weights);
        toward.filter(|(target, _)| *target == uid).for_each(|(_, value)| *value = 0);
        if let Some(slot) = self.slot_mut(uid) {
            *slot = Slot::new(hotkey, block);
        }
    }
}
