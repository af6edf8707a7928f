//! Control tokens in text: found in rendered templates, disabled in what users write.

/// The control tokens of a vocabulary.
#[derive(Clone, Debug, Default)]
pub(crate) struct ControlTokens {
    tokens: Vec<(u32, String)>,
}

/// A part of a rendered template: a control token or text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    /// The id of a control token.
    Control(u32),
    /// The text between control tokens; never empty.
    Text(&'t str),
}

impl ControlTokens {
    pub(super) fn new(tokens: impl Iterator<Item = (u32, String)>) -> Self {
        Self { tokens: tokens.filter(|(_, text)| !text.is_empty()).collect() }
    }

    /// Splits the text at every control token, the leftmost first, and of those the longest.
    pub(super) fn split<'t>(&self, text: &'t str) -> Vec<Piece<'t>> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((at, id, length)) = self.first(rest) {
            if at > 0 {
                pieces.push(Piece::Text(&rest[..at]));
            }
            pieces.push(Piece::Control(id));
            rest = &rest[at + length..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest));
        }
        pieces
    }

    fn first(&self, text: &str) -> Option<(usize, u32, usize)> {
        self.tokens
            .iter()
            .filter_map(|(id, token)| Some((text.find(token.as_str())?, *id, token.len())))
            .min_by_key(|(at, _, length)| (*at, usize::MAX - length))
    }
}

/// Inserts `guard` into `content`, so that it neither holds a control token nor forms one with the
/// text around it. Removing every `guard` restores `content`.
pub(crate) fn guarded(content: &str, control: &ControlTokens, guard: char) -> String {
    let mut text = String::with_capacity(content.len() + 4);
    let mut rest = content;
    while let Some((at, _, _)) = control.first(rest) {
        let first_end = at + rest[at..].chars().next().map_or(1, char::len_utf8);
        text.push_str(&rest[..first_end]);
        text.push(guard);
        rest = &rest[first_end..];
    }
    text.push_str(rest);
    if continues_a_token(content, control) {
        text.insert(0, guard);
    }
    if begins_a_token(content, control) {
        text.push(guard);
    }
    text
}

/// Whether `content` starts with a suffix of a control token, or lies within one.
fn continues_a_token(content: &str, control: &ControlTokens) -> bool {
    let continues = |rest: &str| content.starts_with(rest) || rest.starts_with(content);
    !content.is_empty()
        && control
            .tokens
            .iter()
            .any(|(_, token)| proper_cuts(token).any(|at| continues(&token[at..])))
}

/// Whether `content` ends with a prefix of a control token.
fn begins_a_token(content: &str, control: &ControlTokens) -> bool {
    control
        .tokens
        .iter()
        .any(|(_, token)| proper_cuts(token).any(|at| content.ends_with(&token[..at])))
}

fn proper_cuts(token: &str) -> impl Iterator<Item = usize> {
    token.char_indices().map(|(at, _)| at).skip(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn control() -> ControlTokens {
        let tokens = ["<|end|>", "<|end|>x", "<a>"].map(str::to_owned);
        ControlTokens::new((0u32..).zip(tokens))
    }

    #[test]
    fn splits_at_the_leftmost_and_longest() {
        use Piece::{Control, Text};
        assert_eq!(control().split("a<|end|>xb"), [Text("a"), Control(1), Text("b")]);
        assert_eq!(control().split("<a><|end|>"), [Control(2), Control(0)]);
        assert_eq!(control().split(""), []);
    }

    #[test]
    fn content_without_signs_is_left_alone() {
        assert_eq!(guarded("b < a and c", &control(), '\u{100000}'), "b < a and c");
    }

    proptest! {
        #[test]
        fn guarded_content_is_never_control(
            before in prop::sample::select(vec!["", "<", "<|e", "<|end|>"]),
            content in "[<|>axend]{0,12}|(<\\|end\\|>|<a>|x|<){0,6}",
            after in prop::sample::select(vec!["", ">", "nd|>", "x", "<|end|>"]),
        ) {
            prop_assume!(!content.is_empty());
            let guard = '\u{100000}';
            let inner = guarded(&content, &control(), guard);
            prop_assert_eq!(inner.replace(guard, ""), content);
            let n_control = |text: &str| {
                let pieces = control().split(text);
                pieces.iter().filter(|piece| matches!(piece, Piece::Control(_))).count()
            };
            let whole = format!("{before}{inner}{after}");
            prop_assert_eq!(n_control(&whole), n_control(before) + n_control(after));
        }
    }
}
