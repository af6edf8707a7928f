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
use crate::app::parts::HAS_MODEL;
use crate::exit::Exit;

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

/// The folder of the sentence encoder that a setting names. A build without libtorch does not look
/// into it.
pub(crate) fn find_encoder(setting: &str, folder: &Path) -> Result<PathBuf, Failure> {
    let encoder = resolve(setting, folder)?;
    if !HAS_MODEL {
        return Ok(encoder);
    }
    let missing = ["config.json", "tokenizer.json", "model.safetensors"]
        .into_iter()
        .find(|name| !encoder.join(name).is_file());
    match missing {
        None => open_encoder(&encoder).map(|()| encoder),
        Some(name) => Err(Failure::new(
            Exit::Missing,
            format!(
                "the sentence encoder in {} has no {name}; run `make models` or set models.encoder",
                encoder.display()
            ),
        )),
    }
}

/// Tells whoever asked for another device that models are computed on the CPU all the same: command
/// lines that name one go on working.
pub(crate) fn note_device(device: &str) {
    if device != "cpu" {
        warn!(
            device,
            "this version computes its models on the CPU; --neuron.device is passed over"
        );
    }
}

fn resolve(setting: &str, folder: &Path) -> Result<PathBuf, Failure> {
    let missing = |error: SourceError| Failure::new(Exit::Missing, error.to_string());
    setting.parse::<ModelSource>().map_err(missing)?.resolve(folder).map_err(missing)
}

/// Loads it once, so that a damaged one is found now.
#[cfg(feature = "libtorch")]
fn open_encoder(folder: &Path) -> Result<(), Failure> {
    sn1::embedding::SentenceEncoder::load(folder)
        .map(drop)
        .map_err(|error| Failure::new(Exit::Damaged, error.to_string()))
}

#[cfg(not(feature = "libtorch"))]
fn open_encoder(_: &Path) -> Result<(), Failure> {
    Ok(())
}
