//! Publishes on chain where an axon and its metrics are reached. It handles no requests.
//!
//! A record is sent only when the chain shows a different one, and not before the chain's serving
//! rate limit allows it. After a refusal, the class of the error decides when the next attempt is
//! made: what only a change can mend is tried again when our place on the subnet changes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use metrics::counter;
use sn1::chain::serving::{Serving, axon_due, prometheus_due};
use sn1::chain::{
    AxonInfo, Chain, ChainError, Included, Metagraph, Netuid, PrometheusInfo, PrometheusRecord,
    Refusal, RefusalClass, Uid,
};
use sn1::synapse::SDK_VERSION;
use sn1::telemetry;
use sn1::wallet::Keypair;
use strum::{IntoStaticStr, VariantNames};
use tokio_stream::wrappers::WatchStream;
use tracing::{debug, info, warn};

use crate::feeds::Feeds;
use crate::recording::{Failures, prime};
use crate::supervision::{Context, Resident};

/// Blocks between attempts when only a change can make one succeed, and none is seen: the runtime may
/// have changed.
const STOPPED_FOR: u64 = 7_200;

/// The record to publish: whose axon it is and where it is reached.
#[derive(Clone)]
pub struct AxonRecord {
    /// The subnet that the hotkey is registered in.
    pub netuid: Netuid,
    /// The hotkey that serves and signs the extrinsic.
    pub hotkey: Keypair,
    /// The address to publish for the axon.
    pub external: SocketAddr,
    /// The address to publish for the metrics; `None` publishes nothing.
    pub prometheus: Option<SocketAddr>,
}

/// What is said of a record at the start, by what the chain shows.
pub fn published_as(record: &AxonRecord, known: &Metagraph) -> String {
    let (address, hotkey) = (record.external, record.hotkey.account_id());
    match axon_due(known, &hotkey, &AxonInfo::for_address(address, SDK_VERSION)) {
        Serving::Wait { until_block } => {
            format!("to be published as {address}, which waits until block {until_block}")
        }
        _ => format!("published as {address}"),
    }
}

/// The actor that publishes an axon's address whenever the chain shows another one.
pub struct AxonPublisher<C> {
    chain: C,
    record: AxonRecord,
    /// Its name among those who wait for the chain.
    name: Arc<str>,
    feeds: Feeds,
    /// The metrics' record on chain; `None` before it was read.
    prometheus: Option<Option<PrometheusRecord>>,
    /// First block at which to compare again: earlier snapshots are stale, or a pause is not over.
    not_before: u64,
    /// Our place when a refusal stopped us.
    stopped: Option<Place>,
    failures: Failures,
    is_busy: bool,
}

/// What of the subnet decides whether a record is taken: our slot, and what it shows.
type Place = Option<(Uid, AxonInfo)>;

/// The record that an extrinsic carries.
#[derive(Debug, Clone, Copy, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
enum Record {
    Axon,
    Prometheus(PrometheusInfo),
}

impl Record {
    fn label(self) -> &'static str {
        self.into()
    }
}

impl<C: Chain> AxonPublisher<C> {
    /// A publisher that has read and sent nothing yet.
    pub fn new(chain: C, record: AxonRecord, name: Arc<str>, feeds: Feeds) -> Self {
        let (prometheus, not_before, stopped, is_busy) = (None, 0, None, false);
        let failures = Failures::default();
        Self { chain, record, name, feeds, prometheus, not_before, stopped, failures, is_busy }
    }

    fn place(&self, known: &Metagraph) -> Place {
        let own = known.neuron_of(&self.record.hotkey.account_id());
        own.map(|neuron| (neuron.uid, neuron.axon))
    }

    /// Publishes whatever differs from the chain, one record at a time.
    fn publish(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(known) = self.feeds.metagraph.borrow().clone() else { return };
        if self.stopped.is_some_and(|place| place != self.place(&known)) {
            (self.stopped, self.not_before) = (None, known.head.number);
        }
        if self.is_busy || known.head.number < self.not_before {
            return;
        }
        let wanted = AxonInfo::for_address(self.record.external, SDK_VERSION);
        match axon_due(&known, &self.record.hotkey.account_id(), &wanted) {
            Serving::Publish => self.send_axon(wanted, ctx),
            Serving::Wait { until_block } => self.wait(until_block),
            Serving::Shown => {
                self.feeds.waits.clear(&self.name);
                self.publish_prometheus(&known, ctx);
            }
            Serving::NotRegistered => self.feeds.waits.clear(&self.name),
        }
    }

    /// The serving rate limit: the chain shows the old address until then.
    fn wait(&mut self, until_block: u64) {
        self.not_before = until_block.saturating_sub(1);
        let address = self.record.external;
        info!(%address, until_block, "the chain takes the axon's new address later");
        self.tell_wait(format!("{address} waits until block {until_block} to be published"));
    }

    fn tell_wait(&self, what: String) {
        self.feeds.waits.set(&self.name, what);
    }

    fn send_axon(&mut self, wanted: AxonInfo, ctx: &mut Context<'_, Self>) {
        self.is_busy = true;
        self.tell_wait(format!("{} is being published", self.record.external));
        let (chain, record) = (self.chain.clone(), self.record.clone());
        let submit = async move { chain.serve_axon(&record.hotkey, record.netuid, wanted).await };
        ctx.run(submit, |this, outcome, ctx| this.published(Record::Axon, outcome, ctx));
    }

