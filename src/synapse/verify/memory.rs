//! Which table remembers a nonce, and for how long.
//!
//! Unix and monotonic nonces have separate tables, because a floor of one kind says nothing about
//! the other. A pair may have both; its nonces must rise across both kinds.

use super::super::clock::MAX_SLACK_NS;
use super::MAX_AGE_NS;
use super::table::{Limits, NonceTable, Pair, Served, Slot};

/// How long a pair without a window is remembered, in nanoseconds: one day.
const KEEP_NS: i128 = 86_400_000_000_000;

/// What a nonce reveals about its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Unix time, which must lie within the window. Such a nonce is served only once.
    Unix,
    /// No age: monotonic time. Such a nonce is served at most once a day.
    Monotonic,
    /// No age, and floors do not apply (lenient policy).
    Unguarded,
}

/// The last nonces of all pairs.
#[derive(Debug)]
pub(super) struct Memory {
    unix: NonceTable,
    unguarded: NonceTable,
}

impl Memory {
    /// A memory with these limits for each kind of nonce.
    pub(super) fn new(limits: Limits) -> Self {
        Self { unix: NonceTable::new(limits), unguarded: NonceTable::new(limits) }
    }

    pub(super) fn len(&self) -> usize {
        self.unix.len() + self.unguarded.len()
    }

    /// The greatest nonce of a pair; `None` if the pair is not remembered.
    pub(super) fn last(&mut self, pair: &Pair, now_ns: i128) -> Option<i128> {
        self.unix.pass_time(now_ns);
        self.unguarded.pass_time(now_ns);
        self.unix.last(pair).max(self.unguarded.last(pair))
    }

    /// The bound that a nonce of this kind must exceed because its pair may have been forgotten.
    pub(super) fn floor(&mut self, kind: Kind, slot: &Slot, now_ns: i128) -> Option<i128> {
        let table = self.table(kind);
        table.pass_time(now_ns);
        match table.last(&slot.pair) {
            Some(_) => None,
            None => table.floor(&slot.account, now_ns),
        }
    }

    /// Remembers a nonce that has just been served.
    pub(super) fn record(&mut self, kind: Kind, slot: Slot, nonce: i128, now_ns: i128) {
        let (expires_ns, floor_until_ns) = match kind {
            // By then the nonce is outside the widest window unless the clock is set back, so the
            // floor stays.
            Kind::Unix => (nonce.saturating_add(MAX_AGE_NS + i128::from(MAX_SLACK_NS)), i128::MAX),
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
