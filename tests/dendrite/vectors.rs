//! The scripted replies that were recorded with the SDK's dendrite, played over real sockets.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::Asker;
use super::peer::{Peer, Script, Step};

/// The factor for the scripts' times and their deadline: the margins of the recording are tenths of
/// seconds, which a busy machine cannot keep.
const STRETCH: f64 = 3.0;

fn seconds(number: &Value) -> Duration {
    Duration::from_secs_f64(STRETCH * number.as_f64().unwrap())
}

fn cases() -> Vec<Value> {
    let root = std::env::var_os("SN1_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data")),
        PathBuf::from,
    );
    let path = root.join("protocol/vectors/dendrite-outcomes-10.5.0.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut file: Value = serde_json::from_str(&text).unwrap();
    let Value::Array(cases) = file["vectors"].take() else { panic!("no vectors") };
    cases
}

fn script(case: &Value) -> Option<Script> {
    let steps = case["server_script"].as_array()?;
    let resets_after = |at: usize| steps.get(at + 1).is_some_and(|next| next == "reset");
    let step = |(at, step): (usize, &Value)| match step {
        Value::Object(_) => {
            Step::Say(STANDARD.decode(step["bytes_b64"].as_str().unwrap()).unwrap())
        }
        Value::Number(_) if resets_after(at) => Step::UntilRead,
        Value::Number(_) => Step::Pause(seconds(step)),
        Value::String(word) if word == "reset" => Step::Reset,
        _ => Step::Pause(Duration::ZERO),
    };
    let closes = steps.last().is_some_and(|last| last == "close" || last == "reset");
    let ending = if closes { None } else { Some(Step::Hold) };
    Some([Step::Read].into_iter().chain(steps.iter().enumerate().map(step)).chain(ending).collect())
}

/// What we require where it differs from Python (docs/spec/wire.md#outcomes and
/// docs/spec/wire.md#dendrite-duties).
fn expected(case: &Value) -> (Option<u16>, String) {
    let wanted = &case["final"];
    let code = wanted["status_code"].as_u64().map(|code| u16::try_from(code).unwrap());
    let text = wanted["completion"].as_str().unwrap().to_owned();
    match case["case"].as_str().unwrap() {
        // We require HTTP 200 as well; the body of a refusal is not an answer.
        "status-header-only-200-http-500" => (Some(500), String::new()),
        "http-200-status-header-500" | "http-404-bare" | "http-401-bt" | "http-503-bare" => {
            (code, String::new())
        }
        // We join characters across reads, and compare header names without regard to case.
        "split-utf8" => (Some(200), "café".to_owned()),
        "upper-case-headers" => (Some(200), text),
        _ => (code, text),
    }
}

#[actix::test]
async fn every_scripted_reply_has_the_outcome_of_the_current_sdk_save_for_the_deliberate_fixes() {
    let cases: Vec<_> =
        cases().into_iter().filter_map(|case| Some((script(&case)?, case))).collect();
    assert!(!cases.is_empty());
    let timeout = seconds(&cases[0].1["timeout"]);
    let peers: Vec<_> = cases.iter().map(|(script, _)| Peer::start(vec![script.clone()])).collect();
    let asker = Asker::start(|_| {});
    let answers = asker.ask_and_say_what_is_read(&peers, timeout).await;
    for ((_, case), answer) in cases.iter().zip(answers) {
        let (code, text) = expected(case);
        let id = case["id"].as_str().unwrap();
        assert_eq!(answer.outcome.status_code, code, "{id} {:?}", answer.outcome);
        assert_eq!(answer.outcome.completion, text, "{id}");
        let chunks: String = answer.chunks.iter().map(|(text, _)| text.as_str()).collect();
        let kept = if text.is_empty() { chunks.clone() } else { text };
        assert_eq!(chunks, kept, "{id}");
    }
    asker.stop().await;
}
