//! Steps that turn a model's raw text into a query, a challenge or a reference.
//!
//! The steps are those of docs/spec/mechanism.md#cleaners, quirks included, because cleaned
//! references decide case-sensitive scores. Steps are typed: an unknown or nameless step cannot be
//! built (docs/spec/mechanism.md#quirk-20), so cleaning never fails.

pub(crate) mod unicode;

use std::str::FromStr;

use unicode::{capitalize, is_space, is_word};

/// Texts that [`Cleaner::RemoveRoles`] deletes wherever they occur, in this order.
const ROLE_TEXTS: [&str; 11] = [
    "User: ",
    "System: ",
    "Assistant: ",
    "Assistant, ",
    "Dear AI, ",
    "Dear AI ",
    "#Question: ",
    "<|im_start|>",
    "<|im_end|>",
    "<i>",
    "</i>",
];
/// Characters that end a sentence.
const SENTENCE_ENDS: [char; 3] = ['.', '?', '!'];
/// The placeholder of a masked date.
const DATE_TAG: &str = "<date>";
/// Most words that [`ColonRule::LeadingLabel`] accepts as a label.
const MAX_LABEL_WORDS: usize = 6;

/// One cleaning step. The caller chooses the order of the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cleaner {
    /// Strips any run of `"` and `'` from both ends.
    RemoveQuotes,
    /// Cuts an unfinished last sentence; a text without a finished sentence stays as it is.
    PruneEnding,
    /// Deletes words before colons and forms of address, then rewrites the letter case sentence by
    /// sentence (docs/spec/mechanism.md#quirk-17).
    RemoveRoles,
    /// Has no effect (docs/spec/mechanism.md#quirk-19). Kept so that pipelines match the
    /// reference's.
    RemovePostQuestionText,
    /// Deletes `<date>`, the placeholder of a masked date.
    RemoveTags,
    /// Keeps the first question, found by a [`ColonRule`].
    FirstQuestion,
}

/// How [`Cleaner::FirstQuestion`] treats colons (docs/spec/mechanism.md#quirk-18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ColonRule {
    /// As the reference: keeps only the text between the first and the second colon, so that
    /// `...at 10:30?` becomes `30?`.
    Reference,
    /// Drops a leading label such as `Question:`, and ignores every other colon.
    #[default]
    LeadingLabel,
}

/// The name of a cleaning step that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("looked up the cleaning step `{0}`, which does not exist; use one of the six known names")]
pub struct UnknownCleaner(pub String);

impl Cleaner {
    /// All six steps, in the order of the enum.
    pub const ALL: [Self; 6] = [
        Self::RemoveQuotes,
        Self::PruneEnding,
        Self::RemoveRoles,
        Self::RemovePostQuestionText,
        Self::RemoveTags,
        Self::FirstQuestion,
    ];

    /// The name of the step in task definitions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RemoveQuotes => "remove_quotes",
            Self::PruneEnding => "prune_ending",
            Self::RemoveRoles => "remove_roles",
            Self::RemovePostQuestionText => "remove_post_question_text",
            Self::RemoveTags => "remove_tags",
            Self::FirstQuestion => "first_question",
        }
    }

    /// The text after this step.
    pub fn apply(self, text: &str, colons: ColonRule) -> String {
        match self {
            Self::RemoveQuotes => text.trim_matches(['"', '\'']).to_owned(),
            Self::PruneEnding => prune_ending(text).to_owned(),
            Self::RemoveRoles => remove_roles(text),
            Self::RemovePostQuestionText => text.to_owned(),
            Self::RemoveTags => text.replace(DATE_TAG, ""),
            Self::FirstQuestion => first_question(text, colons),
        }
    }
}

impl FromStr for Cleaner {
    type Err = UnknownCleaner;

    fn from_str(name: &str) -> Result<Self, UnknownCleaner> {
        Self::ALL
            .into_iter()
            .find(|step| step.as_str() == name)
            .ok_or_else(|| UnknownCleaner(name.to_owned()))
    }
}

/// Runs `steps` over `text`, in order.
pub fn run(steps: &[Cleaner], text: &str, colons: ColonRule) -> String {
    steps.iter().fold(text.to_owned(), |text, step| step.apply(&text, colons))
}

fn prune_ending(text: &str) -> &str {
    match text.rfind(SENTENCE_ENDS) {
        // All three characters are one byte long.
        Some(end) => &text[..=end],
        None => text,
    }
}

fn remove_roles(text: &str) -> String {
    let mut text = remove_labels(text);
    for role in ROLE_TEXTS {
        if text.contains(role) {
            text = text.replace(role, "");
        }
    }
    recase_sentences(&text)
}

