//! The real Python SDK against our axon and our dendrite: how each side treats a good, a slow, a
//! failing, a vanishing, a huge and a garbled peer (docs/spec/wire.md#status-codes,
//! docs/spec/wire.md#replies and docs/spec/wire.md#dendrite-side).
//!
//! Each test runs for bittensor 10.5.0 and for 7.4.0, and passes with a line that says `skipped`
//! when that version is not installed (`make sdk`).

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "interop/ours.rs"]
mod ours;
#[path = "interop/sdk.rs"]
mod sdk;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ours::{HUGE_BYTES, OurAxon, OurDendrite, target};
use sdk::{Job, Sdk, TheirAnswer, TheirAxon, account};
use sn1::synapse::headers::{AxonAddress, RequestDraft};
use sn1::synapse::sign::{SignedRequest, sign_request};
use sn1::wallet::{AccountId, Keypair};
use sn1_actors::messages::miners::Answer;

/// Declares a test for each version.
macro_rules! with_both_sdks {
    ($($name:ident)*) => {
        mod bittensor_10_5_0 {
            $(#[test] fn $name() { super::Sdk::find("10.5.0").iter().for_each(super::$name); })*
        }
        mod bittensor_7_4_0 {
            $(#[test] fn $name() { super::Sdk::find("7.4.0").iter().for_each(super::$name); })*
        }
    };
}

with_both_sdks! {
    their_dendrite_reads_every_kind_of_answer
    their_dendrite_is_told_why_it_is_refused
    their_dendrites_are_served_side_by_side_and_one_after_another
    our_replies_carry_the_headers_of_theirs
    our_dendrite_reads_every_kind_of_their_axon
    our_requests_are_taken_once_and_for_one_hotkey
    our_dendrite_asks_one_axon_many_times_at_once
}

/// Text that Python's repr quotes and escapes in every possible way, so that the hash of the body
/// depends on it.
const AWKWARD: &str = "it's \"so\" \\ naïve\t\r\n\u{0}\u{1b}\u{7f}\u{80}\u{a0}\u{ad} 🐝👩\u{200d}👩\u{200d}👧 e\u{301} \u{feff}\u{202e}\u{2028}\u{3000}\u{e000}\u{10ffff}";
const LONG_TIMEOUT: f64 = 60.0;
const SHORT_TIMEOUT: f64 = 10.0;

/// What a text must be.
#[derive(Clone, Copy)]
enum Text<'a> {
    Is(&'a str),
    Starts(&'a str),
}

impl Text<'_> {
    fn check(self, text: &str, what: &str) {
        match self {
            Self::Is(expected) => assert_eq!(text, expected, "{what}"),
            Self::Starts(expected) => assert!(text.starts_with(expected), "{what}: {text:?}"),
        }
    }
}

use Text::{Is, Starts};

const PAYLOAD_ERROR: Text<'_> = Starts("Payload error: Response payload is not completed");
const NOT_UTF8: Text<'_> = Starts(
    "Failed to parse response: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
);

fn check(answer: &TheirAnswer, what: &str, status: u16, message: Text<'_>, completion: &str) {
    assert_eq!(answer.status_code, Some(status), "{what}: {answer:?}");
    message.check(answer.status_message.as_deref().unwrap_or_default(), what);
    assert_eq!(answer.completion.as_deref(), Some(completion), "{what}");
    assert_eq!(answer.chunks.concat(), completion, "{what}");
}

fn their_dendrite_reads_every_kind_of_answer(sdk: &Sdk) {
    let mut axon = OurAxon::start();
    let mut dendrite = sdk.dendrite();
    let timed_out = Is("Request timeout after 10.0 seconds");
    let many_words = "a word and another ".repeat(3000);
    let rows = [
        ("Why is the sky blue?", LONG_TIMEOUT, 200, Is("Success"), "Why is the sky blue?"),
        (AWKWARD, LONG_TIMEOUT, 200, Is("Success"), AWKWARD),
        (&many_words, LONG_TIMEOUT, 200, Is("Success"), &many_words),
        ("", LONG_TIMEOUT, 200, Is("Success"), ""),
        ("!empty", LONG_TIMEOUT, 200, Is("Success"), ""),
        ("!silent", SHORT_TIMEOUT, 408, timed_out, ""),
        ("!slow", SHORT_TIMEOUT, 408, timed_out, "first"),
        ("!break", LONG_TIMEOUT, 400, PAYLOAD_ERROR, "first"),
        ("!panic", LONG_TIMEOUT, 400, PAYLOAD_ERROR, "first"),
        ("!garbage", LONG_TIMEOUT, 422, NOT_UTF8, ""),
    ];
    for (message, timeout, status, text, completion) in rows {
        let job = Job::prompt(axon.address(), axon.hotkey(), &[message]).with("timeout", timeout);
        let answer = dendrite.ask(job);
        check(&answer, message, status, text, completion);
        assert_eq!(answer.process_time.is_some(), status == 200, "{message}");
        // Ended or cancelled: none of our miners works on for a caller that has gone.
        assert_eq!(axon.ended(), message);
    }
    let failed = dendrite.ask(Job::prompt(axon.address(), axon.hotkey(), &["!fail"]));
    let body = r#"{"message":"Internal Server Error"}"#;
    check(&failed, "fail", 500, Is("Internal Server Error"), body);
    let huge = dendrite.ask(Job::prompt(axon.address(), axon.hotkey(), &["!huge"]));
    check(&huge, "huge", 200, Is("Success"), &"x".repeat(HUGE_BYTES));
    let conversation: Vec<_> = (0..300).map(|turn| format!("turn {turn} {AWKWARD}")).collect();
    let mut messages: Vec<&str> = conversation.iter().map(String::as_str).collect();
    messages.push("!everything");
    let all = dendrite.ask(Job::prompt(axon.address(), axon.hotkey(), &messages));
    let roles = ["user", "assistant"].iter().cycle();
    let said: String =
        roles.zip(&messages).map(|(role, said)| format!("{role}: {said}\n")).collect();
    check(&all, "everything", 200, Is("Success"), &said);
}

fn their_dendrite_is_told_why_it_is_refused(sdk: &Sdk) {
    let axon = OurAxon::start();
    let mut dendrite = sdk.dendrite();
    let prompt = |hotkey| Job::prompt(axon.address(), hotkey, &["Hello"]);
    let mut refused = |job: Job, status: u16, message: Text<'_>| {
        let answer = dendrite.ask(job);
        assert_eq!(answer.status_code, Some(status), "{answer:?}");
        let text = answer.status_message.clone().unwrap();
        message.check(&text, "refusal");
        // Python takes the body of a refusal as the answer.
        let body = serde_json::json!({ "message": text }).to_string();
        assert_eq!(answer.completion, Some(body));
        assert!(answer.process_time.is_some(), "{answer:?}");
    };
    let unknown = prompt(axon.hotkey()).with("caller", "//Mallory");
    refused(unknown, 403, Is("Forbidden. Key is blacklisted: Unrecognized hotkey."));
    // The reason arrives although most of the body is never read.
    let large = "x".repeat(3 << 20);
    let large = Job::prompt(axon.address(), axon.hotkey(), &[&large]).with("caller", "//Mallory");
    refused(large, 403, Is("Forbidden. Key is blacklisted: Unrecognized hotkey."));
    let for_another = Starts("Not Verified with error: Signature mismatch with ");
    refused(prompt(account("//Charlie")), 401, for_another);

    let lone = dendrite.ask_raw(prompt(axon.hotkey()), "Hello", "a lone \\ud83d surrogate");
    assert_eq!(lone.status_code, Some(422), "our JSON is stricter than Python's: {lone:?}");
    let ping = dendrite.ask(prompt(axon.hotkey()).with("synapse", "ping"));
    assert_eq!((ping.status_code, ping.status_message.as_deref()), (Some(200), Some("Success")));
    let replies = dendrite.replay(prompt(axon.hotkey()));
    let replayed = r#"{"message":"Not Verified with error: Nonce is too old, a newer one was last processed"}"#;
    assert_eq!(replies, [(200, "Hello".to_owned()), (401, replayed.to_owned())]);
}

