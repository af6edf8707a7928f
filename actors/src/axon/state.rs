//! What an axon remembers of its callers. It outlives the actor: a restarted server refuses the
//! same replays, keeps the same rates, and still counts the streams that its predecessor began.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sn1::synapse::limits::{Rate, TokenBuckets};
use sn1::synapse::pipeline::RefusalKind;
use sn1::synapse::verify::Verifier;
use sn1::wallet::AccountId;

use super::admission::Admission;
use super::connection::ConnectionTable;
use super::rules::{AxonLimits, AxonRules, Roster};
use super::settings::AxonSettings;
use super::signatures::Checkers;
use super::tarpit::Tarpit;
use crate::clock::unix_ns;

/// The share of an address's rate that an unknown network gets: one without a verified request
/// lately.
const STRANGERS_SHARE: f64 = 0.2;
/// How long a network stays known after its last verified request, in nanoseconds.
const KNOWN_FOR_NS: u64 = 3_600_000_000_000;
/// How many addresses, and how many hotkeys, have their rates remembered.
const MAX_REMEMBERED: usize = 16_384;

/// The memory of one axon, made once and passed to each of its servers.
#[derive(Debug)]
pub struct AxonState {
    pub(super) limits: AxonLimits,
    pub(super) rules: AxonRules,
    pub(super) roster: Roster,
    pub(super) verifier: Verifier,
    addresses: Mutex<Addresses>,
    pub(super) hotkeys: Mutex<Hotkeys>,
    pub(super) admission: Arc<Admission>,
    pub(super) connections: Arc<ConnectionTable>,
    pub(super) tarpit: Tarpit,
    pub(super) checkers: Arc<Checkers>,
}

impl AxonState {
    /// The memory of an axon that has seen no caller yet.
    pub fn new(settings: &AxonSettings, roster: Roster) -> Arc<Self> {
        let (limits, rules) = (settings.limits.clone(), settings.rules.clone());
        let name = Arc::clone(&settings.name);
        Arc::new(Self {
            verifier: Verifier::new(rules.verifier(&limits, unix_ns())),
            addresses: Mutex::new(Addresses::new(&limits)),
            hotkeys: Mutex::new(Hotkeys {
                rates: TokenBuckets::new(limits.hotkey_rate(), MAX_REMEMBERED),
                streams: HashMap::new(),
            }),
            admission: Admission::new(&name, limits.max_streams, limits.max_waiting),
            connections: ConnectionTable::new(name, &limits),
            tarpit: Tarpit::new(limits.max_connections),
            checkers: Checkers::new(),
            limits,
            rules,
            roster,
        })
    }

    /// Counts a request of this network; `false` when the network sends too many.
    pub(super) fn hears(&self, network: IpAddr, now_ns: u64) -> bool {
        self.addresses.lock().take(network, now_ns)
    }

    /// How long an unknown network must wait before its next request is admitted; zero for a known
    /// one.
    pub(super) fn stranger_waits(&self, network: IpAddr, now_ns: u64) -> Duration {
        let addresses = self.addresses.lock();
        if addresses.knows(network, now_ns) {
            return Duration::ZERO;
        }
        let own = addresses.stranger_rates.wait_s(&network, now_ns);
        let wait_s = own.max(addresses.all_strangers.wait_s(&(), now_ns));
        Duration::try_from_secs_f64(wait_s).unwrap_or(Duration::MAX)
    }

    /// Charges a network `tokens` requests for one that turned out to be costly.
    pub(super) fn charge(&self, network: IpAddr, tokens: f64, now_ns: u64) {
        self.addresses.lock().rate(network, now_ns).charge(network, tokens, now_ns);
    }

    /// Whether a verified request came from this network lately.
    pub(super) fn knows(&self, network: IpAddr, now_ns: u64) -> bool {
        self.addresses.lock().knows(network, now_ns)
    }

    /// Records that a verified request came from this network.
    pub(super) fn remember(&self, network: IpAddr, now_ns: u64) {
        self.addresses.lock().remember(network, now_ns);
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

/// The rates of the networks that requests come from. An unknown network gets a fraction, so that
/// many new ones together cannot do what one known network may.
#[derive(Debug)]
struct Addresses {
    known_rates: TokenBuckets<IpAddr>,
    stranger_rates: TokenBuckets<IpAddr>,
    /// The rate of all unknown networks together.
    all_strangers: TokenBuckets<()>,
    known_until_ns: HashMap<IpAddr, u64>,
}

impl Addresses {
    fn new(limits: &AxonLimits) -> Self {
        let rate = limits.address_rate();
        let strangers = Rate {
            per_second: (rate.per_second * STRANGERS_SHARE).max(1.0),
            burst: (rate.burst * STRANGERS_SHARE).max(1.0),
        };
        Self {
            known_rates: TokenBuckets::new(rate, MAX_REMEMBERED),
            stranger_rates: TokenBuckets::new(strangers, MAX_REMEMBERED),
            all_strangers: TokenBuckets::new(limits.strangers_rate(), 1),
            known_until_ns: HashMap::new(),
        }
    }

    fn knows(&self, network: IpAddr, now_ns: u64) -> bool {
        self.known_until_ns.get(&network).is_some_and(|until| now_ns < *until)
    }

    fn take(&mut self, network: IpAddr, now_ns: u64) -> bool {
        if self.knows(network, now_ns) {
            return self.known_rates.take(network, now_ns);
        }
        // Only a request that its own network may send is charged to all strangers.
        self.stranger_rates.take(network, now_ns) && self.all_strangers.take((), now_ns)
    }

    fn rate(&mut self, network: IpAddr, now_ns: u64) -> &mut TokenBuckets<IpAddr> {
        if self.knows(network, now_ns) { &mut self.known_rates } else { &mut self.stranger_rates }
    }

    fn remember(&mut self, network: IpAddr, now_ns: u64) {
        let until = now_ns.saturating_add(KNOWN_FOR_NS);
        let is_new = self.known_until_ns.insert(network, until).is_none();
        if is_new && self.known_until_ns.len() > MAX_REMEMBERED {
            self.known_until_ns.retain(|_, until| now_ns < *until);
        }
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
    fn a_crowd_of_strangers_is_bounded_and_leaves_known_callers_alone() {
        let limits = AxonLimits {
            strangers_requests_per_second: 1.0,
            strangers_burst: 3.0,
            ..AxonLimits::default()
        };
        let bob = Keypair::from_dev_path("//Bob").unwrap();
        let settings = AxonSettings { limits, ..AxonSettings::new("axon", bob) };
        let state = AxonState::new(&settings, Roster::Fixed(Arc::default()));
        let address = |number: u8| IpAddr::from([192, 0, 2, number]);
        let now = 1_000_000_000;
        state.remember(address(9), now);
        let heard = (0..8).filter(|number| state.hears(address(*number), now));
        assert_eq!(heard.count(), 3);
        assert_eq!(state.stranger_waits(address(8), now), Duration::from_secs(1));
        assert!(state.hears(address(9), now));
        assert_eq!(state.stranger_waits(address(9), now), Duration::ZERO);
    }

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
