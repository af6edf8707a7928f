//! `title`: name the article that a text is from. Nothing in it needs a model.

use rand::RngCore;

use super::{Challenge, Definition, Draft, Origin, PreparedTask, Task, Turns};
use crate::validation::rewards::Weighted;
use crate::validation::rewards::rouge::ROUGE_1;
use crate::validation::tools::wiki::Wiki;
use crate::validation::tools::{Context, Tool};

const TITLE: Definition = Definition {
    name: "title",
    desc: "find out where a text is from",
    goal: "to get the title of the article that the following text is from",
    turns: Turns::One,
    query: Origin::Known,
    reference: Origin::Known,
    challenge: Challenge::Query,
    rewards: &[Weighted::new(&ROUGE_1, 1.0)],
    penalties: &[],
    cleaning: &[],
};

/// The task.
pub(super) struct Title;

impl Task for Title {
    fn definition(&self) -> &'static Definition {
        &TITLE
    }

    fn tool(&self) -> &'static dyn Tool {
        &Wiki
    }

    fn query(&self, context: &mut Context, _history: &str, _: &mut dyn RngCore) -> Draft {
        Draft::Ready(format!("Which article is this text from?\n\n{}", context.content))
    }

    fn reference(&self, task: &PreparedTask, _today: &str) -> Draft {
        Draft::Ready(task.context.title.clone())
    }

    fn challenge(&self, task: &PreparedTask, _persona: &str, _: &mut dyn RngCore) -> Draft {
        Draft::Ready(task.query.clone())
    }
}
