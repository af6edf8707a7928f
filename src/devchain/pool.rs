//! Transactions that wait for a block: which ones are accepted, and in what order they come out.
//!
//! The pool holds one transaction per signer and nonce. A nonce that is not due yet waits for those
//! before it, as in a real node's pool; a nonce too far ahead and a full pool are reasons for
//! refusal.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::call::Transaction;
use super::report::Applied;
use super::state::State;
use crate::chain::{Hash, Refusal};
use crate::wallet::AccountId;

/// Most transactions in the pool.
pub(super) const CAPACITY: usize = 8_192;
/// How far a nonce may be ahead of the signer's next one.
const MAX_NONCES_AHEAD: u32 = 8;

/// The waiting transactions, in order of arrival.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Pool {
    waiting: Vec<Transaction>,
}

/// The transactions that a block took out of the pool.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) applied: Vec<Applied>,
    pub(super) dropped: Vec<Hash>,
}

impl Pool {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The transactions in order of arrival.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Transaction> {
        self.waiting.iter()
    }

    fn contains(&self, hash: &Hash) -> bool {
        self.waiting.iter().any(|waiting| waiting.hash == *hash)
    }

    /// The first nonce from `first` on that no waiting transaction of `account` has.
    pub(super) fn next_nonce(&self, account: &AccountId, first: u32) -> u32 {
        let own = self.waiting.iter().filter(|waiting| waiting.signer == *account);
        let nonces: BTreeSet<u32> = own.map(|waiting| waiting.nonce).collect();
        let later = nonces.range(first..);
        later.fold(first, |next, nonce| if *nonce == next { next.saturating_add(1) } else { next })
    }

    /// Accepts the transaction after a real node's checks, in its order. `block` is the next block.
    pub(super) fn submit(
        &mut self,
        state: &State,
        block: u64,
        transaction: Transaction,
    ) -> Result<(), Refusal> {
        if self.contains(&transaction.hash) {
            return Err(Refusal::AlreadyImported);
        }
        let Transaction { signer, nonce, last_block, .. } = &transaction;
        let first = state.nonce(signer);
        if *last_block < block || *nonce < first {
            return Err(Refusal::Outdated);
        }
        state.check_for_pool(block, &transaction)?;
        let twin = |other: &Transaction| other.signer == *signer && other.nonce == *nonce;
        if self.waiting.iter().any(twin) {
            return Err(Refusal::PriorityTooLow);
        }
        if *nonce > self.next_nonce(signer, first).saturating_add(MAX_NONCES_AHEAD) {
            return Err(Refusal::FutureNonce);
        }
        if self.waiting.len() >= CAPACITY {
            return Err(Refusal::PoolFull);
        }
        self.waiting.push(transaction);
        Ok(())
    }

    /// Carries out every transaction whose nonce is due; the others stay in the pool.
    pub(super) fn carry_out(&mut self, state: &mut State, block: u64) -> Taken {
        let mut taken = Taken::default();
        let mut early = BTreeMap::new();
        for transaction in std::mem::take(&mut self.waiting) {
            if transaction.last_block < block {
                taken.dropped.push(transaction.hash);
            } else {
                taken.carry_out_chain(state, block, transaction, &mut early);
            }
        }
        self.waiting = early.into_values().collect();
        taken
    }
}

/// Transactions whose nonce is not due yet, by signer and nonce.
type Early = BTreeMap<(AccountId, u32), Transaction>;

impl Taken {
    /// Carries out `transaction` and those of the same signer that waited for it.
    fn carry_out_chain(
        &mut self,
        state: &mut State,
        block: u64,
        transaction: Transaction,
        early: &mut Early,
    ) {
        let mut next = Some(transaction);
        while let Some(transaction) = next {
            let (signer, nonce) = (transaction.signer, transaction.nonce);
            if nonce > state.nonce(&signer) {
                early.insert((signer, nonce), transaction);
                return;
            }
            let (hash, index) = (transaction.hash, self.applied.len());
            match state.carry_out(block, index, transaction) {
                Some(applied) => self.applied.push(applied),
                None => self.dropped.push(hash),
            }
            next = early.remove(&(signer, nonce.saturating_add(1)));
        }
    }
}
