//! What the author of a back end implements.
//!
//! A [`Backend`] is the pool's handle on something that computes: a thread, a process, a server
//! elsewhere. It says what it can do and whether it can do it now, and takes jobs. A job carries the
//! request in and the answer out; whatever happens to the back end, a job that is dropped tells its
//! caller or goes back to the pool. No tensor passes through here.
//!
//! The steps to a new back end are in `docs/add-a-back-end.md`.

use std::sync::Arc;

use super::job::Job;
use crate::messages::inference::{Capability, Embed, Generate, InferenceError, Retry};

/// The language model of a back end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextModel {
    /// Its name, from its file or its server.
    pub name: Arc<str>,
    /// Most tokens of a prompt and its answer together; `None` while unknown.
    pub context: Option<usize>,
    /// Whether its answers can be held to a grammar.
    pub is_constrainable: bool,
}

/// The sentence encoder of a back end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextEncoder {
    /// Its name, from its folder or its server.
    pub name: Arc<str>,
}

/// What a back end can do, whether or not it is ready to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// With which model it generates, if it does.
    pub generate: Option<TextModel>,
    /// With which encoder it embeds, if it does.
    pub embed: Option<TextEncoder>,
}

impl Capabilities {
    /// Whether it can be asked for this.
    pub fn has(&self, capability: Capability) -> bool {
        match capability {
            Capability::Generate => self.generate.is_some(),
            Capability::Embed => self.embed.is_some(),
        }
    }

    /// Whether it has this, for prompts that `min_context` tokens are known not to be enough for.
    pub(super) fn suits(&self, capability: Capability, min_context: usize) -> bool {
        let context = self.generate.as_ref().and_then(|model| model.context);
        self.has(capability) && (min_context == 0 || context >= Some(min_context))
    }
}

/// Whether a back end can take jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It can.
    Ready,
    /// It is starting or restarting; its jobs wait in the pool.
    Starting,
}

/// Why a back end did not answer a job. The retry rule of each is the pool's, not the author's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// It died, or its connection broke. The pool gives the job to a back end once more, unless the
    /// caller has part of an answer.
    #[error("the back end died with the request")]
    Lost,
    /// It has no room now. The pool keeps the job until a back end has.
    #[error("the back end has no room for another request now")]
    Overloaded,
    /// Its model's context is too short. The pool looks for one with a longer context.
    #[error("the prompt has {n_tokens} tokens and the model takes at most {limit}; shorten it")]
    TooLong {
        /// Tokens of the prompt.
        n_tokens: usize,
        /// The longest prompt that leaves room for one token of answer.
        limit: usize,
    },
    /// No back end can ever answer it.
    #[error("{0}")]
    Refused(String),
}

impl BackendError {
    /// Whether another try may succeed. `TooLong` may on another back end alone.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Lost => Retry::AtOnce,
            Self::Overloaded => Retry::Later,
            Self::TooLong { .. } | Self::Refused(_) => Retry::Never,
        }
    }
}

impl InferenceError {
    /// What the caller is told when a back end failed and nobody else can take the request over.
    pub(super) fn of_backend(error: &BackendError, n_lost: u8) -> Self {
        match error {
            BackendError::Lost | BackendError::Overloaded => Self::Lost { n_times: n_lost },
            BackendError::TooLong { .. } | BackendError::Refused(_) => {
                Self::Refused(error.to_string())
            }
        }
    }
}

/// Something that generates, embeds, or both.
///
/// The pool calls it on its own thread: every method returns at once, and work goes to a thread, an
/// actor or a task of the back end's own.
pub trait Backend: Send + Sync + 'static {
    /// What it can do. May become more exact as a model is loaded; whether it can be asked for text
    /// or vectors at all does not change.
    fn capabilities(&self) -> Capabilities;

    /// Whether it can take jobs now.
    fn health(&self) -> Health {
        Health::Ready
    }

    /// Most jobs that it holds at once, those that wait in a line of its own included. The pool
    /// gives a new job to the ready back end with the smallest share of its slots taken.
    fn slots(&self) -> usize;

    /// Answers a conversation: [`Job::text`] for each piece, then [`Job::finish`], or [`Job::fail`].
    /// It stops once [`Job::is_abandoned`].
    fn generate(&self, job: Job<Generate>) {
        job.fail(BackendError::Refused("this back end generates no text".to_owned()));
    }

    /// Embeds texts: [`Job::finish`] or [`Job::fail`].
    fn embed(&self, job: Job<Embed>) {
        job.fail(BackendError::Refused("this back end embeds no text".to_owned()));
    }
}
