//! A tiny vocabulary with a complete byte alphabet, for tests.

use super::bytes::character_of;
use crate::llm::gguf::testing::Builder;

/// Number of tokens in the vocabulary.
pub(crate) const N_TOKENS: usize = 260;

/// A vocabulary of two control tokens, the 256 bytes, `he` and `hey`; token 1 ends the answer.
pub(crate) fn builder() -> Builder {
    let mut tokens: Vec<String> = vec!["<|im_start|>".into(), "<|im_end|>".into()];
    tokens.extend((0..=255u8).map(|byte| character_of(byte).to_string()));
    tokens.extend(["he".to_owned(), "hey".to_owned()]);
    let types: Vec<u32> = (0..tokens.len()).map(|id| if id < 2 { 3 } else { 1 }).collect();
    Builder::default()
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", "smollm")
        .texts("tokenizer.ggml.tokens", &tokens)
        .u32s("tokenizer.ggml.token_type", &types)
        .texts("tokenizer.ggml.merges", &["h e", "he y"])
        .u32("tokenizer.ggml.eos_token_id", 1)
}
