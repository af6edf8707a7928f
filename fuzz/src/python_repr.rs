//! Python's text of a list of strings, and the hash of a body over it.
//!
//! Input: one byte of flags, then the strings, apart by bytes 0xFF (which UTF-8 never has). With
//! [`AS_JSON`] each is the inside of a JSON string, so that escapes and surrogates come up.

use std::sync::LazyLock;

use serde_json::Value;
use sha3::{Digest, Sha3_256};
use sn1::synapse::body::{
    BodyError, BodyRules, ContentType, HashedFields, body_hash, field_hash, parse_prompt,
};
use sn1::synapse::repr::{UNICODE_VERSION, list_repr, str_repr};

const AS_JSON: u8 = 1;

const RULES: BodyRules<'_> =
    BodyRules { content_type: ContentType::Optional, hashed: HashedFields::Own, header_hash: None };

/// Panics when the core's text or hash of these strings is not Python's.
pub fn check(input: &[u8]) {
    let Some((&flags, rest)) = input.split_first() else { return };
    let pieces = rest.split(|&byte| byte == 0xff).map(String::from_utf8_lossy);
    let strings: Vec<String> = if flags & AS_JSON == 0 {
        pieces.map(|piece| piece.into_owned()).collect()
    } else {
        let literals: Vec<String> = pieces.map(|piece| format!("\"{piece}\"")).collect();
        check_json(&literals);
        literals.iter().filter_map(|text| serde_json::from_str(text).ok()).collect()
    };
    check_texts(&strings);
    check_hash(&strings);
    check_body(&strings);
}

/// A body with these string literals reads as `serde_json` reads each of them, or not at all.
fn check_json(literals: &[String]) {
    let strings: Option<Vec<String>> =
        literals.iter().map(|text| serde_json::from_str(text).ok()).collect();
    let body = format!("{{\"roles\": [], \"messages\": [{}]}}", literals.join(", "));
    match (parse_prompt(body.as_bytes(), None, &RULES), strings) {
        (Err(BodyError::HashMismatch { parsed, .. }), Some(strings)) => {
            assert_eq!(parsed, body_hash(&strings));
        }
        // The literals may only make sense together, or be other members: the body decides.
        (Err(_), None) => {}
        (read, strings) => panic!("{read:?} of {strings:?}"),
    }
}

fn check_texts(strings: &[String]) {
    let list = list_repr(strings);
    let mut rest = list.strip_prefix('[').expect("a list opens");
    for (idx, string) in strings.iter().enumerate() {
        let text = str_repr(string);
        check_text(string, &text);
        rest = if idx == 0 { rest } else { rest.strip_prefix(", ").expect("a comma") };
        rest = rest.strip_prefix(&*text).expect("each item is the text of its string");
    }
    assert_eq!(rest, "]");
}

fn check_text(string: &str, text: &str) {
    let double = string.contains('\'') && !string.contains('"');
    let quote = if double { '"' } else { '\'' };
    let inside = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    let inside = inside.unwrap_or_else(|| panic!("{text:?} is not in {quote}"));
    let unprintable = text.chars().find(|&c| !is_printable(c));
    assert_eq!(unprintable, None, "{text:?}");
    assert_eq!(unescape(inside, quote), string);
}

/// What Python reads the inside of a string literal as; panics on an escape that its repr would
/// not write, such as one for a character that can be printed.
fn unescape(inside: &str, quote: char) -> String {
    let mut out = String::new();
    let mut rest = inside.chars();
    while let Some(c) = rest.next() {
        assert_ne!(c, quote, "a bare quote in {inside:?}");
        if c != '\\' {
            out.push(c);
            continue;
        }
        let escape = rest.next().expect("something behind a backslash");
        let n_digits = match escape {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => {
                out.push(short_escape(escape, quote));
                continue;
            }
        };
        let digits: String = rest.by_ref().take(n_digits).collect();
        out.push(numbered(&digits));
    }
    out
}

fn short_escape(escape: char, quote: char) -> char {
    match escape {
        't' => '\t',
        'n' => '\n',
        'r' => '\r',
        '\\' => '\\',
        // Double quotes are never escaped: around a text with both, single ones are written.
        '\'' if quote == '\'' => '\'',
        _ => panic!("Python writes no \\{escape}"),
    }
}

fn numbered(digits: &str) -> char {
    assert!(digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')), "{digits}");
    let code_point = u32::from_str_radix(digits, 16).expect("hexadecimal digits");
    let shortest = match code_point {
        0..=0xff => 2,
        0x100..=0xffff => 4,
        _ => 8,
    };
    assert_eq!(digits.len(), shortest, "{digits}");
    let c = char::from_u32(code_point).expect("a character");
    assert!(!is_printable(c) && !"\t\n\r".contains(c), "{digits}");
    c
}

/// Whether Python prints the character as it is, by the recorded table.
fn is_printable(c: char) -> bool {
    static ESCAPED: LazyLock<Vec<(u32, u32)>> = LazyLock::new(|| {
        let file: Value = serde_json::from_str(include_str!(
            "../../tests/data/protocol/vectors/python-escaped-codepoints.json"
        ))
        .expect("the recorded tables are JSON");
        let ranges = &file["tables"][UNICODE_VERSION]["escaped_ranges"];
        let ranges: Vec<(u32, u32)> =
            serde_json::from_value(ranges.clone()).expect("the version is recorded");
        assert!(!ranges.is_empty());
        ranges
    });
    let code_point = u32::from(c);
    let before = ESCAPED.partition_point(|&(first, _)| first <= code_point);
    before.checked_sub(1).is_none_or(|idx| ESCAPED[idx].1 < code_point)
}

fn check_hash(strings: &[String]) {
    let text = list_repr(strings);
    let field = hex(&Sha3_256::digest(text.as_bytes()));
    assert_eq!(field_hash(&text), field);
    assert_eq!(body_hash(strings), hex(&Sha3_256::digest(field.as_bytes())));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Any strings travel in a body, and come out word for word.
fn check_body(strings: &[String]) {
    let body = serde_json::json!({ "roles": strings, "messages": strings }).to_string();
    let hash = body_hash(strings);
    let rules = BodyRules { header_hash: Some(&hash), ..RULES };
    let prompt = parse_prompt(body.as_bytes(), None, &rules).expect("a body with its own hash");
    assert_eq!((&*prompt.roles, &*prompt.messages), (strings, strings));
    assert_eq!(prompt.body_hash, hash);
}
