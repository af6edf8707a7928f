//! The shell's messages with the one that `docs/add-an-actor.md` adds.

#[path = "leader_message.rs"]
pub(crate) mod leader;
