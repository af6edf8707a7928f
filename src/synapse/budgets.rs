//! Whose budget a request is charged to, so that callers can share an address: behind a proxy, a
//! source NAT, a container gateway (docs/parts/axon.md#shared-addresses).
//!
//! An address's budget is charged for strangers only. A request that names a hotkey which was
//! verified from its network lately is checked whatever the strangers there do, and costs nothing
//! when its signature holds; the hotkey's own budget is charged then. The name alone proves
//! nothing, so each pair of network and hotkey has an allowance for requests that fail: it bounds
//! what forgeries in that name cost, and once it is used up they count as a stranger's. A hotkey
//! that is served but was never seen from this network has a smaller allowance, so that strangers
//! cannot keep it from its first request either. Pure: the clock is an argument.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use super::limits::{Rate, TokenBuckets};
use crate::wallet::AccountId;

/// The share of an address's rate that the strangers of an unknown network get: one without a
/// verified request lately.
const STRANGERS_SHARE: f64 = 0.2;
/// How long a network and a pair stay known after their last verified request, in nanoseconds.
const KNOWN_FOR_NS: u64 = 3_600_000_000_000;
/// How many networks, and how many pairs, are remembered of each kind.
const MAX_REMEMBERED: usize = 16_384;
/// How many networks are known of one hotkey: a registered caller with many addresses displaces
/// only its own.
const MAX_NETWORKS_PER_HOTKEY: usize = 32;
/// Requests in the name of a known pair that may fail: 2 ms of processor time per second, checking
/// their signatures.
const KNOWN_FAILURES: Rate = Rate { per_second: 40.0, burst: 80.0 };
/// Requests in the name of a pair that is served but not known yet.
const NEWCOMER_FAILURES: Rate = Rate { per_second: 5.0, burst: 10.0 };
/// The same of all such pairs together: 5 ms of processor time per second.
const ALL_NEWCOMERS_FAILURES: Rate = Rate { per_second: 100.0, burst: 100.0 };
/// What an invalid signature costs the strangers of its network, in requests.
const FORGERY_COST: f64 = 19.0;
/// What a reused or stale nonce costs them.
const STALE_COST: f64 = 4.0;

/// A network that requests come from, and a hotkey that they name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pair {
    /// The network, as [`super::limits::peer_network`] gives it.
    pub network: IpAddr,
    /// The hotkey.
    pub hotkey: AccountId,
}

/// What a request is taken for before anything of it is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// It names a hotkey that was verified from this network.
    Known,
    /// It names a hotkey that is served, for the first time from this network.
    Newcomer,
    /// All others; the address pays.
    Stranger,
}

/// How a request failed, by what it has cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Its signature was checked in vain.
    Forged,
    /// Its nonce is not accepted.
    Stale,
    /// Refused for anything else.
    Refused,
}

/// The budgets of an axon's callers.
#[derive(Debug)]
pub struct Budgets {
    /// By hotkey: until when it is known from a network.
    pairs: HashMap<AccountId, HashMap<IpAddr, u64>>,
    /// Until when a network is known.
    networks: HashMap<IpAddr, u64>,
    known_failures: TokenBuckets<Pair>,
    newcomer_failures: TokenBuckets<Pair>,
    all_newcomers: TokenBuckets<()>,
    /// The strangers of known networks.
    neighbours: TokenBuckets<IpAddr>,
    strangers: TokenBuckets<IpAddr>,
    /// The strangers of all unknown networks together.
    all_strangers: TokenBuckets<()>,
}

impl Budgets {
    /// Budgets of which nothing is spent: `address` for the strangers of a known network, a fifth
    /// of it for those of an unknown one, `strangers` for all of the latter together.
    pub fn new(address: Rate, strangers: Rate) -> Self {
        let share = Rate {
            per_second: (address.per_second * STRANGERS_SHARE).max(1.0),
            burst: (address.burst * STRANGERS_SHARE).max(1.0),
        };
        Self {
            pairs: HashMap::new(),
            networks: HashMap::new(),
            known_failures: TokenBuckets::new(KNOWN_FAILURES, MAX_REMEMBERED),
            newcomer_failures: TokenBuckets::new(NEWCOMER_FAILURES, MAX_REMEMBERED),
            all_newcomers: TokenBuckets::new(ALL_NEWCOMERS_FAILURES, 1),
            neighbours: TokenBuckets::new(address, MAX_REMEMBERED),
            strangers: TokenBuckets::new(share, MAX_REMEMBERED),
            all_strangers: TokenBuckets::new(strangers, 1),
        }
    }

    /// Whether a verified request came from this network lately.
    pub fn knows(&self, network: IpAddr, now_ns: u64) -> bool {
        self.networks.get(&network).is_some_and(|until| now_ns < *until)
    }

