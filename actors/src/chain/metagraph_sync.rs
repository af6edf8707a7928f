//! Keeps one fresh metagraph. Readers are never made to wait for the chain: a snapshot of known
//! age serves better than an error does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{counter, gauge};
use sn1::chain::{Chain, ChainError, Metagraph, Netuid};
use sn1::telemetry;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tracing::{info, warn};

use super::HeadFeed;
use crate::supervision::{Context, Resident};

/// Publishes snapshots of one subnet, each of a single block.
pub struct MetagraphSync<C> {
    chain: C,
    netuid: Netuid,
    min_interval: Duration,
    heads: HeadFeed,
    snapshots: Arc<watch::Sender<Option<Arc<Metagraph>>>>,
    last_sync: Option<Instant>,
    is_syncing: bool,
}

impl<C: Chain> MetagraphSync<C> {
    /// Syncs whenever a block comes, but not more often than `min_interval`.
    pub fn new(
        chain: C,
        netuid: Netuid,
        min_interval: Duration,
        heads: HeadFeed,
        snapshots: Arc<watch::Sender<Option<Arc<Metagraph>>>>,
    ) -> Self {
        Self { chain, netuid, min_interval, heads, snapshots, last_sync: None, is_syncing: false }
    }

    fn sync(&mut self, ctx: &mut Context<'_, Self>) {
        let is_early = self.last_sync.is_some_and(|at| at.elapsed() < self.min_interval);
        if is_early || std::mem::replace(&mut self.is_syncing, true) {
            return;
        }
        let (chain, netuid) = (self.chain.clone(), self.netuid);
        let fetch = async move { chain.metagraph(netuid).await };
        ctx.run(fetch, |this, outcome, _| this.settle(outcome));
    }

    fn settle(&mut self, outcome: Result<Arc<Metagraph>, ChainError>) {
        self.is_syncing = false;
        match outcome {
            Ok(metagraph) => self.publish(metagraph),
            Err(error) => {
                counter!(telemetry::CHAIN_ERRORS.name).increment(1);
                warn!(%error, "metagraph not synced, keeping the last one");
            }
        }
    }

    fn publish(&mut self, metagraph: Arc<Metagraph>) {
        self.last_sync = Some(Instant::now());
        gauge!(telemetry::METAGRAPH_BLOCK.name).set(metagraph.head.number as f64);
        gauge!(telemetry::METAGRAPH_NEURONS.name).set(metagraph.neurons.len() as f64);
        for neuron in &metagraph.neurons {
            let share = f64::from(neuron.incentive) / f64::from(u16::MAX);
            gauge!(telemetry::MINER_INCENTIVE.name, "uid" => neuron.uid.to_string()).set(share);
        }
        if self.snapshots.borrow().is_none() {
            let (block, neurons) = (metagraph.head.number, metagraph.neurons.len());
            info!(block, neurons, netuid = %self.netuid, "first metagraph");
        }
        self.snapshots.send_replace(Some(metagraph));
    }
}

impl<C: Chain> Resident for MetagraphSync<C> {
    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), String> {
        self.sync(ctx);
        ctx.listen(WatchStream::new(self.heads.clone()), |this, _, ctx| this.sync(ctx));
        Ok(())
    }
}
