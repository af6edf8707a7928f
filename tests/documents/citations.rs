//! Citations of pages in comments, settings and pages: `docs/spec/mechanism.md#quirk-42`.

use std::collections::BTreeMap;

use crate::Problem;
use crate::page::Page;

/// The names of rule pages, including those from before they were in the repository.
const RULES: [&str; 6] =
    ["mechanism.md", "synapse-wire.md", "subtensor.md", "wire.md", "chain.md", "yuma.md"];

/// Citations in a text whose page or anchor does not exist.
pub(crate) fn broken(path: &str, text: &str, pages: &BTreeMap<String, Page>) -> Vec<Problem> {
    let found = lines(text).flat_map(|(number, line)| {
        cited(line).filter_map(move |(page, anchor)| {
            let why = unresolved(page, anchor, pages)?;
            Some(format!("{path}:{number}: {page}{}: {why}", shown(anchor)))
        })
    });
    found.collect()
}

fn unresolved(
    page: &str,
    anchor: Option<&str>,
    pages: &BTreeMap<String, Page>,
) -> Option<&'static str> {
    let Some(known) = pages.get(page) else { return Some("no such page") };
    match anchor {
        Some(anchor) if !known.has(anchor) => Some("the page has no such anchor"),
        Some(anchor) if page.starts_with("docs/spec/") && !known.has_explicit(anchor) => {
            Some("a heading's own anchor does not last: write one out on the page")
        }
        _ => None,
    }
}

/// Comments that name a rule by a page without its folder, or by a number without an anchor.
pub(crate) fn old_forms(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut rfc = false;
    for (number, line) in lines(text) {
        let Some(comment) = comment(path, line) else { continue };
        // The sections of a standard are its own; its name may be at the end of the line before.
        let foreign = std::mem::replace(&mut rfc, comment.contains("RFC")) || rfc;
        let numbered =
            !foreign && (is_numbered(comment, "section") || is_numbered(comment, "step"));
        if let Some(page) = homeless(comment) {
            problems
                .push(format!("{path}:{number}: {page}: cite it with docs/spec/ and an anchor"));
        } else if numbered || is_numbered(comment, "quirk") {
            problems.push(format!("{path}:{number}: a rule by its number: cite its anchor"));
        }
    }
    problems
}

/// The name of a rule page without `docs/spec/`.
fn homeless(comment: &str) -> Option<&'static str> {
    RULES.into_iter().find(|page| {
        comment.match_indices(page).any(|(at, _)| {
            let before = &comment[..at];
            let whole = before.chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '-');
            whole && !before.ends_with("docs/spec/")
        })
    })
}

/// Whether a word like `quirk` or `quirks` is followed by a number.
fn is_numbered(comment: &str, word: &str) -> bool {
    let lower = comment.to_lowercase();
    lower.match_indices(word).any(|(at, _)| {
        let whole = lower[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        let rest = &lower[at + word.len()..];
        let rest = rest.strip_prefix('s').unwrap_or(rest);
        let digit = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
        whole && rest.strip_prefix(' ').is_some_and(digit)
    })
}

/// The comment at the end of a line, if there is one.
fn comment<'a>(path: &str, line: &'a str) -> Option<&'a str> {
    let mark = if path.ends_with(".rs") { "//" } else { "#" };
    line.find(mark).map(|at| &line[at..])
}

/// Every page of `docs/` that a line names, with its anchor if one follows.
fn cited(line: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    line.match_indices("docs/").filter_map(|(at, _)| {
        let rest = &line[at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"/-_.".contains(c));
        let path = &rest[..end.unwrap_or(rest.len())];
        let page = &path[..path.find(".md")? + ".md".len()];
        if path[page.len()..].starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return None; // Another file type, such as `.mdx`.
        }
        let anchor = rest[page.len()..].strip_prefix('#').map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c));
            &rest[..end.unwrap_or(rest.len())]
        });
        Some((page, anchor))
    })
}

fn shown(anchor: Option<&str>) -> String {
    anchor.map(|anchor| format!("#{anchor}")).unwrap_or_default()
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> BTreeMap<String, Page> {
        let page = Page::read("# The rules\n<a id=\"known\"></a>");
        BTreeMap::from([("docs/spec/wire.md".to_owned(), page)])
    }

    #[test]
    fn a_citation_without_page_or_anchor_is_found() {
        let of = |text: &str| broken("a.rs", text, &pages()).len();
        let [docs, page] = ["docs", "spec/wire.md"];
        assert_eq!(of(&format!("/// See {docs}/{page}#known, {docs}/{page}.")), 0);
        assert_eq!(of(&format!("/// See {docs}/{page}#unknown.")), 1);
        assert_eq!(of(&format!("/// See {docs}/{page}#the-rules.")), 1);
        assert_eq!(of(&format!("/// See {docs}/nowhere.md.")), 1);
    }

    #[test]
    fn a_rule_without_its_anchor_is_found() {
        let of = |text: &str| old_forms("a.rs", &format!("//{text}")).len();
        assert_eq!(of(" the rule (quirk 9)"), 1);
        assert_eq!(of("/ Quirks 6 and 7."), 1);
        assert_eq!(of("! By mechanism.md."), 1);
        assert_eq!(of("! By `subtensor.md` and more."), 1);
        assert_eq!(of("/ Section 7.3."), 1);
        assert_eq!(of("/ RFC 9112, section 7.1."), 0);
        let wrapped =
            ["/ See RFC 9112,", "/ section 7.2."].map(|line| format!("//{line}")).join("\n");
        assert_eq!(old_forms("a.rs", &wrapped).len(), 0);
        assert_eq!(of("/ A quirky section of step one."), 0);
        assert_eq!(old_forms("a.rs", "let quirks = 9;").len(), 0);
        assert_eq!(old_forms("a.toml", "key = 1 # quirk 9").len(), 1);
    }
}
