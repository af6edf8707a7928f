//! The application: what the commands `sn1 validator`, `sn1 miner`, `sn1 localnet` and
//! `sn1 devchain` run. Everything that can be wrong is found first, then the command's tree runs
//! until it is told to stop or gives up.
//!
//! | module | does |
//! |---|---|
//! | `preflight` | everything that can be wrong, as named checks in the order of what they cost |
//! | [`parts`] | what nodes are made of, whatever their role |
//! | `validator`, `miner` | the trees of the two roles |
//! | [`localnet`], `devchain` | a whole subnet in one process, and its chain alone |
//! | `tree` | parts to the children of a root, in the order of their starts |
//! | `run`, `ending` | follows a tree to its end |
//! | `console` | what is said on standard output |
//! | [`Failure`] | why a command did not start, or ended badly |
//! | `machine`, `models`, `state` | what a node takes of its machine |
//! | `faults` | what breaks it on purpose |

mod console;
mod devchain;
mod ending;
mod failure;
mod faults;
pub mod localnet;
mod machine;
mod miner;
mod models;
pub mod parts;
mod preflight;
mod run;
mod state;
mod tree;
mod validator;

pub use devchain::devchain;
pub use failure::Failure;
pub use faults::PlannedFault;
pub use machine::raise_open_files;
pub use miner::{kind as miner_kind, miner};
pub use run::lasting;
pub use validator::validator;

/// What the command line says beyond settings.
#[derive(Debug, Clone, Default)]
pub struct RoleOptions {
    /// Faults, in any order; refused on the main network.
    pub faults: Vec<PlannedFault>,
    /// What the operator should know of the flags, a sentence each.
    pub notices: Vec<String>,
}
