//! The parts that nodes are made of, whatever their role: `sn1 localnet`, `sn1 validator` and
//! `sn1 miner` put the same parts under their roots.
//!
//! | part | gives |
//! |---|---|
//! | [`feeds`] | what is known of the chain, for everyone to read without waiting |
//! | [`chain`] | the actors that keep those feeds fresh, and the one that sets weights |
//! | [`inference`] | the language model and the sentence encoder |
//! | [`validator`] | conversations: tasks, questions, scores |
//! | [`miner`] | an axon and the publisher of its address |
//! | [`pages`] | metrics, and what readiness waits for |
//! | [`notice`] | what actors tell people |
//!
//! A part takes keys, files, listeners and numbers, and gives specs of children. It binds nothing,
//! reads no settings file, and knows of no other role.

pub mod chain;
pub mod feeds;
pub mod inference;
pub mod miner;
pub mod notice;
pub mod pages;
pub mod validator;

pub use chain::{ChainPart, VERSION_KEY};
pub use feeds::Feeds;
pub use inference::{HAS_MODEL, Inference, InferenceSettings};
pub use miner::{MinerSettings, miner_children, miner_of};
pub use notice::{Notice, TurnNotice};
pub use pages::{Conditions, telemetry};
pub use validator::{Validator, ValidatorSettings};
