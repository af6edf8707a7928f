//! Python's `repr` of strings and of lists of strings: the text that the body hash covers
//! (docs/spec/wire.md#body-hash).
//!
//! The table of escaped code points is that of Unicode 14.0.0 (Python 3.11). Peers on another
//! Python disagree only about characters that one side does not know yet. A lone surrogate cannot
//! occur here, because a Rust string cannot hold one: the body parser refuses such bodies.

mod table;

/// The Unicode version whose general categories decide which characters are escaped.
pub const UNICODE_VERSION: &str = table::UNICODE_VERSION;

/// Whether Python writes this code point as an escape. Quotes and the backslash are excluded: they
/// depend on the string around them.
pub fn is_escaped(code_point: u32) -> bool {
    table::FLIPS.partition_point(|&flip| flip <= code_point) % 2 == 1
}

/// `str(messages)` in Python: `['a', "it's"]`.
///
/// ```text
/// [] -> []        ["a", "it's"] -> ['a', "it's"]
/// ```
pub fn list_repr<S: AsRef<str>>(items: &[S]) -> String {
    let n_bytes = items.iter().map(|item| item.as_ref().len() + 4).sum::<usize>();
    let mut out = String::with_capacity(n_bytes + 2);
    out.push('[');
    for (item_idx, item) in items.iter().enumerate() {
        if item_idx > 0 {
            out.push_str(", ");
        }
        push_repr(&mut out, item.as_ref());
    }
    out.push(']');
    out
}

/// `repr(text)` in Python, quotes included.
pub fn str_repr(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_repr(&mut out, text);
    out
}

fn push_repr(out: &mut String, text: &str) {
    let quote = quote_for(text);
    out.push(quote);
    for c in text.chars() {
        push_char(out, c, quote);
    }
    out.push(quote);
}

/// The quote character that Python chooses: single, unless the text holds single quotes and no
/// double ones.
fn quote_for(text: &str) -> char {
    if text.contains('\'') && !text.contains('"') { '"' } else { '\'' }
}

fn push_char(out: &mut String, c: char, quote: char) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        ' '..='~' if c != quote => out.push(c),
        _ if c == quote => out.extend(['\\', c]),
        _ if is_escaped(u32::from(c)) => push_escape(out, u32::from(c)),
        _ => out.push(c),
    }
}

fn push_escape(out: &mut String, code_point: u32) {
    out.push_str(&match code_point {
        0..=0xff => format!("\\x{code_point:02x}"),
        0x100..=0xffff => format!("\\u{code_point:04x}"),
        _ => format!("\\U{code_point:08x}"),
    });
}

#[cfg(test)]
mod tests;
