//! `qa`: answer a question about an article; also the task of every follow-up.

use rand::RngCore;

use super::wording::{about_the_query, by_example, is_about, is_question, reference_prompt};
use super::{Challenge, Definition, Draft, Origin, PreparedTask, Task, Turns};
use crate::llm::request::ChatMessage;
use crate::validation::cleaners::Cleaner;
use crate::validation::rewards::Weighted;
use crate::validation::rewards::relevance::Relevance;
use crate::validation::rewards::rouge::ROUGE_1;
use crate::validation::tools::wiki::Wiki;
use crate::validation::tools::{Context, Tool};

const QA: Definition = Definition {
    name: "qa",
    desc: "get help on answering a question",
    goal: "to get the answer to the following question",
    turns: Turns::Two,
    query: Origin::Written,
    reference: Origin::Written,
    challenge: Challenge::Inference,
    rewards: &[Weighted::new(&ROUGE_1, 0.5), Weighted::new(&Relevance, 0.5)],
    penalties: &[Weighted::new(&ROUGE_1, 0.5)],
    cleaning: &[
        Cleaner::RemoveQuotes,
        Cleaner::PruneEnding,
        Cleaner::RemoveRoles,
        Cleaner::RemovePostQuestionText,
    ],
};

/// Texts with one question each, shown to the model as earlier turns.
const QUESTIONS: [(&str, &str); 3] = [
    (
        "The lighthouse at Cape Marlow was built in 1874 after three ships had been lost on the \
         reef. Its lamp burned oil until 1931.",
        "Why was the lighthouse at Cape Marlow built?",
    ),
    (
        "Rye bread keeps longer than wheat bread because its crumb holds more water. Bakers in the \
         north let the dough sour for two days.",
        "What do bakers in the north do with the dough of rye bread?",
    ),
    (
        "In 1902 the engineer Ada Lindqvist patented a valve that closes when pressure falls.",
        "Who patented a valve that closes when pressure falls?",
    ),
];
/// Questions and how a person might word them.
const WORDINGS: [(&str, &str); 3] = [
    (QUESTIONS[0].1, "Hey, can you tell me why the lighthouse at Cape Marlow was built?"),
    (QUESTIONS[2].1, "I need this quickly: who patented a valve that closes when pressure falls?"),
    (
        QUESTIONS[1].1,
        "Good day. Could you please explain what bakers in the north do with the dough of rye bread?",
    ),
];

/// The task `qa`.
pub(super) struct Qa;

impl Task for Qa {
    fn definition(&self) -> &'static Definition {
        &QA
    }

    fn tool(&self) -> &'static dyn Tool {
        &Wiki
    }

    fn query(&self, context: &mut Context, history: &str, _: &mut dyn RngCore) -> Draft {
        match history.is_empty() {
            true => question_prompt(&context.content),
            false => follow_up_prompt(&context.content, history),
        }
    }

    /// Accepts only a question about the context. Anything else that a model writes (small models
    /// often do) would be sent to every miner and compared with a meaningless answer.
    fn query_from(&self, context: &mut Context, history: &str, written: &str) -> Option<String> {
        let query = QA.clean(written);
        let subject = format!("{} {history}", context.content);
        (is_question(&query) && is_about(&query, &subject)).then_some(query)
    }

    fn reference(&self, task: &PreparedTask, today: &str) -> Draft {
        let PreparedTask { query, history, .. } = task;
        let text = &task.context.content;
        let request = match history.is_empty() {
            true => format!(
                "Answer the question in detail, using the text below.\n\nText:\n{text}\n\nQuestion: {query}"
            ),
            false => format!(
                "Answer the question in detail. Go by the conversation first; use the text only \
                 where it adds something.\n\nText:\n{text}\n\nConversation:\n{history}\n\nQuestion: {query}"
            ),
        };
        reference_prompt(request, today)
    }

    /// The request repeats the aim in the persona's prompt, because small models forget it
    /// otherwise.
    fn challenge(&self, task: &PreparedTask, persona: &str, _: &mut dyn RngCore) -> Draft {
        let ask = |question: &str| {
            format!("Ask the assistant this question, in your own words: {question}")
        };
        by_example(persona, &WORDINGS, ask, &task.query)
    }

    /// If the model's text leaves the subject or asks nothing, the query itself is the challenge.
    fn challenge_from(&self, task: &PreparedTask, written: &str) -> String {
        let asked = about_the_query(task, written).filter(|text| is_question(text));
        asked.unwrap_or_else(|| task.query.clone())
    }
}

fn question_prompt(context: &str) -> Draft {
    let system = "You are an expert at writing questions. Your questions cover the text they are \
                  about, keep a neutral tone and have at most 50 words. Reply with the question only.";
    let ask = |text: &str| {
        format!("Ask one specific question about the following text.\n\nText:\n{text}")
    };
    by_example(system, &QUESTIONS, ask, context)
}

/// The prompt for the question that continues a conversation.
fn follow_up_prompt(context: &str, history: &str) -> Draft {
    let system = "You write the next question of the same user in a conversation. It cannot be \
                  answered by yes or no, it needs the conversation to be understood, it refers to \
                  things by pronouns and never names the subject, and it brings in no new facts. \
                  Reply with the question only.";
    let (text, question) = QUESTIONS[0];
    let ask = |(text, history): (&str, &str)| {
        format!("Text:\n{text}\n\nConversation:\n{history}\n\nWrite the user's next question.")
    };
    let shown =
        format!("user: {question}\nassistant: Because three ships had been lost on the reef.");
    Draft::Prompt(vec![
        ChatMessage::new("system", system),
        ChatMessage::new("user", ask((text, &shown))),
        ChatMessage::new("assistant", "How long did its lamp burn oil after that?"),
        ChatMessage::new("user", ask((context, history))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::tasks::TaskPlan;

    fn bees() -> Context {
        let content = "Bees dance on the comb to tell where the flowers are.".to_owned();
        Context { content, ..Context::default() }
    }

    fn about_bees(written: &str) -> Option<PreparedTask> {
        TaskPlan::new(&Qa, bees()).prepare_from(written, 0.1)
    }

    #[test]
    fn only_a_question_about_the_context_makes_a_task() {
        let no_tasks =
            [" \"...\" ", "Bees dance on the comb.", "What?", "Who was the king of France?"];
        for text in no_tasks {
            assert_eq!(about_bees(text), None, "{text}");
        }
        let task = about_bees("\"Why do bees dance? And").unwrap();
        assert_eq!(task.query, "Why do bees dance?");
    }

    #[test]
    fn a_challenge_that_lost_its_subject_falls_back_to_the_query() {
        let task = about_bees("Why do bees dance?").unwrap();
        for text in ["'...'", "I am here to help.", "Bees dance, I know that."] {
            assert_eq!(task.challenge_from(text), "Why do bees dance?", "{text}");
        }
        assert_eq!(task.challenge_from("'Hey, why do they dance?'"), "Hey, why do they dance?");
    }

    #[test]
    fn prompts_hold_what_the_model_needs() {
        let first = about_bees("Why do bees dance?").unwrap();
        let history = "user: What do bees do?";
        let plan = TaskPlan::following(&first, history.to_owned());
        let task = plan.prepare_from("Why do they dance there?", 0.0).unwrap();
        let Draft::Prompt(prompt) = task.reference("May 04, 2026") else {
            panic!("the reference is written");
        };
        assert!(prompt[0].content.contains("May 04, 2026"));
        for part in ["Bees dance on", history, "Why do they dance there?"] {
            assert!(prompt[1].content.contains(part), "{part}");
        }
    }
}
