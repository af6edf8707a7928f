//! A page of Markdown: its anchors, and its text without code.

use std::collections::BTreeSet;

/// The anchors of a page.
#[derive(Default)]
pub(crate) struct Page {
    /// Explicit anchors in the order of the page: `<a id="nonce-window"></a>`.
    explicit: Vec<String>,
    /// Anchors that a Markdown renderer makes from the headings.
    headings: BTreeSet<String>,
}

impl Page {
    pub(crate) fn read(text: &str) -> Self {
        let mut page = Self::default();
        for line in prose(text) {
            let ids = line.split("<a id=\"").skip(1).filter_map(|rest| rest.split('"').next());
            page.explicit.extend(ids.map(str::to_owned));
            let heading = line.trim_start_matches('#');
            if heading.len() < line.len() && heading.starts_with(' ') {
                page.headings.insert(slug(heading));
            }
        }
        page
    }

    pub(crate) fn has_explicit(&self, anchor: &str) -> bool {
        self.explicit.iter().any(|known| known == anchor)
    }

    pub(crate) fn has(&self, anchor: &str) -> bool {
        self.has_explicit(anchor) || self.headings.contains(anchor)
    }

    /// Anchors that occur more than once.
    pub(crate) fn repeated(&self) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        self.explicit.iter().filter(|anchor| !seen.insert(*anchor)).cloned().collect()
    }
}

/// The lines outside fenced code; lines inside are empty, so that line numbers hold.
pub(crate) fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().map(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        if fenced || fence { "" } else { line }
    })
}

/// A heading's anchor, as GitHub makes it.
fn slug(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
    let dashed = |c: char| if c == ' ' { '-' } else { c };
    heading.trim().to_lowercase().chars().filter(kept).map(dashed).collect()
}

#[test]
fn a_heading_has_the_anchor_that_readers_of_markdown_give_it() {
    let page = Page::read("# The `sn1 wallet` page\n```\n# no heading\n```\n");
    assert!(page.has("the-sn1-wallet-page"));
    assert!(!page.has("no-heading"));
    assert!(!page.has_explicit("the-sn1-wallet-page"));
}

#[test]
fn an_anchor_that_stands_twice_is_found() {
    let page = Page::read("<a id=\"once\"></a>\n<a id=\"twice\"></a><a id=\"twice\"></a>");
    assert_eq!(page.repeated(), BTreeSet::from(["twice".to_owned()]));
}
