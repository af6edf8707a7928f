//! Parses a request body: checks the hash first, then the types of the members.

use serde_json::{Map, Value};

use super::json::{ContentType, parse_object};
use super::{field_hash, joined_hash};
use crate::synapse::python::{parse_float, parse_int};
use crate::synapse::repr::list_repr;

/// Why a body is refused, in the order of the checks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The content type is neither `application/json` nor `application/*+json`.
    #[error("content type is not application/json")]
    ContentType,
    /// The body has no bytes.
    #[error("body is empty")]
    Empty,
    /// The body is not UTF-8.
    #[error("body is not utf-8")]
    NotUtf8,
    /// The body ended before its length, or its chunks are not framed as they must be.
    #[error("the body is incomplete, or its chunks are malformed")]
    Incomplete,
    /// The body is compressed, which no dendrite does.
    #[error("the body has a content-encoding; it must be plain")]
    Encoded,
    /// Not JSON, text after the value, nested too deeply, or a lone surrogate escape.
    #[error("body is not json at line {line} column {column}")]
    NotJson {
        /// Line of the error, counted from one.
        line: usize,
        /// Column of the error, counted in bytes from one.
        column: usize,
    },
    /// The body starts with a byte order mark.
    #[error("body starts with a byte order mark")]
    ByteOrderMark,
    /// The body is JSON, but not an object.
    #[error("body is not a json object")]
    NotObject,
    /// The hash of the body differs from the hash that the head states and signs.
    #[error("Hash mismatch between header body hash {header} and parsed body hash {parsed}")]
    HashMismatch {
        /// The hash in the header; empty if the header was absent.
        header: String,
        /// The hash of the body as parsed.
        parsed: String,
    },
    /// A member is missing or has the wrong type.
    #[error("member `{0}` is missing or of the wrong type")]
    Member(&'static str),
}

/// Which list of hashed fields applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashedFields {
    /// The synapse's own list, whatever the body says.
    Own,
    /// `required_hash_fields` of the body, as in 7.1.1. An empty list there hashes nothing.
    FromBody,
}

/// How strictly a body is read.
#[derive(Debug, Clone, Copy)]
pub struct BodyRules<'a> {
    /// Whether the request may omit its content type.
    pub content_type: ContentType,
    /// Which list of hashed fields applies.
    pub hashed: HashedFields,
    /// `computed_body_hash` of the head, if the header was present.
    pub header_hash: Option<&'a str>,
}

/// A prompt that an axon may answer. `roles` and `messages` may differ in length, and only
/// `messages` is authenticated.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// Role of each message, such as `user`.
    pub roles: Vec<String>,
    /// The messages, oldest first.
    pub messages: Vec<String>,
    /// Seconds; not authenticated, may be negative, infinite or NaN. See [`Prompt::seconds`].
    pub timeout: Option<f64>,
    /// The hash of the body, which equals the one in the head.
    pub body_hash: String,
}

impl Prompt {
    /// Seconds that may be spent on the answer: the stated timeout clamped to `0..=cap_s`, or
    /// `cap_s` if the request states none or NaN.
    pub fn seconds(&self, cap_s: f64) -> f64 {
        match self.timeout {
            Some(timeout) if !timeout.is_nan() => timeout.clamp(0.0, cap_s.max(0.0)),
            _ => cap_s,
        }
    }
}

/// Reads the body of a prompt.
///
/// # Errors
/// The first check that fails, see [`BodyError`].
pub fn parse_prompt(
    bytes: &[u8],
    content_type: Option<&str>,
    rules: &BodyRules<'_>,
) -> Result<Prompt, BodyError> {
    let members = parse_object(bytes, content_type, rules.content_type)?;
    let roles = string_list(&members, "roles");
    let messages = string_list(&members, "messages")?;
    let body_hash = match rules.hashed {
        HashedFields::Own => super::body_hash(&messages),
        HashedFields::FromBody => hash_of_listed(&members)?,
    };
    compare_hash(rules.header_hash, &body_hash)?;
    let timeout = check_base_members(&members)?;
    if !members.get("completion").is_none_or(Value::is_string) {
        return Err(BodyError::Member("completion"));
    }
    Ok(Prompt { roles: roles?, messages, timeout, body_hash })
}

/// A parsed ping, with the JSON that answers it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ping {
    /// The synapse as JSON, with defaults filled in and the axon's status set to success.
    pub json: Vec<u8>,
    /// The hash of the body, over no field.
    pub body_hash: String,
}

