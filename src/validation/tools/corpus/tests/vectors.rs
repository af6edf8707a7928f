//! The rules compared with recorded behaviour.

use serde_json::{Map, Value, json};

use super::super::*;
use crate::testing;
use crate::validation::tools::{kept_categories, ranked_links};

type Case = testing::Case<Map<String, Value>, Map<String, Value>>;

/// The cases of one kind; panics if there is none.
fn cases(kind: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = testing::cases("wiki_page");
    cases.retain(|case| case.input["kind"] == kind);
    assert!(!cases.is_empty(), "no case of kind {kind}");
    cases
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn links_rank_as_recorded() {
    for case in cases("links") {
        let links: Vec<String> = read(&case.input["links"]);
        let got = ranked_links(
            case.input["summary"].as_str().unwrap(),
            &links,
            read(&case.input["num_links"]),
            read(&case.input["num_summary_words"]),
        );
        let want: Vec<(String, f64)> = read(&case.expected()["links"]);
        assert_eq!(got.len(), want.len(), "{}", case.id);
        for ((link, score), (want_link, want_score)) in got.iter().zip(&want) {
            assert_eq!(link, want_link, "{}", case.id);
            assert!((score - want_score).abs() <= 1e-12, "{}: {link}", case.id);
        }
    }
}

/// The vectors also test other filters than the one of `wiki`; only that one exists here.
#[test]
fn categories_are_kept_as_recorded() {
    let mut n_checked = 0;
    for case in cases("categories") {
        let excluded = json!(["articles", "wiki", "pages", "cs1"]);
        if case.input["exclude"] != excluded || !case.input["include"].is_null() {
            continue;
        }
        let categories: Vec<String> = read(&case.input["categories"]);
        let want: Vec<String> = read(&case.expected()["categories"]);
        assert_eq!(kept_categories(&categories), want, "{}", case.id);
        n_checked += 1;
    }
    assert_ne!(n_checked, 0, "no case uses the filter of wiki");
}

/// The page of a vector, with the parent that the reference assigns to each section: the last
/// heading without text.
fn vector_page(case: &Case) -> Article {
    let flat: Vec<(String, String)> = read(&case.input["sections"]);
    let page = &case.input["page"];
    let mut parent = None;
    let mut sections = Vec::new();
    for (heading, text) in flat {
        let section = Section { heading, parent: parent.clone(), text };
        if section.text.is_empty() {
            parent = Some(section.heading.clone());
        }
        sections.push(section);
    }
    Article {
        title: read(&case.input["title"]),
        url: "u".to_owned(),
        categories: read(&page["categories"]),
        links: read(&page["links"]),
        summary: read(&page["summary"]),
        sections,
    }
}

/// The heading filter is mended (docs/spec/mechanism.md#quirk-22): recorded sections whose own
/// heading is excluded must be missing.
#[test]
fn sections_are_kept_as_recorded_but_for_excluded_headings() {
    for case in cases("sections") {
        let page = vector_page(&case);
        let min_words = read(&case.input["min_length_words"]);
        let got: Vec<(String, String)> = page
            .usable_sections(min_words)
            .map(|section| {
                let parent = section.parent.clone().unwrap_or_default();
                (parent, section.heading.clone())
            })
            .collect();
        let mut want: Vec<(String, String)> = read(&case.expected()["valid_sections"]);
        want.retain(|(_, heading)| {
            !["See also", "References", "Further reading", "External links"]
                .contains(&heading.as_str())
        });
        assert_eq!(got, want, "{}", case.id);
    }
}

/// The dataset replaces the source of the recorded function by its class name.
#[test]
fn contexts_hold_what_was_recorded() {
    let mut n_checked = 0;
    for case in cases("sections") {
        let Some(want) = case.expected()["context"].as_object() else {
            continue;
        };
        let page = vector_page(&case);
        let Some(section) = page
            .usable_sections(read(&case.input["min_length_words"]))
            .find(|section| section.heading == want["subtopic"])
        else {
            continue;
        };
        let got = serde_json::to_value(page.context(section)).unwrap();
        for (field, value) in want.iter().filter(|(field, _)| *field != "source") {
            assert_eq!(got[field], *value, "{}: {field}", case.id);
        }
        assert_eq!(got["source"], "WikiDataset");
        n_checked += 1;
    }
    assert_ne!(n_checked, 0, "no case has a context");
}
