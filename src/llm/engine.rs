//! Continuous batching: many requests, one forward pass per step.
//!
//! One thread owns an [`Engine`] and calls [`Engine::step`] while there is work. A request is
//! accepted if there is a slot and one contiguous extent for its longest possible answer; it keeps
//! both until it ends or is cancelled, which frees them at once. The engine neither waits nor
//! queues: [`SubmitError::Busy`] tells the caller to keep the request.

mod sequence;

use std::path::Path;
use std::sync::Arc;
use std::thread::ThreadId;

use jiff::civil::DateTime;

use super::extents::Extents;
use super::gguf::Gguf;
use super::model::LlamaModel;
use super::model_file::{self, ModelFile};
use super::schedule::{Batch, Pending};
use super::template::ChatTemplate;
use super::tokenizer::Tokenizer;

pub use super::LlmError;
pub use super::request::{
    ChatMessage, FinishReason, GenerateSettings, RequestId, StepOutput, SubmitError,
};
pub use super::schedule::EngineSettings;
use sequence::Sequence;

/// A loaded model and the requests it is answering.
#[derive(Debug)]
pub struct Engine {
    settings: EngineSettings,
    file: ModelFile,
    model: LlamaModel,
    extents: Extents,
    sequences: Vec<Sequence>,
    /// Logits of the last step; kept so that their memory is reused.
    logits: Vec<f32>,
    /// The thread whose thread count was set; libtorch keeps one count for each calling thread.
    prepared: Option<ThreadId>,
}

/// The token that a step chose for one request.
struct Chosen {
    id: RequestId,
    token: u32,
    output: StepOutput,
}

impl Engine {
    /// Loads the model at `path`, a `.gguf` file or a folder that holds exactly one, and lets it
    /// begin an answer.
    ///
    /// # Errors
    /// No file, a damaged or unsupported file, a setting of zero, not enough memory, or a model that
    /// gives no token.
    pub fn load(path: &Path, settings: EngineSettings) -> Result<Self, LlmError> {
        check(&settings)?;
        let (path, bytes) = model_file::read(path)?;
        let gguf = Gguf::parse(&path.display().to_string(), &bytes)?;
        let file = ModelFile::from_gguf(&gguf, &path)?;
        let mut engine = Self {
            settings,
            model: LlamaModel::load(&gguf, file.config.clone(), settings.arena_tokens)?,
            file,
            extents: Extents::new(settings.arena_tokens),
            sequences: Vec::new(),
            logits: Vec::new(),
            prepared: None,
        };
        let [(turn, at), ..] = ChatTemplate::probes();
        engine.generate_greedy_ids(&[engine.file.prompt(&turn, at)?], 1)?;
        Ok(engine)
    }

    /// The model's name, as its file states it.
    pub fn model_name(&self) -> &str {
        &self.file.name
    }

    /// The model's tokenizer, shared with the engine.
    pub fn tokenizer(&self) -> Arc<Tokenizer> {
        Arc::clone(&self.file.tokenizer)
    }

    /// Most tokens of a prompt and its answer together.
    pub fn max_tokens(&self) -> usize {
        self.model.config().context.min(self.settings.arena_tokens)
    }

    /// Number of requests that are running.
    pub fn n_active(&self) -> usize {
        self.sequences.len()
    }

    /// Number of further requests that could run, if there is room for their tokens.
    pub fn n_free_slots(&self) -> usize {
        self.settings.n_slots - self.sequences.len()
    }

    /// Accepts a conversation. The answer comes out of [`Engine::step`] under `id`. `now` is the local
    /// time.
    ///
    /// An answer that would go beyond the model's context ends there with
    /// [`FinishReason::Length`].
    ///
    /// # Errors
    /// See [`SubmitError`]; after every one of them the engine is unchanged.
    pub fn submit(
        &mut self,
        id: RequestId,
        messages: &[ChatMessage],
        now: DateTime,
        settings: GenerateSettings,
    ) -> Result<(), SubmitError> {
        let ids = self.file.prompt(messages, now);
        let ids = ids.map_err(|error| SubmitError::BadMessages(error.to_string()))?;
        self.submit_ids(id, ids, settings)
    }

    /// Like [`Engine::submit`], for a prompt that already consists of token ids.
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

    /// Drops a request and frees its slot and its extent. An unknown id is ignored.
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
    /// chunk of the prompts. A request whose prompt is not finished has no output. Does nothing if
    /// there are no requests.
    ///
    /// # Errors
    /// libtorch failed or a logit is not a number. Drop the engine then: its requests are lost.
    pub fn step(&mut self) -> Result<Vec<StepOutput>, LlmError> {
        let chosen = self.step_tokens()?;
        Ok(chosen.into_iter().map(|chosen| chosen.output).collect())
    }

    /// The greedy continuation of each prompt, including the token that ends it, up to `max_tokens`
    /// each; runs as many prompts together as fit. Used to compare with other implementations.
    ///
    /// # Errors
    /// A prompt that can never be accepted, other running requests, or a failed step.
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
            let output = sequence.publish(token, &self.file.tokenizer);
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

#[cfg(test)]
mod tests;
