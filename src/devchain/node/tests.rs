//! The node compared with the recorded metadata, our own decoder and real signatures.

mod chain;
mod pool;
mod support;
mod wire;
