//! Python's `repr` of strings and of lists of strings: the text that the body hash covers
//! (synapse-wire.md section 2).
//!
//! The table of escaped code points is that of Unicode 14.0.0 (Python 3.11). Peers on another
//! Python disagree only about characters that one side does not know yet. A lone surrogate cannot
//! occur here, because a Rust string holds none: bodies with one are refused where they are parsed.

mod table;

/// The Unicode version whose general categories decide what is escaped.
pub const UNICODE_VERSION: &str = table::UNICODE_VERSION;

/// Whether Python writes this code point as an escape. Quotes and the backslash are not meant:
/// they depend on the string around them.
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

/// Single quotes, unless only they occur in the text.
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
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::testing::vector_json;

    #[test]
    fn every_code_point_is_escaped_as_python_does() {
        let file: Value = vector_json("protocol/vectors/python-escaped-codepoints.json");
        let ranges = file["tables"][UNICODE_VERSION]["escaped_ranges"].as_array().unwrap();
        assert!(!ranges.is_empty());
        let mut expected = vec![false; 0x11_0000];
        for range in ranges {
            let bound = |idx: usize| usize::try_from(range[idx].as_u64().unwrap()).unwrap();
            expected[bound(0)..=bound(1)].fill(true);
        }
        for (code_point, expected) in (0..).zip(expected) {
            assert_eq!(is_escaped(code_point), expected, "U+{code_point:04X}");
        }
    }

    #[test]
    fn flips_rise() {
        assert!(table::FLIPS.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn quotes_follow_the_text() {
        for (text, expected) in [
            ("", "''"),
            ("plain", "'plain'"),
            ("it's", "\"it's\""),
            ("say \"hi\"", "'say \"hi\"'"),
            ("it's \"hi\"", "'it\\'s \"hi\"'"),
            ("a\\b\t\n\r\0\x7f", "'a\\\\b\\t\\n\\r\\x00\\x7f'"),
            ("\u{a0}\u{200d}\u{e000}\u{10ffff}é😀", "'\\xa0\\u200d\\ue000\\U0010ffffé😀'"),
        ] {
            assert_eq!(str_repr(text), expected);
        }
        assert_eq!(list_repr::<&str>(&[]), "[]");
        assert_eq!(list_repr(&["a", "it's"]), "['a', \"it's\"]");
    }

    proptest! {
        #[test]
        fn repr_is_printable_and_keeps_its_length_or_grows(text in any::<String>()) {
            let repr = str_repr(&text);
            prop_assert!(repr.chars().all(|c| !is_escaped(u32::from(c))));
            prop_assert!(repr.chars().count() >= text.chars().count() + 2);
        }
    }
}
