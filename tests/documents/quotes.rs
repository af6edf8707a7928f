//! Checks the code that a page shows: what it quotes must be in the file that it names.
//!
//! A line `<!-- file: PATH -->` before a block says that the block is the whole file; a line
//! `<!-- diff: PATH -->` says that it is a change, whose context must be in the file.

use std::collections::BTreeMap;

use crate::Problem;

/// A block of code, and what the page says about it.
struct Quote<'a> {
    line: usize,
    whole: bool,
    path: &'a str,
    code: String,
}

/// Quotes of a page that differ from their files.
pub(crate) fn broken(page: &str, text: &str, texts: &BTreeMap<String, String>) -> Vec<Problem> {
    let wrong = |quote: Quote<'_>| {
        let why = differs(&quote, texts)?;
        Some(format!("{page}:{}: {}: {why}", quote.line, quote.path))
    };
    quotes(text).into_iter().filter_map(wrong).collect()
}

fn differs(quote: &Quote<'_>, texts: &BTreeMap<String, String>) -> Option<&'static str> {
    let Some(file) = texts.get(quote.path) else { return Some("no such file") };
    if quote.whole {
        return (file.trim_end() != quote.code.trim_end())
            .then_some("the file differs from the quote");
    }
    // Lines that the change keeps or removes are in the file; those that it adds are not.
    let kept = quote.code.lines().filter(|line| !line.starts_with('+'));
    let kept: Vec<_> = kept.map(|line| line.get(1..).unwrap_or_default()).collect();
    let there =
        !kept.is_empty() && format!("\n{file}").contains(&format!("\n{}\n", kept.join("\n")));
    (!there).then_some("the lines around the change are not in the file")
}

fn quotes(text: &str) -> Vec<Quote<'_>> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let mark = |kind| line.strip_prefix(kind)?.strip_suffix(" -->");
        let Some((whole, path)) = mark("<!-- file: ")
            .map(|path| (true, path))
            .or_else(|| mark("<!-- diff: ").map(|path| (false, path)))
        else {
            continue;
        };
        let block =
            lines.by_ref().map(|(_, line)| line).skip_while(|line| !line.starts_with("```"));
        let code = block.skip(1).take_while(|line| !line.starts_with("```"));
        let code = code.map(|line| format!("{line}\n")).collect();
        found.push(Quote { line: index + 1, whole, path, code });
    }
    found
}

#[test]
fn a_quote_that_differs_from_its_file_is_found() {
    let text = "one\ntwo\nthree\n".to_owned();
    let texts = BTreeMap::from([("a.rs".to_owned(), text)]);
    let of = |mark: &str, code: &str| {
        let page = format!("<!-- {mark}: a.rs -->\n\n```rust\n{code}\n```\n");
        broken("page.md", &page, &texts).len()
    };
    assert_eq!(of("file", "one\ntwo\nthree"), 0);
    assert_eq!(of("file", "one\ntwo"), 1);
    assert_eq!(of("diff", " one\n+and a half\n two"), 0);
    assert_eq!(of("diff", " one\n+and a half\n three"), 1);
    assert_eq!(of("diff", "+nothing around it"), 1);
    assert_eq!(broken("page.md", "<!-- file: b.rs -->\n```\n```", &texts).len(), 1);
}
