//! The actor that owns the chain: makes blocks on time, saves them, answers requests.
//!
//! A block is on disk before a client hears of it. After a restart the chain continues from its
//! last saved block; later transactions are lost, and all connections are cut, so that no client
//! waits for them.

pub(super) mod control;

use std::sync::Arc;
use std::time::Duration;

use sn1::devchain::node::{DevNode, Generation};
use sn1::devchain::rpc::{Answer, INTERNAL_ERROR, RpcError, methods};
use sn1::store::{ChainStore, StoreError};
use tokio::sync::broadcast;
use tokio::time::Instant;
use tracing::{debug, info};

use super::messages::{Ask, ReadValues, Values, Watched};
use super::misbehaviour::{Chaos, Misbehaviour, Planned};
use super::served::{News, Served, Submitted};
use super::switchboard::Switchboard;
use super::words::WordError;
use crate::clock;
use crate::supervision::{Context, Handles, Reply, Resident};

/// How often blocks come, and what goes wrong with them.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    /// Time between two blocks; zero makes blocks only on demand.
    pub(super) block_time: Duration,
    pub(super) planned: Vec<Planned>,
    pub(super) chaos: Option<Chaos>,
    /// Whether clients may order misbehaviour.
    pub(super) allows_control: bool,
}

/// What the host shares with the connections; it survives a restart of either.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    pub(super) switchboard: Arc<Switchboard>,
    pub(super) news: broadcast::Sender<Arc<News>>,
}

/// The actor that owns the chain.
pub(super) struct DevNodeHost {
    pub(super) served: Served,
    store: Option<ChainStore>,
    pace: Pace,
    news: broadcast::Sender<Arc<News>>,
    next_block_at: Instant,
    /// The disk did not take the newest block: clients must not hear of it.
    has_failed: bool,
}

impl DevNodeHost {
    pub(super) fn new(node: DevNode, store: Option<ChainStore>, pace: Pace, wire: Wire) -> Self {
        let Wire { switchboard, news } = wire;
        Self {
            served: Served::new(node, switchboard),
            store,
            pace,
            news,
            next_block_at: Instant::now(),
            has_failed: false,
        }
    }

    /// Schedules the next block at its time, however long this one took.
    fn schedule(&mut self, ctx: &mut Context<'_, Self>) {
        let now = Instant::now();
        self.next_block_at = (self.next_block_at + self.pace.block_time).max(now);
        ctx.after(self.next_block_at - now, |this, ctx| {
            if this.produce(ctx) {
                this.schedule(ctx);
            }
        });
    }

    /// Makes a block, saves it and announces it. `false` when it could not be saved.
    pub(super) fn produce(&mut self, ctx: &mut Context<'_, Self>) -> bool {
        self.misbehave_as_planned();
        let produced = self.served.node.produce_block(clock::unix_ns() / 1_000_000);
        if let Some(store) = &mut self.store
            && let Err(error) = store.save(produced.best.number, &self.served.node)
        {
            self.has_failed = true;
            ctx.fail(HostError::Save { block: produced.best.number, error });
            return false;
        }
        debug!(
            block = produced.best.number,
            transactions = produced.included.len(),
            dropped = produced.dropped.len(),
            "block made"
        );
        // Fails only when no client is connected.
        let _ = self.news.send(Arc::new(self.served.tell(produced)));
        true
    }

    fn misbehave_as_planned(&mut self) {
        let next = self.served.node.best().number.saturating_add(1);
        let is_due = |planned: &&Planned| planned.block == next;
        let mut due: Vec<_> =
            self.pace.planned.iter().filter(is_due).map(|planned| planned.what.clone()).collect();
        due.extend(self.pace.chaos.as_ref().and_then(|chaos| chaos.draw(next)));
        for what in due {
            info!(block = next, ?what, "carrying out ordered misbehaviour");
            if let Err(error) = self.misbehave(what) {
                debug!(?error, "ordered misbehaviour could not be carried out");
            }
        }
    }

