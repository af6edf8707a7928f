//! Parses an article's file. Owns the rules of the format and refuses everything outside them,
//! naming the line, since a silently dropped heading would change what can be drawn.

use super::article::{Article, Section};

const FENCE: &str = "---";

impl Article {
    /// Parses an article's file, whose name without `.md` is `stem`.
    ///
    /// # Errors
    /// [`ArticleError`] with the first line that breaks the format.
    pub fn parse(stem: &str, text: &str) -> Result<Self, ArticleError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = Lines::new(text);
        let front = FrontMatter::read(&mut lines)?;
        let body = Body::read(&mut lines)?;
        Ok(Self {
            title: front.title,
            url: format!("corpus:{stem}"),
            categories: front.categories,
            links: front.links,
            summary: body.summary,
            sections: body.sections,
        })
    }
}

/// Where and how a text breaks the article format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct ArticleError {
    /// Number of the line, counted from 1; one past the end if something is missing there.
    pub line: usize,
    /// What is wrong with the line.
    pub problem: ArticleProblem,
}

/// What is wrong with a line of an article.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArticleProblem {
    /// The file does not begin with front matter.
    #[error("expected `---`, which opens the front matter")]
    NoFrontMatter,
    /// The front matter is not closed.
    #[error("expected `---`, which closes the front matter")]
    OpenFrontMatter,
    /// A line of the front matter has no colon.
    #[error("expected `key: value` in the front matter")]
    NoKey,
    /// A key is none of those that articles have.
    #[error("unknown key `{0}`; use title, categories or links")]
    UnknownKey(String),
    /// A key appears twice.
    #[error("the key `{0}` is given twice")]
    RepeatedKey(String),
    /// The title is missing or empty.
    #[error("the front matter has no title")]
    NoTitle,
    /// There is no introduction before the first heading.
    #[error("expected an introduction before the first heading")]
    NoSummary,
    /// A heading mark has no text after it.
    #[error("expected words after the heading mark")]
    EmptyHeading,
    /// A heading has other than two or three marks, or no space after them.
    #[error("headings are `## heading` or `### sub-heading`")]
    HeadingMark,
    /// A sub-heading appears before any heading.
    #[error("a sub-heading needs a `## heading` above it")]
    OrphanSubHeading,
}

impl ArticleProblem {
    fn at(self, line: usize) -> ArticleError {
        ArticleError { line, problem: self }
    }
}

/// Trimmed lines, counted from 1.
struct Lines<'a> {
    lines: std::str::Lines<'a>,
    n_read: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        Self { lines: text.lines(), n_read: 0 }
    }

    /// The number that the next line has or would have.
    fn upcoming(&self) -> usize {
        self.n_read + 1
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (usize, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.lines.next()?;
        self.n_read += 1;
        Some((self.n_read, line.trim()))
    }
}

#[derive(Default)]
struct FrontMatter {
    title: String,
    categories: Vec<String>,
    links: Vec<String>,
}

impl FrontMatter {
    fn read(lines: &mut Lines<'_>) -> Result<Self, ArticleError> {
        if !matches!(lines.next(), Some((_, FENCE))) {
            return Err(ArticleProblem::NoFrontMatter.at(1));
        }
        let mut front = Self::default();
        let mut seen = Vec::new();
        loop {
            let line = lines.upcoming();
            match lines.next() {
                None => return Err(ArticleProblem::OpenFrontMatter.at(line)),
                Some((_, FENCE)) if front.title.is_empty() => {
                    return Err(ArticleProblem::NoTitle.at(line));
                }
                Some((_, FENCE)) => return Ok(front),
                Some((_, "")) => {}
                Some((_, text)) => {
                    let key = front.set(text).map_err(|problem| problem.at(line))?;
                    if seen.contains(&key) {
                        return Err(ArticleProblem::RepeatedKey(key.to_owned()).at(line));
                    }
                    seen.push(key);
                }
            }
        }
    }

