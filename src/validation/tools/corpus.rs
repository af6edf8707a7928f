//! The articles from which question, summary and translation tasks are made.
//!
//! Owns the embedded articles, the reader for an operator's own folder of articles, and the draw of
//! one [`Context`] (docs/spec/mechanism.md#wiki). Fetches nothing from the network, so a pass never
//! waits for another site and a draw can be repeated from its seed.
//!
//! An article is a small Markdown file:
//!
//! ```text
//! ---
//! title: Honey bee
//! categories: Insects; Beekeeping
//! links: Pollination; Beeswax
//! ---
//! The introduction, one or more paragraphs.
//! ## A heading
//! Text.
//! ### A sub-heading
//! Text.
//! ```

mod article;
mod embedded;
mod parse;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use rand::Rng;
use rand::seq::index;

pub use self::article::{Article, MIN_SECTION_WORDS, Section};
pub use self::parse::{ArticleError, ArticleProblem};
use super::Context;

/// Titles that are drawn before one of them is chosen (docs/spec/mechanism.md#wiki).
pub const TITLES_PER_TRY: usize = 10;
/// Tries before a draw gives up (docs/spec/mechanism.md#contexts).
pub const MAX_TRIES: u32 = 9;

/// Why a corpus could not be built, or no context be drawn from it.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// The folder or a file in it could not be read as UTF-8.
    #[error("cannot read {}; check that it exists, is readable and is UTF-8", path.display())]
    Read {
        /// Path of the folder or file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// A file is not an article.
    #[error("cannot use the article {} because of line {line}; mend that line", file.display())]
    Malformed {
        /// Path of the file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        problem: ArticleProblem,
    },
    /// Two files have the same title, which would double its chance.
    #[error("cannot use the article {}: the title `{title}` is taken; rename one of the two", file.display())]
    DuplicateTitle {
        /// The second file with that title, in order of file names.
        file: PathBuf,
        /// The repeated title.
        title: String,
    },
    /// No article has a usable section, so no context can ever be drawn.
    #[error(
        "cannot draw from {n_articles} articles: none has a section of {MIN_SECTION_WORDS} words; add *.md articles that do"
    )]
    NothingToDraw {
        /// Number of articles that were read.
        n_articles: usize,
    },
    /// Every try chose an article without a usable section.
    #[error(
        "found no usable section in {tries} tries; draw again, or add articles with longer sections"
    )]
    Exhausted {
        /// Number of tries.
        tries: u32,
    },
}

/// A set of articles with distinct titles, of which at least one has a usable section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corpus {
    articles: Vec<Article>,
}

impl Corpus {
    /// The articles that are embedded in the node. Parses all of them: call once and keep the
    /// result.
    #[expect(
        clippy::expect_used,
        reason = "the texts are part of the program and a test parses every one of them"
    )]
    pub fn embedded() -> Self {
        let files = embedded::ARTICLES
            .iter()
            .map(|(name, text)| (PathBuf::from(format!("{name}.md")), *text));
        Self::from_texts(files).expect("the embedded articles are well formed")
    }

    /// Reads every `*.md` file in a folder, in order of file names; ignores sub-folders.
    ///
    /// # Errors
    /// [`CorpusError::Read`], [`CorpusError::Malformed`], [`CorpusError::DuplicateTitle`], or
    /// [`CorpusError::NothingToDraw`] if no file holds a usable section.
    pub fn from_folder(folder: &Path) -> Result<Self, CorpusError> {
        let texts = markdown_files(folder)?
            .into_iter()
            .map(|path| match std::fs::read_to_string(&path) {
                Ok(text) => Ok((path, text)),
                Err(source) => Err(CorpusError::Read { path, source }),
            })
            .collect::<Result<Vec<_>, _>>()?;
        Self::from_texts(texts)
    }

    /// Parses texts with their file names. The stem of a file name becomes part of the article's
    /// url.
    fn from_texts<T: AsRef<str>>(
        texts: impl IntoIterator<Item = (PathBuf, T)>,
    ) -> Result<Self, CorpusError> {
        let mut articles: Vec<Article> = Vec::new();
        let mut titles = HashSet::new();
        for (file, text) in texts {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            let article = match Article::parse(&stem, text.as_ref()) {
                Ok(article) => article,
                Err(ArticleError { line, problem }) => {
                    return Err(CorpusError::Malformed { file, line, problem });
                }
            };
            if !titles.insert(article.title.clone()) {
                let title = article.title;
                return Err(CorpusError::DuplicateTitle { file, title });
            }
            articles.push(article);
        }
        Self::new(articles)
    }

    fn new(articles: Vec<Article>) -> Result<Self, CorpusError> {
        if !articles.iter().any(Article::is_usable) {
            let n_articles = articles.len();
            return Err(CorpusError::NothingToDraw { n_articles });
        }
        Ok(Self { articles })
    }

    /// The articles in order of file names.
    pub fn articles(&self) -> &[Article] {
        &self.articles
    }

    /// Draws a context: ten random titles, one of them, one of its usable sections, each uniformly
    /// (docs/spec/mechanism.md#wiki). `stats.fetch_time` is 0, since nothing is fetched; a caller
    /// with a clock may set it.
    ///
    /// # Errors
    /// [`CorpusError::Exhausted`] if [`MAX_TRIES`] articles in a row had no usable section.
    pub fn draw<R: Rng + ?Sized>(&self, rng: &mut R) -> Result<Context, CorpusError> {
        for num_tries in 1..=MAX_TRIES {
            if let Some(mut context) = self.try_draw(rng) {
                context.stats.num_tries = num_tries;
                return Ok(context);
            }
        }
        Err(CorpusError::Exhausted { tries: MAX_TRIES })
    }

    fn try_draw<R: Rng + ?Sized>(&self, rng: &mut R) -> Option<Context> {
        let n_titles = TITLES_PER_TRY.min(self.articles.len());
        let titles = index::sample(rng, self.articles.len(), n_titles);
        let article = &self.articles[titles.index(rng.random_range(0..n_titles))];
        let sections: Vec<&Section> = article.usable_sections(MIN_SECTION_WORDS).collect();
        if sections.is_empty() {
            return None;
        }
        let section = sections[rng.random_range(0..sections.len())];
        Some(article.context(section))
    }
}

/// The `*.md` files directly in a folder, sorted, so that a seed gives the same draw on every
/// machine.
fn markdown_files(folder: &Path) -> Result<Vec<PathBuf>, CorpusError> {
    let unreadable = |source| CorpusError::Read { path: folder.to_path_buf(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "md") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests;
