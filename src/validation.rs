//! The mechanism: what is asked, how answers are scored, who is asked and when weights are due.
//!
//! | module | holds |
//! |---|---|
//! | [`tools`] | where tasks come from: our articles, our problem generators |
//! | [`tasks`], [`persona`], [`cleaners`] | from a context to a challenge in somebody's voice |
//! | [`conversation`] | the turns of one pass, as decisions |
//! | [`rewards`] | answers to rewards |
//! | [`scoring`], [`uids`], [`responses`], [`epochs`], [`event`] | rewards to scores and records |
//!
//! Bit for bit where other validators must agree with us (the vectors say where), and with the
//! reference's faults mended where the mechanism's quirk table says so.
//!
//! **Invariant:** nothing here asks a model, a miner or a clock. Generated texts, answers, draws
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
