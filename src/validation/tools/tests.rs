#[path = "../../../tests/toys/proverbs.rs"]
#[expect(unreachable_pub, reason = "it is reachable from the folder where it belongs")]
mod proverbs;

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
    let toy: &dyn Tool = &proverbs::Proverbs;
    for tool in TOOLS.iter().copied().chain([toy]) {
        let draw = |seed| tool.draw(&sources, &mut ChaCha8Rng::seed_from_u64(seed)).unwrap();
        for seed in 0..100 {
            let context = draw(seed);
            assert_eq!(context, draw(seed), "{}", tool.name());
            for text in [&context.title, &context.topic, &context.subtopic, &context.content] {
                assert!(!text.is_empty(), "{}: {context:?}", tool.name());
            }
            assert!(context.source.ends_with("Dataset"), "{}", context.source);
        }
        assert!((1..100).any(|seed| draw(seed) != draw(0)), "{}", tool.name());
    }
}
