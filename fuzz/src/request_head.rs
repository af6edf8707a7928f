//! Heads of requests, from bytes to admission or refusal, and what an admitted one is answered.
//!
//! Input: one byte of flags, one byte for the age of the nonce, a line `METHOD target`, the
//! headers as text, an empty line and the body. Flags repair what blind mutation never gets right,
//! a signature above all.

use std::sync::LazyLock;

use schnorrkel::{PublicKey, Signature, signing_context};
use sn1::synapse::Endpoint;
use sn1::synapse::headers::AxonIdentity;
use sn1::synapse::pipeline::{
    Admitted, Asked, Refusal, RefusalKind, RequestParts, admit, read_ping, read_prompt,
};
use sn1::synapse::verify::{MonotonicNonces, Verifier, VerifierConfig, VerifyPolicy};
use sn1::wallet::Keypair;

use crate::{head_text, legal};

/// The lenient rules apply.
const LENIENT: u8 = 1;
/// Alice signs the request, whatever it says.
const SIGNED: u8 = 2;
/// The nonce becomes Unix time, some seconds from now.
const TIMELY: u8 = 4;
/// Monotonic nonces are refused.
const NO_MONOTONIC: u8 = 8;
/// The text is signed as browser wallets do.
const WRAPPED: u8 = 16;
/// The gate turns the caller away.
const SHUT: u8 = 32;

const NOW: u64 = 1_800_000_000_000_000_000;
const S: i128 = 1_000_000_000;

static ALICE: LazyLock<Keypair> =
    LazyLock::new(|| Keypair::from_dev_path("//Alice").expect("a development key"));
static AXON: LazyLock<AxonIdentity> = LazyLock::new(|| {
    AxonIdentity::new(Keypair::from_dev_path("//Bob").expect("a development key"), "b0b".into())
});

/// Panics when the core admits what it must not, or answers with what cannot be sent.
pub fn check(input: &[u8]) {
    answered(input);
}

/// The status that the request is answered with; `None` where the input is no request.
pub(crate) fn answered(input: &[u8]) -> Option<u16> {
    let (&[flags, age], rest) = input.split_first_chunk()?;
    let (line, rest) = head_text::next_line(rest)?;
    let line = std::str::from_utf8(line).ok()?;
    let (method, target) = line.split_once(' ').unwrap_or((line, ""));
    let (headers, body) = head_text::split(rest);
    let repairs = repairs(&headers, flags, age);
    let repairs = repairs.iter().map(|(name, value)| (*name, value.as_bytes()));
    let headers: Vec<(&str, &[u8])> = headers.into_iter().chain(repairs).collect();
    let has = |flag: u8| flags & flag != 0;
    let verifier = Verifier::new(VerifierConfig {
        policy: if has(LENIENT) { VerifyPolicy::Lenient } else { VerifyPolicy::Strict },
        monotonic: match has(NO_MONOTONIC) {
            true => MonotonicNonces::Refuse,
            false => MonotonicNonces::Accept,
        },
        ..VerifierConfig::default()
    });
    let gate = |_: &Asked| match has(SHUT) {
        true => Err(RefusalKind::Blacklisted("\u{e9}\r\nx: y\0".repeat(usize::from(age) * 40))),
        false => Ok(()),
    };
    let parts = RequestParts {
        method,
        target,
        headers: &headers,
        peer: ([127, 0, 0, 1], 9).into(),
        arrived_unix_ns: NOW,
    };
    let try_again = || admit(&parts, NOW, &AXON, &gate, &verifier);
    let admitted = match try_again() {
        Err(refusal) => {
            legal::check_refusal(&refusal);
            assert_eq!(verifier.n_pairs(), 0, "a refused request leaves no trace");
            return Some(refusal.http_status);
        }
        Ok(admitted) => admitted,
    };
    assert!(!has(SHUT) && (method == "GET" || method == "POST"));
    check_admitted(&admitted, &headers, verifier.policy());
    check_replay(&admitted, try_again());
    Some(check_answer(&admitted, &headers, body))
}

