//! A model file, read and checked as far as it goes without computing.
//!
//! Both the preflight of a role and the engine read a file through [`ModelFile`], so that what the
//! engine would refuse is refused before anything starts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::DateTime;

use super::LlmError;
use super::config::LlamaConfig;
use super::gguf::Gguf;
use super::layout::check_tensors;
use super::request::ChatMessage;
use super::source::find_gguf;
use super::template::{ChatTemplate, TemplateError};
use super::tokenizer::Tokenizer;

/// All of a model but its weights.
#[derive(Debug)]
pub struct ModelFile {
    /// The model's name, as the file states it, or else the file's.
    pub name: String,
    /// The model's dimensions.
    pub config: LlamaConfig,
    /// Text to tokens and back.
    pub tokenizer: Arc<Tokenizer>,
    /// Messages to a prompt.
    pub template: ChatTemplate,
}

impl ModelFile {
    /// Reads the file.
    ///
    /// # Errors
    /// A file that is missing, damaged, or of a kind that cannot be run.
    pub fn open(path: &Path) -> Result<Self, LlmError> {
        let (file, bytes) = read(path)?;
        Self::from_gguf(&Gguf::parse(&file.display().to_string(), &bytes)?, &file)
    }

    /// What `gguf` holds; `file` gives the name where the file states none.
    pub(crate) fn from_gguf(gguf: &Gguf<'_>, file: &Path) -> Result<Self, LlmError> {
        let config = LlamaConfig::from_gguf(gguf)?;
        check_tensors(gguf, &config)?;
        let tokenizer = Tokenizer::from_gguf(gguf)?;
        let template = ChatTemplate::from_gguf(gguf, &tokenizer)?;
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let name = gguf.text("general.name").map_or_else(|_| stem.into_owned(), str::to_owned);
        let model = Self { name, config, tokenizer: Arc::new(tokenizer), template };
        model.check_room(gguf)?;
        Ok(model)
    }

    /// The token ids of a conversation, up to the opening of its answer. `now` is the local time.
    ///
    /// # Errors
    /// The messages make no prompt.
    pub fn prompt(
        &self,
        messages: &[ChatMessage],
        now: DateTime,
    ) -> Result<Vec<u32>, TemplateError> {
        let prompt = self.template.render(messages, &self.tokenizer, now)?;
        Ok(self.tokenizer.encode_prompt(&prompt))
    }

    /// Each of the turns that the template was tried out with must leave room for an answer.
    fn check_room(&self, gguf: &Gguf<'_>) -> Result<(), LlmError> {
        let context = self.config.context;
        for (messages, at) in ChatTemplate::probes() {
            let n_tokens = self.prompt(&messages, at)?.len();
            if n_tokens >= context {
                let reason = format!("is {context}, and one short turn has {n_tokens} tokens");
                return Err(gguf.bad_value("llama.context_length", reason).into());
            }
        }
        Ok(())
    }
}

/// The model file at `path`, which may be a folder with exactly one, and its bytes.
///
/// # Errors
/// No such file, or one that cannot be read.
pub fn read(path: &Path) -> Result<(PathBuf, Vec<u8>), LlmError> {
    let file = find_gguf(path)?;
    match std::fs::read(&file) {
        Ok(bytes) => Ok((file, bytes)),
        Err(source) => Err(LlmError::Read { path: file, source }),
    }
}

#[cfg(test)]
pub(crate) mod tests;
