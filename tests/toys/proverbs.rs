//! `proverbs`: what people have always said.

use rand::{Rng, RngCore};

use super::{Context, Sources, Stats, Tool, ToolError};

const PROVERBS: [(&str, &str); 3] = [
    ("haste", "More haste, less speed."),
    ("beginnings", "Well begun is half done."),
    ("company", "Many hands make light work, and too many cooks spoil the broth."),
];

/// The tool.
#[derive(Debug)]
pub struct Proverbs;

impl Tool for Proverbs {
    fn name(&self) -> &'static str {
        "proverbs"
    }

    fn draw(&self, _: &Sources, rng: &mut dyn RngCore) -> Result<Context, ToolError> {
        let (topic, text) = PROVERBS[rng.random_range(0..PROVERBS.len())];
        Ok(Context {
            title: "Proverbs".to_owned(),
            topic: topic.to_owned(),
            subtopic: topic.to_owned(),
            content: text.to_owned(),
            source: "ProverbDataset".to_owned(),
            stats: Stats::random(),
            ..Context::default()
        })
    }
}
