//! Altered requests, and what the axon of the caller's generation answered.
//!
//! Each request is compared with the SDK that its stated version belongs to. The rules for intended
//! differences, under either policy:
//!
//! - where the SDK drops the connection, any status from 400 on is accepted;
//! - a lone surrogate escape is refused with 422;
//! - the status header always repeats the status line (the SDKs' own routers and parsers say 200
//!   or nothing there).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Captured, Header, SDKS, cases, let_everyone_in, nanoseconds, text};
use crate::synapse::pipeline::{Asked, Refusal, RefusalKind, read_ping};
use crate::synapse::verify::{Verifier, VerifierConfig, VerifyPolicy};
use crate::synapse::{Generation, PING_PATH};

/// The answer to one request of a run.
struct Answer {
    status: u16,
    status_header: Option<String>,
    message: Option<String>,
    label: &'static str,
}

impl Answer {
    fn success(headers: &[Header]) -> Self {
        Self { status: 200, status_header: status_header(headers), message: None, label: "ok" }
    }

    fn refused(refusal: &Refusal) -> Self {
        let body: Value = serde_json::from_slice(&refusal.body).unwrap();
        Self {
            status: refusal.http_status,
            status_header: status_header(&refusal.headers),
            message: body["message"].as_str().map(str::to_owned),
            label: match &refusal.kind {
                RefusalKind::NotVerified(error) => error.label(),
                kind => kind.label(),
            },
        }
    }
}

fn status_header(headers: &[Header]) -> Option<String> {
    let found = headers.iter().find(|(name, _)| *name == "bt_header_axon_status_code");
    found.map(|(_, value)| value.clone())
}

/// The application behind the axon, as the options of the capture tool describe it.
struct Application {
    blacklist: Option<String>,
    gate_fails: bool,
    later: Option<RefusalKind>,
}

impl Application {
    fn of(options: &Value) -> Self {
        let words: Vec<&str> =
            options.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        let value_of = |name: &str| {
            words.iter().position(|word| *word == name).and_then(|idx| words.get(idx + 1)).copied()
        };
        let later = match (value_of("--priority"), value_of("--mode")) {
            (Some("timeout"), _) => Some(RefusalKind::TimedOut),
            (Some("raise"), _) | (_, Some("error")) => Some(RefusalKind::Failed),
            _ => None,
        };
        Self {
            blacklist: value_of("--blacklist").map(str::to_owned),
            gate_fails: words.contains(&"--blacklist-raises"),
            later,
        }
    }

    fn gate(&self, asked: &Asked) -> Result<(), RefusalKind> {
        if self.gate_fails {
            return Err(RefusalKind::Failed);
        }
        if self.blacklist.is_some() && asked.head().dendrite.hotkey == self.blacklist {
            return Err(RefusalKind::Blacklisted("Unrecognized hotkey".into()));
        }
        let_everyone_in(asked)
    }

    fn answer(&self, captured: &Captured, verifier: &Verifier, now: u64) -> Answer {
        let admitted = match captured.admit(now, &|asked| self.gate(asked), verifier) {
            Ok(admitted) => admitted,
            Err(refusal) => return Answer::refused(&refusal),
        };
        let read = captured.read(&admitted, now);
        match (read, &self.later) {
            (Err(refusal), _) => Answer::refused(&refusal),
            (Ok(_), Some(kind)) => {
                Answer::refused(&admitted.refuse(kind.clone(), &super::bob(), now))
            }
            (Ok(headers), None) => Answer::success(&headers),
        }
    }
}

/// Plays one run; `None` if its bytes are not stored.
fn play(case: &Value, run: &Value, policy: VerifyPolicy) -> Option<Vec<Answer>> {
    let requests = run["requests"].as_array().unwrap();
    if requests.iter().any(|request| request["bytes_stored"] != true) {
        return None;
    }
    let application = Application::of(&case["axon_options"]);
    let verifier = Verifier::new(VerifierConfig { policy, ..VerifierConfig::default() });
    let answer = |request| application.answer(&Captured::of(request), &verifier, nanoseconds(run));
    Some(requests.iter().map(answer).collect())
}

/// The answer of the SDK that the last request's version belongs to.
fn verdict(case: &Value) -> Option<&Value> {
    let run = &case["verdicts"][SDKS[0]];
    let request = run["requests"].as_array().unwrap().last().unwrap();
    request.get("headers")?;
    let captured = Captured::of(request);
    let sdk = match Generation::of_headers(captured.headers()) {
        Generation::Modern => SDKS[0],
        Generation::Legacy => SDKS[1],
    };
    Some(&case["verdicts"][sdk])
}

/// Whether a body of the run has an unpaired surrogate escape.
fn has_lone_surrogate(run: &Value) -> bool {
    let requests = run["requests"].as_array().unwrap();
    requests.iter().any(|request| {
        let body = Captured::of(request).body;
        let body = String::from_utf8_lossy(&body).to_ascii_lowercase().replace(r"\\", "");
        let is_half = |digits: &str, kinds: [char; 4]| {
            digits.starts_with('d') && digits[1..].starts_with(kinds)
        };
        let mut halves = body.split("\\u").skip(1).map(|part| {
            let high = is_half(part, ['8', '9', 'a', 'b']);
            (high, is_half(part, ['c', 'd', 'e', 'f']), part.len() == 4)
        });
        let mut awaits_low = false;
        halves.any(|(high, low, is_followed_at_once)| {
            let is_lone = low != awaits_low;
            awaits_low = high;
            is_lone || (high && !is_followed_at_once)
        })
    })
}