fn their_dendrites_are_served_side_by_side_and_one_after_another(sdk: &Sdk) {
    let axon = OurAxon::start();
    let mut peer = sdk.dendrite();
    let job = || Job::prompt(axon.address(), axon.hotkey(), &["Hello"]);
    // Each dendrite has a uuid of its own, so nonces cannot overtake each other.
    let answers = peer.ask_at_once((0..30).map(|n| job().with("dendrite", format!("d{n}"))));
    assert_eq!(answers.len(), 30);
    for answer in answers {
        check(&answer, "at once", 200, Is("Success"), "Hello");
    }
    for _ in 0..20 {
        let answer = peer.ask(job().with("dendrite", "d0"));
        check(&answer, "one after another", 200, Is("Success"), "Hello");
        assert_eq!(answer.headers.get("connection"), None, "the connection stays open");
    }
    // With a shared uuid, a request that was overtaken is refused, as their own axon would do.
    let overtaken = "Not Verified with error: Nonce is too old, a newer one was last processed";
    let answers = peer.ask_all(job().times(10));
    let texts: Vec<_> = answers.iter().map(|one| one.status_message.as_deref().unwrap()).collect();
    assert!(texts.iter().all(|text| ["Success", overtaken].contains(text)), "{texts:?}");
    assert!(texts.contains(&"Success"), "{texts:?}");
}

