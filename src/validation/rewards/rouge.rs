//! The rouge score of a completion against a reference (docs/spec/mechanism.md#rouge).
//!
//! Both variants compare sets of distinct words, case-sensitive, with texts split into sentences at
//! every full stop (docs/spec/mechanism.md#quirk-2). Text with nothing but full stops scores 0
//! (docs/spec/mechanism.md#quirk-4). The length of the text that rouge-l compares is bounded,
//! without recursion (docs/spec/mechanism.md#quirk-5), so that no miner can stop or delay a step.

mod lcs;

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde_json::{Map, Value, json};

use super::{Embeddings, Reward, RewardError, Scorer};
use crate::validation::cleaners::unicode;

/// Keeps the quotient finite if precision and recall are both 0.
const EPSILON: f64 = 1e-8;

/// The two rouge scores. One process uses the same one for all tasks
/// (docs/spec/mechanism.md#quirk-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RougeVariant {
    /// Compares distinct words.
    Rouge1,
    /// Compares distinct words of common subsequences, sentence by sentence. The default of a
    /// definition that names no variant.
    #[default]
    RougeL,
}

impl RougeVariant {
    /// The name in event logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rouge1 => "rouge-1",
            Self::RougeL => "rouge-l",
        }
    }
}

impl fmt::Display for RougeVariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The reward `rouge`, with the variant that a definition names.
#[derive(Debug, Clone, Copy)]
pub struct Rouge {
    /// The variant. Only the first definition in a process counts (docs/spec/mechanism.md#quirk-1).
    pub ngram: Option<RougeVariant>,
}

/// The reward of a definition that names rouge-1.
pub const ROUGE_1: Rouge = Rouge { ngram: Some(RougeVariant::Rouge1) };
/// The reward of a definition that names rouge-l.
pub const ROUGE_L: Rouge = Rouge { ngram: Some(RougeVariant::RougeL) };

impl Rouge {
    fn variant(self) -> RougeVariant {
        self.ngram.unwrap_or_default()
    }
}

impl Reward for Rouge {
    fn name(&self) -> &'static str {
        "rouge"
    }

    fn options(&self) -> Map<String, Value> {
        let Some(ngram) = self.ngram else { return Map::new() };
        let options = [("ngram", ngram.as_str()), ("metric", "f")];
        options.map(|(name, value)| (name.to_owned(), value.into())).into_iter().collect()
    }

    fn extra_info(&self) -> Value {
        json!({"ngram": self.variant().as_str(), "metric": "f", "avg": false})
    }

    fn prepare<'a>(
        &'a self,
        text: &'a str,
        _: Option<&'a Embeddings>,
    ) -> Result<Scorer<'a>, RewardError> {
        let reference = Reference::new(self.variant(), text);
        Ok(Box::new(move |completion| reference.score(completion.text) as f32))
    }
}

/// The score of one completion, in 0..1. Identical texts give 0.999999995.
///
/// ```
/// use sn1::validation::rewards::rouge::{RougeVariant, score};
///
/// let half = score(RougeVariant::Rouge1, "the cat sat down", "the dog sat up");
/// assert!((half - 0.5).abs() < 1e-7);
/// ```
pub fn score(variant: RougeVariant, reference: &str, completion: &str) -> f64 {
    Reference::new(variant, reference).score(completion)
}

/// A reference that is prepared once, to score many completions.
#[derive(Debug)]
pub struct Reference<'a> {
    /// A number for each distinct word, counted from 0.
    ids: HashMap<&'a str, u32>,
    /// The words of each sentence, for rouge-l only.
    sentences: Option<Vec<Vec<u32>>>,
}

impl<'a> Reference<'a> {
    /// Splits `text` into words, borrowed from it.
    pub fn new(variant: RougeVariant, text: &'a str) -> Self {
        let mut ids = HashMap::with_capacity(expected_words(text));
        for word in sentences(text).flatten() {
            let next = u32::try_from(ids.len()).unwrap_or(lcs::FOREIGN);
            ids.entry(word).or_insert(next);
        }
        let mut reference = Self { ids, sentences: None };
        if variant == RougeVariant::RougeL {
            reference.sentences = Some(reference.numbered(text));
        }
        reference
    }

