//! Against the recorded commits, hashes and reveal rounds, and against a model that counts every
//! block.

use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::Deserialize;

use super::*;
use crate::chain::{Hash, Netuid, Uid};
use crate::testing::vector_json;
use crate::wallet::AccountId;

mod schedule;
mod sealing;

#[derive(Deserialize)]
struct Vectors {
    drand: Drand,
    weight_hash: Vec<HashVector>,
    timelocked: Vec<SealedVector>,
    timelock_raw: RawVector,
    reveal_round_stateful: Vec<StatefulVector>,
    reveal_round_before_stateful: Vec<ModularVector>,
}

#[derive(Deserialize)]
struct Drand {
    genesis: u64,
    period: u64,
    public_key: String,
    known_signatures: std::collections::BTreeMap<u64, String>,
    randomness_1000: String,
}

#[derive(Deserialize)]
struct HashVector {
    hotkey: AccountId,
    netuid_index: u16,
    uids: Vec<Uid>,
    values: Vec<u16>,
    salt: Vec<u16>,
    version_key: u64,
    hash: Hash,
}

#[derive(Deserialize)]
struct SealedVector {
    reveal_round: u64,
    signature: String,
    hotkey: Option<AccountId>,
    uids: Vec<Uid>,
    values: Vec<u16>,
    version_key: u64,
    layout: String,
    payload_scale: String,
    commit: String,
}

#[derive(Deserialize)]
struct RawVector {
    plain: String,
    reveal_round: u64,
    commit: String,
    signature: String,
}

#[derive(Deserialize)]
struct StatefulVector {
    state: StateVector,
    reveal_period_epochs: u64,
    block_time: f64,
    first_reveal_block: u64,
    now: f64,
    reveal_round: u64,
}

#[derive(Deserialize)]
struct StateVector {
    last_epoch_block: u64,
    pending_epoch_at: u64,
    subnet_epoch_index: u64,
    tempo: u16,
    blocks_since_last_step: u64,
    current_block: u64,
}

#[derive(Deserialize)]
struct ModularVector {
    tempo: u16,
    current_block: u64,
    netuid: Netuid,
    reveal_period_epochs: u64,
    block_time: f64,
    now: f64,
    first_reveal_block: u64,
    reveal_round: u64,
}

fn vectors() -> Vectors {
    vector_json("chain/vectors/commit_reveal.json")
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.trim_start_matches("0x")).unwrap()
}

impl Drand {
    fn parameters(&self) -> BeaconParameters {
        BeaconParameters::new(&bytes(&self.public_key), self.genesis, self.period).unwrap()
    }

    fn signatures(&self) -> impl Iterator<Item = (u64, RoundSignature)> {
        self.known_signatures
            .iter()
            .map(|(round, text)| (*round, RoundSignature::from_bytes(&bytes(text)).unwrap()))
    }
}

#[test]
fn hashes_are_the_recorded_ones() {
    let vectors = vectors().weight_hash;
    assert!(!vectors.is_empty());
    for HashVector { hotkey, netuid_index, uids, values, salt, version_key, hash } in vectors {
        let arguments = RevealArguments {
            hotkey,
            mechanism_index: netuid_index,
            uids,
            values,
            salt,
            version_key,
        };
        assert_eq!(arguments.hash(), hash, "{arguments:?}");
    }
}
