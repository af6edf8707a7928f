//! Makes blocks: turns the state machine's report into transactions, events and a header.

use std::sync::Arc;

use super::block::{self, Block, Header};
use super::events::{self, Events, Phase};
use super::runtime::{Runtime, Spec};
use super::tree::Tree;
use super::{DevNode, Generation, Upgrade, Waiting, extrinsic, shield};
use crate::chain::decode::Value;
use crate::chain::{Hash, Head};
use crate::devchain::pool::Pool;
use crate::devchain::{Applied, BlockReport, DevChain, EpochRule, Event};

/// The result of making a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Produced {
    /// Number and hash of the new block.
    pub best: Head,
    /// Number and hash of the newest final block.
    pub finalized: Head,
    /// Hashes of the signed transactions in the block, in order. The first of them is the block's
    /// second transaction, because the first one sets the time.
    pub included: Vec<Hash>,
    /// Hashes of transactions that left the pool without being in a block.
    pub dropped: Vec<Hash>,
    /// Whether another runtime is in force after the block.
    pub upgraded: bool,
}

/// Makes the chain follow the rules of a generation of the runtime.
pub(super) fn adopt_rules(chain: &mut DevChain, generation: Generation) {
    let is_stateful = generation.is_stateful();
    if is_stateful {
        chain.set_epoch_schedule(EpochRule::Stateful);
    }
    chain.set_pool_checks_pace(is_stateful);
}

impl DevNode {
    /// Makes the next block, at `now_ms` (Unix milliseconds).
    pub fn produce_block(&mut self, now_ms: u64) -> Produced {
        let parent = Arc::clone(self.history.newest());
        let report = Arc::make_mut(&mut self.chain).produce_block(now_ms);
        let (carried, mut dropped) = self.take_out(&report);
        let sealed = sealed_in(&report.applied, &carried, &parent.runtime);
        let events = happened(&parent, &report, &carried, self.planned.is_some());
        let runtime = self.planned.take().map(|spec| Arc::new(Runtime::new(spec)));
        let mut logs = vec![block::slot_log(report.now_ms / self.config.block_time_ms.max(1))];
        if let Some(runtime) = &runtime {
            logs.push(block::upgrade_log());
            dropped.extend(self.install(runtime, report.head.number));
        }
        let included = carried.iter().map(|waiting| waiting.hash).collect();
        self.seal(&parent, &report, carried, events, logs);
        let genesis = self.genesis_hash();
        for inner in sealed.iter().filter_map(|sealed| shield::open(genesis, sealed)) {
            // What the pool refuses is lost, as with an author of the real chain.
            let _ = self.submit(&inner);
        }
        let (best, finalized) = (self.best(), self.finalized());
        Produced { best, finalized, included, dropped, upgraded: runtime.is_some() }
    }

    /// Plans an upgrade: the next block installs it, and the block after that runs on it. The
    /// version becomes the generation's own if that is newer, or else rises by one. A chain does
    /// not go back to an older generation.
    pub fn schedule_upgrade(&mut self, generation: Generation) {
        let now = self.history.newest().runtime.spec();
        let generation = generation.max(now.generation);
        let spec_version = generation.spec_version().max(now.spec_version.saturating_add(1));
        self.planned = Some(Spec { generation, spec_version, ..now });
    }

    /// Removes the waiting transactions that are in the block and returns them in its order, with
    /// the hashes of those that left without a block.
    fn take_out(&mut self, report: &BlockReport) -> (Vec<Waiting>, Vec<Hash>) {
        let mut carried = Vec::with_capacity(report.applied.len());
        for applied in &report.applied {
            let place = self.waiting.iter().position(|waiting| waiting.hash == applied.hash);
            carried.extend(place.map(|place| self.waiting.remove(place)));
        }
        self.waiting.retain(|waiting| !report.dropped.contains(&waiting.hash));
        (carried, report.dropped.clone())
    }

    /// Puts another runtime in force. Transactions in the pool were signed for the old one and are
    /// dropped.
    fn install(&mut self, runtime: &Arc<Runtime>, first_block: u64) -> Vec<Hash> {
        let chain = Arc::make_mut(&mut self.chain);
        adopt_rules(chain, runtime.spec().generation);
        chain.pool = Pool::default();
        self.upgrades.push(Upgrade { first_block, runtime: Arc::clone(runtime) });
        std::mem::take(&mut self.waiting).into_iter().map(|waiting| waiting.hash).collect()
    }

    fn seal(
        &mut self,
        parent: &Block,
        report: &BlockReport,
        carried: Vec<Waiting>,
        events: Events,
        logs: Vec<Vec<u8>>,
    ) {
        let time = extrinsic::set_time(&parent.runtime, report.now_ms).unwrap_or_default();
        let signed = carried.into_iter().map(|waiting| waiting.bytes);
        let extrinsics: Vec<_> = std::iter::once(time).chain(signed).collect();
        let header = Header {
            parent: parent.hash,
            number: report.head.number,
            state_root: report.head.hash,
            extrinsics_root: block::extrinsics_root(&extrinsics),
            logs,
        };
        let n_events = events.len();
        let events = parent.runtime.events(&events.into_tree());
        let newest = self.upgrades.last().map(|upgrade| &upgrade.runtime);
        let block = Block {
            hash: header.hash(),
            header,
            extrinsics,
            events,
            n_events,
            now_ms: report.now_ms,
            upgraded_to: parent.runtime.spec_version(),
            runtime: Arc::clone(newest.unwrap_or(&parent.runtime)),
            chain: Arc::clone(&self.chain),
        };
        self.hashes.push(block.hash);
        self.history.push(block);
    }
}

/// The block's events in the order of a real node: those of the block itself, then those of each
/// transaction.
fn happened(parent: &Block, report: &BlockReport, carried: &[Waiting], is_upgrade: bool) -> Events {
    let mut events = Events::default();
    let netuid = parent.chain.state.netuid.0;
    for hotkey in &report.revealed {
        events.push(Phase::Initialization, "SubtensorModule", events::revealed(netuid, *hotkey));
    }
    if is_upgrade {
        events.push(Phase::Initialization, "System", Tree::case("CodeUpdated"));
    }
    events.push_inherent(0);
    for (i, (applied, waiting)) in (1..).zip(report.applied.iter().zip(carried)) {
        events.push_applied(&parent.runtime, i, applied, waiting.is_sudo);
    }
    events
}

/// What was sealed in the transactions of a block that succeeded.
fn sealed_in(applied: &[Applied], carried: &[Waiting], runtime: &Runtime) -> Vec<Vec<u8>> {
    let is_sealed = |event: &Event| matches!(event, Event::EncryptedSubmitted { .. });
    let sealed =
        applied.iter().zip(carried).filter(|(applied, _)| applied.events.iter().any(is_sealed));
    sealed.filter_map(|(_, waiting)| ciphertext(&waiting.bytes, runtime)).collect()
}

fn ciphertext(transaction: &[u8], runtime: &Runtime) -> Option<Vec<u8>> {
    let Value::Case(_, call) = extrinsic::read(transaction, runtime).ok()?.call else {
        return None;
    };
    let Value::Case(_, fields) = *call else { return None };
    match fields.field("ciphertext")? {
        Value::Bytes(bytes) => Some(bytes.clone()),
        _ => None,
    }
}
