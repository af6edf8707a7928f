//! The connection table: how many connections are open, whose they are, and which one is closed to
//! make room for another. Pure bookkeeping; the caller owns the sockets.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use metrics::{Gauge, counter, gauge};
use parking_lot::Mutex;
use sn1::synapse::limits::peer_network;
use sn1::telemetry;
use sn1::wallet::AccountId;

use super::cut::CutReason;
use super::handle::ConnectionHandle;
use crate::axon::request_log::Tally;
use crate::axon::rules::AxonLimits;

/// How many connections of one hotkey are preferred when the table is full.
const MAX_PROVEN_PER_HOTKEY: usize = 16;

/// What a connection is let in as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::axon) enum Standing {
    /// Its address has proven nothing.
    Stranger,
    /// Verified requests have come from its address.
    Known,
    /// Its first request names this hotkey, which is to be heard: it gets one of the places that
    /// are kept for such callers when strangers hold all others of its address.
    Named(AccountId),
    /// It comes from a trusted proxy, whose many callers share it.
    Proxy,
}

/// The open connections of one axon. It outlives the axon's server, as connections may.
#[derive(Debug)]
pub(in crate::axon) struct ConnectionTable {
    name: Arc<str>,
    tally: Arc<Tally>,
    open: Mutex<Open>,
    shown: Shown,
    n_max: usize,
    n_max_per_address: usize,
    /// Places beside these that each hotkey has at each of its addresses.
    n_reserved: usize,
}

/// The gauge of open connections.
struct Shown(Gauge);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown")
    }
}

#[derive(Debug, Default)]
struct Open {
    entries: HashMap<u64, Entry>,
    by_address: HashMap<IpAddr, usize>,
    n_ever: u64,
}

/// A connection in the table; leaves it when dropped.
#[derive(Debug)]
pub(super) struct OpenConnection {
    pub(super) table: Arc<ConnectionTable>,
    id: u64,
    pub(super) handle: Arc<ConnectionHandle>,
    /// It holds a place that is kept for named callers.
    pub(super) is_reserved: bool,
}

impl OpenConnection {
    /// Records that a request on this connection was verified and within its hotkey's limits.
    pub(super) fn prove(&self, hotkey: AccountId) {
        self.table.open.lock().prove(self.id, hotkey);
    }
}

impl ConnectionTable {
    pub(in crate::axon) fn new(
        name: Arc<str>,
        limits: &AxonLimits,
        tally: Arc<Tally>,
    ) -> Arc<Self> {
        let shown = gauge!(telemetry::AXON_CONNECTIONS.name, "actor" => Arc::clone(&name));
        Arc::new(Self {
            name,
            tally,
            open: Mutex::default(),
            shown: Shown(shown),
            n_max: limits.max_connections,
            n_max_per_address: limits.max_connections_per_address,
            n_reserved: limits.max_streams_per_hotkey,
        })
    }

    /// Counts a connection that has come, whatever becomes of it.
    pub(in crate::axon) fn came(&self) {
        let actor = Arc::clone(&self.name);
        counter!(telemetry::AXON_CONNECTIONS_OPENED.name, "actor" => actor).increment(1);
    }

    pub(in crate::axon) fn count(&self, reason: CutReason) {
        if reason != CutReason::UnreadBody {
            self.tally.turned_away(reason.into());
        }
        let reason: &str = reason.into();
        counter!(telemetry::AXON_CONNECTIONS_CUT.name, "actor" => Arc::clone(&self.name), "reason" => reason)
            .increment(1);
    }

    /// Whether a stranger at this address still gets a place.
    pub(in crate::axon) fn has_place(&self, address: IpAddr) -> bool {
        self.open.lock().n_of(address) < self.n_max_per_address
    }

