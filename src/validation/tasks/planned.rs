//! The definitions of tasks that the mechanism has and this version cannot make.
//!
//! Options and logs know their names, and their rouge options take part in the choice of the
//! process's variant. When a task is implemented, its definition moves to a file of its own.

use super::definition::{Challenge, Definition, Origin, Turns};
use crate::validation::cleaners::Cleaner;
use crate::validation::rewards::Weighted;
use crate::validation::rewards::relevance::Relevance;
use crate::validation::rewards::rouge::{ROUGE_1, Rouge};

pub(super) const DATE_QA: Definition = Definition {
    name: "date_qa",
    desc: "get help answering a specific date-based question",
    goal: "to get the answer to the following date-based question",
    turns: Turns::Two,
    query: Origin::Written,
    reference: Origin::Written,
    challenge: Challenge::Query,
    rewards: &[Weighted::planned("date", 0.7), Weighted::new(&Rouge { ngram: None }, 0.3)],
    penalties: &[],
    cleaning: &[Cleaner::RemoveTags, Cleaner::FirstQuestion],
};

pub(super) const GENERIC: Definition = Definition {
    name: "generic",
    desc: "get help on answering a general instruction",
    goal: "to get the answer to the following instruction",
    turns: Turns::Two,
    query: Origin::Written,
    reference: Origin::Written,
    challenge: Challenge::Query,
    rewards: &[Weighted::new(&ROUGE_1, 0.25), Weighted::new(&Relevance, 0.75)],
    penalties: &[Weighted::new(&ROUGE_1, 0.5)],
    cleaning: &[Cleaner::RemoveQuotes, Cleaner::PruneEnding, Cleaner::RemoveRoles],
};

pub(super) const TRANSLATION: Definition = Definition {
    name: "translation",
    desc: "get translation help",
    goal: "to get the translation for the given piece of text",
    turns: Turns::One,
    query: Origin::Known,
    reference: Origin::Known,
    challenge: Challenge::Query,
    rewards: &[Weighted::new(&ROUGE_1, 1.0)],
    penalties: &[Weighted::new(&ROUGE_1, 1.0)],
    cleaning: &[],
};

pub(super) const SENTIMENT: Definition = Definition {
    name: "sentiment",
    desc: "get help analyzing the sentiment of a review",
    goal: "to get the sentiment to the following review",
    turns: Turns::One,
    query: Origin::Written,
    reference: Origin::Known,
    challenge: Challenge::Paraphrase,
    rewards: &[Weighted::planned("ordinal", 1.0)],
    penalties: &[],
    cleaning: &[],
};