    /// Carries out an order to misbehave, at once or at the next occasion.
    pub(super) fn misbehave(&mut self, what: Misbehaviour) -> Result<(), RpcError> {
        let switchboard = &self.served.switchboard;
        match what {
            Misbehaviour::Drop => switchboard.drop_all(),
            Misbehaviour::Shut(for_long) => switchboard.shut(for_long),
            Misbehaviour::Stall(for_long) => switchboard.stall(for_long),
            Misbehaviour::Deafen => switchboard.deafen_all(),
            Misbehaviour::Slow(up_to) => switchboard.slow_down(up_to),
            Misbehaviour::Refuse(refusal, times) => self.served.refuse(refusal, times),
            Misbehaviour::HoldFinality(blocks, order) => self.served.hold_finality(blocks, order),
            Misbehaviour::Retract(times) => self.served.retract(times),
            Misbehaviour::EndWatches(end, times) => self.served.end_watches(end, times),
            Misbehaviour::Upgrade(name) => {
                let generation = match name {
                    Some(name) => generation(&name)?,
                    // A chain never goes back, so this keeps the newest generation, with a higher
                    // version.
                    None => Generation::Modular,
                };
                self.served.node.schedule_upgrade(generation);
            }
        }
        Ok(())
    }

    fn answer(&mut self, ask: &Ask, ctx: &mut Context<'_, Self>) -> Answer {
        self.check()?;
        if let Some(method) = methods::find(&ask.method) {
            return method(&mut self.served, &ask.params);
        }
        let controls = self.pace.allows_control.then(|| control::find(&ask.method)).flatten();
        let control = controls.ok_or_else(RpcError::unknown_method)?;
        control(self, &ask.params, ctx)
    }

    fn check(&self) -> Result<(), RpcError> {
        let error = || RpcError::new(INTERNAL_ERROR, "the chain's state could not be saved");
        if self.has_failed { Err(error()) } else { Ok(()) }
    }
}

/// The runtime generation of this name.
///
/// # Errors
/// An unknown name.
pub fn generation(name: &str) -> Result<Generation, WordError> {
    let known = Generation::NAMED.iter().find(|(known, _)| *known == name);
    known.map(|(_, generation)| *generation).ok_or_else(|| {
        let names = Generation::NAMED.map(|(name, _)| name);
        WordError::unknown("runtime generation", name, &names)
    })
}

impl Drop for DevNodeHost {
    /// Cuts the connections of clients that wait for something only this life knew of.
    fn drop(&mut self) {
        self.served.switchboard.drop_all();
    }
}

/// Why the host cannot continue.
#[derive(Debug, thiserror::Error)]
pub(super) enum HostError {
    #[error(transparent)]
    Open(#[from] StoreError),
    #[error("block {block} could not be saved: {error}")]
    Save { block: u64, error: StoreError },
}

impl Resident for DevNodeHost {
    type Error = HostError;

    const MAILBOX: usize = 4096;

    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), Self::Error> {
        self.next_block_at = Instant::now();
        if !self.pace.block_time.is_zero() {
            self.schedule(ctx);
        }
        Ok(())
    }
}

impl Handles<Ask> for DevNodeHost {
    fn handle(&mut self, ask: Ask, ctx: &mut Context<'_, Self>) -> Reply<Answer> {
        Reply::Now(self.answer(&ask, ctx))
    }
}

impl Handles<Watched> for DevNodeHost {
    fn handle(
        &mut self,
        Watched { extrinsic }: Watched,
        _: &mut Context<'_, Self>,
    ) -> Reply<Result<Submitted, RpcError>> {
        Reply::Now(self.check().and_then(|()| self.served.submit_watched(&extrinsic)))
    }
}

impl Handles<ReadValues> for DevNodeHost {
    fn handle(
        &mut self,
        ReadValues { keys }: ReadValues,
        _: &mut Context<'_, Self>,
    ) -> Reply<Result<Values, RpcError>> {
        let best = self.served.node.best().hash;
        let values = methods::values(&self.served, &keys, Some(best));
        Reply::Now(self.check().and(values).map(|values| (best, values)))
    }
}
