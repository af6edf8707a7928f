//! The encoder itself: texts to vectors, with libtorch.
//!
//! libtorch keeps a thread count for each calling thread: [`set_threads`] sets that of the caller.

use std::cmp::Reverse;
use std::path::Path;

use tch::{Kind, TchError, Tensor};
use tokenizers::{Encoding, Tokenizer};

use super::bert::Bert;
use super::{EmbeddingError, EncoderFolder};

/// Most tokens in one batch, padding included.
const BATCH_TOKENS: usize = 1024;

impl From<TchError> for EmbeddingError {
    fn from(error: TchError) -> Self {
        Self::Torch(crate::llm::first_line(&error.to_string()))
    }
}

/// Sets the number of threads that libtorch uses for calls from this thread; at least 1.
pub fn set_threads(n_threads: i32) {
    tch::set_num_threads(n_threads.max(1));
}

/// A loaded sentence encoder.
#[derive(Debug)]
pub struct SentenceEncoder {
    tokenizer: Tokenizer,
    bert: Bert,
}

impl SentenceEncoder {
    /// Loads the encoder from a folder, and lets it encode a text.
    ///
    /// # Errors
    /// A file is missing, damaged or unsupported, or the encoder gives no numbers.
    pub fn load(folder: &Path) -> Result<Self, EmbeddingError> {
        let EncoderFolder { config, tokenizer, weights } = EncoderFolder::read(folder)?;
        let encoder = Self { tokenizer, bert: Bert::load(&weights, config)? };
        match encoder.encode(&["Hello."])?.concat().iter().all(|number| number.is_finite()) {
            true => Ok(encoder),
            false => Err(EmbeddingError::Unusable {
                path: folder.to_owned(),
                reason: "its embeddings are not numbers".to_owned(),
            }),
        }
    }

    /// Number of dimensions of every embedding.
    pub fn width(&self) -> usize {
        self.bert.config().hidden_size as usize
    }

    /// One embedding of length one for each text, in the order of the texts. Texts of similar
    /// length are computed together, which changes the numbers by rounding only.
    ///
    /// # Errors
    /// [`EmbeddingError::Tokens`] or [`EmbeddingError::Torch`].
    pub fn encode(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbeddingError> {
        let _guard = tch::no_grad_guard();
        let encodings = self
            .tokenizer
            .encode_batch_fast(texts.to_vec(), true)
            .map_err(|error| EmbeddingError::Tokens { reason: error.to_string() })?;
        let mut embeddings = vec![Vec::new(); texts.len()];
        for batch in batches(&encodings) {
            let rows = self.encode_batch(&encodings, &batch)?;
            for (text_idx, row) in batch.into_iter().zip(rows.chunks_exact(self.width())) {
                embeddings[text_idx] = row.to_vec();
            }
        }
        Ok(embeddings)
    }

    /// The embeddings of the texts in `batch`, concatenated.
    fn encode_batch(
        &self,
        encodings: &[Encoding],
        batch: &[usize],
    ) -> Result<Vec<f32>, EmbeddingError> {
        let ids: Vec<&[u32]> = batch.iter().map(|idx| encodings[*idx].get_ids()).collect();
        let longest = ids.iter().map(|ids| ids.len()).max().unwrap_or(0);
        let mut padded = Vec::with_capacity(ids.len() * longest);
        let mut mask = Vec::with_capacity(ids.len() * longest);
        for ids in ids {
            padded.extend(ids.iter().map(|id| i64::from(*id)));
            mask.resize(padded.len(), 1.0f32);
            padded.resize(padded.len() + longest - ids.len(), self.bert.config().pad_token_id);
            mask.resize(padded.len(), 0.0);
        }
        let shape = [batch.len() as i64, longest as i64];
        let padded = Tensor::f_from_slice(&padded)?.f_view(shape)?;
        let mask = Tensor::f_from_slice(&mask)?.f_view(shape)?;
        let hidden = self.bert.forward(&padded, &mask)?;
        Ok(rows(&pooled(&hidden, &mask)?)?)
    }
}

/// The mean over the unmasked tokens, divided by its norm: `[texts, width]`.
fn pooled(hidden: &Tensor, mask: &Tensor) -> Result<Tensor, TchError> {
    let sum = mask.f_unsqueeze(1)?.f_bmm(hidden)?.f_squeeze_dim(1)?;
    let count = mask.f_sum_dim_intlist(1, true, Kind::Float)?.f_clamp_min(1e-9)?;
    let mean = sum.f_div(&count)?;
    let length = mean.f_norm_scalaropt_dim(2.0, 1, true)?.f_clamp_min(1e-12)?;
    mean.f_div(&length)
}

fn rows(tensor: &Tensor) -> Result<Vec<f32>, TchError> {
    let mut numbers = vec![0.0; tensor.numel()];
    let n_numbers = numbers.len();
    tensor.f_contiguous()?.f_copy_data(&mut numbers, n_numbers)?;
    Ok(numbers)
}

/// Groups texts of similar length, which keeps padding short.
fn batches(encodings: &[Encoding]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..encodings.len()).collect();
    order.sort_by_key(|idx| Reverse(encodings[*idx].len()));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut longest = 0;
    for idx in order {
        match batches.last_mut() {
            Some(batch) if (batch.len() + 1) * longest <= BATCH_TOKENS => batch.push(idx),
            _ => {
                longest = encodings[idx].len();
                batches.push(vec![idx]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests;
