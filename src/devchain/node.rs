//! The dev chain in the form of a subtensor node: blocks and headers, storage, runtime APIs,
//! metadata, a pool that accepts signed transactions, events, finality and runtime upgrades.
//!
//! [`DevNode`] owns the state machine ([`DevChain`]) and the recent past. Pallets, calls and types
//! are looked up by name in the metadata, which was recorded from the main network: values are
//! trees that the metadata's types turn into bytes, so another generation of the runtime needs
//! other metadata and no other code. A server that offers the node over a socket needs no knowledge
//! of SCALE.
//!
//! It lacks some things that a real node has: forks, proofs, off-chain workers, offline state.

mod api;
mod block;
mod calls;
mod collateral;
mod editor;
mod encode;
mod error;
mod events;
mod extrinsic;
mod hashing;
mod hex_lists;
mod history;
mod key;
mod keys;
mod official_cli;
mod older;
mod production;
mod runtime;
mod saved;
mod shield;
mod stateful;
mod storage;
mod strip;
mod subnet;
#[cfg(test)]
mod tests;
mod tree;
mod view;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use error::NodeError;
pub use production::Produced;
pub use runtime::Generation;
pub use strip::metadata_without_docs;

use self::block::{Block, Header};
use self::history::{Hashes, History};
use self::runtime::{Runtime, Spec};
use self::view::View;
use super::{DevChain, GenesisConfig, Transaction};
use crate::chain::{Hash, Head};
use crate::wallet::{AccountId, blake2b_256};

/// The initial state and the settings of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// Genesis of the chain behind the node.
    pub genesis: GenesisConfig,
    /// The runtime that the node starts with.
    pub generation: Generation,
    /// The name that `system_chain` returns.
    pub chain_name: String,
    /// Blocks by which finality lags behind the newest block.
    pub finality_lag: u64,
    /// Milliseconds between two blocks, as the runtime's constants state it.
    pub block_time_ms: u64,
    /// Time of the genesis block, in Unix milliseconds.
    pub started_ms: u64,
}

/// A transaction in the pool, with the bytes that were sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Waiting {
    hash: Hash,
    #[serde(with = "super::hex_bytes")]
    bytes: Vec<u8>,
    is_sudo: bool,
}

/// A runtime, and the number of the first block that it is in force for.
#[derive(Debug, Clone)]
struct Upgrade {
    first_block: u64,
    runtime: Arc<Runtime>,
}

/// A node of the dev chain. Serialise it to save it: the newest state is saved, older states are
/// not, and every saved block counts as final.
#[derive(Debug, Clone)]
pub struct DevNode {
    config: NodeConfig,
    chain: Arc<DevChain>,
    hashes: Hashes,
    history: History,
    /// The runtimes so far by first block; never empty.
    upgrades: Vec<Upgrade>,
    /// The runtime that the next block installs, if an upgrade is planned.
    planned: Option<Spec>,
    waiting: Vec<Waiting>,
}

impl DevNode {
    /// A node whose newest block is the genesis block.
    pub fn new(config: NodeConfig) -> Self {
        let generation = config.generation;
        let spec = Spec {
            generation,
            spec_version: generation.spec_version(),
            block_time_ms: config.block_time_ms,
        };
        let runtime = Arc::new(Runtime::new(spec));
        let mut chain = DevChain::genesis(config.genesis.clone());
        production::adopt_rules(&mut chain, generation);
        let chain = Arc::new(chain);
        let header = Header {
            parent: Hash::default(),
            number: 0,
            state_root: chain.genesis_hash(),
            extrinsics_root: block::extrinsics_root(&[]),
            logs: Vec::new(),
        };
        let block = Block {
            hash: header.hash(),
            header,
            extrinsics: Vec::new(),
            events: vec![0],
            n_events: 0,
            now_ms: config.started_ms,
            upgraded_to: spec.spec_version,
            runtime: Arc::clone(&runtime),
            chain: Arc::clone(&chain),
        };
        Self {
            config,
            chain,
            hashes: Hashes::new(block.hash),
            history: History::new(block),
            upgrades: vec![Upgrade { first_block: 0, runtime }],
            planned: None,
            waiting: Vec::new(),
        }
    }

    /// The configuration that the node was started with.
    pub fn config(&self) -> &NodeConfig {
        &self.config
    }

    /// The state machine at the newest block, its pool included.
    pub fn chain(&self) -> &DevChain {
        &self.chain
    }

    /// Changes the chain from outside, without a transaction, on behalf of its operator. Past
    /// blocks keep their state.
    pub fn intervene<T>(&mut self, change: impl FnOnce(&mut DevChain) -> T) -> T {
        change(Arc::make_mut(&mut self.chain))
    }

    /// The hash of block 0, which every transaction signature covers.
    pub fn genesis_hash(&self) -> Hash {
        self.hashes.genesis()
    }

    /// Number and hash of the newest block.
    pub fn best(&self) -> Head {
        self.history.newest().head()
    }

    /// Number and hash of the newest final block.
    pub fn finalized(&self) -> Head {
        let best = self.best();
        let number = best.number.saturating_sub(self.config.finality_lag);
        let number = number.max(self.history.oldest().header.number);
        self.hashes.get(number).map_or(best, |hash| Head { number, hash })
    }

    /// The hash of a block; `None` if the block does not exist yet or its hash was dropped.
    pub fn block_hash(&self, number: u64) -> Option<Hash> {
        self.hashes.get(number)
    }

    /// The header of a block as JSON; of the newest block if `at` is `None`.
    pub fn header(&self, at: Option<Hash>) -> Option<Json> {
        self.kept(at).map(|block| block.header.to_json())
    }