/// Deletes every word that a colon follows, with the colon, the white space between the two and the
/// line breaks before the word.
fn remove_labels(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        kept.push_str(&rest[..start]);
        rest = &rest[start..];
        let word_len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after_word) = rest.split_at(word_len);
        match after_word.trim_start_matches(is_space).strip_prefix(':') {
            Some(after_colon) => {
                kept.truncate(kept.trim_end_matches('\n').len());
                rest = after_colon;
            }
            None => {
                kept.push_str(word);
                rest = after_word;
            }
        }
    }
    kept.push_str(rest);
    kept
}

/// Splits at white space that follows the end of a sentence, gives each piece one capital letter,
/// and joins the pieces with single spaces.
fn recase_sentences(text: &str) -> String {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut searched = 0;
    while let Some(found) = text[searched..].find(SENTENCE_ENDS) {
        let end = searched + found + 1;
        let after = text[end..].trim_start_matches(is_space);
        searched = text.len() - after.len();
        if searched > end {
            pieces.push(capitalize(&text[start..end]));
            start = searched;
        }
    }
    pieces.push(capitalize(&text[start..]));
    pieces.join(" ")
}

fn first_question(text: &str, colons: ColonRule) -> String {
    if !text.contains('?') {
        return text.to_owned();
    }
    let kept = match colons {
        ColonRule::Reference => text.split(':').nth(1).unwrap_or(text),
        ColonRule::LeadingLabel => without_label(text),
    };
    let question = kept.split('?').next().unwrap_or(kept);
    format!("{question}?")
}

/// `text` without a leading label: a few words, a colon and white space, followed by a question.
fn without_label(text: &str) -> &str {
    let Some((label, question)) = text.split_once(':') else {
        return text;
    };
    let is_label = !label.contains(SENTENCE_ENDS)
        && unicode::words(label).count() <= MAX_LABEL_WORDS
        && question.starts_with(is_space)
        && question.contains('?');
    if is_label { question.trim_start_matches(is_space) } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;
    use crate::testing::cases;
    use crate::validation::tasks::TaskKind;

    #[derive(Deserialize)]
    struct Input {
        name: Option<String>,
        task: Option<String>,
        steps: Option<Vec<String>>,
        text: String,
    }

    /// A step that does not exist ends the pipeline; the text so far is the result.
    fn steps(input: &Input) -> Vec<Cleaner> {
        let names = input.steps.iter().flatten().chain(&input.name);
        names.map_while(|name| name.parse().ok()).collect()
    }

    #[test]
    fn vectors_are_cleaned_exactly() {
        for case in cases::<Input, serde_json::Value>("cleaners") {
            let steps = steps(&case.input);
            let task = case.input.task.as_deref().map(str::parse::<TaskKind>);
            if let Some(Ok(task)) = task {
                assert_eq!(steps, task.definition().cleaning, "{}", case.id);
            }
            let expected = &case.expected()["text"];
            let cleaned = run(&steps, &case.input.text, ColonRule::Reference);
            assert_eq!(Some(cleaned.as_str()), expected.as_str(), "{}", case.id);
        }
    }

    #[test]
    fn only_a_leading_label_is_dropped() {
        let first = |text| first_question(text, ColonRule::LeadingLabel);
        assert_eq!(first("Who left at 10:30? I ask"), "Who left at 10:30?");
        assert_eq!(first("Question: who left at 10:30?"), "who left at 10:30?");
        assert_eq!(first("No. So: who?"), "No. So: who?");
        assert_eq!(first("No question: here"), "No question: here");
    }

    #[test]
    fn marks_end_a_word_before_a_colon() {
        // The vowel sign is not a word character, so only the part after the last one is a label.
        assert_eq!(remove_labels("\u{92e}\u{93e}\u{928}: x"), "\u{92e}\u{93e} x");
    }

    proptest! {
        #[test]
        fn any_text_can_be_cleaned(text in "\\PC{0,40}|[ a-zÀ-ž\\n\\t.?!:\"'<>]{0,60}") {
            for colons in [ColonRule::Reference, ColonRule::LeadingLabel] {
                for step in Cleaner::ALL {
                    step.apply(&text, colons);
                }
            }
        }

        #[test]
        fn pruning_and_quotes_are_idempotent(text in "[ a-z.?!\"']{0,40}") {
            for step in [Cleaner::RemoveQuotes, Cleaner::PruneEnding] {
                let once = step.apply(&text, ColonRule::default());
                prop_assert_eq!(step.apply(&once, ColonRule::default()), once);
            }
        }
    }
}
