//! A bounded table of last nonces.
//!
//! Forgetting must not let a captured request in again. So a pair that is forgotten, because it
//! expired or to make room, leaves a floor behind, and a pair that is not remembered must send a
//! nonce above the floor. The account that needs room pays for it: its own floor rises as long as
//! another of its pairs is remembered; only an account that is forgotten as a whole raises the
//! floor of all. A fresh nonce is above any floor.

use std::collections::{BTreeSet, HashMap};

use crate::wallet::AccountId;

/// Hash of hotkey and uuid.
pub(super) type Pair = [u8; 32];

/// How many pairs the table may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Pairs of all accounts together, at least two.
    pub(super) n_pairs: usize,
    /// Pairs of one account, at least two: with one, its floor would go to all.
    pub(super) n_pairs_per_account: usize,
}

/// A pair, and the account that its hotkey names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) account: AccountId,
    pub(super) pair: Pair,
}

/// A nonce that was served. Times are Unix nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Served {
    pub(super) nonce: i128,
    /// Time from which the pair may be forgotten.
    pub(super) expires_ns: i128,
    /// Time until which a floor that the pair leaves behind applies.
    pub(super) floor_until_ns: i128,
}

/// The last nonce of each pair, with its expiry, and the floors of forgotten pairs.
#[derive(Debug)]
pub(super) struct NonceTable {
    limits: Limits,
    entries: HashMap<Pair, Entry>,
    by_expiry: BTreeSet<(i128, Pair)>,
    holders: HashMap<AccountId, Holder>,
    floor: Floor,
}

#[derive(Debug)]
struct Entry {
    account: AccountId,
    served: Served,
}

/// The pairs of one account, and its floor.
#[derive(Debug, Default)]
struct Holder {
    /// Sorted by expiry. There are few pairs, so a plain list is small and quick.
    by_expiry: Vec<(i128, Pair)>,
    floor: Floor,
}

impl NonceTable {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            entries: HashMap::new(),
            by_expiry: BTreeSet::new(),
            holders: HashMap::new(),
            floor: Floor::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Forgets the pairs that have expired. The results of the other methods hold for `now_ns`.
    pub(super) fn pass_time(&mut self, now_ns: i128) {
        while let Some(&(expires_ns, pair)) = self.by_expiry.first()
            && expires_ns <= now_ns
        {
            self.forget(&pair, now_ns);
        }
    }

    /// The last nonce of a pair; `None` if the pair is not remembered.
    pub(super) fn last(&self, pair: &Pair) -> Option<i128> {
        self.entries.get(pair).map(|entry| entry.served.nonce)
    }

    /// The bound that a nonce of this account must exceed if its pair is not remembered.
    pub(super) fn floor(&self, account: &AccountId, now_ns: i128) -> Option<i128> {
        let own = self.holders.get(account).and_then(|holder| holder.floor.at(now_ns));
        own.max(self.floor.at(now_ns))
    }

    /// Sets the last nonce of a pair. If the table is full, another pair makes room.
    pub(super) fn insert(&mut self, slot: Slot, mut served: Served, now_ns: i128) {
        self.pass_time(now_ns);
        if let Some(Entry { served: old, .. }) = self.take(&slot.pair) {
            served.expires_ns = served.expires_ns.max(old.expires_ns);
            served.floor_until_ns = served.floor_until_ns.max(old.floor_until_ns);
        }
        self.make_room(&slot.account, now_ns);
        let key = (served.expires_ns, slot.pair);
        self.by_expiry.insert(key);
        let held = &mut self.holders.entry(slot.account).or_default().by_expiry;
        held.insert(held.partition_point(|other| *other < key), key);
        self.entries.insert(slot.pair, Entry { account: slot.account, served });
    }

    /// Makes room for one more pair of the account, if the table is full.
    fn make_room(&mut self, account: &AccountId, now_ns: i128) {
        while let Some(holder) = self.holders.get(account)
            && holder.by_expiry.len() >= self.limits.n_pairs_per_account.max(2)
            && let Some(&(_, pair)) = holder.by_expiry.first()
        {
            self.forget(&pair, now_ns);
        }
        while self.entries.len() >= self.limits.n_pairs.max(2)
            && let Some(&(_, pair)) = self.by_expiry.first()
        {
            self.forget(&pair, now_ns);
        }
    }

    fn forget(&mut self, pair: &Pair, now_ns: i128) {
        let Some(Entry { account, served }) = self.take(pair) else {
            return;
        };
        let left = Floor(Some((served.nonce, served.floor_until_ns)));
        let Some(holder) = self.holders.get_mut(&account) else {
            return;
        };
        holder.floor.raise(left, now_ns);
        if holder.by_expiry.is_empty() {
            let floor = holder.floor;
            self.holders.remove(&account);
            self.floor.raise(floor, now_ns);
        }
    }

    /// Removes a pair from the indices. Its holder stays, even without a pair.
    fn take(&mut self, pair: &Pair) -> Option<Entry> {
        let entry = self.entries.remove(pair)?;
        let key = (entry.served.expires_ns, *pair);
        self.by_expiry.remove(&key);
        if let Some(holder) = self.holders.get_mut(&entry.account)
            && let Ok(idx) = holder.by_expiry.binary_search(&key)
        {
            holder.by_expiry.remove(idx);
        }
        Some(entry)
    }
}

