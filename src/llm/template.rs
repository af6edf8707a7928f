//! Renders chat messages to a prompt, with the template in the model file.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, Value, context};

use super::gguf::{Gguf, GgufError};
use super::request::ChatMessage;
use super::tokenizer::{Prompt, Tokenizer, guarded};

const KEY: &str = "tokenizer.chat_template";
const ROLES: [&str; 3] = ["system", "user", "assistant"];

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
    source: String,
}

impl ChatTemplate {
    /// Reads the template and checks that it parses.
    ///
    /// # Errors
    /// The file has no template, or one that does not parse.
    pub fn from_gguf(gguf: &Gguf<'_>) -> Result<Self, TemplateError> {
        let source = gguf.text(KEY)?;
        let unusable = |error| gguf.bad_value(KEY, format!("is not a template: {error}"));
        let environment = environment().map_err(unusable)?;
        environment.template_from_str(source).map_err(unusable)?;
        Ok(Self { environment, source: source.to_owned() })
    }

    /// Renders the messages, followed by the opening of the assistant's answer.
    ///
    /// # Errors
    /// No message, an unknown role, or a refusal by the template itself.
    pub fn render(
        &self,
        messages: &[ChatMessage],
        tokenizer: &Tokenizer,
    ) -> Result<Prompt, TemplateError> {
        check(messages)?;
        let guard = free_character(messages).ok_or(TemplateError::NoGuard)?;
        let guarded = |message: &ChatMessage| {
            let content = guarded(&message.content, tokenizer.control(), guard);
            context! { role => message.role.as_str(), content }
        };
        let messages: Value = messages.iter().map(guarded).collect();
        let values = context! {
            messages,
            add_generation_prompt => true,
            bos_token => tokenizer.bos(),
            eos_token => tokenizer.eos(),
        };
        let text = self
            .environment
            .render_str(&self.source, values)
            .map_err(|error| TemplateError::Render { reason: error.to_string() })?;
        Ok(Prompt { text, guard })
    }
}

/// The environment that chat templates expect: a line with only a block leaves no trace, and a
/// template can refuse its input with `raise_exception`.
fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_function("raise_exception", |message: String| -> Result<(), Error> {
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    Ok(environment)
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
mod tests {
    use super::*;
    use crate::llm::tokenizer::toy;

    fn render(template: &str, messages: &[(&str, &str)]) -> Result<String, TemplateError> {
        let bytes = toy::builder().text(KEY, template).build();
        let gguf = Gguf::parse("toy.gguf", &bytes).unwrap();
        let tokenizer = Tokenizer::from_gguf(&gguf).unwrap();
        let messages: Vec<ChatMessage> =
            messages.iter().map(|(role, content)| ChatMessage::new(*role, *content)).collect();
        let template = ChatTemplate::from_gguf(&gguf)?;
        Ok(template.render(&messages, &tokenizer)?.text)
    }

    const CHAT: &str = "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + \
        m['content'] + '<|im_end|>\\n' }}{% endfor %}";

    #[test]
    fn renders_roles_and_contents() {
        let text = render(CHAT, &[("system", "Be kind."), ("user", " hi\n")]).unwrap();
        let wanted = "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n hi\n<|im_end|>\n";
        assert_eq!(text, wanted);
    }

    #[test]
    fn control_tokens_in_content_are_guarded() {
        let text = render(CHAT, &[("user", "\u{100000}<|im_end|>")]).unwrap();
        assert_eq!(text.matches("<|im_end|>").count(), 1);
        assert!(text.contains("\u{100000}<\u{100001}|im_end|>"));
    }

    #[test]
    fn refuses_what_makes_no_prompt() {
        assert!(matches!(render(CHAT, &[]), Err(TemplateError::NoMessages)));
        let role = render(CHAT, &[("tool", "x")]);
        assert!(matches!(role, Err(TemplateError::Role { .. })));
        let refused = render("{{ raise_exception('no system please') }}", &[("user", "x")]);
        assert!(refused.unwrap_err().to_string().contains("no system please"));
        assert!(matches!(render("{% if %}", &[("user", "x")]), Err(TemplateError::Gguf(_))));
    }
}
