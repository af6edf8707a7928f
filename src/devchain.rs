//! The embedded dev chain: one subnet as a pure, deterministic state machine.
//!
//! It takes the transactions that the node sends, refuses them for the runtime's reasons in the
//! runtime's order, and runs the Yuma epoch, so that permits, incentives and earnings on a local
//! net are real numbers. No clock, no socket, no thread: blocks come when [`DevChain::produce_block`]
//! is called, and two chains that were fed the same calls are equal, hashes included.
//!
//! Who signed a transaction was checked before it comes here, by [`node`]. Weights are set plainly
//! or sealed until the chain's own beacon opens them; epochs follow either of the runtime's rules.
//! Absent on purpose: token price pools, delegation, child keys, more than one subnet or mechanism,
//! and the older commits of a hash.

use serde::{Deserialize, Serialize};

use crate::chain::commit_reveal::{BeaconKey, EpochSchedule, RoundSignature};
use crate::chain::{Hash, Head, Hyperparameters, Metagraph, Netuid, Refusal, StoredWeights, Uid};
use crate::wallet::AccountId;

mod beacon;
mod call;
mod change;
mod dispatch;
pub mod epoch;
pub mod fees;
pub mod fixed;
mod hex_bytes;
mod matrix;
pub mod node;
mod pool;
mod report;
pub mod rpc;
mod rules;
mod seal;
mod state;
#[cfg(test)]
mod tests;

pub use call::{Call, Transaction};
pub use change::{HyperparameterChange, HyperparameterValue};
pub use fees::fee;
pub use report::{Applied, BlockReport, Event};
pub use rules::{ChainRules, EpochRule};
pub use state::{EXISTENTIAL_DEPOSIT, EpochReport};

use pool::{Pool, Taken};
use seal::Interventions;
use state::State;

/// Where a dev chain starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisConfig {
    /// The subnet.
    pub netuid: Netuid,
    /// The subnet's settings.
    pub hyperparameters: Hyperparameters,
    /// Who starts with how many rao; an account named twice gets both.
    pub balances: Vec<(AccountId, u64)>,
    /// The subnet owner: free of permit and stake threshold once registered, and never pruned.
    pub owner_hotkey: Option<AccountId>,
    /// Who may change settings by transaction; nobody by default.
    #[serde(default)]
    pub sudo: Option<AccountId>,
    /// The chain's settings beside the subnet's.
    #[serde(default)]
    pub rules: ChainRules,
    /// Sets chains with equal settings apart: it changes every hash, and the beacon.
    pub seed: u64,
    /// What an epoch gives out, in rao.
    pub emission_per_epoch: u64,
    /// Whether neurons may serve on loopback, which the runtime refuses.
    #[serde(default)]
    pub allow_loopback_axons: bool,
}

/// The chain: state, pool and newest block. Serialise it to keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevChain {
    genesis: Hash,
    head: Head,
    /// Changes from outside since the last block.
    interventions: Interventions,
    state: State,
    pool: Pool,
}

impl DevChain {
    /// Block 0. Its hash covers the whole configuration.
    pub fn genesis(config: GenesisConfig) -> Self {
        let hash = seal::genesis_hash(&config);
        Self {
            genesis: hash,
            head: Head { number: 0, hash },
            interventions: Interventions::default(),
            state: State::genesis(config),
            pool: Pool::default(),
        }
    }

    /// The hash that transactions are signed for.
    pub fn genesis_hash(&self) -> Hash {
        self.genesis
    }

    /// The newest block.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The nonce to sign `account`'s next transaction with; counts the pool.
    pub fn next_nonce(&self, account: &AccountId) -> u32 {
        self.pool.next_nonce(account, self.state.nonce(account))
    }

    /// Transactions that wait for a block.
    pub fn n_pending(&self) -> usize {
        self.pool.len()
    }

    /// Transactions that wait for a block, by arrival.
    pub fn pending(&self) -> impl Iterator<Item = &Transaction> {
        self.pool.iter()
    }

    /// Checks a transaction whose signature is good, and puts it into the pool until its turn
    /// comes.
    ///
    /// # Errors
    /// What a node's pool says, by the pool's names: [`Refusal::AlreadyImported`],
    /// [`Refusal::Outdated`], [`Refusal::CannotPayFees`], the runtime's own check,
    /// [`Refusal::PriorityTooLow`] for another transaction with that nonce, [`Refusal::FutureNonce`]
    /// for one too far ahead, [`Refusal::PoolFull`]. Nothing changed.
    pub fn submit_transaction(&mut self, transaction: Transaction) -> Result<Hash, Refusal> {
        let hash = transaction.hash;
        let next_block = self.head.number.saturating_add(1);
        self.pool.submit(&self.state, next_block, transaction)?;
        Ok(hash)
    }

