//! The BERT forward pass.

use safetensors::{Dtype, SafeTensorError, SafeTensors};
use tch::{Kind, TchError, Tensor};

use super::EmbeddingError;
use super::config::BertConfig;
use super::layout::prefix;

/// A linear map with its bias; the matrix is `[inputs, outputs]`.
#[derive(Debug)]
struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// `rows` is `[n, inputs]`.
    fn apply(&self, rows: &Tensor) -> Result<Tensor, TchError> {
        self.bias.f_addmm(rows, &self.weight)
    }
}

#[derive(Debug)]
struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
    eps: f64,
}

impl LayerNorm {
    fn apply(&self, rows: &Tensor) -> Result<Tensor, TchError> {
        let width = self.weight.size();
        rows.f_layer_norm(width, Some(&self.weight), Some(&self.bias), self.eps, false)
    }
}

#[derive(Debug)]
struct Layer {
    query_key_value: Linear,
    attention_output: Linear,
    attention_norm: LayerNorm,
    intermediate: Linear,
    output: Linear,
    output_norm: LayerNorm,
}

/// The weights of the encoder, as `f32` tensors.
#[derive(Debug)]
pub(super) struct Bert {
    config: BertConfig,
    words: Tensor,
    /// Position embeddings, with the embedding of the first token type added.
    positions: Tensor,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

impl Bert {
    /// Loads the weights of a file that was checked.
    pub(super) fn load(bytes: &[u8], config: BertConfig) -> Result<Self, EmbeddingError> {
        let tensors = SafeTensors::deserialize(bytes).map_err(unread)?;
        let loader = Loader { prefix: prefix(&tensors), tensors, norm_eps: config.layer_norm_eps };
        let kinds = loader.tensor("embeddings.token_type_embeddings.weight")?;
        let positions = loader.tensor("embeddings.position_embeddings.weight")?;
        let words = loader.tensor("embeddings.word_embeddings.weight")?;
        let norm = loader.norm("embeddings.LayerNorm")?;
        let layers = (0..config.num_hidden_layers)
            .map(|idx| loader.layer(idx))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { words, positions: positions.f_add(&kinds.f_get(0)?)?, norm, layers, config })
    }

    pub(super) fn config(&self) -> &BertConfig {
        &self.config
    }

    /// The last layer, `[texts, tokens, width]`, for `ids`, `[texts, tokens]`; `mask` is 1 for
    /// tokens and 0 for padding.
    pub(super) fn forward(&self, ids: &Tensor, mask: &Tensor) -> Result<Tensor, TchError> {
        let [n_texts, n_tokens] = [ids.size()[0], ids.size()[1]];
        let width = self.config.hidden_size;
        let words = self.words.f_index_select(0, &ids.f_view([-1])?)?;
        let positions = self.positions.f_narrow(0, 0, n_tokens)?;
        let sum = words.f_view([n_texts, n_tokens, width])?.f_add(&positions)?;
        let mut hidden = self.norm.apply(&sum)?.f_view([-1, width])?;
        let bias = attention_bias(mask)?;
        for layer in &self.layers {
            let mixed = self.attention(layer, &hidden, n_texts, bias.as_ref())?;
            let mixed = layer.attention_output.apply(&mixed)?;
            hidden = layer.attention_norm.apply(&mixed.f_add(&hidden)?)?;
            let inner = layer.intermediate.apply(&hidden)?.f_gelu("none")?;
            hidden = layer.output_norm.apply(&layer.output.apply(&inner)?.f_add(&hidden)?)?;
        }
        hidden.f_view([n_texts, n_tokens, width])
    }

