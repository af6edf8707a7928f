//! The odd replies that were recorded with the SDK's dendrite, read by read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sn1::chain::{AxonInfo, Uid};
use sn1::wallet::Keypair;

use super::*;
use crate::messages::miners::{Answer, Target};

const VECTORS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tests/data/protocol/vectors/dendrite-replies-10.5.0.json"
);

fn arrived() -> Arrived {
    let hotkey = Keypair::from_dev_path("//Bob").unwrap().account_id();
    let axon = AxonInfo::for_address("127.0.0.1:9".parse().unwrap(), 1);
    Arrived::new(Target { uid: Uid(0), hotkey, axon }, None)
}

/// Plays a script; each of its parts is one read.
fn play(script: &[Value], timeout_s: f64) -> Answer {
    let (mut arrived, limits) = (arrived(), DendriteLimits::default());
    let mut reply = Reply::new(&mut arrived, &limits);
    let mut end = Read::Part;
    for step in script {
        end = match step {
            Value::Object(part) => {
                let bytes = STANDARD.decode(part["bytes_b64"].as_str().unwrap()).unwrap();
                reply.take(&bytes, &mut Vec::new(), 0.5, &limits)
            }
            Value::String(word) if word == "close" => Read::Closed,
            Value::String(_) => Read::Reset,
            _ => continue,
        };
        if !matches!(end, Read::Part) {
            break;
        }
    }
    let ending = match end {
        // The peer is silent until the timeout.
        Read::Part => Ending::TimedOut { timeout_s },
        end => reply.ending(end),
    };
    arrived.into_answer(None, ending, 0.5)
}

/// Where this node differs on purpose (docs/spec/wire.md#odd-replies): the status and the text.
fn differs(case: &str, whole: bool) -> Option<(Option<u16>, &'static str)> {
    Some(match case {
        // An HTTP status other than 200 is not an answer, and a redirect is an error.
        "interim-101" => (Some(if whole { 400 } else { 101 }), ""),
        "status-204-with-length" | "status-204-chunked" if !whole => (Some(204), ""),
        "status-204-bare" => (Some(204), ""),
        "status-304-with-length" if !whole => (Some(422), ""),
        "status-201" => (Some(201), ""),
        "status-205" => (Some(205), ""),
        "status-999" => (Some(999), ""),
        "status-300-no-location" | "status-302-no-location" => (Some(422), ""),
        // The body of a refusal is not an answer.
        "status-twice-other-last" => (Some(500), ""),
        // Reads are joined, so that a character may be split; only the last one is broken here.
        "charset-latin-1" => (Some(422), "caf"),
        // A version of HTTP that no axon speaks.
        "status-line-http-0.9" | "status-line-http-2.0" | "status-line-rtsp" => (Some(400), ""),
        // The SDK waits where the framing is wrong already.
        "chunk-last-by-lf" if whole => (Some(400), ""),
        // A status is a number of HTTP.
        "status-negative" | "status-70000" => (Some(422), "Hello"),
        // The limits are this node's: a name alone, and what a body unpacks to.
        "header-name-8188-bytes" | "header-name-8190-bytes" => (Some(200), "Hello"),
        "gzip-bomb" => (Some(422), ""),
        _ => return None,
    })
}

#[test]
fn odd_replies_have_the_outcome_of_the_sdk_save_for_the_deliberate_fixes() {
    let file: Value = serde_json::from_str(&std::fs::read_to_string(VECTORS).unwrap()).unwrap();
    let cases = file["vectors"].as_array().unwrap();
    let mut wrong = Vec::new();
    for case in cases {
        let (name, cut) = case["case"].as_str().unwrap().rsplit_once('/').unwrap();
        let theirs = &case["final"];
        let code = theirs["status_code"].as_u64().and_then(|code| u16::try_from(code).ok());
        let theirs = (code, theirs["completion"].as_str().unwrap());
        let expected = differs(name, cut == "whole").unwrap_or(theirs);
        let timeout_s = case["timeout"].as_f64().unwrap();
        let outcome = play(case["server_script"].as_array().unwrap(), timeout_s).outcome;
        let text: String = outcome.completion.chars().take(40).collect();
        let what = outcome.status_message;
        if (outcome.status_code, text.as_str()) != expected {
            wrong.push(format!(
                "{name}/{cut}: {:?} {text:?} {what:?}, not {expected:?}",
                outcome.status_code
            ));
        }
        if differs(name, cut == "whole") == Some(theirs) {
            wrong.push(format!("{name}/{cut} does not differ"));
        }
    }
    assert!(!cases.is_empty() && wrong.is_empty(), "{}", wrong.join("\n"));
}
