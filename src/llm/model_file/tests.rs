use super::*;
use crate::llm::gguf::testing::Builder;
use crate::llm::source::testing::model_path;
use crate::llm::tokenizer::toy;

pub(crate) const WIDTH: u64 = 16;
const KV_WIDTH: u64 = 8;
const INNER: u64 = 24;
const N_LAYERS: u32 = 2;

/// Numbers that look random but are the same on every machine.
pub(crate) fn numbers(count: u64, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// A small model: two layers, four query heads of width four, two key and value heads.
pub(crate) fn small() -> Builder {
    let matrix = |builder: Builder, name: &str, dims: [u64; 2], seed: u64| {
        builder.numbers(name, &dims, &numbers(dims[0] * dims[1], seed))
    };
    let mut builder = toy::builder()
        .text("tokenizer.chat_template", "{% for m in messages %}{{ m['content'] }}{% endfor %}")
        .text("general.architecture", "llama")
        .u32("llama.block_count", N_LAYERS)
        .u32("llama.context_length", 64)
        .u32("llama.embedding_length", WIDTH as u32)
        .u32("llama.feed_forward_length", INNER as u32)
        .u32("llama.attention.head_count", 4)
        .u32("llama.attention.head_count_kv", 2)
        .f32("llama.rope.freq_base", 10000.0)
        .f32("llama.attention.layer_norm_rms_epsilon", 1e-5)
        .numbers("output_norm.weight", &[WIDTH], &numbers(WIDTH, 1));
    builder = matrix(builder, "token_embd.weight", [WIDTH, toy::N_TOKENS as u64], 2);
    for layer in 0..N_LAYERS {
        let seed = 100 * u64::from(layer);
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        for (idx, part) in ["attn_norm", "ffn_norm"].into_iter().enumerate() {
            let weight = numbers(WIDTH, seed + idx as u64 + 10);
            builder = builder.numbers(&name(part), &[WIDTH], &weight);
        }
        let parts = [
            ("attn_q", [WIDTH, WIDTH]),
            ("attn_k", [WIDTH, KV_WIDTH]),
            ("attn_v", [WIDTH, KV_WIDTH]),
            ("attn_output", [WIDTH, WIDTH]),
            ("ffn_gate", [WIDTH, INNER]),
            ("ffn_up", [WIDTH, INNER]),
            ("ffn_down", [INNER, WIDTH]),
        ];
        for (idx, (part, dims)) in parts.into_iter().enumerate() {
            builder = matrix(builder, &name(part), dims, seed + idx as u64 + 20);
        }
    }
    builder
}

fn open(builder: &Builder) -> Result<ModelFile, LlmError> {
    let bytes = builder.build();
    ModelFile::from_gguf(&Gguf::parse("small.gguf", &bytes).unwrap(), Path::new("small.gguf"))
}

#[test]
fn a_sound_file_is_read_and_gives_prompts() {
    let model = open(&small()).unwrap();
    assert_eq!((&*model.name, model.config.context), ("small", 64));
    let hey = [ChatMessage::new("user", "hey")];
    assert_eq!(model.prompt(&hey, DateTime::default()).unwrap(), [259]);
    let real = ModelFile::open(&model_path()).unwrap();
    assert_eq!((real.config.n_layers, real.tokenizer.n_tokens()), (30, 49_152));
}

#[test]
fn unsupported_or_damaged_models_are_refused_by_name() {
    let cases = [
        (small().text("general.architecture", "qwen2"), "`qwen2`"),
        (small().text("llama.rope.scaling.type", "linear"), "scaled rotations"),
        (small().f32("llama.rope.scale_linear", 4.0), "llama.rope.scale_linear"),
        (small().f32("llama.rope.scaling.factor", 4.0), "llama.rope.scaling.factor"),
        (small().u32("llama.attention.sliding_window", 4096), "llama.attention.sliding_window"),
        (small().u32("llama.expert_count", 8), "llama.expert_count"),
        (small().u32("llama.attention.head_count", 3), "does not divide"),
        (small().u32("llama.attention.head_count_kv", 3), "does not divide"),
        (small().u32("llama.rope.dimension_count", 2), "llama.rope.dimension_count"),
        (small().u32("llama.block_count", 0), "not a possible size"),
        (small().u32("llama.block_count", 3), "`blk.2.attn_norm.weight` is missing"),
        (small().u32("llama.block_count", 1), "model variant"),
        (small().u32("llama.feed_forward_length", 25), "[16, 24]"),
        (small().f32("llama.rope.freq_base", f32::NAN), "freq_base"),
        (small().f32("llama.attention.layer_norm_rms_epsilon", 0.0), "epsilon"),
        (small().numbers("rope_freqs.weight", &[2], &[1.0; 2]), "`rope_freqs.weight`"),
        (small().u32("llama.context_length", 16), "one short turn has"),
        (small().without("tokenizer.chat_template"), "`tokenizer.chat_template` is missing"),
        (small().text("tokenizer.ggml.pre", "qwen2"), "`qwen2`"),
        (small().numbers("blk.0.attn_q.bias", &[WIDTH], &[0.0; 16]), "blk.0.attn_q.bias"),
    ];
    for (builder, wanted) in cases {
        let message = open(&builder).unwrap_err().to_string();
        assert!(message.contains(wanted), "{message} does not say {wanted}");
    }
}
