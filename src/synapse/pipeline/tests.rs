//! Whole heads through all steps.

use proptest::prelude::*;

use super::*;
use crate::synapse::headers::{AxonAddress, RequestDraft};
use crate::synapse::sign::{SignedRequest, sign_request};
use crate::synapse::verify::VerifierConfig;
use crate::synapse::{PING_PATH, PROMPT_PATH};
use crate::wallet::Keypair;

const NOW: u64 = 1_800_000_000_000_000_000;

fn bob() -> AxonIdentity {
    AxonIdentity::new(Keypair::from_dev_path("//Bob").unwrap(), "b0b".into())
}

fn own_request() -> SignedRequest {
    let axon = bob();
    let draft = RequestDraft {
        axon: AxonAddress { ip: "192.0.2.1", port: 8091, hotkey: axon.hotkey() },
        dendrite_ip: "198.51.100.7",
        dendrite_uuid: "u",
        timeout_s: 15.0,
        roles: &["user".into()],
        messages: &["it's \u{200d} é".into()],
    };
    sign_request(&Keypair::from_dev_path("//Alice").unwrap(), &draft, NOW).unwrap()
}

fn try_admit(
    request: &SignedRequest,
    method: &str,
    target: &str,
    gate: &Gate<'_>,
) -> Result<Admitted, Refusal> {
    let headers: Vec<(&str, &[u8])> =
        request.headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    let parts = RequestParts {
        method,
        target,
        headers: &headers,
        peer: "127.0.0.1:9".parse().unwrap(),
        arrived_unix_ns: NOW,
    };
    let verifier = Verifier::new(VerifierConfig::default());
    admit(&parts, NOW + 500_000_000, &bob(), gate, &verifier)
}

#[test]
fn own_requests_are_admitted_and_read() {
    let request = own_request();
    let admitted = try_admit(&request, "POST", request.path, &|_| Ok(())).unwrap();
    assert_eq!(admitted.account, Keypair::from_dev_path("//Alice").unwrap().account_id());
    let json = Some("application/json");
    let prompt = read_prompt(&admitted, &request.body, json, &bob(), NOW).unwrap();
    assert_eq!(prompt.messages, ["it's \u{200d} é"]);
    assert_eq!(prompt.timeout, Some(15.0));
    let headers = admitted.reply_headers(&prompt.body_hash, &bob(), NOW + 250_000_000);
    let has = |name: &str, value: &str| headers.contains(&(name, value.into()));
    assert!(has("bt_header_axon_status_code", "200"));
    assert!(has("bt_header_axon_status_message", "Success"));
    assert!(has("bt_header_axon_process_time", "0.25"));
    assert!(has("computed_body_hash", &prompt.body_hash));
}

#[test]
fn refusals_are_whole_replies() {
    let request = own_request();
    for (method, target, status, label) in [
        ("POST", "/", 404, "unknown_synapse"),
        ("PUT", PROMPT_PATH, 405, "wrong_method"),
        ("POST", "/StreamPromptingSynapse/", 307, "trailing_slash"),
        ("POST", "/StreamPromptingSynapse/x", 404, "no_route"),
        ("POST", "/StreamPromptingSynapse2", 404, "unknown_synapse"),
    ] {
        let refusal = try_admit(&request, method, target, &|_| Ok(())).unwrap_err();
        assert_eq!((refusal.http_status, refusal.kind.label()), (status, label));
        let code = ("bt_header_axon_status_code", status.to_string());
        assert!(refusal.headers.contains(&code), "{label}");
        assert!(refusal.body.starts_with(b"{\"message\":"), "{label}");
    }
    for target in [PING_PATH, "/StreamPromptingSynapse?x=/y", "http://h:1/Synapse"] {
        assert!(try_admit(&request, "GET", target, &|_| Ok(())).is_ok(), "{target}");
    }
}

#[test]
fn the_gate_is_asked_before_the_signature_is_checked() {
    let mut request = own_request();
    request.headers.retain(|(name, _)| *name != "bt_header_dendrite_signature");
    let gate = |asked: &Asked| {
        assert!(asked.account().is_some());
        Err(RefusalKind::Blacklisted("Unrecognized hotkey".into()))
    };
    let refusal = try_admit(&request, "POST", PROMPT_PATH, &gate).unwrap_err();
    assert_eq!(refusal.http_status, 403);
    let body: serde_json::Value = serde_json::from_slice(&refusal.body).unwrap();
    assert_eq!(body["message"], "Forbidden. Key is blacklisted: Unrecognized hotkey.");
    let refusal = try_admit(&request, "POST", PROMPT_PATH, &|_| Ok(())).unwrap_err();
    assert_eq!(refusal.kind.label(), "not_verified");
}

proptest! {
    #[test]
    fn any_target_is_answered(target in any::<String>(), method in any::<String>()) {
        let refused = try_admit(&own_request(), &method, &target, &|_| Ok(())).is_err();
        prop_assert!(refused);
    }
}
