//! Requests that both SDKs accept.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Captured, SDKS, bob, cases, let_everyone_in, nanoseconds, text};
use crate::synapse::body::body_hash;
use crate::synapse::headers::{AxonAddress, RequestDraft};
use crate::synapse::pipeline::read_prompt;
use crate::synapse::repr::list_repr;
use crate::synapse::sign::{request_text, sign_request};
use crate::synapse::verify::{Verifier, VerifierConfig, VerifyPolicy};
use crate::wallet::{AccountId, Keypair, parse_signature};

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

#[test]
fn signatures_and_hashes_are_reproduced() {
    for case in SDKS.iter().flat_map(|sdk| cases("requests", sdk)) {
        let id = text(&case, "id");
        let captured = Captured::of(&case["request"]);
        let header = |name: &str| captured.header(name).unwrap();
        let messages = strings(&case["input"]["messages"]);
        assert_eq!(list_repr(&messages), text(&case["body_hash"], "python_repr"), "{id}");
        let hash = body_hash(&messages);
        assert_eq!(hash, text(&case["body_hash"], "computed"), "{id}");
        assert_eq!(hash, header("computed_body_hash"), "{id}");

        let signed = request_text(
            header("bt_header_dendrite_nonce").parse().ok(),
            header("bt_header_dendrite_hotkey"),
            header("bt_header_axon_hotkey"),
            Some(header("bt_header_dendrite_uuid")),
            Some(&hash),
        );
        assert_eq!(signed, text(&case, "signed_message"), "{id}");
        let signer: AccountId = text(&case, "signer_ss58").parse().unwrap();
        let signature = parse_signature(text(&case, "signature")).unwrap();
        signer.verify(signed.as_bytes(), &signature).unwrap_or_else(|error| panic!("{id} {error}"));
    }
}

#[test]
fn honest_requests_pass_under_either_policy() {
    for case in SDKS.iter().flat_map(|sdk| cases("requests", sdk)) {
        let id = text(&case, "id");
        let captured = Captured::of(&case["request"]);
        let now = nanoseconds(&case);
        for policy in [VerifyPolicy::Strict, VerifyPolicy::Lenient] {
            let verifier = Verifier::new(VerifierConfig { policy, ..VerifierConfig::default() });
            let admitted = captured
                .admit(now, &let_everyone_in, &verifier)
                .unwrap_or_else(|refusal| panic!("{id} {policy:?} {:?}", refusal.kind));
            let prompt = read_prompt(
                &admitted,
                &captured.body,
                captured.header("content-type"),
                &bob(),
                now,
            )
            .unwrap_or_else(|refusal| panic!("{id} {policy:?} {:?}", refusal.kind));
            assert_eq!(prompt.messages, strings(&case["input"]["messages"]), "{id}");
            assert_eq!(prompt.roles, strings(&case["input"]["roles"]), "{id}");
            assert_eq!(prompt.timeout, case["input"]["timeout"].as_f64(), "{id}");
        }
    }
}

/// Names and values, except those that depend on the HTTP library or on Python object sizes.
fn own_fields(headers: impl IntoIterator<Item = (String, String)>) -> BTreeSet<(String, String)> {
    let foreign = [
        "host",
        "accept",
        "accept-encoding",
        "user-agent",
        "content-length",
        "content-type",
        "header_size",
        "total_size",
        "bt_header_dendrite_signature",
    ];
    headers
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| !foreign.contains(&name.as_str()))
        .collect()
}

#[test]
fn own_requests_say_what_the_current_sdk_says() {
    let alice = Keypair::from_dev_path("//Alice").unwrap();
    let mut n_checked = 0;
    for case in cases("requests", "10.5.0") {
        let id = text(&case, "id");
        let captured = Captured::of(&case["request"]);
        let header = |name: &str| captured.header(name).unwrap();
        let (roles, messages) =
            (strings(&case["input"]["roles"]), strings(&case["input"]["messages"]));
        let draft = RequestDraft {
            axon: AxonAddress {
                ip: header("bt_header_axon_ip"),
                port: header("bt_header_axon_port").parse().unwrap(),
                hotkey: header("bt_header_axon_hotkey"),
            },
            dendrite_ip: header("bt_header_dendrite_ip"),
            dendrite_uuid: header("bt_header_dendrite_uuid"),
            timeout_s: case["input"]["timeout"].as_f64().unwrap(),
            roles: &roles,
            messages: &messages,
        };
        let nonce = header("bt_header_dendrite_nonce").parse().unwrap();
        let own = sign_request(&alice, &draft, nonce).unwrap();
        assert_eq!(own.path, text(&case["request"], "target"), "{id}");
        let theirs = captured
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), String::from_utf8(value.clone()).unwrap()));
        let ours = own.headers.into_iter().map(|(name, value)| (name.to_owned(), value));
        assert_eq!(own_fields(ours), own_fields(theirs), "{id}");

        // Python does not send a class variable in the body; this node always sends the member.
        if text(&case, "style") == "field" {
            let mut own: Value = serde_json::from_slice(&own.body).unwrap();
            let mut theirs: Value = serde_json::from_slice(&captured.body).unwrap();
            let names = |body: &Value| -> Vec<String> {
                body.as_object().unwrap().keys().cloned().collect()
            };
            assert_eq!(names(&own), names(&theirs), "{id}");
            for body in [&mut own, &mut theirs] {
                body["total_size"] = Value::Null;
                body["header_size"] = Value::Null;
                body["dendrite"]["signature"] = Value::Null;
            }
            assert_eq!(own, theirs, "{id}");
            n_checked += 1;
        }
    }
    assert!(n_checked > 0);
}
