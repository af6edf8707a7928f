//! One article: its usable sections, and the context that a section gives.

use super::super::{Context, Stats, kept_categories, ranked_links};
use serde_json::{Map, json};

/// Least number of words in a usable section (docs/spec/mechanism.md#wiki).
pub const MIN_SECTION_WORDS: usize = 50;
/// Headings of sections without prose, compared case-sensitively (docs/spec/mechanism.md#wiki).
const EXCLUDED_HEADINGS: [&str; 4] =
    ["See also", "References", "Further reading", "External links"];
/// The `source` of contexts from articles.
const SOURCE: &str = "WikiDataset";
/// Number of best links that a context keeps.
const N_LINKS: usize = 10;
/// Number of words of the introduction that links are compared with.
const N_SUMMARY_WORDS: usize = 50;

/// One section of an article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Heading of the section itself.
    pub heading: String,
    /// Heading above it; `None` for a top-level section.
    pub parent: Option<String>,
    /// Text with paragraphs separated by an empty line; may be empty.
    pub text: String,
}

impl Section {
    /// Number of words in the text, split at white space.
    pub fn n_words(&self) -> usize {
        self.text.split_whitespace().count()
    }

    /// Whether neither its own heading nor its parent's is excluded
    /// (docs/spec/mechanism.md#quirk-22, mended).
    pub fn is_prose(&self) -> bool {
        !is_excluded(&self.heading) && !self.parent.as_deref().is_some_and(is_excluded)
    }
}

fn is_excluded(heading: &str) -> bool {
    EXCLUDED_HEADINGS.contains(&heading)
}

/// One article of the corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// Title of the article, its subject.
    pub title: String,
    /// Origin of the article: `corpus:` and the file's stem.
    pub url: String,
    /// Categories of the article.
    pub categories: Vec<String>,
    /// Titles of related subjects.
    pub links: Vec<String>,
    /// The introduction, before the first heading.
    pub summary: String,
    /// The sections, in order.
    pub sections: Vec<Section>,
}

impl Article {
    /// Number of words in all sections together.
    pub fn n_words(&self) -> usize {
        self.sections.iter().map(Section::n_words).sum()
    }

    /// The sections of at least `min_words` words whose headings are not excluded.
    pub fn usable_sections(&self, min_words: usize) -> impl Iterator<Item = &Section> {
        self.sections
            .iter()
            .filter(move |section| min_words <= section.n_words() && section.is_prose())
    }

    /// Whether a context can be drawn from the article.
    pub(super) fn is_usable(&self) -> bool {
        self.usable_sections(MIN_SECTION_WORDS).next().is_some()
    }

    /// The context that one of the article's sections gives (docs/spec/mechanism.md#wiki).
    pub fn context(&self, section: &Section) -> Context {
        let headings = self.sections.iter().map(|section| section.heading.as_str());
        let ranked = ranked_links(&self.summary, &self.links, N_LINKS, N_SUMMARY_WORDS);
        let mut extra = Map::new();
        extra.insert("url".into(), json!(self.url));
        extra.insert("page_length".into(), json!(self.n_words()));
        extra.insert("section_length".into(), json!(section.n_words()));
        Context {
            title: self.title.clone(),
            topic: section.parent.as_ref().unwrap_or(&section.heading).clone(),
            subtopic: section.heading.clone(),
            content: section.text.clone(),
            internal_links: headings
                .filter(|heading| !is_excluded(heading))
                .map(str::to_owned)
                .collect(),
            external_links: ranked.into_iter().map(|(link, _)| link.to_owned()).collect(),
            source: SOURCE.to_owned(),
            tags: kept_categories(&self.categories),
            extra,
            stats: Stats::random(),
        }
    }
}
