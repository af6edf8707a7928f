//! Tests of the dev chain from outside: effects of transactions, refusals, and payments of epochs.

use super::*;
use crate::chain::{AxonInfo, Neuron};
use crate::wallet::Keypair;

mod commit_reveal;
mod epochs;
mod hash_commits;
mod ledger;
mod pool;
mod refusals;
mod rules;
mod schedules;
mod settings;

const NETUID: Netuid = Netuid(1);
const VERSION_KEY: u64 = 20_501;
const TREASURE: u64 = 1_000_000_000_000_000;
const EMISSION: u64 = 1_000_000_000;
/// Unix seconds of block 0.
const START: u64 = 1_700_000_000;
/// Milliseconds between two blocks.
const BLOCK_TIME: u64 = 12_000;

/// The fate of a submitted transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    Done,
    RefusedByPool(Refusal),
    RefusedByBlock(Refusal),
}

/// A chain with five neurons, whose hotkeys all belong to one coldkey: uids 0 and 1 hold stake and
/// are validators once an epoch has run; 2, 3 and 4 are miners.
struct Net {
    chain: DevChain,
    coldkey: Keypair,
    hotkeys: Vec<Keypair>,
}

fn key(seed: u8) -> Keypair {
    Keypair::from_seed(&[seed; 32]).unwrap()
}

fn rules() -> Hyperparameters {
    Hyperparameters {
        tempo: 9,
        weights_rate_limit: 5,
        weights_version_key: VERSION_KEY,
        min_allowed_weights: 2,
        immunity_period: 15,
        activity_cutoff: 1000,
        max_validators: 4,
        max_uids: 8,
        serving_rate_limit: 3,
        stake_threshold: 1000,
        burn: 100,
        ..Hyperparameters::default()
    }
}

fn config() -> GenesisConfig {
    GenesisConfig {
        netuid: NETUID,
        hyperparameters: rules(),
        balances: vec![(key(1).account_id(), TREASURE), (key(2).account_id(), 1_000_000_000)],
        owner_hotkey: None,
        sudo: Some(key(2).account_id()),
        rules: ChainRules { beacon_genesis: START, ..ChainRules::default() },
        seed: 7,
        emission_per_epoch: EMISSION,
        allow_loopback_axons: false,
    }
}

fn axon() -> AxonInfo {
    AxonInfo::for_address("203.0.113.9:8091".parse().unwrap(), 1)
}

fn weights(entries: &[(u16, u16)]) -> Call {
    Call::SetWeights {
        netuid: NETUID,
        mecid: 0,
        uids: entries.iter().map(|(uid, _)| Uid(*uid)).collect(),
        values: entries.iter().map(|(_, value)| *value).collect(),
        version_key: VERSION_KEY,
    }
}

impl Net {
    fn new(config: GenesisConfig) -> Self {
        let mut net = Self {
            chain: DevChain::genesis(config),
            coldkey: key(1),
            hotkeys: (10..15).map(key).collect(),
        };
        for uid in 0..net.hotkeys.len() {
            net.send_by_coldkey(net.register(uid));
        }
        net.block();
        for (uid, amount) in [(0, 600_000_000_000), (1, 400_000_000_000)] {
            net.send_by_coldkey(net.stake(uid, amount));
        }
        net.block();
        net
    }

    /// The net after its first epoch, so that validators hold permits.
    fn with_permits() -> Self {
        let mut net = Self::new(config());
        net.run_epochs(1);
        net
    }

    fn id(&self, uid: usize) -> AccountId {
        self.hotkeys[uid].account_id()
    }

    fn register(&self, uid: usize) -> Call {
        Call::BurnedRegister { netuid: NETUID, hotkey: self.id(uid) }
    }

    fn stake(&self, uid: usize, amount: u64) -> Call {
        Call::AddStake { hotkey: self.id(uid), netuid: NETUID, amount }
    }

    /// A transaction of `signer` with its next nonce.
    fn next(&self, signer: &Keypair, call: Call) -> Transaction {
        let id = signer.account_id();
        raw(id, self.chain.next_nonce(&id), call)
    }

