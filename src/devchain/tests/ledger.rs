//! A hundred epochs with all kinds of calls: the sum of all rao equals what was issued.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;

const SUDO: AccountId = AccountId([2; 32]);

/// A busy subnet: accounts `[1, i, ..]` own hotkeys `[3, j, ..]`, and all of them send calls.
struct Town {
    chain: DevChain,
    rng: StdRng,
    paid: u64,
    n_done: usize,
}

fn account(kind: u8, i: u8) -> AccountId {
    let mut bytes = [kind; 32];
    bytes[1] = i;
    AccountId(bytes)
}

impl Town {
    fn new(seed: u64) -> Self {
        let mut genesis = config();
        genesis.balances = (0..6).map(|i| (account(1, i), 1_000_000_000_000)).collect();
        genesis.balances.push((SUDO, 1_000_000_000));
        genesis.sudo = Some(SUDO);
        genesis.seed = seed;
        genesis.rules.adjustment_interval = 7;
        genesis.rules.min_burn = 50;
        let chain = DevChain::genesis(genesis);
        Self { chain, rng: StdRng::seed_from_u64(seed), paid: 0, n_done: 0 }
    }

    fn call(&mut self) -> (AccountId, Call) {
        let rng = &mut self.rng;
        let coldkey = account(1, rng.random_range(0..6));
        let hotkey = account(3, rng.random_range(0..20));
        let netuid = NETUID;
        let amount = rng.random_range(0..50_000_000_000);
        match rng.random_range(0..10) {
            0 | 1 => (coldkey, Call::BurnedRegister { netuid, hotkey }),
            2 => (coldkey, Call::AddStake { hotkey, netuid, amount }),
            3 => (coldkey, Call::RemoveStake { hotkey, netuid, amount }),
            4 => {
                let to = account(1, rng.random_range(0..9));
                (coldkey, Call::Transfer { to, amount, keep_alive: amount % 2 == 0 })
            }
            5 => (SUDO, Call::SetHyperparameter(self.change())),
            6 => (coldkey, Call::Remark),
            _ => (hotkey, self.weights()),
        }
    }

    fn weights(&mut self) -> Call {
        let rng = &mut self.rng;
        let n = rng.random_range(1..8);
        let entries: Vec<(u16, u16)> =
            (0..n).map(|_| (rng.random_range(0..8), rng.random())).collect();
        weights(&entries)
    }

    fn change(&mut self) -> HyperparameterChange {
        use HyperparameterValue as V;
        let rng = &mut self.rng;
        let value = match rng.random_range(0..6) {
            0 => V::Tempo(rng.random_range(1..6)),
            1 => V::WeightsSetRateLimit(rng.random_range(0..4)),
            2 => V::MaxAllowedValidators(rng.random_range(0..6)),
            3 => V::Kappa(rng.random()),
            4 => V::ImmunityPeriod(rng.random_range(0..20)),
            _ => V::StakeThreshold(rng.random_range(0..100_000_000_000)),
        };
        HyperparameterChange { netuid: NETUID, value }
    }

    /// Submits some transactions, then makes a block. Returns whether an epoch ran.
    fn step(&mut self) -> bool {
        for _ in 0..self.rng.random_range(0..6) {
            let (signer, call) = self.call();
            let nonce = self.chain.next_nonce(&signer);
            // Refusals by the pool are part of the random load.
            let _ = self.chain.submit_transaction(raw(signer, nonce, call));
        }
        let report = self.chain.produce_block(0);
        self.n_done += report.applied.iter().filter(|applied| applied.outcome.is_ok()).count();
        let epoch = report.epoch.map(|epoch| epoch.paid());
        self.paid += epoch.unwrap_or(0);
        self.check();
        epoch.is_some()
    }

    fn check(&self) {
        let state = &self.chain.state;
        let balances: u64 = state.balances.values().sum();
        let stakes: u64 = state.stakes.values().sum();
        let held = balances + stakes + self.chain.burned() + self.chain.fees_paid();
        assert_eq!(held, self.chain.issued());
        assert_eq!(held, 6 * 1_000_000_000_000 + 1_000_000_000 + self.paid);
    }
}

#[test]
fn a_hundred_epochs_of_everything_conserve_every_rao() {
    for seed in 0..4 {
        let mut town = Town::new(seed);
        let mut n_epochs = 0;
        while n_epochs < 100 {
            if n_epochs == 50 {
                town.chain.set_epoch_schedule(EpochRule::Stateful);
            }
            n_epochs += usize::from(town.step());
        }
        let n_registered = town.chain.state.owners.len();
        assert!(n_registered > 8, "some lost their slots: {n_registered}");
        assert!(town.n_done > 200, "{}", town.n_done);
        assert!(town.paid > 50 * EMISSION, "{}", town.paid);
    }
}
