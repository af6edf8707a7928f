//! The functional core of `sn1`, the node software for Bittensor Subnet 1.
//!
//! Everything here is arithmetic, parsing and decisions: what a reward is, how a request is
//! signed, what the chain does with weights, which token comes next. The supervision tree that
//! uses it is in the `sn1-actors` package, which depends on this one and never the other way round.
//!
//! | module | holds |
//! |---|---|
//! | [`wallet`] | account ids, ss58, sr25519 keys |
//! | [`synapse`] | the wire: headers, body hash, nonces, verification, streamed body |
//! | [`chain`] | metagraph, axon info, weights arithmetic and the [`chain::Chain`] trait |
//! | [`devchain`] | the embedded dev chain: pallet state and the Yuma epoch |
//! | [`llm`] | GGUF, tokenizer, chat template, sampler, and with libtorch the model and its engine |
//! | [`embedding`] | sentence encoder for the relevance reward (computes with libtorch) |
//! | [`validation`] | tasks, corpus, personas, cleaners, rewards, scores |
//! | [`store`] | scores, weight journal and event history in SQLite |
//! | [`telemetry`] | every metric's name, unit and help in one place |
//!
//! **Invariant:** no actor, no global, no socket. Time, randomness and the chain arrive as
//! arguments; the only files opened are the ones a caller names.

pub mod chain;
pub mod devchain;
pub mod embedding;
pub mod llm;
pub mod store;
pub mod synapse;
pub mod telemetry;
#[cfg(test)]
mod testing;
pub mod validation;
pub mod wallet;
