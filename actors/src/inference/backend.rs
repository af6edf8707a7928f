//! The trait that the author of a back end implements.
//!
//! A [`Backend`] is the pool's handle on something that computes: a thread, a process, a remote
//! server. It reports what it can do and whether it is ready, and takes jobs. A job carries the
//! request in and the answer out; whatever happens to the back end, a dropped job informs its
//! caller or returns to the pool. No tensor passes through here.
//!
//! `docs/add-a-back-end.md` lists the steps to a new back end.

use std::sync::Arc;

use super::error::BackendError;
use super::job::Job;
use crate::messages::inference::{Capability, Embed, Generate};

/// The language model of a back end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextModel {
    /// The model's name, as its file or its server states it.
    pub name: Arc<str>,
    /// Most tokens of a prompt and its answer together; `None` while unknown.
    pub context: Option<usize>,
    /// Whether its answers can be constrained to a grammar.
    pub is_constrainable: bool,
}

/// The sentence encoder of a back end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextEncoder {
    /// The encoder's name, as its folder or its server states it.
    pub name: Arc<str>,
}

/// What a back end can do, whether or not it is ready.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The model with which it generates; `None` when it generates no text.
    pub generate: Option<TextModel>,
    /// The encoder with which it embeds; `None` when it embeds no text.
    pub embed: Option<TextEncoder>,
}

impl Capabilities {
    /// Whether the back end has this capability.
    pub fn has(&self, capability: Capability) -> bool {
        match capability {
            Capability::Generate => self.generate.is_some(),
            Capability::Embed => self.embed.is_some(),
        }
    }

    /// Whether it has this capability, with a context longer than `min_context` tokens may require.
    pub(super) fn suits(&self, capability: Capability, min_context: usize) -> bool {
        let context = self.generate.as_ref().and_then(|model| model.context);
        self.has(capability) && (min_context == 0 || context >= Some(min_context))
    }
}

/// Whether a back end can take jobs now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It can take jobs.
    Ready,
    /// It is starting or restarting; its jobs wait in the pool.
    Starting,
}

/// Something that generates, embeds, or both.
///
/// The pool calls it on its own thread, so every method returns at once; the work belongs on a
/// thread, an actor or a task of the back end's own.
pub trait Backend: Send + Sync + 'static {
    /// What it can do. May become more precise as a model is loaded; whether it generates or embeds
    /// at all does not change.
    fn capabilities(&self) -> Capabilities;

    /// Whether it can take jobs now.
    fn health(&self) -> Health {
        Health::Ready
    }

    /// Most jobs that it holds at once, including those in a queue of its own. The pool gives a new
    /// job to the ready back end with the smallest share of its slots taken.
    fn slots(&self) -> usize;

    /// Answers a conversation: calls [`Job::text`] for each piece, then [`Job::finish`] or
    /// [`Job::fail`]. It stops once [`Job::is_abandoned`].
    fn generate(&self, job: Job<Generate>) {
        job.fail(BackendError::Refused("this back end generates no text".to_owned()));
    }

    /// Embeds texts, then calls [`Job::finish`] or [`Job::fail`].
    fn embed(&self, job: Job<Embed>) {
        job.fail(BackendError::Refused("this back end embeds no text".to_owned()));
    }
}
