//! `brevity`: an answer of no more words than the reference is worth 1, one of twice as many 0.5.

use super::{Embeddings, Reward, RewardError, Scorer};

/// The reward.
#[derive(Debug)]
pub struct Brevity;

impl Reward for Brevity {
    fn name(&self) -> &'static str {
        "brevity"
    }

    fn prepare<'a>(
        &'a self,
        text: &'a str,
        _: Option<&'a Embeddings>,
    ) -> Result<Scorer<'a>, RewardError> {
        let allowed = n_words(text);
        Ok(Box::new(move |completion| match n_words(completion.text) {
            0 => 0.0,
            used => (allowed as f32 / used as f32).min(1.0),
        }))
    }
}

fn n_words(text: &str) -> usize {
    text.split_whitespace().count()
}
