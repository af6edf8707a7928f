//! Follows the chain's head and tells everyone. It keeps one of the client's nodes followed, whatever
//! becomes of nodes, and publishes what that node says as it says it. Readers never wait: they see
//! the last head, and its age.
//!
//! It owns what the log says of an outage: a line when the chain goes, one a minute with what waits
//! for it, one when it is back.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{counter, gauge};
use sn1::chain::Head;
use sn1::telemetry;
use tokio::sync::watch;
use tracing::{debug, info, warn};

use super::clock_watch::ClockWatch;
use super::subtensor::{Endpoint, LinkEvent, Subtensor};
use crate::feeds::{Feeds, LinkState, SeenHead};
use crate::recording::{Reminder, prime};
use crate::supervision::{Context, Resident};

/// How often the age of the newest block is recorded.
const AGE_EVERY: Duration = Duration::from_secs(1);

/// The feeds that it writes to.
type Heads = Arc<watch::Sender<Option<SeenHead>>>;

/// The actor that watches for blocks.
pub struct ChainLink {
    client: Subtensor,
    feeds: Feeds,
    reminder: Reminder,
    clock: ClockWatch,
}

impl ChainLink {
    /// Keeps a node of `client` followed, and publishes each block and each final one.
    pub fn following(client: Subtensor, feeds: Feeds) -> Self {
        let clock = ClockWatch::of(feeds.clock.clone());
        Self { client, feeds, reminder: Reminder::default(), clock }
    }

    /// What the client's link says. It never ends, and connects by itself.
    fn take(&mut self, event: LinkEvent, ctx: &mut Context<'_, Self>) {
        match event {
            LinkEvent::Connected { endpoint, index } => {
                gauge!(telemetry::CHAIN_CONNECTED.name).set(1.0);
                gauge!(telemetry::CHAIN_ENDPOINT.name).set(index as f64);
                self.came_up(&endpoint);
            }
            LinkEvent::Best(head) => {
                if let Some(look) = self.clock.look(&self.client, head) {
                    ctx.run(look, |this, (), _| this.clock.tell());
                }
                self.publish(head);
            }
            LinkEvent::Finalized(head) => self.publish_final(head),
            LinkEvent::Runtime { spec_version } => {
                gauge!(telemetry::CHAIN_SPEC_VERSION.name).set(f64::from(spec_version));
                info!(spec_version, "the chain's runtime");
            }
            LinkEvent::Silent { silent } => {
                warn!(seconds = silent.as_secs_f64(), "no new block, and no other node to ask");
            }
            LinkEvent::Lost { endpoint, reason, pause, was_followed } => {
                gauge!(telemetry::CHAIN_CONNECTED.name).set(0.0);
                if was_followed {
                    counter!(telemetry::CHAIN_CONNECTIONS_LOST.name).increment(1);
                }
                debug!(%endpoint, reason, ?pause, was_followed, "no node is followed");
                self.went_away(&endpoint, &reason);
            }
        }
    }

    fn came_up(&mut self, endpoint: &Endpoint) {
        let before = self.feeds.link.send_replace(LinkState::Up);
        self.reminder = Reminder::default();
        match before {
            LinkState::Away { since, .. } => {
                let seconds = since.elapsed().as_secs();
                info!(%endpoint, seconds, "the chain is back");
            }
            LinkState::Starting | LinkState::Up => info!(%endpoint, "following the chain"),
        }
    }

    /// The first node that fails is a line, and what waits is one a minute from then on.
    fn went_away(&mut self, endpoint: &Endpoint, reason: &str) {
        let before = self.feeds.link.borrow().clone();
        let since = match before {
            LinkState::Away { since, .. } => since,
            LinkState::Starting | LinkState::Up => Instant::now(),
        };
        let state = LinkState::Away { since, reason: format!("{endpoint}: {reason}") };
        self.feeds.link.send_replace(state);
        if !before.is_away() && self.reminder.is_due(Instant::now()).is_some() {
            let then = self.client.others(endpoint);
            warn!(%endpoint, reason, "lost the chain's node, {then}");
        }
    }

    fn remind(&mut self) {
        let LinkState::Away { since, reason } = self.feeds.link.borrow().clone() else { return };
        if self.reminder.is_due(Instant::now()).is_some() {
            let (seconds, waits) = (since.elapsed().as_secs(), self.feeds.waits.listed());
            warn!(seconds, reason, waits, "the chain is away, trying again");
        }
    }

    fn publish(&self, head: Head) {
        if publish_in(&self.feeds.heads, head) {
            gauge!(telemetry::CHAIN_BLOCK.name).set(head.number as f64);
            self.record_age();
        }
    }

    fn publish_final(&self, head: Head) {
        gauge!(telemetry::CHAIN_FINAL_BLOCK.name).set(head.number as f64);
        publish_in(&self.feeds.finals, head);
    }

    fn record_age(&self) {
        if let Some(seen) = *self.feeds.heads.borrow() {
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
        let recorded =
            [telemetry::CHAIN_CONNECTIONS_LOST, telemetry::CHAIN_ERRORS, telemetry::CHAIN_LIMITED];
        prime(&recorded, &[]);
        ctx.listen(self.client.follow(), |this, event, ctx| this.take(event, ctx));
        ctx.every(AGE_EVERY, |this, _| {
            this.record_age();
            this.remind();
            this.clock.tell();
        });
        Ok(())
    }
}
