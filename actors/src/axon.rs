//! The serving side: an axon that speaks the synapse protocol, and the miners behind it.
//!
//! [`AxonServer`] owns a listener and its HTTP server; each request that is admitted lives in a
//! [`handler`] of its own for as long as its stream does. A miner author implements [`Miner`].

mod handler;
mod miner;
mod miners;
mod server;

pub use miner::{Answering, CallerGone, ChunkSink, Miner, MinerError};
pub use miners::{
    Behaviour, EchoMiner, FailingMiner, GarbageMiner, ModelMiner, PhraseMiner, SlowMiner,
};
pub use server::{AxonServer, AxonSettings};
