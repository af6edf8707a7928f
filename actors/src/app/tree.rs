//! The one builder of a node's tree. A role is a list of parts; here they become the root's
//! children, in the order in which they start. They stop in the reverse one, so that whoever is
//! asked outlives all who ask.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use sn1::chain::Netuid;
use sn1::wallet::AccountId;

use super::Failure;
use super::parts::{
    ChainPart, Conditions, Inference, MinerSettings, Validator, axon_publisher, miner_children,
    telemetry,
};
use super::run::Listeners;
use crate::axon::AxonRecord;
use crate::chain::SyncSettings;
use crate::devnode::PreparedDevNode;
use crate::supervision::ChildSpec;

/// The shortest interval between two reads of the subnet, however fast blocks come.
const SYNC_INTERVAL: Duration = Duration::from_millis(200);

/// The parts of a role.
pub(super) struct NodeParts {
    pub(super) netuid: Netuid,
    /// The hotkey whose neuron this node looks after.
    pub(super) own: AccountId,
    pub(super) chain: ChainPart,
    /// Blocks between two reads of the subnet.
    pub(super) every_blocks: u64,
    pub(super) metrics: PrometheusHandle,
    /// The listener of the pages, already bound.
    pub(super) pages: TcpListener,
    /// On a local net, a key that may ask its miners.
    pub(super) development_key: Option<Arc<str>>,
    /// The chain itself, on a local net.
    pub(super) dev_chain: Option<PreparedDevNode>,
    pub(super) inference: Option<Inference>,
    pub(super) validator: Option<Validator>,
    /// The address that a node publishes although it serves nothing there.
    pub(super) published: Option<AxonRecord>,
    pub(super) miners: Vec<MinerSettings>,
}

/// The children of the root. Nothing runs yet.
///
/// # Errors
/// A listener that cannot be shared between the lives of its actor.
pub(super) fn build(parts: NodeParts, listeners: &Listeners) -> Result<Vec<ChildSpec>, Failure> {
    let pages = pages(&parts)?;
    let NodeParts { chain, dev_chain, inference, validator, published, miners, .. } = &parts;
    let group = |name, children| listeners.supervisor(name, children);
    let mut root = vec![pages];
    root.extend(validator.as_ref().map(Validator::event_log));
    root.extend(dev_chain.clone().map(|chain| group("DevChain", chain.children())));
    root.push(group("ChainSupervisor", chain_side(&parts, listeners)));
    let models = inference.as_ref().map(|inference| inference.children.clone());
    root.extend(models.map(|models| group("InferenceSupervisor", models)));
    let published = published.as_ref().map(|record| axon_publisher("AxonPublisher", record, chain));
    root.extend(published);
    let mut axons = Vec::new();
    for miner in miners {
        axons.extend(miner_children(miner, chain).map_err(Failure::unshared)?);
    }
    if !axons.is_empty() {
        root.push(group("AxonSupervisor", axons));
    }
    let asking = validator.as_ref().map(|it| it.conversation(&chain.feeds, &listeners.notices));
    root.extend(asking.map(|children| group("ConversationSupervisor", children)));
    Ok(root)
}

fn pages(parts: &NodeParts) -> Result<ChildSpec, Failure> {
    let feeds = &parts.chain.feeds;
    let mut conditions = Conditions::of_chain(feeds).and_registration(feeds, parts.own);
    if parts.validator.is_some() {
        conditions = conditions.and_weights(feeds);
    }
    // The many miners of a local net have no line each.
    if let [miner] = &parts.miners[..]
        && let Some(publisher) = miner.publisher()
    {
        conditions = conditions.and_address(feeds, publisher);
    }
    if let Some(inference) = &parts.inference {
        conditions = conditions.and("model", Arc::clone(&inference.ready));
    }
    let (metrics, key) = (parts.metrics.clone(), parts.development_key.clone());
    telemetry(metrics, &parts.pages, conditions, feeds, key).map_err(Failure::unshared)
}

fn chain_side(parts: &NodeParts, listeners: &Listeners) -> Vec<ChildSpec> {
    let sync = SyncSettings {
        netuid: parts.netuid,
        own: Some(parts.own),
        every_blocks: parts.every_blocks,
        min_interval: SYNC_INTERVAL,
    };
    let mut children = vec![parts.chain.link(), parts.chain.sync(sync)];
    let validator = parts.validator.as_ref();
    children.extend(validator.map(|it| it.committer(&parts.chain, listeners.notices.clone())));
    children
}
