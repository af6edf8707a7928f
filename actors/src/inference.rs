//! The language model and the sentence encoder behind actors.
//!
//! [`InferencePool`] admits and routes; [`InferenceWorker`] owns the thread that owns the engine;
//! [`Encoder`] turns texts into embeddings. Callers see [`Generate`] and a [`TokenStream`]; they
//! never meet a tensor. A dropped stream is a cancelled request: its place in the batch is free
//! before the next step.

mod encoder;
mod pool;
#[cfg(feature = "libtorch")]
mod worker;

pub use encoder::{Embed, EmbedError, Encoder};
pub use pool::{
    Generate, GenerateError, InferencePool, Piece, PoolSettings, TokenStream, WorkerReady,
    generate_text,
};
#[cfg(feature = "libtorch")]
pub use worker::{InferenceWorker, WorkerSettings};
