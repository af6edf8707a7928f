//! The preflight of a node on a chain, and what it leaves for the run.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use sn1::chain::{Freshness, Metagraph, Netuid};
use sn1::wallet::Keypair;

use super::{Preflight, chain, machine};
use crate::app::console::{Console, NodeLayout};
use crate::app::parts::ChainPart;
use crate::app::run::{Course, channels, run};
use crate::app::state::StateFolder;
use crate::app::tree::{self, NodeParts};
use crate::app::{Failure, RoleOptions};
use crate::axon::{AxonRecord, ExternalAddress};
use crate::chain::Failpoints;
use crate::chain::subtensor::{Endpoint, Subtensor};
use crate::dendrite::is_public;
use crate::feeds::Feeds;
use crate::settings::{MetagraphSection, NodeConfig, Role};

/// A node whose checks have all passed.
pub(in crate::app) struct Ready {
    pub(in crate::app) hotkey: Keypair,
    pub(in crate::app) netuid: Netuid,
    /// The subnet as it was when it was first read.
    pub(in crate::app) known: Arc<Metagraph>,
    pub(in crate::app) chain: ChainPart,
    /// Whether real money is at stake.
    pub(in crate::app) is_main: bool,
    pub(in crate::app) failpoints: Failpoints,
    pub(in crate::app) external: ExternalAddress,
    /// Whether the chain is on this machine, so that its neurons may be too.
    pub(in crate::app) is_local: bool,
    pages: TcpListener,
    pub(in crate::app) state: StateFolder,
}

impl Preflight<'_> {
    /// The checks that a node has whatever its role.
    pub(in crate::app) async fn node(
        &self,
        role: Role,
        node: &NodeConfig,
        options: &RoleOptions,
    ) -> Result<Ready, Failure> {
        let faults = machine::faults(node, options);
        self.check("faults", "nothing is broken on purpose on the main network", faults)?;
        let pages = self.check("pages", "the port of metrics and health", machine::pages(node))?;
        let wallet = machine::wallet(&node.wallet);
        let hotkey = self.check("wallet", "the hotkey, and that no coldkey lies open", wallet)?;
        let chain = chain::reach(node, options).await;
        let chain = self.check("chain", "a node of the chain that knows the subnet", chain)?;
        let registration = chain::registration(node, &hotkey, &chain);
        self.check("registration", "the hotkey's place on the subnet", registration)?;
        let external = chain::address(node).await;
        let external = self.check("address", "where others reach this machine", external)?;
        let state = machine::state(role, node, &hotkey, &chain.genesis);
        let state = self.check("state", "the state folder, for this node alone", state)?;
        Ok(Ready {
            hotkey,
            netuid: Netuid(node.subnet.netuid),
            known: chain.known,
            chain: chain_part(node, chain.failpoints.clone())?,
            is_main: chain.is_main,
            failpoints: chain.failpoints,
            external,
            is_local: node.subtensor.nodes().0.iter().all(Endpoint::is_local),
            pages,
            state,
        })
    }
}

/// The tree's own client; nothing is connected yet.
fn chain_part(node: &NodeConfig, failpoints: Failpoints) -> Result<ChainPart, Failure> {
    let client = Subtensor::with_failpoints(chain::client_settings(node)?, failpoints);
    let MetagraphSection { every_blocks: _, stale_after, too_old_after } = node.metagraph;
    let block_time = node.blocks.block_time;
    let feeds = Feeds::with_freshness(Freshness { block_time, stale_after, too_old_after });
    Ok(ChainPart { client, feeds })
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
        let is_set = matches!(self.external, ExternalAddress::Set(_));
        self.is_local || is_set || is_public(self.external.ip())
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
