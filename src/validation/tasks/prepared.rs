//! A task in preparation: planned with a context, then prepared with its query.

use rand::RngCore;

use super::{Definition, Draft, FOLLOW_UP, Task};
use crate::validation::tools::Context;

/// A task whose query is not written yet.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskPlan {
    kind: &'static dyn Task,
    context: Context,
    history: String,
}

impl TaskPlan {
    /// A first turn about `context`.
    pub fn new(kind: &'static dyn Task, context: Context) -> Self {
        Self { kind, context, history: String::new() }
    }

    /// A turn that continues the conversation `history` about `task`'s context.
    pub fn following(task: &PreparedTask, history: String) -> Self {
        Self { kind: FOLLOW_UP, context: task.context.clone(), history }
    }

    /// The query, or the prompt for a model to write it.
    pub fn query(&mut self, rng: &mut dyn RngCore) -> Draft {
        self.kind.query(&mut self.context, &self.history, rng)
    }

    /// The task with this query, which took `seconds` to write.
    pub fn prepare(self, query: String, seconds: f64) -> PreparedTask {
        let Self { kind, context, history } = self;
        PreparedTask { kind, context, query, query_time: seconds, history }
    }

    /// The task with the query that a model wrote; `None` if the query is useless.
    pub fn prepare_from(mut self, written: &str, seconds: f64) -> Option<PreparedTask> {
        let query = self.kind.query_from(&mut self.context, &self.history, written)?;
        Some(self.prepare(query, seconds))
    }
}

/// A query with the data needed to judge the answers to it.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedTask {
    /// The task that made the query.
    pub kind: &'static dyn Task,
    /// The material that the query is about; miners never see it.
    pub context: Context,
    /// The question before it is worded.
    pub query: String,
    /// Seconds that writing the query took.
    pub query_time: f64,
    /// The conversation so far, for a follow-up; empty on the first turn.
    pub history: String,
}

impl PreparedTask {
    /// The data of the task.
    pub fn definition(&self) -> &'static Definition {
        self.kind.definition()
    }

    /// The subject of the conversation: `topic` in the log and for the persona.
    pub fn subject(&self) -> &str {
        self.kind.subject(&self.context)
    }

    /// The narrower subject: `subtopic` in the log and for the persona.
    pub fn aspect(&self) -> &str {
        self.kind.aspect(&self.context)
    }

    /// The answer to compare with, or the prompt for it. `today` is a date such as "May 04, 2026".
    pub fn reference(&self, today: &str) -> Draft {
        self.kind.reference(self, today)
    }

    /// The reference from what a model wrote.
    pub fn reference_from(&self, written: &str) -> String {
        self.kind.reference_from(written)
    }

    /// The question as a miner sees it, or the prompt for it.
    pub fn challenge(&self, persona: &str, rng: &mut dyn RngCore) -> Draft {
        self.kind.challenge(self, persona, rng)
    }

    /// The challenge from what a model wrote as the persona.
    pub fn challenge_from(&self, written: &str) -> String {
        self.kind.challenge_from(self, written)
    }
}
