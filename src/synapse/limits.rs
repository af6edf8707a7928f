//! Token buckets: how often each peer may send a request, in bounded memory.
//!
//! Pure: the clock is an argument. A bucket that has filled up again holds no information, so it is
//! dropped first. When all of `n_max` buckets are in use, every further key shares one: a flood
//! from many addresses limits itself, and the peers that were known before keep theirs.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

/// The size of a bucket and how fast it fills.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Tokens that are added per second.
    pub per_second: f64,
    /// Tokens in a full bucket, which may be taken at once.
    pub burst: f64,
}

/// Least time between two searches for full buckets, in nanoseconds: one second.
const SWEEP_EVERY_NS: u64 = 1_000_000_000;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at_ns: u64,
}

impl Bucket {
    fn full(rate: &Rate, now_ns: u64) -> Self {
        Self { tokens: rate.burst, at_ns: now_ns }
    }

    fn refill(&mut self, rate: &Rate, now_ns: u64) {
        let elapsed_s = now_ns.saturating_sub(self.at_ns) as f64 / 1e9;
        self.tokens = (self.tokens + elapsed_s * rate.per_second).min(rate.burst);
        self.at_ns = self.at_ns.max(now_ns);
    }
}

/// One token bucket per key.
#[derive(Debug)]
pub struct TokenBuckets<K> {
    rate: Rate,
    n_max: usize,
    buckets: HashMap<K, Bucket>,
    shared: Bucket,
    next_sweep_ns: u64,
}

impl<K: Eq + Hash> TokenBuckets<K> {
    /// A table of at most `n_max` buckets; every bucket starts full.
    pub fn new(rate: Rate, n_max: usize) -> Self {
        let shared = Bucket::full(&rate, 0);
        Self { rate, n_max, buckets: HashMap::new(), shared, next_sweep_ns: 0 }
    }

    /// Takes one token and returns `true` if the bucket holds at least one.
    pub fn take(&mut self, key: K, now_ns: u64) -> bool {
        let bucket = self.bucket(key, now_ns);
        let is_enough = bucket.tokens >= 1.0;
        if is_enough {
            bucket.tokens -= 1.0;
        }
        is_enough
    }

    /// Seconds until the bucket holds a whole token; 0 if it holds one now.
    pub fn wait_s(&self, key: &K, now_ns: u64) -> f64 {
        let has_room = self.buckets.len() < self.n_max;
        let bucket = match self.buckets.get(key) {
            Some(bucket) => bucket,
            None if has_room => return 0.0,
            None => &self.shared,
        };
        let mut bucket = *bucket;
        bucket.refill(&self.rate, now_ns);
        ((1.0 - bucket.tokens) / self.rate.per_second).max(0.0)
    }

    /// Takes `tokens` more for a request that turned out to be costly. The bucket may go negative,
    /// down to minus its size.
    pub fn charge(&mut self, key: K, tokens: f64, now_ns: u64) {
        let floor = -self.rate.burst;
        let bucket = self.bucket(key, now_ns);
        bucket.tokens = (bucket.tokens - tokens).max(floor);
    }

    /// How many buckets are stored.
    pub fn len(&self) -> usize {
        self.buckets.len()
    }

    /// Whether no bucket is stored.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    fn bucket(&mut self, key: K, now_ns: u64) -> &mut Bucket {
        let Self { rate, n_max, buckets, shared, next_sweep_ns } = self;
        if buckets.len() >= *n_max && !buckets.contains_key(&key) && now_ns >= *next_sweep_ns {
            *next_sweep_ns = now_ns.saturating_add(SWEEP_EVERY_NS);
            buckets.retain(|_, bucket| {
                bucket.refill(rate, now_ns);
                bucket.tokens < rate.burst
            });
        }
        let has_room = buckets.len() < *n_max || buckets.contains_key(&key);
        let bucket = if has_room {
            buckets.entry(key).or_insert_with(|| Bucket::full(rate, now_ns))
        } else {
            shared
        };
        bucket.refill(rate, now_ns);
        bucket
    }
}

/// The network that counts as one peer: an IPv4 address, or the /64 network of an IPv6 address,
/// because a host is usually given a whole /64.
pub fn peer_network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => {
                let network = u128::from(v6) & !u128::from(u64::MAX);
                IpAddr::V6(network.into())
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const RATE: Rate = Rate { per_second: 2.0, burst: 3.0 };

    #[test]
    fn a_burst_passes_then_the_rate_holds() {
        let mut buckets = TokenBuckets::new(RATE, 9);
        let taken: Vec<bool> = (0..5).map(|_| buckets.take("a", SECOND)).collect();
        assert_eq!(taken, [true, true, true, false, false]);
        assert!(buckets.take("b", SECOND), "another key has its own");
        assert_eq!(buckets.wait_s(&"a", SECOND), 0.5);
        assert_eq!(buckets.wait_s(&"c", SECOND), 0.0, "nobody waits who has not asked");
        assert!(buckets.take("a", SECOND + SECOND / 2));
        assert!(!buckets.take("a", SECOND + SECOND / 2));
    }

    #[test]
    fn a_debt_is_paid_first_and_is_bounded() {
        let mut buckets = TokenBuckets::new(RATE, 9);
        buckets.charge("a", 1e9, 0);
        assert!(!buckets.take("a", SECOND));
        assert!(!buckets.take("a", SECOND + SECOND / 2));
        assert!(buckets.take("a", 2 * SECOND));
    }

    #[test]
    fn keys_without_room_share_one_bucket_and_known_ones_keep_theirs() {
        let mut buckets = TokenBuckets::new(RATE, 2);
        assert!(buckets.take(1, SECOND) && buckets.take(2, SECOND));
        let taken: Vec<bool> = (3..8).map(|key| buckets.take(key, SECOND)).collect();
        assert_eq!(taken, [true, true, true, false, false]);
        assert!(buckets.take(1, SECOND));
        // Later both are full again and make room.
        assert!(buckets.take(9, 60 * SECOND));
        assert_eq!(buckets.len(), 1);
    }

    #[test]
    fn a_clock_that_steps_back_takes_and_gives_nothing() {
        let mut buckets = TokenBuckets::new(RATE, 2);
        assert!((0..3).all(|_| buckets.take(1, 9 * SECOND)));
        assert!(!buckets.take(1, 2 * SECOND));
        assert!(!buckets.take(1, 9 * SECOND));
    }

    #[test]
    fn a_host_is_an_ipv4_address_or_an_ipv6_network() {
        let network = |text: &str| peer_network(text.parse().unwrap()).to_string();
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }

    proptest! {
        /// No sequence of requests gets more through than burst and rate allow.
        #[test]
        fn no_key_gets_more_than_its_rate(
            steps in proptest::collection::vec((0..4_u8, 0..SECOND), 1..200),
        ) {
            let mut buckets = TokenBuckets::new(RATE, 8);
            let (mut now, mut taken) = (0, [0_u32; 4]);
            for (key, step) in steps {
                now += step;
                if buckets.take(key, now) {
                    taken[usize::from(key)] += 1;
                }
                prop_assert!(buckets.len() <= 8);
            }
            let most = RATE.burst + RATE.per_second * now as f64 / 1e9;
            prop_assert!(taken.into_iter().all(|n| f64::from(n) <= most + 1e-6));
        }
    }
}
