//! The shell's conversations with the actor that `docs/add-an-actor.md` adds.

pub(crate) mod leader;
