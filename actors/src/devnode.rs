//! The embedded chain as a node of its own. subxt, the official SDK and our own client work with it
//! as they would with a real node.
//!
//! | part | holds |
//! |---|---|
//! | `control` | the methods by which a test orders misbehaviour |
//! | `subscriptions` | what a client is sent about each block |
//! | `host` | the actor that owns the chain, its clock and its file |
//! | `server`, `connection`, `http` | the port and its sockets |
//! | `misbehaviour`, `switchboard`, `served` | misbehaviour by name, on sockets, towards senders |
//! | `words` | why a word for one of these was not understood |
//!
//! The core ([`sn1::devchain`]) interprets bytes: nothing here knows SCALE, and
//! [`sn1::devchain::rpc`] defines the methods and their parameters.

mod caller;
mod connection;
mod host;
mod http;
pub mod hyperparameters;
mod messages;
mod misbehaviour;
mod served;
mod server;
mod subscriptions;
mod switchboard;
mod words;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sn1::chain::{Hyperparameters, Netuid, RAO_PER_TAO};
use sn1::devchain::node::{DevNode, Generation, NodeConfig};
use sn1::devchain::{ChainRules, GenesisConfig};
use sn1::store::{ChainStore, StoreError};
use sn1::wallet::{AccountId, Keypair, WalletError};
use tokio::sync::broadcast;

use crate::clock;
use crate::exit::{Exit, Exits};
use crate::port::Port;
use crate::supervision::{ChildSpec, Slot};
use caller::Caller;
use host::{Pace, Wire};
use misbehaviour::Chaos;
use switchboard::Switchboard;

use host::DevNodeHost;
pub use host::generation;
pub use misbehaviour::{FinalityOrder, Misbehaviour, Planned, PoolRefusal, WatchEnd};
use server::DevNodeServer;
pub use words::WordError;

/// Start and period of drand's quicknet in seconds (docs/spec/chain.md#timelock-encryption): the
/// official SDK counts rounds by them, whatever the chain says.
const DRAND_GENESIS: u64 = 1_692_803_367;
const DRAND_PERIOD: u64 = 3;
/// How many blocks a slow reader may fall behind; then its connection is closed.
const KEPT_NEWS: usize = 1024;
/// Accounts that a development chain funds at genesis (docs/spec/chain.md#networks), with their
/// balances in TAO.
const DEVELOPMENT_ACCOUNTS: [(&str, u64); 9] = [
    ("//Alice", 1_000_000),
    ("//Bob", 1_000_000),
    ("//Charlie", 1_000_000),
    ("//Dave", 2_000),
    ("//Eve", 2_000),
    ("//Ferdie", 2_000),
    ("//One", 2_000),
    ("//Two", 2_000),
    ("//Three", 2_000),
];

/// The settings of a development chain, from the command line.
#[derive(Debug, Clone)]
pub struct DevNodeSettings {
    /// The state that the chain starts from, unless the state file has one.
    pub genesis: GenesisConfig,
    /// The generation of the runtime that it starts with.
    pub generation: Generation,
    /// The name that the chain reports to clients.
    pub chain_name: String,
    /// How many blocks the final block trails the best one.
    pub finality_lag: u64,
    /// Time between two blocks; zero makes blocks only by `dev_produce_block`.
    pub block_time: Duration,
    /// The state file; with `None` the chain is lost when the node ends.
    pub state_file: Option<PathBuf>,
    /// The port on loopback; 0 lets the system choose one.
    pub port: Port,
    /// What to do wrong, and before which block.
    pub planned: Vec<Planned>,
    /// The probability of a random fault with each block, 0 to 1.
    pub chaos: f64,
    /// Whether clients may order misbehaviour by the methods `dev_...`.
    pub allows_control: bool,
}

/// Why the node did not start.
#[derive(Debug, thiserror::Error)]
pub enum DevNodeError {
    /// The flags contradict each other or are out of range.
    #[error("{0}")]
    Usage(String),
    /// The port cannot be bound.
    #[error(
        "cannot listen on 127.0.0.1:{port}: {source}; stop what uses it, or choose another port with --port"
    )]
    Port {
        /// The port that was asked for.
        port: u16,
        /// The error from the system.
        source: std::io::Error,
    },
    /// The state file cannot be opened, read or written.
    #[error(transparent)]
    State(#[from] StoreError),
}

impl Exits for DevNodeError {
    fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::State(StoreError::Io { .. }) => Exit::CannotWrite,
            Self::State(_) => Exit::Damaged,
            Self::Port { .. } => Exit::Unavailable,
        }
    }
}

/// The accounts that every development chain funds, with their balances in rao.
///
/// # Errors
/// Cannot fail for the names that are listed here.
pub fn development_balances() -> Result<Vec<(AccountId, u64)>, WalletError> {
    let balance = |(uri, tao): (&str, u64)| {
        Ok((Keypair::from_dev_path(uri)?.account_id(), tao * RAO_PER_TAO))
    };
    DEVELOPMENT_ACCOUNTS.into_iter().map(balance).collect()
}

