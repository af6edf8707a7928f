//! Follows the chain's head and tells everyone. A chain that does not answer is counted and asked
//! again; readers see the age of the last head.

use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{counter, gauge};
use sn1::chain::{Chain, ChainError, Head};
use sn1::telemetry;
use tokio::sync::watch;
use tracing::warn;

use super::SeenHead;
use crate::supervision::{Context, Resident};

/// The actor that watches for blocks.
pub struct ChainLink<C> {
    chain: C,
    poll_every: Duration,
    heads: Arc<watch::Sender<Option<SeenHead>>>,
    is_asking: bool,
}

impl<C: Chain> ChainLink<C> {
    /// Asks `chain` for its head at an interval and publishes each new one.
    pub fn new(
        chain: C,
        poll_every: Duration,
        heads: Arc<watch::Sender<Option<SeenHead>>>,
    ) -> Self {
        Self { chain, poll_every, heads, is_asking: false }
    }

    fn poll(&mut self, ctx: &mut Context<'_, Self>) {
        if std::mem::replace(&mut self.is_asking, true) {
            return; // Overload drops ticks.
        }
        let chain = self.chain.clone();
        ctx.run(async move { chain.head().await }, |this, answer, _| this.settle(answer));
    }

    fn settle(&mut self, answer: Result<Head, ChainError>) {
        self.is_asking = false;
        match answer {
            Ok(head) => self.publish(head),
            Err(error) => {
                counter!(telemetry::CHAIN_ERRORS.name).increment(1);
                warn!(%error, "chain did not answer");
            }
        }
    }

    fn publish(&self, head: Head) {
        self.heads.send_if_modified(|seen| {
            let is_new = seen.is_none_or(|seen| seen.head != head);
            if is_new {
                gauge!(telemetry::CHAIN_BLOCK.name).set(head.number as f64);
                *seen = Some(SeenHead { head, at: Instant::now() });
            }
            is_new
        });
    }
}

impl<C: Chain> Resident for ChainLink<C> {
    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), String> {
        self.poll(ctx);
        ctx.every(self.poll_every, |this, ctx| this.poll(ctx));
        Ok(())
    }
}