    /// What a request in the name of `pair` is taken for; `is_served` says whether the hotkey
    /// would be served, and is asked only where that matters.
    pub fn lane(&self, pair: &Pair, is_served: impl FnOnce() -> bool, now_ns: u64) -> Lane {
        let known_until = self.pairs.get(&pair.hotkey).and_then(|known| known.get(&pair.network));
        if known_until.is_some_and(|until| now_ns < *until) {
            let is_allowed = self.known_failures.wait_s(pair, now_ns) == 0.0;
            return if is_allowed { Lane::Known } else { Lane::Stranger };
        }
        let is_allowed = self.newcomer_failures.wait_s(pair, now_ns) == 0.0
            && self.all_newcomers.wait_s(&(), now_ns) == 0.0;
        if is_allowed && is_served() { Lane::Newcomer } else { Lane::Stranger }
    }

    /// Counts a request of a stranger; `false` when its network sends too many.
    pub fn take(&mut self, network: IpAddr, now_ns: u64) -> bool {
        if self.knows(network, now_ns) {
            return self.neighbours.take(network, now_ns);
        }
        // Only a request that its own network may send is charged to all strangers.
        self.strangers.take(network, now_ns) && self.all_strangers.take((), now_ns)
    }

    /// Seconds until a stranger of this network is heard again; 0 when one is heard now.
    pub fn stranger_wait_s(&self, network: IpAddr, now_ns: u64) -> f64 {
        if self.knows(network, now_ns) {
            return self.neighbours.wait_s(&network, now_ns);
        }
        let own = self.strangers.wait_s(&network, now_ns);
        own.max(self.all_strangers.wait_s(&(), now_ns))
    }

    /// Charges a request that failed: the allowance of its pair when it had one, and the strangers
    /// of its network, one of whom may have sent it.
    pub fn fail(&mut self, lane: Lane, pair: Pair, failure: Failure, now_ns: u64) {
        match lane {
            Lane::Known => self.known_failures.charge(pair, 1.0, now_ns),
            Lane::Newcomer => {
                self.newcomer_failures.charge(pair, 1.0, now_ns);
                self.all_newcomers.charge((), 1.0, now_ns);
            }
            Lane::Stranger => {}
        }
        // A known caller with an old nonce is late, not hostile.
        if (lane, failure) != (Lane::Known, Failure::Stale) {
            self.fail_unnamed(pair.network, failure, now_ns);
        }
    }

    /// Charges a stranger's request that failed and names no hotkey.
    pub fn fail_unnamed(&mut self, network: IpAddr, failure: Failure, now_ns: u64) {
        match failure {
            Failure::Forged => self.charge_strangers(network, FORGERY_COST, now_ns),
            Failure::Stale => self.charge_strangers(network, STALE_COST, now_ns),
            Failure::Refused => {}
        }
    }

    fn charge_strangers(&mut self, network: IpAddr, cost: f64, now_ns: u64) {
        let is_known = self.knows(network, now_ns);
        let rates = if is_known { &mut self.neighbours } else { &mut self.strangers };
        rates.charge(network, cost, now_ns);
    }

    /// Records that a request of this pair was verified.
    pub fn verified(&mut self, pair: Pair, now_ns: u64) {
        let until = now_ns.saturating_add(KNOWN_FOR_NS);
        remember(&mut self.networks, pair.network, until, MAX_REMEMBERED);
        if self.pairs.len() >= MAX_REMEMBERED && !self.pairs.contains_key(&pair.hotkey) {
            self.pairs.retain(|_, known| known.values().any(|until| now_ns < *until));
            if self.pairs.len() >= MAX_REMEMBERED {
                // It stays a newcomer, whom strangers cannot keep out either.
                return;
            }
        }
        let known = self.pairs.entry(pair.hotkey).or_default();
        remember(known, pair.network, until, MAX_NETWORKS_PER_HOTKEY);
    }
}

