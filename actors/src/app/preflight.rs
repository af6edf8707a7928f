//! What a node of either role needs before its tree: each step is told as it is done, and the first
//! one that fails says what to do about it.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use sn1::chain::{Chain, ChainError, Metagraph, Netuid};
use sn1::wallet::Keypair;

use super::console::{Console, NodeLayout};
use super::state::{FolderFacts, StateFolder};
use super::{Failure, RoleOptions};
use crate::app::machine::bind;
use crate::app::parts::ChainPart;
use crate::app::tree::NodeParts;
use crate::axon::{AxonRecord, ExternalAddress, SystemRoutes, external_address};
use crate::chain::Failpoints;
use crate::chain::subtensor::{Deadlines, Endpoint, Network, Subtensor, SubtensorSettings};
use crate::dendrite::is_public;
use crate::exit::Exit;
use crate::feeds::Feeds;
use crate::settings::{NodeSettings, RoleSettings};
use crate::wallet::{NodeWallet, PasswordSource};

/// The first block of the main network (docs/spec/chain.md#networks).
const MAIN_GENESIS: &str = "0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03";

/// All that both trees are built from.
pub(super) struct Start {
    pub(super) hotkey: Keypair,
    pub(super) netuid: Netuid,
    pub(super) chain: ChainPart,
    pub(super) failpoints: Failpoints,
    pub(super) external: ExternalAddress,
    /// Whether the chain is on this machine, so that its neurons may be too.
    pub(super) is_local: bool,
    pub(super) is_main: bool,
    pub(super) telemetry: TcpListener,
    pub(super) state: StateFolder,
    pub(super) console: Console,
}

impl Start {
    /// Whether others can reach the address; on a chain of this machine any will do.
    pub(super) fn is_reachable(&self) -> bool {
        self.is_local
            || matches!(self.external, ExternalAddress::Set(_))
            || is_public(self.external.ip())
    }

    /// What the chain is to say of an axon on that port.
    pub(super) fn record<N>(&self, settings: &NodeSettings<N>, port: u16) -> AxonRecord {
        let ip = self.external.ip();
        let external_port = settings.axon.external_port;
        let pages = self.telemetry.local_addr().ok().filter(|_| settings.telemetry.publish);
        AxonRecord {
            netuid: self.netuid,
            hotkey: self.hotkey.clone(),
            external: SocketAddr::new(ip, if external_port == 0 { port } else { external_port }),
            prometheus: pages.map(|pages| SocketAddr::new(ip, pages.port())),
        }
    }

    /// What every role on a chain is made of.
    pub(super) fn parts<N>(
        &self,
        settings: &NodeSettings<N>,
        metrics: PrometheusHandle,
    ) -> Result<NodeParts, Failure> {
        Ok(NodeParts {
            netuid: self.netuid,
            own: self.hotkey.account_id(),
            chain: self.chain.clone(),
            every_blocks: settings.metagraph.every_blocks,
            metrics,
            pages: self.telemetry.try_clone().map_err(Failure::unshared)?,
            development_key: None,
            dev_chain: None,
            inference: None,
            validator: None,
            published: None,
            miners: Vec::new(),
        })
    }
}

/// Goes through everything that can be wrong, in the order of what it costs.
///
/// # Errors
/// The first thing that is wrong.
pub(super) async fn start<N: RoleSettings>(
    settings: &NodeSettings<N>,
    options: &RoleOptions,
) -> Result<Start, Failure> {
    let mut console = Console::new();
    for notice in &options.notices {
        console.say(notice);
    }
    refuse_faults(settings.subtensor.names_main_network(), options)?;
    let telemetry = bind_telemetry(settings)?;
    let hotkey = open_wallet(settings, &console)?;
    let (client, known) = reach_chain(settings).await?;
    let genesis = client.genesis().map(|hash| hash.to_string()).unwrap_or_default();
    let is_main = genesis == MAIN_GENESIS;
    let failpoints = refuse_faults(is_main, options)?;
    console.say(format_args!(
        "{} answers, at block {}{}",
        shown(settings),
        known.head.number,
        if is_main { " of the main network" } else { "" }
    ));
    check_registered(settings, &hotkey, &known, &console)?;
    console.show(NodeLayout::new(hotkey.account_id(), &known));
    let network = settings.subtensor.nodes()?;
    let external = find_address(settings, &network).await?;
    let state = open_state(settings, &hotkey, genesis)?;
    console.say(format_args!("state in {}", state.path().display()));
    if let Ok(address) = telemetry.local_addr() {
        console.say(format_args!("metrics on http://{address}/metrics"));
    }
    let subtensor = SubtensorSettings { network: network.clone(), deadlines: Deadlines::default() };
    let client = Subtensor::with_failpoints(subtensor, failpoints.clone());
    Ok(Start {
        netuid: Netuid(settings.netuid),
        chain: ChainPart { client, feeds: Feeds::with_freshness(settings.freshness()) },
        failpoints,
        external,
        is_local: network.0.iter().all(Endpoint::is_local),
        is_main,
        telemetry,
        state,
        hotkey,
        console,
    })
}

/// Where real money is, nothing is broken on purpose.
fn refuse_faults(is_main: bool, options: &RoleOptions) -> Result<Failpoints, Failure> {
    if is_main && !options.faults.is_empty() {
        let text = "--fault flags are refused on the main network: leave them out";
        return Err(Failure::usage(text.to_owned()));
    }
    Ok(Failpoints::from_environment(is_main)?)
}

