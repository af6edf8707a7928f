//! Bodies of prompts and pings, under every set of rules.
//!
//! Input: one byte that picks the content type, then the body. The hash that the head would have
//! announced is first none, to learn the parser's own, and then that one, so that what follows
//! the hash check is reached as well.

use serde_json::Value;
use sha3::{Digest, Sha3_256};
use sn1::synapse::body::{
    BodyError, BodyRules, ContentType, HashedFields, NOTHING_HASH, parse_ping, parse_prompt,
};
use sn1::synapse::repr::list_repr;

const CONTENT_TYPES: [Option<&str>; 8] = [
    Some("application/json"),
    None,
    Some("application/json; charset=utf-8"),
    Some("APPLICATION/vnd.x+JSON"),
    Some("text/plain"),
    Some(";"),
    Some("application/"),
    Some("\u{e9}"),
];

/// Panics when the core misreads the body.
pub fn check(input: &[u8]) {
    let Some((&first, body)) = input.split_first() else { return };
    let content_type = CONTENT_TYPES[usize::from(first) % CONTENT_TYPES.len()];
    for rule in [ContentType::Required, ContentType::Optional] {
        for hashed in [HashedFields::Own, HashedFields::FromBody] {
            let rules = BodyRules { content_type: rule, hashed, header_hash: None };
            check_prompt(body, content_type, rules);
        }
        let hashed = HashedFields::Own;
        let rules = BodyRules { content_type: rule, hashed, header_hash: Some(NOTHING_HASH) };
        check_ping(body, content_type, rules);
    }
}

fn check_prompt(body: &[u8], content_type: Option<&str>, rules: BodyRules<'_>) {
    let error = parse_prompt(body, content_type, &rules).expect_err("no hash was announced");
    let BodyError::HashMismatch { header, parsed } = error else { return };
    assert_eq!(header, "");
    assert!(parsed.len() == 64 && parsed.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let wrong = BodyRules { header_hash: Some("0"), ..rules };
    assert!(parse_prompt(body, content_type, &wrong).is_err());
    let right = BodyRules { header_hash: Some(&parsed), ..rules };
    let Ok(prompt) = parse_prompt(body, content_type, &right) else { return };

    assert_eq!(prompt.body_hash, parsed);
    assert!(content_type.is_some() || rules.content_type == ContentType::Optional);
    let n_bytes: usize = prompt.roles.iter().chain(&prompt.messages).map(String::len).sum();
    assert!(n_bytes <= body.len(), "{n_bytes} bytes out of {}", body.len());
    for cap_s in [0.0, 15.0] {
        assert!((0.0..=cap_s).contains(&prompt.seconds(cap_s)), "{:?}", prompt.timeout);
    }
    if rules.hashed == HashedFields::Own {
        let field = hex(&Sha3_256::digest(list_repr(&prompt.messages)));
        assert_eq!(parsed, hex(&Sha3_256::digest(field)));
    }
    if let Some(plain) = plain_json(body) {
        assert_eq!(serde_json::json!(prompt.roles), plain["roles"]);
        assert_eq!(serde_json::json!(prompt.messages), plain["messages"]);
    }
}

fn check_ping(body: &[u8], content_type: Option<&str>, rules: BodyRules<'_>) {
    let Ok(ping) = parse_ping(body, content_type, &rules) else { return };
    assert_eq!(ping.body_hash, NOTHING_HASH);
    // Short numbers such as 1e15 are written out.
    assert!(ping.json.len() <= 8 * body.len() + 512, "{} bytes", ping.json.len());
    let json: Value = serde_json::from_slice(&ping.json).expect("a ping's answer is JSON");
    assert_eq!(json["name"], "Synapse");
    assert!(json["timeout"].is_number() || json["timeout"].is_null());
    assert!(json["axon"].is_null() || json["axon"]["status_code"] == 200);
    if let Some(plain) = plain_json(body)
        && plain.get("dendrite").is_some()
    {
        assert_eq!(json["dendrite"], plain["dendrite"]);
    }
}

/// What `serde_json` makes of the body. `None` where Python knows a constant that JSON does not,
/// which may stand anywhere but in a string.
fn plain_json(body: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(body).expect("only UTF-8 is accepted");
    let read = serde_json::from_str(text);
    let with_constant = text.contains("NaN") || text.contains("Infinity");
    assert!(read.is_ok() || with_constant, "{read:?} of {text:?}");
    read.ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
