//! Movements of rao: transfers, stake and fees. Rao that is neither spendable nor staked counts as
//! burned or as fees, so the ledger always adds up to what was issued.

use super::{State, ensure};
use crate::chain::{Netuid, Refusal};
use crate::devchain::report::Event;
use crate::wallet::AccountId;

/// Rao that an account must hold in order to exist.
pub const EXISTENTIAL_DEPOSIT: u64 = 500;

impl State {
    /// Moves balance. A remainder below the existential deposit stays in the account, because the
    /// dev chain never removes accounts.
    pub(in crate::devchain) fn transfer(
        &mut self,
        from: &AccountId,
        to: AccountId,
        amount: u64,
        keep_alive: bool,
    ) -> Result<Vec<Event>, Refusal> {
        let kept = if keep_alive { EXISTENTIAL_DEPOSIT } else { 0 };
        let spendable = self.balance(from).saturating_sub(kept);
        ensure(amount <= spendable, Refusal::InsufficientBalance)?;
        let is_new = !self.balances.contains_key(&to);
        ensure(!is_new || amount >= EXISTENTIAL_DEPOSIT, Refusal::ExistentialDeposit)?;
        self.debit(from, amount);
        self.credit(to, amount);
        let new = is_new.then_some(Event::NewAccount { account: to });
        Ok(new.into_iter().chain([Event::Transfer { from: *from, to, amount }]).collect())
    }

    /// Checks that the subnet exists, that a coldkey owns the hotkey, and that the payer can pay.
    /// Anyone may stake on any hotkey, as on the runtime.
    pub(in crate::devchain) fn check_add_stake(
        &self,
        payer: &AccountId,
        netuid: Netuid,
        hotkey: &AccountId,
        amount: u64,
    ) -> Result<(), Refusal> {
        self.ensure_subnet(netuid)?;
        ensure(self.owners.contains_key(hotkey), Refusal::HotKeyAccountNotExists)?;
        ensure(amount <= self.balance(payer), Refusal::NotEnoughBalanceToStake)
    }

    pub(in crate::devchain) fn add_stake(
        &mut self,
        payer: &AccountId,
        netuid: Netuid,
        hotkey: AccountId,
        amount: u64,
    ) -> Result<Vec<Event>, Refusal> {
        self.check_add_stake(payer, netuid, &hotkey, amount)?;
        self.debit(payer, amount);
        self.add_to_stake(hotkey, amount);
        Ok(vec![Event::StakeAdded { coldkey: *payer, hotkey, netuid, amount }])
    }

    /// Checks the subnet, the owner and the amount: stake is stored by hotkey, whoever paid for it,
    /// so only the hotkey's owner may remove it.
    pub(in crate::devchain) fn check_remove_stake(
        &self,
        coldkey: &AccountId,
        netuid: Netuid,
        hotkey: &AccountId,
        amount: u64,
    ) -> Result<(), Refusal> {
        self.ensure_subnet(netuid)?;
        let owner = self.owners.get(hotkey).ok_or(Refusal::HotKeyAccountNotExists)?;
        ensure(owner == coldkey, Refusal::NonAssociatedColdKey)?;
        ensure(amount <= self.stake(hotkey), Refusal::NotEnoughStakeToWithdraw)
    }

    pub(in crate::devchain) fn remove_stake(
        &mut self,
        coldkey: &AccountId,
        netuid: Netuid,
        hotkey: AccountId,
        amount: u64,
    ) -> Result<Vec<Event>, Refusal> {
        self.check_remove_stake(coldkey, netuid, &hotkey, amount)?;
        let stake = self.stakes.entry(hotkey).or_default();
        *stake = stake.saturating_sub(amount);
        self.credit(*coldkey, amount);
        Ok(vec![Event::StakeRemoved { coldkey: *coldkey, hotkey, netuid, amount }])
    }

    /// Takes a fee from a payer that is known to be able to pay it.
    pub(in crate::devchain) fn pay_fee(&mut self, payer: &AccountId, fee: u64) {
        self.debit(payer, fee);
        self.fees = self.fees.saturating_add(fee);
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