/// Reads the body of a ping. No field of a ping is hashed.
///
/// # Errors
/// The first check that fails, see [`BodyError`].
pub fn parse_ping(
    bytes: &[u8],
    content_type: Option<&str>,
    rules: &BodyRules<'_>,
) -> Result<Ping, BodyError> {
    let members = parse_object(bytes, content_type, rules.content_type)?;
    compare_hash(rules.header_hash, super::NOTHING_HASH)?;
    let timeout = check_base_members(&members)?;
    Ok(Ping { json: ping_json(&members, timeout), body_hash: super::NOTHING_HASH.to_owned() })
}

fn ping_json(members: &Map<String, Value>, timeout: Option<f64>) -> Vec<u8> {
    let member = |name: &str, default: Value| members.get(name).cloned().unwrap_or(default);
    let mut axon = member("axon", Value::Null);
    if let Value::Object(axon) = &mut axon {
        axon.insert("status_code".to_owned(), 200.into());
        axon.insert("status_message".to_owned(), "Success".into());
    }
    serde_json::json!({
        "name": crate::synapse::PING_NAME,
        "timeout": timeout.unwrap_or(crate::synapse::DEFAULT_TIMEOUT_S),
        "total_size": member("total_size", 0.into()),
        "header_size": member("header_size", 0.into()),
        "dendrite": member("dendrite", Value::Null),
        "axon": axon,
        "computed_body_hash": member("computed_body_hash", "".into()),
    })
    .to_string()
    .into_bytes()
}

fn string_list(members: &Map<String, Value>, name: &'static str) -> Result<Vec<String>, BodyError> {
    let text = |item: &Value| item.as_str().map(str::to_owned);
    members
        .get(name)
        .and_then(Value::as_array)
        .and_then(|items| items.iter().map(text).collect())
        .ok_or(BodyError::Member(name))
}

/// The hash over the fields that the body lists. Fields that no known peer hashes have no text
/// here, so listing one gives a hash that cannot match.
fn hash_of_listed(members: &Map<String, Value>) -> Result<String, BodyError> {
    let listed = match members.get("required_hash_fields") {
        None => vec!["messages".to_owned()],
        Some(Value::Null) => Vec::new(),
        Some(_) => string_list(members, "required_hash_fields")?,
    };
    let mut hashes = Vec::new();
    for field in ["roles", "messages"] {
        if listed.iter().any(|name| name == field) {
            hashes.push(field_hash(&list_repr(&string_list(members, field)?)));
        }
    }
    if let Some(completion) = members.get("completion").and_then(Value::as_str)
        && listed.iter().any(|name| name == "completion")
    {
        hashes.push(field_hash(completion));
    }
    let unknown = |name: &&String| !["roles", "messages", "completion"].contains(&name.as_str());
    hashes.extend(listed.iter().find(unknown).cloned());
    Ok(joined_hash(&hashes))
}

/// Compares the hashes as text, so upper-case digits do not match.
fn compare_hash(header: Option<&str>, parsed: &str) -> Result<(), BodyError> {
    if header == Some(parsed) {
        return Ok(());
    }
    Err(BodyError::HashMismatch {
        header: header.unwrap_or_default().to_owned(),
        parsed: parsed.to_owned(),
    })
}

/// Checks the members that every synapse has and returns the timeout. The members of `dendrite` and
/// `axon` are ignored, because the head decides.
fn check_base_members(members: &Map<String, Value>) -> Result<Option<f64>, BodyError> {
    if !members.get("dendrite").is_none_or(Value::is_object) {
        return Err(BodyError::Member("dendrite"));
    }
    if !members.get("axon").is_none_or(|axon| axon.is_object() || axon.is_null()) {
        return Err(BodyError::Member("axon"));
    }
    for name in ["total_size", "header_size"] {
        if !members.get(name).is_none_or(casts_to_int) {
            return Err(BodyError::Member(name));
        }
    }
    match members.get("timeout") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => cast_float(value).map(Some).ok_or(BodyError::Member("timeout")),
    }
}

/// The result of Python's `float(value)` for a JSON value; `None` where Python raises.
fn cast_float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => parse_float(text),
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        _ => None,
    }
}

