//! The ground of a node on a chain: what its checks leave for each other, and for the run.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use sn1::chain::{Freshness, Metagraph, Netuid};
use sn1::wallet::Keypair;

use super::{Obstacle, found, take};
use crate::app::console::{Console, NodeLayout};
use crate::app::parts::ChainPart;
use crate::app::run::{Course, channels, run};
use crate::app::state::StateFolder;
use crate::app::tree::{self, NodeParts};
use crate::app::{Failure, RoleOptions};
use crate::axon::{AxonRecord, ExternalAddress};
use crate::chain::Failpoints;
use crate::chain::subtensor::{Deadlines, Endpoint, Subtensor, SubtensorSettings};
use crate::dendrite::is_public;
use crate::feeds::Feeds;
use crate::settings::{MetagraphSection, NodeConfig, NodeRole, Role};

/// What a node's checks share. `R` is what its role's own checks leave.
pub(in crate::app) struct Ground<'a, N, R> {
    pub(in crate::app) settings: &'a N,
    /// What every node has of them.
    pub(in crate::app) node: &'a NodeConfig,
    pub(super) name: Role,
    pub(super) options: &'a RoleOptions,
    pub(in crate::app) role: R,
    pub(super) pages: Option<TcpListener>,
    pub(super) hotkey: Option<Keypair>,
    pub(super) chain: Option<ReachedChain>,
    pub(super) external: Option<ExternalAddress>,
    pub(super) state: Option<StateFolder>,
}

/// A chain that has answered.
pub(super) struct ReachedChain {
    pub(super) known: Arc<Metagraph>,
    /// The hash of its first block.
    pub(super) genesis: String,
    pub(super) is_main: bool,
    pub(super) failpoints: Failpoints,
}

impl<'a, N: NodeRole, R> Ground<'a, N, R> {
    /// Nothing is checked yet.
    pub(in crate::app) fn new(settings: &'a N, options: &'a RoleOptions, role: R) -> Self {
        let (node, name) = (settings.node(), N::ROLE);
        let (pages, hotkey, chain, external, state) = (None, None, None, None, None);
        Self { settings, node, name, options, role, pages, hotkey, chain, external, state }
    }

    /// Whether real money is at stake; the check `chain` knows.
    pub(in crate::app) fn is_main(&self) -> Result<bool, Obstacle> {
        Ok(found(&self.chain, "chain")?.is_main)
    }

    /// Where others may reach this machine; the check `address` knows.
    pub(in crate::app) fn external(&self) -> Result<&ExternalAddress, Obstacle> {
        found(&self.external, "address")
    }

    /// Whether others can reach the address; on a chain of this machine any will do.
    pub(in crate::app) fn is_reachable(&self) -> Result<bool, Obstacle> {
        Ok(is_reachable(self.external()?, is_local(self.node)))
    }

    /// All that the run needs, and what the role's own checks left.
    ///
    /// # Errors
    /// A check that was not run.
    pub(in crate::app) fn ready(self) -> Result<(Ready, R), Failure> {
        let Self { node, role, .. } = self;
        let ReachedChain { known, failpoints, .. } = take(self.chain, "chain")?;
        let network = node.subtensor.nodes();
        let subtensor = SubtensorSettings { network, deadlines: Deadlines::default() };
        let client = Subtensor::with_failpoints(subtensor, failpoints.clone());
        let feeds = Feeds::with_freshness(freshness(node));
        let ready = Ready {
            netuid: Netuid(node.subnet.netuid),
            known,
            chain: ChainPart { client, feeds },
            failpoints,
            is_local: is_local(node),
            external: take(self.external, "address")?,
            pages: take(self.pages, "pages")?,
            state: take(self.state, "state")?,
            hotkey: take(self.hotkey, "wallet")?,
        };
        Ok((ready, role))
    }
}

/// Whether the chain is on this machine, so that its neurons may be too.
fn is_local(node: &NodeConfig) -> bool {
    node.subtensor.nodes().0.iter().all(Endpoint::is_local)
}

/// From which age on the metagraph is stale and too old.
fn freshness(node: &NodeConfig) -> Freshness {
    let MetagraphSection { every_blocks: _, stale_after, too_old_after } = node.metagraph;
    Freshness { block_time: node.blocks.block_time, stale_after, too_old_after }
}

fn is_reachable(external: &ExternalAddress, is_local: bool) -> bool {
    is_local || matches!(external, ExternalAddress::Set(_)) || is_public(external.ip())
}

/// A node whose checks have all passed.
pub(in crate::app) struct Ready {
    pub(in crate::app) hotkey: Keypair,
    pub(in crate::app) netuid: Netuid,
    /// The subnet as it was when it was first read.
    pub(in crate::app) known: Arc<Metagraph>,
    pub(in crate::app) chain: ChainPart,
    pub(in crate::app) failpoints: Failpoints,
    pub(in crate::app) external: ExternalAddress,
    /// Whether the chain is on this machine, so that its neurons may be too.
    pub(in crate::app) is_local: bool,
    pub(in crate::app) pages: TcpListener,
    pub(in crate::app) state: StateFolder,
}

impl Ready {
    /// Runs the tree of these parts until a signal comes or it gives up.
    pub(in crate::app) async fn run(
        self,
        options: &RoleOptions,
        mut console: Console,
        parts: impl FnOnce(&Self, &Console) -> Result<NodeParts, Failure>,
    ) -> Result<(), Failure> {
        if let Ok(address) = self.pages.local_addr() {
            console.say(format_args!("metrics on http://{address}/metrics"));
        }
        console.show(NodeLayout::new(self.hotkey.account_id(), &self.known));
        let channels = channels();
        let course = Course {
            faults: &options.faults,
            subnet: Some(self.chain.feeds.metagraph()),
            greeting: Some("started; Ctrl-C stops".to_owned()),
            ..Course::new("Node", tree::build(parts(&self, &console)?, &channels.0)?)
        };
        run(course, channels, &mut console).await?.verdict()
    }

    /// Whether others can reach the address; on a chain of this machine any will do.
    pub(in crate::app) fn is_reachable(&self) -> bool {
        is_reachable(&self.external, self.is_local)
    }

    /// What the chain is to say of an axon on that port.
    pub(in crate::app) fn record(&self, node: &NodeConfig, port: u16) -> AxonRecord {
        let ip = self.external.ip();
        let external_port = node.published.external_port;
        let pages = self.pages.local_addr().ok().filter(|_| node.telemetry.publish);
        AxonRecord {
            netuid: self.netuid,
            hotkey: self.hotkey.clone(),
            external: SocketAddr::new(ip, if external_port == 0 { port } else { external_port }),
            prometheus: pages.map(|pages| SocketAddr::new(ip, pages.port())),
        }
    }

    /// What every role on a chain is made of.
    pub(in crate::app) fn parts(
        &self,
        node: &NodeConfig,
        metrics: PrometheusHandle,
    ) -> Result<NodeParts, Failure> {
        Ok(NodeParts {
            netuid: self.netuid,
            own: self.hotkey.account_id(),
            chain: self.chain.clone(),
            every_blocks: node.metagraph.every_blocks,
            metrics,
            pages: self.pages.try_clone().map_err(Failure::unshared)?,
            development_key: None,
            dev_chain: None,
            inference: None,
            validator: None,
            published: None,
            miners: Vec::new(),
        })
    }
}