    /// The score of `completion` against this reference, in 0..1.
    pub fn score(&self, completion: &str) -> f64 {
        if self.ids.is_empty() {
            return 0.0;
        }
        let mut distinct = HashSet::with_capacity(expected_words(completion));
        let mut shared = 0_usize;
        for word in sentences(completion).flatten() {
            if distinct.insert(word) && self.ids.contains_key(word) {
                shared += 1;
            }
        }
        // Without a shared word there is no common subsequence either.
        if shared == 0 {
            return 0.0;
        }
        let common = self
            .sentences
            .as_ref()
            .map_or(shared, |sentences| self.in_sequence(sentences, completion));
        f_measure(common, self.ids.len(), distinct.len())
    }

    /// Number of distinct words in common subsequences of any two sentences.
    fn in_sequence(&self, sentences: &[Vec<u32>], completion: &str) -> usize {
        let mut union = lcs::Union::new(self.ids.len());
        for theirs in self.numbered(completion) {
            for ours in sentences {
                union.add(&theirs, ours);
            }
        }
        union.len()
    }

    /// The sentences of `text` as numbers of this reference's words, cut to the length that rouge-l
    /// compares.
    fn numbered(&self, text: &str) -> Vec<Vec<u32>> {
        let mut left = lcs::MAX_WORDS;
        let mut numbered = Vec::new();
        for sentence in sentences(text) {
            let words: Vec<u32> = sentence
                .take(left)
                .map(|word| self.ids.get(word).copied().unwrap_or(lcs::FOREIGN))
                .collect();
            left -= words.len();
            if words.iter().any(|&word| word != lcs::FOREIGN) {
                numbered.push(words);
            }
            if left == 0 {
                break;
            }
        }
        numbered
    }
}

/// The words of each sentence. A sentence of white space alone has one empty word.
fn sentences(text: &str) -> impl Iterator<Item = impl Iterator<Item = &str>> {
    text.split('.').filter(|sentence| !sentence.is_empty()).map(|sentence| {
        let mut words = unicode::words(sentence);
        let first = words.next().unwrap_or_default();
        std::iter::once(first).chain(words)
    })
}

/// Capacity for distinct words: most texts have fewer than one in four bytes.
fn expected_words(text: &str) -> usize {
    (text.len() / 4).min(512)
}

fn f_measure(common: usize, in_reference: usize, in_completion: usize) -> f64 {
    let one = common as f64 / in_reference as f64;
    let other = common as f64 / in_completion as f64;
    2.0 * ((one * other) / (one + other + EPSILON))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;
    use crate::testing::cases;

    #[derive(Deserialize)]
    struct Input {
        reference: String,
        completion: String,
    }

    #[test]
    fn vectors_agree_in_both_variants() {
        for case in cases::<Input, Value>("rouge") {
            let wanted = case.expected();
            for variant in [RougeVariant::Rouge1, RougeVariant::RougeL] {
                let expected = wanted[variant.as_str()].as_f64().unwrap();
                let got = score(variant, &case.input.reference, &case.input.completion);
                assert!(
                    (got - expected).abs() <= 1e-12,
                    "{} {variant}: {got} instead of {expected}",
                    case.id
                );
            }
        }
    }

    #[test]
    fn a_sentence_without_end_stays_within_bounds() {
        let reference = "one two three ".repeat(2_000);
        let completion = "three two one none ".repeat(50_000);
        for variant in [RougeVariant::Rouge1, RougeVariant::RougeL] {
            let got = score(variant, &reference, &completion);
            assert!((0.0..=1.0).contains(&got), "{variant}: {got}");
        }
    }

    proptest! {
        #[test]
        fn any_two_texts_score_between_0_and_1(
            reference in "\\PC{0,40}|[ a-c.\\n]{0,60}",
            completion in "\\PC{0,40}|[ a-c.\\n]{0,60}",
        ) {
            let words = score(RougeVariant::Rouge1, &reference, &completion);
            let sequence = score(RougeVariant::RougeL, &reference, &completion);
            prop_assert!((0.0..=1.0).contains(&words));
            prop_assert!((0.0..=words).contains(&sequence));
        }

        #[test]
        fn rouge_1_is_symmetric(a in "[ a-c.]{0,40}", b in "[ a-c.]{0,40}") {
            let (ab, ba) = (
                score(RougeVariant::Rouge1, &a, &b),
                score(RougeVariant::Rouge1, &b, &a),
            );
            prop_assert!((ab - ba).abs() < 1e-12);
        }
    }
}
