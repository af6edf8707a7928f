//! Checks documents like code: whatever a comment or a page refers to must exist.
//!
//! A comment that follows a rule cites its page of `docs/spec` and an anchor. Those anchors are
//! explicit (`<a id="...">`), so that they survive a reworded heading; on other pages a heading's
//! own anchor counts too. The checks read only files of this repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[path = "documents/citations.rs"]
mod citations;
#[path = "documents/files.rs"]
mod files;
#[path = "documents/links.rs"]
mod links;
#[path = "documents/named.rs"]
mod named;
#[path = "documents/page.rs"]
mod page;
#[path = "documents/quotes.rs"]
mod quotes;

use files::Tree;
use page::Page;

/// One thing that is wrong, and where it was found.
type Problem = String;

/// The texts of the repository and the anchors of its pages, for all checks.
struct Repository {
    root: PathBuf,
    /// The texts by path from the root, for the file types that are checked.
    texts: BTreeMap<String, String>,
    pages: BTreeMap<String, Page>,
}

impl Repository {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).to_owned();
        let texts = Tree::of(&root).texts();
        let of_page = |(path, text): (&String, &String)| (path.clone(), Page::read(text));
        let markdown = texts.iter().filter(|(path, _)| path.ends_with(".md"));
        let pages = markdown.map(of_page).collect();
        Self { root, texts, pages }
    }

    /// Runs a check on the texts whose paths `wanted` accepts, and fails with all problems at once.
    fn check(&self, wanted: impl Fn(&str) -> bool, check: impl Fn(&str, &str) -> Vec<Problem>) {
        let texts: Vec<_> = self.texts.iter().filter(|(path, _)| wanted(path)).collect();
        assert!(!texts.is_empty(), "no file to check: the walk is wrong");
        let problems: Vec<_> = texts.iter().flat_map(|(path, text)| check(path, text)).collect();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }
}

#[test]
fn every_citation_names_an_anchor_of_a_page() {
    let repository = Repository::read();
    let anywhere = |_: &str| true;
    repository.check(anywhere, |path, text| citations::broken(path, text, &repository.pages));
}

#[test]
fn rules_are_cited_by_their_anchors() {
    let code = |path: &str| path.ends_with(".rs") || path.ends_with(".toml");
    Repository::read().check(code, citations::old_forms);
}

#[test]
fn every_link_of_a_page_leads_somewhere() {
    let repository = Repository::read();
    let markdown = |path: &str| path.ends_with(".md");
    repository.check(markdown, |path, text| links::broken(path, text, &repository));
}

#[test]
fn every_page_is_reached_from_the_first() {
    let lost = links::unreached(&Repository::read());
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn anchors_of_the_rules_are_unique() {
    let repository = Repository::read();
    let rules = |path: &str| path.starts_with("docs/spec/");
    repository.check(rules, |path, _| {
        let twice = repository.pages[path].repeated();
        twice.into_iter().map(|anchor| format!("{path}: #{anchor} stands twice")).collect()
    });
}

#[test]
fn every_source_that_a_page_names_is_there() {
    let repository = Repository::read();
    // The changelog names files as they were.
    let pages = |path: &str| path.ends_with(".md") && path != "CHANGELOG.md";
    repository.check(pages, |path, text| named::broken(path, text, &repository.root));
}

#[test]
fn code_that_a_page_quotes_stands_in_its_file() {
    let repository = Repository::read();
    let pages = |path: &str| path.ends_with(".md");
    repository.check(pages, |path, text| quotes::broken(path, text, &repository.texts));
}

#[test]
fn the_first_pages_stay_short() {
    let most = |path: &str| match path {
        "README.md" => 500,
        "ARCHITECTURE.md" => 1_500,
        _ => usize::MAX,
    };
    let first = |path: &str| most(path) < usize::MAX;
    Repository::read().check(first, |path, text| {
        let words = text.split_whitespace().count();
        let long = words > most(path);
        long.then(|| format!("{path}: {words} words, at most {}", most(path))).into_iter().collect()
    });
}
