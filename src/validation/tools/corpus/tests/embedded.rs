//! Properties of the embedded articles.

use std::collections::{BTreeSet, HashSet};

use super::super::*;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Counts dates such as `14 May 1796` and `May 14, 1796`.
fn n_dates(text: &str) -> usize {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_day = |word: &str| word.parse().is_ok_and(|day: u8| (1..=31).contains(&day));
    words
        .windows(3)
        .filter(|three| {
            let european = is_day(three[0]) && MONTHS.contains(&three[1]);
            let american = MONTHS.contains(&three[0]) && is_day(three[1]);
            (european || american) && three[2].len() == 4 && three[2].parse::<u16>().is_ok()
        })
        .count()
}

#[test]
fn dates_are_counted_in_both_forms() {
    assert_eq!(n_dates("On 14 May 1796 and on July 1, 1796."), 2);
    assert_eq!(n_dates("In May 1796, 14 people; May 14 too."), 0);
}

#[test]
fn every_embedded_article_is_fit_for_tasks() {
    let corpus = Corpus::embedded();
    assert!(60 <= corpus.articles().len());
    for article in corpus.articles() {
        let title = &article.title;
        let n_summary = article.summary.split_whitespace().count();
        assert!((40..=80).contains(&n_summary), "{title}: {n_summary} words");
        assert!(3 <= article.usable_sections(55).count(), "{title}: too few long sections");
        let dated = |section: &&Section| 0 < n_dates(&section.text);
        let n_dated = article.usable_sections(50).filter(dated).count();
        assert!(2 <= n_dated, "{title}: {n_dated} sections with a date");
        let n_all: usize = article.sections.iter().map(|s| n_dates(&s.text)).sum();
        assert!(2 <= n_all, "{title}: {n_all} dates");
        assert!(3 <= article.links.len(), "{title}: too few links");
        assert!(!article.categories.is_empty(), "{title}: no category");
    }
}

#[test]
fn embedded_sections_have_distinct_headings_and_plain_text() {
    for article in Corpus::embedded().articles() {
        let mut headings = HashSet::new();
        for section in &article.sections {
            let place = format!("{}, {}", article.title, section.heading);
            assert!(headings.insert(&section.heading), "{place}: twice");
            assert!(section.text.is_ascii(), "{place}: not plain ASCII");
            let is_whole = section.text.is_empty() || section.text.ends_with('.');
            assert!(is_whole, "{place}: unfinished");
            assert!(!section.text.contains("  "), "{place}: double space");
        }
    }
}

/// A number of four digits on its own looks like a year, so it must be one.
#[test]
fn lone_four_digit_numbers_are_years() {
    for article in Corpus::embedded().articles() {
        for section in &article.sections {
            for word in section.text.split_whitespace() {
                let word = word.trim_matches(|c: char| !c.is_alphanumeric());
                if word.len() == 4
                    && let Ok(number) = word.parse::<u16>()
                {
                    assert!((1000..2100).contains(&number), "{}: {word}", article.title);
                }
            }
        }
    }
}

#[test]
fn every_file_in_the_folder_is_embedded() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/validation/tools/corpus/articles");
    let files: BTreeSet<String> = markdown_files(Path::new(folder))
        .unwrap()
        .iter()
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let listed: BTreeSet<String> =
        super::super::embedded::ARTICLES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(files, listed);
    assert_eq!(Corpus::from_folder(Path::new(folder)).unwrap(), Corpus::embedded());
}
