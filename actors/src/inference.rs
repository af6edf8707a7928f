//! The language models and sentence encoders of a node.
//!
//! [`InferencePool`] admits requests and routes them to the [`Backend`]s that can answer them. One
//! list, [`backends`], names all of these. Callers see [`Generate`], [`Embed`] and a
//! [`TokenStream`], and [`PoolCapabilities`] when they only need to know what can be asked.
//! Dropping a stream cancels the request: its slot in the batch is free before the next step.

mod backend;
pub mod backends;
mod error;
mod job;
mod pool;

pub use crate::messages::inference::{
    Capability, Embed, Generate, InferenceError, Piece, Retry, TokenStream, Usage, embed_texts,
    generate_text,
};
pub use backend::{Backend, Capabilities, Health, TextEncoder, TextModel};
pub use error::BackendError;
pub use job::{CallerGone, Job, Request};
pub use pool::{InferencePool, PoolCapabilities, PoolSettings};
