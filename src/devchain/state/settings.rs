//! Changes one setting at a time, for the sudo account or the subnet owner.

use std::ops::RangeInclusive;

use super::{State, ensure};
use crate::chain::{Netuid, Refusal};
use crate::devchain::change::{HyperparameterChange, HyperparameterValue};
use crate::devchain::report::Event;
use crate::devchain::rules::EpochRule;
use crate::wallet::AccountId;

/// The tempos that an owner may set; the sudo account may set any.
const OWNERS_TEMPOS: RangeInclusive<u16> = 360..=50_400;

impl State {
    pub(in crate::devchain) fn sudo(
        &mut self,
        block: u64,
        signer: &AccountId,
        change: &HyperparameterChange,
    ) -> Result<Vec<Event>, Refusal> {
        let is_owner = change.value.is_the_owners() && self.is_owners_coldkey(signer);
        ensure(self.sudo.as_ref() == Some(signer) || is_owner, Refusal::RequireSudo)?;
        self.change_setting(block, change)?;
        Ok(Vec::new())
    }

    pub(in crate::devchain) fn set_tempo(
        &mut self,
        block: u64,
        signer: &AccountId,
        netuid: Netuid,
        tempo: u16,
    ) -> Result<Vec<Event>, Refusal> {
        let is_owner = netuid == self.netuid && self.is_owners_coldkey(signer);
        ensure(is_owner, Refusal::UnexpectedCall)?;
        ensure(OWNERS_TEMPOS.contains(&tempo), Refusal::TempoOutOfBounds)?;
        let value = HyperparameterValue::Tempo(tempo);
        self.change_setting(block, &HyperparameterChange { netuid, value })?;
        Ok(Vec::new())
    }

    /// Has the next block run an epoch, on a chain whose epochs follow from state.
    pub(in crate::devchain) fn trigger_epoch(
        &mut self,
        block: u64,
        signer: &AccountId,
        netuid: Netuid,
    ) -> Result<Vec<Event>, Refusal> {
        let is_owner = netuid == self.netuid && self.is_owners_coldkey(signer);
        ensure(is_owner, Refusal::UnexpectedCall)?;
        ensure(self.rules.epochs == EpochRule::Stateful, Refusal::CallFiltered)?;
        let is_committed = self.hyperparameters.commit_reveal_enabled;
        ensure(!is_committed, Refusal::DynamicTempoBlockedByCommitReveal)?;
        ensure(self.epochs.pending_at == 0, Refusal::EpochTriggerAlreadyPending)?;
        self.epochs.pending_at = block;
        Ok(Vec::new())
    }

    fn is_owners_coldkey(&self, account: &AccountId) -> bool {
        self.owner_hotkey.and_then(|hotkey| self.owners.get(&hotkey)) == Some(account)
    }

    /// Changes a setting. Refuses another netuid, and reveal periods that the runtime does not
    /// accept.
    pub(in crate::devchain) fn change_setting(
        &mut self,
        block: u64,
        change: &HyperparameterChange,
    ) -> Result<(), Refusal> {
        self.ensure_subnet(change.netuid)?;
        ensure(change.value.is_allowed(), Refusal::RevealPeriodTooLarge)?;
        change.value.set_in(&mut self.hyperparameters, &mut self.rules);
        if let HyperparameterValue::Tempo(_) = change.value {
            self.restart_cycle(block);
        }
        Ok(())
    }
}