    fn publish_prometheus(&mut self, known: &Metagraph, ctx: &mut Context<'_, Self>) {
        let Some(address) = self.record.prometheus else { return };
        let Some(shown) = self.prometheus else { return self.ask_prometheus(ctx) };
        let wanted = PrometheusInfo::for_address(address, SDK_VERSION);
        match prometheus_due(known, &self.record.hotkey.account_id(), shown.as_ref(), &wanted) {
            Serving::Publish => self.send_prometheus(wanted, ctx),
            Serving::Wait { until_block } => self.not_before = until_block.saturating_sub(1),
            Serving::Shown | Serving::NotRegistered => {}
        }
    }

    fn ask_prometheus(&mut self, ctx: &mut Context<'_, Self>) {
        self.is_busy = true;
        let (chain, record) = (self.chain.clone(), self.record.clone());
        let ask = async move { chain.prometheus(record.netuid, &record.hotkey.account_id()).await };
        ctx.run(ask, |this, shown, ctx| {
            this.is_busy = false;
            match shown {
                Ok(shown) => this.prometheus = Some(shown),
                // This runtime cannot be asked for the record: publish it once.
                Err(ChainError::Missing(_)) => this.prometheus = Some(None),
                Err(error) => {
                    let is_explained = this.feeds.link.borrow().is_away();
                    if this.failures.count(is_explained, Instant::now()) {
                        warn!(%error, "the metrics' record could not be read");
                    }
                    return;
                }
            }
            this.publish(ctx);
        });
    }

    fn send_prometheus(&mut self, wanted: PrometheusInfo, ctx: &mut Context<'_, Self>) {
        self.is_busy = true;
        let (chain, record) = (self.chain.clone(), self.record.clone());
        let submit =
            async move { chain.serve_prometheus(&record.hotkey, record.netuid, wanted).await };
        ctx.run(submit, move |this, outcome, ctx| {
            this.published(Record::Prometheus(wanted), outcome, ctx);
        });
    }

    fn published(
        &mut self,
        record: Record,
        outcome: Result<Included, ChainError>,
        ctx: &mut Context<'_, Self>,
    ) {
        self.is_busy = false;
        let (label, address) = (record.label(), self.record.external);
        let known = self.feeds.metagraph.borrow().clone();
        let head = known.as_ref().map_or(0, |known| known.head.number);
        let (counted, pause) = match &outcome {
            Ok(included) => {
                debug!(%address, record = label, block = included.head.number, "record published");
                self.failures = Failures::default();
                self.landed(record, included);
                ("published", 0)
            }
            Err(error) => {
                let pause = pause_after(error).max(self.failures.blocks());
                let hint = hint_of(error, address);
                let is_explained = self.feeds.link.borrow().is_away();
                let is_refused = !matches!(error, ChainError::Unreachable { .. });
                if self.failures.count(is_explained, Instant::now()) || is_refused {
                    warn!(%address, record = label, %error, hint, "record not published");
                }
                if pause >= STOPPED_FOR {
                    self.stopped = known.as_ref().map(|known| self.place(known));
                    self.tell_wait(format!("{address} is refused: {error}{hint}"));
                }
                if matches!(record, Record::Prometheus(_)) {
                    self.prometheus = None; // Its fate may be unknown: the chain is asked again.
                }
                (failure_label(error), pause)
            }
        };
        self.not_before = self.not_before.max(head + pause);
        counter!(telemetry::AXON_RECORDS.name, "record" => label, "outcome" => counted)
            .increment(1);
        self.publish(ctx);
    }

    /// Ignores snapshots from before the block of inclusion, which would show the old record.
    fn landed(&mut self, record: Record, included: &Included) {
        let block = included.head.number;
        self.not_before = self.not_before.max(block);
        if let Record::Prometheus(info) = record {
            self.prometheus = Some(Some(PrometheusRecord { block, info }));
        }
        self.feeds.hints.give();
    }
}

/// What the operator can do about a refused address.
fn hint_of(error: &ChainError, address: SocketAddr) -> &'static str {
    match error {
        ChainError::Refused { refusal: Refusal::InvalidIpAddress, .. }
            if address.ip().is_loopback() =>
        {
            "; set --axon.external_ip, on a chain of this machine for example to 127.0.0.2"
        }
        ChainError::Refused {
            refusal: Refusal::InvalidIpAddress | Refusal::InvalidIpType, ..
        } => "; set --axon.external_ip to an address that others can dial",
        ChainError::Refused { refusal: Refusal::InvalidPort, .. } => "; set --axon.external_port",
        _ => "",
    }
}

fn failure_label(error: &ChainError) -> &'static str {
    match error {
        ChainError::Unreachable { .. } => "unanswered",
        ChainError::NoSubnet(_)
        | ChainError::Missing(_)
        | ChainError::Unsent { .. }
        | ChainError::Refused { .. } => "refused",
    }
}

/// Blocks until the next attempt. When a submission's outcome is unknown, the next snapshot shows
/// it.
fn pause_after(error: &ChainError) -> u64 {
    match error {
        ChainError::Unreachable { .. } => 1,
        ChainError::NoSubnet(_) | ChainError::Missing(_) | ChainError::Unsent { .. } => STOPPED_FOR,
        ChainError::Refused { refusal, .. } => match refusal.class() {
            RefusalClass::Replan | RefusalClass::Later | RefusalClass::Wait => 1,
            RefusalClass::AlreadyKnown => 2,
            RefusalClass::Stop => STOPPED_FOR,
        },
    }
}

impl<C: Chain> Resident for AxonPublisher<C> {
    type Error = Infallible;

    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), Self::Error> {
        prime(&[telemetry::AXON_RECORDS], &[]);
        ctx.listen(WatchStream::new(self.feeds.metagraph()), |this, _, ctx| this.publish(ctx));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_those_of_the_metric() {
        assert_eq!(telemetry::AXON_RECORDS.values("record"), Record::VARIANTS);
    }
}
