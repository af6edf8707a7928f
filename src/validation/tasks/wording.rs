//! Helpers that the tasks share for prompts and for checks of written texts.

use std::collections::HashSet;

use super::{Draft, PreparedTask};
use crate::llm::request::ChatMessage;

/// A prompt with a system text, examples as earlier turns, and the request, all worded by `ask`.
/// Small models follow examples where they ignore instructions.
pub(super) fn by_example(
    system: &str,
    examples: &[(&str, &str)],
    ask: impl Fn(&str) -> String,
    subject: &str,
) -> Draft {
    let shown = examples.iter().flat_map(|(given, answer)| {
        [ChatMessage::new("user", ask(given)), ChatMessage::new("assistant", *answer)]
    });
    let first = std::iter::once(ChatMessage::new("system", system));
    Draft::Prompt(first.chain(shown).chain([ChatMessage::new("user", ask(subject))]).collect())
}

/// The prompt for a reference that answers `request`.
pub(super) fn reference_prompt(request: String, today: &str) -> Draft {
    let system = format!(
        "You are an assistant that runs on Bittensor, a decentralised network for machine \
         intelligence. Today is {today}. Answer simple questions in a few words and open ones \
         thoroughly. Put code in markdown. Name credible sources where they matter. Do not talk \
         about yourself unless you are asked."
    );
    Draft::Prompt(vec![ChatMessage::new("system", system), ChatMessage::new("user", request)])
}

/// The model's wording of a task's query, after cleaning; `None` if it leaves the subject.
pub(super) fn about_the_query(task: &PreparedTask, written: &str) -> Option<String> {
    let cleaned = task.definition().clean(written);
    is_about(&cleaned, &task.query).then_some(cleaned)
}

/// Whether a text shares a word of some length with its subject.
pub(super) fn is_about(text: &str, subject: &str) -> bool {
    let words = |text: &str| -> HashSet<String> {
        let words = text.split(|c: char| !c.is_alphanumeric());
        words.filter(|word| word.chars().count() > 3).map(str::to_lowercase).collect()
    };
    !words(text).is_disjoint(&words(subject))
}

/// Whether a text contains a question of more than a word or two.
pub(super) fn is_question(text: &str) -> bool {
    text.contains('?') && text.split_whitespace().count() > 3
}
