//! What every reply of an axon must look like, whoever asked for it.

use sn1::synapse::headers::Header;
use sn1::synapse::pipeline::Refusal;

/// The statuses that an axon may refuse with (docs/spec/wire.md#status-codes and
/// docs/spec/wire.md#axon-duties).
const REFUSALS: [u16; 13] = [307, 400, 401, 403, 404, 405, 408, 413, 422, 429, 431, 500, 503];

/// Panics unless the refusal is a whole and legal reply.
pub(crate) fn check_refusal(refusal: &Refusal) {
    assert!(REFUSALS.contains(&refusal.http_status), "{}", refusal.http_status);
    check_headers(&refusal.headers, refusal.http_status);
    let body: serde_json::Value = serde_json::from_slice(&refusal.body).expect("a JSON body");
    assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
}

/// Panics unless the headers can be sent and say the status in one line of ASCII.
pub(crate) fn check_headers(headers: &[Header], status: u16) {
    assert!(headers.len() <= 128, "{} headers", headers.len());
    for (idx, (name, value)) in headers.iter().enumerate() {
        let token = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        assert!(!name.is_empty() && name.bytes().all(token), "{name:?}");
        assert!(value.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{name}: {value:?}");
        assert!(name.len() + value.len() < 8190, "{name} is too long");
        assert!(headers[..idx].iter().all(|(other, _)| other != name), "{name} comes twice");
    }
    let value = |name: &str| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value);
    assert_eq!(value("bt_header_axon_status_code"), Some(&status.to_string()));
    assert!(value("bt_header_axon_status_message").is_some_and(|message| !message.is_empty()));
}
