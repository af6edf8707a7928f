//! The material that a dataset gives to a task, and the two rules that choose its links and tags.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Parts of category names that describe how a page is maintained, not its subject.
const EXCLUDED_CATEGORIES: [&str; 4] = ["articles", "wiki", "pages", "cs1"];

/// The material that a task is made from (docs/spec/mechanism.md#contexts). Serialised in this
/// field order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// Title of the page, or the dataset's closest equivalent.
    pub title: String,
    /// What the content is about, within the title.
    pub topic: String,
    /// What the content is about, within the topic.
    pub subtopic: String,
    /// The text that tasks are made from.
    pub content: String,
    /// Headings of the same page.
    pub internal_links: Vec<String>,
    /// Titles of related pages, best first.
    pub external_links: Vec<String>,
    /// Name of the dataset's class.
    pub source: String,
    /// Categories of the page.
    pub tags: Vec<String>,
    /// Fields that only this dataset has: `url`, `page_length` and `section_length` (in words),
    /// `date`, or `solution`.
    pub extra: Map<String, Value>,
    /// How the context was fetched.
    pub stats: Stats,
}

/// How a context was fetched; only used in the log.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// Seconds that fetching took.
    pub fetch_time: f64,
    /// Number of tries, from 1.
    pub num_tries: u32,
    /// Name of the method that chose the context.
    pub fetch_method: String,
    /// Arguments of that method.
    pub next_kwargs: Map<String, Value>,
}

impl Stats {
    /// Stats of a random draw without arguments, at the first try and in 0 s.
    pub fn random() -> Self {
        Self { num_tries: 1, fetch_method: "random".to_owned(), ..Self::default() }
    }
}

/// The `n_links` best links with their scores, highest first, equal ones in the given order
/// (docs/spec/mechanism.md#wiki). A link's score is the number of distinct words that it shares
/// with the first `n_summary_words` of the summary, divided by the number of distinct words in
/// either, and by the link's number of words. Repeated links count once; links without a word are
/// left out (docs/spec/mechanism.md#quirk-48, mended).
pub fn ranked_links<'a>(
    summary: &str,
    links: &'a [String],
    n_links: usize,
    n_summary_words: usize,
) -> Vec<(&'a str, f64)> {
    let summary: HashSet<&str> = summary.split_whitespace().take(n_summary_words).collect();
    let mut seen = HashSet::new();
    let mut ranked: Vec<(&str, f64)> = links
        .iter()
        .map(String::as_str)
        .filter(|link| seen.insert(*link))
        .filter_map(|link| Some((link, link_score(&summary, link)?)))
        .collect();
    ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    ranked.truncate(n_links);
    ranked
}

fn link_score(summary: &HashSet<&str>, link: &str) -> Option<f64> {
    let n_words = link.split_whitespace().count();
    let words: HashSet<&str> = link.split_whitespace().collect();
    let n_shared = words.intersection(summary).count();
    let n_all = words.union(summary).count();
    (0 < n_words).then(|| n_shared as f64 / n_all as f64 / n_words as f64)
}

/// The categories whose names, in any letter case, contain none of `articles`, `wiki`, `pages`,
/// `cs1`.
pub fn kept_categories(categories: &[String]) -> Vec<String> {
    categories
        .iter()
        .filter(|category| {
            let name = category.to_lowercase();
            !EXCLUDED_CATEGORIES.iter().any(|part| name.contains(part))
        })
        .cloned()
        .collect()
}
