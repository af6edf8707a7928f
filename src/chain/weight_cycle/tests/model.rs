//! A chain in memory that a committer can be driven against: blocks with a final past, a pool,
//! nonces and eras, reveals by epoch, and a past that is rewritten now and then. It lets weights
//! come as fast as they like: that none come twice in a window is the committer's doing.

use rand::Rng;
use rand::seq::IteratorRandom;

use crate::chain::commit_reveal::{BeaconKeypair, BeaconParameters, EpochSchedule, ModularEpochs};
use crate::chain::weight_cycle::ChainView;
use crate::chain::{
    CommitId, Hash, Head, Hyperparameters, Included, Mortality, Netuid, Refusal, RevealTerms,
    StoredCommit, StoredWeights, Uid, WeightTerms, WeightVector,
};

pub(super) const NETUID: Netuid = Netuid(1);
pub(super) const MORTALITY: u64 = 8;
/// Blocks that may be taken back.
pub(super) const LAG: u64 = 3;
const TEMPO: u16 = 29;
const PERIOD: u64 = 1;

/// What a transaction does. `Other` uses up a nonce, as an axon record does.
#[derive(Debug, Clone)]
pub(super) enum Call {
    Plain(CommitId, WeightVector, u64),
    Sealed(CommitId, WeightVector, u64, [u8; 32]),
    Other,
}

#[derive(Debug, Clone)]
pub(super) struct Transaction {
    pub(super) mortality: Mortality,
    pub(super) call: Call,
}

/// The chain as of one block.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    nonce: u32,
    last_update: u64,
    stored: StoredWeights,
    commits: Vec<(StoredCommit, CommitId, WeightVector, u64)>,
    /// What this block carried, and how it went.
    carried: Vec<(Transaction, Result<(), Refusal>)>,
    /// All settings so far, with their blocks.
    pub(super) landings: Vec<(u64, CommitId)>,
    /// All commits that left the store so far: opened or dropped.
    pub(super) reveals: Vec<(CommitId, bool)>,
}

/// What may change while a node runs.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) has_permit: bool,
    pub(super) version_key: u64,
    pub(super) commit_reveal: bool,
    pub(super) beacon_works: bool,
}

pub(super) struct ModelChain {
    pub(super) blocks: Vec<Ledger>,
    pub(super) pool: Vec<Transaction>,
    pub(super) rules: Rules,
    beacon: BeaconParameters,
}

impl ModelChain {
    pub(super) fn new(commit_reveal: bool) -> Self {
        let key = BeaconKeypair::from_seed(&[7; 32]);
        let rules = Rules { has_permit: true, version_key: 3, commit_reveal, beacon_works: true };
        let beacon = BeaconParameters::new(&key.key().to_bytes(), 0, 3).unwrap();
        Self { blocks: vec![Ledger::default()], pool: Vec::new(), rules, beacon }
    }

    pub(super) fn head(&self) -> u64 {
        self.blocks.len() as u64 - 1
    }

    pub(super) fn finalized(&self) -> u64 {
        self.head().saturating_sub(LAG)
    }

    pub(super) fn last(&self) -> &Ledger {
        &self.blocks[self.blocks.len() - 1]
    }

    fn head_at(&self, number: u64) -> Head {
        Head { number, hash: Hash([number as u8; 32]) }
    }

    fn epoch_of(&self, block: u64) -> u64 {
        (block + u64::from(NETUID.0) + 1) / (u64::from(TEMPO) + 1)
    }

    /// What a node that knows the chain up to `head` says.
    pub(super) fn view(&self, finalized: u64, head: u64) -> ChainView {
        let ledger = &self.blocks[head as usize];
        let epochs = ModularEpochs { netuid: NETUID, tempo: TEMPO, head };
        let reveal = self.rules.commit_reveal.then_some(RevealTerms {
            version: 4,
            period_epochs: PERIOD,
            schedule: EpochSchedule::Modular(epochs),
            beacon: self.beacon,
            last_stored_round: 1,
            block_time: 12.0,
            n_unrevealed: ledger.commits.len(),
        });
        let terms = WeightTerms {
            head: self.head_at(head),
            uid: Some(Uid(0)),
            has_permit: self.rules.has_permit,
            is_owner: false,
            stake: 10,
            last_update: ledger.last_update,
            n_neurons: 3,
            hyperparameters: hyperparameters(&self.rules),
            reveal,
        };
        let commits = ledger.commits.iter().map(|(commit, ..)| *commit).collect();
        let stored = ledger.stored.clone();
        ChainView { finalized: self.head_at(finalized), terms, commits, stored }
    }

    pub(super) fn next_transaction(&self) -> Mortality {
        let waiting = self.pool.len() as u32;
        Mortality { nonce: self.last().nonce + waiting, last_block: self.head() + MORTALITY }
    }

