//! The llama-family forward pass on the CPU, in `f32`.
//!
//! One call computes any mix of sequences: single rows of running sequences and chunks of prompts.
//! The matrix products run over all rows at once; attention runs per sequence on views into the
//! key-value arena. Some matrices are joined at load time: query, key and value; the two halves of
//! the feed-forward input; and the weight of each norm with the matrix that follows it.
//!
//! The file stores the rows of queries and keys so that rotation acts on neighbouring pairs; here
//! it is one complex product.

mod attention;
mod weights;

use tch::{Device, Kind, TchError, Tensor};

use super::LlmError;
use super::config::LlamaConfig;
use super::gguf::Gguf;
use super::schedule::Batch;
use attention::{Attention, LayerCache};
use weights::{Layer, Weights};

pub(crate) const CPU_F32: (Kind, Device) = (Kind::Float, Device::Cpu);

/// A loaded model with its key-value arena.
#[derive(Debug)]
pub struct LlamaModel {
    config: LlamaConfig,
    weights: Weights,
    cache: Vec<LayerCache>,
    /// Rotations by position, complex, `[positions, 1, head / 2]`.
    rotations: Tensor,
}

impl LlamaModel {
    /// Loads the weights of a file whose `config` and layout were checked, as `f32`, and allocates an
    /// arena of `arena_tokens` rows per layer. A position may reach the model's context or the arena's
    /// length, whichever is smaller.
    ///
    /// # Errors
    /// Not enough memory, or a file that was not checked.
    pub fn load(
        gguf: &Gguf<'_>,
        config: LlamaConfig,
        arena_tokens: usize,
    ) -> Result<Self, LlmError> {
        let weights = Weights::load(gguf, &config)?;
        let cache = (0..config.n_layers)
            .map(|_| LayerCache::new(&config, arena_tokens))
            .collect::<Result<Vec<_>, _>>()?;
        let rotations = rotations(&config, config.context.min(arena_tokens))?;
        Ok(Self { config, weights, cache, rotations })
    }

    /// The model's dimensions.
    pub fn config(&self) -> &LlamaConfig {
        &self.config
    }

    /// Computes one batch: writes its keys and values into the arena, and the logits of its output
    /// rows into `logits`, row after row, each [`LlamaConfig::vocabulary`] long.
    ///
    /// The caller must keep the rows of the batch within the extents of their sequences.
    ///
    /// # Errors
    /// [`LlmError::Torch`] if an operation fails.
    pub fn forward(&mut self, batch: &Batch, logits: &mut Vec<f32>) -> Result<(), LlmError> {
        let _guard = tch::no_grad_guard();
        let hidden = self.hidden(batch)?;
        logits.clear();
        if !batch.output_rows.is_empty() {
            let rows = self.logits(&hidden, batch)?;
            logits.resize(rows.numel(), 0.0);
            rows.f_copy_data(logits, rows.numel())?;
        }
        Ok(())
    }

    fn hidden(&mut self, batch: &Batch) -> Result<Tensor, TchError> {
        let tokens = Tensor::f_from_slice(&batch.tokens)?;
        let positions = Tensor::f_from_slice(&batch.positions)?;
        let attention = Attention::new(&self.config, batch)?;
        let rotation = self.rotations.f_index_select(0, &positions)?;
        let mut hidden = self.weights.embedding.f_index_select(0, &tokens)?;
        for (layer, cache) in self.weights.layers.iter().zip(&mut self.cache) {
            let heads = layer_heads(layer, &hidden, &rotation, &self.config)?;
            let mixed = attention.apply(&heads, cache)?;
            let _ = hidden.f_addmm_(&mixed, &layer.output)?;
            feed_forward(layer, &mut hidden, &self.config)?;
        }
        Ok(hidden)
    }

    fn logits(&self, hidden: &Tensor, batch: &Batch) -> Result<Tensor, TchError> {
        let rows = Tensor::f_from_slice(&batch.output_rows)?;
        let hidden = hidden.f_index_select(0, &rows)?;
        let mut normed = normalized(&hidden, &self.config)?;
        let _ = normed.f_mul_(&self.weights.final_norm)?;
        self.weights.head.apply(&normed)
    }
}

/// Queries, keys and values of all rows, rotated: `[rows, heads + 2·kv_heads, head]`.
fn layer_heads(
    layer: &Layer,
    hidden: &Tensor,
    rotation: &Tensor,
    config: &LlamaConfig,
) -> Result<Tensor, TchError> {
    let n_rows = hidden.size()[0];
    let joined = normalized(hidden, config)?.f_mm(&layer.query_key_value)?;
    let n_rotated = config.n_heads + config.n_kv_heads;
    let heads = joined.f_view([n_rows, n_rotated + config.n_kv_heads, config.head])?;
    let _ = heads
        .f_narrow(1, 0, n_rotated)?
        .f_view([n_rows, n_rotated, config.head / 2, 2])?
        .f_view_as_complex()?
        .f_mul_(rotation)?;
    Ok(heads)
}

fn feed_forward(layer: &Layer, hidden: &mut Tensor, config: &LlamaConfig) -> Result<(), TchError> {
    let joined = normalized(hidden, config)?.f_mm(&layer.gate_up)?;
    let mut gate = joined.f_narrow(1, 0, config.feed_forward)?;
    let up = joined.f_narrow(1, config.feed_forward, config.feed_forward)?;
    let _ = gate.f_silu_()?;
    let _ = gate.f_mul_(&up)?;
    let _ = hidden.f_addmm_(&gate, &layer.down)?;
    Ok(())
}

/// `x / sqrt(Σx² + width·eps)` for each row. The matrices that follow contain the factor
/// `sqrt(width)`, which a root mean square norm would have, and the norm's own weight.
fn normalized(hidden: &Tensor, config: &LlamaConfig) -> Result<Tensor, TchError> {
    let row = hidden.f_unsqueeze(1)?;
    let column = hidden.f_unsqueeze(2)?;
    let mut sum = row.f_bmm(&column)?;
    let _ = sum.f_add_scalar_(config.width as f64 * config.norm_eps)?;
    let _ = sum.f_rsqrt_()?;
    hidden.f_mul(&sum.f_squeeze_dim(2)?)
}

/// `exp(i·position·base^(−2j/head))`, computed in `f32` as usual implementations do.
fn rotations(config: &LlamaConfig, n_positions: usize) -> Result<Tensor, TchError> {
    let n_pairs = config.head / 2;
    let base = config.rope_base as f32;
    let mut parts = Vec::with_capacity(n_positions * config.head as usize);
    for position in 0..n_positions {
        for pair in 0..n_pairs {
            let frequency = 1.0 / base.powf((2 * pair) as f32 / config.head as f32);
            let angle = position as f32 * frequency;
            parts.extend([angle.cos(), angle.sin()]);
        }
    }
    Tensor::f_from_slice(&parts)?.f_view([n_positions as i64, 1, n_pairs, 2])?.f_view_as_complex()
}

#[cfg(test)]
mod tests;
