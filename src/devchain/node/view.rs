//! The state after one block, as storage and runtime APIs read it.

use std::collections::BTreeSet;

use super::block::Block;
use super::history::Hashes;
use crate::chain::{Hash, Hyperparameters, Netuid, Uid};
use crate::devchain::ChainRules;
use crate::devchain::DevChain;
use crate::devchain::state::{Slot, State};
use crate::wallet::AccountId;

/// Number of the root subnet, which every chain has.
pub(super) const ROOT: u16 = 0;

/// The state after one block, and the hashes of the blocks before it.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) block: &'a Block,
    pub(super) hashes: &'a Hashes,
}

impl<'a> View<'a> {
    pub(super) fn chain(self) -> &'a DevChain {
        &self.block.chain
    }

    pub(super) fn state(self) -> &'a State {
        &self.block.chain.state
    }

    pub(super) fn genesis(self) -> Hash {
        self.hashes.genesis()
    }

    pub(super) fn number(self) -> u64 {
        self.block.header.number
    }

    pub(super) fn netuid(self) -> u16 {
        self.state().netuid.0
    }

    pub(super) fn rules(self) -> &'a ChainRules {
        &self.state().rules
    }

    pub(super) fn settings(self) -> &'a Hyperparameters {
        &self.state().hyperparameters
    }

    /// The slots of a subnet; empty for the root and for a subnet that does not exist.
    pub(super) fn slots(self, netuid: u16) -> &'a [Slot] {
        if Netuid(netuid) == self.state().netuid { &self.state().slots } else { &[] }
    }

    pub(super) fn has_subnet(self, netuid: u16) -> bool {
        netuid == ROOT || netuid == self.netuid()
    }

    /// The numbers of all subnets, the root first.
    pub(super) fn netuids(self) -> Vec<u16> {
        BTreeSet::from([ROOT, self.netuid()]).into_iter().collect()
    }

    pub(super) fn slot(self, netuid: u16, uid: u16) -> Option<&'a Slot> {
        self.slots(netuid).get(usize::from(uid))
    }

    pub(super) fn slot_of(self, netuid: u16, hotkey: &AccountId) -> Option<(Uid, &'a Slot)> {
        let slots = self.slots(netuid);
        let position = slots.iter().position(|slot| slot.hotkey == *hotkey)?;
        Some((Uid(u16::try_from(position).ok()?), &slots[position]))
    }

    /// The coldkey that owns the hotkey, or the hotkey itself if it has no owner.
    pub(super) fn coldkey(self, hotkey: &AccountId) -> AccountId {
        self.state().owners.get(hotkey).copied().unwrap_or(*hotkey)
    }

    pub(super) fn stake(self, hotkey: &AccountId) -> u64 {
        self.state().stake(hotkey)
    }

    /// Sum of all stakes, in rao.
    pub(super) fn total_stake(self) -> u64 {
        self.state().stakes.values().fold(0, |sum, stake| sum.saturating_add(*stake))
    }

    /// Sum of all balances and stakes, in rao.
    pub(super) fn total_issuance(self) -> u64 {
        let balances = self.state().balances.values();
        balances.fold(self.total_stake(), |sum, balance| sum.saturating_add(*balance))
    }

    /// The hotkeys that a coldkey owns.
    pub(super) fn hotkeys_of(self, coldkey: &AccountId) -> Vec<AccountId> {
        let owned = self.state().owners.iter().filter(|(_, owner)| *owner == coldkey);
        owned.map(|(hotkey, _)| *hotkey).collect()
    }

    /// Every account that the state mentions.
    pub(super) fn accounts(self) -> Vec<AccountId> {
        let state = self.state();
        let mut accounts: BTreeSet<AccountId> = state.balances.keys().copied().collect();
        accounts.extend(state.nonces.keys());
        accounts.extend(state.stakes.keys());
        accounts.extend(state.owners.keys());
        accounts.extend(state.owners.values());
        accounts.into_iter().collect()
    }

    /// Hotkey and coldkey of the subnet owner, in this order; `None` if the subnet has no owner.
    pub(super) fn subnet_owner(self) -> Option<(AccountId, AccountId)> {
        let hotkey = self.state().owner_hotkey?;
        Some((hotkey, self.coldkey(&hotkey)))
    }

    pub(super) fn blocks_since_last_step(self) -> u64 {
        self.state().epochs.since_last_step
    }
}
