//! Checks that ask the chain: that it answers and knows the subnet, that it has registered the
//! hotkey, and from which address this machine speaks to it.

use std::sync::Arc;

use sn1::chain::{Chain, ChainError, Metagraph, Netuid};
use sn1::wallet::Keypair;

use super::machine::refuse_faults;
use super::{Passed, Verdict};
use crate::app::{Failure, RoleOptions};
use crate::axon::{ExternalAddress, SystemRoutes, external_address};
use crate::chain::Failpoints;
use crate::chain::subtensor::{Deadlines, Endpoint, Network, Subtensor, SubtensorSettings};
use crate::exit::Exit;
use crate::settings::{NodeConfig, SubtensorSection};

/// The first block of the main network (docs/spec/chain.md#networks).
const MAIN_GENESIS: &str = "0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03";

/// A chain that has answered.
pub(super) struct Reached {
    pub(super) known: Arc<Metagraph>,
    /// The hash of its first block.
    pub(super) genesis: String,
    pub(super) is_main: bool,
    pub(super) failpoints: Failpoints,
}

/// Reads the subnet once, by a client that ends with this; the tree's own one starts afresh.
pub(super) async fn reach(node: &NodeConfig, options: &RoleOptions) -> Verdict<Reached> {
    let network = node.subtensor.nodes();
    let client = Subtensor::new(SubtensorSettings { network, deadlines: Deadlines::default() });
    let known = client.metagraph(Netuid(node.subnet.netuid)).await.map_err(unreached)?;
    let genesis = client.genesis().map(|hash| hash.to_string()).unwrap_or_default();
    let is_main = genesis == MAIN_GENESIS;
    let failpoints = refuse_faults(is_main, options)?;
    let (chain, block) = (node.subtensor.shown(), known.head.number);
    let kind = if is_main { " of the main network" } else { "" };
    let note = format!("{chain} answers, at block {block}{kind}");
    Ok(Passed::noted(Reached { known, genesis, is_main, failpoints }, note))
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

/// How the official command line tool is told of the chain.
fn btcli_network(node: &NodeConfig) -> String {
    let SubtensorSection { network, chain_endpoint } = &node.subtensor;
    chain_endpoint.first().map_or_else(|| network.to_string(), Endpoint::to_string)
}

pub(super) fn registration(node: &NodeConfig, hotkey: &Keypair, known: &Metagraph) -> Verdict<()> {
    let own = hotkey.account_id();
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
        btcli_network(node),
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

async fn own_address(network: &Network) -> Result<ExternalAddress, Failure> {
    let mut reason = "no node of the chain has an address".to_owned();
    for node in &network.0 {
        match tokio::net::lookup_host((node.host(), node.port())).await {
            Err(error) => reason = format!("{node}: {error}"),
            Ok(mut peers) => {
                if let Some(peer) = peers.next() {
                    let found = external_address(None, &SystemRoutes, peer);
                    return found.map_err(|error| unknown_address(&error.to_string()));
                }
            }
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
