//! One running request.

use crate::llm::extents::Extent;
use crate::llm::request::{FinishReason, GenerateSettings, RequestId, StepOutput};
use crate::llm::sampler::Sampler;
use crate::llm::schedule::Pending;
use crate::llm::stream::TextStream;
use crate::llm::tokenizer::Tokenizer;

/// The tokens of a request, its extent in the arena and its sampler.
#[derive(Debug)]
pub(super) struct Sequence {
    id: RequestId,
    /// The tokens of the prompt, then those of the answer.
    tokens: Vec<u32>,
    n_prompt: usize,
    /// Number of tokens whose keys and values are in the arena.
    n_cached: usize,
    max_tokens: usize,
    extent: Extent,
    sampler: Sampler,
    text: TextStream,
    finish: Option<FinishReason>,
}

impl Sequence {
    pub(super) fn new(
        id: RequestId,
        prompt: Vec<u32>,
        settings: GenerateSettings,
        extent: Extent,
    ) -> Self {
        Self {
            id,
            n_prompt: prompt.len(),
            tokens: prompt,
            n_cached: 0,
            max_tokens: settings.max_tokens,
            extent,
            sampler: Sampler::new(&settings),
            text: TextStream::new(settings.stop),
            finish: None,
        }
    }

    pub(super) fn id(&self) -> RequestId {
        self.id
    }

    pub(super) fn extent(&self) -> Extent {
        self.extent
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    pub(super) fn pending(&self) -> Pending<'_> {
        Pending {
            extent: self.extent,
            n_cached: self.n_cached,
            tokens: &self.tokens[self.n_cached..],
        }
    }

    /// Counts `n_new` more tokens as stored in the arena.
    pub(super) fn cached(&mut self, n_new: usize) {
        self.n_cached += n_new;
    }

    /// The next token; `None` if no logit is a number.
    pub(super) fn choose(&mut self, logits: &[f32]) -> Option<u32> {
        self.sampler.sample(logits)
    }

    /// Appends the chosen token and returns the text that the caller may see.
    pub(super) fn publish(&mut self, token: u32, tokenizer: &Tokenizer) -> StepOutput {
        self.tokens.push(token);
        let mut text = self.text.push(tokenizer.token_bytes(token));
        self.finish = self.finish_reason(tokenizer.is_end(token));
        if self.is_finished() {
            text.push_str(&self.text.finish());
        }
        let (n_prompt, n_tokens) = (self.n_prompt, self.n_answer());
        StepOutput { id: self.id, text, n_prompt, n_tokens, finish: self.finish }
    }

    fn n_answer(&self) -> usize {
        self.tokens.len() - self.n_prompt
    }

    fn finish_reason(&self, is_end: bool) -> Option<FinishReason> {
        if is_end || self.text.is_stopped() {
            return Some(FinishReason::Stop);
        }
        let is_full = self.n_answer() >= self.max_tokens || self.tokens.len() >= self.extent.len;
        is_full.then_some(FinishReason::Length)
    }
}