fn casts_to_int(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => parse_int(text).is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: BodyRules<'_> = BodyRules {
        content_type: ContentType::Required,
        hashed: HashedFields::Own,
        header_hash: Some(super::super::EMPTY_LIST_HASH),
    };

    fn parse(text: &str) -> Result<Prompt, BodyError> {
        parse_prompt(text.as_bytes(), Some("application/json"), &RULES)
    }

    #[test]
    fn python_constants_are_read_outside_of_strings_only() {
        let prompt = parse(r#"{"roles":["NaN \" Infinity"],"messages":[],"timeout":-Infinity}"#);
        let prompt = prompt.unwrap();
        assert_eq!(prompt.roles, ["NaN \" Infinity"]);
        assert_eq!(prompt.timeout, None);
        let error = parse(r#"{"roles":[NaN],"messages":[]}"#).unwrap_err();
        assert_eq!(error, BodyError::Member("roles"));
    }

    #[test]
    fn members_are_typed_and_the_hash_is_checked_first() {
        let base = r#""roles":[],"messages":[]"#;
        let member = |text: &str| parse(&format!("{{{base},{text}}}"));
        assert_eq!(member(r#""timeout":"1_2.5","x":1"#).unwrap().timeout, Some(12.5));
        assert_eq!(member(r#""timeout":true"#).unwrap().timeout, Some(1.0));
        assert_eq!(member(r#""timeout":"soon""#), Err(BodyError::Member("timeout")));
        assert_eq!(member(r#""completion":null"#), Err(BodyError::Member("completion")));
        assert_eq!(member(r#""dendrite":null"#), Err(BodyError::Member("dendrite")));
        assert!(member(r#""axon":null,"total_size":"7""#).is_ok());
        assert_eq!(member(r#""total_size":"7.5""#), Err(BodyError::Member("total_size")));
        let error = parse(r#"{"messages":["x"],"completion":null}"#).unwrap_err();
        assert!(matches!(error, BodyError::HashMismatch { .. }), "{error}");
        assert_eq!(parse(r#"{"messages":[]}"#), Err(BodyError::Member("roles")));
    }

    #[test]
    fn what_is_no_json_object_is_told_apart() {
        for (text, expected) in [
            ("", BodyError::Empty),
            ("\u{feff}{}", BodyError::ByteOrderMark),
            ("[]", BodyError::NotObject),
            ("{} x", BodyError::NotJson { line: 1, column: 4 }),
        ] {
            assert_eq!(parse(text), Err(expected), "{text:?}");
        }
        let lone = parse(r#"{"roles":[],"messages":["\ud83d"]}"#);
        assert!(matches!(lone, Err(BodyError::NotJson { .. })));
        let bytes = parse_prompt(b"\xff", Some("application/json"), &RULES);
        assert_eq!(bytes, Err(BodyError::NotUtf8));
    }

    #[test]
    fn unknown_hashed_fields_never_match() {
        let rules =
            |hash| BodyRules { hashed: HashedFields::FromBody, header_hash: Some(hash), ..RULES };
        let body = br#"{"roles":[],"messages":["x"],"required_hash_fields":[]}"#;
        assert!(
            parse_prompt(body, Some("application/json"), &rules(super::super::NOTHING_HASH))
                .is_ok()
        );
        let body = br#"{"roles":[],"messages":["x"],"required_hash_fields":["name"]}"#;
        assert!(
            parse_prompt(body, Some("application/json"), &rules(super::super::NOTHING_HASH))
                .is_err()
        );
    }

    #[test]
    fn seconds_stay_within_the_cap() {
        let prompt =
            |timeout| Prompt { roles: vec![], messages: vec![], timeout, body_hash: String::new() };
        for (timeout, expected) in [
            (None, 60.0),
            (Some(12.0), 12.0),
            (Some(-1.0), 0.0),
            (Some(f64::INFINITY), 60.0),
            (Some(f64::NAN), 60.0),
        ] {
            assert_eq!(prompt(timeout).seconds(60.0), expected);
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(bytes in any::<Vec<u8>>(), text in any::<String>()) {
            let _ = parse_prompt(&bytes, Some("application/json"), &RULES);
            let _ = parse_ping(text.as_bytes(), Some(&text), &RULES);
        }

        #[test]
        fn json_like_text_never_panics(
            text in r#"[{}\[\]",:\\ ]{0,12}(NaN|-?Infinity|"roles"|[0-9eE.-]{1,5})?[{}\[\]",:\\ ]{0,12}"#,
        ) {
            let _ = parse_prompt(text.as_bytes(), Some("application/json"), &RULES);
        }

        #[test]
        fn honest_bodies_are_read_back(
            roles in proptest::collection::vec(any::<String>(), 0..4),
            messages in proptest::collection::vec(any::<String>(), 0..4),
            eighths in 0..8_000_000_u32,
        ) {
            let timeout = f64::from(eighths) / 8.0;
            let body = serde_json::json!({
                "roles": roles, "messages": messages, "timeout": timeout,
            });
            let hash = super::super::body_hash(&messages);
            let rules = BodyRules { header_hash: Some(&hash), ..RULES };
            let prompt = parse_prompt(body.to_string().as_bytes(), Some("application/json"), &rules);
            prop_assert_eq!(prompt, Ok(Prompt {
                roles, messages, timeout: Some(timeout), body_hash: hash.clone(),
            }));
        }
    }
}
