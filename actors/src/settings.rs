//! Settings: whole, typed, and checked before anything is bound or started.
//!
//! Each setting is declared once, in the file of its section, with its help, default and range. Its
//! flag (`--neuron.timeout`), its variable (`SN1_NEURON__TIMEOUT`), its line in `config/ROLE.toml`
//! and its row in `docs/settings.md` come from there. A role is a struct of the sections that it
//! reads, so a key that a role does not read is no setting of it.
//!
//! | module | holds |
//! |---|---|
//! | `subtensor`, `wallet`, `conversation`, `model`, `miner`, `dendrite`, `axon`, `node`, `localnet` | the sections |
//! | `role` | which sections a role reads, and its own defaults |
//! | `types`, `value` | types that cannot be wrong, and how a value is read and written |
//! | `declare` | what a declaration is |
//! | `load`, `file`, `environment`, `official` | defaults < `BT_` variables < file < `SN1_` variables < flags |
//! | `suggest`, `error` | what a wrong one is answered with |
//! | `generate` | the shipped files and the page of settings |
//!
//! A key that is not known is an error that names its source and a near known key; a wrong value
//! names its key, its source and the rule. Nothing here starts, opens or asks anything.

mod axon;
mod conversation;
mod declare;
mod dendrite;
mod environment;
mod error;
mod file;
mod generate;
mod load;
mod localnet;
mod miner;
mod model;
mod node;
mod official;
mod role;
mod subtensor;
mod suggest;
#[cfg(test)]
mod tests;
mod types;
mod value;
mod wallet;

pub use axon::{
    AxonLimits, AxonRules, AxonThreadsSection, LocalnetAxonSection, MinerAxonSection,
    PublishedAxonSection, ValidatorAxonSection, Verify,
};
pub use conversation::{ConversationSection, ScoringSection, WeightsSection};
pub use declare::{Section, Setting, Spec, Visitor};
pub use dendrite::DendriteSection;
pub use error::{Origin, SettingsError};
pub use generate::{effective, file as settings_file};
pub use load::{GivenFlag, Loaded, Sources, load};
pub use localnet::LocalnetSection;
pub use miner::MinerSection;
pub use model::{
    ComputeSection, EncoderSection, LanguageModelSection, ModelFolderSection, SamplingSection,
};
pub use node::{LoggingSection, MetagraphSection, PagesSection, StateSection, TelemetrySection};
pub use role::{
    ALL_ROLES, AskingConfig, LocalnetConfig, MinerConfig, NodeConfig, QueryConfig, Role,
    RoleConfig, ValidatorConfig,
};
pub use subtensor::{BlockTimeSection, SubnetSection, SubtensorSection, TrustSection};
pub use suggest::{hint, near};
pub use types::{
    Device, Endpoint, FilePath, ModelName, NamedNetwork, Network, Share, Tao, parse_duration,
};
pub use value::{Given, Scalar, Shape, Value};
pub use wallet::{WALLETS_ROOT, WalletSection};