    fn attention(
        &self,
        layer: &Layer,
        hidden: &Tensor,
        n_texts: i64,
        bias: Option<&Tensor>,
    ) -> Result<Tensor, TchError> {
        let (n_heads, head) = (self.config.num_attention_heads, self.config.head());
        let joined = layer
            .query_key_value
            .apply(hidden)?
            .f_view([n_texts, -1, 3, n_heads, head])?
            .f_permute([2, 0, 3, 1, 4])?;
        let [queries, keys, values] = [joined.f_get(0)?, joined.f_get(1)?, joined.f_get(2)?];
        Tensor::f_scaled_dot_product_attention(
            &queries, &keys, &values, bias, 0.0, false, None, false,
        )?
        .f_transpose(1, 2)?
        .f_reshape([-1, n_heads * head])
    }
}

/// `−∞` at padding, `[texts, 1, 1, tokens]`; `None` if there is no padding.
fn attention_bias(mask: &Tensor) -> Result<Option<Tensor>, TchError> {
    let padding = mask.f_eq(0.0)?;
    if padding.f_any()?.f_int64_value(&[])? == 0 {
        return Ok(None);
    }
    let bias = mask.f_zeros_like()?.f_masked_fill(&padding, f64::NEG_INFINITY)?;
    bias.f_unsqueeze(1)?.f_unsqueeze(1).map(Some)
}

/// Reads tensors of a file that was checked.
struct Loader<'l> {
    prefix: &'static str,
    tensors: SafeTensors<'l>,
    norm_eps: f64,
}

impl Loader<'_> {
    fn layer(&self, idx: usize) -> Result<Layer, EmbeddingError> {
        let name = |part: &str| format!("encoder.layer.{idx}.{part}");
        let attention = |part: &str| name(&format!("attention.self.{part}"));
        Ok(Layer {
            query_key_value: self.joined(&["query", "key", "value"].map(attention))?,
            attention_output: self.linear(&name("attention.output.dense"))?,
            attention_norm: self.norm(&name("attention.output.LayerNorm"))?,
            intermediate: self.linear(&name("intermediate.dense"))?,
            output: self.linear(&name("output.dense"))?,
            output_norm: self.norm(&name("output.LayerNorm"))?,
        })
    }

    fn linear(&self, name: &str) -> Result<Linear, EmbeddingError> {
        Ok(Linear {
            weight: self.tensor(&format!("{name}.weight"))?.f_tr()?,
            bias: self.tensor(&format!("{name}.bias"))?,
        })
    }

    /// Joins maps of the same input side by side.
    fn joined(&self, names: &[String]) -> Result<Linear, EmbeddingError> {
        let parts = names.iter().map(|name| self.linear(name)).collect::<Result<Vec<_>, _>>()?;
        let weights = parts.iter().map(|part| part.weight.f_tr()).collect::<Result<Vec<_>, _>>()?;
        let biases: Vec<&Tensor> = parts.iter().map(|part| &part.bias).collect();
        Ok(Linear { weight: Tensor::f_cat(&weights, 0)?.f_tr()?, bias: Tensor::f_cat(&biases, 0)? })
    }

    fn norm(&self, name: &str) -> Result<LayerNorm, EmbeddingError> {
        Ok(LayerNorm {
            weight: self.tensor(&format!("{name}.weight"))?,
            bias: self.tensor(&format!("{name}.bias"))?,
            eps: self.norm_eps,
        })
    }

    fn tensor(&self, name: &str) -> Result<Tensor, EmbeddingError> {
        let view = self.tensors.tensor(&format!("{}{name}", self.prefix)).map_err(unread)?;
        let shape: Vec<i64> = view.shape().iter().map(|dim| *dim as i64).collect();
        let kind = match view.dtype() {
            Dtype::F16 => Kind::Half,
            Dtype::BF16 => Kind::BFloat16,
            _ => Kind::Float,
        };
        Ok(Tensor::f_from_data_size(view.data(), &shape, kind)?.f_to_kind(Kind::Float)?)
    }
}

/// Cannot happen with a file that was checked.
fn unread(error: SafeTensorError) -> EmbeddingError {
    EmbeddingError::Unusable { path: "model.safetensors".into(), reason: error.to_string() }
}
