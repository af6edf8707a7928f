//! The node compared with the recorded metadata, our own decoder and real signatures.

mod chain;
mod pool;
mod shield;
mod support;
mod wire;
