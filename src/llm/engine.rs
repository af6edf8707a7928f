//! Continuous batching: many requests, one forward pass a step.
//!
//! One thread owns an [`Engine`] and calls [`Engine::step`] while there is work. A request is taken
//! in when there is a slot and one contiguous extent for the longest it can get; it keeps both until
//! it ends or is cancelled, and then they are free at once. The engine neither waits nor queues:
//! [`SubmitError::Busy`] tells the caller to keep the request.

mod sequence;

use std::path::Path;
use std::sync::Arc;
use std::thread::ThreadId;

use super::extents::Extents;
use super::gguf::Gguf;
use super::model::LlamaModel;
use super::schedule::{Batch, Pending};
use super::source::find_gguf;
use super::template::ChatTemplate;
use super::tokenizer::Tokenizer;

pub use super::LlmError;
pub use super::request::{
    ChatMessage, FinishReason, GenerateSettings, RequestId, StepOutput, SubmitError,
};
use sequence::Sequence;

/// How an engine divides its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineSettings {
    /// Most requests under way at once.
    pub n_slots: usize,
    /// Tokens whose keys and values fit, over all requests.
    pub arena_tokens: usize,
    /// Most prompt tokens computed in one step; running answers wait for at most this many.
    pub prefill_chunk: usize,
    /// Threads of the matrix products.
    pub n_threads: i32,
}

impl Default for EngineSettings {
    /// For a small model on two cores: 8 requests, 6144 tokens, chunks of 256, 1 thread.
    fn default() -> Self {
        Self { n_slots: 8, arena_tokens: 6144, prefill_chunk: 256, n_threads: 1 }
    }
}

/// A loaded model and the requests it is answering.
#[derive(Debug)]
pub struct Engine {
    settings: EngineSettings,
    name: String,
    model: LlamaModel,
    tokenizer: Arc<Tokenizer>,
    template: ChatTemplate,
    extents: Extents,
    sequences: Vec<Sequence>,
    /// Logits of the last step; kept to reuse its memory.
    logits: Vec<f32>,
    /// The thread whose thread count has been set; libtorch keeps one for each calling thread.
    prepared: Option<ThreadId>,
}

/// A token that a step chose.
struct Chosen {
    id: RequestId,
    token: u32,
    output: StepOutput,
}

impl Engine {
    /// Loads the model at `path`, a `.gguf` file or a folder that holds exactly one.
    ///
    /// # Errors
    /// Nothing there, a damaged or unsupported file, settings of zero, or no memory.
    pub fn load(path: &Path, settings: EngineSettings) -> Result<Self, LlmError> {
        check(&settings)?;
        let file = find_gguf(path)?;
        let bytes =
            std::fs::read(&file).map_err(|source| LlmError::Read { path: file.clone(), source })?;
        let gguf = Gguf::parse(&file.display().to_string(), &bytes)?;
        Ok(Self {
            settings,
            name: model_name(&gguf, &file),
            tokenizer: Arc::new(Tokenizer::from_gguf(&gguf)?),
            template: ChatTemplate::from_gguf(&gguf)?,
            model: LlamaModel::load(&gguf, settings.arena_tokens)?,
            extents: Extents::new(settings.arena_tokens),
            sequences: Vec::new(),
            logits: Vec::new(),
            prepared: None,
        })
    }

    /// The model's name, from its file.
    pub fn model_name(&self) -> &str {
        &self.name
    }

    /// The model's tokenizer.
    pub fn tokenizer(&self) -> Arc<Tokenizer> {
        Arc::clone(&self.tokenizer)
    }

    /// The most tokens that a prompt and its answer can have together.
    pub fn max_tokens(&self) -> usize {
        self.model.config().context.min(self.settings.arena_tokens)
    }

    /// How many requests are under way.
    pub fn n_active(&self) -> usize {
        self.sequences.len()
    }

    /// How many more could be, room for their tokens provided.
    pub fn n_free_slots(&self) -> usize {
        self.settings.n_slots - self.sequences.len()
    }

    /// Takes in a conversation to be answered. Its text comes out of [`Engine::step`] under `id`.
    ///
    /// An answer that would go beyond the model's context ends there with
    /// [`FinishReason::Length`].
    ///
    /// # Errors
    /// See [`SubmitError`]; on all of them the engine is as before.
    pub fn submit(
        &mut self,
        id: RequestId,
        messages: &[ChatMessage],
        settings: GenerateSettings,
    ) -> Result<(), SubmitError> {
        let prompt = self
            .template
            .render(messages, &self.tokenizer)
            .map_err(|error| SubmitError::BadMessages(error.to_string()))?;
        let ids = self.tokenizer.encode_prompt(&prompt);
        self.submit_ids(id, ids, settings)
    }

    /// Like [`Engine::submit`], for a prompt that is token ids already.
    ///
    /// # Errors
    /// See [`SubmitError`]; an empty prompt or an id beyond the vocabulary is `BadMessages`.
    pub fn submit_ids(
        &mut self,
        id: RequestId,
        prompt: Vec<u32>,
        settings: GenerateSettings,
    ) -> Result<(), SubmitError> {
        settings.check()?;
        self.check_prompt(&prompt)?;
        if self.sequences.iter().any(|sequence| sequence.id() == id) {
            return Err(SubmitError::Duplicate(id));
        }
        if self.n_free_slots() == 0 {
            return Err(SubmitError::Busy);
        }
        let longest = prompt.len().saturating_add(settings.max_tokens).min(self.max_tokens());
        let extent = self.extents.reserve(longest).ok_or(SubmitError::Busy)?;
        self.sequences.push(Sequence::new(id, prompt, settings, extent));
        Ok(())
    }

