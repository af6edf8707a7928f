//! The messages that actors send each other, with their replies: the one vocabulary of the tree.
//!
//! | module | about |
//! |---|---|
//! | [`tasks`] | what a conversation is held about |
//! | [`miners`] | asking miners, and what they answer |
//! | [`inference`] | texts and vectors of models |
//! | [`scores`] | what the answers were worth |
//! | [`events`] | what is kept of each turn |
//!
//! No actor is known here. A sender holds a [`Recipient`](crate::supervision::Recipient) of a
//! message; who answers it is decided where the tree is built.

pub mod events;
pub mod inference;
pub mod miners;
pub mod scores;
pub mod tasks;
