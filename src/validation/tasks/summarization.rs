//! `summarization`: summarise a section of an article.

use rand::RngCore;

use super::wording::{about_the_query, by_example, reference_prompt};
use super::{Challenge, Definition, Draft, Origin, PreparedTask, Task, Turns};
use crate::validation::cleaners::Cleaner;
use crate::validation::rewards::Weighted;
use crate::validation::rewards::relevance::Relevance;
use crate::validation::rewards::rouge::{ROUGE_1, ROUGE_L};
use crate::validation::tools::wiki::Wiki;
use crate::validation::tools::{Context, Tool};

const SUMMARIZATION: Definition = Definition {
    name: "summarization",
    desc: "get help with summarization",
    goal: "summarize the following topic",
    turns: Turns::Two,
    query: Origin::Known,
    reference: Origin::Written,
    challenge: Challenge::Inference,
    rewards: &[Weighted::new(&ROUGE_L, 0.5), Weighted::new(&Relevance, 0.5)],
    penalties: &[Weighted::new(&ROUGE_1, 0.5)],
    cleaning: &[Cleaner::RemoveQuotes, Cleaner::PruneEnding, Cleaner::RemoveRoles],
};

/// Topics and how a person might ask for a summary.
const REQUESTS: [(&str, &str); 2] = [
    (
        "Cape Marlow, Lighthouse",
        "Could you sum up for me what there is to know about the lighthouse at Cape Marlow?",
    ),
    (
        "Rye bread, Sourdough",
        "Just give me the main points about sourdough in rye bread, will you?",
    ),
];

/// The task `summarization`.
pub(super) struct Summarization;

impl Task for Summarization {
    fn definition(&self) -> &'static Definition {
        &SUMMARIZATION
    }

    fn tool(&self) -> &'static dyn Tool {
        &Wiki
    }

    fn query(&self, context: &mut Context, _history: &str, _: &mut dyn RngCore) -> Draft {
        Draft::Ready(format!("{}, {}", context.title, context.topic))
    }

    fn reference(&self, task: &PreparedTask, today: &str) -> Draft {
        let text = &task.context.content;
        let request =
            format!("Summarise the text below, briefly and without mistakes.\n\nText:\n{text}");
        reference_prompt(request, today)
    }

    fn challenge(&self, task: &PreparedTask, persona: &str, _: &mut dyn RngCore) -> Draft {
        let ask = |topic: &str| {
            format!("Ask the assistant, in your own words, to summarise this topic: {topic}")
        };
        by_example(persona, &REQUESTS, ask, &task.query)
    }

    /// If the model's text leaves the subject, a plain request is the challenge.
    fn challenge_from(&self, task: &PreparedTask, written: &str) -> String {
        about_the_query(task, written)
            .unwrap_or_else(|| format!("Can you summarise this topic for me: {}?", task.query))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::tasks::TaskPlan;

    #[test]
    fn a_challenge_that_lost_its_subject_falls_back_to_a_plain_request() {
        let context =
            Context { title: "Honey bee".into(), topic: "Dance".into(), ..Context::default() };
        let task =
            TaskPlan::new(&Summarization, context).prepare("Honey bee, Dance".to_owned(), 0.0);
        assert_eq!(
            task.challenge_from("I am here to help."),
            "Can you summarise this topic for me: Honey bee, Dance?"
        );
        assert_eq!(
            task.challenge_from("Tell me about the bee dance."),
            "Tell me about the bee dance."
        );
    }
}
