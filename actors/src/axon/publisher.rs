//! Publishes on chain where an axon and its metrics are reached. It handles no requests.
//!
//! A record is sent only when the chain shows a different one, and not before the chain's serving
//! rate limit allows it. After a refusal, the class of the error decides when the next attempt is
//! made.

use std::convert::Infallible;
use std::net::SocketAddr;

use metrics::counter;
use sn1::chain::serving::{Serving, axon_due, prometheus_due};
use sn1::chain::{
    AxonInfo, Chain, ChainError, Included, Metagraph, Netuid, PrometheusInfo, PrometheusRecord,
    RefusalClass,
};
use sn1::synapse::SDK_VERSION;
use sn1::telemetry;
use sn1::wallet::Keypair;
use strum::{IntoStaticStr, VariantNames};
use tokio_stream::wrappers::WatchStream;
use tracing::{debug, warn};

use crate::feeds::{MetagraphFeed, SyncHints};
use crate::supervision::{Context, Resident};

/// Blocks between attempts when only an operator, or a change of the subnet, can make one succeed.
const STOPPED_FOR: u64 = 50;

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

/// The actor that publishes an axon's address whenever the chain shows another one.
pub struct AxonPublisher<C> {
    chain: C,
    record: AxonRecord,
    metagraph: MetagraphFeed,
    hints: SyncHints,
    /// The metrics' record on chain; `None` before it was read.
    prometheus: Option<Option<PrometheusRecord>>,
    /// First block at which to compare again: earlier snapshots are stale, or a pause is not over.
    not_before: u64,
    is_busy: bool,
}

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
    pub fn new(chain: C, record: AxonRecord, metagraph: MetagraphFeed, hints: SyncHints) -> Self {
        let (prometheus, not_before, is_busy) = (None, 0, false);
        Self { chain, record, metagraph, hints, prometheus, not_before, is_busy }
    }

    /// Publishes whatever differs from the chain, one record at a time.
    fn publish(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(known) = self.metagraph.borrow().clone() else { return };
        if self.is_busy || known.head.number < self.not_before {
            return;
        }
        let wanted = AxonInfo::for_address(self.record.external, SDK_VERSION);
        match axon_due(&known, &self.record.hotkey.account_id(), &wanted) {
            Serving::Publish => self.send_axon(wanted, ctx),
            Serving::Wait { until_block } => self.not_before = until_block.saturating_sub(1),
            Serving::Shown => self.publish_prometheus(&known, ctx),
            Serving::NotRegistered => {}
        }
    }

    fn send_axon(&mut self, wanted: AxonInfo, ctx: &mut Context<'_, Self>) {
        self.is_busy = true;
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
                Err(error) => return warn!(%error, "the metrics' record could not be read"),
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
        let known = self.metagraph.borrow().as_ref().map_or(0, |known| known.head.number);
        let (counted, pause) = match &outcome {
            Ok(included) => {
                debug!(%address, record = label, block = included.head.number, "record published");
                self.landed(record, included);
                ("published", 0)
            }
            Err(error) => {
                warn!(%address, record = label, %error, "record not published, trying again");
                if matches!(record, Record::Prometheus(_)) {
                    self.prometheus = None; // Its fate may be unknown: the chain is asked again.
                }
                (failure_label(error), pause_after(error))
            }
        };
        self.not_before = self.not_before.max(known + pause);
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
        self.hints.give();
    }
}

fn failure_label(error: &ChainError) -> &'static str {
    match error {
        ChainError::Unreachable { .. } => "unanswered",
        ChainError::NoSubnet(_) | ChainError::Missing(_) | ChainError::Refused { .. } => "refused",
    }
}

/// Blocks until the next attempt. When a submission's outcome is unknown, the next snapshot shows
/// it.
fn pause_after(error: &ChainError) -> u64 {
    match error {
        ChainError::Unreachable { .. } => 1,
        ChainError::NoSubnet(_) | ChainError::Missing(_) => STOPPED_FOR,
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
        ctx.listen(WatchStream::new(self.metagraph.clone()), |this, _, ctx| this.publish(ctx));
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
