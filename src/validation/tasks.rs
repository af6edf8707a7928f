//! Tasks: from a context to a query, a challenge and a reference (docs/spec/mechanism.md#tasks).
//!
//! Each [`Task`] has a file in this folder and a line in [`TASKS`]. Its [`Definition`] says how it
//! is named, worded, cleaned and scored; its methods make the texts. Other code never names a task:
//! the conversation asks for [`Draft`]s and passes on what a model wrote.
//!
//! The prompts have the meaning of the reference's in different words; the wording that a miner
//! sees comes from the model, the persona or a template.

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

/// Every task, one line each, in the order of the reference's registry, which decides the options
/// of rewards (docs/spec/mechanism.md#quirk-1).
pub const TASKS: &[TaskKind] = &[
    Made(&qa::Qa),
    Planned(&planned::DATE_QA),
    Made(&summarization::Summarization),
    Planned(&planned::GENERIC),
    Made(&math::Math),
    Planned(&planned::TRANSLATION),
    Planned(&planned::SENTIMENT),
];

/// The task that continues a conversation, whatever the first task was
/// (docs/spec/mechanism.md#pass). Its reward models are part of every pass
/// (docs/spec/mechanism.md#quirk-28).
pub const FOLLOW_UP: &dyn Task = &qa::Qa;

/// A text that a task needs: either known, or to be written by a model.
#[derive(Debug, Clone, PartialEq)]
pub enum Draft {
    /// The text is known.
    Ready(String),
    /// A model writes the text when given this prompt.
    Prompt(Vec<ChatMessage>),
}

/// What a task does. Its data is in its [`Definition`].
pub trait Task: Send + Sync {
    /// The task's names, words, rewards and cleaning.
    fn definition(&self) -> &'static Definition;

    /// The tool that draws the task's contexts.
    fn tool(&self) -> &'static dyn Tool;

    /// The subject of a conversation about this context: `topic` in the log and for the persona.
    fn subject<'a>(&self, context: &'a Context) -> &'a str {
        &context.title
    }

    /// The narrower subject: `subtopic` in the log and for the persona.
    fn aspect<'a>(&self, context: &'a Context) -> &'a str {
        &context.topic
    }

    /// The question before it is worded. `history` is the conversation so far, empty on the first
    /// turn. A task stores what it must remember in the context's `extra`.
    fn query(&self, context: &mut Context, history: &str, rng: &mut dyn RngCore) -> Draft;

    /// The query from what a model wrote for [`Task::query`]; `None` if the text is useless, and
    /// then no miner is asked.
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
    /// the persona.
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

/// Two tasks are equal if their names are.
impl PartialEq for dyn Task {
    fn eq(&self, other: &Self) -> bool {
        self.definition().name == other.definition().name
    }
}

/// An entry of [`TASKS`], identified by the name that options, logs and other software use.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum TaskKind {
    /// A task that this version can make.
    Made(&'static dyn Task),
    /// A task of the mechanism that this version cannot make.
    Planned(&'static Definition),
}

/// A name that belongs to no task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("looked up the task `{0}`, which does not exist; the tasks are {names}", names = names(|_| true))]
pub struct UnknownTask(pub String);

/// A task of the mechanism that this version cannot make.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "task `{0}` cannot be made by this version; the tasks it makes are {names}",
    names = names(|kind| kind.made().is_ok())
)]
pub struct NotMade(pub &'static str);

impl TaskKind {
    /// The data of the task.
    pub fn definition(self) -> &'static Definition {
        match self {
            Made(task) => task.definition(),
            Planned(definition) => definition,
        }
    }

    /// The behaviour of the task.
    ///
    /// # Errors
    /// The mechanism has the task, but this version cannot make it.
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
