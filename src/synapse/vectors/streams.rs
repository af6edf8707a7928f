//! Reply heads of the Python axons, parsed and reproduced.

use super::{Captured, SDKS, bytes, cases, let_everyone_in, nanoseconds, text};
use crate::synapse::headers::ReplyHead;
use crate::synapse::sign::reply_text;
use crate::synapse::stream::Utf8Stream;
use crate::synapse::verify::{Verifier, VerifierConfig};
use crate::wallet::{AccountId, parse_signature};

fn pairs(reply: &serde_json::Value) -> Vec<(&str, &[u8])> {
    reply["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap().as_bytes()))
        .collect()
}

#[test]
fn reply_heads_are_read() {
    for case in SDKS.iter().flat_map(|sdk| cases("streams", sdk)) {
        let id = text(&case, "id");
        let pairs = pairs(&case["reply"]);
        let head = ReplyHead::parse(pairs.iter().copied()).unwrap();
        let value = |name: &str| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| std::str::from_utf8(value).unwrap())
        };
        let code = value("bt_header_axon_status_code").map(|code| code.parse().unwrap());
        assert_eq!(head.status_code, code, "{id}");
        assert_eq!(head.status_message.as_deref(), value("bt_header_axon_status_message"), "{id}");
        let seconds = value("bt_header_axon_process_time").map(|text| text.parse().unwrap());
        assert_eq!(head.process_time, seconds, "{id}");
    }
}

#[test]
fn reply_signatures_cover_the_text_of_the_spec() {
    let mut n_signed = 0;
    for case in SDKS.iter().flat_map(|sdk| cases("streams", sdk)) {
        let Some(expected) = case["reply_signature"]["signed_message"].as_str() else {
            continue;
        };
        let head = ReplyHead::parse(pairs(&case["reply"])).unwrap();
        let request = Captured::of(&case["request"]);
        let axon_hotkey = request.header("bt_header_axon_hotkey").unwrap();
        let signed = reply_text(
            u64::try_from(head.axon.nonce.unwrap()).unwrap(),
            request.header("bt_header_dendrite_hotkey").unwrap(),
            axon_hotkey,
            head.axon.uuid.as_deref().unwrap(),
        );
        assert_eq!(signed, expected);
        let account: AccountId = axon_hotkey.parse().unwrap();
        let signature = parse_signature(head.axon.signature.as_deref().unwrap()).unwrap();
        account.verify(signed.as_bytes(), &signature).unwrap();
        n_signed += 1;
    }
    assert!(n_signed > 0);
}

/// A success has the same header names as that of the caller's SDK, and the same values where they
/// do not depend on the moment or the process.
#[test]
fn own_successes_look_like_those_of_the_callers_sdk() {
    let varying = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.ends_with("process_time")
            || name.starts_with("bt_header_axon_") && !name.contains("_status_")
            || ["date", "server", "transfer-encoding", "total_size", "header_size"]
                .contains(&name.as_str())
            || name == "bt_header_dendrite_port"
    };
    let mut n_checked = 0;
    for case in SDKS.iter().flat_map(|sdk| cases("streams", sdk)) {
        let theirs = pairs(&case["reply"]);
        let value = |name: &str| theirs.iter().find(|(key, _)| *key == name).map(|pair| pair.1);
        if value("bt_header_axon_status_code") != Some(b"200") {
            continue;
        }
        let request = Captured::of(&case["request"]);
        let now = nanoseconds(&case);
        let verifier = Verifier::new(VerifierConfig::default());
        let admitted = request.admit(now, &let_everyone_in, &verifier).unwrap();
        let own = request.read(&admitted, now).unwrap();
        for (name, value) in &theirs {
            let ours = own.iter().find(|(key, _)| key == name).map(|pair| pair.1.as_bytes());
            let is_framing = ["date", "server", "Transfer-Encoding"].contains(name);
            assert!(is_framing || ours.is_some(), "{} lacks {name}", text(&case, "id"));
            assert!(varying(name) || ours == Some(*value), "{} {name}", text(&case, "id"));
        }
        assert!(own.iter().all(|(name, _)| value(name).is_some()));
        n_checked += 1;
    }
    assert!(n_checked > 0);
}

#[test]
fn streamed_text_is_joined_whatever_the_reads() {
    let mut n_checked = 0;
    for case in SDKS.iter().flat_map(|sdk| cases("streams", sdk)) {
        let reply = &case["reply"];
        let Some(whole) = reply["body_text"].as_str() else {
            continue;
        };
        let chunks = reply["http_chunks_b64"].as_array().cloned().unwrap_or_default();
        if chunks.is_empty() {
            continue;
        }
        let mut stream = Utf8Stream::default();
        let mut joined = String::new();
        for chunk in chunks {
            let chunk = serde_json::json!({ "chunk": chunk });
            joined.push_str(&stream.push(&bytes(&chunk, "chunk")).unwrap());
        }
        stream.finish().unwrap();
        assert_eq!(joined, whole);
        n_checked += 1;
    }
    assert!(n_checked > 0);
}
