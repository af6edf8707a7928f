//! The serving side: an axon that speaks the synapse protocol, and the trait that a miner
//! implements.
//!
//! [`AxonServer`] owns a listener and its HTTP server. [`AxonState`] is what the axon remembers of
//! its callers; it survives a restart of the server. A request goes through the steps of `handler`.
//! Once admitted, it runs in a task of its own (`stream`) until its answer ends. A miner author
//! implements [`Miner`]. [`AxonPublisher`] keeps the axon's record on chain, with the address that
//! [`external_address`] finds.

mod admission;
mod body;
mod connection;
mod external;
mod handler;
mod miner;
mod origin;
mod publisher;
mod request_log;
mod rules;
mod server;
mod settings;
mod signatures;
mod standalone;
mod state;
mod stream;
mod tarpit;

pub use external::{
    AddressCheck, ExternalAddress, LocalAddress, Publishing, SystemRoutes, check, external_address,
};
pub use miner::{Answering, CallerGone, ChunkSink, Miner, MinerError, answer_of};
pub use publisher::{AxonPublisher, AxonRecord, published_as};
pub use rules::{AxonLimits, AxonRules, Caller, Roster, Verify};
pub use server::{AxonServer, AxonServerError};
pub use settings::AxonSettings;
pub use standalone::StandaloneAxon;
pub use state::AxonState;