/// A chain with one new subnet without neurons: the runtime's defaults, except that setting weights
/// needs no stake and no commit.
pub fn default_genesis() -> GenesisConfig {
    GenesisConfig {
        netuid: Netuid(1),
        hyperparameters: Hyperparameters::default(),
        balances: Vec::new(),
        owner_hotkey: None,
        sudo: None,
        rules: ChainRules {
            beacon_genesis: DRAND_GENESIS,
            beacon_period: DRAND_PERIOD,
            ..ChainRules::default()
        },
        seed: 0,
        emission_per_epoch: RAO_PER_TAO,
        allow_loopback_axons: false,
    }
}

/// A chain that is open, and a port that is bound: flags and files have been checked.
#[derive(Debug, Clone)]
pub struct PreparedDevNode {
    settings: DevNodeSettings,
    listener: Arc<TcpListener>,
    address: SocketAddr,
    /// The block from which the state file continues; `None` for a new chain.
    resumes_at: Option<u64>,
}

impl PreparedDevNode {
    /// Binds the port and opens the state file.
    ///
    /// # Errors
    /// See [`DevNodeError`].
    pub fn open(settings: DevNodeSettings) -> Result<Self, DevNodeError> {
        let port = settings.port;
        let bound = port.listen(Ipv4Addr::LOCALHOST.into()).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        });
        let (address, listener) =
            bound.map_err(|source| DevNodeError::Port { port: port.number(), source })?;
        let (node, store) = open_chain(&settings)?;
        let number = node.best().number;
        let resumes_at = store.is_some().then_some(number).filter(|number| *number > 0);
        Ok(Self { settings, listener: Arc::new(listener), address, resumes_at })
    }

    /// The port that was wanted, when another one was free instead.
    pub fn moved_from(&self) -> Option<u16> {
        let wanted = self.settings.port.number();
        (wanted != 0 && wanted != self.address.port()).then_some(wanted)
    }

    /// The URL for clients, `ws://` with address and port.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// The block from which the state file continues; the flags for the start of a chain then had
    /// no effect.
    pub fn resumes_at(&self) -> Option<u64> {
        self.resumes_at
    }

    /// The two actors for the tree: the chain and its port.
    pub fn children(self) -> Vec<ChildSpec> {
        let Self { settings, listener, .. } = self;
        let switchboard = Arc::new(Switchboard::new());
        let news = broadcast::Sender::new(KEPT_NEWS);
        let chain = Slot::new("DevNodeHost");
        let caller = Caller {
            methods: chain.recipient(),
            submissions: chain.recipient(),
            storage: chain.recipient(),
            switchboard: Arc::clone(&switchboard),
            news: news.clone(),
            allows_control: settings.allows_control,
        };
        let wire = Wire { switchboard, news };
        let pace = pace(&settings);
        let is_kept = settings.state_file.is_some();
        let host = ChildSpec::new(&chain, move || {
            let (node, store) = open_chain(&settings)?;
            Ok(DevNodeHost::new(node, store, pace.clone(), wire.clone()))
        });
        // A request may make a thousand blocks at once.
        let host = host.stall_after(Duration::from_secs(60));
        // A chain that is not on disk cannot be continued.
        let host = if is_kept { host } else { host.intensity(0, Duration::from_secs(1)) };
        let server = ChildSpec::new(&Slot::new("DevNodeServer"), move || {
            let listener = listener.try_clone()?;
            Ok(DevNodeServer::new(listener, caller.clone()))
        });
        vec![host, server]
    }
}

fn pace(settings: &DevNodeSettings) -> Pace {
    let chaos = (settings.chaos > 0.0).then(|| Chaos {
        rate: settings.chaos.min(1.0),
        seed: settings.genesis.seed,
        block_time: settings.block_time,
    });
    Pace {
        block_time: settings.block_time,
        planned: settings.planned.clone(),
        chaos,
        allows_control: settings.allows_control,
    }
}

/// The chain of the state file, or a new one, which is saved at once if there is a file.
fn open_chain(settings: &DevNodeSettings) -> Result<(DevNode, Option<ChainStore>), StoreError> {
    let Some(path) = &settings.state_file else { return Ok((new_chain(settings), None)) };
    let mut store = ChainStore::open(path)?;
    let node = match store.load::<DevNode>()? {
        Some(node) => node,
        None => {
            let node = new_chain(settings);
            store.save(node.best().number, &node)?;
            node
        }
    };
    Ok((node, Some(store)))
}

fn new_chain(settings: &DevNodeSettings) -> DevNode {
    let block_time_ms = u64::try_from(settings.block_time.as_millis()).unwrap_or(u64::MAX);
    DevNode::new(NodeConfig {
        genesis: settings.genesis.clone(),
        generation: settings.generation,
        chain_name: settings.chain_name.clone(),
        finality_lag: settings.finality_lag,
        block_time_ms,
        started_ms: clock::unix_ns() / 1_000_000,
    })
}
