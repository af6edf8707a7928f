//! Keeps the record on chain that says where an axon is. It knows nothing of requests.

use std::net::SocketAddr;
use std::time::Duration;

use sn1::chain::{AxonInfo, Chain, ChainError, Included, Netuid};
use sn1::synapse::SDK_VERSION;
use sn1::wallet::Keypair;
use tokio_stream::wrappers::WatchStream;
use tracing::{debug, warn};

use crate::chain::MetagraphFeed;
use crate::supervision::{Context, Resident};

/// Time for the metagraph to show what is on chain now.
const ASK_AGAIN: Duration = Duration::from_secs(3);

/// Whose axon, and where it is reached.
#[derive(Clone)]
pub struct AxonRecord {
    /// The subnet.
    pub netuid: Netuid,
    /// The hotkey that serves.
    pub hotkey: Keypair,
    /// The address that is published.
    pub external: SocketAddr,
}

/// The actor that publishes one axon's address whenever the chain shows another one.
pub struct AxonPublisher<C> {
    chain: C,
    record: AxonRecord,
    metagraph: MetagraphFeed,
    is_publishing: bool,
}

impl<C: Chain> AxonPublisher<C> {
    /// A publisher of this record.
    pub fn new(chain: C, record: AxonRecord, metagraph: MetagraphFeed) -> Self {
        Self { chain, record, metagraph, is_publishing: false }
    }

    fn publish(&mut self, ctx: &mut Context<'_, Self>) {
        let wanted = AxonInfo::for_address(self.record.external, SDK_VERSION);
        let own = self.record.hotkey.account_id();
        let shown = self
            .metagraph
            .borrow()
            .as_ref()
            .and_then(|known| known.neuron_of(&own).map(|own| own.axon));
        let is_due = shown.is_some_and(|shown| !shown.is_same_endpoint(&wanted));
        if !is_due || std::mem::replace(&mut self.is_publishing, true) {
            return;
        }
        let (chain, record) = (self.chain.clone(), self.record.clone());
        let submit = async move { chain.serve_axon(&record.hotkey, record.netuid, wanted).await };
        ctx.run(submit, |this, outcome, ctx| this.published(outcome, ctx));
    }

    fn published(&mut self, outcome: Result<Included, ChainError>, ctx: &mut Context<'_, Self>) {
        ctx.after(ASK_AGAIN, |this, ctx| {
            this.is_publishing = false;
            this.publish(ctx);
        });
        let address = self.record.external;
        match outcome {
            Ok(included) => debug!(%address, block = included.head.number, "axon published"),
            Err(error) => warn!(%address, %error, "axon not published, trying again"),
        }
    }
}

impl<C: Chain> Resident for AxonPublisher<C> {
    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), String> {
        ctx.listen(WatchStream::new(self.metagraph.clone()), |this, _, ctx| this.publish(ctx));
        Ok(())
    }
}
