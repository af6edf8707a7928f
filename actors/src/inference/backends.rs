//! All back ends of this build, by name.
//!
//! A new one is a module and a line in [`REGISTRY`]; no other code names it.

use std::path::PathBuf;
use std::sync::Arc;

use super::Backend;
use crate::messages::inference::Capability;
use crate::supervision::ChildSpec;

#[cfg(feature = "libtorch")]
mod thread;
#[cfg(test)]
mod toy;

/// Every back end that the settings can name.
pub static REGISTRY: &[BackendKind] = &[
    #[cfg(feature = "libtorch")]
    thread::KIND,
    #[cfg(test)]
    toy::KIND,
];

/// The back ends that a node uses by default, as far as its build contains them.
const BY_DEFAULT: [&str; 1] = ["thread"];

/// What is loaded, and how much of the machine it may use.
#[derive(Debug, Clone)]
pub struct InferenceSettings {
    /// The path of the model file (GGUF).
    pub model: PathBuf,
    /// The folder of the sentence encoder; `None` for roles that embed nothing.
    pub encoder: Option<PathBuf>,
    /// Threads for the model's matrix products; 0 takes half of the cores.
    pub n_threads: u16,
}

/// Back ends, and the actors that they need, in the order in which they start.
#[derive(Default)]
pub struct BuiltBackends {
    /// The back ends, for the pool.
    pub backends: Vec<Arc<dyn Backend>>,
    /// Their actors, for the supervisor.
    pub children: Vec<ChildSpec>,
}

/// One kind of back end.
#[derive(Debug, Clone, Copy)]
pub struct BackendKind {
    /// The name by which the settings choose it.
    pub name: &'static str,
    /// What back ends of this kind can do.
    pub offers: &'static [Capability],
    /// Builds what the settings ask for, whose files the preflight has checked. Loads nothing: the
    /// actors do that.
    pub build: fn(&InferenceSettings) -> BuiltBackends,
}

/// The back ends that a node uses.
#[derive(Debug, Clone)]
pub struct ChosenBackends(Vec<&'static BackendKind>);

impl Default for ChosenBackends {
    /// The defaults of this build; none without libtorch.
    fn default() -> Self {
        Self(REGISTRY.iter().filter(|kind| BY_DEFAULT.contains(&kind.name)).collect())
    }
}

impl ChosenBackends {
    /// The back ends of these names.
    ///
    /// # Errors
    /// The first name that this build does not contain.
    pub fn named<'n>(names: &[&'n str]) -> Result<Self, &'n str> {
        let find = |name: &&'n str| REGISTRY.iter().find(|kind| kind.name == *name).ok_or(*name);
        names.iter().map(find).collect::<Result<_, _>>().map(Self)
    }

    /// Whether one of them has this capability.
    pub fn offer(&self, capability: Capability) -> bool {
        self.0.iter().any(|kind| kind.offers.contains(&capability))
    }

    /// Builds all of them.
    pub fn build(&self, settings: &InferenceSettings) -> BuiltBackends {
        let mut all = BuiltBackends::default();
        for kind in &self.0 {
            let built = (kind.build)(settings);
            all.backends.extend(built.backends);
            all.children.extend(built.children);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use sn1::llm::request::{ChatMessage, FinishReason, GenerateSettings};
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::inference::{InferencePool, PoolSettings};
    use crate::messages::inference::{Generate, Piece, Usage};
    use crate::supervision::{Root, RootExit, Slot};

    const SOON: Duration = Duration::from_secs(20);

    fn settings() -> InferenceSettings {
        InferenceSettings { model: PathBuf::new(), encoder: None, n_threads: 1 }
    }

    #[test]
    fn names_are_unique_and_each_kind_offers_something() {
        let names: HashSet<&str> = REGISTRY.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), REGISTRY.len());
        for kind in REGISTRY {
            assert!(!kind.offers.is_empty(), "{}", kind.name);
            let known = ChosenBackends::named(&[kind.name]).unwrap();
            assert!(kind.offers.iter().all(|capability| known.offer(*capability)));
        }
        assert_eq!(ChosenBackends::named(&["toy", "none"]).unwrap_err(), "none");
    }

    #[test]
    fn whether_there_is_a_model_follows_from_the_list() {
        let chosen = ChosenBackends::default();
        for capability in [Capability::Generate, Capability::Embed] {
            assert_eq!(chosen.offer(capability), cfg!(feature = "libtorch"), "{capability:?}");
        }
    }

    #[actix::test]
    async fn the_back_end_of_the_how_to_page_answers() {
        let chosen = ChosenBackends::named(&["toy"]).unwrap();
        let BuiltBackends { backends, mut children } = chosen.build(&settings());
        let slot = Slot::<InferencePool>::new("InferencePool");
        children.push(ChildSpec::new(&slot, move || {
            Ok(InferencePool::new(PoolSettings::default(), &backends))
        }));
        let root = Root::start("Root", children, unbounded_channel().0);
        let messages = vec![ChatMessage::new("user", "hear me out")];
        let request = Generate { messages, settings: GenerateSettings::greedy(9) };
        let mut stream = slot.recipient().ask_again(request, SOON).await.unwrap().unwrap();
        let mut pieces = Vec::new();
        while let Ok(piece) = stream.next().await {
            pieces.push(piece);
        }
        let usage = Usage { prompt_tokens: 3, completion_tokens: 3 };
        assert_eq!(
            pieces,
            [
                Piece::Text("HEAR ".to_owned(), 1),
                Piece::Text("ME ".to_owned(), 2),
                Piece::Text("OUT".to_owned(), 3),
                Piece::End { finish: FinishReason::Stop, usage },
            ]
        );
        assert_eq!(root.stop().await, RootExit::Stopped);
    }
}
