//! Changes one setting at a time, for the sudo account.

use super::{State, ensure};
use crate::chain::Refusal;
use crate::devchain::change::{HyperparameterChange, HyperparameterValue};
use crate::devchain::report::Event;
use crate::wallet::AccountId;

impl State {
    pub(in crate::devchain) fn sudo(
        &mut self,
        block: u64,
        signer: &AccountId,
        change: &HyperparameterChange,
    ) -> Result<Vec<Event>, Refusal> {
        ensure(self.sudo.as_ref() == Some(signer), Refusal::RequireSudo)?;
        self.change_setting(block, change)?;
        Ok(Vec::new())
    }

    /// Changes a setting. Refuses another netuid, and reveal periods that the runtime does not
    /// accept.
    pub(in crate::devchain) fn change_setting(
        &mut self,
        block: u64,
        change: &HyperparameterChange,
    ) -> Result<(), Refusal> {
        self.ensure_subnet(change.netuid)?;
        ensure(change.value.is_allowed(), reveal_period_refused())?;
        change.value.set_in(&mut self.hyperparameters, &mut self.rules);
        if let HyperparameterValue::Tempo(_) = change.value {
            self.restart_cycle(block);
        }
        Ok(())
    }
}

fn reveal_period_refused() -> Refusal {
    Refusal::Unknown { name: "SubtensorModule.RevealPeriodTooLarge".to_owned() }
}
