//! The chain as this server shows it: the core's node, and its misbehaviour towards clients that
//! send transactions or wait for finality.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;
use sn1::chain::{Hash, Head};
use sn1::devchain::node::{DevNode, Produced};
use sn1::devchain::rpc::{self, RpcError, hex};
use sn1::wallet::blake2b_256;

use super::misbehaviour::{FinalityOrder, PoolRefusal, WatchEnd};
use super::switchboard::Switchboard;

/// What a new block brought, for all subscriptions.
#[derive(Debug)]
pub(super) struct News {
    pub(super) best: Head,
    pub(super) header: Value,
    pub(super) included: Vec<Hash>,
    /// Those of `included` that are first reported as retracted.
    pub(super) retracted: Vec<Hash>,
    /// Transactions that will never be in a block.
    pub(super) dropped: Vec<Hash>,
    pub(super) finalized: Vec<(Head, Value)>,
    /// The runtime's version; `None` while it is unchanged.
    pub(super) version: Option<Value>,
}

/// The final block as clients see it, which trails the node's own while finality is held.
#[derive(Debug)]
struct Finality {
    shown: Head,
    /// Finality is held until the best block has this number.
    held_until: Option<(u64, FinalityOrder)>,
}

/// A transaction in the pool, and the status that ends its watch, if one was ordered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Submitted {
    pub(super) hash: Hash,
    pub(super) watch_end: Option<WatchEnd>,
}

/// The node and its ordered misbehaviour.
pub(super) struct Served {
    pub(super) node: DevNode,
    pub(super) switchboard: Arc<Switchboard>,
    finality: Finality,
    refusals: VecDeque<(PoolRefusal, u32)>,
    watch_ends: VecDeque<(WatchEnd, u32)>,
    n_retractions: u32,
}

impl Served {
    pub(super) fn new(node: DevNode, switchboard: Arc<Switchboard>) -> Self {
        let finality = Finality { shown: node.finalized(), held_until: None };
        Self {
            node,
            switchboard,
            finality,
            refusals: VecDeque::new(),
            watch_ends: VecDeque::new(),
            n_retractions: 0,
        }
    }

    /// The newest final block that clients may see.
    pub(super) fn finalized(&self) -> Head {
        self.finality.shown
    }

    pub(super) fn refuse(&mut self, refusal: PoolRefusal, times: u32) {
        self.refusals.push_back((refusal, times));
    }

    pub(super) fn end_watches(&mut self, end: WatchEnd, times: u32) {
        self.watch_ends.push_back((end, times));
    }

    pub(super) fn retract(&mut self, times: u32) {
        self.n_retractions = self.n_retractions.saturating_add(times);
    }

    pub(super) fn hold_finality(&mut self, blocks: u64, order: FinalityOrder) {
        let until = self.node.best().number.saturating_add(blocks);
        self.finality.held_until = Some((until, order));
    }

    /// Puts a transaction into the pool, unless the next ones are to be refused.
    fn submit(&mut self, extrinsic: &[u8]) -> Result<Hash, RpcError> {
        if let Some(refusal) = take_one(&mut self.refusals) {
            return Err(refusal.to_error(Some(hex(&blake2b_256(extrinsic)))));
        }
        Ok(self.node.submit(extrinsic)?)
    }

    pub(super) fn submit_watched(&mut self, extrinsic: &[u8]) -> Result<Submitted, RpcError> {
        let hash = self.submit(extrinsic)?;
        Ok(Submitted { hash, watch_end: take_one(&mut self.watch_ends) })
    }

    /// What clients are sent about a new block.
    pub(super) fn tell(&mut self, produced: Produced) -> News {
        let Produced { best, included, dropped, upgraded, .. } = produced;
        let n_retracted = included.len().min(self.n_retractions as usize);
        self.n_retractions -= n_retracted as u32;
        let version = upgraded.then(|| self.node.runtime_version(None).ok()).flatten();
        News {
            best,
            header: self.node.header(Some(best.hash)).unwrap_or_default(),
            retracted: included[..n_retracted].to_vec(),
            included,
            dropped,
            finalized: self.finalize(best.number),
            version,
        }
    }

    /// The blocks that clients may see as final from now on.
    fn finalize(&mut self, best: u64) -> Vec<(Head, Value)> {
        let order = match self.finality.held_until {
            Some((until, _)) if best < until => return Vec::new(),
            Some((_, order)) => order,
            None => FinalityOrder::InOrder,
        };
        self.finality.held_until = None;
        let newest = self.node.finalized();
        let numbers = self.finality.shown.number.saturating_add(1)..=newest.number;
        let mut heads: Vec<_> = numbers.filter_map(|number| self.head(number)).collect();
        self.finality.shown = newest;
        if order == FinalityOrder::Reversed {
            heads.reverse();
        }
        heads
    }

    /// `None` for a block that is too old to be stored.
    fn head(&self, number: u64) -> Option<(Head, Value)> {
        let hash = self.node.block_hash(number)?;
        Some((Head { number, hash }, self.node.header(Some(hash))?))
    }
}

impl rpc::Served for Served {
    fn node(&self) -> &DevNode {
        &self.node
    }

    fn finalized(&self) -> Head {
        self.finalized()
    }

    fn submit(&mut self, extrinsic: &[u8]) -> Result<Hash, RpcError> {
        self.submit(extrinsic)
    }
}

/// Uses up one of the first entry, if any is left.
fn take_one<T: Copy>(queue: &mut VecDeque<(T, u32)>) -> Option<T> {
    while let Some((what, times)) = queue.front_mut() {
        if *times > 0 {
            *times -= 1;
            return Some(*what);
        }
        queue.pop_front();
    }
    None
}
