//! The tensors that a llama-family model consists of, by name and dimensions.
//!
//! A file that lacks one, has one of another shape, or has one more is refused: a model that needs a
//! tensor which is not computed with would give wrong answers, unnoticed.

use super::config::LlamaConfig;
use super::gguf::{Gguf, GgufDamage, GgufError};

/// Checks that the file has exactly these tensors, without reading their numbers.
///
/// # Errors
/// A tensor that is missing, has other dimensions, or is not known.
pub(crate) fn check_tensors(gguf: &Gguf<'_>, config: &LlamaConfig) -> Result<(), GgufError> {
    let (width, vocabulary) = (config.width, config.vocabulary);
    check(gguf, "token_embd.weight", &[width, vocabulary])?;
    check(gguf, "output_norm.weight", &[width])?;
    if gguf.has_tensor("output.weight") {
        check(gguf, "output.weight", &[width, vocabulary])?;
    }
    for idx in 0..config.n_layers {
        for (part, dims) in layer(config) {
            check(gguf, &name(idx, part), &dims)?;
        }
    }
    match gguf.tensors().find(|tensor| !is_known(tensor.name, config)) {
        Some(tensor) => {
            Err(gguf.error(GgufDamage::UnknownTensor { tensor: tensor.name.to_owned() }))
        }
        None => Ok(()),
    }
}

/// The name of a tensor of a layer.
pub(crate) fn name(layer: usize, part: &str) -> String {
    format!("blk.{layer}.{part}.weight")
}

fn layer(config: &LlamaConfig) -> [(&'static str, Vec<i64>); 9] {
    let (width, inner) = (config.width, config.feed_forward);
    let kv_width = config.n_kv_heads * config.head;
    [
        ("attn_norm", vec![width]),
        ("attn_q", vec![width, width]),
        ("attn_k", vec![width, kv_width]),
        ("attn_v", vec![width, kv_width]),
        ("attn_output", vec![width, width]),
        ("ffn_norm", vec![width]),
        ("ffn_gate", vec![width, inner]),
        ("ffn_up", vec![width, inner]),
        ("ffn_down", vec![inner, width]),
    ]
}

fn is_known(tensor: &str, config: &LlamaConfig) -> bool {
    let of_layer = |rest: &str| {
        let (idx, part) = rest.split_once('.')?;
        let is_layer = idx.parse::<usize>().ok()? < config.n_layers;
        let part = part.strip_suffix(".weight")?;
        Some(is_layer && layer(config).iter().any(|(known, _)| *known == part))
    };
    match tensor.strip_prefix("blk.") {
        Some(rest) => of_layer(rest).unwrap_or(false),
        None => ["token_embd.weight", "output_norm.weight", "output.weight"].contains(&tensor),
    }
}

fn check(gguf: &Gguf<'_>, name: &str, dims: &[i64]) -> Result<(), GgufError> {
    let found = &gguf.tensor(name)?.dims;
    let wanted: Vec<usize> = dims.iter().map(|dim| *dim as usize).collect();
    match *found == wanted {
        true => Ok(()),
        false => Err(gguf.error(GgufDamage::Shape {
            tensor: name.to_owned(),
            found: found.clone(),
            wanted,
        })),
    }
}
