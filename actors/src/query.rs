//! `sn1 query`: asks miners once and shows their answers as they stream in.
//!
//! Whom to ask comes from the command line as addresses, or as uids which [`source`] looks up; who
//! asks is a hotkey of the official wallet or a development key. The question goes through the same
//! supervised dendrite that a validator uses, so what is seen here is what a validator sees.
//!
//! Miners are strangers: nothing they send reaches the terminal before control characters and
//! characters that reorder text are made visible ([`safe_text`]).

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
use crate::settings::SettingsError;
use crate::wallet::WalletFault;

pub use conversation::Conversation;
pub use count::CountBy;
pub use identity::CallerKey;
pub use output::Format;
pub use source::{ChainNodes, Lookup, NodeAddress, RunningNode, SubnetSource};
pub use uids::UidSelection;

use record::Asked;

/// Whom to ask.
#[derive(Debug, Clone)]
pub enum Whom {
    /// These axons, local addresses included, for the operator named them.
    Axons(Vec<(SocketAddr, AccountId)>),
    /// These slots, as that source sees the subnet.
    Uids(UidSelection, Lookup),
}

/// One question to some miners.
#[derive(Debug, Clone)]
pub struct Query {
    /// Whom.
    pub whom: Whom,
    /// Who asks; without one, the development key of the local net that the uids are of.
    pub caller: Option<CallerKey>,
    /// What.
    pub conversation: Conversation,
    /// For each miner, all in all.
    pub timeout: Duration,
    /// How speed is counted.
    pub count_by: CountBy,
    /// What is printed.
    pub format: Format,
}

/// How many of the asked miners answered with status 200 and a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All.
    All,
    /// Some.
    Some,
    /// None.
    None,
}

impl Verdict {
    /// How the process ends.
    pub fn exit(self) -> Exit {
        match self {
            Self::All => Exit::Done,
            Self::Some => Exit::SomeAnswered,
            Self::None => Exit::NoneAnswered,
        }
    }
}

/// Why nobody was asked, or why it ended badly.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// Wrong settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Wrong flags, or miners that cannot be asked.
    #[error("{0}")]
    Usage(String),
    /// A file that is not there.
    #[error("{0}")]
    Missing(String),
    /// A hotkey that cannot be used.
    #[error(transparent)]
    Wallet(#[from] WalletFault),
    /// A model file that is damaged or of another kind.
    #[error("{path}: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// No node that knows the subnet.
    #[error("{0}")]
    NoSubnet(String),
    /// The tree gave up.
    #[error("the query gave up: {0}")]
    GaveUp(String),
    /// Nobody takes the output.
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
            Self::GaveUp(_) => Exit::GaveUp,
            Self::Output(_) => Exit::CannotWrite,
        }
    }
}

/// What is known once whom and who are settled.
struct Resolved {
    asked: Vec<Asked>,
    dendrite: DendriteSettings,
}

/// Asks, prints what comes, and says how it went. Ctrl-C ends it with what has come by then.
///
/// # Errors
/// See [`QueryError`]; a miner that fails is no error.
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
    // Only a local net's page and a chain on this machine name loopback addresses that are no trap.
    let is_local = page.development_key.is_some() || source.is_local();
    let own = page.development_key.clone().map(CallerKey::Development);
    let key = query.caller.clone().or(own).ok_or_else(identity::nobody)?;
    let dendrite = dendrite(&key, is_local)?;
    let account = dendrite.hotkey.account_id();
    if page.neurons.iter().all(|neuron| neuron.hotkey != account) {
        notice(&format!("{account} is not registered on subnet {}: expect refusals", page.netuid));
    }
    Ok(Resolved { asked, dendrite })
}

fn dendrite(key: &CallerKey, allow_local_addresses: bool) -> Result<DendriteSettings, QueryError> {
    Ok(DendriteSettings {
        hotkey: key.load()?,
        // Axons put the address they see in its place.
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

/// Something that the operator should know, beside the answers.
fn notice(text: &str) {
    eprintln!("note: {text}");
}
