//! The parts that nodes are made of, whatever their role: `sn1 localnet`, `sn1 validator` and
//! `sn1 miner` put the same parts under their roots.
//!
//! | part | gives |
//! |---|---|
//! | [`chain`] | the actors that keep the [feeds](crate::feeds) fresh, and the one that sets weights |
//! | [`inference`] | the language model and the sentence encoder |
//! | [`validator`] | conversations: tasks, questions, scores |
//! | [`miner`] | an axon and the publisher of its address |
//! | [`pages`] | metrics, and what readiness waits for |
//!
//! A part takes keys, files, listeners and numbers, and gives specs of children. It binds nothing,
//! reads no settings file, and knows of no other role.

pub mod chain;
pub mod inference;
pub mod miner;
pub mod pages;
pub mod validator;

pub use chain::{ChainPart, VERSION_KEY};
pub use inference::Inference;
pub use miner::{MinerSettings, axon_publisher, miner_children};
pub use pages::{Conditions, telemetry};
pub use validator::{Validator, ValidatorSettings};
