//! The dev chain from outside: what each transaction does, why it is refused, what epochs pay.

use super::*;
use crate::chain::{AxonInfo, Neuron};
use crate::wallet::Keypair;

mod epochs;
mod refusals;
mod rules;

const NETUID: Netuid = Netuid(1);
const VERSION_KEY: u64 = 20_501;
const TREASURE: u64 = 1_000_000_000_000_000;
const EMISSION: u64 = 1_000_000_000;

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Done,
    RefusedByPool(Refusal),
    RefusedByBlock(Refusal),
}

/// A chain with five neurons, each hotkey owned by the one coldkey: uids 0 and 1 hold stake and
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
        max_weight_limit: u16::MAX,
        immunity_period: 15,
        activity_cutoff: 1000,
        kappa: 32_767,
        bonds_moving_average: 900_000,
        max_validators: 4,
        max_uids: 8,
        serving_rate_limit: 3,
        stake_threshold: 1000,
        commit_reveal_enabled: false,
        burn: 100,
    }
}

fn config() -> GenesisConfig {
    GenesisConfig {
        netuid: NETUID,
        hyperparameters: rules(),
        balances: vec![(key(1).account_id(), TREASURE)],
        owner_hotkey: None,
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
        net.chain.produce_block();
        for (uid, amount) in [(0, 600_000_000_000), (1, 400_000_000_000)] {
            net.send_by_coldkey(net.stake(uid, amount));
        }
        net.chain.produce_block();
        net
    }

    /// With permits: past the first epoch.
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

    fn signed(&self, signer: &Keypair, call: Call) -> SignedExtrinsic {
        let nonce = self.chain.next_nonce(&signer.account_id());
        SignedExtrinsic::sign(signer, nonce, self.chain.genesis_hash(), call)
    }

    fn send(&mut self, signer: &Keypair, call: Call) -> Hash {
        self.chain.submit(self.signed(signer, call)).unwrap()
    }

    fn send_by_coldkey(&mut self, call: Call) -> Hash {
        let coldkey = self.coldkey.clone();
        self.send(&coldkey, call)
    }

    fn send_by(&mut self, uid: usize, call: Call) -> Hash {
        let hotkey = self.hotkeys[uid].clone();
        self.send(&hotkey, call)
    }

    /// Submits and makes a block.
    fn attempt(&mut self, signer: &Keypair, call: Call) -> Fate {
        let hash = match self.chain.submit(self.signed(signer, call)) {
            Ok(hash) => hash,
            Err(refusal) => return Fate::RefusedByPool(refusal),
        };
        let report = self.chain.produce_block();
        match report.applied.iter().find(|(applied, _)| *applied == hash) {
            Some((_, Ok(()))) => Fate::Done,
            Some((_, Err(refusal))) => Fate::RefusedByBlock(*refusal),
            None => panic!("{hash} is not in its block"),
        }
    }

    fn attempt_by(&mut self, uid: usize, call: Call) -> Fate {
        let hotkey = self.hotkeys[uid].clone();
        self.attempt(&hotkey, call)
    }

    fn run_blocks(&mut self, n: usize) {
        for _ in 0..n {
            self.chain.produce_block();
        }
    }

    /// Makes blocks until `n` epochs have run, and returns what they paid.
    fn run_epochs(&mut self, n: usize) -> Vec<EpochReport> {
        let mut reports = Vec::new();
        while reports.len() < n {
            reports.extend(self.chain.produce_block().epoch);
        }
        reports
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

    /// All rao there are: spendable, staked and burned.
    fn issuance(&self) -> u64 {
        let state = &self.chain.state;
        let balances: u64 = state.balances.values().sum();
        let stakes: u64 = state.stakes.values().sum();
        balances + stakes + self.chain.burned()
    }
}
