//! The mechanism: what is asked, how answers are scored, which miners are asked and when weights
//! are due.
//!
//! | module | holds |
//! |---|---|
//! | [`tools`] | where tasks come from: articles, problem generators |
//! | [`tasks`], [`persona`], [`cleaners`] | from a context to a challenge in a persona's words |
//! | [`conversation`] | the turns of one pass, as decisions |
//! | [`rewards`] | answers to rewards |
//! | [`scoring`], [`uids`], [`responses`], [`epochs`], [`event`] | rewards to scores and records |
//!
//! Results are equal bit for bit where validators must agree (the vectors say where); the
//! reference's faults are mended where the mechanism's quirk table says so.
//!
//! **Invariant:** nothing here calls a model, a miner or a clock. Generated texts, answers, draws
//! and times are arguments.

pub mod cleaners;
pub mod conversation;
pub mod epochs;
pub mod event;
pub mod persona;
pub mod responses;
pub mod rewards;
pub mod scoring;
pub mod tasks;
pub mod tools;
pub mod uids;
