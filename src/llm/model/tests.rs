use super::*;
use crate::llm::extents::Extent;
use crate::llm::gguf::testing::Builder;
use crate::llm::schedule::Pending;
use crate::llm::tokenizer::toy;

const WIDTH: u64 = 16;
const KV_WIDTH: u64 = 8;
const INNER: u64 = 24;
const N_LAYERS: u32 = 2;

/// Numbers that look random but are the same on every machine.
fn numbers(count: u64, seed: u64) -> Vec<f32> {
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

fn load(builder: &Builder) -> Result<LlamaModel, LlmError> {
    tch::set_num_threads(1);
    LlamaModel::load(&Gguf::parse("small.gguf", &builder.build()).unwrap(), 64)
}

/// The last logits of `tokens`, computed in chunks of these lengths from arena row `start`.
fn last_logits(model: &mut LlamaModel, tokens: &[u32], chunks: &[usize], start: usize) -> Vec<f32> {
    let extent = Extent { start, len: 20 };
    let mut logits = Vec::new();
    let mut n_cached = 0;
    for chunk in chunks {
        let pending = Pending { extent, n_cached, tokens: &tokens[n_cached..] };
        model.forward(&Batch::plan(&[pending], *chunk), &mut logits).unwrap();
        n_cached += chunk;
    }
    assert_eq!(logits.len(), toy::N_TOKENS);
    logits
}

fn assert_close(found: &[f32], wanted: &[f32]) {
    for (found, wanted) in found.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-4, "{found} is not {wanted}");
    }
}

#[test]
fn chunks_and_places_do_not_change_the_logits() {
    let mut model = load(&small()).unwrap();
    let tokens = [5, 9, 200, 17, 42, 100, 7, 8];
    let wanted = last_logits(&mut model, &tokens, &[8], 0);
    for (chunks, start) in [(vec![3, 4, 1], 30), (vec![1; 8], 44), (vec![5, 3], 0)] {
        assert_close(&last_logits(&mut model, &tokens, &chunks, start), &wanted);
    }
}

#[test]
fn sequences_of_a_batch_do_not_see_each_other() {
    let mut model = load(&small()).unwrap();
    let (one, other) = ([5, 9, 200], [17, 42, 100, 7]);
    let alone =
        [last_logits(&mut model, &one, &[3], 0), last_logits(&mut model, &other, &[4], 0)].concat();
    let pending =
        |start, tokens| Pending { extent: Extent { start, len: 10 }, n_cached: 0, tokens };
    let mut together = Vec::new();
    let batch = Batch::plan(&[pending(10, &one[..]), pending(40, &other[..])], 64);
    model.forward(&batch, &mut together).unwrap();
    assert_close(&together, &alone);
}

#[test]
fn unsupported_or_damaged_models_are_refused_by_name() {
    let cases = [
        (small().text("general.architecture", "qwen2"), "`qwen2`"),
        (small().text("llama.rope.scaling.type", "yarn"), "scaled rotations"),
        (small().u32("llama.attention.head_count", 3), "does not divide"),
        (small().u32("llama.attention.head_count_kv", 3), "does not divide"),
        (small().u32("llama.rope.dimension_count", 2), "llama.rope.dimension_count"),
        (small().u32("llama.block_count", 0), "not a possible size"),
        (small().u32("llama.block_count", 3), "`blk.2.attn_norm.weight` is missing"),
        (small().u32("llama.block_count", 1), "model variant"),
        (small().u32("llama.feed_forward_length", 25), "[16, 24]"),
        (small().f32("llama.rope.freq_base", f32::NAN), "freq_base"),
        (small().f32("llama.attention.layer_norm_rms_epsilon", 0.0), "epsilon"),
        (small().numbers("blk.0.attn_q.bias", &[WIDTH], &[0.0; 16]), "blk.0.attn_q.bias"),
    ];
    for (builder, wanted) in cases {
        let message = load(&builder).unwrap_err().to_string();
        assert!(message.contains(wanted), "{message} does not say {wanted}");
    }
}

#[test]
fn a_separate_output_matrix_is_used() {
    let tokens = [5, 9, 200];
    let dims = [WIDTH, toy::N_TOKENS as u64];
    let tied = last_logits(&mut load(&small()).unwrap(), &tokens, &[3], 0);
    let same = small().numbers("output.weight", &dims, &numbers(dims[0] * dims[1], 2));
    assert_close(&last_logits(&mut load(&same).unwrap(), &tokens, &[3], 0), &tied);
    let zero = small().numbers("output.weight", &dims, &[0.0; 16 * toy::N_TOKENS]);
    let logits = last_logits(&mut load(&zero).unwrap(), &tokens, &[3], 0);
    assert!(logits.iter().all(|logit| *logit == 0.0));
}
