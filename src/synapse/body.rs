//! The body of a request: its hash, how a dendrite writes it and how an axon reads it
//! (docs/spec/wire.md#request-body, docs/spec/wire.md#body-hash and docs/spec/wire.md#body-checks).
//!
//! Only `roles` and `messages` are required; unknown members are ignored. Unlike the Python axons,
//! this parser refuses messages with a lone surrogate escape.

mod json;
mod parse;

use serde::Serialize;
use sha3::{Digest, Sha3_256};

pub use json::ContentType;
pub use parse::{BodyError, BodyRules, HashedFields, Ping, Prompt, parse_ping, parse_prompt};

use super::headers::RequestDraft;
use super::repr::list_repr;
use super::{PROMPT_NAME, SDK_VERSION};

/// The body hash when no field is hashed.
pub const NOTHING_HASH: &str = "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a";
/// The body hash of an empty list of messages.
pub const EMPTY_LIST_HASH: &str =
    "a8ea28e4d52d34cdb5899a7d172856e378d786898fd92d0af8659a25bbee7098";

/// The hash that a request with these messages carries: 64 lower-case hex digits.
pub fn body_hash<S: AsRef<str>>(messages: &[S]) -> String {
    joined_hash(&[field_hash(&list_repr(messages))])
}

/// SHA3-256 of one field's Python text, in lower-case hex.
pub fn field_hash(field_text: &str) -> String {
    hex::encode(Sha3_256::digest(field_text.as_bytes()))
}

/// The body hash from the hashes of the fields, in model order.
pub fn joined_hash<S: AsRef<str>>(field_hashes: &[S]) -> String {
    let mut hasher = Sha3_256::new();
    for hash in field_hashes {
        hasher.update(hash.as_ref());
    }
    hex::encode(hasher.finalize())
}

/// The JSON that a dendrite sends, members in the SDK's order (docs/spec/wire.md#request-body).
pub(super) fn request_body(
    draft: &RequestDraft<'_>,
    hotkey: &str,
    nonce: u64,
    signature: &str,
) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&RequestBody {
        name: PROMPT_NAME,
        timeout: draft.timeout_s,
        total_size: 0,
        header_size: 0,
        dendrite: TerminalBody {
            ip: Some(draft.dendrite_ip),
            version: Some(SDK_VERSION),
            nonce: Some(nonce),
            uuid: Some(draft.dendrite_uuid),
            hotkey: Some(hotkey),
            signature: Some(signature),
            ..TerminalBody::default()
        },
        axon: TerminalBody {
            ip: Some(draft.axon.ip),
            port: Some(draft.axon.port),
            hotkey: Some(draft.axon.hotkey),
            ..TerminalBody::default()
        },
        computed_body_hash: "",
        required_hash_fields: ["messages"],
        roles: draft.roles,
        messages: draft.messages,
        completion: "",
    })
}

#[derive(Serialize)]
struct RequestBody<'a> {
    name: &'static str,
    timeout: f64,
    total_size: u32,
    header_size: u32,
    dendrite: TerminalBody<'a>,
    axon: TerminalBody<'a>,
    computed_body_hash: &'static str,
    required_hash_fields: [&'static str; 1],
    roles: &'a [String],
    messages: &'a [String],
    completion: &'static str,
}

/// The ten members that describe one side; unset ones are sent as null.
#[derive(Serialize, Default)]
struct TerminalBody<'a> {
    status_code: Option<u16>,
    status_message: Option<&'a str>,
    process_time: Option<f64>,
    ip: Option<&'a str>,
    port: Option<u16>,
    version: Option<u32>,
    nonce: Option<u64>,
    uuid: Option<&'a str>,
    hotkey: Option<&'a str>,
    signature: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::testing::vector_json;

    #[test]
    fn constants_are_the_hashes_they_claim() {
        assert_eq!(joined_hash::<&str>(&[]), NOTHING_HASH);
        assert_eq!(body_hash::<&str>(&[]), EMPTY_LIST_HASH);
    }

    #[test]
    fn hashes_match_the_python_vectors() {
        let file: Value = vector_json("protocol/vectors/body-hash.json");
        let cases = file["vectors"].as_array().unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let messages = messages(case);
            let repr = list_repr(&messages);
            if let Some(expected) = case["python_repr"].as_str() {
                assert_eq!(repr, expected);
            }
            assert_eq!(field_hash(&repr), case["field_sha3_hex"].as_str().unwrap(), "{repr:.200}");
            assert_eq!(body_hash(&messages), case["body_hash"].as_str().unwrap());
        }
    }

    fn messages(case: &Value) -> Vec<String> {
        if let Some(messages) = case["messages"].as_array() {
            return messages.iter().map(|text| text.as_str().unwrap().to_owned()).collect();
        }
        let repeat = &case["messages_repeat"];
        let n_times = usize::try_from(repeat["times"].as_u64().unwrap()).unwrap();
        vec![repeat["text"].as_str().unwrap().repeat(n_times)]
    }
}
