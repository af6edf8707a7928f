//! Movements of rao: transfers, stake and fees. Rao that is neither spendable nor staked counts as
//! burned or as fees, so the ledger always adds up to what was issued.

use super::{State, ensure};
use crate::chain::{Netuid, Refusal};
use crate::devchain::report::Event;
use crate::wallet::AccountId;

/// Rao that an account must hold in order to exist.
pub const EXISTENTIAL_DEPOSIT: u64 = 500;
/// Least rao that is staked, or taken out unless it is all.
const MIN_STAKE: u64 = 2_000_000;

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
        let new = [Event::NewAccount { account: to }, Event::Endowed { account: to, amount }];
        let new = new.into_iter().filter(|_| is_new);
        Ok(new.chain([Event::Transfer { from: *from, to, amount }]).collect())
    }

    /// The runtime's checks in its order: the subnet, the amount, the payer's balance, and whether a
    /// coldkey owns the hotkey. Anyone may stake on any hotkey, as on the runtime.
    pub(in crate::devchain) fn check_add_stake(
        &self,
        payer: &AccountId,
        netuid: Netuid,
        hotkey: &AccountId,
        amount: u64,
    ) -> Result<(), Refusal> {
        self.ensure_subnet(netuid)?;
        ensure(amount >= MIN_STAKE, Refusal::AmountTooLow)?;
        ensure(amount <= self.balance(payer), Refusal::NotEnoughBalanceToStake)?;
        ensure(self.owners.contains_key(hotkey), Refusal::HotKeyAccountNotExists)
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
        let paid = Event::Withdrawn { account: *payer, amount };
        Ok(vec![paid, Event::StakeAdded { coldkey: *payer, hotkey, netuid, amount }])
    }

    /// Checks the subnet and the amount, in the runtime's order. Stake is stored by hotkey, whoever
    /// paid for it, so others than the hotkey's owner have none in it.
    pub(in crate::devchain) fn check_remove_stake(
        &self,
        coldkey: &AccountId,
        netuid: Netuid,
        hotkey: &AccountId,
        amount: u64,
    ) -> Result<(), Refusal> {
        self.ensure_subnet(netuid)?;
        ensure(amount != 0, Refusal::AmountTooLow)?;
        let is_owner = self.owners.get(hotkey) == Some(coldkey);
        let stake = if is_owner { self.stake(hotkey) } else { 0 };
        ensure(amount <= stake, Refusal::NotEnoughStakeToWithdraw)?;
        ensure(amount == stake || amount >= MIN_STAKE, Refusal::AmountTooLow)
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
        let paid = Event::Deposited { account: *coldkey, amount };
        Ok(vec![paid, Event::StakeRemoved { coldkey: *coldkey, hotkey, netuid, amount }])
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