fn our_replies_carry_the_headers_of_theirs(sdk: &Sdk) {
    let axon = OurAxon::start();
    let (_axons, theirs) = sdk.axons(&["echo", "blacklist"]);
    let mut peer = sdk.dendrite();
    let mut headers = |address, hotkey, caller: &str| {
        let job = Job::prompt(address, hotkey, &["Hello"]).with("caller", caller);
        let mut headers = peer.ask(job).headers;
        // Python compares the protocol's header names exactly, and HTTP's without regard to case.
        if let Some(value) = headers.remove("Transfer-Encoding") {
            headers.insert("transfer-encoding".to_owned(), value);
        }
        // Our axon does not name its software, and may close after a refusal without reading the
        // body.
        headers.remove("server");
        headers.remove("connection");
        headers
    };
    for (their_axon, caller) in [(&theirs[0], sdk::THEIR_CALLER), (&theirs[1], "//Mallory")] {
        let mut ours = headers(axon.address(), axon.hotkey(), caller);
        let mut expected = headers(their_axon.address(), their_axon.hotkey(), caller);
        let names = |headers: &BTreeMap<String, String>| Vec::from_iter(headers.keys().cloned());
        assert_eq!(names(&ours), names(&expected));
        for varying in VARYING {
            ours.remove(*varying);
            expected.remove(*varying);
        }
        assert_eq!(ours, expected);
    }
}

/// Headers whose values differ between requests or axons.
const VARYING: &[&str] = &[
    "date",
    "total_size",
    "header_size",
    "content-length",
    "bt_header_axon_hotkey",
    "bt_header_axon_nonce",
    "bt_header_axon_port",
    "bt_header_axon_process_time",
    "bt_header_axon_signature",
    "bt_header_axon_uuid",
    "bt_header_axon_version",
    "bt_header_dendrite_nonce",
    "bt_header_dendrite_port",
    "bt_header_dendrite_signature",
];

const MAX_ANSWER_BYTES: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(40);
const IMPATIENCE: Duration = Duration::from_secs(10);

