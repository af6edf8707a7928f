//! The embedded dev chain: one subnet as a pure, deterministic state machine.
//!
//! It accepts the transactions that the node sends, refuses them for the runtime's reasons in the
//! runtime's order, and runs the Yuma epoch, so that permits, incentives and emission on a local
//! net are computed as on the real chain. It has no clock, socket or thread: a block is made when
//! [`DevChain::produce_block`] is called, and two chains that received the same calls are equal,
//! hashes included.
//!
//! [`node`] checks the signature of a transaction before it arrives here. Weights are set in plain
//! form, or sealed until the chain's own beacon opens them; epochs follow either of the runtime's
//! rules. Absent on purpose: token price pools, delegation, child keys, more than one subnet or
//! mechanism, and the older commits of a hash.

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

/// The initial state and the settings of a dev chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisConfig {
    /// Number of the one subnet.
    pub netuid: Netuid,
    /// The subnet's settings at block 0.
    pub hyperparameters: Hyperparameters,
    /// Rao that each account starts with; an account that is named twice gets the sum.
    pub balances: Vec<(AccountId, u64)>,
    /// The subnet owner's hotkey: exempt from permit and stake threshold once registered, and never
    /// pruned.
    pub owner_hotkey: Option<AccountId>,
    /// The account that may change settings by transaction; none by default.
    #[serde(default)]
    pub sudo: Option<AccountId>,
    /// The chain's settings besides the subnet's.
    #[serde(default)]
    pub rules: ChainRules,
    /// Distinguishes chains with equal settings: it changes every hash, and the beacon.
    pub seed: u64,
    /// Rao that one epoch pays out.
    pub emission_per_epoch: u64,
    /// Whether neurons may serve on loopback addresses, which the real runtime refuses.
    #[serde(default)]
    pub allow_loopback_axons: bool,
}

/// The chain: state, pool and newest block. Serialise it to save it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevChain {
    genesis: Hash,
    head: Head,
    /// Changes from outside since the last block, for the next block's hash.
    interventions: Interventions,
    state: State,
    pool: Pool,
}

impl DevChain {
    /// Makes block 0. Its hash covers the whole configuration.
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

    /// Hash of block 0, which every transaction signature covers.
    pub fn genesis_hash(&self) -> Hash {
        self.genesis
    }

    /// Number and hash of the newest block.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The nonce for `account`'s next transaction, counting those in the pool.
    pub fn next_nonce(&self, account: &AccountId) -> u32 {
        self.pool.next_nonce(account, self.state.nonce(account))
    }

    /// Number of transactions in the pool.
    pub fn n_pending(&self) -> usize {
        self.pool.len()
    }

    /// The transactions in the pool, in order of arrival.
    pub fn pending(&self) -> impl Iterator<Item = &Transaction> {
        self.pool.iter()
    }

    /// Checks a transaction whose signature is valid, and adds it to the pool until its nonce is
    /// due.
    ///
    /// # Errors
    /// The reasons of a real node's pool, under their names: [`Refusal::AlreadyImported`],
    /// [`Refusal::Outdated`], [`Refusal::CannotPayFees`], the runtime's own check,
    /// [`Refusal::PriorityTooLow`] for another transaction with that nonce,
    /// [`Refusal::FutureNonce`] for a nonce too far ahead, [`Refusal::PoolFull`]. Nothing has
    /// changed then.
    pub fn submit_transaction(&mut self, transaction: Transaction) -> Result<Hash, Refusal> {
        let hash = transaction.hash;
        let next_block = self.head.number.saturating_add(1);
        self.pool.submit(&self.state, next_block, transaction)?;
        Ok(hash)
    }

    /// Makes the next block at `now_ms` (Unix milliseconds; at least the last block's time is
    /// used): reveals, the epoch if it is due, then the pool in order of arrival.
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

    /// The subnet at the newest block; `None` for another netuid.
    pub fn metagraph(&self, netuid: Netuid) -> Option<Metagraph> {
        (netuid == self.state.netuid).then(|| self.state.metagraph(self.head))
    }

