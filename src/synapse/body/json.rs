//! From bytes to JSON as the Python axons read it: content type, then UTF-8, then syntax.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::BodyError;

/// Whether a request may omit its content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentType {
    /// A content type is required, as in 10.5.0.
    Required,
    /// A missing content type counts as JSON, as in 7.1.1.
    Optional,
}

/// Reads the members of a body that must be one JSON object.
pub(super) fn parse_object(
    bytes: &[u8],
    content_type: Option<&str>,
    rule: ContentType,
) -> Result<Map<String, Value>, BodyError> {
    if !is_json_type(content_type, rule) {
        return Err(BodyError::ContentType);
    }
    if bytes.is_empty() {
        return Err(BodyError::Empty);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| BodyError::NotUtf8)?;
    if text.starts_with('\u{feff}') {
        return Err(BodyError::ByteOrderMark);
    }
    match serde_json::from_str(&without_python_constants(text)) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(BodyError::NotObject),
        Err(error) => Err(BodyError::NotJson { line: error.line(), column: error.column() }),
    }
}

fn is_json_type(content_type: Option<&str>, rule: ContentType) -> bool {
    let Some(value) = content_type else {
        return rule == ContentType::Optional;
    };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.strip_prefix("application/") {
        Some(subtype) => subtype == "json" || subtype.ends_with("+json"),
        None => false,
    }
}

/// Python's JSON knows `NaN`, `Infinity` and `-Infinity`. This reads them as null: a timeout that
/// is not a finite number counts as none, and in every other member they have the wrong type
/// anyway.
fn without_python_constants(text: &str) -> Cow<'_, str> {
    if !text.contains("NaN") && !text.contains("Infinity") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let constant =
            ["NaN", "-Infinity", "Infinity"].iter().find(|word| rest.starts_with(**word));
        let n_bytes = match constant {
            Some(word) => {
                out.push_str("null");
                word.len()
            }
            None => {
                let n_bytes = if first == '"' { string_len(rest) } else { first.len_utf8() };
                out.push_str(&rest[..n_bytes]);
                n_bytes
            }
        };
        rest = &rest[n_bytes..];
    }
    Cow::Owned(out)
}

/// Length in bytes of the JSON string literal at the start of `text`; all of `text` if the literal
/// is never closed.
fn string_len(text: &str) -> usize {
    let mut is_escaped = false;
    for (idx, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !is_escaped => return idx + 1,
            b'\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn content_types_follow_the_caller() {
        for (value, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/vnd.api+json", true),
            ("text/plain", false),
            ("application/jsonp", false),
            ("json", false),
        ] {
            assert_eq!(is_json_type(Some(value), ContentType::Required), expected, "{value}");
        }
        assert!(is_json_type(None, ContentType::Optional));
        assert!(!is_json_type(None, ContentType::Required));
    }

    proptest! {
        #[test]
        fn text_without_constants_is_left_alone(text in "[^NI]*") {
            prop_assert_eq!(without_python_constants(&text), text.as_str());
        }

        #[test]
        fn strings_are_left_alone(text in "(NaN|Infinity|[a\\\\\"{}])*") {
            let json = serde_json::json!({ "a": text }).to_string();
            prop_assert_eq!(without_python_constants(&json), json.as_str());
        }

        #[test]
        fn any_text_is_read(text in any::<String>(), constant in "NaN|-Infinity|\"|\\\\") {
            let _ = without_python_constants(&format!("{constant}{text}{constant}"));
        }
    }
}
