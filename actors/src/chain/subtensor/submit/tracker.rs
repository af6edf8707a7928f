//! One transaction from its submission to the block that settles it.

use std::sync::Arc;

use parking_lot::Mutex;
use sn1::chain::transaction::{SignedTransaction, birth_block, transaction_hash};
use sn1::chain::{Hash, Head, Included, Mortality, Refusal};
use sn1::wallet::AccountId;
use subxt::rpcs::methods::legacy::TransactionStatus;

use super::super::session::{Session, Statuses};
use super::super::{CallError, NodeFailure, Subtensor, SubtensorError};
use crate::away::{Moment, sleep, timeout};

/// Blocks whose transactions are fetched at once.
const BLOCKS_AT_ONCE: u64 = 16;

pub(super) struct TransactionTracker<'a> {
    client: &'a Subtensor,
    attempted: &'static str,
    signed: SignedTransaction,
    signer: AccountId,
    mortality: Mortality,
    /// The first final block that was not looked at.
    next_block: u64,
    /// Whether some node may hold it: then a refusal no longer means that it cannot land.
    may_be_out: bool,
    /// News of it, while a node gives them. The lock is never taken: it lets the rest be shared.
    news: Option<Mutex<Statuses>>,
    /// Since when a node has it that tells no news: it is not given to one again for a while.
    held_since: Option<Moment>,
    n_failures: u32,
    n_submitted: u32,
    /// Since when no node has answered, and what the last one said.
    failing: Option<(Moment, Vec<NodeFailure>)>,
}

/// How news end.
enum News {
    /// It is in this final block.
    Final(Hash),
    /// A node says that it has let it go, or says nothing any more.
    Ended,
    /// Nothing was said for a while.
    Quiet,
}

impl<'a> TransactionTracker<'a> {
    pub(super) fn new(
        client: &'a Subtensor,
        attempted: &'static str,
        signed: SignedTransaction,
        signer: AccountId,
        mortality: Mortality,
    ) -> Self {
        Self {
            client,
            attempted,
            signed,
            signer,
            mortality,
            next_block: birth_block(mortality.last_block).unwrap_or_default(),
            may_be_out: false,
            news: None,
            held_since: None,
            n_failures: 0,
            n_submitted: 0,
            failing: None,
        }
    }

    pub(super) async fn run(mut self) -> Result<Included, SubtensorError> {
        self.submit().await?;
        loop {
            let settled = match self.follow().await {
                News::Final(block) => self.settle_in(block).await,
                News::Ended | News::Quiet => self.look().await,
            };
            match settled {
                Ok(Some(included)) => return Ok(included),
                Ok(None) => self.failing = None,
                Err(SubtensorError::Unreachable { failures, .. }) => self.fail(failures)?,
                Err(error) => return Err(error),
            }
            if self.news.is_none() && self.held_since.is_none() {
                self.submit_again().await?;
            }
        }
    }

    /// The first time at once, for a connection that was lost; then not faster than blocks come.
    async fn submit_again(&mut self) -> Result<(), SubtensorError> {
        let deadlines = self.client.shared.settings.deadlines;
        if self.n_submitted > 1 {
            self.client.rest(deadlines.look_every.max(deadlines.pause(self.n_failures))).await;
        }
        self.submit().await
    }

    /// Gives the bytes to the node in use. Of nodes that fail, each is tried once.
    async fn submit(&mut self) -> Result<(), SubtensorError> {
        self.n_submitted = self.n_submitted.saturating_add(1);
        let mut failures = Vec::new();
        for _ in 0..self.client.n_nodes() {
            let session = match self.client.session().await {
                Ok((session, _)) => session,
                Err(failure) => {
                    failures.push(failure);
                    continue;
                }
            };
            match session.submit(&self.signed.bytes).await {
                Ok(answer) => return self.answered(answer),
                Err(error) => {
                    // It may have arrived before the node failed.
                    self.may_be_out |= !error.is_unknown_method() && !error.is_limit();
                    self.client.leave_for(&session, &error).await;
                    failures.push(NodeFailure { endpoint: session.endpoint().clone(), error });
                }
            }
        }
        if !self.may_be_out && failures.iter().all(|failure| failure.error.is_unknown_method()) {
            return Err(SubtensorError::Unsent { attempted: self.attempted, failures });
        }
        // Even if nothing is out: the intent is written down, and only its time or a block ends it.
        self.fail(failures)
    }

    fn answered(
        &mut self,
        answer: Result<Option<Statuses>, Refusal>,
    ) -> Result<(), SubtensorError> {
        match answer {
            Ok(news) => {
                self.held_since = news.is_none().then(Moment::now);
                (self.may_be_out, self.news) = (true, news.map(Mutex::new));
                Ok(())
            }
            Err(Refusal::AlreadyImported) => {
                self.may_be_out = true;
                Ok(())
            }
            // An earlier copy may have landed: the blocks will tell.
            Err(_) if self.may_be_out => Ok(()),
            Err(refusal) => {
                if refusal == Refusal::BadSignature {
                    self.client.forget_runtimes();
                }
                Err(self.refused(refusal))
            }
        }
    }

    fn refused(&self, refusal: Refusal) -> SubtensorError {
        SubtensorError::Refused { attempted: self.attempted, refusal }
    }

