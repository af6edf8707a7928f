//! Keeps one fresh metagraph. Readers are never made to wait for the chain: a snapshot of known
//! age serves better than an error does, up to the age at which nothing new is begun on it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{counter, gauge};
use sn1::chain::{Chain, ChainError, Metagraph, Netuid, Registration, Stage};
use sn1::telemetry;
use sn1::wallet::AccountId;
use tokio_stream::wrappers::WatchStream;
use tracing::{debug, info, warn};

use crate::feeds::Feeds;
use crate::recording::Failures;
use crate::supervision::{Context, Resident};

/// Its name among those who wait for the chain.
const PART: &str = "metagraph";
/// Between two looks at the snapshot's age.
const AGE_EVERY: Duration = Duration::from_secs(1);

/// When to sync.
#[derive(Debug, Clone)]
pub struct SyncSettings {
    /// The subnet.
    pub netuid: Netuid,
    /// Our own hotkey, whose place on the subnet is told; `None` for nodes without one.
    pub own: Option<AccountId>,
    /// Blocks between two syncs, at least 1.
    pub every_blocks: u64,
    /// Not more often than this, whatever happens.
    pub min_interval: Duration,
}

/// Publishes snapshots of one subnet, each of a single block.
pub struct MetagraphSync<C> {
    chain: C,
    settings: SyncSettings,
    feeds: Feeds,
    last_sync: Option<Instant>,
    synced_block: Option<u64>,
    failures: Failures,
    /// After failures, nothing is tried before this, unless there is news.
    rests_until: Option<Instant>,
    /// The last stage that the log tells.
    told_stage: Stage,
    place: Option<Registration>,
    is_hinted: bool,
    is_syncing: bool,
}

impl<C: Chain> MetagraphSync<C> {
    /// Syncs on schedule, and at once when hinted at.
    pub fn new(chain: C, settings: SyncSettings, feeds: Feeds) -> Self {
        Self {
            chain,
            settings,
            feeds,
            last_sync: None,
            synced_block: None,
            failures: Failures::default(),
            rests_until: None,
            told_stage: Stage::Fresh,
            place: None,
            is_hinted: false,
            is_syncing: false,
        }
    }

    fn is_due(&self) -> bool {
        let is_early = self.last_sync.is_some_and(|at| at.elapsed() < self.settings.min_interval)
            || self.rests_until.is_some_and(|until| Instant::now() < until);
        let head = self.feeds.heads.borrow().map(|seen| seen.head.number);
        let next = self.synced_block.map(|block| block + self.settings.every_blocks.max(1));
        !is_early && (self.is_hinted || next.is_none_or(|next| head.is_some_and(|it| it >= next)))
    }

    fn sync(&mut self, ctx: &mut Context<'_, Self>) {
        if !self.is_due() || std::mem::replace(&mut self.is_syncing, true) {
            return;
        }
        self.is_hinted = false;
        let (chain, netuid) = (self.chain.clone(), self.settings.netuid);
        let fetch = async move { chain.metagraph(netuid).await };
        ctx.run(fetch, |this, outcome, _| this.settle(outcome));
    }

