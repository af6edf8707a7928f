//! Checks the source files that a page names in its text.

use std::path::Path;

use crate::Problem;
use crate::page::prose;

/// The source folders: a path that begins with one of them starts at the root.
const SOURCES: [&str; 2] = ["src/", "actors/"];

/// Paths on a page that do not exist.
pub(crate) fn broken(page: &str, text: &str, root: &Path) -> Vec<Problem> {
    let lines = prose(text).enumerate();
    let missing = lines.flat_map(|(index, line)| {
        let gone = paths(line).filter(|path| !root.join(path).exists());
        gone.map(move |path| format!("{page}:{}: {path}: no such file", index + 1))
    });
    missing.collect()
}

fn paths(line: &str) -> impl Iterator<Item = &str> {
    SOURCES.into_iter().flat_map(move |folder| {
        line.match_indices(folder).filter_map(move |(at, _)| {
            let before = line[..at].chars().next_back();
            // Part of another path, or of another repository.
            let inside = before.is_some_and(|c| c.is_alphanumeric() || "/-_.".contains(c));
            let rest = &line[at..];
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"/-_.".contains(c));
            let path = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
            (!inside).then_some(path)
        })
    })
}

#[test]
fn a_path_that_is_not_there_is_found() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let of = |text: &str| broken("page.md", text, root).len();
    assert_eq!(of("See `src/lib.rs`, actors/src/main.rs. And `pallets/src/none.rs`."), 0);
    assert_eq!(of("See `src/none.rs`."), 1);
    assert_eq!(of("```\nsrc/none.rs\n```"), 0);
}
