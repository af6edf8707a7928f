//! What an axon remembers of its callers. It outlives the actor: a restarted server refuses the
//! same replays, keeps the same rates, and still counts the streams that its predecessor began.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sn1::synapse::budgets::{Budgets, Failure, Lane, Pair};
use sn1::synapse::limits::TokenBuckets;
use sn1::synapse::pipeline::RefusalKind;
use sn1::synapse::proxy::IpNetwork;
use sn1::synapse::verify::Verifier;
use sn1::wallet::AccountId;

use super::admission::Admission;
use super::connection::ConnectionTable;
use super::origin::Origin;
use super::request_log::Tally;
use super::rules::{AxonLimits, AxonRules, Roster};
use super::settings::AxonSettings;
use super::signatures::Checkers;
use super::tarpit::Tarpit;
use crate::clock::unix_ns;
use crate::feeds::OwnClock;

/// How many hotkeys have their rates remembered.
const MAX_REMEMBERED: usize = 16_384;

/// The memory of one axon, made once and passed to each of its servers.
#[derive(Debug)]
pub struct AxonState {
    pub(super) limits: AxonLimits,
    pub(super) rules: AxonRules,
    pub(super) roster: Roster,
    pub(super) verifier: Verifier,
    budgets: Mutex<Budgets>,
    trusted_proxies: Vec<IpNetwork>,
    pub(super) hotkeys: Mutex<Hotkeys>,
    pub(super) admission: Arc<Admission>,
    pub(super) connections: Arc<ConnectionTable>,
    pub(super) tarpit: Tarpit,
    pub(super) checkers: Arc<Checkers>,
    pub(super) tally: Arc<Tally>,
    pub(super) clock: OwnClock,
}

impl AxonState {
    /// The memory of an axon that has seen no caller yet.
    pub fn new(settings: &AxonSettings, roster: Roster) -> Arc<Self> {
        let (limits, rules) = (settings.limits.clone(), settings.rules.clone());
        let (name, tally) = (Arc::clone(&settings.name), Arc::<Tally>::default());
        Arc::new(Self {
            verifier: Verifier::new(rules.verifier(&limits, unix_ns())),
            budgets: Mutex::new(Budgets::new(limits.address_rate(), limits.strangers_rate())),
            trusted_proxies: settings.trusted_proxies.clone(),
            hotkeys: Mutex::new(Hotkeys {
                rates: TokenBuckets::new(limits.hotkey_rate(), MAX_REMEMBERED),
                streams: HashMap::new(),
            }),
            admission: Admission::new(&name, limits.max_streams, limits.max_waiting),
            connections: ConnectionTable::new(name, &limits, Arc::clone(&tally)),
            tarpit: Tarpit::new(limits.max_connections),
            checkers: Checkers::new(),
            tally,
            clock: settings.clock.clone(),
            limits,
            rules,
            roster,
        })
    }

    /// Whether this address is a proxy's, whose word is taken for whom it speaks for.
    pub(super) fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(address))
    }

    /// Whose budget a request is charged to; `None` when it is a stranger's, and the strangers of
    /// its network have used theirs up.
    pub(super) fn lane(&self, origin: &Origin, now_ns: u64) -> Option<Lane> {
        let mut budgets = self.budgets.lock();
        let lane = self.lane_in(&budgets, origin, now_ns);
        let is_heard = lane != Lane::Stranger || budgets.take(origin.network, now_ns);
        is_heard.then_some(lane)
    }

    /// Whether a request in this name is heard whatever the strangers of its network do.
    pub(super) fn is_no_stranger(&self, origin: &Origin, now_ns: u64) -> bool {
        self.lane_in(&self.budgets.lock(), origin, now_ns) != Lane::Stranger
    }

    fn lane_in(&self, budgets: &Budgets, origin: &Origin, now_ns: u64) -> Lane {
        let Some(pair) = origin.pair() else { return Lane::Stranger };
        let is_served = || self.roster.caller(pair.hotkey, origin.peer, &self.rules).is_ok();
        budgets.lane(&pair, is_served, now_ns)
    }

    /// How long a stranger of this network must wait before its next request is heard.
    pub(super) fn stranger_waits(&self, network: IpAddr, now_ns: u64) -> Duration {
        let wait_s = self.budgets.lock().stranger_wait_s(network, now_ns);
        Duration::try_from_secs_f64(wait_s).unwrap_or(Duration::MAX)
    }

    /// Charges a request that failed.
    pub(super) fn fail(&self, lane: Lane, origin: &Origin, failure: Failure, now_ns: u64) {
        let mut budgets = self.budgets.lock();
        match origin.pair() {
            Some(pair) => budgets.fail(lane, pair, failure, now_ns),
            None => budgets.fail_unnamed(origin.network, failure, now_ns),
        }
    }

    /// Whether a verified request came from this network lately.
    pub(super) fn knows(&self, network: IpAddr, now_ns: u64) -> bool {
        self.budgets.lock().knows(network, now_ns)
    }

    /// Records that a request of this hotkey from this network was verified.
    pub(super) fn verified(&self, network: IpAddr, hotkey: AccountId, now_ns: u64) {
        self.budgets.lock().verified(Pair { network, hotkey }, now_ns);
    }

    /// Counts a verified request of this hotkey, or refuses it when the hotkey is over its rate or
    /// its streams.
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

/// The rates and the open streams of verified hotkeys.
#[derive(Debug)]
pub(super) struct Hotkeys {
    rates: TokenBuckets<AccountId>,
    /// Holds only hotkeys with a stream, so the number of streams bounds it.
    streams: HashMap<AccountId, usize>,
}

/// One request of a hotkey until its stream ends; given back when dropped.
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
