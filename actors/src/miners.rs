//! The miners that a node can run, by the names that the setting `miner` takes.
//!
//! A new one is a module and a line in [`REGISTRY`]; no other code names it. A miner implements
//! [`crate::axon::Miner`]; `docs/add-a-miner.md` lists the steps.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sn1::llm::request::GenerateSettings;

use crate::axon::Miner;
use crate::messages::inference::Generate;
use crate::supervision::Recipient;

mod echo;
mod model;
mod phrase;
#[cfg(test)]
mod toy;

pub use echo::EchoMiner;
pub use model::{ModelMiner, TOKENS_PER_CHUNK};
pub use phrase::PhraseMiner;

/// Every miner that the setting can name.
pub static REGISTRY: &[MinerDefinition] = &[
    model::DEFINITION,
    echo::DEFINITION,
    phrase::DEFINITION,
    #[cfg(test)]
    toy::DEFINITION,
];

/// One kind of miner.
#[derive(Debug)]
pub struct MinerDefinition {
    /// The name that the setting `miner` takes.
    pub name: &'static str,
    /// How a miner of this kind is built.
    pub build: Build,
}

/// How a miner is built from its options, and whether it needs a language model.
#[derive(Debug, Clone, Copy)]
pub enum Build {
    /// It needs no language model.
    Alone(fn(MinerOptions) -> Arc<dyn Miner>),
    /// It asks the pool for text.
    WithModel(fn(MinerOptions, Recipient<Generate>) -> Arc<dyn Miner>),
}

/// The settings of a miner's answers; each kind of miner uses those that concern it.
#[derive(Debug, Clone)]
pub struct MinerOptions {
    /// The system message for a model; empty sends none.
    pub system_prompt: String,
    /// The answer of a miner that always gives the same one.
    pub phrase: String,
    /// How a model's answers are generated.
    pub sampling: GenerateSettings,
    /// Tokens in one chunk, at least 1.
    pub tokens_per_chunk: usize,
}

/// A kind of miner, named by the setting `miner`.
#[derive(Clone, Copy)]
pub struct MinerKind(&'static MinerDefinition);

impl MinerKind {
    /// The name that the setting takes.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// How a miner of this kind is built.
    pub fn build(self) -> Build {
        self.0.build
    }
}

/// The setting names a miner that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown miner `{name}`; the miners are {}", names().join(", "))]
pub struct UnknownMiner {
    name: String,
}

/// The names of all miners.
pub(crate) fn names() -> Vec<&'static str> {
    REGISTRY.iter().map(|definition| definition.name).collect()
}

impl FromStr for MinerKind {
    type Err = UnknownMiner;

    fn from_str(name: &str) -> Result<Self, UnknownMiner> {
        let found = REGISTRY.iter().find(|definition| definition.name == name);
        found.map(Self).ok_or_else(|| UnknownMiner { name: name.to_owned() })
    }
}

impl PartialEq for MinerKind {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl fmt::Debug for MinerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for MinerKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for MinerKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use sn1::synapse::body::Prompt;

    use super::*;
    use crate::axon::answer_of;

    #[test]
    fn each_miner_has_a_name_of_its_own_and_is_found_by_it() {
        assert_eq!(names().into_iter().collect::<HashSet<_>>().len(), REGISTRY.len());
        for name in names() {
            let kind: MinerKind = name.parse().unwrap();
            let text = serde_json::to_string(&kind).unwrap();
            assert_eq!(text, format!("\"{name}\""));
            assert_eq!(serde_json::from_str::<MinerKind>(&text).unwrap(), kind);
        }
    }

    #[test]
    fn an_unknown_name_is_told_the_known_ones() {
        let error = "dance".parse::<MinerKind>().unwrap_err().to_string();
        assert!(error.contains("`dance`") && error.contains("model, echo, phrase"), "{error}");
    }

    #[actix::test]
    async fn the_miner_of_the_how_to_page_answers() {
        let Build::Alone(build) = "toy".parse::<MinerKind>().unwrap().build() else { panic!() };
        let miner = build(MinerOptions {
            system_prompt: String::new(),
            phrase: String::new(),
            sampling: GenerateSettings::greedy(1),
            tokens_per_chunk: 1,
        });
        let (roles, messages) = (vec!["user".to_owned()], vec!["one two".to_owned()]);
        let prompt = Prompt { roles, messages, timeout: None, body_hash: String::new() };
        let chunks = answer_of(&*miner, prompt, Duration::from_secs(9)).await.unwrap();
        assert_eq!(chunks, ["two ", "one "]);
    }
}
