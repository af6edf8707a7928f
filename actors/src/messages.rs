//! The messages that actors send each other, with their replies.
//!
//! | module | about |
//! |---|---|
//! | [`tasks`] | the task of a conversation |
//! | [`miners`] | questions to miners, and their answers |
//! | [`inference`] | texts and vectors from models |
//! | [`scores`] | scored turns, and the scores |
//! | [`events`] | the record of each turn |
//!
//! This module names no actor. A sender holds a [`Recipient`](crate::supervision::Recipient) of a
//! message; which actor answers it is decided where the tree is built.

pub mod events;
pub mod inference;
pub mod miners;
pub mod scores;
pub mod tasks;