    /// Forgets a request; its slot and room are free at once. An unknown id is ignored.
    pub fn cancel(&mut self, id: RequestId) {
        let extents = &mut self.extents;
        self.sequences.retain(|sequence| {
            let is_kept = sequence.id() != id;
            if !is_kept {
                extents.release(sequence.extent());
            }
            is_kept
        });
    }

    /// Computes one step for all requests: the next token of every running answer, and the next
    /// chunk of the prompts. A request whose prompt is not through yet has no output. Without
    /// requests it does nothing.
    ///
    /// # Errors
    /// After an error the engine is to be dropped: its requests are lost.
    pub fn step(&mut self) -> Result<Vec<StepOutput>, LlmError> {
        let chosen = self.step_tokens()?;
        Ok(chosen.into_iter().map(|chosen| chosen.output).collect())
    }

    /// The likeliest continuation of each prompt, the token that ends it included, up to
    /// `max_tokens` each; as many prompts run together as there is room for. For comparison with
    /// other implementations.
    ///
    /// # Errors
    /// A prompt that can never be taken in, other requests under way, or a failed step.
    pub fn generate_greedy_ids(
        &mut self,
        prompts: &[Vec<u32>],
        max_tokens: usize,
    ) -> Result<Vec<Vec<u32>>, LlmError> {
        if self.n_active() > 0 {
            return Err(LlmError::Settings("other requests are under way".into()));
        }
        let mut answers = vec![Vec::new(); prompts.len()];
        let mut waiting = (0u64..).zip(prompts).peekable();
        while waiting.peek().is_some() || self.n_active() > 0 {
            while let Some((id, prompt)) = waiting.peek() {
                let settings = GenerateSettings::greedy(max_tokens);
                match self.submit_ids(RequestId(*id), (*prompt).clone(), settings) {
                    Err(SubmitError::Busy) => break,
                    outcome => outcome.map_err(|error| LlmError::Settings(error.to_string()))?,
                }
                waiting.next();
            }
            for chosen in self.step_tokens()? {
                answers[chosen.id.0 as usize].push(chosen.token);
            }
        }
        Ok(answers)
    }

    fn check_prompt(&self, prompt: &[u32]) -> Result<(), SubmitError> {
        let limit = self.max_tokens() - 1;
        let n_vocabulary = self.model.config().vocabulary as usize;
        if prompt.len() > limit {
            return Err(SubmitError::TooLong { n_tokens: prompt.len(), limit });
        }
        if prompt.is_empty() {
            return Err(SubmitError::BadMessages("the prompt is empty".into()));
        }
        match prompt.iter().find(|id| **id as usize >= n_vocabulary) {
            Some(id) => Err(SubmitError::BadMessages(format!(
                "token {id} is beyond the vocabulary of {n_vocabulary}"
            ))),
            None => Ok(()),
        }
    }

    fn step_tokens(&mut self) -> Result<Vec<Chosen>, LlmError> {
        if self.sequences.is_empty() {
            return Ok(Vec::new());
        }
        self.prepare_thread();
        let pending: Vec<Pending<'_>> = self.sequences.iter().map(Sequence::pending).collect();
        let batch = Batch::plan(&pending, self.settings.prefill_chunk);
        self.model.forward(&batch, &mut self.logits)?;
        let chosen = self.choose(&batch)?;
        self.retire();
        Ok(chosen)
    }

    fn choose(&mut self, batch: &Batch) -> Result<Vec<Chosen>, LlmError> {
        let n_vocabulary = self.model.config().vocabulary as usize;
        let mut rows = self.logits.chunks_exact(n_vocabulary);
        let mut chosen = Vec::with_capacity(batch.output_rows.len());
        for segment in &batch.segments {
            let sequence = &mut self.sequences[segment.sequence];
            sequence.cached(segment.n_new);
            if !segment.is_last {
                continue;
            }
            let id = sequence.id();
            let not_a_number = LlmError::NotANumber { request: id.0 };
            let row = rows.next().unwrap_or_default();
            let token = sequence.choose(row).ok_or(not_a_number)?;
            let output = sequence.publish(token, &self.tokenizer);
            chosen.push(Chosen { id, token, output });
        }
        Ok(chosen)
    }

    fn retire(&mut self) {
        let extents = &mut self.extents;
        self.sequences.retain(|sequence| {
            if sequence.is_finished() {
                extents.release(sequence.extent());
            }
            !sequence.is_finished()
        });
    }

    fn prepare_thread(&mut self) {
        let current = std::thread::current().id();
        if self.prepared != Some(current) {
            tch::set_num_threads(self.settings.n_threads);
            self.prepared = Some(current);
        }
    }
}

fn check(settings: &EngineSettings) -> Result<(), LlmError> {
    let wrong = |rule: &str| Err(LlmError::Settings(rule.to_owned()));
    if settings.n_slots == 0 || settings.prefill_chunk == 0 || settings.n_threads < 1 {
        return wrong("slots, prefill chunk and threads must be at least 1");
    }
    if settings.arena_tokens < 2 {
        return wrong("the arena must hold at least 2 tokens");
    }
    Ok(())
}

fn model_name(gguf: &Gguf<'_>, file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    gguf.text("general.name").map_or_else(|_| stem.into_owned(), str::to_owned)
}

#[cfg(test)]
mod tests;
