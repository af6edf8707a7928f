//! Measures the length of an answer in tokens of a local model, or else in words.

use std::path::{Path, PathBuf};

use sn1::llm::LlmError;
use sn1::llm::gguf::Gguf;
use sn1::llm::source::{ModelSource, SourceError, find_gguf};
use sn1::llm::tokenizer::Tokenizer;

use super::QueryError;
use super::record::Record;
use crate::output::note;

/// The unit that answers are counted in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountBy {
    /// The model whose tokens are counted: a GGUF file, a folder that holds one, or a hub id.
    pub model: String,
    /// The folder in which hub ids are looked up.
    pub models_folder: PathBuf,
    /// Whether a missing model is an error; otherwise words are counted.
    pub is_required: bool,
}

impl CountBy {
    /// Reads the model's tokenizer, which can take a second.
    pub(super) fn load(&self) -> Result<Counter, QueryError> {
        match self.find() {
            Ok(file) => match tokenizer(&file) {
                Ok(tokenizer) => Ok(Counter::Tokens(Box::new(tokenizer))),
                Err(error) if self.is_required => {
                    Err(QueryError::Damaged { path: file, reason: error.to_string() })
                }
                Err(error) => {
                    note(format_args!("counting words instead of tokens: {error}"));
                    Ok(Counter::Words)
                }
            },
            Err(error) if self.is_required => Err(QueryError::Missing(error.to_string())),
            Err(_) => Ok(Counter::Words),
        }
    }

    fn find(&self) -> Result<PathBuf, SourceError> {
        find_gguf(&self.model.parse::<ModelSource>()?.resolve(&self.models_folder)?)
    }
}

fn tokenizer(path: &Path) -> Result<Tokenizer, LlmError> {
    let bytes =
        std::fs::read(path).map_err(|source| LlmError::Read { path: path.to_owned(), source })?;
    Ok(Tokenizer::from_gguf(&Gguf::parse(&path.display().to_string(), &bytes)?)?)
}

/// Counts the tokens or words of answers.
pub(super) enum Counter {
    /// Counts tokens with this tokenizer.
    Tokens(Box<Tokenizer>),
    /// Counts words, separated by white space.
    Words,
}

impl Counter {
    /// The unit in the plural.
    pub(super) fn unit(&self) -> &'static str {
        match self {
            Self::Tokens(_) => "tokens",
            Self::Words => "words",
        }
    }

    /// The length and the speed of an answer.
    pub(super) fn measure(&self, record: &Record) -> Measure {
        let count = match self {
            Self::Tokens(tokenizer) => tokenizer.encode(&record.text).len(),
            Self::Words => record.text.split_whitespace().count(),
        };
        let seconds = record.chunks.last().map(|chunk| chunk.after_s);
        let per_second = seconds.filter(|seconds| *seconds > 0.0).map(|s| count as f64 / s);
        Measure { unit: self.unit(), count, per_second }
    }
}

/// The length and the speed of an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Measure {
    /// The unit in the plural.
    pub(super) unit: &'static str,
    /// The number of tokens or words.
    pub(super) count: usize,
    /// Units per second until the last chunk, including the wait for the first; `None` without
    /// chunks.
    pub(super) per_second: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::{Exit, Exits};
    use crate::query::record::tests::{ended, open};

    #[test]
    fn words_count_until_the_last_chunk() {
        let measure = Counter::Words.measure(&ended(1, 200, "Success", "four  words in\ntwo"));
        assert_eq!(measure, Measure { unit: "words", count: 4, per_second: Some(8.0) });
        let nothing = Counter::Words.measure(&open(1));
        assert_eq!((nothing.count, nothing.per_second), (0, None));
    }

    #[test]
    fn a_model_that_is_not_there_matters_only_if_it_was_asked_for() {
        let models_folder = PathBuf::from("/nonexistent");
        let by = CountBy { model: "org/name".into(), models_folder, is_required: false };
        assert_eq!(by.load().map(|counter| counter.unit()).unwrap(), "words");
        let error = CountBy { is_required: true, ..by }.load().err().unwrap();
        assert_eq!(error.exit(), Exit::Missing);
    }

    #[test]
    fn a_damaged_model_file_is_named_if_it_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("model.gguf");
        std::fs::write(&file, b"GGUF but no more").unwrap();
        let model = file.display().to_string();
        let by = CountBy { model, models_folder: PathBuf::new(), is_required: true };
        let error = by.load().err().unwrap();
        assert_eq!(error.exit(), Exit::Damaged);
        assert!(error.to_string().contains("model.gguf"), "{error}");
        let lenient = CountBy { is_required: false, ..by };
        assert_eq!(lenient.load().map(|counter| counter.unit()).unwrap(), "words");
    }
}
