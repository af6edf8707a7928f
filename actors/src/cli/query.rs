//! Flags of `sn1 query`, and what must hold between them.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use sn1::chain::Netuid;
use sn1::wallet::AccountId;
use sn1_actors::chain::subtensor::{Endpoint, Network};
use sn1_actors::query::{
    CallerKey, ChainNodes, Conversation, CountBy, Format, Lookup, NodeAddress, Query, QueryError,
    UidSelection, Whom,
};
use sn1_actors::settings::{Loaded, Origin, QueryConfig, SettingsError, parse_duration};

use super::flags::SettingFlags;
use super::wallet::NodeWalletArguments;

/// What `--timeout` may be.
const TIMEOUTS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(50)..=Duration::from_secs(600);

/// Flags of `sn1 query`.
#[derive(Debug, Clone, Args)]
pub(crate) struct QueryArguments {
    /// Which miners: uids and ranges such as 3,7,10-20, or all
    #[arg(long, value_name = "UIDS")]
    uids: Option<UidSelection>,
    /// The node on this machine that knows the uids, by the port of its metrics
    /// [default: http://127.0.0.1:9464]
    #[arg(long, value_name = "URL")]
    node: Option<NodeAddress>,
    /// The network whose chain knows the uids: finney, test, archive, local, or an endpoint
    #[arg(long = "subtensor.network", value_name = "NETWORK")]
    network: Option<Network>,
    /// Nodes of that chain to use instead of the network's own, the first choice first
    #[arg(long = "subtensor.chain_endpoint", value_name = "URL", value_delimiter = ',', num_args = 1..)]
    chain_endpoint: Vec<Endpoint>,
    /// A miner's axon, asked without looking it up (repeatable, each with its --hotkey)
    #[arg(long = "axon", value_name = "IP:PORT", value_parser = parse_axon)]
    axons: Vec<SocketAddr>,
    /// The hotkey of that axon
    #[arg(long = "hotkey", value_name = "SS58", value_parser = parse_hotkey)]
    hotkeys: Vec<AccountId>,
    /// What to ask; `-` reads it from standard input. Repeated: a conversation so far, user and
    /// assistant in turn
    #[arg(long = "message", value_name = "TEXT")]
    messages: Vec<String>,
    /// Who says each message: system, user or assistant (repeatable, one for each message)
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Time for each miner, such as 15s
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = parse_timeout)]
    timeout: Duration,
    /// Write a JSON object on a line for each miner
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    wallet: NodeWalletArguments,
    /// A development key that asks, such as //Alice
    #[arg(long = "wallet.uri", value_name = "PATH")]
    wallet_uri: Option<String>,
    #[command(flatten)]
    settings: SettingFlags<QueryConfig>,
}

fn parse_axon(text: &str) -> Result<SocketAddr, String> {
    let address: Option<SocketAddr> = text.parse().ok();
    address.filter(|address| address.port() != 0 && !address.ip().is_unspecified()).ok_or_else(
        || format!("`{text}` is not the address of an axon: write it like 203.0.113.9:8091 or [2001:db8::9]:8091"),
    )
}

fn parse_hotkey(text: &str) -> Result<AccountId, String> {
    text.parse().map_err(|error: sn1::wallet::WalletError| error.to_string())
}

fn parse_timeout(text: &str) -> Result<Duration, String> {
    let timeout = parse_duration(text)?;
    let is_allowed = TIMEOUTS.contains(&timeout);
    is_allowed.then_some(timeout).ok_or_else(|| format!("`{text}` is not between 50ms and 10m"))
}

impl QueryArguments {
    /// The settings that a query has.
    pub(crate) fn load(&self) -> Result<Loaded<QueryConfig>, SettingsError> {
        self.settings.load()
    }

    /// The query that the flags describe. Reads standard input if a message asks for it.
    pub(crate) fn query(&self, loaded: &Loaded<QueryConfig>) -> Result<Query, QueryError> {
        let (roles, messages) = (self.roles.clone(), self.messages.clone());
        let whom = self.whom(loaded).map_err(QueryError::Usage)?;
        let caller = self.caller().map_err(QueryError::Usage)?;
        let conversation =
            Conversation::new(roles, messages, std::io::stdin()).map_err(QueryError::Usage)?;
        let count_by = CountBy {
            model: loaded.config.model.model_id.resolved(),
            models_folder: loaded.config.folder.folder.resolved(),
            is_required: matches!(loaded.origin("neuron.model_id"), Origin::Flag(_)),
        };
        let format = if self.json { Format::JsonLines } else { Format::Text };
        Ok(Query { whom, caller, conversation, timeout: self.timeout, count_by, format })
    }

    fn whom(&self, loaded: &Loaded<QueryConfig>) -> Result<Whom, String> {
        let (n_axons, n_hotkeys) = (self.axons.len(), self.hotkeys.len());
        let is_by_address = n_axons + n_hotkeys > 0;
        match &self.uids {
            Some(_) if is_by_address => {
                Err("give --uids or --axon with --hotkey, not both".to_owned())
            }
            Some(uids) => Ok(Whom::Uids(uids.clone(), self.lookup(loaded)?)),
            None if !is_by_address => {
                Err("say whom to ask: --uids 3,7, or --axon IP:PORT with --hotkey SS58".to_owned())
            }
            None if self.node.is_some() => {
                Err("--node is for --uids: axons are not looked up".to_owned())
            }
            None if self.is_looked_up_on_chain() => {
                Err("--subtensor flags are for --uids: axons are not looked up".to_owned())
            }
            None if n_axons != n_hotkeys => Err(format!(
                "{n_axons} times --axon and {n_hotkeys} times --hotkey: give one --hotkey for each --axon"
            )),
            None if u16::try_from(n_axons).is_err() => Err("that are too many axons".to_owned()),
            None => {
                let pairs = self.axons.iter().copied().zip(self.hotkeys.iter().copied());
                Ok(Whom::Axons(pairs.collect()))
            }
        }
    }

    fn lookup(&self, loaded: &Loaded<QueryConfig>) -> Result<Lookup, String> {
        let nodes = Some(self.chain_endpoint.clone()).filter(|nodes| !nodes.is_empty());
        match nodes.map(Network).or_else(|| self.network.clone()) {
            Some(_) if self.node.is_some() => {
                Err("give --node or --subtensor.network, not both".to_owned())
            }
            Some(network) => {
                let netuid = Netuid(loaded.config.subnet.netuid);
                Ok(Lookup::Chain(ChainNodes { network, netuid }))
            }
            None => {
                let on_default_port = || NodeAddress::on_port(loaded.config.pages.port.number());
                Ok(Lookup::Node(self.node.clone().unwrap_or_else(on_default_port)))
            }
        }
    }

    fn is_looked_up_on_chain(&self) -> bool {
        self.network.is_some() || !self.chain_endpoint.is_empty()
    }

    fn caller(&self) -> Result<Option<CallerKey>, String> {
        match &self.wallet_uri {
            Some(_) if self.wallet.is_named() => {
                Err("--wallet.uri is a key of its own: leave out the other --wallet flags"
                    .to_owned())
            }
            Some(uri) => Ok(Some(CallerKey::Development(uri.clone()))),
            None => Ok(self.wallet.is_named().then(|| CallerKey::Wallet(self.wallet.wallet()))),
        }
    }
}
