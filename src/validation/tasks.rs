//! Tasks: from a context to a query, a reference prompt and a challenge
//! (docs/spec/mechanism.md#tasks).
//!
//! A [`Task`] is ready to be asked about. The prompts here say the same as the reference's, in
//! our own words; the wording a miner sees comes from the model, the persona or a template.

use std::collections::HashSet;

use serde::Serialize;

use super::cleaners::{self, ColonRule};
use super::rewards::TaskName;
use super::tools::corpus::{Context, Stats};
use super::tools::math::MathProblem;
use crate::llm::request::ChatMessage;

/// A task that this software can make and score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskKind {
    /// The task.
    pub name: TaskName,
    /// What the persona wants help with; completes "use an assistant to ...".
    pub desc: &'static str,
    /// The persona's aim; completes "the only aim is ...".
    pub goal: &'static str,
    /// Whether a conversation about it may go on after the first turn.
    pub is_multi_turn: bool,
}

const KINDS: [TaskKind; 3] = [
    TaskKind {
        name: TaskName::Qa,
        desc: "get help on answering a question",
        goal: "to get the answer to the following question",
        is_multi_turn: true,
    },
    TaskKind {
        name: TaskName::Summarization,
        desc: "get help with summarization",
        goal: "summarize the following topic",
        is_multi_turn: true,
    },
    TaskKind {
        name: TaskName::Math,
        desc: "get help solving a math problem",
        goal: "to get the answer to the following math question",
        is_multi_turn: true,
    },
];

/// A task that is known but cannot be made yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "task `{0}` cannot be made by this version; the tasks it makes are qa, summarization and math"
)]
pub struct NotMade(pub &'static str);

impl TaskKind {
    /// The kind of this name.
    ///
    /// # Errors
    /// When the mechanism has the task and this version does not make it.
    pub fn of(name: TaskName) -> Result<Self, NotMade> {
        KINDS.into_iter().find(|kind| kind.name == name).ok_or(NotMade(name.as_str()))
    }

    /// Whether its context is an article (else it is a math problem).
    pub fn needs_article(&self) -> bool {
        self.name != TaskName::Math
    }
}

/// The answer that completions are compared with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Reference {
    /// Known with the task.
    Static(String),
    /// To be generated from a prompt while the miners answer.
    Generated,
}

/// A query and what is needed to judge answers to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// What kind of task.
    pub kind: TaskKind,
    /// Where it comes from; a miner never sees it.
    pub context: Context,
    /// The question, before any wording.
    pub query: String,
    /// The answer to compare with.
    pub reference: Reference,
    /// Seconds that the query took to make.
    pub query_time: f64,
    /// The conversation so far, for a follow-up; empty on the first turn.
    pub history: String,
}

/// How a task's query comes about.
#[derive(Debug, Clone, PartialEq)]
pub enum QuerySource {
    /// It is known.
    Ready(Box<Task>),
    /// The model writes it.
    Generated(Vec<ChatMessage>),
}

/// Plans a task over an article.
///
/// # Errors
/// [`NotMade`] for a task without articles.
pub fn over_article(name: TaskName, context: &Context) -> Result<QuerySource, NotMade> {
    let kind = TaskKind::of(name)?;
    match name {
        TaskName::Qa => Ok(QuerySource::Generated(question_prompt(&context.content))),
        TaskName::Summarization => Ok(QuerySource::Ready(Box::new(Task {
            kind,
            query: format!("{}, {}", context.title, context.topic),
            context: context.clone(),
            reference: Reference::Generated,
            query_time: 0.0,
            history: String::new(),
        }))),
        _ => Err(NotMade(name.as_str())),
    }
}

/// The task of a math problem: nothing in it needs a model.
///
/// # Errors
/// None today; kinds are looked up by name.
pub fn over_problem(problem: MathProblem) -> Result<Task, NotMade> {
    let kind = TaskKind::of(TaskName::Math)?;
    Ok(Task {
        kind,
        query: problem.problem.clone(),
        reference: Reference::Static(problem.solution.clone()),
        context: problem_context(problem),
        query_time: 0.0,
        history: String::new(),
    })
}

fn problem_context(problem: MathProblem) -> Context {
    let extra = [("solution".to_owned(), problem.solution.into())].into_iter().collect();
    Context {
        title: problem.topic.to_owned(),
        topic: problem.topic.to_owned(),
        subtopic: problem.family.to_owned(),
        content: problem.problem,
        source: "MathDataset".to_owned(),
        extra,
        stats: Stats::random(),
        ..Context::default()
    }
}

/// A question answering task from the question that the model wrote; `None` when what is left of it
/// after cleaning is no question about the context.
pub fn from_question(context: Context, written: &str, query_time: f64) -> Option<Task> {
    question_task(context, written, query_time, String::new())
}

