//! The language model and the sentence encoder of a node. A build without libtorch has neither:
//! there the pool refuses every text, and nothing else is started.

use std::path::PathBuf;
use std::sync::Arc;

use crate::inference::{Encoder, InferencePool, PoolSettings};
use crate::supervision::{ChildSpec, Link, Slot};
use crate::telemetry::Condition;

/// Whether this build can run the language model and the encoder.
pub const HAS_MODEL: bool = cfg!(feature = "libtorch");

const POOL: PoolSettings = PoolSettings { n_max_requests: 64 };

/// What is loaded, and on how much of the machine.
#[derive(Debug, Clone)]
pub struct InferenceSettings {
    /// The model file (GGUF).
    pub model: PathBuf,
    /// The sentence encoder's folder; `None` for roles that embed nothing.
    pub encoder: Option<PathBuf>,
    /// Threads of the model's matrix products; 0 takes half of the cores.
    pub n_threads: u16,
}

/// How the model is reached, and its actors.
pub struct Inference {
    /// Generates texts.
    pub pool: Link<InferencePool>,
    /// Embeds texts; down for good where there is none.
    pub encoder: Link<Encoder>,
    /// Whether the model is loaded.
    pub ready: Condition,
    /// `InferenceWorker`, `InferencePool` and `Encoder`, as far as there are any.
    pub children: Vec<ChildSpec>,
}

impl Inference {
    /// The actors of one model.
    #[cfg(feature = "libtorch")]
    pub fn new(settings: InferenceSettings) -> Self {
        use std::time::Duration;

        use sn1::llm::engine::EngineSettings;
        use tokio::sync::watch;

        use crate::inference::{InferenceWorker, WorkerSettings};

        let engine =
            EngineSettings { n_threads: n_threads(settings.n_threads), ..Default::default() };
        let worker_settings =
            WorkerSettings { model: settings.model, engine, device: Arc::default() };
        let (ready_sender, ready) = watch::channel(false);
        let slot = Slot::<InferenceWorker>::new("InferenceWorker");
        let worker = ChildSpec::new(&slot, move || {
            Ok(InferenceWorker::new(worker_settings.clone(), ready_sender.clone()))
        })
        .stall_after(Duration::from_secs(30));
        let (pool_slot, encoder_slot) = slots();
        let workers = [slot.link()];
        let pool = ChildSpec::new(&pool_slot, move || Ok(InferenceWorker::pool(POOL, &workers)));
        let encoder = settings.encoder.map(|folder| {
            ChildSpec::new(&encoder_slot, move || Encoder::load(&folder))
                .stall_after(Duration::from_secs(30))
        });
        let ready: Condition = Arc::new(move || match *ready.borrow() {
            true => Ok(()),
            false => Err("the language model is being loaded".to_owned()),
        });
        let children = [worker, pool].into_iter().chain(encoder).collect();
        Self { pool: pool_slot.link(), encoder: encoder_slot.link(), ready, children }
    }

    /// A pool without workers.
    #[cfg(not(feature = "libtorch"))]
    pub fn new(_: InferenceSettings) -> Self {
        let (pool_slot, encoder_slot) = slots();
        let pool = ChildSpec::new(&pool_slot, move || Ok(InferencePool::new(POOL)));
        let (pool, encoder, children) = (pool_slot.link(), encoder_slot.link(), vec![pool]);
        Self { pool, encoder, ready: Arc::new(|| Ok(())), children }
    }
}

fn slots() -> (Slot<InferencePool>, Slot<Encoder>) {
    (Slot::new("InferencePool"), Slot::new("Encoder"))
}

#[cfg(feature = "libtorch")]
fn n_threads(wanted: u16) -> i32 {
    let half = || std::thread::available_parallelism().map_or(1, |cores| cores.get() / 2).max(1);
    let threads = if wanted == 0 { half() } else { usize::from(wanted) };
    i32::try_from(threads).unwrap_or(1)
}
