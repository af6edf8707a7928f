//! The weights, dequantised to `f32` and joined as the forward pass needs them.
//!
//! Matrices with at least as many outputs as inputs are transposed to `[inputs, outputs]` once: a
//! product with up to three rows, as for a single running answer, then runs about 1.6 times as
//! fast. The others are faster as stored in the file. The output matrix is kept in both forms,
//! because with more rows the file's form is faster by a fifth, and in most models that form is
//! also the embedding, which is needed anyway.

use std::collections::HashSet;

use tch::{TchError, Tensor};

use super::config::LlamaConfig;
use crate::llm::LlmError;
use crate::llm::gguf::{Gguf, GgufDamage, GgufError, dequantize};

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
    /// Loads and checks every tensor of the file. An unused tensor is an error, because a model
    /// that needs it would give wrong answers.
    pub(super) fn load(gguf: &Gguf<'_>, config: &LlamaConfig) -> Result<Self, LlmError> {
        let mut loader = Loader { gguf, used: HashSet::new() };
        let width = config.width;
        let rows = loader.rows("token_embd.weight", config.vocabulary, width)?;
        let embedding = matrix(&rows, config.vocabulary, width)?;
        drop(rows);
        let layers = (0..config.n_layers)
            .map(|idx| loader.layer(idx, config))
            .collect::<Result<Vec<_>, _>>()?;
        let final_norm = Tensor::f_from_slice(&loader.norm("output_norm.weight", width)?)?;
        let head = if gguf.has_tensor("output.weight") {
            let rows = loader.rows("output.weight", config.vocabulary, width)?;
            Head::new(&matrix(&rows, config.vocabulary, width)?)?
        } else {
            Head::new(&embedding)?
        };
        loader.check_all_used()?;
        Ok(Self { embedding, layers, final_norm, head })
    }
}

struct Loader<'g, 'a> {
    gguf: &'g Gguf<'a>,
    used: HashSet<String>,
}

impl Loader<'_, '_> {
    fn layer(&mut self, idx: usize, config: &LlamaConfig) -> Result<Layer, LlmError> {
        let name = |part: &str| format!("blk.{idx}.{part}.weight");
        let (width, inner) = (config.width, config.feed_forward);
        let kv_width = config.n_kv_heads * config.head;
        let attention_norm = self.norm(&name("attn_norm"), width)?;
        let feed_forward_norm = self.norm(&name("ffn_norm"), width)?;
        let (query, key, value) = (name("attn_q"), name("attn_k"), name("attn_v"));
        let joined = [(&*query, width), (&*key, kv_width), (&*value, kv_width)];
        let (gate, up) = (name("ffn_gate"), name("ffn_up"));
        Ok(Layer {
            query_key_value: self.joined(&joined, width, Some(&attention_norm))?,
            output: self.joined(&[(&name("attn_output"), width)], width, None)?,
            gate_up: self.joined(
                &[(&*gate, inner), (&*up, inner)],
                width,
                Some(&feed_forward_norm),
            )?,
            down: self.joined(&[(&name("ffn_down"), width)], inner, None)?,
        })
    }

    /// A norm's weight multiplied by `sqrt(width)`.
    fn norm(&mut self, name: &str, width: i64) -> Result<Vec<f32>, LlmError> {
        let mut weight = Vec::new();
        self.append(name, &[width], &mut weight)?;
        let factor = (width as f32).sqrt();
        weight.iter_mut().for_each(|number| *number *= factor);
        Ok(weight)
    }

    /// Stacks the rows of several matrices of the same width, with each column multiplied by
    /// `scale`, as `[inputs, outputs]`.
    fn joined(
        &mut self,
        parts: &[(&str, i64)],
        width: i64,
        scale: Option<&[f32]>,
    ) -> Result<Tensor, LlmError> {
        let n_rows: i64 = parts.iter().map(|(_, n_rows)| n_rows).sum();
        let mut rows = Vec::with_capacity((n_rows * width) as usize);
        for (name, n_rows) in parts {
            self.append(name, &[width, *n_rows], &mut rows)?;
        }
        let mut joined = matrix(&rows, n_rows, width)?;
        if let Some(scale) = scale {
            let _ = joined.f_mul_(&Tensor::f_from_slice(scale)?)?;
        }
        let transposed = joined.f_tr()?;
        if width <= n_rows { Ok(transposed.f_contiguous()?) } else { Ok(transposed) }
    }

    fn rows(&mut self, name: &str, n_rows: i64, width: i64) -> Result<Vec<f32>, LlmError> {
        let mut rows = Vec::new();
        self.append(name, &[width, n_rows], &mut rows)?;
        Ok(rows)
    }

    fn append(&mut self, name: &str, dims: &[i64], out: &mut Vec<f32>) -> Result<(), GgufError> {
        let tensor = self.gguf.tensor(name)?;
        let wanted: Vec<usize> = dims.iter().map(|dim| *dim as usize).collect();
        if tensor.dims != wanted {
            return Err(self.gguf.error(GgufDamage::Shape {
                tensor: name.to_owned(),
                found: tensor.dims.clone(),
                wanted,
            }));
        }
        dequantize(tensor.kind, tensor.bytes, out);
        self.used.insert(name.to_owned());
        Ok(())
    }

    fn check_all_used(&self) -> Result<(), GgufError> {
        match self.gguf.tensors().find(|tensor| !self.used.contains(tensor.name)) {
            Some(tensor) => {
                Err(self.gguf.error(GgufDamage::UnknownTensor { tensor: tensor.name.to_owned() }))
            }
            None => Ok(()),
        }
    }
}

fn matrix(rows: &[f32], n_rows: i64, width: i64) -> Result<Tensor, LlmError> {
    Ok(Tensor::f_from_slice(rows)?.f_view([n_rows, width])?)
}
