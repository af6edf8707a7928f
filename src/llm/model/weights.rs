//! The weights, dequantised to `f32` and joined as the forward pass needs them.
//!
//! Matrices with at least as many outputs as inputs are transposed to `[inputs, outputs]` once: a
//! product with up to three rows, as for a single running answer, then runs about 1.6 times as
//! fast. The others are faster as stored in the file. The output matrix is kept in both forms,
//! because with more rows the file's form is faster by a fifth, and in most models that form is
//! also the embedding, which is needed anyway.

use tch::{TchError, Tensor};

use crate::llm::LlmError;
use crate::llm::config::LlamaConfig;
use crate::llm::gguf::{Gguf, dequantize};
use crate::llm::layout::name;

/// Most rows for which the transposed output matrix is faster.
const MAX_FEW_ROWS: i64 = 3;

/// The matrices of one layer.
#[derive(Debug)]
pub(super) struct Layer {
    /// `[width, (heads + 2·kv_heads)·head]`, multiplied by the attention norm's weight.
    pub(super) query_key_value: Tensor,
    /// `[heads·head, width]`.
    pub(super) output: Tensor,
    /// `[width, 2·feed_forward]`, multiplied by the feed-forward norm's weight.
    pub(super) gate_up: Tensor,
    /// `[feed_forward, width]`.
    pub(super) down: Tensor,
}

/// The weights of all layers, the embedding and the output.
#[derive(Debug)]
pub(super) struct Weights {
    /// `[vocabulary, width]`.
    pub(super) embedding: Tensor,
    pub(super) layers: Vec<Layer>,
    /// `[width]`, multiplied by `sqrt(width)`.
    pub(super) final_norm: Tensor,
    /// The output matrix, from hidden states to logits.
    pub(super) head: Head,
}

/// The output matrix in two forms of the same shape, `[width, vocabulary]`.
#[derive(Debug)]
pub(super) struct Head {
    /// Transposed copy, fast for up to [`MAX_FEW_ROWS`] rows.
    few: Tensor,
    /// A view of the file's rows, fast for more rows.
    many: Tensor,
}

impl Head {
    fn new(rows: &Tensor) -> Result<Self, TchError> {
        let many = rows.f_tr()?;
        Ok(Self { few: many.f_contiguous()?, many })
    }

    /// The logits, `[rows, vocabulary]`, of `hidden`, `[rows, width]`.
    pub(super) fn apply(&self, hidden: &Tensor) -> Result<Tensor, TchError> {
        let is_few = hidden.size()[0] <= MAX_FEW_ROWS;
        hidden.f_mm(if is_few { &self.few } else { &self.many })
    }
}

impl Weights {
    /// Reads every tensor of a file whose layout was checked.
    pub(super) fn load(gguf: &Gguf<'_>, config: &LlamaConfig) -> Result<Self, LlmError> {
        let width = config.width;
        let embedding = numbers(gguf, "token_embd.weight")?;
        let embedding = matrix(&embedding, config.vocabulary, width)?;
        let layers = (0..config.n_layers)
            .map(|idx| layer(gguf, idx, config))
            .collect::<Result<Vec<_>, _>>()?;
        let final_norm = Tensor::f_from_slice(&norm(gguf, "output_norm.weight", width)?)?;
        let head = if gguf.has_tensor("output.weight") {
            let rows = numbers(gguf, "output.weight")?;
            Head::new(&matrix(&rows, config.vocabulary, width)?)?
        } else {
            Head::new(&embedding)?
        };
        Ok(Self { embedding, layers, final_norm, head })
    }
}

fn layer(gguf: &Gguf<'_>, idx: usize, config: &LlamaConfig) -> Result<Layer, LlmError> {
    let (width, inner) = (config.width, config.feed_forward);
    let attention_norm = norm(gguf, &name(idx, "attn_norm"), width)?;
    let feed_forward_norm = norm(gguf, &name(idx, "ffn_norm"), width)?;
    let joined = |parts: &[&str], width, scale| {
        let names: Vec<String> = parts.iter().map(|part| name(idx, part)).collect();
        joined(gguf, &names, width, scale)
    };
    Ok(Layer {
        query_key_value: joined(&["attn_q", "attn_k", "attn_v"], width, Some(&attention_norm))?,
        output: joined(&["attn_output"], width, None)?,
        gate_up: joined(&["ffn_gate", "ffn_up"], width, Some(&feed_forward_norm))?,
        down: joined(&["ffn_down"], inner, None)?,
    })
}

/// A norm's weight multiplied by `sqrt(width)`.
fn norm(gguf: &Gguf<'_>, name: &str, width: i64) -> Result<Vec<f32>, LlmError> {
    let mut weight = numbers(gguf, name)?;
    let factor = (width as f32).sqrt();
    weight.iter_mut().for_each(|number| *number *= factor);
    Ok(weight)
}

/// Stacks the rows of several matrices of the same width, with each column multiplied by `scale`, as
/// `[inputs, outputs]`.
fn joined(
    gguf: &Gguf<'_>,
    names: &[String],
    width: i64,
    scale: Option<&[f32]>,
) -> Result<Tensor, LlmError> {
    let mut rows = Vec::new();
    for name in names {
        append(gguf, name, &mut rows)?;
    }
    let n_rows = rows.len() as i64 / width;
    let mut joined = matrix(&rows, n_rows, width)?;
    if let Some(scale) = scale {
        let _ = joined.f_mul_(&Tensor::f_from_slice(scale)?)?;
    }
    let transposed = joined.f_tr()?;
    if width <= n_rows { Ok(transposed.f_contiguous()?) } else { Ok(transposed) }
}

fn numbers(gguf: &Gguf<'_>, name: &str) -> Result<Vec<f32>, LlmError> {
    let mut numbers = Vec::new();
    append(gguf, name, &mut numbers)?;
    Ok(numbers)
}

fn append(gguf: &Gguf<'_>, name: &str, out: &mut Vec<f32>) -> Result<(), LlmError> {
    let tensor = gguf.tensor(name)?;
    out.reserve(tensor.n_elements());
    dequantize(tensor.kind, tensor.bytes, out);
    Ok(())
}

fn matrix(rows: &[f32], n_rows: i64, width: i64) -> Result<Tensor, LlmError> {
    Ok(Tensor::f_from_slice(rows)?.f_view([n_rows, width])?)
}
