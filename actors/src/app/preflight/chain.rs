//! Checks that ask the chain: that it answers and knows the subnet, that it has registered the
//! hotkey, and from which address this machine speaks to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use sn1::chain::{ChainError, Metagraph, Netuid};
use sn1::wallet::Keypair;
use tracing::warn;

use super::machine::refuse_faults;
use super::{Passed, Verdict};
use crate::app::{Failure, RoleOptions};
use crate::axon::{ExternalAddress, SystemRoutes, external_address};
use crate::chain::Failpoints;
use crate::chain::subtensor::{
    CallError, Deadlines, Endpoint, Network, Roots, Subtensor, SubtensorError, SubtensorSettings,
};
use crate::exit::Exit;
use crate::recording::Reminder;
use crate::settings::{FilePath, NodeConfig};
use crate::signals::Signals;

/// The first block of the main network (docs/spec/chain.md#networks).
const MAIN_GENESIS: &str = "0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03";

/// A chain that has answered.
pub(super) struct Reached {
    pub(super) known: Arc<Metagraph>,
    /// The node that did.
    answering: Option<Endpoint>,
    /// The hash of its first block.
    pub(super) genesis: String,
    pub(super) is_main: bool,
    pub(super) failpoints: Failpoints,
}

/// Reads the subnet once, by a client that ends with this; the tree's own one starts afresh.
pub(super) async fn reach(node: &NodeConfig, options: &RoleOptions) -> Verdict<Reached> {
    let client = Subtensor::new(client_settings(node)?);
    let known = first_answer(node, &client).await?;
    let answering = client.answering().await;
    let genesis = client.genesis().map(|hash| hash.to_string()).unwrap_or_default();
    let is_main = genesis == MAIN_GENESIS;
    let failpoints = refuse_faults(is_main, options)?;
    let (chain, block) = (node.subtensor.shown(), known.head.number);
    let kind = if is_main { " of the main network" } else { "" };
    let note = format!("{chain} answers, at block {block}{kind}");
    Ok(Passed::noted(Reached { known, answering, genesis, is_main, failpoints }, note))
}

/// How the chain's nodes are asked.
///
/// # Errors
/// A file of certificates that cannot be used.
pub(super) fn client_settings(node: &NodeConfig) -> Result<SubtensorSettings, Failure> {
    let ca_file = node.trust.ca_file.as_ref().map(FilePath::resolved);
    let roots = Roots::of_operator(ca_file.as_deref())
        .map_err(|error| Failure::usage(format!("`subtensor.ca_file`: {error}")))?;
    let (network, deadlines) = (node.subtensor.nodes(), Deadlines::default());
    Ok(SubtensorSettings { network, deadlines, roots })
}

/// The subnet. A chain that is not up yet is waited for: a machine that boots starts both at once.
async fn first_answer(node: &NodeConfig, client: &Subtensor) -> Result<Arc<Metagraph>, Failure> {
    let within = (!node.subtensor.retry_forever).then_some(node.subtensor.connect_within);
    let mut reminder = Reminder::default();
    let tell = |error: &SubtensorError| {
        if reminder.is_due(Instant::now()).is_some() {
            warn!(%error, "the chain does not answer yet, waiting for it");
        }
    };
    let mut signals = Signals::new().map_err(|error| Failure::usage(error.to_string()))?;
    let netuid = Netuid(node.subnet.netuid);
    let answer = tokio::select! {
        answer = client.first_snapshot(netuid, within, CallError::may_pass, tell) => answer,
        () = signals.any() => {
            return Err(Failure::new(Exit::Done, "told to stop while the chain did not answer"));
        }
    };
    let answer = answer.map_err(|error| error.into_chain_error("reading the metagraph"));
    answer.map(|snapshot| Arc::new(snapshot.metagraph)).map_err(unreached)
}

fn unreached(error: ChainError) -> Failure {
    match error {
        ChainError::NoSubnet(_) => error.into(),
        error => Failure::new(
            Exit::Unavailable,
            format!(
                "{error}; check this machine's network, or name other nodes with \
                 --subtensor.chain_endpoint"
            ),
        ),
    }
}

/// How the official command line tool is told of the chain: the node that answered, where the
/// operator named nodes.
fn btcli_network(node: &NodeConfig, answering: Option<&Endpoint>) -> String {
    let named = answering.filter(|answering| node.subtensor.chain_endpoint.contains(answering));
    named.map_or_else(|| node.subtensor.network.to_string(), Endpoint::to_string)
}

pub(super) fn registration(node: &NodeConfig, hotkey: &Keypair, chain: &Reached) -> Verdict<()> {
    let (own, Reached { known, answering, .. }) = (hotkey.account_id(), chain);
    let (netuid, wallet) = (node.subnet.netuid, &node.wallet);
    if let Some(neuron) = known.neuron_of(&own) {
        let permit = if neuron.validator_permit { ", with a validator permit" } else { "" };
        let note = format!("registered on subnet {netuid} as uid {}{permit}", neuron.uid);
        return Ok(Passed::noted((), note));
    }
    let text = format!(
        "hotkey {own} ({} of {}) is not registered on subnet {netuid} of {}: register it from where \
         its coldkey is, with `btcli subnets register --netuid {netuid} --network {} --wallet-name \
         {} --hotkey {}` or any other tool that registers a hotkey, then start this again",
        wallet.hotkey,
        wallet.name,
        node.subtensor.shown(),
        btcli_network(node, answering.as_ref()),
        wallet.name,
        wallet.hotkey,
    );
    Err(Failure::new(Exit::NotRegistered, text))
}

/// What is set, or the address that this machine speaks to the chain from.
pub(super) async fn address(node: &NodeConfig) -> Verdict<ExternalAddress> {
    Ok(match node.published.external_ip {
        Some(ip) => ExternalAddress::Set(ip),
        None => own_address(&node.subtensor.nodes()).await?,
    }
    .into())
}

/// The address towards the first node that is reached over IPv4, which all validators can dial;
/// else over IPv6.
async fn own_address(network: &Network) -> Result<ExternalAddress, Failure> {
    let (mut reason, mut peers) = ("no node of the chain has an address".to_owned(), Vec::new());
    for node in &network.0 {
        match tokio::net::lookup_host((node.host(), node.port())).await {
            Err(error) => reason = format!("{node}: {error}"),
            Ok(found) => peers.extend(found),
        }
    }
    peers.sort_by_key(SocketAddr::is_ipv6);
    for peer in peers {
        match external_address(None, &SystemRoutes, peer) {
            Ok(found) => return Ok(found),
            Err(error) => reason = format!("{peer}: {error}"),
        }
    }
    Err(unknown_address(&reason))
}

fn unknown_address(reason: &str) -> Failure {
    let text = format!(
        "the address that others reach this machine by is not known ({reason}): set \
         --axon.external_ip"
    );
    Failure::usage(text)
}