    /// A block with header and transactions as JSON; the newest one if `at` is `None`.
    pub fn block(&self, at: Option<Hash>) -> Option<Json> {
        self.kept(at).map(|block| block.to_json())
    }

    /// The version of the runtime in force after a block.
    ///
    /// # Errors
    /// The block is unknown.
    pub fn runtime_version(&self, at: Option<Hash>) -> Result<Json, NodeError> {
        let version = self.runtime_at(at)?.version_json();
        version.ok_or_else(|| NodeError::internal("the metadata tells no version"))
    }

    /// The metadata (V14) of the runtime in force after a block.
    ///
    /// # Errors
    /// The block is unknown.
    pub fn metadata(&self, at: Option<Hash>) -> Result<Vec<u8>, NodeError> {
        let runtime = self.runtime_at(at)?;
        Ok(runtime.metadata(14).unwrap_or_default().to_vec())
    }

    /// The value stored under a key after a block. `None` if there is none, even if the metadata
    /// has a default.
    ///
    /// # Errors
    /// The block is unknown, or its state is no longer kept.
    pub fn storage(&self, key: &[u8], at: Option<Hash>) -> Result<Option<Vec<u8>>, NodeError> {
        keys::read(self.view(at)?, key).map_err(NodeError::internal)
    }

    /// The keys with this prefix in order: at most `count` of them, after `start`.
    ///
    /// # Errors
    /// The block is unknown, or its state is no longer kept.
    pub fn keys(
        &self,
        prefix: &[u8],
        count: usize,
        start: Option<&[u8]>,
        at: Option<Hash>,
    ) -> Result<Vec<Vec<u8>>, NodeError> {
        let keys = keys::list(self.view(at)?, prefix).into_iter();
        let behind = keys.filter(|key| start.is_none_or(|start| key.as_slice() > start));
        Ok(behind.take(count).collect())
    }

    /// The answer of a runtime API function, such as `Core_version`, after a block.
    ///
    /// # Errors
    /// The block is unknown or its state is no longer kept; the runtime lacks the function, or the
    /// function takes other arguments.
    pub fn call(
        &self,
        function: &str,
        arguments: &[u8],
        at: Option<Hash>,
    ) -> Result<Vec<u8>, NodeError> {
        match self.view(at) {
            Ok(view) => api::call(view, function, arguments),
            // The runtime is kept longer than the state: clients ask for that of a block's parent.
            Err(lost) => {
                let runtime = self.runtime_at(at)?;
                api::call_runtime(runtime, function, arguments).unwrap_or(Err(lost))
            }
        }
    }

    /// The nonce of the account's next transaction, counting those in the pool.
    pub fn next_nonce(&self, account: &AccountId) -> u32 {
        self.chain.next_nonce(account)
    }

    /// Checks a signed transaction and adds it to the pool.
    ///
    /// # Errors
    /// A real node's errors with its messages: 1002 for bytes that do not decode, 1010 to 1016
    /// otherwise.
    pub fn submit(&mut self, extrinsic: &[u8]) -> Result<Hash, NodeError> {
        let hash = Hash(blake2b_256(extrinsic));
        let runtime = Arc::clone(&self.history.newest().runtime);
        let read = extrinsic::read(extrinsic, &runtime);
        let signed = read.map_err(|reason| NodeError::undecodable(&reason))?;
        let refused = |refusal| NodeError::from_refusal(&refusal, hash);
        let next = self.best().number.saturating_add(1);
        let last_block = signed.prove(&runtime, &self.hashes, next).map_err(refused)?;
        let spendable = self.chain.balance(&signed.signer);
        let request = calls::request(&signed.call, spendable)
            .map_err(|error| NodeError::undecodable(&error.to_string()))?;
        let transaction = Transaction {
            hash,
            signer: signed.signer,
            nonce: signed.nonce,
            call: request.call,
            last_block,
            length: signed.length,
        };
        self.intervene(|chain| chain.submit_transaction(transaction)).map_err(refused)?;
        let bytes = extrinsic.to_vec();
        self.waiting.push(Waiting { hash, bytes, is_sudo: request.is_sudo });
        Ok(hash)
    }

    /// The transactions in the pool, as they were sent.
    pub fn pending(&self) -> Vec<Vec<u8>> {
        self.waiting.iter().map(|waiting| waiting.bytes.clone()).collect()
    }

    fn kept(&self, at: Option<Hash>) -> Option<&Arc<Block>> {
        match at {
            None => Some(self.history.newest()),
            Some(hash) => self.history.find(hash),
        }
    }

    fn view(&self, at: Option<Hash>) -> Result<View<'_>, NodeError> {
        let newest = self.history.newest();
        let block = match at {
            None => newest,
            Some(hash) => self.history.find(hash).ok_or_else(|| self.lost(hash))?,
        };
        Ok(View { block, hashes: &self.hashes })
    }

    /// The error that says why the state of that block is not available.
    fn lost(&self, hash: Hash) -> NodeError {
        match self.hashes.number_of(hash) {
            Some(_) => NodeError::state_discarded(hash),
            None => NodeError::unknown_block(hash),
        }
    }

    /// The runtime in force after a block, even if the block's state is no longer kept.
    fn runtime_at(&self, at: Option<Hash>) -> Result<&Runtime, NodeError> {
        let newest = self.history.newest();
        let Some(hash) = at else { return Ok(&newest.runtime) };
        let number = self.hashes.number_of(hash).ok_or_else(|| NodeError::unknown_block(hash))?;
        let earlier = self.upgrades.iter().rev();
        let found = earlier.clone().find(|upgrade| upgrade.first_block <= number);
        Ok(found.map_or(&newest.runtime, |upgrade| &upgrade.runtime))
    }
}