    /// Enters a new connection, or returns the reason why there is no room.
    pub(super) fn enter(
        self: &Arc<Self>,
        peer: SocketAddr,
        standing: Standing,
    ) -> Result<OpenConnection, CutReason> {
        let address = peer_network(peer.ip());
        let mut open = self.open.lock();
        let is_crowded = open.n_of(address) >= self.n_max_per_address;
        let reserved_for = match standing {
            Standing::Named(hotkey) if is_crowded => Some(hotkey),
            Standing::Proxy => None,
            _ if is_crowded => return Err(CutReason::AddressLimit),
            _ => None,
        };
        if reserved_for.is_some_and(|hotkey| open.n_reserved(address, hotkey) >= self.n_reserved) {
            return Err(CutReason::AddressLimit);
        }
        if open.entries.len() >= self.n_max {
            open.make_room().ok_or(CutReason::ConnectionLimit)?.evict();
            self.count(CutReason::Evicted);
        }
        open.n_ever += 1;
        let (id, handle) = (open.n_ever, ConnectionHandle::new(standing != Standing::Stranger));
        let entry = Entry { address, hotkey: None, reserved_for, handle: Arc::clone(&handle) };
        open.entries.insert(id, entry);
        *open.by_address.entry(address).or_default() += 1;
        self.show(&open);
        let is_reserved = reserved_for.is_some();
        Ok(OpenConnection { table: Arc::clone(self), id, handle, is_reserved })
    }

    fn show(&self, open: &Open) {
        self.shown.0.set(open.entries.len() as f64);
    }
}

/// A connection's handle, its address, and its hotkey once a request on it was verified.
#[derive(Debug)]
struct Entry {
    address: IpAddr,
    hotkey: Option<AccountId>,
    reserved_for: Option<AccountId>,
    handle: Arc<ConnectionHandle>,
}

impl Open {
    fn n_of(&self, address: IpAddr) -> usize {
        self.by_address.get(&address).copied().unwrap_or(0)
    }

    fn n_reserved(&self, address: IpAddr, hotkey: AccountId) -> usize {
        let is_one =
            |entry: &&Entry| entry.address == address && entry.reserved_for == Some(hotkey);
        self.entries.values().filter(is_one).count()
    }

    /// Removes a connection that answers no request now. Unproven ones go before proven ones, then
    /// those of the address with the most connections, then the oldest.
    fn make_room(&mut self) -> Option<Arc<ConnectionHandle>> {
        let idle =
            self.entries.iter().filter(|(_, entry)| !entry.handle.is_busy.load(Ordering::Acquire));
        let rank = |id: u64, entry: &Entry| {
            let is_proven = entry.handle.is_proven.load(Ordering::Acquire);
            (is_proven, usize::MAX - self.n_of(entry.address), id)
        };
        let (_, _, id) = idle.map(|(id, entry)| rank(*id, entry)).min()?;
        self.remove(id)
    }

    fn remove(&mut self, id: u64) -> Option<Arc<ConnectionHandle>> {
        let entry = self.entries.remove(&id)?;
        if let Some(n) = self.by_address.get_mut(&entry.address) {
            *n -= 1;
            if *n == 0 {
                self.by_address.remove(&entry.address);
            }
        }
        Some(entry.handle)
    }

