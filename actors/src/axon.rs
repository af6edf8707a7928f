//! The serving side: an axon that speaks the synapse protocol, and what a miner behind it implements.
//!
//! [`AxonServer`] owns a listener and its HTTP server; [`AxonState`] is what it remembers of its
//! callers, and survives it. A request goes through the steps of `handler`; an admitted one lives in
//! a task of its own (`stream`) for as long as its answer does. A miner author implements [`Miner`].
//! [`AxonPublisher`] keeps the record on chain; [`external_address`] says what it holds.

mod admission;
mod connection;
mod external;
mod handler;
mod miner;
mod publisher;
mod rules;
mod server;
mod settings;
mod signatures;
mod standalone;
mod state;
mod stream;
mod tarpit;

pub use external::{ExternalAddress, LocalAddress, SystemRoutes, external_address};
pub use miner::{Answering, CallerGone, ChunkSink, Miner, MinerError, answer_of};
pub use publisher::{AxonPublisher, AxonRecord};
pub use rules::{AxonLimits, AxonRules, Caller, Roster, Verify};
pub use server::{AxonServer, AxonServerError};
pub use settings::AxonSettings;
pub use standalone::StandaloneAxon;
pub use state::AxonState;