    /// The pool looks at nonce and version key.
    pub(super) fn submit(&mut self, transaction: Transaction) -> Result<(), Refusal> {
        match &transaction.call {
            Call::Plain(_, _, version_key) if *version_key < self.rules.version_key => {
                Err(Refusal::IncorrectWeightVersionKey)
            }
            _ if transaction.mortality.nonce < self.last().nonce => Err(Refusal::Outdated),
            _ => {
                self.pool.push(transaction);
                Ok(())
            }
        }
    }

    /// What the final chain says of a setting that was sent.
    pub(super) fn followed(&self, id: CommitId) -> Option<Result<Included, Refusal>> {
        let last = self.finalized();
        (0..=last).find_map(|number| {
            let carried = &self.blocks[number as usize].carried;
            let (_, outcome) = carried.iter().find(|(transaction, _)| match transaction.call {
                Call::Plain(carried, ..) | Call::Sealed(carried, ..) => carried == id,
                Call::Other => false,
            })?;
            let included = Included { head: self.head_at(number), transaction: Hash([1; 32]) };
            Some(outcome.clone().map(|()| included))
        })
    }

    /// Makes the next block, after taking back `depth` of them. Their transactions mostly wait
    /// again.
    pub(super) fn produce(&mut self, depth: u64, rng: &mut impl Rng) {
        for _ in 0..depth.min(self.head()).min(LAG) {
            let taken_back = self.blocks.pop().unwrap();
            let again = taken_back.carried.into_iter().map(|(transaction, _)| transaction);
            let kept: Vec<_> = again.filter(|_| rng.random_bool(0.8)).collect();
            self.pool.splice(0..0, kept);
        }
        for _ in 0..=depth {
            let ledger = self.next_ledger(rng);
            self.blocks.push(ledger);
        }
    }

    fn next_ledger(&mut self, rng: &mut impl Rng) -> Ledger {
        let number = self.head() + 1;
        let mut next = Ledger { carried: Vec::new(), ..self.last().clone() };
        next.open_commits(number, self.rules.beacon_works);
        for transaction in std::mem::take(&mut self.pool) {
            let Mortality { nonce, last_block } = transaction.mortality;
            if last_block < number || nonce < next.nonce {
                continue;
            }
            if nonce > next.nonce || rng.random_bool(0.2) {
                self.pool.push(transaction);
                continue;
            }
            next.nonce += 1;
            let epoch = self.epoch_of(number);
            let reveal_at = (epoch + PERIOD) * (u64::from(TEMPO) + 1) - u64::from(NETUID.0) - 1;
            let outcome = next.carry_out(number, reveal_at, &transaction.call, &self.rules);
            next.carried.push((transaction, outcome));
        }
        next
    }

    /// A transaction vanishes from the pool.
    pub(super) fn forget_one(&mut self, rng: &mut impl Rng) {
        if let Some(position) = (0..self.pool.len()).choose(rng) {
            self.pool.remove(position);
        }
    }
}

impl Ledger {
    fn open_commits(&mut self, number: u64, beacon_works: bool) {
        let (due, kept) =
            std::mem::take(&mut self.commits).into_iter().partition(|commit| commit.3 <= number);
        self.commits = kept;
        let due: Vec<(StoredCommit, CommitId, WeightVector, u64)> = due;
        for (_, id, weights, _) in due {
            if beacon_works {
                self.stored = weights.into();
            }
            self.reveals.push((id, beacon_works));
        }
    }

    fn carry_out(
        &mut self,
        number: u64,
        reveal_at: u64,
        call: &Call,
        rules: &Rules,
    ) -> Result<(), Refusal> {
        let id = match call {
            Call::Other => return Ok(()),
            Call::Plain(..) if rules.commit_reveal => return Err(Refusal::CommitRevealEnabled),
            Call::Sealed(..) if !rules.commit_reveal => return Err(Refusal::CommitRevealDisabled),
            Call::Plain(..) if !rules.has_permit => return Err(Refusal::NeuronNoValidatorPermit),
            Call::Plain(id, weights, _) => {
                self.stored = weights.entries().to_vec();
                *id
            }
            Call::Sealed(id, weights, round, hash) => {
                let commit = StoredCommit { block: number, round: *round, hash: *hash };
                self.commits.push((commit, *id, weights.clone(), reveal_at));
                *id
            }
        };
        self.last_update = number;
        self.landings.push((number, id));
        Ok(())
    }
}

pub(super) fn hyperparameters(rules: &Rules) -> Hyperparameters {
    Hyperparameters {
        tempo: TEMPO,
        weights_rate_limit: 0,
        weights_version_key: rules.version_key,
        stake_threshold: 10,
        commit_reveal_enabled: rules.commit_reveal,
        ..Hyperparameters::default()
    }
}
