//! Scores an answer that should be one number (docs/spec/mechanism.md#float-diff).
//!
//! Owns the extraction of a number from free text: words are tried from the last to the first, each
//! as an arithmetic expression in a small grammar, then as a plain decimal. Evaluates nothing else:
//! names come from a fixed table, nothing is executed, and every size and depth is bounded, since
//! the text is untrusted (docs/spec/mechanism.md#quirk-6 and docs/spec/mechanism.md#quirk-7).

mod expression;
mod functions;
mod gamma;
mod lexer;
mod literal;
mod names;
mod number;
mod power;
mod value;

use std::borrow::Cow;

use serde_json::{Value, json};

use self::expression::Outcome;
use self::number::Fuel;
use super::{Embeddings, Reward, RewardError, Scorer};

/// Words of more bytes than this do not count as numbers (docs/spec/mechanism.md#quirk-7).
const LONGEST_WORD: usize = 1024;

/// The reward `float_diff`.
#[derive(Debug)]
pub struct FloatDiff;

impl Reward for FloatDiff {
    fn name(&self) -> &'static str {
        "float_diff"
    }

    fn extra_info(&self) -> Value {
        json!({ "type": "math" })
    }

    fn prepare<'a>(
        &'a self,
        text: &'a str,
        _: Option<&'a Embeddings>,
    ) -> Result<Scorer<'a>, RewardError> {
        let reference = parse_reference(text)
            .ok_or_else(|| RewardError::ReferenceNotANumber(text.to_owned()))?;
        Ok(Box::new(move |completion| score(reference, completion.text) as f32))
    }
}

/// Scores `completion` against `reference`, both as plain numbers.
///
/// 1 if they are equal, otherwise 1 minus the relative difference; 0 if no number is found, and 0
/// if the difference has no value, as with NaN (docs/spec/mechanism.md#float-diff,
/// docs/spec/mechanism.md#quirk-9 and docs/spec/mechanism.md#quirk-10). Always in 0..=1.
pub fn score(reference: f64, completion: &str) -> f64 {
    extract(completion).map_or(0.0, |found| closeness(reference, found))
}

/// Parses a reference as the plain decimal it must be: sign, digits of any script, underscores
/// between digits, exponent, or an infinity or NaN by name. `None` if it is not a number; the task
/// must then be refused (docs/spec/mechanism.md#quirk-11).
pub fn parse_reference(text: &str) -> Option<f64> {
    literal::parse_float(text)
}

/// The last word of `completion` that is a number, as a number; it may be infinite or NaN.
///
/// Removes the full stops at both ends of a word and all its commas before parsing it.
pub fn extract(completion: &str) -> Option<f64> {
    let mut fuel = Fuel::full();
    completion
        .rsplit(is_space)
        .filter(|word| !word.is_empty())
        .find_map(|word| read_word(word, &mut fuel))
}

/// White space at which the reference splits: Unicode's, and the four separators below the space.
fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

fn read_word(word: &str, fuel: &mut Fuel) -> Option<f64> {
    let bare = word.trim_matches('.');
    if bare.is_empty() || LONGEST_WORD < bare.len() {
        return None;
    }
    let text =
        if bare.contains(',') { Cow::Owned(bare.replace(',', "")) } else { Cow::Borrowed(bare) };
    if is_plain_name(&text) {
        return names::constant(&text)
            .map_or_else(|| literal::parse_named(&text), |number| number.finish());
    }
    match expression::evaluate(&text, fuel) {
        Outcome::Number(found) => Some(found),
        Outcome::OverBound => None,
        Outcome::NoNumber => literal::parse_float(&text),
    }
}

/// Whether the text is a single name, as most words are; only a constant's name is a number.
fn is_plain_name(text: &str) -> bool {
    text.starts_with(char::is_alphabetic)
        && text.chars().all(|character| {
            character == '_' || character.is_ascii_digit() || character.is_alphabetic()
        })
}

