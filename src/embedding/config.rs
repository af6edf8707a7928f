//! The dimensions of a BERT encoder.

use std::path::Path;

use serde::Deserialize;

use super::{EmbeddingError, MAX_TOKENS, read};

/// The part of `config.json` that the forward pass depends on.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct BertConfig {
    pub(super) model_type: String,
    pub(super) hidden_act: String,
    pub(super) hidden_size: i64,
    pub(super) intermediate_size: i64,
    pub(super) layer_norm_eps: f64,
    pub(super) max_position_embeddings: i64,
    pub(super) num_attention_heads: i64,
    pub(super) num_hidden_layers: usize,
    pub(super) pad_token_id: i64,
    #[serde(default = "absolute")]
    pub(super) position_embedding_type: String,
    pub(super) type_vocab_size: i64,
    pub(super) vocab_size: i64,
}

fn absolute() -> String {
    "absolute".to_owned()
}

impl BertConfig {
    /// Reads the file and checks it.
    pub(super) fn load(path: &Path) -> Result<Self, EmbeddingError> {
        let config: Self = serde_json::from_slice(&read(path)?)
            .map_err(|error| unusable(path, error.to_string()))?;
        match config.fault() {
            Some(reason) => Err(unusable(path, reason)),
            None => Ok(config),
        }
    }

    /// Number of dimensions of one attention head.
    #[cfg(feature = "libtorch")]
    pub(super) fn head(&self) -> i64 {
        self.hidden_size / self.num_attention_heads
    }

    fn fault(&self) -> Option<String> {
        let kinds = [
            ("model_type", &self.model_type, "bert"),
            ("hidden_act", &self.hidden_act, "gelu"),
            ("position_embedding_type", &self.position_embedding_type, "absolute"),
        ];
        for (key, found, wanted) in kinds {
            if found != wanted {
                return Some(format!("{key} is `{found}`; only `{wanted}` is supported"));
            }
        }
        let sizes = [
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_attention_heads", self.num_attention_heads),
            ("type_vocab_size", self.type_vocab_size),
            ("vocab_size", self.vocab_size),
        ];
        if let Some((key, size)) = sizes.iter().find(|(_, size)| !(1..=1 << 24).contains(size)) {
            return Some(format!("{key} is {size}, which is not a possible size"));
        }
        if self.hidden_size % self.num_attention_heads != 0 {
            return Some("num_attention_heads does not divide hidden_size".to_owned());
        }
        if self.max_position_embeddings < MAX_TOKENS as i64 {
            return Some(format!("it has fewer than {MAX_TOKENS} positions"));
        }
        if !(0..self.vocab_size).contains(&self.pad_token_id) {
            return Some("pad_token_id is beyond the vocabulary".to_owned());
        }
        let is_norm_sound = self.layer_norm_eps.is_finite() && self.layer_norm_eps > 0.0;
        (!is_norm_sound).then(|| "layer_norm_eps is not a number above 0".to_owned())
    }
}

fn unusable(path: &Path, reason: String) -> EmbeddingError {
    EmbeddingError::Unusable { path: path.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(change: impl FnOnce(&mut BertConfig)) -> Option<String> {
        let mut config = BertConfig {
            model_type: "bert".into(),
            hidden_act: "gelu".into(),
            hidden_size: 384,
            intermediate_size: 1536,
            layer_norm_eps: 1e-12,
            max_position_embeddings: 512,
            num_attention_heads: 12,
            num_hidden_layers: 6,
            pad_token_id: 0,
            position_embedding_type: absolute(),
            type_vocab_size: 2,
            vocab_size: 30522,
        };
        change(&mut config);
        config.fault()
    }

    #[test]
    fn only_plain_bert_is_taken() {
        assert_eq!(config(|_| ()), None);
        let faults = [
            config(|config| config.model_type = "mpnet".into()),
            config(|config| config.hidden_act = "relu".into()),
            config(|config| config.position_embedding_type = "relative_key".into()),
            config(|config| config.hidden_size = 0),
            config(|config| config.num_attention_heads = 7),
            config(|config| config.max_position_embeddings = 128),
            config(|config| config.pad_token_id = 30522),
            config(|config| config.layer_norm_eps = f64::NAN),
        ];
        for (idx, fault) in faults.into_iter().enumerate() {
            assert!(fault.is_some(), "fault {idx} was not seen");
        }
    }
}
