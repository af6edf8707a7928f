//! The tensors of a plain BERT encoder, by name and shape. Others may stand beside them, such as the
//! head of a task.

use safetensors::{Dtype, SafeTensors};

use super::config::BertConfig;

/// Checks that the file has every tensor of the encoder, as floats of the right shape. `Err` is what is
/// wrong with the file, in words.
pub(super) fn check_tensors(bytes: &[u8], config: &BertConfig) -> Result<(), String> {
    let tensors =
        SafeTensors::deserialize(bytes).map_err(|error| format!("it is damaged: {error}"))?;
    let prefix = prefix(&tensors);
    let width = config.hidden_size;
    let tables = [
        ("word_embeddings", config.vocab_size),
        ("position_embeddings", config.max_position_embeddings),
        ("token_type_embeddings", config.type_vocab_size),
    ];
    for (name, n_rows) in tables {
        check(&tensors, &format!("{prefix}embeddings.{name}.weight"), &[n_rows, width])?;
    }
    check_map(&tensors, &format!("{prefix}embeddings.LayerNorm"), &[width])?;
    for idx in 0..config.num_hidden_layers {
        for (part, shape) in layer(config) {
            check_map(&tensors, &format!("{prefix}encoder.layer.{idx}.{part}"), &shape)?;
        }
    }
    Ok(())
}

/// The prefix of all tensor names: some checkpoints put `bert.` before every name.
pub(super) fn prefix(tensors: &SafeTensors<'_>) -> &'static str {
    let is_prefixed = tensors.names().iter().any(|name| name.starts_with("bert."));
    if is_prefixed { "bert." } else { "" }
}

/// The maps and norms of a layer, and the shape of each weight.
fn layer(config: &BertConfig) -> [(&'static str, Vec<i64>); 8] {
    let (width, inner) = (config.hidden_size, config.intermediate_size);
    [
        ("attention.self.query", vec![width, width]),
        ("attention.self.key", vec![width, width]),
        ("attention.self.value", vec![width, width]),
        ("attention.output.dense", vec![width, width]),
        ("attention.output.LayerNorm", vec![width]),
        ("intermediate.dense", vec![inner, width]),
        ("output.dense", vec![width, inner]),
        ("output.LayerNorm", vec![width]),
    ]
}

/// A weight of this shape, and a bias for each of its outputs.
fn check_map(tensors: &SafeTensors<'_>, name: &str, shape: &[i64]) -> Result<(), String> {
    check(tensors, &format!("{name}.weight"), shape)?;
    check(tensors, &format!("{name}.bias"), &shape[..1])
}

fn check(tensors: &SafeTensors<'_>, name: &str, shape: &[i64]) -> Result<(), String> {
    let wrong = |reason: String| Err(format!("tensor `{name}` {reason}"));
    let Ok(view) = tensors.tensor(name) else { return wrong("is missing".to_owned()) };
    let found: Vec<i64> = view.shape().iter().map(|dim| *dim as i64).collect();
    match view.dtype() {
        Dtype::F32 | Dtype::F16 | Dtype::BF16 if found == shape => Ok(()),
        Dtype::F32 | Dtype::F16 | Dtype::BF16 => {
            wrong(format!("has the shape {found:?} instead of {shape:?}"))
        }
        other => wrong(format!("has the unsupported type {other:?}")),
    }
}