    fn send(&mut self, signer: &Keypair, call: Call) -> Hash {
        self.chain.submit_transaction(self.next(signer, call)).unwrap()
    }

    fn send_by_coldkey(&mut self, call: Call) -> Hash {
        let coldkey = self.coldkey.clone();
        self.send(&coldkey, call)
    }

    fn send_by(&mut self, uid: usize, call: Call) -> Hash {
        let hotkey = self.hotkeys[uid].clone();
        self.send(&hotkey, call)
    }

    /// Submits a transaction and makes a block.
    fn attempt(&mut self, signer: &Keypair, call: Call) -> Fate {
        let hash = match self.chain.submit_transaction(self.next(signer, call)) {
            Ok(hash) => hash,
            Err(refusal) => return Fate::RefusedByPool(refusal),
        };
        let report = self.block();
        match report.applied.into_iter().find(|applied| applied.hash == hash) {
            Some(Applied { outcome: Ok(()), .. }) => Fate::Done,
            Some(Applied { outcome: Err(refusal), .. }) => Fate::RefusedByBlock(refusal),
            None => panic!("{hash} is not in its block"),
        }
    }

    fn attempt_by(&mut self, uid: usize, call: Call) -> Fate {
        let hotkey = self.hotkeys[uid].clone();
        self.attempt(&hotkey, call)
    }

    /// Makes the next block at its due time.
    fn block(&mut self) -> BlockReport {
        let now_ms = self.now_ms() + BLOCK_TIME;
        self.chain.produce_block(now_ms)
    }

    /// Due time of the newest block, in Unix milliseconds.
    fn now_ms(&self) -> u64 {
        START * 1000 + self.chain.head().number * BLOCK_TIME
    }

    fn run_blocks(&mut self, n: usize) {
        for _ in 0..n {
            self.block();
        }
    }

    /// Makes blocks until `n` epochs have run, and returns their reports.
    fn run_epochs(&mut self, n: usize) -> Vec<EpochReport> {
        let mut reports = Vec::new();
        while reports.len() < n {
            reports.extend(self.block().epoch);
        }
        reports
    }

    /// Makes blocks until one of them opens commits, and returns its report.
    fn reveal(&mut self) -> BlockReport {
        let mut blocks = (0..2_000).map(|_| self.block());
        blocks.find(|report| !report.revealed.is_empty()).expect("nothing was revealed")
    }

    /// The newest round at the next block: a commit to it is not too late, and opens in the first
    /// block of its reveal epoch.
    fn next_round(&self) -> u64 {
        (self.chain.head().number + 1) * BLOCK_TIME / 3_000
    }

    fn neuron(&self, uid: u16) -> Neuron {
        let metagraph = self.chain.metagraph(NETUID).unwrap();
        metagraph.neuron(Uid(uid)).unwrap().clone()
    }

    fn change_rules(&mut self, change: impl FnOnce(&mut Hyperparameters)) {
        let mut rules = self.chain.metagraph(NETUID).unwrap().hyperparameters;
        change(&mut rules);
        self.chain.set_hyperparameters(NETUID, rules).unwrap();
    }

    /// Sum of all rao: spendable, staked, burned and paid as fees.
    fn issuance(&self) -> u64 {
        let state = &self.chain.state;
        let balances: u64 = state.balances.values().sum();
        let stakes: u64 = state.stakes.values().sum();
        balances + stakes + self.chain.burned() + self.chain.fees_paid()
    }
}

/// A transaction as it arrives from outside, without its signature.
fn raw(signer: AccountId, nonce: u32, call: Call) -> Transaction {
    let bytes = serde_json::to_vec(&(signer, nonce, &call)).unwrap();
    let length = u32::try_from(bytes.len()).unwrap();
    let hash = Hash(crate::wallet::blake2b_256(&bytes));
    Transaction { hash, signer, nonce, call, last_block: u64::MAX, length }
}
