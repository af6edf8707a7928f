//! Which nonces are remembered where, and for how long.
//!
//! Unix and monotonic nonces are kept apart, because a floor of the one kind says nothing of the
//! other. A pair may have both; its nonces rise over both kinds.

use super::MAX_AGE_NS;
use super::table::{Limits, NonceTable, Pair, Served, Slot};

/// How long a pair is remembered whose nonces no window guards.
const KEEP_NS: i128 = 86_400_000_000_000;

/// What a nonce tells of its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Held against the window. Served once, ever.
    Unix,
    /// Nothing. Served once a day at most.
    Monotonic,
    /// Nothing, and floors do not count (lenient policy).
    Unguarded,
}

/// The last nonces of all pairs.
#[derive(Debug)]
pub(super) struct Memory {
    unix: NonceTable,
    unguarded: NonceTable,
}

impl Memory {
    /// A memory with these limits for either kind of nonce.
    pub(super) fn new(limits: Limits) -> Self {
        Self { unix: NonceTable::new(limits), unguarded: NonceTable::new(limits) }
    }

    pub(super) fn len(&self) -> usize {
        self.unix.len() + self.unguarded.len()
    }

    /// The greatest nonce of a pair, if it is remembered.
    pub(super) fn last(&mut self, pair: &Pair, now_ns: i128) -> Option<i128> {
        self.unix.pass_time(now_ns);
        self.unguarded.pass_time(now_ns);
        self.unix.last(pair).max(self.unguarded.last(pair))
    }

    /// What a nonce of this kind must exceed because its pair may have been forgotten.
    pub(super) fn floor(&mut self, kind: Kind, slot: &Slot, now_ns: i128) -> Option<i128> {
        let table = self.table(kind);
        table.pass_time(now_ns);
        match table.last(&slot.pair) {
            Some(_) => None,
            None => table.floor(&slot.account, now_ns),
        }
    }

    /// Remembers a nonce that is served now.
    pub(super) fn record(&mut self, kind: Kind, slot: Slot, nonce: i128, now_ns: i128) {
        let (expires_ns, floor_until_ns) = match kind {
            // Then it is out of the window, unless the clock is set back: the floor stays.
            Kind::Unix => (nonce.saturating_add(MAX_AGE_NS), i128::MAX),
            Kind::Monotonic => (now_ns + KEEP_NS, now_ns + KEEP_NS),
            Kind::Unguarded => (now_ns + KEEP_NS, i128::MIN),
        };
        self.table(kind).insert(slot, Served { nonce, expires_ns, floor_until_ns }, now_ns);
    }

    fn table(&mut self, kind: Kind) -> &mut NonceTable {
        match kind {
            Kind::Unix => &mut self.unix,
            Kind::Monotonic | Kind::Unguarded => &mut self.unguarded,
        }
    }
}