/// The follow-up of a conversation: always question answering, on the first task's context.
pub fn from_follow_up(
    context: Context,
    written: &str,
    query_time: f64,
    history: String,
) -> Option<Task> {
    question_task(context, written, query_time, history)
}

/// Only a question about the context makes a task. What a model writes instead of one (small
/// models often do) would be asked of every miner and compared with an answer to nothing.
fn question_task(
    context: Context,
    written: &str,
    query_time: f64,
    history: String,
) -> Option<Task> {
    let query = cleaners::clean(TaskName::Qa, written, ColonRule::default());
    let kind = TaskKind::of(TaskName::Qa).ok()?;
    let subject = format!("{} {history}", context.content);
    (is_question(&query) && is_about(&query, &subject)).then_some(Task {
        kind,
        context,
        query,
        reference: Reference::Generated,
        query_time,
        history,
    })
}

impl Task {
    /// What the conversation is about: the `topic` of the log and the persona.
    pub fn subject(&self) -> &str {
        &self.context.title
    }

    /// The narrower subject: the `subtopic` of the log and the persona.
    pub fn aspect(&self) -> &str {
        &self.context.topic
    }

    /// The prompt whose answer is the reference; `None` for a static one. `today` is a date such
    /// as "May 04, 2026".
    pub fn reference_prompt(&self, today: &str) -> Option<Vec<ChatMessage>> {
        if let Reference::Static(_) = self.reference {
            return None;
        }
        let context = &self.context.content;
        let request = match self.kind.name {
            TaskName::Summarization => format!(
                "Summarise the text below, briefly and without mistakes.\n\nText:\n{context}"
            ),
            _ if self.history.is_empty() => format!(
                "Answer the question in detail, using the text below.\n\nText:\n{context}\n\nQuestion: {}",
                self.query
            ),
            _ => format!(
                "Answer the question in detail. Go by the conversation first; use the text only \
                 where it adds something.\n\nText:\n{context}\n\nConversation:\n{}\n\nQuestion: {}",
                self.history, self.query
            ),
        };
        Some(vec![
            ChatMessage::new("system", reference_system(today)),
            ChatMessage::new("user", request),
        ])
    }

    /// The reference from the text that the model gave to [`Task::reference_prompt`].
    pub fn clean_reference(&self, generated: &str) -> String {
        cleaners::clean(self.kind.name, generated, ColonRule::default())
    }

    /// The challenge from the text that a model, playing the persona, gave. Where the model lost
    /// the subject, or asks nothing, the query itself is asked.
    pub fn clean_challenge(&self, generated: &str) -> String {
        let cleaned = cleaners::clean(self.kind.name, generated, ColonRule::default());
        match self.kind.name {
            _ if !is_about(&cleaned, &self.query) => self.plain_challenge(),
            TaskName::Summarization => cleaned,
            _ if is_question(&cleaned) => cleaned,
            _ => self.plain_challenge(),
        }
    }

    fn plain_challenge(&self) -> String {
        match self.kind.name {
            TaskName::Summarization => {
                format!("Can you summarise this topic for me: {}?", self.query)
            }
            _ => self.query.clone(),
        }
    }
}

fn reference_system(today: &str) -> String {
    format!(
        "You are an assistant that runs on Bittensor, a decentralised network for machine \
         intelligence. Today is {today}. Answer simple questions in a few words and open ones \
         thoroughly. Put code in markdown. Name credible sources where they matter. Do not talk \
         about yourself unless you are asked."
    )
}

/// Texts with a question each, shown to the model as earlier turns: small models follow examples
/// where they lose instructions.
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
/// Questions and how somebody might put them.
const WORDINGS: [(&str, &str); 3] = [
    (QUESTIONS[0].1, "Hey, can you tell me why the lighthouse at Cape Marlow was built?"),
    (QUESTIONS[2].1, "I need this quickly: who patented a valve that closes when pressure falls?"),
    (
        QUESTIONS[1].1,
        "Good day. Could you please explain what bakers in the north do with the dough of rye bread?",
    ),
];
/// Topics and how somebody might ask for a summary.
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

/// A system text, examples as earlier turns, and the request, all put by `ask`.
fn by_example(
    system: &str,
    examples: &[(&str, &str)],
    ask: impl Fn(&str) -> String,
    subject: &str,
) -> Vec<ChatMessage> {
    let shown = examples.iter().flat_map(|(given, answer)| {
        [ChatMessage::new("user", ask(given)), ChatMessage::new("assistant", *answer)]
    });
    let first = std::iter::once(ChatMessage::new("system", system));
    first.chain(shown).chain([ChatMessage::new("user", ask(subject))]).collect()
}

fn question_prompt(context: &str) -> Vec<ChatMessage> {
    let system = "You are an expert at writing questions. Your questions cover the text they are \
                  about, keep a neutral tone and have at most 50 words. Reply with the question only.";
    let ask = |text: &str| {
        format!("Ask one specific question about the following text.\n\nText:\n{text}")
    };
    by_example(system, &QUESTIONS, ask, context)
}

