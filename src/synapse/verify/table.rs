//! The bounded memory of last nonces.

use std::collections::{BTreeSet, HashMap};

type Pair = [u8; 32];

/// Last nonce of each pair, with an expiry. The pair next to expire makes room when it is full.
#[derive(Debug)]
pub(super) struct NonceTable {
    n_max: usize,
    entries: HashMap<Pair, Entry>,
    by_expiry: BTreeSet<(u64, Pair)>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    nonce: i128,
    expires_ns: u64,
}

impl NonceTable {
    /// A table of at most `n_max` pairs, and at least one.
    pub(super) fn new(n_max: usize) -> Self {
        let n_max = n_max.max(1);
        Self { n_max, entries: HashMap::new(), by_expiry: BTreeSet::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The last nonce of a pair, unless it has expired.
    pub(super) fn last(&self, pair: &Pair, now_ns: u64) -> Option<i128> {
        let entry = self.entries.get(pair)?;
        (now_ns < entry.expires_ns).then_some(entry.nonce)
    }

    /// Sets the last nonce of a pair and drops what has expired or no longer fits.
    pub(super) fn insert(&mut self, pair: Pair, nonce: i128, now_ns: u64, keep_ns: u64) {
        let expires_ns = now_ns.saturating_add(keep_ns);
        if let Some(old) = self.entries.insert(pair, Entry { nonce, expires_ns }) {
            self.by_expiry.remove(&(old.expires_ns, pair));
        }
        // Indexed last, so that a new pair never makes room for itself.
        while let Some(&(first_ns, first)) = self.by_expiry.first()
            && (first_ns <= now_ns || self.entries.len() > self.n_max)
        {
            self.by_expiry.pop_first();
            self.entries.remove(&first);
        }
        self.by_expiry.insert((expires_ns, pair));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pair(number: u8) -> Pair {
        [number; 32]
    }

    #[test]
    fn the_pair_next_to_expire_makes_room() {
        let mut table = NonceTable::new(2);
        table.insert(pair(1), 10, 0, 100);
        table.insert(pair(2), 20, 1, 50);
        table.insert(pair(3), 30, 2, 100);
        assert_eq!(table.last(&pair(1), 3), Some(10));
        assert_eq!(table.last(&pair(2), 3), None);
        assert_eq!(table.last(&pair(3), 3), Some(30));
    }

    #[test]
    fn expired_pairs_are_forgotten() {
        let mut table = NonceTable::new(9);
        table.insert(pair(1), 10, 0, 100);
        assert_eq!(table.last(&pair(1), 99), Some(10));
        assert_eq!(table.last(&pair(1), 100), None);
        table.insert(pair(2), 20, 100, 100);
        assert_eq!(table.len(), 1);
    }

    proptest! {
        #[test]
        fn the_table_stays_bounded_and_whole(
            steps in proptest::collection::vec((any::<u8>(), 0..50_u64, 1..50_u64), 0..60),
        ) {
            let mut table = NonceTable::new(5);
            for (now_ns, (number, nonce, keep_ns)) in (0..).zip(steps) {
                table.insert(pair(number), i128::from(nonce), now_ns, keep_ns);
                prop_assert!(table.len() <= 5);
                prop_assert_eq!(table.len(), table.by_expiry.len());
                prop_assert_eq!(table.last(&pair(number), now_ns), Some(i128::from(nonce)));
            }
        }
    }
}
