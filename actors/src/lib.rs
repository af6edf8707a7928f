//! The imperative shell of `sn1`: the supervision tree, the actors, and the code that assembles
//! them.
//!
//! | module | holds |
//! |---|---|
//! | [`supervision`] | residents, recipients, supervisors: starting, watching, restarting actors |
//! | [`messages`], [`feeds`], [`notice`] | what actors ask, publish, and report to the console |
//! | [`chain`] | the client of the chain, the actors that follow it, the weight committer |
//! | [`inference`] | the pool, and the back ends that generate and embed |
//! | [`conversation`] | task factory, agents, scoreboard |
//! | [`dendrite`] | the asking side: connections, deadlines, miners' streams |
//! | [`axon`] | the serving side, and the trait of a miner |
//! | [`miners`] | the miners that a node can run, by name |
//! | [`devnode`] | the embedded chain as a node: JSON-RPC, subscriptions, faults on demand |
//! | [`exit`], [`output`] | how the process ends and what the operator then does; what it prints |
//! | [`event_log`], [`telemetry`] | the record of turns, and the pages of metrics and health |
//! | [`settings`], [`port`] | typed settings; ports to listen on |
//! | [`app`] | a validator, a miner or a whole subnet: checked, started, followed to its end |
//! | [`query`] | asks miners and shows their answers side by side |
//! | [`wallet`] | the official wallet's folders: listed, opened for a node, made |
//!
//! Decisions live in the core (`sn1`); the code here asks, waits, writes and restarts.
//!
//! **Invariant:** actors share nothing. What crosses between them is a message or an `Arc` of
//! something immutable; the only globals are the metrics recorder, the dendrite's nonces,
//! and what the process knows of itself: its absences, and the lines that nobody took.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod app;
mod away;
pub mod axon;
pub mod chain;
mod clock;
pub mod conversation;
pub mod dendrite;
pub mod devnode;
pub mod event_log;
pub mod exit;
pub mod feeds;
pub mod inference;
pub mod messages;
pub mod miners;
pub mod notice;
pub mod output;
pub mod port;
pub mod query;
mod recording;
pub mod settings;
mod signals;
mod spawn;
pub mod supervision;
pub mod telemetry;
pub mod wallet;