    /// Stores one `key: value` line and returns its key.
    fn set<'a>(&mut self, text: &'a str) -> Result<&'a str, ArticleProblem> {
        let (key, value) = text.split_once(':').ok_or(ArticleProblem::NoKey)?;
        let key = key.trim();
        match key {
            "title" => self.title = value.trim().to_owned(),
            "categories" => self.categories = items(value),
            "links" => self.links = items(value),
            _ => return Err(ArticleProblem::UnknownKey(key.to_owned())),
        }
        Ok(key)
    }
}

/// The non-empty items of a list separated by semicolons.
fn items(list: &str) -> Vec<String> {
    list.split(';').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

#[derive(Default)]
struct Body {
    summary: String,
    sections: Vec<Section>,
    /// The `##` heading that the following `###` headings belong to.
    top: Option<String>,
}

impl Body {
    fn read(lines: &mut Lines<'_>) -> Result<Self, ArticleError> {
        let mut body = Self::default();
        let mut paragraph_open = false;
        let mut last = lines.upcoming();
        for (line, text) in lines {
            last = line + 1;
            if text.starts_with('#') {
                if body.summary.is_empty() {
                    return Err(ArticleProblem::NoSummary.at(line));
                }
                body.open(text).map_err(|problem| problem.at(line))?;
                paragraph_open = false;
            } else if text.is_empty() {
                paragraph_open = false;
            } else {
                body.append(text, paragraph_open);
                paragraph_open = true;
            }
        }
        if body.summary.is_empty() {
            return Err(ArticleProblem::NoSummary.at(last));
        }
        Ok(body)
    }

    /// Starts the section of a heading line.
    fn open(&mut self, text: &str) -> Result<(), ArticleProblem> {
        let heading = text.trim_start_matches('#');
        let depth = text.len() - heading.len();
        if heading.is_empty() {
            return Err(ArticleProblem::EmptyHeading);
        }
        if !(2..=3).contains(&depth) || !heading.starts_with(char::is_whitespace) {
            return Err(ArticleProblem::HeadingMark);
        }
        let heading = heading.trim().to_owned();
        let parent = match (depth, &self.top) {
            (2, _) => {
                self.top = Some(heading.clone());
                None
            }
            (_, None) => return Err(ArticleProblem::OrphanSubHeading),
            (_, Some(top)) => Some(top.clone()),
        };
        self.sections.push(Section { heading, parent, text: String::new() });
        Ok(())
    }

    /// Appends a line of text to the open paragraph, or as a new paragraph.
    fn append(&mut self, line: &str, paragraph_open: bool) {
        let text = match self.sections.last_mut() {
            Some(section) => &mut section.text,
            None => &mut self.summary,
        };
        if paragraph_open {
            text.push(' ');
        } else if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(line);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WHOLE: &str = "\u{feff}---\r
title: Honey bee: a social insect\r
categories: Insects; ; Beekeeping;\r
\r
links: Pollination;Beeswax\r
---\r
\r
First line\r
and its end.\r
\r
Second paragraph.\r
## Colony\r
### Queen\r
  One  queen.  \r
## Notes\r
Text.\r
\r
\r
More.\r
";

    #[test]
    fn a_whole_article_is_read() {
        let article = Article::parse("honey_bee", WHOLE).unwrap();
        assert_eq!(article.title, "Honey bee: a social insect");
        assert_eq!(article.url, "corpus:honey_bee");
        assert_eq!(article.categories, ["Insects", "Beekeeping"]);
        assert_eq!(article.links, ["Pollination", "Beeswax"]);
        assert_eq!(article.summary, "First line and its end.\n\nSecond paragraph.");
        let section = |heading: &str, parent: Option<&str>, text: &str| Section {
            heading: heading.to_owned(),
            parent: parent.map(str::to_owned),
            text: text.to_owned(),
        };
        let want = [
            section("Colony", None, ""),
            section("Queen", Some("Colony"), "One  queen."),
            section("Notes", None, "Text.\n\nMore."),
        ];
        assert_eq!(article.sections, want);
        assert_eq!(article.n_words(), 4);
    }

    #[track_caller]
    fn check(text: &str, line: usize, problem: ArticleProblem) {
        assert_eq!(Article::parse("x", text), Err(problem.at(line)));
    }

    #[test]
    fn each_fault_is_named_with_its_line() {
        let key = |key: &str| key.to_owned();
        check("", 1, ArticleProblem::NoFrontMatter);
        check("title: A\n", 1, ArticleProblem::NoFrontMatter);
        check("---\ntitle: A\n", 3, ArticleProblem::OpenFrontMatter);
        check("---\ntitle\n---\n", 2, ArticleProblem::NoKey);
        check("---\nauthor: A\n---\n", 2, ArticleProblem::UnknownKey(key("author")));
        check("---\ntitle: A\ntitle: B\n---\n", 3, ArticleProblem::RepeatedKey(key("title")));
        check("---\nlinks: A\n---\nText.\n", 3, ArticleProblem::NoTitle);
        check("---\ntitle: A\n---\n\n", 5, ArticleProblem::NoSummary);
        check("---\ntitle: A\n---\n## B\n", 4, ArticleProblem::NoSummary);
        let faulty = |line: &str| format!("---\ntitle: A\n---\nText.\n{line}\n");
        check(&faulty("##"), 5, ArticleProblem::EmptyHeading);
        check(&faulty("# B"), 5, ArticleProblem::HeadingMark);
        check(&faulty("#### B"), 5, ArticleProblem::HeadingMark);
        check(&faulty("##B"), 5, ArticleProblem::HeadingMark);
        check(&faulty("### B"), 5, ArticleProblem::OrphanSubHeading);
    }

    #[test]
    fn a_sub_section_goes_by_both_headings() {
        let text = "---\ntitle: A\n---\nText.\n## See also\n### List\na b\n## History\na b\n### Early\nc d\n### References\ne f\n";
        let article = Article::parse("a", text).unwrap();
        let usable: Vec<&str> =
            article.usable_sections(2).map(|section| section.heading.as_str()).collect();
        assert_eq!(usable, ["History", "Early"]);
        let early = article.usable_sections(2).nth(1).unwrap();
        let context = article.context(early);
        assert_eq!((&*context.topic, &*context.subtopic), ("History", "Early"));
        assert_eq!(context.internal_links, ["List", "History", "Early"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_at_one_of_its_lines(text in any::<String>()) {
            if let Err(error) = Article::parse("x", &text) {
                prop_assert!((1..=text.lines().count() + 1).contains(&error.line));
            }
        }

        #[test]
        fn any_lines_of_the_format_are_read_or_refused(
            lines in proptest::collection::vec(
                prop_oneof![
                    Just("---"), Just(""), Just("title: A"), Just("links: B; C"), Just("## D"),
                    Just("### E"), Just("#"), Just("##\u{a0}F"), Just("word word"), Just("a: b"),
                ],
                0..20,
            ),
        ) {
            match Article::parse("x", &lines.join("\n")) {
                Ok(article) => {
                    prop_assert!(!article.title.is_empty() && !article.summary.is_empty());
                    prop_assert!(article.sections.iter().all(|section| !section.heading.is_empty()));
                }
                Err(error) => prop_assert!((1..=lines.len() + 1).contains(&error.line)),
            }
        }

        #[test]
        fn what_is_written_is_read_back(
            title in "[A-Za-z][A-Za-z :]{0,20}[a-z]",
            headings in proptest::collection::vec("[A-Z][a-z]{1,8}", 0..5),
            words in "[a-z]{1,9}( [a-z]{1,9}){0,30}",
        ) {
            let body: String = headings.iter().map(|h| format!("## {h}\n{words}\n")).collect();
            let text = format!("---\ntitle: {title}\n---\n{words}\n{body}");
            let article = Article::parse("x", &text).unwrap();
            prop_assert_eq!(&article.title, &title);
            prop_assert_eq!(&article.summary, &words);
            prop_assert_eq!(article.sections.len(), headings.len());
            for (section, heading) in article.sections.iter().zip(&headings) {
                prop_assert_eq!(&section.heading, heading);
                prop_assert_eq!(&section.text, &words);
            }
        }
    }
}
