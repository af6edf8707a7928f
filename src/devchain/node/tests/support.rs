//! A node with a subnet, keys, and transactions built from the metadata that it serves.

use parity_scale_codec::{Compact, Encode};

use crate::chain::decode::Runtime;
use crate::chain::{Hyperparameters, Netuid};
use crate::devchain::node::runtime::{Runtime as Face, Spec};
use crate::devchain::node::tree::Tree;
use crate::devchain::node::{DevNode, Generation, NodeConfig, Produced};
use crate::devchain::{ChainRules, GenesisConfig};
use crate::wallet::{AccountId, Keypair, blake2b_256};

pub(super) const NETUID: Netuid = Netuid(1);
pub(super) const BLOCK_MS: u64 = 250;
pub(super) const STARTED_MS: u64 = 1_800_000_000_000;
pub(super) const GENERATIONS: [Generation; 3] =
    [Generation::Modular, Generation::Stateful, Generation::Collateral];

pub(super) fn keypair(seed: u8) -> Keypair {
    Keypair::from_seed(&[seed; 32]).unwrap()
}

pub(super) fn hyperparameters() -> Hyperparameters {
    Hyperparameters {
        tempo: 10,
        weights_rate_limit: 3,
        weights_version_key: 7,
        immunity_period: 50,
        max_validators: 4,
        serving_rate_limit: 5,
        stake_threshold: 1_000,
        burn: 1_000_000,
        ..Hyperparameters::default()
    }
}

/// A node on which the keys 1 to 9 have 1,000 TAO each and key 1 is the sudo account.
pub(super) fn node(generation: Generation) -> DevNode {
    let account = |seed| keypair(seed).account_id();
    DevNode::new(NodeConfig {
        genesis: GenesisConfig {
            netuid: NETUID,
            hyperparameters: hyperparameters(),
            balances: (1..10).map(|seed| (account(seed), 1_000_000_000_000)).collect(),
            owner_hotkey: None,
            sudo: Some(account(1)),
            rules: ChainRules { beacon_genesis: STARTED_MS / 1000, ..ChainRules::default() },
            seed: 5,
            emission_per_epoch: 1_000_000_000,
            allow_loopback_axons: true,
        },
        generation,
        chain_name: "test".to_owned(),
        finality_lag: 2,
        block_time_ms: BLOCK_MS,
        started_ms: STARTED_MS,
    })
}

pub(super) fn advance(node: &mut DevNode) -> Produced {
    let next = node.best().number + 1;
    node.produce_block(STARTED_MS + next * BLOCK_MS)
}

/// Our own decoder, with the metadata that the node serves.
pub(super) fn decoder(node: &DevNode) -> Runtime {
    let version = node.runtime_version(None).unwrap()["specVersion"].as_u64().unwrap();
    let arguments = 15_u32.to_le_bytes();
    let answer = node.call("Metadata_metadata_at_version", &arguments, None).unwrap();
    let metadata = crate::chain::decode::metadata_of_answer(&answer).unwrap();
    Runtime::new(version as u32, &metadata).unwrap()
}

/// The parts of a transaction, which a test may change before signing.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) nonce: u32,
    /// The period, and the block that it counts from.
    pub(super) era: Option<(u64, u64)>,
    pub(super) spec_version: u32,
    pub(super) genesis: [u8; 32],
    pub(super) call: Vec<u8>,
}

impl Draft {
    /// A transaction that the node accepts: the signer's next nonce, mortal from the newest block.
    pub(super) fn new(node: &DevNode, signer: &AccountId, call: Vec<u8>) -> Self {
        Self {
            nonce: node.next_nonce(signer),
            era: Some((64, node.best().number)),
            spec_version: node.runtime_version(None).unwrap()["specVersion"].as_u64().unwrap()
                as u32,
            genesis: node.genesis_hash().0,
            call,
        }
    }

    /// Signs without the node's own code, with the chain's order of extensions
    /// (docs/spec/chain.md#transactions), so that the decoder is tested against an independent
    /// encoder.
    pub(super) fn sign(&self, node: &DevNode, signer: &Keypair) -> Vec<u8> {
        let mut extra = Vec::new();
        let birth = match self.era {
            None => {
                extra.push(0);
                self.genesis
            }
            Some((period, birth)) => {
                let phase = birth % period;
                let encoded = (period.trailing_zeros() as u16 - 1).max(1) | (phase as u16) << 4;
                extra.extend(encoded.to_le_bytes());
                node.block_hash(birth).unwrap_or_default().0
            }
        };
        Compact(self.nonce).encode_to(&mut extra);
        Compact(0_u64).encode_to(&mut extra); // tip
        extra.push(0); // metadata hash: disabled
        let mut payload = [self.call.clone(), extra.clone()].concat();
        payload.extend(self.spec_version.to_le_bytes());
        payload.extend(1_u32.to_le_bytes());
        payload.extend(self.genesis);
        payload.extend(birth);
        payload.push(0); // metadata hash: none
        let signature = if payload.len() > 256 {
            signer.sign(&blake2b_256(&payload))
        } else {
            signer.sign(&payload)
        };
        let mut body = vec![0x84, 0];
        body.extend(signer.account_id().0);
        body.push(1);
        body.extend(signature);
        body.extend(extra);
        body.extend(&self.call);
        body.encode()
    }
}

/// A call in SCALE: looked up by name in the current runtime, with `fields` in SCALE.
pub(super) fn call(node: &DevNode, pallet: &str, name: &str, fields: &[&[u8]]) -> Vec<u8> {
    let (pallet, call) = node.history.newest().runtime.call_index(pallet, name).unwrap();
    [vec![pallet, call], fields.concat()].concat()
}

/// Signs, submits, and makes a block; panics if the pool refuses.
pub(super) fn carry_out(node: &mut DevNode, signer: &Keypair, call: Vec<u8>) {
    let draft = Draft::new(node, &signer.account_id(), call);
    let hash = node.submit(&draft.sign(node, signer)).unwrap();
    assert_eq!(advance(node).included, [hash]);
}

/// Registers hotkeys 11 to 10 + `n` for the coldkeys 1 to `n`, each with its own stake.
pub(super) fn populate(node: &mut DevNode, n: u8) {
    for i in 1..=n {
        let (coldkey, hotkey) = (keypair(i), keypair(10 + i).account_id());
        let register =
            call(node, "SubtensorModule", "burned_register", &[&1_u16.to_le_bytes(), &hotkey.0]);
        carry_out(node, &coldkey, register);
        let amount = 1_000_000_000 * u64::from(i);
        let fields: [&[u8]; 3] = [&hotkey.0, &1_u16.to_le_bytes(), &amount.to_le_bytes()];
        let stake = call(node, "SubtensorModule", "add_stake", &fields);
        carry_out(node, &coldkey, stake);
    }
}

/// The runtime of a generation, without a node.
pub(super) fn face(generation: Generation) -> Face {
    let spec_version = generation.spec_version();
    Face::new(Spec { generation, spec_version, block_time_ms: BLOCK_MS })
}

/// Encodes `tree` as the answer type of a runtime API.
pub(super) fn encoded(face: &Face, api: &str, method: &str, tree: &Tree) -> Vec<u8> {
    let (_, method) = face.function(&format!("{api}_{method}")).unwrap();
    face.encode(tree, method.output.id).unwrap()
}
