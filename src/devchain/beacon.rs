//! The chain's own randomness beacon: one signature per round, in the format of drand's quicknet.
//!
//! Only the number of the newest round is stored. A signature follows from the seed and the round,
//! so it is computed on request, and a clock that jumps by a year costs nothing. Pulses of another
//! beacon can be inserted from outside, for clients that seal for that beacon only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rules::ChainRules;
use crate::chain::commit_reveal::{BeaconKeypair, RoundSignature};
use crate::wallet::blake2b_256;

/// Separates the beacon's secret from anything else that is derived from the seed.
const DOMAIN: &[u8] = b"sn1-devchain-beacon-1";

/// The beacon's secret, and the rounds that it has reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Beacon {
    seed: u64,
    /// `LastStoredRound`; 0 before the first round.
    pub(super) last_stored_round: u64,
    /// Signatures of another beacon by round, in hex.
    foreign: BTreeMap<u64, String>,
}

impl Beacon {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, last_stored_round: 0, foreign: BTreeMap::new() }
    }

    /// Stores all rounds up to `now_ms`. A pulse takes one period to reach the chain, so the round
    /// that committers name for a moment is stored at that moment and not earlier.
    pub(super) fn advance(&mut self, rules: &ChainRules, now_ms: u64) {
        let age = (now_ms / 1000).saturating_sub(rules.beacon_genesis);
        self.last_stored_round = self.last_stored_round.max(age / rules.beacon_period.max(1));
    }

    /// Stores another beacon's signature in place of this beacon's, whether or not the round is
    /// due.
    pub(super) fn insert(&mut self, round: u64, signature: &RoundSignature) {
        self.foreign.insert(round, hex::encode(signature.to_bytes()));
    }

    /// Whether the signature of a round is available.
    pub(super) fn has(&self, round: u64) -> bool {
        (1..=self.last_stored_round).contains(&round) || self.foreign.contains_key(&round)
    }

    /// The signature of a round; `None` if the round is not stored.
    pub(super) fn pulse(&self, round: u64) -> Option<RoundSignature> {
        if let Some(foreign) = self.foreign.get(&round) {
            return RoundSignature::from_bytes(&hex::decode(foreign).ok()?).ok();
        }
        self.has(round).then(|| self.keypair().sign(round))
    }

    /// Derives the key pair, which takes a few milliseconds.
    pub(super) fn keypair(&self) -> BeaconKeypair {
        let bytes = [DOMAIN, &self.seed.to_le_bytes()].concat();
        BeaconKeypair::from_seed(&blake2b_256(&bytes))
    }
}
