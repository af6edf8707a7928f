//! Signs a transaction, submits it, and finds out what became of it.
//!
//! A node's news of a transaction are hints; the chain itself decides. What is true is what the
//! final blocks hold, so that a connection, a node or its pool may be lost at any moment: the next
//! node is asked whether the transaction is in a final block up to the last that may carry it, and
//! is given the very same bytes again, of which no chain takes more than one copy. Nothing else is
//! ever sent for it, and it is signed once.

mod tracker;

use std::sync::Arc;

use sn1::chain::transaction::{Call, SignedTransaction, SigningTerms, birth_block, sign};
use sn1::chain::{Included, Mortality};
use sn1::wallet::Keypair;

use super::super::failpoints::Failpoint;
use super::session::Session;
use super::{CallError, Subtensor, SubtensorError};
use crate::away::Moment;
use tracker::TransactionTracker;

impl Subtensor {
    /// Signs `call` with exactly this nonce and last block, submits it, and follows it to finality,
    /// or until its last block is final without it (then [`sn1::chain::Refusal::Outdated`]).
    ///
    /// # Errors
    /// [`SubtensorError`]; [`SubtensorError::Unreachable`] leaves open what became of it.
    pub async fn carry_out(
        &self,
        attempted: &'static str,
        signer: &Keypair,
        call: Call<'_>,
        mortality: Mortality,
    ) -> Result<Included, SubtensorError> {
        let is_weights = matches!(call, Call::Weights { .. });
        let signed = self.sign_patiently(attempted, signer, call, mortality).await?;
        if is_weights {
            self.shared.failpoints.hit(Failpoint::AfterSign);
        }
        TransactionTracker::new(self, attempted, signed, signer.account_id(), mortality).run().await
    }

    /// The same with the next nonce of `signer`, as the chain tells it now.
    ///
    /// # Errors
    /// [`SubtensorError`]
    pub async fn carry_out_next(
        &self,
        attempted: &'static str,
        signer: &Keypair,
        call: Call<'_>,
    ) -> Result<Included, SubtensorError> {
        let mortality = self.next_transaction(&signer.account_id()).await?;
        self.carry_out(attempted, signer, call, mortality).await
    }

    /// Signs, and asks again while no node answers: nothing is out yet, and whoever wrote the intent
    /// down would have to wait until it can land no more.
    async fn sign_patiently(
        &self,
        attempted: &'static str,
        signer: &Keypair,
        call: Call<'_>,
        mortality: Mortality,
    ) -> Result<SignedTransaction, SubtensorError> {
        let deadlines = self.shared.settings.deadlines;
        let (began, mut n_failures) = (Moment::now(), 0_u32);
        loop {
            match self.sign(attempted, signer, call, mortality).await {
                Err(SubtensorError::Unreachable { .. }) if began.elapsed() < deadlines.give_up => {
                    self.rest(deadlines.pause(n_failures)).await;
                    n_failures = n_failures.saturating_add(1);
                }
                signed => return signed,
            }
        }
    }

    async fn sign(
        &self,
        attempted: &'static str,
        signer: &Keypair,
        call: Call<'_>,
        mortality: Mortality,
    ) -> Result<SignedTransaction, SubtensorError> {
        let make = |session: Arc<Session>| async move {
            let head = session.head().await?;
            let (runtime, version) = self.runtime(&session, head.hash).await?;
            let transaction_version = version.transaction_version;
            let birth = birth_block(mortality.last_block).unwrap_or_default();
            let birth_hash = session.hash_of(birth).await?.ok_or(CallError::Behind(birth))?;
            let genesis = session.genesis();
            let terms = SigningTerms { genesis, transaction_version, mortality, birth_hash };
            Ok(sign(&runtime, &call, signer, &terms)?)
        };
        self.ask(attempted, make).await
    }
}
