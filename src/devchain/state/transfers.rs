//! Balance that moves: transfers and stake. Fees are absent on the dev chain.

use super::{State, ensure};
use crate::chain::{Netuid, Refusal};
use crate::wallet::AccountId;

impl State {
    pub(in crate::devchain) fn check_balance(
        &self,
        account: &AccountId,
        amount: u64,
    ) -> Result<(), Refusal> {
        ensure(amount <= self.balance(account), Refusal::BalanceTooLow)
    }

    pub(in crate::devchain) fn transfer(
        &mut self,
        from: &AccountId,
        to: AccountId,
        amount: u64,
    ) -> Result<(), Refusal> {
        self.check_balance(from, amount)?;
        self.debit(from, amount);
        self.credit(to, amount);
        Ok(())
    }

    /// The subnet exists, some coldkey owns the hotkey, and the payer can pay. Anyone may stake
    /// on any hotkey, as on the runtime.
    pub(in crate::devchain) fn check_add_stake(
        &self,
        payer: &AccountId,
        netuid: Netuid,
        hotkey: &AccountId,
        amount: u64,
    ) -> Result<(), Refusal> {
        self.ensure_subnet(netuid)?;
        ensure(self.owners.contains_key(hotkey), Refusal::HotKeyNotRegisteredInSubNet)?;
        self.check_balance(payer, amount)
    }

    pub(in crate::devchain) fn add_stake(
        &mut self,
        payer: &AccountId,
        netuid: Netuid,
        hotkey: AccountId,
        amount: u64,
    ) -> Result<(), Refusal> {
        self.check_add_stake(payer, netuid, &hotkey, amount)?;
        self.debit(payer, amount);
        self.add_to_stake(hotkey, amount);
        Ok(())
    }

    pub(super) fn debit(&mut self, account: &AccountId, amount: u64) {
        if let Some(balance) = self.balances.get_mut(account) {
            *balance = balance.saturating_sub(amount);
        }
    }

    pub(in crate::devchain) fn credit(&mut self, account: AccountId, amount: u64) {
        let balance = self.balances.entry(account).or_default();
        *balance = balance.saturating_add(amount);
    }

    pub(super) fn add_to_stake(&mut self, hotkey: AccountId, amount: u64) {
        let stake = self.stakes.entry(hotkey).or_default();
        *stake = stake.saturating_add(amount);
    }
}