/// Whether our status is right for the SDK's answer `theirs`.
fn agrees(theirs: &Value, ours: &Answer, lone_surrogate: bool) -> bool {
    match theirs.as_u64() {
        _ if lone_surrogate => ours.status == 422,
        None => ours.status >= 400,
        Some(status) => u64::from(ours.status) == status,
    }
}

/// The text with its numbers masked, if it is worded like the SDKs'.
fn comparable(message: &str) -> Option<String> {
    let ours_alone = [
        "Internal",
        "Improperly",
        "SS58",
        "address",
        "checksum",
        "character",
        "ignature should",
        "ignature format",
        "hex",
        "bytes of length",
        "Invalid signature",
        "SR25519",
        "function",
        "not in list",
    ];
    let is_ours = ours_alone.iter().any(|part| message.contains(part));
    let masked = message.chars().map(|c| if c.is_ascii_digit() { '0' } else { c });
    let mut text: String = masked.collect();
    while text.contains("00") {
        text = text.replace("00", "0");
    }
    (!is_ours).then_some(text)
}

#[test]
fn lenient_answers_as_the_sdk_of_the_caller() {
    let mut n_checked = 0;
    for case in SDKS.iter().flat_map(|sdk| cases("negative", sdk)) {
        let id = text(&case, "id");
        let Some(run) = verdict(&case) else { continue };
        let Some(answers) = play(&case, run, VerifyPolicy::Lenient) else {
            continue;
        };
        let lone_surrogate = has_lone_surrogate(run);
        for (idx, ours) in answers.iter().enumerate() {
            let theirs = &run["status"][idx];
            assert!(
                agrees(theirs, ours, lone_surrogate),
                "{id} request {idx}: {theirs} but ours {} {:?}",
                ours.status,
                ours.message
            );
            assert_eq!(ours.status_header.as_deref(), Some(&*ours.status.to_string()), "{id}");
            let reply = &run["replies"][idx];
            let body: Value =
                serde_json::from_str(reply["body_text"].as_str().unwrap_or("")).unwrap_or_default();
            if let Some(theirs) = body["message"].as_str().and_then(comparable) {
                let ours = ours.message.as_deref().and_then(comparable);
                assert_eq!(ours.as_ref(), Some(&theirs), "{id}");
            }
        }
        n_checked += 1;
    }
    assert!(n_checked > 0);
}

/// The only labels that the strict policy may give where the lenient one admits the request.
const STRICT_LABELS: [&str; 7] = [
    "bad_timeout",   // NaN, infinite, negative
    "stale_nonce",   // a Unix-like nonce of any version, or a timeout beyond the cap
    "future_nonce",  // more than five seconds ahead
    "no_nonce",      // from every generation
    "bad_hotkey",    // 0x and a public key
    "hash_mismatch", // the body's own list of hashed fields
    "ok", // after a first request of the run was refused for one of these; and HEAD, as GET
];

#[test]
fn strict_differs_from_lenient_in_the_documented_families_only() {
    let mut families = BTreeSet::new();
    for case in SDKS.iter().flat_map(|sdk| cases("negative", sdk)) {
        let id = text(&case, "id");
        let Some(run) = verdict(&case) else { continue };
        let Some(lenient) = play(&case, run, VerifyPolicy::Lenient) else {
            continue;
        };
        let strict = play(&case, run, VerifyPolicy::Strict).unwrap();
        let mut differed_before = false;
        for (ours, lenient) in strict.iter().zip(&lenient) {
            if ours.status == lenient.status {
                continue;
            }
            assert!(STRICT_LABELS.contains(&ours.label), "{id} {} {:?}", ours.label, ours.message);
            let is_head = id.ends_with("/method/head");
            assert!(ours.label != "ok" || differed_before || is_head, "{id}");
            assert!(ours.label == "ok" || lenient.status == 200, "{id}: {}", lenient.status);
            differed_before = true;
            families.insert(ours.label);
        }
    }
    assert!(!families.is_empty());
}

#[test]
fn pings_are_answered_with_the_json_of_the_current_sdk() {
    let mut n_checked = 0;
    for case in SDKS.iter().flat_map(|sdk| cases("negative", sdk)) {
        let run = &case["verdicts"][SDKS[0]];
        for (request, reply) in
            run["requests"].as_array().unwrap().iter().zip(run["replies"].as_array().unwrap())
        {
            if request["target"] != PING_PATH || reply["status"] != 200 {
                continue;
            }
            let captured = Captured::of(request);
            let now = nanoseconds(run);
            let verifier = Verifier::new(VerifierConfig::default());
            let admitted = captured.admit(now, &let_everyone_in, &verifier).unwrap();
            let content_type = captured.header("content-type");
            let ping = read_ping(&admitted, &captured.body, content_type, &super::bob(), now);
            let ours: Value = serde_json::from_slice(&ping.unwrap().json).unwrap();
            let mut theirs: Value = serde_json::from_str(text(reply, "body_text")).unwrap();
            // The process time depends on the moment, and the headers state it anyway.
            theirs["axon"]["process_time"] = Value::Null;
            assert_eq!(ours, theirs, "{}", text(&case, "id"));
            n_checked += 1;
        }
    }
    assert!(n_checked > 0);
}
