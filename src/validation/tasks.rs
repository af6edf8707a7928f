//! Tasks: from a context to a query, a challenge and a reference (docs/spec/mechanism.md#tasks).
//!
//! A [`Task`] is a file of this folder and a line of [`TASKS`]. Its [`Definition`] says what it is
//! called, how it is worded, cleaned and scored; its behaviour makes the texts. Nobody else names a
//! task: whoever holds conversations asks for [`Draft`]s and passes on what was written.
//!
//! The prompts say the same as the reference's, in our own words; the wording a miner sees comes
//! from the model, the persona or a template.

mod definition;
mod math;
mod mix;
mod planned;
mod prepared;
mod qa;
mod summarization;
mod wording;

use std::fmt;
use std::str::FromStr;

use rand::RngCore;
use serde::{Deserialize, Serialize};

use self::TaskKind::{Made, Planned};
pub use self::definition::{
    Challenge, Definition, DefinitionError, GLOBAL_PENALTIES, Origin, Turns,
};
pub use self::mix::{MixError, TaskMix};
pub use self::prepared::{PreparedTask, TaskPlan};
use super::tools::{Context, Tool};
use crate::llm::request::ChatMessage;

/// Every task, one line each, in the order of the reference's registry, which decides between the
/// options of rewards (docs/spec/mechanism.md#quirk-1).
pub const TASKS: &[TaskKind] = &[
    Made(&qa::Qa),
    Planned(&planned::DATE_QA),
    Made(&summarization::Summarization),
    Planned(&planned::GENERIC),
    Made(&math::Math),
    Planned(&planned::TRANSLATION),
    Planned(&planned::SENTIMENT),
];

/// The task that continues a conversation, whatever the first one was
/// (docs/spec/mechanism.md#pass). Its models serve every pass (docs/spec/mechanism.md#quirk-28).
pub const FOLLOW_UP: &dyn Task = &qa::Qa;

/// A text that a task needs: it is known, or a model has to write it.
#[derive(Debug, Clone, PartialEq)]
pub enum Draft {
    /// The text itself.
    Ready(String),
    /// The prompt whose answer becomes the text.
    Prompt(Vec<ChatMessage>),
}

/// What a task does. What it is stands in its [`Definition`].
pub trait Task: Send + Sync {
    /// Names, words, rewards and cleaning.
    fn definition(&self) -> &'static Definition;

    /// Where its contexts come from.
    fn tool(&self) -> &'static dyn Tool;

    /// What a conversation about this context is about: the `topic` of log and persona.
    fn subject<'a>(&self, context: &'a Context) -> &'a str {
        &context.title
    }

    /// The narrower subject: the `subtopic` of log and persona.
    fn aspect<'a>(&self, context: &'a Context) -> &'a str {
        &context.topic
    }

    /// The question, before any wording. `history` is the conversation so far, empty on the first
    /// turn. What the task must remember goes into the context's `extra`.
    fn query(&self, context: &mut Context, history: &str, rng: &mut dyn RngCore) -> Draft;

    /// The query from what a model wrote for [`Task::query`]; `None` if that is of no use, and then
    /// nobody is asked.
    fn query_from(&self, _: &mut Context, _history: &str, written: &str) -> Option<String> {
        Some(self.definition().clean(written))
    }

    /// The answer that completions are compared with. `today` is a date such as "May 04, 2026".
    fn reference(&self, task: &PreparedTask, today: &str) -> Draft;

    /// The reference from what a model wrote for [`Task::reference`].
    fn reference_from(&self, written: &str) -> String {
        self.definition().clean(written)
    }

    /// The question as a miner sees it. `persona` is the system prompt that makes a model write as
    /// somebody.
    fn challenge(&self, task: &PreparedTask, persona: &str, rng: &mut dyn RngCore) -> Draft;

    /// The challenge from what a model wrote for [`Task::challenge`].
    fn challenge_from(&self, _: &PreparedTask, written: &str) -> String {
        self.definition().clean(written)
    }
}

impl fmt::Debug for dyn Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.definition().name)
    }
}

/// Two tasks of one name are the same.
impl PartialEq for dyn Task {
    fn eq(&self, other: &Self) -> bool {
        self.definition().name == other.definition().name
    }
}

/// A task by the name that options, logs and other software use: an entry of [`TASKS`].
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum TaskKind {
    /// A task of this version.
    Made(&'static dyn Task),
    /// A task of the mechanism that this version cannot make.
    Planned(&'static Definition),
}

/// A name that is no task's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("looked up the task `{0}`, which does not exist; the tasks are {names}", names = names(|_| true))]
pub struct UnknownTask(pub String);

/// A task that is known but cannot be made yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "task `{0}` cannot be made by this version; the tasks it makes are {names}",
    names = names(|kind| kind.made().is_ok())
)]
pub struct NotMade(pub &'static str);

impl TaskKind {
    /// What the task is.
    pub fn definition(self) -> &'static Definition {
        match self {
            Made(task) => task.definition(),
            Planned(definition) => definition,
        }
    }

    /// What the task does.
    ///
    /// # Errors
    /// When the mechanism has the task and this version does not make it.
    pub fn made(self) -> Result<&'static dyn Task, NotMade> {
        match self {
            Made(task) => Ok(task),
            Planned(definition) => Err(NotMade(definition.name)),
        }
    }
}

fn names(wanted: impl Fn(TaskKind) -> bool) -> String {
    let kinds = TASKS.iter().copied().filter(|kind| wanted(*kind));
    let names: Vec<&str> = kinds.map(|kind| kind.definition().name).collect();
    names.join(", ")
}

impl FromStr for TaskKind {
    type Err = UnknownTask;

    fn from_str(name: &str) -> Result<Self, UnknownTask> {
        let mut kinds = TASKS.iter().copied();
        kinds
            .find(|kind| kind.definition().name == name)
            .ok_or_else(|| UnknownTask(name.to_owned()))
    }
}

impl TryFrom<String> for TaskKind {
    type Error = UnknownTask;

    fn try_from(name: String) -> Result<Self, UnknownTask> {
        name.parse()
    }
}

impl From<TaskKind> for &'static str {
    fn from(kind: TaskKind) -> Self {
        kind.definition().name
    }
}

impl PartialEq for TaskKind {
    fn eq(&self, other: &Self) -> bool {
        self.definition().name == other.definition().name
    }
}

impl fmt::Debug for TaskKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.definition().name)
    }
}

#[cfg(test)]
mod tests;
