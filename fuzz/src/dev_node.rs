//! Small dev chains, the same in each run, and what is needed to speak to them.

use std::sync::LazyLock;

use parity_scale_codec::{Compact, Decode, Encode};
use sn1::chain::decode::{Runtime, metadata_of_answer};
use sn1::chain::transaction::{Call, SigningTerms, birth_block, last_block, sign};
use sn1::chain::{AxonInfo, Hash, Hyperparameters, Mortality, Netuid, RAO_PER_TAO};
use sn1::devchain::node::{DevNode, Generation, NodeConfig};
use sn1::devchain::{ChainRules, GenesisConfig};
use sn1::wallet::{Keypair, blake2b_256};

pub(crate) const NETUID: Netuid = Netuid(1);
const STARTED_MS: u64 = 1_800_000_000_000;
const BLOCK_MS: u64 = 250;

/// A chain with two registered hotkeys, one of which serves, and its runtime as a client reads it.
#[derive(Clone)]
pub struct Kept {
    /// The chain.
    pub node: DevNode,
    /// Its metadata.
    pub runtime: &'static Runtime,
}

/// Before spec 423 and since.
pub static NODES: LazyLock<[Kept; 2]> =
    LazyLock::new(|| [Generation::Modular, Generation::Stateful].map(Kept::new));

/// Key 1 may do anything, 1 to 4 have money, 11 and 12 are registered.
pub fn keypair(number: u8) -> Keypair {
    Keypair::from_seed(&[number; 32]).expect("any seed is one")
}

impl Kept {
    fn new(generation: Generation) -> Self {
        let node = DevNode::new(config(generation));
        let answer = node.call("Metadata_metadata_at_version", &15_u32.to_le_bytes(), None);
        let answer = answer.expect("a node tells its metadata");
        let metadata = metadata_of_answer(&answer).expect("of version 15");
        let version = node.runtime_version(None).expect("a version")["specVersion"].as_u64();
        let version = u32::try_from(version.expect("a number")).expect("of 32 bits");
        let runtime = Runtime::new(version, &metadata).expect("the metadata is our own");
        let mut kept = Self { node, runtime: Box::leak(Box::new(runtime)) };
        for number in [1, 2] {
            let hotkey = keypair(10 + number).account_id();
            kept.carry_out(number, &Call::BurnedRegister { netuid: NETUID, hotkey });
        }
        let axon =
            AxonInfo { version: 1, ip: 0x7f00_0001, port: 9000, ip_type: 4, ..AxonInfo::default() };
        kept.carry_out(11, &Call::ServeAxon { netuid: NETUID, axon: &axon });
        kept
    }

    fn carry_out(&mut self, signer: u8, call: &Call<'_>) {
        let nonce = self.node.next_nonce(&keypair(signer).account_id());
        let bytes = self.transaction(signer, nonce, call);
        let hash = self.node.submit(&bytes).expect("the pool takes it");
        assert_eq!(self.advance(), [hash]);
    }

    /// What a transaction that counts from the newest block is signed with.
    fn terms(&self, nonce: u32) -> SigningTerms {
        let last_block = last_block(self.node.best().number);
        let birth = birth_block(last_block).and_then(|birth| self.node.block_hash(birth));
        SigningTerms {
            genesis: self.node.genesis_hash(),
            transaction_version: 1,
            mortality: Mortality { nonce, last_block },
            birth_hash: birth.unwrap_or_default(),
        }
    }

    fn transaction(&self, signer: u8, nonce: u32, call: &Call<'_>) -> Vec<u8> {
        let terms = self.terms(nonce);
        sign(self.runtime, call, &keypair(signer), &terms).expect("it can be signed").bytes
    }

    /// Any bytes in the place of a call: what the extensions write is taken from a transaction that
    /// is whole, and what they imply is written down here.
    pub fn signed(&self, signer: u8, nonce: u32, call: &[u8]) -> Vec<u8> {
        let (key, terms) = (keypair(signer), self.terms(nonce));
        let template = Call::BurnedRegister { netuid: NETUID, hotkey: key.account_id() };
        let template_call = template.encode(self.runtime).expect("the runtime has the call");
        let whole = self.transaction(signer, nonce, &template);
        let mut body = &whole[..];
        Compact::<u32>::decode(&mut body).expect("its length");
        let head = [&[0x84, 0][..], &key.account_id().0, &[1]].concat();
        let extra = &body[head.len() + 64..body.len() - template_call.len()];
        let implied = [
            &self.runtime.spec_version().to_le_bytes()[..],
            &terms.transaction_version.to_le_bytes(),
            &terms.genesis.0,
            &terms.birth_hash.0,
            &[0],
        ];
        let mut payload = [call, extra, &implied.concat()].concat();
        if payload.len() > 256 {
            payload = blake2b_256(&payload).to_vec();
        }
        [&head[..], &key.sign(&payload), extra, call].concat().encode()
    }

    /// Makes a block and tells which transactions are in it.
    pub fn advance(&mut self) -> Vec<Hash> {
        let next = self.node.best().number + 1;
        self.node.produce_block(STARTED_MS + next * BLOCK_MS).included
    }
}

fn config(generation: Generation) -> NodeConfig {
    let balances = (1..=4).map(|number| (keypair(number).account_id(), 1_000 * RAO_PER_TAO));
    NodeConfig {
        genesis: GenesisConfig {
            netuid: NETUID,
            hyperparameters: hyperparameters(),
            balances: balances.collect(),
            owner_hotkey: None,
            sudo: Some(keypair(1).account_id()),
            rules: ChainRules { beacon_genesis: STARTED_MS / 1000, ..ChainRules::default() },
            seed: 5,
            emission_per_epoch: RAO_PER_TAO,
            allow_loopback_axons: true,
        },
        generation,
        chain_name: "fuzz".to_owned(),
        finality_lag: 2,
        block_time_ms: BLOCK_MS,
        started_ms: STARTED_MS,
    }
}

fn hyperparameters() -> Hyperparameters {
    Hyperparameters {
        tempo: 10,
        weights_rate_limit: 3,
        weights_version_key: 7,
        immunity_period: 50,
        max_validators: 4,
        serving_rate_limit: 5,
        burn: 1_000_000,
        ..Hyperparameters::default()
    }
}
