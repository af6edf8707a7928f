//! The chain's own randomness beacon: one signature per round, as drand's quicknet makes them.
//!
//! Nothing but the newest round is stored. A signature follows from the seed and the round, so it
//! is made when somebody asks for it, and a clock that leaps a year costs nothing. Pulses of another
//! beacon can be put in from outside, for clients that seal for that one only.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rules::ChainRules;
use crate::chain::commit_reveal::{BeaconKeypair, RoundSignature};
use crate::wallet::blake2b_256;

/// Keeps the beacon's secret apart from anything else made of the seed.
const DOMAIN: &[u8] = b"sn1-devchain-beacon-1";

/// The beacon: what it signs with, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Beacon {
    seed: u64,
    /// `LastStoredRound`; 0 for none yet.
    pub(super) last_stored_round: u64,
    /// Foreign signatures by round, in hex.
    foreign: BTreeMap<u64, String>,
}

impl Beacon {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, last_stored_round: 0, foreign: BTreeMap::new() }
    }

    /// Stores all rounds up to `now_ms`. A pulse takes one period to reach the chain, so that the
    /// round that committers name for a moment is there at that moment and not before.
    pub(super) fn advance(&mut self, rules: &ChainRules, now_ms: u64) {
        let age = (now_ms / 1000).saturating_sub(rules.beacon_genesis);
        self.last_stored_round = self.last_stored_round.max(age / rules.beacon_period.max(1));
    }

    /// Puts in another beacon's signature in place of the own one, whether its time has come or
    /// not.
    pub(super) fn insert(&mut self, round: u64, signature: &RoundSignature) {
        self.foreign.insert(round, hex::encode(signature.to_bytes()));
    }

    /// Whether a round is stored.
    pub(super) fn has(&self, round: u64) -> bool {
        (1..=self.last_stored_round).contains(&round) || self.foreign.contains_key(&round)
    }

    /// The signature of a round that is stored.
    pub(super) fn pulse(&self, round: u64) -> Option<RoundSignature> {
        if let Some(foreign) = self.foreign.get(&round) {
            return RoundSignature::from_bytes(&hex::decode(foreign).ok()?).ok();
        }
        self.has(round).then(|| self.keypair().sign(round))
    }

    /// The keypair; a few milliseconds' work.
    pub(super) fn keypair(&self) -> BeaconKeypair {
        let bytes = [DOMAIN, &self.seed.to_le_bytes()].concat();
        BeaconKeypair::from_seed(&blake2b_256(&bytes))
    }
}
