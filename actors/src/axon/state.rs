//! What an axon remembers of its callers. It outlives the actor: a restarted server refuses the same
//! replays, holds the same rates, and still counts the streams that its predecessor began.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use sn1::synapse::limits::TokenBuckets;
use sn1::synapse::pipeline::RefusalKind;
use sn1::synapse::verify::Verifier;
use sn1::wallet::AccountId;

use super::admission::Admission;
use super::connection::Connections;
use super::rules::{AxonLimits, AxonRules, Roster};
use super::server::AxonSettings;
use super::signatures::Checkers;
use crate::clock::unix_ns;

/// Addresses and hotkeys whose rates are remembered.
const MAX_REMEMBERED: usize = 16_384;

/// The memory of one axon, made once and handed to each of its servers.
#[derive(Debug)]
pub struct AxonState {
    pub(super) limits: AxonLimits,
    pub(super) rules: AxonRules,
    pub(super) roster: Roster,
    pub(super) verifier: Verifier,
    pub(super) addresses: Mutex<TokenBuckets<IpAddr>>,
    pub(super) hotkeys: Mutex<Hotkeys>,
    pub(super) admission: Arc<Admission>,
    pub(super) connections: Arc<Connections>,
    pub(super) checkers: Arc<Checkers>,
}

impl AxonState {
    /// The memory of an axon that has seen nobody yet.
    pub fn new(settings: &AxonSettings, roster: Roster) -> Arc<Self> {
        let (limits, rules) = (settings.limits.clone(), settings.rules.clone());
        let name = Arc::clone(&settings.name);
        Arc::new(Self {
            verifier: Verifier::new(rules.verifier(&limits, unix_ns())),
            addresses: Mutex::new(TokenBuckets::new(limits.address_rate(), MAX_REMEMBERED)),
            hotkeys: Mutex::new(Hotkeys {
                rates: TokenBuckets::new(limits.hotkey_rate(), MAX_REMEMBERED),
                streams: HashMap::new(),
            }),
            admission: Admission::new(&name, limits.max_streams, limits.max_waiting),
            connections: Connections::new(name, &limits),
            checkers: Checkers::new(),
            limits,
            rules,
            roster,
        })
    }

    /// Takes one of the streams that a verified hotkey may have, and counts the request.
    pub(super) fn hold(self: &Arc<Self>, hotkey: AccountId) -> Result<Held, RefusalKind> {
        let mut hotkeys = self.hotkeys.lock();
        let Hotkeys { rates, streams } = &mut *hotkeys;
        let n_streams = streams.get(&hotkey).copied().unwrap_or(0);
        if n_streams >= self.limits.max_streams_per_hotkey || !rates.take(hotkey, unix_ns()) {
            return Err(RefusalKind::RateLimited);
        }
        streams.insert(hotkey, n_streams + 1);
        Ok(Held { state: Arc::clone(self), hotkey })
    }
}

/// What verified hotkeys use.
#[derive(Debug)]
pub(super) struct Hotkeys {
    rates: TokenBuckets<AccountId>,
    /// Only hotkeys with a stream, so bounded by the streams.
    streams: HashMap<AccountId, usize>,
}

/// One stream of a hotkey; given back when dropped.
#[derive(Debug)]
pub(super) struct Held {
    state: Arc<AxonState>,
    hotkey: AccountId,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut hotkeys = self.state.hotkeys.lock();
        if let Some(n_streams) = hotkeys.streams.get_mut(&self.hotkey) {
            *n_streams -= 1;
            if *n_streams == 0 {
                hotkeys.streams.remove(&self.hotkey);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use sn1::wallet::Keypair;

    use super::*;

    #[test]
    fn a_hotkey_has_so_many_streams_and_gives_them_back() {
        let limits = AxonLimits { max_streams_per_hotkey: 2, ..AxonLimits::default() };
        let roster = Roster::Fixed(Arc::default());
        let bob = Keypair::from_dev_path("//Bob").unwrap();
        let settings = AxonSettings { limits, ..AxonSettings::new("axon", bob) };
        let state = AxonState::new(&settings, roster);
        let alice = AccountId([1; 32]);
        let held = [state.hold(alice).unwrap(), state.hold(alice).unwrap()];
        assert_eq!(state.hold(alice).unwrap_err(), RefusalKind::RateLimited);
        assert!(state.hold(AccountId([2; 32])).is_ok());
        drop(held);
        assert!(state.hold(alice).is_ok());
        assert!(state.hotkeys.lock().streams.is_empty());
    }
}
