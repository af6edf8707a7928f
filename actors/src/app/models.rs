//! The models of a node on disk: found, and read as far as it takes to know that they can be used.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sn1::llm::LlmError;
use sn1::llm::gguf::Gguf;
use sn1::llm::source::{ModelSource, SourceError, find_gguf};
use sn1::llm::template::ChatTemplate;
use sn1::llm::tokenizer::Tokenizer;
use tracing::warn;

use super::Failure;
use crate::exit::Exit;
use crate::inference::backends::{BackendFault, ChosenBackends, InferenceSettings};
use crate::settings::{AskingConfig, Device};

impl From<BackendFault> for Failure {
    fn from(fault: BackendFault) -> Self {
        let exit = match fault {
            BackendFault::Missing(_) => Exit::Missing,
            BackendFault::Damaged(_) => Exit::Damaged,
        };
        Self::new(exit, fault.to_string())
    }
}

/// The model file that a setting names, and its tokenizer. Read as the worker will, as far as that
/// goes without libtorch.
pub(crate) fn find_model(
    setting: &str,
    folder: &Path,
) -> Result<(PathBuf, Arc<Tokenizer>), Failure> {
    let path = find_gguf(&resolve(setting, folder)?)
        .map_err(|error| Failure::new(Exit::Missing, error.to_string()))?;
    let damaged = |error: LlmError| Failure::new(Exit::Damaged, error.to_string());
    let bytes = std::fs::read(&path)
        .map_err(|source| damaged(LlmError::Read { path: path.clone(), source }))?;
    let gguf =
        Gguf::parse(&path.display().to_string(), &bytes).map_err(|error| damaged(error.into()))?;
    ChatTemplate::from_gguf(&gguf).map_err(|error| damaged(error.into()))?;
    let tokenizer = Tokenizer::from_gguf(&gguf).map_err(|error| damaged(error.into()))?;
    Ok((path, Arc::new(tokenizer)))
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
        let (model, tokenizer) = find_model(&asking.model.model_id.resolved(), &folder)?;
        let encoder = Some(resolve(&asking.encoder.encoder.resolved(), &folder)?);
        let inference = InferenceSettings { model, encoder, n_threads: asking.compute.threads };
        backends.check(&inference)?;
        Ok(Self { backends, inference, tokenizer })
    }
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
