use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::testing::registry_files;

#[test]
fn every_tool_has_a_file_and_every_file_a_tool() {
    let names: Vec<&str> = TOOLS.iter().map(|tool| tool.name()).collect();
    assert_eq!(names, registry_files("tools", &names, &["context", "corpus"]));
}

#[test]
fn every_tool_draws_the_same_from_the_same_seed() {
    let sources = Sources::embedded();
    for tool in TOOLS {
        let draw = |seed| tool.draw(&sources, &mut ChaCha8Rng::seed_from_u64(seed)).unwrap();
        for seed in 0..100 {
            let context = draw(seed);
            assert_eq!(context, draw(seed), "{}", tool.name());
            for text in [&context.title, &context.topic, &context.subtopic, &context.content] {
                assert!(!text.is_empty(), "{}: {context:?}", tool.name());
            }
            assert!(context.source.ends_with("Dataset"), "{}", context.source);
        }
        assert_ne!(draw(0), draw(1), "{}", tool.name());
    }
}