    /// Makes the next block, at `now_ms` (Unix milliseconds; an earlier time than the last block's
    /// counts as that): reveals, the epoch if it is due, then the pool in order of arrival.
    pub fn produce_block(&mut self, now_ms: u64) -> BlockReport {
        let number = self.head.number.saturating_add(1);
        self.state.begin_block(number, now_ms);
        let is_due = self.state.runs_epoch(number);
        let revealed = self.state.reveal_commits(number);
        let epoch = is_due.then(|| self.state.run_epoch(number));
        let Taken { applied, dropped } = self.pool.carry_out(&mut self.state, number);
        let now_ms = self.state.now_ms;
        let head = Head { number, hash: Hash::default() };
        let mut report = BlockReport { head, now_ms, revealed, epoch, applied, dropped };
        let interventions = std::mem::take(&mut self.interventions);
        report.head.hash = seal::block_hash(self.head.hash, interventions, &report);
        self.head = report.head;
        report
    }

    /// The subnet at the newest block; `None` for another subnet.
    pub fn metagraph(&self, netuid: Netuid) -> Option<Metagraph> {
        (netuid == self.state.netuid).then(|| self.state.metagraph(self.head))
    }

    /// The weights of `uid` as stored: uids rising, the largest 65,535, zeros for slots that
    /// changed hands since. `None` when there is no such neuron.
    pub fn weights(&self, netuid: Netuid, uid: Uid) -> Option<StoredWeights> {
        let weights = self.state.weights(uid)?;
        (netuid == self.state.netuid).then(|| weights.to_vec())
    }

    /// Spendable rao.
    pub fn balance(&self, account: &AccountId) -> u64 {
        self.state.balance(account)
    }

    /// A hotkey's stake in rao, also when it holds no slot.
    pub fn stake(&self, hotkey: &AccountId) -> u64 {
        self.state.stake(hotkey)
    }

    /// Rao that ever came into being: genesis and emission. Balances, stakes, [`Self::burned`] and
    /// [`Self::fees_paid`] add up to it.
    pub fn issued(&self) -> u64 {
        self.state.issued
    }

    /// Rao that went into fees.
    pub fn fees_paid(&self) -> u64 {
        self.state.fees
    }

    /// Rao that registrations have destroyed.
    pub fn burned(&self) -> u64 {
        self.state.burned
    }

    /// The slot that `hotkey` holds.
    pub fn uid_of(&self, netuid: Netuid, hotkey: &AccountId) -> Option<Uid> {
        self.state.uid_of(hotkey).filter(|_| netuid == self.state.netuid)
    }

    /// How many blocks after the newest one the next epoch runs; `None` while tempo is 0.
    pub fn blocks_until_epoch(&self) -> Option<u64> {
        self.state.blocks_until_epoch(self.head.number)
    }

    /// The epoch schedule at the newest block, for planning a reveal.
    pub fn epoch_schedule(&self) -> EpochSchedule {
        self.state.schedule(self.head.number)
    }

    /// The beacon's public key.
    pub fn beacon_key(&self) -> BeaconKey {
        *self.state.beacon.keypair().key()
    }

    /// The newest round that the chain has a signature of; 0 for none.
    pub fn last_stored_round(&self) -> u64 {
        self.state.beacon.last_stored_round
    }

    /// The beacon's signature of a round, once it is stored. Made when asked for: half a
    /// millisecond and more.
    pub fn pulse(&self, round: u64) -> Option<RoundSignature> {
        self.state.beacon.pulse(round)
    }

    /// Puts a pulse of another beacon in, for clients that know that one only; the next block's
    /// hash tells. It counts at once.
    pub fn insert_pulse(&mut self, round: u64, signature: &RoundSignature) {
        self.interventions.note(&(round, hex::encode(signature.to_bytes())));
        self.state.beacon.insert(round, signature);
    }

    /// Goes over to another way of counting epochs, as an upgrade does: the index goes on, commits
    /// keep their epoch. From stateful epochs there is no way back, and asking for it does
    /// nothing.
    pub fn set_epoch_schedule(&mut self, rule: EpochRule) {
        if rule == EpochRule::Stateful {
            self.interventions.note(&rule);
            self.state.adopt_stateful_epochs(self.head.number);
        }
    }

    /// Whether the pool refuses weights that come too fast, as since spec 423, or leaves that to
    /// the block.
    pub fn set_pool_checks_pace(&mut self, checks: bool) {
        self.interventions.note(&("pool_checks_pace", checks));
        self.state.rules.pool_checks_pace = checks;
    }

    /// Replaces the subnet's settings at once, as a root call would; the next block's hash tells.
    ///
    /// # Errors
    /// [`Refusal::SubnetNotExists`] for another subnet.
    pub fn set_hyperparameters(
        &mut self,
        netuid: Netuid,
        hyperparameters: Hyperparameters,
    ) -> Result<(), Refusal> {
        if netuid != self.state.netuid {
            return Err(Refusal::SubnetNotExists);
        }
        self.interventions.note(&hyperparameters);
        self.state.hyperparameters = hyperparameters;
        Ok(())
    }

    /// Changes one setting at once, without a transaction; the next block's hash tells.
    ///
    /// # Errors
    /// [`Refusal::SubnetNotExists`] for another subnet, or the runtime's reason for a value that it
    /// does not take.
    pub fn change_hyperparameter(&mut self, change: &HyperparameterChange) -> Result<(), Refusal> {
        self.state.change_setting(self.head.number, change)?;
        self.interventions.note(change);
        Ok(())
    }
}