type Row = (&'static str, u16, Text<'static>, &'static str);

/// What our dendrite makes of their axons whose answers end: status, message, text.
fn outcomes(is_10: bool) -> Vec<Row> {
    let broken = Is("Payload error: Response payload is not completed");
    let bug = Starts("Internal Server Error #");
    // After an exception in mid-stream, 10.5.0 ends the stream regularly and 7.4.0 breaks it off.
    let late = if is_10 { (200, Is("Success")) } else { (400, broken) };
    vec![
        ("good", 200, Is("Success"), "user: Hi\nassistant: Ho\nuser: it's \"so\" 🐝\n"),
        ("echo", 200, Is("Success"), "it's \"so\" 🐝"),
        ("empty", 200, Is("Success"), ""),
        ("split", 200, Is("Success"), "🐝"),
        ("fail", 500, bug, ""),
        ("fail_late", late.0, late.1, "first"),
        ("fail_streaming", late.0, late.1, ""),
        ("hang_up", 400, broken, "first"),
        ("reset", 400, broken, "first"),
        ("gone", 503, Is("Service disconnected: Server disconnected"), ""),
        ("garbage", 422, Is("Failed to parse response: body is not utf-8"), ""),
        ("blacklist", 403, Is("Forbidden. Key is blacklisted: Unrecognized hotkey."), ""),
        ("blacklist_fail", 500, bug, ""),
        ("priority_fail", 500, bug, ""),
        ("priority_timeout", 408, Is("Response timeout after: 40.0s"), ""),
    ]
}

/// The same for axons whose answers do not end.
fn endless_outcomes() -> Vec<Row> {
    let timed_out = Is("Request timeout after 10.0 seconds");
    vec![
        ("slow", 408, timed_out, "first"),
        ("silent", 408, timed_out, ""),
        ("stuck", 408, timed_out, ""),
    ]
}

fn check_ours(answer: &Answer, what: &str, status: u16, message: Text<'_>, completion: &str) {
    let outcome = &answer.outcome;
    assert_eq!(outcome.status_code, Some(status), "{what}: {outcome:?}");
    message.check(outcome.status_message.as_deref().unwrap_or_default(), what);
    assert_eq!(outcome.completion, completion, "{what}");
    assert_eq!(outcome.is_success(), status == 200, "{what}");
}

fn check_rows(rows: &[Row], answers: &[Answer]) {
    assert_eq!(answers.len(), rows.len());
    for ((behaviour, status, message, completion), answer) in rows.iter().zip(answers) {
        check_ours(answer, behaviour, *status, *message, completion);
    }
}

fn our_dendrite_reads_every_kind_of_their_axon(sdk: &Sdk) {
    let (ending, endless) = (outcomes(sdk.version.starts_with("10.")), endless_outcomes());
    let behaviours = ending.iter().chain(&endless).map(|row| row.0);
    let behaviours: Vec<_> = behaviours.chain(["drip", "huge"]).collect();
    let (_peer, axons) = sdk.axons(&behaviours);
    let (of_ending, others) = axons.split_at(ending.len());
    let (of_endless, others) = others.split_at(endless.len());
    let messages = ["Hi", "Ho", "it's \"so\" 🐝"];
    actix::System::new().block_on(async {
        let dendrite = OurDendrite::start(MAX_ANSWER_BYTES);
        check_rows(&ending, &dendrite.ask(of_ending, &messages, PATIENCE).await);
        check_rows(&endless, &dendrite.ask(of_endless, &messages, IMPATIENCE).await);
        let big = dendrite.ask(others, &messages, PATIENCE).await;
        let numbers: String = (0..500).map(|number| format!("{number} ")).collect();
        check_ours(&big[0], "drip", 200, Is("Success"), &numbers);
        let kept = big[1].outcome.completion.len();
        let too_large = Is("Failed to parse response: body is too large");
        check_ours(&big[1], "huge", 422, too_large, &"x".repeat(kept));
        assert!(kept <= MAX_ANSWER_BYTES, "{kept}");
        // Their axons answer the next question, on connections that stayed open.
        for _ in 0..5 {
            let again = dendrite.ask(&axons[..2], &["again"], PATIENCE).await;
            check_ours(&again[0], "good", 200, Is("Success"), "user: again\n");
            check_ours(&again[1], "echo", 200, Is("Success"), "again");
        }
        let awkward = dendrite.ask(&axons[1..2], &[AWKWARD], PATIENCE).await;
        check_ours(&awkward[0], "awkward", 200, Is("Success"), AWKWARD);
        dendrite.stop().await;
    });
}

/// Sends a signed request unchanged, over HTTP/1.0, whose replies end with the connection; returns
/// the status and the body.
fn post(axon: &TheirAxon, signed: &SignedRequest) -> (u16, String) {
    let mut connection = TcpStream::connect(axon.address()).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    let lines = signed.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    let (path, lines, n_bytes) = (signed.path, lines.collect::<String>(), signed.body.len());
    let head = format!("POST {path} HTTP/1.0\r\n{lines}content-length: {n_bytes}\r\n\r\n");
    connection.write_all(&[head.as_bytes(), &signed.body].concat()).unwrap();
    let mut reply = String::new();
    connection.read_to_string(&mut reply).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap();
    (status.parse().unwrap(), body.to_owned())
}

fn our_requests_are_taken_once_and_for_one_hotkey(sdk: &Sdk) {
    let (_peer, axons) = sdk.axons(&["echo"]);
    let hotkey = Keypair::from_dev_path(ours::OUR_CALLER).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let draft = |axon_hotkey: AccountId, nonce| {
        let (ip, axon_hotkey) = (axons[0].address().ip().to_string(), axon_hotkey.to_ss58());
        let draft = RequestDraft {
            axon: AxonAddress { ip: &ip, port: axons[0].address().port(), hotkey: &axon_hotkey },
            dendrite_ip: "192.0.2.7",
            dendrite_uuid: "e2f4a6c0-5d2b-4f0e-9a57-0d7c2f9b6a31",
            timeout_s: 12.0,
            roles: &["user".to_owned()],
            messages: &[AWKWARD.to_owned()],
        };
        sign_request(&hotkey, &draft, nonce).unwrap()
    };
    let signed = draft(axons[0].hotkey(), now);
    assert_eq!(post(&axons[0], &signed), (200, AWKWARD.to_owned()));
    let refused = |why: &str| {
        let message = format!("Not Verified with error: {why}");
        (401, serde_json::json!({ "message": message }).to_string())
    };
    let replayed = refused("Nonce is too old, a newer one was last processed");
    assert_eq!(post(&axons[0], &signed), replayed);
    assert_eq!(post(&axons[0], &draft(axons[0].hotkey(), now - 1)), replayed);
    let (status, body) = post(&axons[0], &draft(account("//Charlie"), now + 1));
    assert_eq!(status, 401);
    assert!(body.contains("Signature mismatch with"), "{body}");
    let next = draft(axons[0].hotkey(), now + 2);
    assert_eq!(post(&axons[0], &next), (200, AWKWARD.to_owned()));
    actix::System::new().block_on(async {
        let dendrite = OurDendrite::start(MAX_ANSWER_BYTES);
        let another = vec![target(0, axons[0].address(), account("//Charlie"))];
        let answers = dendrite.ask_targets(another, &["Hello"], PATIENCE).await;
        let mismatch = Starts("Not Verified with error: Signature mismatch with ");
        check_ours(&answers[0], "another hotkey", 401, mismatch, "");
        dendrite.stop().await;
    });
}

fn our_dendrite_asks_one_axon_many_times_at_once(sdk: &Sdk) {
    let (_peer, axons) = sdk.axons(&["echo"]);
    actix::System::new().block_on(async {
        let dendrite = OurDendrite::start(MAX_ANSWER_BYTES);
        let same = |_| dendrite.ask(&axons, &["Hello"], PATIENCE);
        for answers in futures_util::future::join_all((0..24).map(same)).await {
            check_ours(&answers[0], "at once", 200, Is("Success"), "Hello");
        }
        dendrite.stop().await;
    });
}
