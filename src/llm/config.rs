//! The dimensions of a llama-family model.

use super::gguf::{Gguf, GgufError, Value};

/// Keys of variants, and the value with which there is none.
const NEUTRAL: [(&str, f64); 7] = [
    ("llama.rope.scale_linear", 1.0),
    ("llama.rope.scaling.factor", 1.0),
    ("llama.attention.sliding_window", 0.0),
    ("llama.expert_count", 0.0),
    ("llama.logit_scale", 1.0),
    ("llama.embedding_scale", 1.0),
    ("llama.residual_scale", 1.0),
];

/// The dimensions of a llama-family model; widths are `i64`, as libtorch expects.
#[derive(Clone, Debug, PartialEq)]
pub struct LlamaConfig {
    /// Number of layers.
    pub n_layers: usize,
    /// Width of the residual stream.
    pub width: i64,
    /// Number of query heads.
    pub n_heads: i64,
    /// Number of key and value heads; divides `n_heads`.
    pub n_kv_heads: i64,
    /// Width of one head.
    pub head: i64,
    /// Inner width of the feed-forward part.
    pub feed_forward: i64,
    /// Number of tokens in the vocabulary.
    pub vocabulary: i64,
    /// Longest sequence that the model was trained for, in tokens.
    pub context: usize,
    /// Base of the rotation frequencies.
    pub rope_base: f64,
    /// Added to the mean square in norms, against division by zero.
    pub norm_eps: f64,
}

impl LlamaConfig {
    /// Reads the dimensions from the metadata.
    ///
    /// # Errors
    /// Another architecture, an unsupported variant, or dimensions that contradict each other.
    pub fn from_gguf(gguf: &Gguf<'_>) -> Result<Self, GgufError> {
        let architecture = "general.architecture";
        let found = gguf.text(architecture)?;
        if found != "llama" {
            let reason = format!("is `{found}`; only `llama` can be run");
            return Err(gguf.bad_value(architecture, reason));
        }
        check_variant(gguf)?;
        let n_heads = dimension(gguf, "llama.attention.head_count")?;
        let width = dimension(gguf, "llama.embedding_length")?;
        let vocabulary = gguf.texts("tokenizer.ggml.tokens")?.len();
        let config = Self {
            n_layers: dimension(gguf, "llama.block_count")? as usize,
            width,
            n_heads,
            n_kv_heads: dimension(gguf, "llama.attention.head_count_kv")?,
            head: width / n_heads,
            feed_forward: dimension(gguf, "llama.feed_forward_length")?,
            vocabulary: vocabulary as i64,
            context: dimension(gguf, "llama.context_length")? as usize,
            rope_base: gguf.float("llama.rope.freq_base")?,
            norm_eps: gguf.float("llama.attention.layer_norm_rms_epsilon")?,
        };
        config.check(gguf)?;
        Ok(config)
    }

    fn check(&self, gguf: &Gguf<'_>) -> Result<(), GgufError> {
        let wrong = |key: &str, reason: &str| Err(gguf.bad_value(key, reason));
        if self.head * self.n_heads != self.width || self.head % 2 != 0 {
            return wrong(
                "llama.attention.head_count",
                "does not divide the embedding length into heads of even width",
            );
        }
        if self.n_heads % self.n_kv_heads != 0 {
            return wrong("llama.attention.head_count_kv", "does not divide the number of heads");
        }
        for key in [
            "llama.rope.dimension_count",
            "llama.attention.key_length",
            "llama.attention.value_length",
        ] {
            if gguf.optional_integer::<i64>(key)?.is_some_and(|length| length != self.head) {
                return wrong(key, "differs from the width of a head, which is not supported");
            }
        }
        if !self.rope_base.is_finite() || self.rope_base < 1.0 {
            return wrong("llama.rope.freq_base", "is not a number of at least 1");
        }
        if !self.norm_eps.is_finite() || self.norm_eps <= 0.0 {
            return wrong("llama.attention.layer_norm_rms_epsilon", "is not a number above 0");
        }
        Ok(())
    }
}

/// A dimension: at least 1, and small enough that the product of two does not overflow.
fn dimension(gguf: &Gguf<'_>, key: &str) -> Result<i64, GgufError> {
    let number: u32 = gguf.integer(key)?;
    if number == 0 || number > 1 << 28 {
        return Err(gguf.bad_value(key, format!("is {number}, which is not a possible size")));
    }
    Ok(i64::from(number))
}

/// Refuses what would be computed otherwise than by the plain model, unnoticed.
fn check_variant(gguf: &Gguf<'_>) -> Result<(), GgufError> {
    let key = "llama.rope.scaling.type";
    if !matches!(gguf.value(key), None | Some(Value::Text("none"))) {
        return Err(gguf.bad_value(key, "asks for scaled rotations, which are not supported"));
    }
    for (key, neutral) in NEUTRAL {
        let number = gguf.value(key).map(|value| match value {
            Value::F32(number) => f64::from(*number),
            Value::F64(number) => *number,
            value => value.as_u64().map_or(f64::NAN, |number| number as f64),
        });
        if number.is_some_and(|number| number != neutral) {
            let reason = format!("is not {neutral}: that model variant is not supported");
            return Err(gguf.bad_value(key, reason));
        }
    }
    Ok(())
}
