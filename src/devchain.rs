//! The embedded dev chain: one subnet as a pure, deterministic state machine.
//!
//! It takes the transactions that the node sends, refuses them for the runtime's reasons in the
//! runtime's order, and runs the Yuma epoch, so that permits, incentives and earnings on a local
//! net are real numbers. No clock, no socket, no thread: blocks come when [`DevChain::produce_block`]
//! is called, and two chains that were fed the same calls are equal, hashes included.
//!
//! It follows the runtime before spec 423 (epoch schedule), with the weights rate limit in the
//! pool as since then. Absent on purpose: fees, token price pools, delegation and unstaking,
//! commit-reveal (its switch makes the chain refuse plain weights), changing registration prices.

use serde::{Deserialize, Serialize};

use crate::chain::{Hash, Head, Hyperparameters, Metagraph, Netuid, Refusal, StoredWeights, Uid};
use crate::wallet::AccountId;

pub mod epoch;
pub mod extrinsic;
pub mod fixed;
mod matrix;
mod pool;
mod seal;
mod state;
#[cfg(test)]
mod tests;

pub use extrinsic::{Call, SignedExtrinsic};
pub use state::EpochReport;

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
    /// Sets chains with equal settings apart: it changes every hash.
    pub seed: u64,
    /// What an epoch gives out, in rao.
    pub emission_per_epoch: u64,
    /// Whether neurons may serve on loopback, which the runtime refuses.
    #[serde(default)]
    pub allow_loopback_axons: bool,
}

/// What a block did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockReport {
    /// The block.
    pub head: Head,
    /// Its transactions in order: carried out, or refused without effect but for the nonce.
    pub applied: Vec<(Hash, Result<(), Refusal>)>,
    /// The epoch, if one ran at the start of this block.
    pub epoch: Option<EpochReport>,
}

/// The chain: state, pool and newest block. Serialise it to keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevChain {
    genesis: Hash,
    head: Head,
    /// Hash over changes from outside since the last block, zero for none.
    intervention: Hash,
    state: State,
    pool: Vec<SignedExtrinsic>,
}

impl DevChain {
    /// Block 0. Its hash covers the whole configuration.
    pub fn genesis(config: GenesisConfig) -> Self {
        let hash = seal::genesis_hash(&config);
        let mut state = State {
            netuid: config.netuid,
            hyperparameters: config.hyperparameters,
            owner_hotkey: config.owner_hotkey,
            emission_per_epoch: config.emission_per_epoch,
            allow_loopback_axons: config.allow_loopback_axons,
            balances: Default::default(),
            nonces: Default::default(),
            owners: Default::default(),
            stakes: Default::default(),
            burned: 0,
            last_epoch: 0,
            slots: Vec::new(),
        };
        for (account, amount) in config.balances {
            state.credit(account, amount);
        }
        Self {
            genesis: hash,
            head: Head { number: 0, hash },
            intervention: Hash::default(),
            state,
            pool: Vec::new(),
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
        let waiting = self.pool.iter().filter(|x| x.signer == *account).count();
        let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
        self.state.nonce(account).saturating_add(waiting)
    }

    /// Transactions that wait for the next block.
    pub fn n_pending(&self) -> usize {
        self.pool.len()
    }

    /// Checks a transaction and puts it into the pool; the next block carries it out. The same
    /// bytes again, while they wait, are answered with the same hash.
    ///
    /// # Errors
    /// Signature, nonce, or what the pool of a real node looks at for this call. Nothing changed.
    pub fn submit(&mut self, extrinsic: SignedExtrinsic) -> Result<Hash, Refusal> {
        extrinsic.verify(self.genesis)?;
        let hash = extrinsic.hash();
        if self.pool.contains(&extrinsic) {
            return Ok(hash);
        }
        let expected = self.next_nonce(&extrinsic.signer);
        match extrinsic.nonce.cmp(&expected) {
            std::cmp::Ordering::Less => return Err(Refusal::Outdated),
            std::cmp::Ordering::Greater => return Err(Refusal::FutureNonce),
            std::cmp::Ordering::Equal => {}
        }
        let next_block = self.head.number.saturating_add(1);
        self.state.check_for_pool(next_block, &extrinsic.signer, &extrinsic.call)?;
        self.pool.push(extrinsic);
        Ok(hash)
    }

    /// Makes the next block: the epoch if it is due, then the pool in order of arrival.
    pub fn produce_block(&mut self) -> BlockReport {
        let number = self.head.number.saturating_add(1);
        let is_due = self.state.blocks_until_epoch(number) == Some(0);
        let epoch = is_due.then(|| self.state.run_epoch(number));
        let applied: Vec<(Hash, Result<(), Refusal>)> = std::mem::take(&mut self.pool)
            .into_iter()
            .map(|extrinsic| (extrinsic.hash(), self.state.carry_out(number, extrinsic)))
            .collect();
        let intervention = std::mem::take(&mut self.intervention);
        let parent = self.head.hash;
        let hash = seal::block_hash(parent, number, intervention, &applied, epoch.as_ref());
        self.head = Head { number, hash };
        BlockReport { head: self.head, applied, epoch }
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
        let next = self.head.number.saturating_add(1);
        let wait = self.state.blocks_until_epoch(next)?;
        Some(wait.saturating_add(1))
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
        self.intervention = seal::intervention_hash(self.intervention, &hyperparameters);
        self.state.hyperparameters = hyperparameters;
        Ok(())
    }
}
