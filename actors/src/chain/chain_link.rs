//! Follows the chain's head and tells everyone. It keeps one of the client's nodes followed, whatever
//! becomes of nodes, and publishes what that node says as it says it. Readers never wait: they see
//! the last head, and its age.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{counter, gauge};
use sn1::chain::Head;
use sn1::telemetry;
use tokio::sync::watch;
use tracing::{info, warn};

use super::subtensor::{LinkEvent, Subtensor};
use crate::feeds::SeenHead;
use crate::supervision::{Context, Resident};

/// How often the age of the newest block is recorded.
const AGE_EVERY: Duration = Duration::from_secs(1);

/// The feeds that it writes to.
type Heads = Arc<watch::Sender<Option<SeenHead>>>;

/// The actor that watches for blocks.
pub struct ChainLink {
    client: Subtensor,
    heads: Heads,
    finals: Heads,
}

impl ChainLink {
    /// Keeps a node of `client` followed, and publishes each block and each final one.
    pub fn following(client: Subtensor, heads: Heads, finals: Heads) -> Self {
        Self { client, heads, finals }
    }

    /// What the client's link says. It never ends, and connects by itself.
    fn take(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Connected { endpoint, index } => {
                gauge!(telemetry::CHAIN_CONNECTED.name).set(1.0);
                gauge!(telemetry::CHAIN_ENDPOINT.name).set(index as f64);
                info!(%endpoint, "following the chain");
            }
            LinkEvent::Best(head) => self.publish(head),
            LinkEvent::Finalized(head) => self.publish_final(head),
            LinkEvent::Runtime { spec_version } => {
                gauge!(telemetry::CHAIN_SPEC_VERSION.name).set(f64::from(spec_version));
                info!(spec_version, "the chain's runtime");
            }
            LinkEvent::Silent { silent } => {
                warn!(seconds = silent.as_secs_f64(), "no new block, and no other node to ask");
            }
            LinkEvent::Lost { endpoint, reason, pause } => {
                gauge!(telemetry::CHAIN_CONNECTED.name).set(0.0);
                counter!(telemetry::CHAIN_CONNECTIONS_LOST.name).increment(1);
                let pause = pause.as_secs_f64();
                warn!(%endpoint, reason, pause, "lost the chain's node, trying the next");
            }
        }
    }

    fn publish(&self, head: Head) {
        if publish_in(&self.heads, head) {
            gauge!(telemetry::CHAIN_BLOCK.name).set(head.number as f64);
            self.record_age();
        }
    }

    fn publish_final(&self, head: Head) {
        gauge!(telemetry::CHAIN_FINAL_BLOCK.name).set(head.number as f64);
        publish_in(&self.finals, head);
    }

    fn record_age(&self) {
        if let Some(seen) = *self.heads.borrow() {
            gauge!(telemetry::CHAIN_HEAD_AGE_SECONDS.name).set(seen.at.elapsed().as_secs_f64());
        }
    }
}

/// Whether the head is another one than the last.
fn publish_in(heads: &Heads, head: Head) -> bool {
    heads.send_if_modified(|seen| {
        let is_new = seen.is_none_or(|seen| seen.head != head);
        if is_new {
            *seen = Some(SeenHead { head, at: Instant::now() });
        }
        is_new
    })
}

impl Resident for ChainLink {
    type Error = Infallible;

    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), Self::Error> {
        ctx.listen(self.client.follow(), |this, event, _| this.take(event));
        ctx.every(AGE_EVERY, |this, _| this.record_age());
        Ok(())
    }
}
