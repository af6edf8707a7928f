//! The texts that are signed on the wire, and their nonces (docs/spec/wire.md#signature).

use std::sync::atomic::{AtomicU64, Ordering};

use rand::RngCore;

use super::PROMPT_PATH;
use super::body::{body_hash, request_body};
use super::headers::{Header, RequestDraft, Signed, request_headers};
use crate::wallet::Keypair;

/// Python's text for an absent field, which stands for it in signed texts
/// (docs/spec/wire.md#signed-text).
const ABSENT: &str = "None";

/// The text that a request's signature covers. Absent fields become `None`.
pub fn request_text(
    nonce: Option<i128>,
    dendrite_hotkey: &str,
    axon_hotkey: &str,
    dendrite_uuid: Option<&str>,
    body_hash: Option<&str>,
) -> String {
    let nonce = nonce.map_or_else(|| ABSENT.to_owned(), |nonce| nonce.to_string());
    let uuid = dendrite_uuid.unwrap_or(ABSENT);
    let hash = body_hash.unwrap_or(ABSENT);
    format!("{nonce}.{dendrite_hotkey}.{axon_hotkey}.{uuid}.{hash}")
}

/// The text that a reply's signature covers (docs/spec/wire.md#preprocess). It covers neither the
/// content nor the request's nonce.
pub fn reply_text(nonce: u64, dendrite_hotkey: &str, axon_hotkey: &str, axon_uuid: &str) -> String {
    format!("{nonce}.{dendrite_hotkey}.{axon_hotkey}.{axon_uuid}")
}

/// Signs a text and returns the signature as the wire carries it: `0x` and 128 lower-case hex
/// digits.
pub fn sign_text(keypair: &Keypair, text: &str) -> String {
    format!("0x{}", hex::encode(keypair.sign(text.as_bytes())))
}

/// Gives nonces for one uuid: Unix nanoseconds, strictly ascending across threads even if the clock
/// stands still or steps back.
#[derive(Debug, Default)]
pub struct NonceSource {
    last: AtomicU64,
}

impl NonceSource {
    /// A source that has not given a nonce yet.
    pub const fn new() -> Self {
        Self { last: AtomicU64::new(0) }
    }

    /// The next nonce: `now_unix_ns`, or the last nonce plus one if that is greater.
    pub fn next(&self, now_unix_ns: u64) -> u64 {
        let following = |last: u64| now_unix_ns.max(last.saturating_add(1));
        match self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(following(last)))
        {
            Ok(last) | Err(last) => following(last),
        }
    }
}

/// A request that is ready to be sent to the axon with POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// The path of the URL.
    pub path: &'static str,
    /// Headers without `Host` and `Content-Length`, which the HTTP client adds.
    pub headers: Vec<Header>,
    /// Body in JSON.
    pub body: Vec<u8>,
}

impl SignedRequest {
    /// The whole request as it goes over the wire to `host` (`ip:port`). It accepts no compression.
    pub fn to_http(&self, host: &str) -> Vec<u8> {
        let mut head = format!("POST {} HTTP/1.1\r\nhost: {host}\r\n", self.path);
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        let n_body_bytes = self.body.len();
        head.push_str("accept-encoding: identity\r\n");
        head.push_str(&format!("content-length: {n_body_bytes}\r\n\r\n"));
        let mut bytes = Vec::with_capacity(head.len() + n_body_bytes);
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// What all requests of one question share: computed once, however many axons are asked.
#[derive(Debug, Clone)]
pub struct Common {
    hotkey: String,
    body_hash: String,
}

impl Common {
    /// The shared part of all requests that `keypair` signs for these messages.
    pub fn new(keypair: &Keypair, messages: &[String]) -> Self {
        Self { hotkey: keypair.account_id().to_ss58(), body_hash: body_hash(messages) }
    }
}

/// Builds and signs the request of a dendrite. The nonce comes from the [`NonceSource`] of the
/// draft's uuid; a request must never be sent twice, because its nonce is used up.
///
/// # Errors
/// The body cannot be written as JSON, which never happens for finite numbers and text.
pub fn sign_request(
    keypair: &Keypair,
    draft: &RequestDraft<'_>,
    nonce: u64,
) -> Result<SignedRequest, serde_json::Error> {
    sign_one_of(keypair, &Common::new(keypair, draft.messages), draft, nonce)
}

/// Like [`sign_request`], for one of many requests: `common` must have the same key and messages.
///
/// # Errors
/// As [`sign_request`].
pub fn sign_one_of(
    keypair: &Keypair,
    common: &Common,
    draft: &RequestDraft<'_>,
    nonce: u64,
) -> Result<SignedRequest, serde_json::Error> {
    let Common { hotkey, body_hash } = common;
    let text = request_text(
        Some(i128::from(nonce)),
        hotkey,
        draft.axon.hotkey,
        Some(draft.dendrite_uuid),
        Some(body_hash),
    );
    let signature = sign_text(keypair, &text);
    let body = request_body(draft, hotkey, nonce, &signature)?;
    let signed = Signed { hotkey, nonce, signature: &signature, body_hash, body_bytes: body.len() };
    Ok(SignedRequest { path: PROMPT_PATH, headers: request_headers(draft, &signed), body })
}

/// A random version 4 UUID in its usual text form. Python sends version 1, which reveals the host's
/// network address.
pub fn random_uuid(rng: &mut impl RngCore) -> String {
    let mut bytes = [0_u8; 16];
    rng.fill_bytes(&mut bytes);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let digits = hex::encode(bytes);
    let groups = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    groups.join("-")
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::wallet::parse_signature;

    #[test]
    fn texts_join_with_dots_and_say_none_for_what_is_absent() {
        assert_eq!(request_text(Some(7), "alice", "bob", Some("u"), Some("h")), "7.alice.bob.u.h");
        assert_eq!(request_text(None, "alice", "bob", None, None), "None.alice.bob.None.None");
        assert_eq!(reply_text(7, "alice", "bob", "u"), "7.alice.bob.u");
    }

    #[test]
    fn signatures_verify_in_their_wire_form() {
        let keypair = Keypair::from_dev_path("//Alice").unwrap();
        let signature = parse_signature(&sign_text(&keypair, "text")).unwrap();
        keypair.account_id().verify(b"text", &signature).unwrap();
    }

    #[test]
    fn nonces_rise_when_the_clock_does_not() {
        let source = NonceSource::new();
        assert_eq!(source.next(100), 100);
        assert_eq!(source.next(100), 101);
        assert_eq!(source.next(50), 102);
        assert_eq!(source.next(200), 200);
    }

    #[test]
    fn nonces_never_repeat_across_threads() {
        let source = NonceSource::new();
        let mut all: Vec<u64> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..500).map(|_| source.next(9)).collect::<Vec<_>>()))
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        all.sort_unstable();
        assert!(all.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn uuids_are_of_version_four() {
        let uuid = random_uuid(&mut rand::rngs::StdRng::seed_from_u64(1));
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.as_bytes()[14], b'4');
        assert!(matches!(uuid.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
        assert_eq!(uuid.matches('-').count(), 4);
    }
}