fn closeness(reference: f64, found: f64) -> f64 {
    #[expect(clippy::float_cmp, reason = "equal numbers score one, whatever their size")]
    if reference == found {
        return 1.0;
    }
    let scale = reference + 1e-10;
    if scale == 0.0 {
        return 0.0;
    }
    let difference = ((reference - found) / scale).abs();
    // NaN fails the comparison and so scores 0, like a difference that is too large.
    if difference <= 0.999 { 1.0 - difference } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;
    use crate::testing::{processor_time, vector_lines};

    #[derive(Deserialize)]
    struct Case {
        id: String,
        input: Input,
        output: serde_json::Map<String, Value>,
        #[serde(default)]
        want: serde_json::Map<String, Value>,
    }

    #[derive(Deserialize)]
    struct Input {
        reference: String,
        completion: String,
    }

    impl Case {
        /// The result that we should give: `want` if present, else what the reference gave.
        fn expected(&self, field: &str) -> Option<&Value> {
            self.want.get(field).or_else(|| self.output.get(field))
        }
    }

    fn as_double(value: &Value) -> Option<f64> {
        match value {
            Value::Null => None,
            Value::Number(number) => number.as_f64(),
            Value::String(name) => name.parse().ok(),
            other => panic!("{other} is no number"),
        }
    }

    fn same(found: f64, expected: f64) -> bool {
        found == expected
            || (found.is_nan() && expected.is_nan())
            || (found - expected).abs() <= 1e-12 * expected.abs()
    }

    #[test]
    fn vectors() {
        let mut checked = 0;
        for case in vector_lines::<Case>("validation/vectors/float_diff.jsonl") {
            let Input { reference, completion } = &case.input;
            if let Some(expected) = case.expected("extracted") {
                let found = extract(completion);
                let fits = match (found, as_double(expected)) {
                    (Some(found), Some(expected)) => same(found, expected),
                    (None, None) => true,
                    _ => false,
                };
                assert!(fits, "{}: {completion:?}: {found:?}, not {expected}", case.id);
            }
            let expected = case.expected("score").and_then(as_double);
            let expected = expected.unwrap_or_else(|| panic!("{}: no score", case.id));
            let found = parse_reference(reference).map_or(0.0, |number| score(number, completion));
            assert!(same(found, expected), "{}: {found}, not {expected}", case.id);
            checked += 1;
        }
        assert_ne!(checked, 0);
    }

    #[test]
    fn splits_and_strips_words_as_the_reference() {
        for (text, expected) in [
            ("5\u{1f}x", Some(5.0)),
            ("5\u{a0}x", Some(5.0)),
            ("5\u{200b}", None),
            ("5.,", Some(5.0)),
            (".5,", Some(5.0)),
            (",.5", Some(0.5)),
            ("7 ,", Some(7.0)),
            ("7 . ,. ..", Some(7.0)),
        ] {
            assert_eq!(extract(text), expected, "{text:?}");
        }
    }

    #[test]
    fn no_word_outlasts_its_bounds() {
        let bombs = [
            "9**9**9",
            "2**2**99",
            "(10**9)!",
            "factorial(10**8)",
            "1<<(10**12)",
            "((((9**999)**9)**9)**9)",
            &"9".repeat(5000),
            &format!("{}5{}", "(".repeat(400), ")".repeat(400)),
            &"-".repeat(1000),
            &format!("{}5", "-".repeat(900)),
            &format!("2{}", "**2".repeat(300)),
            &format!("1{}", "+1/7**999".repeat(100)),
            &format!("1{}", "*700!/699!".repeat(90)),
            &format!("x{}", "*(x+1)".repeat(150)),
            &format!("f{}x{}", "(f".repeat(60), ")".repeat(60)),
        ];
        for bomb in bombs {
            let text = format!("{bomb} ").repeat(500);
            let start = processor_time();
            let found = extract(&text);
            let taken = processor_time() - start;
            assert!(taken < Duration::from_secs(2), "{}: {taken:?}, {found:?}", &text[..20]);
        }
    }

    #[test]
    fn a_long_text_without_numbers_is_quick() {
        let words = "The keeper, a well-known (and rather tired) man, didn't sleep; his dog – or \
                     the cat? – watched and/or guarded the lamp-room. \"Nothing\" happened: ";
        let text = words.repeat(8);
        let start = processor_time();
        for _ in 0..100 {
            assert_eq!(extract(&text), None);
        }
        // Far above the usual time; benchmarks measure the cost of a release build.
        let taken = processor_time() - start;
        assert!(taken < Duration::from_secs(1), "{taken:?}");
    }

    proptest! {
        #[test]
        fn any_text_scores_within_bounds(text in "\\PC{0,60}", reference in any::<f64>()) {
            let score = score(reference, &text);
            prop_assert!((0.0..=1.0).contains(&score));
        }

        #[test]
        fn any_expression_like_word_scores_within_bounds(
            word in "([0-9.]{1,4}|[xEI]|pi|oo|sqrt\\(|sin|!|\\*\\*|//|<<|[-+*/%()!~&|^.\\[\\]#_j]){1,30}",
            reference in -1e3..1e3f64,
        ) {
            let start = processor_time();
            let score = score(reference, &word);
            prop_assert!((0.0..=1.0).contains(&score));
            prop_assert!(processor_time() - start < Duration::from_secs(1));
        }

        #[test]
        fn a_printed_number_is_found_and_scores_one(number in any::<f64>()) {
            prop_assume!(number.is_finite());
            let text = format!("So the answer is {number:?}.");
            let found = extract(&text).unwrap();
            prop_assert!(same(found, number));
            prop_assert_eq!(parse_reference(&format!("{number:?}")), Some(number));
        }

        #[test]
        fn sums_and_products_of_whole_numbers_are_exact(a in any::<i32>(), b in 1..i32::MAX) {
            for (text, expected) in [
                (format!("{a}+{b}"), f64::from(a) + f64::from(b)),
                (format!("{a}//{b}"), f64::from(a.div_euclid(b))),
                (format!("{a}%{b}"), f64::from(a.rem_euclid(b))),
                (format!("({a})^{b}"), f64::from(a ^ b)),
                (format!("{a}*{b}/{b}"), f64::from(a)),
            ] {
                prop_assert_eq!(extract(&text), Some(expected), "{}", text);
            }
        }
    }
}
