use serde::Deserialize;

use super::*;
use crate::embedding::MAX_TOKENS;
use crate::llm::source::testing::models;
use crate::testing::vector_json;

#[derive(Deserialize)]
struct Vectors {
    max_tokens: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    text: String,
    n_tokens: usize,
    embedding: Vec<f32>,
}

fn encoder() -> SentenceEncoder {
    set_threads(1);
    SentenceEncoder::load(&models().join("all-MiniLM-L6-v2"))
        .unwrap_or_else(|error| panic!("run `make models`: {error}"))
}

fn cosine(one: &[f32], other: &[f32]) -> f64 {
    one.iter().zip(other).map(|(one, other)| f64::from(*one) * f64::from(*other)).sum()
}

#[test]
fn embeddings_match_the_reference() {
    let encoder = encoder();
    let vectors: Vectors = vector_json("inference/vectors/embeddings.json");
    assert!(!vectors.cases.is_empty(), "no embedding cases");
    assert_eq!(vectors.max_tokens, MAX_TOKENS);
    let texts: Vec<&str> = vectors.cases.iter().map(|case| case.text.as_str()).collect();
    let together = encoder.encode(&texts).unwrap();
    for (case, together) in vectors.cases.iter().zip(&together) {
        let alone = encoder.encode(&[&case.text]).unwrap().remove(0);
        for (way, found) in [("alone", &alone), ("together", together)] {
            assert_eq!(found.len(), case.embedding.len());
            let similarity = cosine(found, &case.embedding);
            assert!(similarity >= 0.99999, "{} {way}: {similarity}", case.name);
            assert!((cosine(found, found) - 1.0).abs() < 1e-5, "{} {way}", case.name);
        }
        let encoding = encoder.tokenizer.encode(case.text.as_str(), true).unwrap();
        assert_eq!(encoding.len(), case.n_tokens, "{}", case.name);
    }
}

#[test]
fn no_text_gives_no_embedding_and_order_is_kept() {
    let encoder = encoder();
    assert!(encoder.encode(&[]).unwrap().is_empty());
    let many: Vec<String> = (0..40).map(|idx| "word ".repeat(1 + (idx * 7) % 40)).collect();
    let texts: Vec<&str> = many.iter().map(String::as_str).collect();
    let found = encoder.encode(&texts).unwrap();
    for idx in [0, 17, 39] {
        let alone = encoder.encode(&texts[idx..=idx]).unwrap().remove(0);
        assert!(cosine(&found[idx], &alone) > 0.99999, "text {idx}");
    }
}

#[test]
fn batches_hold_every_text_once_and_keep_to_their_size() {
    let encodings: Vec<Encoding> = encoder()
        .tokenizer
        .encode_batch_fast((0..90).map(|idx| "a ".repeat(idx * 3)).collect::<Vec<_>>(), true)
        .unwrap();
    let batches = batches(&encodings);
    for batch in &batches {
        let longest = batch.iter().map(|idx| encodings[*idx].len()).max().unwrap();
        assert!(longest * batch.len() <= BATCH_TOKENS);
    }
    let mut all = batches.concat();
    all.sort_unstable();
    assert_eq!(all, (0..90).collect::<Vec<_>>());
}
