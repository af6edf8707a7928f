use super::*;
use crate::llm::extents::Extent;
use crate::llm::gguf::testing::Builder;
use crate::llm::model_file::tests::{WIDTH, numbers, small};
use crate::llm::schedule::Pending;
use crate::llm::tokenizer::toy;

fn load(builder: &Builder) -> Result<LlamaModel, LlmError> {
    tch::set_num_threads(1);
    let bytes = builder.build();
    let gguf = Gguf::parse("small.gguf", &bytes).unwrap();
    LlamaModel::load(&gguf, LlamaConfig::from_gguf(&gguf)?, 64)
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
