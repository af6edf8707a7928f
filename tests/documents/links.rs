//! Relative links of pages: `[text](docs/peers.md#the-wire)`.

use std::collections::BTreeSet;

use crate::page::prose;
use crate::{Problem, Repository};

/// Links of a page whose file or anchor does not exist.
pub(crate) fn broken(path: &str, text: &str, repository: &Repository) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, line) in prose(text).enumerate() {
        for target in targets(line).filter(|target| is_relative(target)) {
            if let Some(why) = unresolved(path, target, repository) {
                problems.push(format!("{path}:{}: {target}: {why}", index + 1));
            }
        }
    }
    problems
}

/// Pages of `docs/` that no chain of links leads to from the first page.
pub(crate) fn unreached(repository: &Repository) -> Vec<Problem> {
    let mut reached = BTreeSet::new();
    let mut next = vec!["README.md".to_owned()];
    while let Some(path) = next.pop() {
        let Some(text) = repository.texts.get(&path).filter(|_| path.ends_with(".md")) else {
            continue;
        };
        let links = prose(text).flat_map(targets).filter(|target| is_relative(target));
        let files = links.filter_map(|target| target.split('#').next());
        next.extend(
            files.filter_map(|file| joined(&path, file)).filter(|file| !reached.contains(file)),
        );
        reached.insert(path);
    }
    let pages = repository.pages.keys().filter(|path| path.starts_with("docs/"));
    let lost = pages.filter(|path| !reached.contains(*path));
    lost.map(|path| format!("{path}: no link leads here from README.md")).collect()
}

fn unresolved(path: &str, target: &str, repository: &Repository) -> Option<&'static str> {
    let (file, anchor) = target.split_once('#').map_or((target, None), |(f, a)| (f, Some(a)));
    let Some(file) = (if file.is_empty() { Some(path.to_owned()) } else { joined(path, file) })
    else {
        return Some("leads out of the repository");
    };
    if !repository.root.join(&file).exists() {
        return Some("no such file");
    }
    let known = |anchor: &str| repository.pages.get(&file).is_some_and(|page| page.has(anchor));
    // An anchor into a source file is a line number, which no check can verify.
    anchor.filter(|anchor| !known(anchor)).map(|_| "the page has no such anchor")
}

/// The path from the root of what a page links to; `None` outside the repository.
fn joined(path: &str, target: &str) -> Option<String> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn is_relative(target: &str) -> bool {
    !target.contains("://") && !target.starts_with("mailto:")
}

/// The contents of the round brackets of each link in a line, outside code.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    // Every second piece between backticks is code, but a link's text may hold code too.
    let links = line
        .match_indices("](")
        .filter(|(at, _)| line[..*at].matches('`').count().is_multiple_of(2));
    links.filter_map(|(at, mark)| line[at + mark.len()..].split(')').next())
}

#[test]
fn links_are_read_and_joined_to_their_page() {
    let line = "See [`a`](b.md#c), `[no](link)` and [far](https://example.org/x).";
    let found: Vec<_> = targets(line).filter(|target| is_relative(target)).collect();
    assert_eq!(found, ["b.md#c"]);
    assert_eq!(joined("docs/spec/wire.md", "../peers.md").as_deref(), Some("docs/peers.md"));
    assert_eq!(joined("README.md", "../secret"), None);
}

#[test]
fn a_link_without_file_or_anchor_is_found() {
    let repository = Repository::read();
    let of = |text: &str| broken("docs/peers.md", text, &repository).len();
    assert_eq!(of("[a](spec/wire.md#nonce) [b](#the-wire) [c](../README.md)"), 0);
    assert_eq!(of("[a](spec/wire.md#nonsense)"), 1);
    assert_eq!(of("[a](spec/nowhere.md)"), 1);
    assert_eq!(of("[a](../../outside.md)"), 1);
}