/// A bound that a nonce must exceed, and the time until which it applies.
#[derive(Debug, Clone, Copy, Default)]
struct Floor(Option<(i128, i128)>);

impl Floor {
    fn at(self, now_ns: i128) -> Option<i128> {
        self.0.filter(|&(_, until_ns)| now_ns < until_ns).map(|(nonce, _)| nonce)
    }

    fn raise(&mut self, other: Self, now_ns: i128) {
        let live = |floor: Self| floor.0.filter(|&(_, until_ns)| now_ns < until_ns);
        self.0 = match (live(*self), live(other)) {
            (Some(own), Some(other)) => Some((own.0.max(other.0), own.1.max(other.1))),
            (own, other) => own.or(other),
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slot(account: u8, pair: u8) -> Slot {
        Slot { account: AccountId([account; 32]), pair: [pair; 32] }
    }

    fn lasting(nonce: i128, expires_ns: i128) -> Served {
        Served { nonce, expires_ns, floor_until_ns: i128::MAX }
    }

    fn table(n_pairs: usize, n_pairs_per_account: usize) -> NonceTable {
        NonceTable::new(Limits { n_pairs, n_pairs_per_account })
    }

    fn floor(table: &NonceTable, account: u8) -> Option<i128> {
        table.floor(&AccountId([account; 32]), 0)
    }

    #[test]
    fn a_full_account_pays_itself() {
        let mut table = table(9, 2);
        table.insert(slot(1, 1), lasting(10, 100), 0);
        table.insert(slot(1, 2), lasting(20, 200), 0);
        table.insert(slot(2, 3), lasting(5, 50), 0);
        table.insert(slot(1, 4), lasting(30, 300), 0);
        assert_eq!((table.last(&[1; 32]), table.last(&[3; 32])), (None, Some(5)));
        assert_eq!((floor(&table, 1), floor(&table, 2)), (Some(10), None));
        table.insert(slot(1, 4), lasting(40, 400), 0);
        assert_eq!(table.last(&[2; 32]), Some(20), "a known pair needs no room");
    }

    #[test]
    fn a_full_table_forgets_the_pair_next_to_expire() {
        let mut table = table(3, 2);
        table.insert(slot(1, 1), lasting(10, 100), 0);
        table.insert(slot(1, 2), lasting(20, 200), 0);
        table.insert(slot(2, 3), lasting(30, 300), 0);
        table.insert(slot(2, 4), lasting(40, 400), 0);
        assert_eq!((floor(&table, 1), floor(&table, 2)), (Some(10), None));
        table.insert(slot(3, 5), lasting(50, 500), 0);
        assert_eq!(floor(&table, 2), Some(20), "nothing is left of the first account");
        assert_eq!(table.len(), 3);
    }

    #[test]
    fn what_expires_leaves_a_floor_for_as_long_as_it_was_told() {
        let mut table = table(9, 9);
        table.insert(slot(1, 1), lasting(10, 100), 0);
        table.insert(slot(1, 2), Served { floor_until_ns: 150, ..lasting(20, 100) }, 0);
        table.pass_time(99);
        assert_eq!((table.len(), table.last(&[1; 32])), (2, Some(10)));
        table.pass_time(100);
        assert_eq!(table.len(), 0);
        let account = AccountId([7; 32]);
        assert_eq!(table.floor(&account, 100), Some(20));

        table.insert(slot(1, 1), Served { floor_until_ns: 120, ..lasting(30, 110) }, 101);
        table.pass_time(120);
        assert_eq!(table.floor(&account, 120), Some(20), "a floor that is over never rises");
    }

    #[test]
    fn a_pair_is_remembered_for_as_long_as_any_of_its_nonces_asked_for() {
        let mut table = table(9, 9);
        table.insert(slot(1, 1), lasting(10, 100), 0);
        table.insert(slot(1, 1), lasting(20, 50), 0);
        table.pass_time(99);
        assert_eq!(table.last(&[1; 32]), Some(20));
    }

    proptest! {
        #[test]
        fn the_table_stays_bounded_and_whole(
            steps in proptest::collection::vec((0..4_u8, any::<u8>(), 0..50_i128, 1..50_i128), 0..80),
        ) {
            let mut table = table(7, 3);
            for (now_ns, (account, pair, nonce, keep_ns)) in (0..).zip(steps) {
                // Each pair belongs to one account, as hashes of its hotkey do.
                let slot = slot(account, pair & !3 | account);
                table.insert(slot, lasting(nonce, now_ns + keep_ns), now_ns);
                prop_assert_eq!(table.last(&slot.pair), Some(nonce));
                prop_assert!(table.len() <= 7);
                prop_assert_eq!(table.len(), table.by_expiry.len());
                let held = table.holders.values().map(|holder| holder.by_expiry.len());
                prop_assert!(held.clone().all(|n_pairs| (1..=3).contains(&n_pairs)));
                prop_assert_eq!(held.sum::<usize>(), table.len());
            }
        }
    }
}
