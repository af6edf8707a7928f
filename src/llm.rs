//! The language model: everything from chat messages to streamed text.
//!
//! | module | holds |
//! |---|---|
//! | [`gguf`] | the model file: metadata, tensors, dequantisation |
//! | [`model_file`], [`config`] | all of it but the weights, checked before anything starts |
//! | [`tokenizer`], [`template`] | text to token ids and back, chat messages to a prompt |
//! | [`sampler`], [`stream`] | logits to a token, tokens to text that never splits a character |
//! | [`extents`], [`schedule`] | where keys and values are stored, what the next step computes |
//! | [`request`], [`source`] | the request of a caller, and where the model file is |
//! | `model`, `engine` | the forward pass and continuous batching (with the feature `libtorch`) |
//!
//! **Invariant:** nothing here starts a thread, reads a clock or opens a socket. One thread owns an
//! engine and steps it; the seed of every request is an argument, so the same requests give the
//! same answers.

pub mod config;
#[cfg(feature = "libtorch")]
pub mod engine;
mod error;
pub mod extents;
pub mod gguf;
mod layout;
#[cfg(feature = "libtorch")]
pub mod model;
pub mod model_file;
pub mod request;
pub mod sampler;
pub mod schedule;
pub mod source;
pub mod stream;
pub mod template;
pub mod tokenizer;

pub use error::LlmError;
#[cfg(feature = "libtorch")]
pub(crate) use error::first_line;