/// The prompt for the question that continues a conversation.
pub fn follow_up_prompt(context: &str, history: &str) -> Vec<ChatMessage> {
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
    vec![
        ChatMessage::new("system", system),
        ChatMessage::new("user", ask((text, &shown))),
        ChatMessage::new("assistant", "How long did its lamp burn oil after that?"),
        ChatMessage::new("user", ask((context, history))),
    ]
}

/// The prompt by which a persona words its first question. The request repeats the aim that the
/// system prompt holds: small models lose it otherwise.
pub fn challenge_prompt(persona_system_prompt: &str, task: &Task) -> Vec<ChatMessage> {
    match task.kind.name {
        TaskName::Summarization => by_example(
            persona_system_prompt,
            &REQUESTS,
            |topic| {
                format!("Ask the assistant, in your own words, to summarise this topic: {topic}")
            },
            &task.query,
        ),
        _ => by_example(
            persona_system_prompt,
            &WORDINGS,
            |question| format!("Ask the assistant this question, in your own words: {question}"),
            &task.query,
        ),
    }
}

/// Whether a text shares a word of some length with what it should be about.
fn is_about(text: &str, subject: &str) -> bool {
    let words = |text: &str| -> HashSet<String> {
        let words = text.split(|c: char| !c.is_alphanumeric());
        words.filter(|word| word.chars().count() > 3).map(str::to_lowercase).collect()
    };
    !words(text).is_disjoint(&words(subject))
}

/// Whether a text asks something, in more than a word or two.
fn is_question(text: &str) -> bool {
    text.contains('?') && text.split_whitespace().count() > 3
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::testing::vector_lines;

    #[test]
    fn kinds_match_the_facts() {
        let mut n_checked = 0;
        for fact in vector_lines::<Value>("validation/vectors/facts.jsonl") {
            let Some(name) = fact["input"]["task"].as_str() else { continue };
            let Ok(kind) =
                name.parse().map_err(drop).and_then(|name| TaskKind::of(name).map_err(drop))
            else {
                continue;
            };
            assert_eq!(kind.desc, fact["output"]["desc"]);
            assert_eq!(kind.goal, fact["output"]["goal"]);
            n_checked += 1;
        }
        assert_eq!(n_checked, KINDS.len());
    }

    fn bees() -> Context {
        let content = "Bees dance on the comb to tell where the flowers are.".to_owned();
        Context { content, ..Context::default() }
    }

    #[test]
    fn only_a_question_about_the_context_makes_a_task() {
        let no_tasks =
            [" \"...\" ", "Bees dance on the comb.", "What?", "Who was the king of France?"];
        for text in no_tasks {
            assert_eq!(from_question(bees(), text, 0.1), None, "{text}");
        }
        let task = from_question(bees(), "\"Why do bees dance? And", 0.1).unwrap();
        assert_eq!(task.query, "Why do bees dance?");
    }

    #[test]
    fn a_challenge_that_lost_its_subject_falls_back_to_the_query() {
        let task = from_question(bees(), "Why do bees dance?", 0.1).unwrap();
        for text in ["'...'", "I am here to help.", "Bees dance, I know that."] {
            assert_eq!(task.clean_challenge(text), "Why do bees dance?", "{text}");
        }
        assert_eq!(task.clean_challenge("'Hey, why do they dance?'"), "Hey, why do they dance?");
        let context = Context { title: "Honey bee".into(), topic: "Dance".into(), ..bees() };
        let QuerySource::Ready(task) = over_article(TaskName::Summarization, &context).unwrap()
        else {
            panic!("a summary needs no written query");
        };
        assert_eq!(
            task.clean_challenge("I am here to help."),
            "Can you summarise this topic for me: Honey bee, Dance?"
        );
        assert_eq!(
            task.clean_challenge("Tell me about the bee dance."),
            "Tell me about the bee dance."
        );
    }

    #[test]
    fn a_math_task_needs_no_model() {
        let problem = MathProblem {
            topic: "algebra",
            family: "sum",
            problem: "What is 1 + 2?".into(),
            solution: "3".into(),
        };
        let task = over_problem(problem).unwrap();
        assert_eq!(task.reference, Reference::Static("3".into()));
        assert_eq!(task.reference_prompt("May 04, 2026"), None);
        assert_eq!(task.subject(), "algebra");
    }

    #[test]
    fn prompts_hold_what_the_model_needs() {
        let context = bees();
        let task = from_follow_up(
            context,
            "Why do they dance there?",
            0.0,
            "user: What do bees do?".into(),
        )
        .unwrap();
        let prompt = task.reference_prompt("May 04, 2026").unwrap();
        assert!(prompt[0].content.contains("May 04, 2026"));
        for part in ["Bees dance on", "user: What do bees do?", "Why do they dance there?"] {
            assert!(prompt[1].content.contains(part), "{part}");
        }
    }
}