    /// The weights of `uid` as stored: in order of uid, the largest is 65,535, and slots that
    /// changed hands since have zero. `None` if there is no such neuron.
    pub fn weights(&self, netuid: Netuid, uid: Uid) -> Option<StoredWeights> {
        let weights = self.state.weights(uid)?;
        (netuid == self.state.netuid).then(|| weights.to_vec())
    }

    /// Spendable balance of an account, in rao.
    pub fn balance(&self, account: &AccountId) -> u64 {
        self.state.balance(account)
    }

    /// Stake of a hotkey in rao, even if the hotkey has no slot.
    pub fn stake(&self, hotkey: &AccountId) -> u64 {
        self.state.stake(hotkey)
    }

    /// Rao issued so far, by genesis and emission. Balances, stakes, [`Self::burned`] and
    /// [`Self::fees_paid`] add up to it.
    pub fn issued(&self) -> u64 {
        self.state.issued
    }

    /// Rao paid as fees so far.
    pub fn fees_paid(&self) -> u64 {
        self.state.fees
    }

    /// Rao destroyed by registrations so far.
    pub fn burned(&self) -> u64 {
        self.state.burned
    }

    /// The slot of `hotkey`; `None` if it is not registered on `netuid`.
    pub fn uid_of(&self, netuid: Netuid, hotkey: &AccountId) -> Option<Uid> {
        self.state.uid_of(hotkey).filter(|_| netuid == self.state.netuid)
    }

    /// Blocks from the newest one to the next epoch; `None` while tempo is 0.
    pub fn blocks_until_epoch(&self) -> Option<u64> {
        self.state.blocks_until_epoch(self.head.number)
    }

    /// The epoch schedule at the newest block, for planning a reveal.
    pub fn epoch_schedule(&self) -> EpochSchedule {
        self.state.schedule(self.head.number)
    }

    /// The beacon's public key, which weights are sealed with.
    pub fn beacon_key(&self) -> BeaconKey {
        *self.state.beacon.keypair().key()
    }

    /// The newest round whose signature the chain stores; 0 if there is none.
    pub fn last_stored_round(&self) -> u64 {
        self.state.beacon.last_stored_round
    }

    /// The beacon's signature of a round; `None` until the round is stored. It is computed on
    /// request, which takes half a millisecond or more.
    pub fn pulse(&self, round: u64) -> Option<RoundSignature> {
        self.state.beacon.pulse(round)
    }

    /// Stores a pulse of another beacon at once, for clients that only know that beacon. The next
    /// block's hash covers the change.
    pub fn insert_pulse(&mut self, round: u64, signature: &RoundSignature) {
        self.interventions.note(&(round, hex::encode(signature.to_bytes())));
        self.state.beacon.insert(round, signature);
    }

    /// Switches to another way of counting epochs, as an upgrade does: the epoch index continues
    /// and commits keep their epoch. There is no way back from stateful epochs; a request for it
    /// does nothing.
    pub fn set_epoch_schedule(&mut self, rule: EpochRule) {
        if rule == EpochRule::Stateful {
            self.interventions.note(&rule);
            self.state.adopt_stateful_epochs(self.head.number);
        }
    }

    /// Sets whether the pool refuses weights that come before the rate limit has passed, as since
    /// spec 423, or only the block does.
    pub fn set_pool_checks_pace(&mut self, checks: bool) {
        self.interventions.note(&("pool_checks_pace", checks));
        self.state.rules.pool_checks_pace = checks;
    }

    /// Replaces the subnet's settings at once, as a root call would. The next block's hash covers
    /// the change.
    ///
    /// # Errors
    /// [`Refusal::SubnetNotExists`] for another netuid.
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

    /// Changes one setting at once, without a transaction. The next block's hash covers the change.
    ///
    /// # Errors
    /// [`Refusal::SubnetNotExists`] for another netuid, or the runtime's reason for refusing the
    /// value.
    pub fn change_hyperparameter(&mut self, change: &HyperparameterChange) -> Result<(), Refusal> {
        self.state.change_setting(self.head.number, change)?;
        self.interventions.note(change);
        Ok(())
    }
}