/// Sets the time of `key`; the earliest of more than `n_max` makes room.
fn remember<K: Eq + Hash + Copy>(times: &mut HashMap<K, u64>, key: K, until: u64, n_max: usize) {
    if times.len() >= n_max
        && !times.contains_key(&key)
        && let Some(first) = times.iter().min_by_key(|(_, until)| **until).map(|(key, _)| *key)
    {
        times.remove(&first);
    }
    times.insert(key, until);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn budgets() -> Budgets {
        let strangers = Rate { per_second: 1.0, burst: 3.0 };
        Budgets::new(Rate { per_second: 5.0, burst: 20.0 }, strangers)
    }

    fn network(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    fn pair(address: u8, hotkey: u8) -> Pair {
        Pair { network: network(address), hotkey: AccountId([hotkey; 32]) }
    }

    #[test]
    fn a_crowd_of_strangers_is_bounded_and_leaves_known_networks_alone() {
        let mut budgets = budgets();
        budgets.verified(pair(9, 1), SECOND);
        assert_eq!((0..8).filter(|n| budgets.take(network(*n), SECOND)).count(), 3);
        assert_eq!(budgets.stranger_wait_s(network(8), SECOND), 1.0);
        assert!(budgets.take(network(9), SECOND));
        assert_eq!(budgets.stranger_wait_s(network(9), SECOND), 0.0);
        assert!(!budgets.knows(network(9), SECOND + KNOWN_FOR_NS));
    }

    #[test]
    fn a_known_pair_is_heard_whatever_the_strangers_of_its_network_did() {
        let mut budgets = budgets();
        budgets.verified(pair(1, 1), SECOND);
        let served = || true;
        // A stranger names the hotkey, four times a second for a minute.
        for quarter in 0..240 {
            let now = SECOND + quarter * SECOND / 4;
            let lane = budgets.lane(&pair(1, 1), served, now);
            assert_eq!(lane, Lane::Known);
            budgets.fail(lane, pair(1, 1), Failure::Forged, now);
            assert!(budgets.stranger_wait_s(network(1), now) > 0.0 || quarter < 2);
        }
    }

    #[test]
    fn forgeries_in_a_known_name_are_bounded_and_touch_no_other_pair() {
        let mut budgets = budgets();
        for known in [pair(1, 1), pair(1, 2), pair(2, 1)] {
            budgets.verified(known, SECOND);
        }
        let lane = |budgets: &Budgets, pair| budgets.lane(&pair, || true, SECOND);
        let mut n_checked = 0;
        while lane(&budgets, pair(1, 1)) == Lane::Known {
            budgets.fail(Lane::Known, pair(1, 1), Failure::Forged, SECOND);
            n_checked += 1;
        }
        assert_eq!(n_checked, KNOWN_FAILURES.burst as usize);
        assert_eq!(lane(&budgets, pair(1, 2)), Lane::Known, "another hotkey of the address");
        assert_eq!(lane(&budgets, pair(2, 1)), Lane::Known, "another address of the hotkey");
    }

    #[test]
    fn a_newcomer_is_heard_although_strangers_spent_the_budget_of_its_network() {
        let mut budgets = budgets();
        while budgets.take(network(1), SECOND) {}
        assert_eq!(budgets.lane(&pair(1, 1), || true, SECOND), Lane::Newcomer);
        assert_eq!(budgets.lane(&pair(1, 2), || false, SECOND), Lane::Stranger, "not served");
        for _ in 0..NEWCOMER_FAILURES.burst as usize {
            budgets.fail(Lane::Newcomer, pair(1, 1), Failure::Forged, SECOND);
        }
        assert_eq!(budgets.lane(&pair(1, 1), || true, SECOND), Lane::Stranger);
        assert_eq!(budgets.lane(&pair(1, 3), || true, SECOND), Lane::Newcomer);
    }

    #[test]
    fn one_hotkey_with_many_addresses_displaces_only_its_own() {
        let mut budgets = budgets();
        budgets.verified(pair(200, 7), SECOND);
        for (number, now) in (0..100).zip(SECOND..) {
            budgets.verified(pair(number, 1), now);
        }
        let is_known = |pair: Pair| budgets.lane(&pair, || false, 2 * SECOND) == Lane::Known;
        assert_eq!((0..100).filter(|n| is_known(pair(*n, 1))).count(), MAX_NETWORKS_PER_HOTKEY);
        assert!(is_known(pair(99, 1)) && !is_known(pair(0, 1)) && is_known(pair(200, 7)));
    }

    proptest! {
        /// Whatever strangers do in whichever name, a second without failures of its own lets a
        /// known pair be heard.
        #[test]
        fn no_sin_of_others_silences_a_known_pair(
            sins in proptest::collection::vec((0..3_u8, 0..4_u8, 0..3_u8), 0..200),
        ) {
            let mut budgets = budgets();
            budgets.verified(pair(1, 1), SECOND);
            for (address, hotkey, how) in sins {
                let sin = pair(address, hotkey);
                let lane = budgets.lane(&sin, || true, SECOND);
                let failure = [Failure::Forged, Failure::Stale, Failure::Refused][usize::from(how)];
                if sin != pair(1, 1) {
                    budgets.take(sin.network, SECOND);
                    budgets.fail(lane, sin, failure, SECOND);
                }
            }
            prop_assert_eq!(budgets.lane(&pair(1, 1), || true, SECOND), Lane::Known);
        }
    }
}
