//! `sn1 query`: asks miners once and shows their answers as they stream in.
//!
//! The command line names the miners by address, or by uid, which [`source`] looks up. The caller
//! is a hotkey of the official wallet or a development key. The question goes through the same
//! supervised dendrite that a validator uses, so an operator sees here what a validator sees.
//!
//! Miners are not trusted: control characters and characters that reorder text are made visible
//! before anything that a miner sent reaches the terminal ([`safe_text`]).

mod ask;
mod conversation;
mod count;
mod identity;
mod layout;
mod live;
mod output;
mod record;
mod report;
mod safe_text;
mod source;
mod uids;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use sn1::chain::AxonInfo;
use sn1::synapse::SDK_VERSION;
use sn1::wallet::AccountId;

use crate::dendrite::{DendriteLimits, DendriteSettings};
use crate::exit::{Exit, Exits};
use crate::messages::miners::Target;
use crate::output::note;
use crate::settings::SettingsError;
use crate::wallet::WalletFault;

pub use conversation::Conversation;
pub use count::CountBy;
pub use identity::CallerKey;
pub use output::Format;
pub use source::{ChainNodes, Lookup, NodeAddress, RunningNode, SubnetSource};
pub use uids::UidSelection;

use record::Asked;

/// The miners to ask.
#[derive(Debug, Clone)]
pub enum Whom {
    /// These axons; local addresses are allowed, because the operator named them.
    Axons(Vec<(SocketAddr, AccountId)>),
    /// The neurons with these uids, as the source of the subnet lists them.
    Uids(UidSelection, Lookup),
}

/// One question to a selection of miners.
#[derive(Debug, Clone)]
pub struct Query {
    /// The miners to ask.
    pub whom: Whom,
    /// The key that asks; `None` takes the development key of the local net that the uids belong
    /// to.
    pub caller: Option<CallerKey>,
    /// The messages to send.
    pub conversation: Conversation,
    /// Time for each miner, from connecting to the last byte.
    pub timeout: Duration,
    /// The unit in which the length and speed of answers are counted.
    pub count_by: CountBy,
    /// What is printed on standard output.
    pub format: Format,
}

/// How many of the asked miners answered with status 200 and a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All of them did.
    All,
    /// Some of them did.
    Some,
    /// None of them did.
    None,
}

impl Verdict {
    /// The exit code of the process.
    pub fn exit(self) -> Exit {
        match self {
            Self::All => Exit::Done,
            Self::Some => Exit::SomeAnswered,
            Self::None => Exit::NoneAnswered,
        }
    }
}

/// Why no miner was asked, or why the query failed.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// A setting has a wrong value.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A flag is wrong, or a miner cannot be asked.
    #[error("{0}")]
    Usage(String),
    /// A file does not exist.
    #[error("{0}")]
    Missing(String),
    /// A hotkey cannot be used.
    #[error(transparent)]
    Wallet(#[from] WalletFault),
    /// A model file is damaged or of another kind.
    #[error("{path}: {reason}")]
    Damaged {
        /// The path of the model file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No node or chain could describe the subnet.
    #[error("{0}")]
    NoSubnet(String),
    /// The chain has no such subnet.
    #[error("{0}")]
    UnknownSubnet(String),
    /// The supervision tree gave up.
    #[error("the query gave up: {0}")]
    GaveUp(String),
    /// Standard output cannot be written.
    #[error("cannot write the answers: {0}")]
    Output(#[from] std::io::Error),
}

impl Exits for QueryError {
    fn exit(&self) -> Exit {
        match self {
            Self::Settings(_) | Self::Usage(_) => Exit::Usage,
            Self::Wallet(fault) => fault.exit(),
            Self::Damaged { .. } => Exit::Damaged,
            Self::Missing(_) => Exit::Missing,
            Self::NoSubnet(_) => Exit::Unavailable,
            Self::UnknownSubnet(_) => Exit::NoSubnet,
            Self::GaveUp(_) => Exit::GaveUp,
            Self::Output(_) => Exit::CannotWrite,
        }
    }
}

/// The miners and the dendrite, once the query's sources are resolved.
struct Resolved {
    asked: Vec<Asked>,
    dendrite: DendriteSettings,
}

/// Asks the miners, prints their answers, and returns how many succeeded. Ctrl-C ends it early and
/// keeps what has arrived.
///
/// # Errors
/// See [`QueryError`]; a miner that fails is not an error.
pub async fn run(query: Query) -> Result<Verdict, QueryError> {
    let resolved = resolve(&query).await?;
    ask::ask(query, resolved).await
}

async fn resolve(query: &Query) -> Result<Resolved, QueryError> {
    match &query.whom {
        Whom::Axons(axons) => {
            let key = query.caller.as_ref().ok_or_else(identity::nobody)?;
            let asked = axons.iter().zip(0..);
            let asked = asked.map(|((address, hotkey), i)| Asked::by_address(i, *address, *hotkey));
            Ok(Resolved { asked: asked.collect(), dendrite: dendrite(key, true)? })
        }
        Whom::Uids(uids, Lookup::Node(node)) => {
            resolve_uids(query, uids, &RunningNode::new(node)).await
        }
        Whom::Uids(uids, Lookup::Chain(nodes)) => resolve_uids(query, uids, nodes).await,
    }
}

async fn resolve_uids(
    query: &Query,
    uids: &UidSelection,
    source: &impl SubnetSource,
) -> Result<Resolved, QueryError> {
    let page = source.subnet().await?;
    let asked = source::choose(uids, &page).map_err(QueryError::Usage)?;
    // Loopback addresses are trusted only from a local net's page or a chain on this machine.
    let is_local = page.development_key.is_some() || source.is_local();
    let own = page.development_key.clone().map(CallerKey::Development);
    let key = query.caller.clone().or(own).ok_or_else(identity::nobody)?;
    let dendrite = dendrite(&key, is_local)?;
    let account = dendrite.hotkey.account_id();
    if page.neurons.iter().all(|neuron| neuron.hotkey != account) {
        note(format_args!(
            "{account} is not registered on subnet {}: expect refusals",
            page.netuid
        ));
    }
    Ok(Resolved { asked, dendrite })
}

fn dendrite(key: &CallerKey, allow_local_addresses: bool) -> Result<DendriteSettings, QueryError> {
    Ok(DendriteSettings {
        hotkey: key.load()?,
        // Axons replace it with the address that they see.
        external_ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        allow_local_addresses,
        limits: DendriteLimits::default(),
    })
}

impl Asked {
    fn target(&self) -> Target {
        let axon = AxonInfo::for_address(self.address, SDK_VERSION);
        Target { uid: self.slot, hotkey: self.hotkey, axon }
    }
}
