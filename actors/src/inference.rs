//! The language models and sentence encoders of a node.
//!
//! [`InferencePool`] admits requests and routes them to the [`Backend`]s that can answer them. One
//! list, [`backends`], names all of these. Callers see the requests of
//! [`messages::inference`](crate::messages::inference), and [`PoolCapabilities`] when they only need to
//! know what can be asked.
//! Dropping the stream of an answer cancels the request: its slot in the batch is free before the next step.

mod backend;
pub mod backends;
mod error;
mod job;
mod pool;

pub use backend::{Backend, Capabilities, Health, TextEncoder, TextModel};
pub use error::BackendError;
pub use job::{Abandoned, Job, Request};
pub use pool::{InferencePool, PoolCapabilities, PoolSettings};