    /// Records whose connection it is, and prefers it from now on unless that hotkey has many
    /// already.
    fn prove(&mut self, id: u64, hotkey: AccountId) {
        let n_others = self.entries.values().filter(|entry| entry.hotkey == Some(hotkey)).count();
        if let Some(entry) = self.entries.get_mut(&id)
            && entry.hotkey.is_none()
        {
            let is_one_of_few = n_others < MAX_PROVEN_PER_HOTKEY;
            entry.hotkey = is_one_of_few.then_some(hotkey);
            entry.handle.is_proven.store(is_one_of_few, Ordering::Release);
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let mut open = self.table.open.lock();
        open.remove(self.id);
        self.table.show(&open);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn connections(
        n_max: usize,
        n_max_per_address: usize,
    ) -> Arc<ConnectionTable> {
        let limits = AxonLimits {
            max_connections: n_max,
            max_connections_per_address: n_max_per_address,
            ..AxonLimits::default()
        };
        ConnectionTable::new("axon".into(), &limits, Arc::default())
    }

    pub(in super::super) fn peer(number: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, number], 9))
    }

    fn hotkey(number: u8) -> AccountId {
        AccountId([number; 32])
    }

    fn is_evicted(connection: &OpenConnection) -> bool {
        connection.handle.is_evicted()
    }

    #[test]
    fn an_address_gets_so_many_and_no_more() {
        let connections = connections(9, 2);
        let held = [
            connections.enter(peer(1), Standing::Stranger).unwrap(),
            connections.enter(peer(1), Standing::Stranger).unwrap(),
        ];
        assert_eq!(
            connections.enter(peer(1), Standing::Stranger).unwrap_err(),
            CutReason::AddressLimit
        );
        assert!(connections.enter(peer(2), Standing::Stranger).is_ok());
        drop(held);
        assert!(connections.enter(peer(1), Standing::Stranger).is_ok());
        assert!(connections.open.lock().by_address.is_empty());
    }

    #[test]
    fn a_full_house_makes_room_at_the_cost_of_who_proved_nothing() {
        let connections = connections(4, 4);
        let enter = |number, standing| connections.enter(peer(number), standing).unwrap();
        let [proven, busy, lone, crowd] =
            [1, 2, 3, 4].map(|number| enter(number, Standing::Stranger));
        proven.prove(hotkey(1));
        busy.handle.set_busy(true);
        // Two of one address: one of them is closed first, although another connection is older.
        drop(lone);
        let lone = enter(3, Standing::Stranger);
        drop(busy);
        let crowding = enter(4, Standing::Stranger);
        let known = enter(5, Standing::Known);
        assert!(is_evicted(&crowd) && ![&proven, &lone, &crowding].into_iter().any(is_evicted));
        // Then the oldest unproven one, and only when all are proven, the oldest of those.
        let mut held = vec![enter(6, Standing::Stranger)];
        assert!(is_evicted(&lone));
        held.iter().for_each(|newcomer| newcomer.prove(hotkey(6)));
        crowding.prove(hotkey(4));
        held.push(enter(7, Standing::Known));
        assert!(is_evicted(&proven) && !is_evicted(&known));
        for busy in held.iter().chain([&crowding, &known]) {
            busy.handle.set_busy(true);
        }
        assert_eq!(
            connections.enter(peer(8), Standing::Stranger).unwrap_err(),
            CutReason::ConnectionLimit
        );
        drop((lone, crowd, crowding, known, proven, held));
        assert!(connections.open.lock().entries.is_empty());
        assert!(connections.open.lock().by_address.is_empty());
    }

    #[test]
    fn named_callers_have_places_that_strangers_of_their_address_cannot_take() {
        let limits = AxonLimits {
            max_connections_per_address: 2,
            max_streams_per_hotkey: 2,
            ..AxonLimits::default()
        };
        let connections = ConnectionTable::new("axon".into(), &limits, Arc::default());
        let enter = |standing| connections.enter(peer(1), standing);
        let strangers = [enter(Standing::Known).unwrap(), enter(Standing::Stranger).unwrap()];
        assert!(!connections.has_place(peer(1).ip()));
        assert_eq!(enter(Standing::Known).unwrap_err(), CutReason::AddressLimit);
        let named = [1, 1, 2].map(|number| enter(Standing::Named(hotkey(number))).unwrap());
        assert!(named.iter().all(|connection| connection.is_reserved));
        assert_eq!(enter(Standing::Named(hotkey(1))).unwrap_err(), CutReason::AddressLimit);
        assert!(enter(Standing::Proxy).is_ok());
        drop((strangers, named));
        let first = enter(Standing::Named(hotkey(1))).unwrap();
        assert!(!first.is_reserved, "as long as there are other places");
    }

    #[test]
    fn one_hotkey_keeps_so_many_connections_and_no_more() {
        let connections = connections(99, 99);
        let all: Vec<OpenConnection> =
            (0..20).map(|_| connections.enter(peer(1), Standing::Stranger).unwrap()).collect();
        all.iter().for_each(|connection| connection.prove(hotkey(1)));
        let n_kept =
            all.iter().filter(|connection| connection.handle.is_proven.load(Ordering::Acquire));
        assert_eq!(n_kept.count(), MAX_PROVEN_PER_HOTKEY);
    }
}