fn open_wallet<N>(settings: &NodeSettings<N>, console: &Console) -> Result<Keypair, Failure> {
    let wallet = &settings.wallet;
    let file = &wallet.password_file;
    let opened = NodeWallet {
        path: wallet.path.clone(),
        name: wallet.name.clone(),
        hotkey: wallet.hotkey.clone(),
        password: PasswordSource { file: (!file.is_empty()).then(|| PathBuf::from(file)) },
        allow_unencrypted_coldkey: wallet.allow_unencrypted_coldkey,
    }
    .open()?;
    for notice in &opened.notices {
        console.say(notice);
    }
    let address = opened.hotkey.account_id();
    console.say(format_args!("hotkey {address} ({} of {})", wallet.hotkey, wallet.name));
    Ok(opened.hotkey)
}

/// Reads the subnet once. The client ends with this; the tree's own one starts afresh.
async fn reach_chain<N>(
    settings: &NodeSettings<N>,
) -> Result<(Subtensor, Arc<Metagraph>), Failure> {
    let network = settings.subtensor.nodes()?;
    let client = Subtensor::new(SubtensorSettings { network, deadlines: Deadlines::default() });
    match client.metagraph(Netuid(settings.netuid)).await {
        Ok(known) => Ok((client, known)),
        Err(error @ ChainError::NoSubnet(_)) => Err(error.into()),
        Err(error) => Err(Failure::new(
            Exit::Unavailable,
            format!(
                "{error}; check this machine's network, or name other nodes with \
             --subtensor.chain_endpoint"
            ),
        )),
    }
}

/// What the operator calls the chain.
fn shown<N>(settings: &NodeSettings<N>) -> String {
    let section = &settings.subtensor;
    match section.chain_endpoint.as_slice() {
        [] => section.network.clone(),
        nodes => nodes.join(", "),
    }
}

fn check_registered<N>(
    settings: &NodeSettings<N>,
    hotkey: &Keypair,
    known: &Metagraph,
    console: &Console,
) -> Result<(), Failure> {
    let (own, netuid) = (hotkey.account_id(), settings.netuid);
    if let Some(neuron) = known.neuron_of(&own) {
        let permit = if neuron.validator_permit { ", with a validator permit" } else { "" };
        console.say(format_args!("registered on subnet {netuid} as uid {}{permit}", neuron.uid));
        return Ok(());
    }
    let wallet = &settings.wallet;
    Err(Failure::new(
        Exit::NotRegistered,
        format!(
            "hotkey {own} ({} of {}) is not registered on subnet {netuid} of {}: register it from where \
         its coldkey is, with `btcli subnets register --netuid {netuid} --network {} --wallet-name \
         {} --hotkey {}` or any other tool that registers a hotkey, then start this again",
            wallet.hotkey,
            wallet.name,
            shown(settings),
            settings.subtensor.chain_endpoint.first().unwrap_or(&settings.subtensor.network),
            wallet.name,
            wallet.hotkey,
        ),
    ))
}

/// What is set, or the address that this machine speaks to the chain from.
async fn find_address<N>(
    settings: &NodeSettings<N>,
    network: &Network,
) -> Result<ExternalAddress, Failure> {
    let unknown = |reason: String| {
        Failure::usage(format!(
            "the address that others reach this machine by is not known ({reason}): set \
             --axon.external_ip"
        ))
    };
    if let Some(ip) = settings.axon.published_ip()? {
        return Ok(ExternalAddress::Set(ip));
    }
    let mut reason = "no node of the chain has an address".to_owned();
    for node in &network.0 {
        match tokio::net::lookup_host((node.host(), node.port())).await {
            Err(error) => reason = format!("{node}: {error}"),
            Ok(mut peers) => {
                if let Some(peer) = peers.next() {
                    let found = external_address(None, &SystemRoutes, peer);
                    return found.map_err(|error| unknown(error.to_string()));
                }
            }
        }
    }
    Err(unknown(reason))
}

fn open_state<N: RoleSettings>(
    settings: &NodeSettings<N>,
    hotkey: &Keypair,
    genesis: String,
) -> Result<StateFolder, Failure> {
    let own = hotkey.account_id().to_string();
    let folder = settings.state.folder_of(N::ROLE, settings.netuid, &own);
    let folder = folder.ok_or_else(|| {
        Failure::usage("there is no home folder: name a folder with --state.folder".to_owned())
    })?;
    let (role, netuid) = (N::ROLE.label().to_owned(), settings.netuid);
    StateFolder::open(folder, &FolderFacts { role, netuid, hotkey: own, genesis })
}

fn bind_telemetry<N>(settings: &NodeSettings<N>) -> Result<TcpListener, Failure> {
    let section = &settings.telemetry;
    let ip = section.listen_ip()?;
    if section.publish && ip.is_loopback() {
        let text = "telemetry.publish is set, but the metrics are on a loopback address that nobody \
                    else can read: set --telemetry.ip too";
        return Err(Failure::usage(text.to_owned()));
    }
    bind(SocketAddr::new(ip, section.port), "the metrics", "telemetry.port")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::app::faults::PlannedFault;
    use crate::supervision::Fault;

    #[test]
    fn faults_are_for_other_chains_than_the_main_one() {
        let (actor, after, fault) = ("Scoreboard".to_owned(), Duration::ZERO, Fault::Panic);
        let faults = vec![PlannedFault { actor, after, fault }];
        let options = RoleOptions { faults, notices: Vec::new() };
        assert_eq!(refuse_faults(true, &options).unwrap_err().exit(), Exit::Usage);
        refuse_faults(false, &options).unwrap();
        refuse_faults(true, &RoleOptions::default()).unwrap();
    }
}
