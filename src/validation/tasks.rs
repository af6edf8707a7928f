//! Tasks: from a context to a query, a reference prompt and a challenge (mechanism.md section 2).
//!
//! A [`Task`] is ready to be asked about. The prompts here say the same as the reference's, in
//! our own words; the wording a miner sees comes from the model, the persona or a template.

use serde::Serialize;

use super::cleaners::{self, ColonRule};
use super::corpus::{Context, Stats};
use super::math::MathProblem;
use super::reward::TaskName;
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

/// A question answering task from the question that the model wrote; `None` when nothing is left
/// of it after cleaning.
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

fn question_task(
    context: Context,
    written: &str,
    query_time: f64,
    history: String,
) -> Option<Task> {
    let query = cleaners::clean(TaskName::Qa, written, ColonRule::default());
    let kind = TaskKind::of(TaskName::Qa).ok()?;
    let is_usable = query.chars().any(char::is_alphanumeric);
    is_usable.then_some(Task {
        kind,
        context,
        query,
        reference: Reference::Generated,
        query_time,
        history,
    })
}

impl Task {
    /// What the conversation is about, for the log and the persona.
    pub fn topic(&self) -> &str {
        &self.context.title
    }

    /// The narrower subject.
    pub fn subtopic(&self) -> &str {
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

    /// The challenge from the text that a model, playing the persona, gave. When the model wrote
    /// nothing usable the query itself is asked.
    pub fn clean_challenge(&self, generated: &str) -> String {
        let cleaned = cleaners::clean(self.kind.name, generated, ColonRule::default());
        if cleaned.chars().any(char::is_alphanumeric) { cleaned } else { self.query.clone() }
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

fn question_prompt(context: &str) -> Vec<ChatMessage> {
    let system = "You are an expert at writing questions. Your questions cover the text they are \
                  about, keep a neutral tone and have at most 50 words. Reply with the question only.";
    let request =
        format!("Ask one specific question about the following text.\n\nText:\n{context}");
    vec![ChatMessage::new("system", system), ChatMessage::new("user", request)]
}

/// The prompt for the question that continues a conversation.
pub fn follow_up_prompt(context: &str, history: &str) -> Vec<ChatMessage> {
    let system = "You write the next question of the same user in a conversation. It cannot be \
                  answered by yes or no, it needs the conversation to be understood, it refers to \
                  things by pronouns and never names the subject, and it brings in no new facts. \
                  Reply with the question only.";
    let request =
        format!("Text:\n{context}\n\nConversation:\n{history}\n\nWrite the user's next question.");
    vec![ChatMessage::new("system", system), ChatMessage::new("user", request)]
}

/// The prompt by which a persona words its first question. The request repeats the aim that the
/// system prompt holds: small models lose it otherwise.
pub fn challenge_prompt(persona_system_prompt: &str, task: &Task) -> Vec<ChatMessage> {
    let request = match task.kind.name {
        TaskName::Summarization => format!(
            "Ask the assistant, in your own words and in one or two sentences, to summarise this \
             topic: {}",
            task.query
        ),
        _ => format!("Ask the assistant this question, in your own words: {}", task.query),
    };
    vec![
        ChatMessage::new("system", persona_system_prompt),
        ChatMessage::new("user", format!("{request}\nReply with the question only.")),
    ]
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

    #[test]
    fn a_question_without_a_word_makes_no_task() {
        assert_eq!(from_question(Context::default(), " \"...\" ", 0.1), None);
        let task = from_question(Context::default(), "\"What is it? And", 0.1).unwrap();
        assert_eq!(task.query, "What is it?");
    }

    #[test]
    fn a_challenge_without_a_word_falls_back_to_the_query() {
        let task = from_question(Context::default(), "What is it?", 0.1).unwrap();
        assert_eq!(task.clean_challenge("'...'"), "What is it?");
        assert_eq!(task.clean_challenge("'Well, what is it?'"), "Well, what is it?");
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
        assert_eq!(task.topic(), "algebra");
    }

    #[test]
    fn prompts_hold_what_the_model_needs() {
        let context = Context { content: "Bees dance.".into(), ..Context::default() };
        let task =
            from_follow_up(context, "Why do they?", 0.0, "user: What do bees do?".into()).unwrap();
        let prompt = task.reference_prompt("May 04, 2026").unwrap();
        assert!(prompt[0].content.contains("May 04, 2026"));
        for part in ["Bees dance.", "user: What do bees do?", "Why do they?"] {
            assert!(prompt[1].content.contains(part), "{part}");
        }
    }
}