    fn settle(&mut self, outcome: Result<Arc<Metagraph>, ChainError>) {
        self.is_syncing = false;
        self.last_sync = Some(Instant::now());
        match outcome {
            Ok(metagraph) => {
                (self.failures, self.rests_until) = (Failures::default(), None);
                self.feeds.waits.clear(PART);
                self.publish(metagraph);
            }
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &ChainError) {
        counter!(telemetry::CHAIN_ERRORS.name).increment(1);
        match self.failures.count(self.feeds.link.borrow().is_away(), Instant::now()) {
            true => warn!(%error, "metagraph not synced, keeping the last one"),
            false => debug!(%error, "metagraph not synced, keeping the last one"),
        }
        self.rests_until = Some(Instant::now() + self.failures.pause());
        self.tell_wait();
    }

    /// News of the chain: whatever failed before may work now.
    fn stir(&mut self, ctx: &mut Context<'_, Self>) {
        self.rests_until = None;
        self.sync(ctx);
    }

    fn tell_wait(&self) {
        let age = &self.feeds.age;
        let (age, stage) = (age.age().as_secs(), age.stage().label());
        self.feeds.waits.set(PART, format!("read {age} s ago, {stage}"));
    }

    fn publish(&mut self, metagraph: Arc<Metagraph>) {
        self.synced_block = Some(metagraph.head.number);
        gauge!(telemetry::METAGRAPH_BLOCK.name).set(metagraph.head.number as f64);
        gauge!(telemetry::METAGRAPH_NEURONS.name).set(metagraph.neurons.len() as f64);
        for neuron in &metagraph.neurons {
            let share = f64::from(neuron.incentive) / f64::from(u16::MAX);
            gauge!(telemetry::MINER_INCENTIVE.name, "uid" => neuron.uid.to_string()).set(share);
        }
        if self.feeds.metagraph.borrow().is_none() {
            let (block, neurons) = (metagraph.head.number, metagraph.neurons.len());
            info!(block, neurons, netuid = %self.settings.netuid, "first metagraph");
        }
        if let Some(own) = self.settings.own {
            self.follow_place(metagraph.registration(&own));
        }
        self.feeds.metagraph.send_replace(Some(metagraph));
        self.feeds.age.synced();
        self.tell_age();
    }

    /// Says where our hotkey stands whenever that changes.
    fn follow_place(&mut self, place: Registration) {
        let (is_registered, has_permit) = (place.is_registered(), place.has_permit());
        gauge!(telemetry::NEURON_REGISTERED.name).set(f64::from(u8::from(is_registered)));
        gauge!(telemetry::NEURON_PERMIT.name).set(f64::from(u8::from(has_permit)));
        let before = self.place.replace(place);
        match place {
            _ if before == Some(place) => {}
            Registration::Registered { uid, has_permit } => {
                info!(%uid, has_permit, "our place on the subnet");
            }
            Registration::NotRegistered => {
                warn!("our hotkey is not registered on the subnet: register it");
            }
        }
    }

    fn tell_age(&mut self) {
        let stage = self.feeds.age.stage();
        gauge!(telemetry::METAGRAPH_AGE_SECONDS.name).set(self.feeds.age.age().as_secs_f64());
        gauge!(telemetry::METAGRAPH_STAGE.name).set(f64::from(stage.level()));
        if self.feeds.waits.of(PART).is_some() {
            self.tell_wait();
        }
        // While the chain is away, the link's line says it.
        if self.told_stage == stage || self.feeds.link.borrow().is_away() {
            return;
        }
        self.told_stage = stage;
        match stage {
            Stage::Fresh => info!("the metagraph is fresh again"),
            Stage::Stale => warn!("the metagraph is stale: the chain gives no newer one"),
            Stage::TooOld => {
                warn!("the metagraph is too old: no new conversations and no weights");
            }
        }
    }
}

impl<C: Chain> Resident for MetagraphSync<C> {
    type Error = Infallible;

    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), Self::Error> {
        self.sync(ctx);
        ctx.listen(WatchStream::new(self.feeds.heads()), |this, _, ctx| this.stir(ctx));
        let links = WatchStream::from_changes(self.feeds.link());
        ctx.listen(links, |this, link, ctx| {
            if !link.is_away() {
                this.is_hinted = true;
                this.stir(ctx);
            }
        });
        let hints = WatchStream::from_changes(self.feeds.hints.subscribe());
        ctx.listen(hints, |this, _, ctx| {
            this.is_hinted = true;
            this.sync(ctx);
        });
        ctx.every(AGE_EVERY, |this, ctx| {
            this.tell_age();
            this.sync(ctx); // A first sync that failed, or a hint that came too early.
        });
        Ok(())
    }
}
