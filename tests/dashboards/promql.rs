//! Which series a PromQL expression asks for, and how. Does not know which series exist.

/// The aggregations that drop labels; topk and bottomk keep them.
const AGGREGATIONS: [&str; 8] =
    ["sum", "avg", "min", "max", "count", "group", "quantile", "stddev"];

/// One series in an expression.
#[derive(Debug, Default)]
pub(crate) struct Use {
    /// Its name; empty for a selector without one.
    pub(crate) series: String,
    /// Label, operator and value of each matcher.
    pub(crate) matchers: Vec<(String, String, String)>,
    /// The calls around it, outermost first; an empty name is a plain parenthesis.
    pub(crate) calls: Vec<String>,
    /// Labels of every grouping (`by`) around it.
    pub(crate) groupings: Vec<String>,
}

impl Use {
    /// Whether labels that no grouping names are lost.
    pub(crate) fn is_aggregated(&self) -> bool {
        self.calls.iter().any(|call| AGGREGATIONS.contains(&call.as_str()))
    }

    /// Whether a grouping names this label.
    pub(crate) fn is_grouped_by(&self, label: &str) -> bool {
        self.groupings.iter().any(|kept| kept == label)
    }
}

/// What an expression asks for.
#[derive(Debug, Default)]
pub(crate) struct Expr {
    /// The series whose names begin with the prefix, and nameless selectors.
    pub(crate) uses: Vec<Use>,
    /// Labels that binary operators match on (`on`, `ignoring`, `group_left`, `group_right`).
    pub(crate) matched_on: Vec<String>,
    /// Whether a grouping says what it drops instead of what it keeps.
    pub(crate) has_without: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    /// A name or keyword.
    Word(&'a str),
    /// A quoted text, without its quotes.
    Text(&'a str),
    /// Any other character that is not a blank or part of a comment or number.
    Sign(char),
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '$')
}

fn tokens(mut rest: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' | '\'' | '`' => {
                let text = quoted(&rest[1..], first);
                tokens.push(Token::Text(text));
                (text.len() + 2).min(rest.len())
            }
            // Numbers and durations: 0.95, 5m, 1e3.
            '0'..='9' => rest.find(|c| !is_word(c) && c != '.').unwrap_or(rest.len()),
            // A range, with its resolution: [5m:1m], [$__rate_interval].
            '[' => rest.find(']').map_or(rest.len(), |at| at + 1),
            _ if is_word(first) => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                tokens.push(Token::Word(&rest[..length]));
                length
            }
            _ if first.is_whitespace() => first.len_utf8(),
            _ => {
                tokens.push(Token::Sign(first));
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    tokens
}

/// The text up to the closing quote; a backslash escapes the next character.
fn quoted(rest: &str, quote: char) -> &str {
    let mut is_escaped = false;
    let end = rest.find(|c| {
        let ends = c == quote && !is_escaped;
        is_escaped = c == '\\' && !is_escaped && quote != '`';
        ends
    });
    &rest[..end.unwrap_or(rest.len())]
}

/// An open parenthesis.
struct Call {
    name: String,
    groupings: Vec<String>,
    first_use: usize,
}

struct Scanner<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    open: Vec<Call>,
    expr: Expr,
}

/// Reads an expression; series whose names do not begin with `prefix` are skipped.
pub(crate) fn read(text: &str, prefix: &str) -> Expr {
    let mut scanner =
        Scanner { tokens: tokens(text), at: 0, open: Vec::new(), expr: Expr::default() };
    scanner.run(prefix);
    scanner.expr
}

impl<'a> Scanner<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        let token = self.tokens.get(self.at).copied();
        self.at += 1;
        token
    }

    fn peek_is(&self, sign: char) -> bool {
        self.tokens.get(self.at) == Some(&Token::Sign(sign))
    }

    fn run(&mut self, prefix: &str) {
        let (mut callee, mut groupings, mut closed) = ("", Vec::new(), None);
        while let Some(token) = self.next() {
            let is_listed = self.peek_is('(');
            let after = closed.take();
            match token {
                Token::Word(word @ ("by" | "without")) if is_listed => {
                    self.expr.has_without |= word == "without";
                    let labels = self.names();
                    match after {
                        // sum(…) by (…): the labels belong to what was just closed.
                        Some(first_use) => self.group(first_use, &labels),
                        None => groupings = labels,
                    }
                    continue;
                }
                Token::Word("on" | "ignoring" | "group_left" | "group_right") if is_listed => {
                    let labels = self.names();
                    self.expr.matched_on.extend(labels);
                    callee = "";
                }
                Token::Word(name) if name.starts_with(prefix) => {
                    self.series(name);
                    callee = "";
                }
                // A foreign series, whose matchers are not checked.
                Token::Word(_) if self.peek_is('{') => drop(self.matchers()),
                Token::Word(name) => callee = name,
                Token::Sign('{') => {
                    self.at -= 1;
                    self.series("");
                }
                Token::Sign('(') => {
                    let first_use = self.expr.uses.len();
                    let groupings = std::mem::take(&mut groupings);
                    self.open.push(Call { name: callee.to_owned(), groupings, first_use });
                    callee = "";
                }
                Token::Sign(')') => {
                    closed = self.open.pop().map(|call| {
                        self.group(call.first_use, &call.groupings);
                        call.first_use
                    });
                }
                Token::Sign(_) | Token::Text(_) => callee = "",
            }
        }
    }

    fn group(&mut self, first_use: usize, labels: &[String]) {
        for known in self.expr.uses.iter_mut().skip(first_use) {
            known.groupings.extend_from_slice(labels);
        }
    }

    /// The list of labels in parentheses that comes next.
    fn names(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        while let Some(token) = self.next() {
            match token {
                Token::Word(name) => names.push(name.to_owned()),
                Token::Sign(')') => break,
                Token::Sign(_) | Token::Text(_) => {}
            }
        }
        names
    }

    fn series(&mut self, name: &str) {
        let calls = self.open.iter().map(|call| call.name.clone()).collect();
        let matchers = self.matchers();
        let series = name.to_owned();
        self.expr.uses.push(Use { series, matchers, calls, groupings: Vec::new() });
    }

    /// Matchers in braces, if they come next.
    fn matchers(&mut self) -> Vec<(String, String, String)> {
        let mut matchers: Vec<(String, String, String)> = Vec::new();
        if !self.peek_is('{') {
            return matchers;
        }
        while let Some(token) = self.next() {
            match (token, matchers.last_mut()) {
                (Token::Sign('}'), _) => break,
                (Token::Word(label), _) => {
                    matchers.push((label.to_owned(), String::new(), String::new()));
                }
                (Token::Sign(sign @ ('=' | '~' | '!')), Some((_, operator, _))) => {
                    operator.push(sign);
                }
                (Token::Text(text), Some((_, _, value))) => *value = text.to_owned(),
                _ => {}
            }
        }
        matchers
    }
}
