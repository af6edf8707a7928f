//! The dev chain's host: makes blocks on time, keeps the state on disk, and serves the node
//! through the same [`Chain`] trait as a remote chain would.
//!
//! A block is on disk before anyone hears of it. After a death the chain goes on from its last
//! block; transactions that were waiting are gone and their senders told so.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::Message;
use sn1::chain::{
    AxonInfo, Chain, ChainError, Hash, Head, Included, Metagraph, Netuid, Refusal, StoredWeights,
    Uid, WeightVector,
};
use sn1::devchain::{BlockReport, Call, DevChain, EpochReport, GenesisConfig, SignedExtrinsic};
use sn1::store::ChainStore;
use sn1::wallet::{AccountId, Keypair};
use tokio::sync::{oneshot, watch};
use tracing::debug;

use crate::supervision::{Context, Handles, Link, Reply, Resident};

/// Where the chain starts and how fast it goes.
#[derive(Debug, Clone)]
pub struct DevChainSettings {
    /// Used when the state file is empty.
    pub genesis: GenesisConfig,
    /// Between two blocks.
    pub block_time: Duration,
    /// The state file.
    pub state_file: std::path::PathBuf,
}

/// Follows the epochs of the dev chain.
pub type EpochWatch = watch::Receiver<Option<EpochReport>>;

type Inclusion = Result<Included, Refusal>;

/// The actor that owns the chain's state.
pub struct DevChainHost {
    chain: DevChain,
    store: ChainStore,
    block_time: Duration,
    epochs: Arc<watch::Sender<Option<EpochReport>>>,
    waiting: HashMap<Hash, Vec<oneshot::Sender<Inclusion>>>,
}

impl DevChainHost {
    /// Goes on from the state file, or from the genesis block.
    ///
    /// # Errors
    /// A state file that cannot be read, in words.
    pub fn open(
        settings: &DevChainSettings,
        epochs: Arc<watch::Sender<Option<EpochReport>>>,
    ) -> Result<Self, String> {
        let mut store =
            ChainStore::open(&settings.state_file).map_err(|error| error.to_string())?;
        let chain = match store.load::<DevChain>().map_err(|error| error.to_string())? {
            Some(chain) => chain,
            None => {
                let chain = DevChain::genesis(settings.genesis.clone());
                store.save(chain.head().number, &chain).map_err(|error| error.to_string())?;
                chain
            }
        };
        let waiting = HashMap::new();
        Ok(Self { chain, store, block_time: settings.block_time, epochs, waiting })
    }

    fn produce(&mut self, ctx: &mut Context<'_, Self>) {
        let mut next = self.chain.clone();
        let report = next.produce_block();
        if let Err(error) = self.store.save(report.head.number, &next) {
            ctx.fail(format!("block {} could not be saved: {error}", report.head.number));
            return;
        }
        self.chain = next;
        self.announce(report);
    }

    fn announce(&mut self, report: BlockReport) {
        let head = report.head;
        for (transaction, outcome) in report.applied {
            debug!(block = head.number, %transaction, ?outcome, "transaction applied");
            let inclusion = outcome.map(|()| Included { head, transaction });
            for asker in self.waiting.remove(&transaction).unwrap_or_default() {
                // An asker that has gone can ask the chain.
                let _ = asker.send(inclusion);
            }
        }
        if let Some(epoch) = report.epoch {
            self.epochs.send_replace(Some(epoch));
        }
    }
}

impl Resident for DevChainHost {
    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), String> {
        ctx.every(self.block_time, |this, ctx| this.produce(ctx));
        Ok(())
    }
}

/// Asks for the newest block.
#[derive(Message, Clone)]
#[rtype(result = "Head")]
struct GetHead;

impl Handles<GetHead> for DevChainHost {
    fn handle(&mut self, _: GetHead, _: &mut Context<'_, Self>) -> Reply<Head> {
        Reply::Now(self.chain.head())
    }
}

/// Asks for a subnet at the newest block.
#[derive(Message, Clone)]
#[rtype(result = "Option<Arc<Metagraph>>")]
struct GetMetagraph(Netuid);

impl Handles<GetMetagraph> for DevChainHost {
    fn handle(
        &mut self,
        GetMetagraph(netuid): GetMetagraph,
        _: &mut Context<'_, Self>,
    ) -> Reply<Option<Arc<Metagraph>>> {
        Reply::Now(self.chain.metagraph(netuid).map(Arc::new))
    }
}

/// Asks for the weights that a neuron has set.
#[derive(Message, Clone)]
#[rtype(result = "Option<StoredWeights>")]
struct GetWeights(Netuid, Uid);

impl Handles<GetWeights> for DevChainHost {
    fn handle(
        &mut self,
        GetWeights(netuid, uid): GetWeights,
        _: &mut Context<'_, Self>,
    ) -> Reply<Option<StoredWeights>> {
        Reply::Now(self.chain.weights(netuid, uid))
    }
}

/// Asks for what a signer must put into its next transaction: nonce and genesis hash.
#[derive(Message, Clone)]
#[rtype(result = "(u32, Hash)")]
struct GetSigningFacts(AccountId);

