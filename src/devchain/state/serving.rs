//! Publishes the addresses of axons and metrics (docs/spec/chain.md#serving).

use serde::{Deserialize, Serialize};

use super::{State, ensure};
use crate::chain::{AxonInfo, Netuid, Refusal, Uid};
use crate::devchain::report::Event;
use crate::wallet::AccountId;

const IPV4_LOOPBACK: u128 = 0x7f00_0001;
const IPV6_LOOPBACK: u128 = 1;

/// A neuron's prometheus record. The default means that it never published one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::devchain) struct PrometheusInfo {
    /// Number of the block of the last change; 0 if there was none.
    pub(in crate::devchain) block: u64,
    /// Version number of the serving software.
    pub(in crate::devchain) version: u32,
    /// The IPv4 or IPv6 address as an integer.
    pub(in crate::devchain) ip: u128,
    /// TCP port.
    pub(in crate::devchain) port: u16,
    /// IP version: 4 or 6; 0 for a neuron that never published.
    pub(in crate::devchain) ip_type: u8,
}

impl State {
    /// The runtime's checks in its order: registration, address type, address, rate limit, port.
    pub(in crate::devchain) fn check_serve_axon(
        &self,
        block: u64,
        hotkey: &AccountId,
        netuid: Netuid,
        axon: &AxonInfo,
    ) -> Result<Uid, Refusal> {
        let uid = self.serving_slot(netuid, hotkey)?;
        self.check_address(axon.ip, axon.ip_type)?;
        let last = self.slot(uid).map_or(0, |slot| slot.axon.block);
        self.check_serving(block, last, axon.port)?;
        Ok(uid)
    }

    pub(in crate::devchain) fn serve_axon(
        &mut self,
        block: u64,
        hotkey: &AccountId,
        netuid: Netuid,
        axon: AxonInfo,
    ) -> Result<Vec<Event>, Refusal> {
        let uid = self.check_serve_axon(block, hotkey, netuid, &axon)?;
        if let Some(slot) = self.slot_mut(uid) {
            slot.axon = AxonInfo { block, ..axon };
        }
        Ok(vec![Event::AxonServed { netuid, hotkey: *hotkey }])
    }

    /// The runtime's checks of an address for metrics, in its order: address type, address (zero is
    /// none), registration, a rate limit of its own, port.
    pub(in crate::devchain) fn check_serve_prometheus(
        &self,
        hotkey: &AccountId,
        netuid: Netuid,
        record: &PrometheusInfo,
    ) -> Result<Uid, Refusal> {
        self.check_address(record.ip, record.ip_type)?;
        ensure(record.ip != 0, Refusal::InvalidIpAddress)?;
        let uid = self.serving_slot(netuid, hotkey)?;
        let last = self.slot(uid).map_or(0, |slot| slot.prometheus.block);
        self.check_serving(record.block, last, record.port)?;
        Ok(uid)
    }

    pub(in crate::devchain) fn serve_prometheus(
        &mut self,
        hotkey: &AccountId,
        netuid: Netuid,
        record: PrometheusInfo,
    ) -> Result<Vec<Event>, Refusal> {
        let uid = self.check_serve_prometheus(hotkey, netuid, &record)?;
        if let Some(slot) = self.slot_mut(uid) {
            slot.prometheus = record;
        }
        Ok(vec![Event::PrometheusServed { netuid, hotkey: *hotkey }])
    }

    fn serving_slot(&self, netuid: Netuid, hotkey: &AccountId) -> Result<Uid, Refusal> {
        self.slot_of(netuid, hotkey).map_err(|_| Refusal::HotKeyNotRegisteredInNetwork)
    }

    /// Checks the address: zero and private ranges pass, as on the runtime; loopback passes only if
    /// the genesis allows it.
    fn check_address(&self, ip: u128, ip_type: u8) -> Result<(), Refusal> {
        let (loopback, highest) = match ip_type {
            4 => (IPV4_LOOPBACK, u128::from(u32::MAX)),
            6 => (IPV6_LOOPBACK, u128::MAX),
            _ => return Err(Refusal::InvalidIpType),
        };
        let is_public = self.allow_loopback_axons || ip != loopback;
        ensure(ip < highest && is_public, Refusal::InvalidIpAddress)
    }

    fn check_serving(&self, block: u64, last: u64, port: u16) -> Result<(), Refusal> {
        let waited = block.saturating_sub(last) >= self.hyperparameters.serving_rate_limit;
        ensure(last == 0 || waited, Refusal::ServingRateLimitExceeded)?;
        ensure(port != 0, Refusal::InvalidPort)
    }
}
