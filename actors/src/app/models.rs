//! The models of a node on disk: found, and read as far as it takes to know that they can be used.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sn1::embedding::{EmbeddingError, EncoderFolder};
use sn1::llm::LlmError;
use sn1::llm::model_file::ModelFile;
use sn1::llm::source::{ModelSource, SourceError, find_gguf};
use sn1::llm::tokenizer::Tokenizer;
use tracing::warn;

use super::Failure;
use crate::exit::{Exit, Exits};
use crate::inference::backends::{ChosenBackends, InferenceSettings};
use crate::settings::{AskingConfig, Device};

impl Exits for LlmError {
    fn exit(&self) -> Exit {
        match self {
            Self::Source(_) => Exit::Missing,
            _ => Exit::Damaged,
        }
    }
}

impl Exits for EmbeddingError {
    fn exit(&self) -> Exit {
        match self {
            Self::Read { source, .. } if source.kind() == ErrorKind::NotFound => Exit::Missing,
            _ => Exit::Damaged,
        }
    }
}

/// The models of whoever asks miners, found on disk.
pub(super) struct AskingModels {
    pub(super) backends: ChosenBackends,
    pub(super) inference: InferenceSettings,
    /// Counts the tokens of answers.
    pub(super) tokenizer: Arc<Tokenizer>,
}

impl AskingModels {
    /// Those that the settings name.
    pub(super) fn find(asking: &AskingConfig) -> Result<Self, Failure> {
        note_devices(&asking.compute.device);
        let (backends, folder) = (ChosenBackends::default(), asking.folder.folder.resolved());
        let (model, file) = find_model(&asking.model.model_id.resolved(), &folder)?;
        let encoder = Some(find_encoder(&asking.encoder.encoder.resolved(), &folder)?);
        let inference = InferenceSettings { model, encoder, n_threads: asking.compute.threads };
        Ok(Self { backends, inference, tokenizer: file.tokenizer })
    }
}

/// The model that a setting names, as the worker will read it, and its path.
pub(crate) fn find_model(setting: &str, folder: &Path) -> Result<(PathBuf, ModelFile), Failure> {
    let path = find_gguf(&resolve(setting, folder)?).map_err(LlmError::from)?;
    let file = ModelFile::open(&path)?;
    Ok((path, file))
}

/// The folder of the sentence encoder that a setting names, read as the encoder will read it.
fn find_encoder(setting: &str, folder: &Path) -> Result<PathBuf, Failure> {
    let path = resolve(setting, folder)?;
    EncoderFolder::read(&path)?;
    Ok(path)
}

/// Tells whoever asked for another device that models are computed on the CPU all the same: command
/// lines that name one go on working.
pub(crate) fn note_devices(devices: &[Device]) {
    for device in devices.iter().filter(|device| **device != Device::Cpu) {
        warn!(
            %device,
            "this version computes its models on the CPU and ignores --neuron.device"
        );
    }
}

fn resolve(setting: &str, folder: &Path) -> Result<PathBuf, Failure> {
    let missing = |error: SourceError| Failure::new(Exit::Missing, error.to_string());
    setting.parse::<ModelSource>().map_err(missing)?.resolve(folder).map_err(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../models")
    }

    /// The language model's bytes with one place of the head replaced by as many others.
    fn replaced(model: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
        assert_eq!(what.len(), with.len());
        let at = model.windows(what.len()).position(|part| part == what).unwrap();
        [&model[..at], with, &model[at + what.len()..]].concat()
    }

    #[test]
    fn a_file_that_cannot_serve_is_damaged_and_says_why() {
        let (path, _) = find_model("HuggingFaceTB/SmolLM2-135M-Instruct", &models()).unwrap();
        let model = std::fs::read(path).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("model.gguf");
        let table: [(&[u8], &[u8], &str); 3] = [
            (b"output_norm.weight", b"rope_freqs_.weight", "`output_norm.weight` is missing"),
            (b"llama.rope.freq_base", b"llama.rope.freq_bass", "`llama.rope.freq_base` is missing"),
            (b"message['content']", b"message['context']", "renders no turn"),
        ];
        for (what, with, wanted) in table {
            std::fs::write(&file, replaced(&model, what, with)).unwrap();
            let failure = find_model(file.to_str().unwrap(), &models()).unwrap_err();
            assert_eq!(failure.exit(), Exit::Damaged);
            assert!(failure.to_string().contains(wanted), "{failure}");
        }
    }

    #[test]
    fn an_encoder_without_a_file_is_missing_and_with_a_bad_one_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let find = || find_encoder(folder.path().to_str().unwrap(), &models()).unwrap_err();
        assert_eq!(find().exit(), Exit::Missing);
        std::fs::write(folder.path().join("config.json"), "{}").unwrap();
        assert_eq!(find().exit(), Exit::Damaged);
    }
}
