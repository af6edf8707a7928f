//! Nonces and uuids of this process (docs/spec/wire.md#nonce and
//! docs/spec/wire.md#dendrite-duties).
//!
//! An axon remembers the last nonce of each pair of hotkey and uuid and refuses a lower one, so two
//! concurrent requests to it must not share a uuid: the later one could arrive first. Each
//! therefore takes a lane. Lane `k` has one uuid for the whole life of the process, and a request
//! takes the lowest lane that is free for its axon. An axon sees no more uuids than it had
//! concurrent requests.
//!
//! Nonces must increase for as long as the uuids live, whichever actor asks, so both belong to the
//! process and not to an actor.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use sn1::synapse::sign::{NonceSource, random_uuid};
use sn1::wallet::AccountId;

use crate::clock::unix_ns;

static NONCES: NonceSource = NonceSource::new();
static LANES: LazyLock<Mutex<Lanes>> = LazyLock::new(Mutex::default);

/// A nonce above all that this process has used.
pub(super) fn next_nonce() -> u64 {
    NONCES.next(unix_ns())
}

/// A lane to an axon, held until its request has been answered.
#[derive(Debug)]
pub(super) struct Lane {
    axon: AccountId,
    lane_idx: usize,
    uuid: Arc<str>,
}

impl Lane {
    /// Takes the lowest free lane to this axon.
    pub(super) fn to(axon: AccountId) -> Self {
        let (lane_idx, uuid) = LANES.lock().take(axon);
        Self { axon, lane_idx, uuid }
    }

    /// The uuid that the lane's requests carry.
    pub(super) fn uuid(&self) -> &Arc<str> {
        &self.uuid
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        LANES.lock().release(self.axon, self.lane_idx);
    }
}

#[derive(Debug, Default)]
struct Lanes {
    uuids: Vec<Arc<str>>,
    /// Which lanes are taken, for each axon with a request under way.
    taken: HashMap<AccountId, Vec<bool>>,
}

impl Lanes {
    fn take(&mut self, axon: AccountId) -> (usize, Arc<str>) {
        let taken = self.taken.entry(axon).or_default();
        let lane_idx = taken.iter().position(|is_taken| !is_taken).unwrap_or(taken.len());
        if lane_idx == taken.len() {
            taken.push(true);
        } else {
            taken[lane_idx] = true;
        }
        while self.uuids.len() <= lane_idx {
            self.uuids.push(random_uuid(&mut rand::rng()).into());
        }
        (lane_idx, Arc::clone(&self.uuids[lane_idx]))
    }

    fn release(&mut self, axon: AccountId, lane_idx: usize) {
        let Some(taken) = self.taken.get_mut(&axon) else { return };
        if let Some(is_taken) = taken.get_mut(lane_idx) {
            *is_taken = false;
        }
        if !taken.contains(&true) {
            self.taken.remove(&axon);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: AccountId = AccountId([1; 32]);
    const OTHER: AccountId = AccountId([2; 32]);

    #[test]
    fn requests_at_once_have_lanes_of_their_own_and_later_ones_use_them_again() {
        let mut lanes = Lanes::default();
        let (first, first_uuid) = lanes.take(ONE);
        let (second, second_uuid) = lanes.take(ONE);
        assert_eq!((first, second), (0, 1));
        assert_ne!(first_uuid, second_uuid);
        assert_eq!(lanes.take(OTHER), (0, Arc::clone(&first_uuid)));
        lanes.release(ONE, first);
        assert_eq!(lanes.take(ONE), (0, first_uuid));
        assert_eq!(lanes.take(ONE).0, 2);
        assert_eq!(lanes.uuids.len(), 3);
    }

    #[test]
    fn axons_with_nothing_on_its_way_are_forgotten() {
        let mut lanes = Lanes::default();
        let taken: Vec<_> = [ONE, ONE, OTHER].map(|axon| (axon, lanes.take(axon).0)).into();
        for (axon, lane_idx) in taken {
            lanes.release(axon, lane_idx);
        }
        assert!(lanes.taken.is_empty());
        assert_eq!(lanes.uuids.len(), 2);
    }

    #[test]
    fn nonces_of_the_process_rise() {
        let nonces: Vec<u64> = (0..100).map(|_| next_nonce()).collect();
        assert!(nonces.is_sorted_by(|a, b| a < b));
    }
}
