//! Publishing where a neuron serves (`subtensor.md` section 3).

use super::{State, ensure};
use crate::chain::{AxonInfo, Netuid, Refusal, Uid};
use crate::wallet::AccountId;

const IPV4_LOOPBACK: u128 = 0x7f00_0001;
const IPV6_LOOPBACK: u128 = 1;

impl State {
    /// The runtime's checks in its order: registered, address type, address, pace, port.
    pub(in crate::devchain) fn check_serve_axon(
        &self,
        block: u64,
        hotkey: &AccountId,
        netuid: Netuid,
        axon: &AxonInfo,
    ) -> Result<Uid, Refusal> {
        let uid = self.slot_of(netuid, hotkey)?;
        ensure(matches!(axon.ip_type, 4 | 6), Refusal::InvalidIpType)?;
        ensure(is_valid_address(axon, self.allow_loopback_axons), Refusal::InvalidIpAddress)?;
        ensure(self.may_serve(block, uid), Refusal::ServingRateLimitExceeded)?;
        ensure(axon.port != 0, Refusal::InvalidPort)?;
        Ok(uid)
    }

    pub(in crate::devchain) fn serve_axon(
        &mut self,
        block: u64,
        hotkey: &AccountId,
        netuid: Netuid,
        axon: AxonInfo,
    ) -> Result<(), Refusal> {
        let uid = self.check_serve_axon(block, hotkey, netuid, &axon)?;
        if let Some(slot) = self.slot_mut(uid) {
            slot.axon = AxonInfo { block, ..axon };
        }
        Ok(())
    }

    fn may_serve(&self, block: u64, uid: Uid) -> bool {
        let last = self.slot(uid).map_or(0, |slot| slot.axon.block);
        last == 0 || block.saturating_sub(last) >= self.hyperparameters.serving_rate_limit
    }
}

/// Zero and private ranges pass, as on the runtime; loopback only where the genesis allows it.
fn is_valid_address(axon: &AxonInfo, allow_loopback: bool) -> bool {
    let (loopback, highest) = match axon.ip_type {
        4 => (IPV4_LOOPBACK, u128::from(u32::MAX)),
        _ => (IPV6_LOOPBACK, u128::MAX),
    };
    axon.ip < highest && (allow_loopback || axon.ip != loopback)
}
