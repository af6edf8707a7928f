//! The application: what the commands `sn1 validator`, `sn1 miner` and `sn1 localnet` run. Everything
//! that can be wrong is found first, then the command's tree runs until it is told to stop or gives up.
//!
//! | module | does |
//! |---|---|
//! | `preflight` | wallet, chain, subnet, registration, addresses, state folder: a line for each |
//! | [`parts`] | what nodes are made of, whatever their role |
//! | `validator`, `miner` | the trees of the two roles |
//! | [`localnet`] | a whole subnet in one process |
//! | `run` | follows a tree to its end |
//! | `console` | what is said on standard output |
//! | `machine`, `models`, `state`, `open_files` | what a node takes of its machine |
//! | `faults`, `signals` | what breaks it on purpose, and what stops it |

mod console;
mod faults;
pub mod localnet;
mod machine;
mod miner;
mod models;
mod open_files;
pub mod parts;
mod preflight;
mod run;
pub(crate) mod signals;
mod state;
mod validator;

use sn1::chain::ChainError;

use crate::chain::FailpointError;
use crate::settings::SettingsError;
use crate::wallet::WalletFault;

pub use faults::PlannedFault;
pub use machine::MachineFault;
pub use miner::miner;
pub use models::ModelFault;
pub use open_files::raise_open_files;
pub use validator::validator;

/// What the command line says beyond settings.
#[derive(Debug, Clone, Default)]
pub struct RoleOptions {
    /// Faults, in any order; refused on the main network.
    pub faults: Vec<PlannedFault>,
    /// What the operator should know of the flags, a sentence each.
    pub notices: Vec<String>,
}

/// Why a node did not start, or ended badly.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// Wrong settings.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Flags that cannot be followed.
    #[error("{0}")]
    Usage(String),
    /// A failpoint that cannot be armed.
    #[error(transparent)]
    Failpoint(#[from] FailpointError),
    /// The wallet does not open.
    #[error(transparent)]
    Wallet(#[from] WalletFault),
    /// A model that cannot be used.
    #[error(transparent)]
    Model(#[from] ModelFault),
    /// State that is damaged, or belongs to another node.
    #[error("{0}")]
    Damaged(String),
    /// The hotkey has no place on the subnet.
    #[error("{0}")]
    NotRegistered(String),
    /// The chain did not answer, or has no such subnet.
    #[error("{0}")]
    Chain(#[from] ChainError),
    /// This build, or this machine, cannot do what is asked.
    #[error("{0}")]
    Unavailable(String),
    /// A port, a file or a folder that cannot be had.
    #[error(transparent)]
    Machine(#[from] MachineFault),
    /// The tree gave up.
    #[error("the node gave up: {0}; its state is intact, start it again")]
    GaveUp(String),
}

impl RoleError {
    /// The process's exit code (after sysexits.h), as the README documents it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Settings(_) | Self::Usage(_) | Self::Failpoint(_) => 64,
            Self::Damaged(_) | Self::Model(ModelFault::Damaged(_)) => 65,
            Self::Model(ModelFault::Missing(_)) => 66,
            Self::NotRegistered(_) => 67,
            Self::Chain(ChainError::NoSubnet(_)) => 68,
            Self::Chain(_) | Self::Unavailable(_) => 69,
            Self::GaveUp(_) => 70,
            Self::Machine(fault) => fault.exit_code(),
            Self::Wallet(fault) => fault.exit_code(),
        }
    }
}

/// A listener that cannot be shared between the lives of its actor.
fn unshared(error: std::io::Error) -> RoleError {
    RoleError::Usage(format!("a listener could not be shared with its actor: {error}"))
}
