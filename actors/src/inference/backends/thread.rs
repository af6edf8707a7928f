//! The language model on a thread of this process, and the sentence encoder on another: the default
//! of a build with libtorch.

mod encoder;
mod worker;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sn1::llm::engine::EngineSettings;
use tokio::sync::watch;

use super::{BackendKind, BuiltBackends, InferenceSettings};
use crate::inference::{Backend, Capabilities, Health, Job, TextEncoder, TextModel};
use crate::messages::inference::{Capability, Embed, Generate};
use crate::supervision::{ChildSpec, Recipient, Slot};

use encoder::{EmbedTexts, Encoder};
use worker::{AnswerJob, InferenceWorker, LoadedModel, WorkerSettings};

pub(super) const KIND: BackendKind =
    BackendKind { name: "thread", offers: &[Capability::Generate, Capability::Embed], build };

/// How long without progress is a stall: longer than any batch of the model or the encoder.
const STALL_AFTER: Duration = Duration::from_secs(30);
/// Jobs that the encoder holds; it works on one at a time.
const ENCODER_SLOTS: usize = 8;
fn build(settings: &InferenceSettings) -> BuiltBackends {
    let (model, worker) = engine(settings);
    let mut built = BuiltBackends { backends: vec![Arc::new(model)], children: vec![worker] };
    if let Some(folder) = &settings.encoder {
        let (backend, child) = encoder(folder);
        built.backends.push(Arc::new(backend));
        built.children.push(child);
    }
    built
}

/// The language model as a back end: one `InferenceWorker`.
struct ThreadModel {
    worker: Recipient<AnswerJob>,
    /// The file's name, reported as the model's until it is loaded.
    file: Arc<str>,
    loaded: watch::Receiver<Option<LoadedModel>>,
    slots: usize,
}

fn engine(settings: &InferenceSettings) -> (ThreadModel, ChildSpec) {
    let engine = EngineSettings { n_threads: n_threads(settings.n_threads), ..Default::default() };
    let worker_settings =
        WorkerSettings { model: settings.model.clone(), engine, device: Arc::default() };
    let (announce, loaded) = watch::channel(None);
    let slot = Slot::<InferenceWorker>::new("InferenceWorker");
    let child = ChildSpec::new(&slot, move || {
        Ok(InferenceWorker::new(worker_settings.clone(), announce.clone()))
    })
    .stall_after(STALL_AFTER);
    // As many jobs again wait at the worker, so that a free slot in the batch is filled at once.
    let slots = 2 * engine.n_slots;
    let file = name_of(&settings.model);
    (ThreadModel { worker: slot.recipient(), file, loaded, slots }, child)
}

impl Backend for ThreadModel {
    fn capabilities(&self) -> Capabilities {
        let unknown =
            || TextModel { name: Arc::clone(&self.file), context: None, is_constrainable: false };
        let loaded = self.loaded.borrow().clone();
        let model = loaded.map_or_else(unknown, |loaded| loaded.model);
        Capabilities { generate: Some(model), embed: None }
    }

    fn health(&self) -> Health {
        match self.loaded.borrow().is_some() && self.worker.has_room() {
            true => Health::Ready,
            false => Health::Starting,
        }
    }

    fn slots(&self) -> usize {
        self.slots
    }

    fn generate(&self, job: Job<Generate>) {
        // A worker that has just died drops the job, which returns to the pool.
        let _ = self.worker.tell(AnswerJob(job));
    }
}

/// The sentence encoder as a back end: one `Encoder`.
struct ThreadEncoder {
    encoder: Recipient<EmbedTexts>,
    name: Arc<str>,
}

fn encoder(folder: &Path) -> (ThreadEncoder, ChildSpec) {
    let slot = Slot::<Encoder>::new("Encoder");
    let backend = ThreadEncoder { encoder: slot.recipient(), name: name_of(folder) };
    let folder = folder.to_owned();
    let child = ChildSpec::new(&slot, move || Encoder::load(&folder)).stall_after(STALL_AFTER);
    (backend, child)
}

impl Backend for ThreadEncoder {
    fn capabilities(&self) -> Capabilities {
        let embed = Some(TextEncoder { name: Arc::clone(&self.name) });
        Capabilities { generate: None, embed }
    }

    fn health(&self) -> Health {
        if self.encoder.has_room() { Health::Ready } else { Health::Starting }
    }

    fn slots(&self) -> usize {
        ENCODER_SLOTS
    }

    fn embed(&self, job: Job<Embed>) {
        // As for the worker.
        let _ = self.encoder.tell(EmbedTexts(job));
    }
}

fn name_of(path: &Path) -> Arc<str> {
    path.file_stem().unwrap_or_default().to_string_lossy().into()
}

fn n_threads(wanted: u16) -> i32 {
    let half = || std::thread::available_parallelism().map_or(1, |cores| cores.get() / 2).max(1);
    let threads = if wanted == 0 { half() } else { usize::from(wanted) };
    i32::try_from(threads).unwrap_or(1)
}