impl Handles<GetSigningFacts> for DevChainHost {
    fn handle(
        &mut self,
        GetSigningFacts(account): GetSigningFacts,
        _: &mut Context<'_, Self>,
    ) -> Reply<(u32, Hash)> {
        Reply::Now((self.chain.next_nonce(&account), self.chain.genesis_hash()))
    }
}

/// Why a transaction is not in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The pool or the runtime refused it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The chain restarted while it waited in the pool.
    #[error("the chain restarted while the transaction waited for a block")]
    Dropped,
}

/// Submits a transaction. Answered when it is in a block, with what became of it there.
#[derive(Message, Clone)]
#[rtype(result = "Result<Included, SubmitError>")]
pub struct Submit(pub SignedExtrinsic);

impl Handles<Submit> for DevChainHost {
    fn handle(
        &mut self,
        Submit(extrinsic): Submit,
        _: &mut Context<'_, Self>,
    ) -> Reply<Result<Included, SubmitError>> {
        let hash = match self.chain.submit(extrinsic) {
            Ok(hash) => hash,
            Err(refusal) => return Reply::Now(Err(refusal.into())),
        };
        let (sender, inclusion) = oneshot::channel();
        self.waiting.entry(hash).or_default().push(sender);
        Reply::later(async move {
            match inclusion.await {
                Ok(inclusion) => inclusion.map_err(SubmitError::from),
                Err(_) => Err(SubmitError::Dropped),
            }
        })
    }
}

/// The dev chain as the rest of the node sees it.
#[derive(Clone)]
pub struct LocalChain {
    host: Link<DevChainHost>,
    answer_within: Duration,
    include_within: Duration,
    block_time: Duration,
}

impl LocalChain {
    /// Calls are answered within a second or so; a transaction gets a few blocks.
    pub fn new(host: Link<DevChainHost>, block_time: Duration) -> Self {
        let answer_within = Duration::from_secs(2);
        Self { host, answer_within, include_within: answer_within + 3 * block_time, block_time }
    }

    /// Blocks after which a transaction that is in none will never be in one.
    pub fn mortality(&self) -> u64 {
        let blocks = self.include_within.as_secs_f64() / self.block_time.as_secs_f64().max(1e-3);
        blocks.ceil() as u64 + 1
    }

    /// Signs and submits any call, and waits for its block.
    ///
    /// # Errors
    /// See [`ChainError`].
    pub async fn submit(
        &self,
        signer: &Keypair,
        call: Call,
        attempted: &'static str,
    ) -> Result<Included, ChainError> {
        let unreachable = |error: &dyn std::fmt::Display| ChainError::Unreachable {
            attempted,
            reason: error.to_string(),
        };
        let account = signer.account_id();
        let facts = self.host.ask_again(GetSigningFacts(account), self.answer_within).await;
        let (nonce, genesis) = facts.map_err(|error| unreachable(&error))?;
        let extrinsic = SignedExtrinsic::sign(signer, nonce, genesis, call);
        match self.host.ask(Submit(extrinsic), self.include_within).await {
            Ok(Ok(included)) => Ok(included),
            Ok(Err(SubmitError::Refused(refusal))) => {
                Err(ChainError::Refused { attempted, refusal })
            }
            Ok(Err(error @ SubmitError::Dropped)) => Err(unreachable(&error)),
            Err(error) => Err(unreachable(&error)),
        }
    }
}

impl Chain for LocalChain {
    async fn head(&self) -> Result<Head, ChainError> {
        let attempted = "reading the newest block";
        self.host
            .ask(GetHead, self.answer_within)
            .await
            .map_err(|error| ChainError::Unreachable { attempted, reason: error.to_string() })
    }

    async fn metagraph(&self, netuid: Netuid) -> Result<Arc<Metagraph>, ChainError> {
        let attempted = "reading the metagraph";
        let answer = self.host.ask(GetMetagraph(netuid), self.answer_within).await;
        answer
            .map_err(|error| ChainError::Unreachable { attempted, reason: error.to_string() })?
            .ok_or(ChainError::NoSubnet(netuid))
    }

    async fn weights(&self, netuid: Netuid, uid: Uid) -> Result<StoredWeights, ChainError> {
        let attempted = "reading back weights";
        let answer = self.host.ask(GetWeights(netuid, uid), self.answer_within).await;
        answer
            .map_err(|error| ChainError::Unreachable { attempted, reason: error.to_string() })?
            .ok_or(ChainError::NoSubnet(netuid))
    }

    async fn burned_register(
        &self,
        coldkey: &Keypair,
        netuid: Netuid,
        hotkey: AccountId,
    ) -> Result<Included, ChainError> {
        self.submit(coldkey, Call::BurnedRegister { netuid, hotkey }, "a registration").await
    }

    async fn serve_axon(
        &self,
        hotkey: &Keypair,
        netuid: Netuid,
        axon: AxonInfo,
    ) -> Result<Included, ChainError> {
        self.submit(hotkey, Call::ServeAxon { netuid, axon }, "an axon record").await
    }

    async fn set_weights(
        &self,
        hotkey: &Keypair,
        netuid: Netuid,
        weights: &WeightVector,
        version_key: u64,
    ) -> Result<Included, ChainError> {
        let (uids, values) = weights.entries().iter().copied().unzip();
        let call = Call::SetWeights { netuid, uids, values, version_key };
        self.submit(hotkey, call, "a weight setting").await
    }
}