/// Headers that come last, and so count.
fn repairs(headers: &[(&str, &[u8])], flags: u8, age: u8) -> Vec<(&'static str, String)> {
    let mut repairs = Vec::new();
    let mut nonce = head_text::value(headers, "bt_header_dendrite_nonce");
    if flags & TIMELY != 0 {
        let timely = i128::from(NOW) + (i128::from(age) - 128) * S;
        nonce = Some(timely.to_string());
        repairs.push(("bt_header_dendrite_nonce", timely.to_string()));
    }
    if flags & SIGNED != 0 {
        let hotkey = ALICE.account_id().to_ss58();
        let text = signed_text(headers, nonce, &hotkey);
        let text = if flags & WRAPPED != 0 { format!("<Bytes>{text}</Bytes>") } else { text };
        let digits: String =
            ALICE.sign(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        repairs.push(("bt_header_dendrite_hotkey", hotkey));
        repairs.push(("bt_header_dendrite_signature", format!("0x{digits}")));
    }
    repairs
}

/// The text under the signature, from raw headers and a nonce in plain digits.
fn signed_text(headers: &[(&str, &[u8])], nonce: Option<String>, hotkey: &str) -> String {
    let value = |name: &str| head_text::value(headers, name).unwrap_or_else(|| "None".into());
    let nonce = nonce.unwrap_or_else(|| "None".into());
    let (uuid, hash) = (value("bt_header_dendrite_uuid"), value("computed_body_hash"));
    format!("{nonce}.{hotkey}.{}.{uuid}.{hash}", AXON.hotkey())
}

/// An admitted request is signed by the account it came from, for this axon, and timely.
fn check_admitted(admitted: &Admitted, headers: &[(&str, &[u8])], policy: VerifyPolicy) {
    let hotkey = head_text::value(headers, "bt_header_dendrite_hotkey").expect("a hotkey");
    let nonce = admitted.head().dendrite.nonce;
    let text = signed_text(headers, nonce.map(|nonce| nonce.to_string()), &hotkey);
    let wrapped = format!("<Bytes>{text}</Bytes>");
    let signature = head_text::value(headers, "bt_header_dendrite_signature").expect("one");
    let key = PublicKey::from_bytes(&admitted.account.0).expect("a public key");
    let signature = Signature::from_bytes(&unhex(&signature)).expect("a signature");
    let context = signing_context(b"substrate");
    assert!(
        [text, wrapped]
            .iter()
            .any(|text| key.verify(context.bytes(text.as_bytes()), &signature).is_ok())
    );

    if policy == VerifyPolicy::Strict {
        let nonce = nonce.expect("a nonce");
        let is_modern = admitted.head().dendrite.version.is_some_and(|n| n >= 7_002_000);
        let age = i128::from(NOW) - nonce;
        assert!(!(is_modern || nonce >= S * S) || (-5 * S..64 * S).contains(&age), "{age}");
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.strip_prefix("0x").expect("0x in front").as_bytes();
    assert_eq!(digits.len(), 128);
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a digit") as u8;
    digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// The same request is not served twice, unless it has no nonce, which only lenient rules allow.
fn check_replay(admitted: &Admitted, again: Result<Admitted, Refusal>) {
    match again {
        Ok(_) => assert_eq!(admitted.head().dendrite.nonce, None),
        Err(refusal) => {
            legal::check_refusal(&refusal);
            assert_eq!(refusal.http_status, 401);
        }
    }
}

/// Whatever comes of the body can be sent. Gives the status.
fn check_answer(admitted: &Admitted, headers: &[(&str, &[u8])], body: &[u8]) -> u16 {
    let content_type = head_text::value(headers, "content-type");
    let content_type = content_type.as_deref();
    let read = match admitted.endpoint() {
        Endpoint::Prompt => {
            read_prompt(admitted, body, content_type, &AXON, NOW).map(|prompt| prompt.body_hash)
        }
        Endpoint::Ping => {
            read_ping(admitted, body, content_type, &AXON, NOW).map(|ping| ping.body_hash)
        }
    };
    for kind in [RefusalKind::TimedOut, RefusalKind::Overloaded, RefusalKind::Failed] {
        legal::check_refusal(&admitted.refuse(kind, &AXON, NOW));
    }
    match read {
        Ok(body_hash) => {
            legal::check_headers(&admitted.reply_headers(&body_hash, &AXON, NOW), 200);
            200
        }
        Err(refusal) => {
            legal::check_refusal(&refusal);
            refusal.http_status
        }
    }
}
