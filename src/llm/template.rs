//! Renders chat messages to a prompt, with the template in the model file, as Hugging Face's
//! `transformers` does (`tests/data/inference/vectors/templates.json` is from there).
//!
//! Where a template takes no system message, or wants user and assistant in turn, the conversation is
//! put into that form instead of refused: see [`folded`]. A template that cannot render the turns that
//! every node has is refused when it is read.

mod json;
mod methods;
mod python;

use jiff::civil::DateTime;
use minijinja::{Environment, Error, Value, context};

use super::gguf::{Gguf, GgufError};
use super::request::ChatMessage;
use super::tokenizer::{RenderedPrompt, Tokenizer, guarded};

const KEY: &str = "tokenizer.chat_template";
const ROLES: [&str; 3] = ["system", "user", "assistant"];
/// The messages with which a template is tried out.
const PROBE: [(&str, &str); 4] =
    [("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello."), ("user", "Go on")];
/// The time that a template is tried out with.
const PROBED_AT: DateTime = DateTime::constant(2025, 1, 1, 0, 0, 0, 0);

/// Why a chat template or its messages cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file has no usable template.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// The list of messages is empty.
    #[error("there is no message to answer")]
    NoMessages,
    /// A message has a role that chat templates do not define.
    #[error("the role `{role}` is unknown; use system, user or assistant")]
    Role {
        /// The unknown role.
        role: String,
    },
    /// The messages contain every character that could separate them from control tokens.
    #[error("the messages use all private characters of plane 16; leave at least one out")]
    NoGuard,
    /// The template refused the messages.
    #[error("the model's chat template refused the messages: {reason}")]
    Render {
        /// The template's message.
        reason: String,
    },
}

/// The chat template of a model.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    takes_system: bool,
}

impl ChatTemplate {
    /// Reads the template and tries it out: a user's turn, one after a system message, and one after
    /// an answer.
    ///
    /// # Errors
    /// The file has no template, or one that does not parse or does not render these turns.
    pub fn from_gguf(gguf: &Gguf<'_>, tokenizer: &Tokenizer) -> Result<Self, TemplateError> {
        let unusable = |error| gguf.bad_value(KEY, format!("is not a template: {error}"));
        let environment = python::environment(gguf.text(KEY)?).map_err(unusable)?;
        let mut template = Self { environment, takes_system: true };
        let [system, user, ..] = &probe();
        let both = template.text(&[system.clone(), user.clone()], tokenizer, PROBED_AT);
        template.takes_system = both.is_ok_and(|prompt| prompt.says(&system.content));
        for (turn, at) in Self::probes() {
            let fails = |why: String| gguf.bad_value(KEY, format!("renders no turn: {why}"));
            let prompt = template.render(&turn, tokenizer, at);
            let prompt = prompt.map_err(|error| fails(error.to_string()))?;
            let mut needed =
                turn.iter().filter(|message| message.role == "system").chain(turn.last());
            if !needed.all(|message| prompt.says(&message.content)) {
                return Err(fails("it leaves the question out".to_owned()).into());
            }
        }
        Ok(template)
    }

    /// The conversations that every template must render: one turn, with and without a system message,
    /// and a turn after an answer; and the time of each.
    pub(crate) fn probes() -> [(Vec<ChatMessage>, DateTime); 4] {
        let all = probe();
        [&all[1..2], &all[..2], &all[1..], &all[..]].map(|turn| (turn.to_vec(), PROBED_AT))
    }

    /// Renders the messages, followed by the opening of the assistant's answer. `now` is the local
    /// time, which some templates state.
    ///
    /// # Errors
    /// No message, an unknown role, or a refusal by the template itself.
    pub fn render(
        &self,
        messages: &[ChatMessage],
        tokenizer: &Tokenizer,
        now: DateTime,
    ) -> Result<RenderedPrompt, TemplateError> {
        check(messages)?;
        let has_system = messages.iter().any(|message| message.role == "system");
        if has_system && !self.takes_system {
            return self.text(&folded(messages), tokenizer, now);
        }
        self.text(messages, tokenizer, now).or_else(|refusal| match folded(messages) {
            folded if folded == messages => Err(refusal),
            // The reason for the conversation as it came says more.
            folded => self.text(&folded, tokenizer, now).map_err(|_| refusal),
        })
    }

    fn text(
        &self,
        messages: &[ChatMessage],
        tokenizer: &Tokenizer,
        now: DateTime,
    ) -> Result<RenderedPrompt, TemplateError> {
        let guard = free_character(messages).ok_or(TemplateError::NoGuard)?;
        let guarded = |message: &ChatMessage| {
            let content = guarded(&message.content, tokenizer.control(), guard);
            context! { role => message.role.as_str(), content }
        };
        let messages: Value = messages.iter().map(guarded).collect();
        let tokens = Value::from_pairs(tokenizer.named_tokens());
        let values = context! {
            messages,
            add_generation_prompt => true,
            // Templates ask whether these are none, not whether they are defined.
            tools => (),
            documents => (),
            ..tokens
        };
        let text = python::render(&self.environment, values, now)
            .map_err(|error| TemplateError::Render { reason: reason(&error) })?;
        Ok(RenderedPrompt { text, guard })
    }
}

impl RenderedPrompt {
    fn says(&self, content: &str) -> bool {
        self.text.replace(self.guard, "").contains(content)
    }
}

fn probe() -> [ChatMessage; 4] {
    PROBE.map(|(role, content)| ChatMessage::new(role, content))
}

/// The conversation without system messages, whose texts begin the first user turn, and with
/// neighbours of one role joined: the form that every template takes.
fn folded(messages: &[ChatMessage]) -> Vec<ChatMessage> {
    let mut folded: Vec<ChatMessage> = Vec::with_capacity(messages.len());
    let (system, others): (Vec<_>, Vec<_>) =
        messages.iter().partition(|message| message.role == "system");
    let system = system.into_iter().map(|message| ChatMessage::new("user", &*message.content));
    for message in system.chain(others.into_iter().cloned()) {
        match folded.last_mut().filter(|last| last.role == message.role) {
            Some(last) => last.content = format!("{}\n\n{}", last.content, message.content),
            None => folded.push(message),
        }
    }
    folded
}

/// What a template said with `raise_exception`, or what is wrong with it and where.
fn reason(error: &Error) -> String {
    match (error.detail(), error.line()) {
        (Some(detail), Some(line)) => format!("{detail} (line {line})"),
        _ => error.to_string(),
    }
}

fn check(messages: &[ChatMessage]) -> Result<(), TemplateError> {
    if messages.is_empty() {
        return Err(TemplateError::NoMessages);
    }
    match messages.iter().find(|message| !ROLES.contains(&message.role.as_str())) {
        Some(message) => Err(TemplateError::Role { role: message.role.clone() }),
        None => Ok(()),
    }
}

/// A private-use character that no message contains; `None` if they contain all of them.
fn free_character(messages: &[ChatMessage]) -> Option<char> {
    ('\u{100000}'..='\u{10fffd}')
        .find(|character| !messages.iter().any(|message| message.content.contains(*character)))
}

#[cfg(test)]
mod tests;