    /// Waits for news, or for the time of the next look.
    async fn follow(&mut self) -> News {
        let deadlines = self.client.shared.settings.deadlines;
        if let Some(since) = self.held_since {
            sleep(deadlines.look_every.min(since.left(deadlines.quiet_watch))).await;
            self.held_since =
                Some(since).filter(|since| !since.left(deadlines.quiet_watch).is_zero());
            return News::Quiet;
        }
        let Some(news) = self.news.as_mut().map(Mutex::get_mut) else { return News::Ended };
        let ending = async {
            // A status that cannot be read is none.
            while let Some(status) = news.next().await {
                if let Some(ending) = status.ok().as_ref().and_then(ending) {
                    return ending;
                }
            }
            News::Ended
        };
        let ending = timeout(deadlines.quiet_watch, ending).await.unwrap_or(News::Quiet);
        if !matches!(ending, News::Quiet) {
            self.news = None;
        }
        ending
    }

    /// Nobody answered. Gives up when that lasts too long.
    fn fail(&mut self, failures: Vec<NodeFailure>) -> Result<(), SubtensorError> {
        self.n_failures = self.n_failures.saturating_add(1);
        let (since, _) = self.failing.take().unwrap_or((Moment::now(), Vec::new()));
        if since.elapsed() > self.client.shared.settings.deadlines.give_up {
            return Err(SubtensorError::Unreachable { attempted: self.attempted, failures });
        }
        self.failing = Some((since, failures));
        Ok(())
    }

    /// Looks for it in the final blocks that were not looked at yet.
    async fn look(&mut self) -> Result<Option<Included>, SubtensorError> {
        let last_block = self.mortality.last_block;
        loop {
            let from = self.next_block;
            let looked = self.client.ask(self.attempted, |session| self.look_from(session, from));
            let (finalized, seen, found) = looked.await?;
            self.n_failures = 0;
            if let Some(block) = found {
                return self.settle_in(block).await;
            }
            self.next_block = seen + 1;
            if seen >= last_block {
                return Err(self.refused(Refusal::Outdated));
            }
            if seen >= finalized.number {
                return self.look_at_nonce(finalized).await;
            }
        }
    }

    /// The newest final block, the last one that was looked at, and the block that holds it.
    async fn look_from(
        &self,
        session: Arc<Session>,
        from: u64,
    ) -> Result<(Head, u64, Option<Hash>), CallError> {
        let finalized = session.finalized().await?;
        let to = finalized.number.min(self.mortality.last_block).min(from + BLOCKS_AT_ONCE - 1);
        for number in from..=to {
            let block = session.hash_of(number).await?.ok_or(CallError::Behind(number))?;
            let body = session.body(block).await?;
            if self.index_in(&body.extrinsics).is_some() {
                return Ok((finalized, number, Some(block)));
            }
        }
        // A node behind the others knows of no more than was looked at already.
        Ok((finalized, to.max(from.saturating_sub(1)), None))
    }

    /// Another transaction with its nonce is final: then it never lands, whatever its era.
    async fn look_at_nonce(&self, finalized: Head) -> Result<Option<Included>, SubtensorError> {
        let read = |session: Arc<Session>| async move {
            let (runtime, _) = self.client.runtime(&session, finalized.hash).await?;
            let read = runtime.account_nonce(&self.signer)?;
            let stored = session.read(&read, finalized.hash).await?;
            Ok(runtime.decode_account_nonce(stored.as_deref())?)
        };
        let nonce = self.client.ask(self.attempted, read).await?;
        if nonce > self.mortality.nonce { Err(self.refused(Refusal::Outdated)) } else { Ok(None) }
    }

    fn index_in(&self, extrinsics: &[Vec<u8>]) -> Option<u32> {
        let is_it = |bytes: &Vec<u8>| transaction_hash(bytes) == self.signed.hash;
        extrinsics.iter().position(is_it)?.try_into().ok()
    }

    /// What the events of that block say of it; `None` when it is not there after all.
    async fn settle_in(&self, block: Hash) -> Result<Option<Included>, SubtensorError> {
        let read = |session: Arc<Session>| async move {
            let body = session.body(block).await?;
            let Some(index) = self.index_in(&body.extrinsics) else { return Ok(None) };
            let number = session.number_of(block).await?;
            // The runtime that made the block is the one of its parent's state.
            let (runtime, _) = self.client.runtime(&session, body.parent).await?;
            let events = session.read(&runtime.events()?, block).await?;
            let outcome = runtime.outcome(events.as_deref(), index)?;
            Ok(Some((Head { number, hash: block }, outcome)))
        };
        let Some((head, outcome)) = self.client.ask(self.attempted, read).await? else {
            return Ok(None);
        };
        let transaction = self.signed.hash;
        outcome.map_err(|refusal| self.refused(refusal))?;
        Ok(Some(Included { head, transaction }))
    }
}

/// What a status ends; `None` for one after which more will come. A block that holds it and is not
/// final may go again, so that it is none.
fn ending(status: &TransactionStatus<Hash>) -> Option<News> {
    match status {
        TransactionStatus::Finalized(block) => Some(News::Final(*block)),
        TransactionStatus::Dropped
        | TransactionStatus::Invalid
        | TransactionStatus::Usurped(_)
        | TransactionStatus::FinalityTimeout(_) => Some(News::Ended),
        _ => None,
    }
}
