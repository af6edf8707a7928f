//! The language model, how it draws its words, and where models are.

use sn1::llm::request::GenerateSettings;

use super::declare::section;
use super::{Device, FilePath, ModelName, Share};

section! {
    /// The language model.
    pub struct LanguageModelSection["neuron"] {
        /// The language model: a GGUF file, a folder that holds one, or a hub id looked up in
        /// models.folder.
        model_id: ModelName = ModelName::new("HuggingFaceTB/SmolLM2-135M-Instruct");
    }
}

section! {
    /// What the model computes with.
    pub struct ComputeSection["neuron"] {
        /// Threads of the model's matrix products; 0 takes half of the cores.
        threads: u16 = 0, range(0, 1024);
        /// Where the model computes: cpu. This version ignores cuda and cuda:1.
        device: Vec<Device> = vec![Device::Cpu],
            rule(|devices| !devices.is_empty(), "cpu or cuda, cuda:1 and so on");
    }
}

section! {
    /// How the model draws its words.
    pub struct SamplingSection["neuron"] {
        /// Longest text of the model, in tokens.
        max_tokens: usize = 256, range(8, 4096);
        /// How freely the model draws its words; 0 takes the likeliest always.
        temperature: f64 = 0.7, range(0.0, 10.0);
        /// Draw from this many of the likeliest tokens; 0 draws from all.
        top_k: usize = 0, range(0, 1_000_000);
        /// Draw from the likeliest tokens that have this probability together; 1 draws from all.
        top_p: Share = Share::nearest(0.95), rule(|share| share.get() > 0.0, "above 0 and at most 1");
    }
}

impl SamplingSection {
    /// How a text is generated.
    pub fn generation(&self) -> GenerateSettings {
        let Self { max_tokens, temperature, top_k, top_p } = *self;
        let top_p = top_p.get();
        GenerateSettings { temperature, top_p, top_k, ..GenerateSettings::greedy(max_tokens) }
    }
}

section! {
    /// Where models are.
    pub struct ModelFolderSection["models"] {
        /// Where hub ids are looked up.
        folder: FilePath = FilePath::new("models");
    }
}

section! {
    /// The sentence encoder.
    pub struct EncoderSection["models"] {
        /// The sentence encoder: a hub id or a folder.
        encoder: ModelName = ModelName::new("sentence-transformers/all-MiniLM-L6-v2");
    }
}
