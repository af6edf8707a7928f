//! The language models and sentence encoders of a node. A build without a back end has none: there
//! the pool refuses every request, and nothing else is started.

use std::sync::Arc;

use crate::feeds::NotReady;
use crate::inference::backends::{BuiltBackends, ChosenBackends, InferenceSettings};
use crate::inference::{InferencePool, PoolCapabilities, PoolSettings};
use crate::messages::inference::{Capability, Embed, Generate};
use crate::supervision::{ChildSpec, Recipient, Slot};
use crate::telemetry::Condition;

/// How models are reached, and their actors.
pub struct Inference {
    /// Generates texts.
    pub pool: Recipient<Generate>,
    /// Embeds texts.
    pub encoder: Recipient<Embed>,
    /// What the two can be asked for.
    pub capabilities: PoolCapabilities,
    /// Whether the language model is loaded; holds where there is none to be loaded.
    pub ready: Condition,
    /// The back ends' actors, and `InferencePool`.
    pub children: Vec<ChildSpec>,
}

impl Inference {
    /// A pool over these back ends.
    pub fn new(chosen: &ChosenBackends, settings: &InferenceSettings) -> Self {
        let BuiltBackends { backends, mut children } = chosen.build(settings);
        let capabilities = PoolCapabilities::new(&backends);
        let slot = Slot::<InferencePool>::new("InferencePool");
        children.push(ChildSpec::new(&slot, move || {
            Ok(InferencePool::new(PoolSettings::default(), &backends))
        }));
        let ready = model_is_loaded(capabilities.clone());
        let (pool, encoder) = (slot.recipient(), slot.recipient());
        Self { pool, encoder, capabilities, ready, children }
    }
}

fn model_is_loaded(capabilities: PoolCapabilities) -> Condition {
    Arc::new(move || {
        let is_loading =
            capabilities.has(Capability::Generate) && !capabilities.is_ready(Capability::Generate);
        match is_loading {
            true => Err(NotReady::LoadingModel),
            false => Ok(()),
        }
    })
}
