//! The chain side of a local net, without a language model: the node is killed around the signing
//! of weights, and its journal and its chain must agree.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sn1::store::ChainStore;
use sn1_actors::chain::Failpoint;
use strum::VariantArray;
use tempfile::TempDir;

/// The deadline of every run.
const DEADLINE: Duration = Duration::from_secs(240);
/// Blocks between two weight settings.
const EPOCH_LENGTH: u64 = 8;

/// A local net that keeps its state in this folder.
fn localnet(folder: &Path) -> Command {
    const FAST: [&str; 12] = [
        "--block-time",
        "100ms",
        "--neuron.timeout",
        "1",
        "--neuron.tasks",
        "math",
        "--neuron.task_p",
        "1",
        "--seed",
        "7",
        "--telemetry.port",
        "0",
    ];
    let mut command = Command::new(env!("CARGO_BIN_EXE_sn1"));
    command
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap())
        .arg("localnet")
        .args(FAST)
        .args(["--neuron.epoch_length", &EPOCH_LENGTH.to_string()])
        .arg("--keep")
        .arg(folder.join("state"))
        .arg("--report")
        .arg(folder.join("report.json"))
        .env("SN1_LOCALNET__TEMPO", "10");
    command
}

/// Runs a local net in this folder until it prints `part`, then interrupts it; or until it dies.
fn run(folder: &Path, failpoint: Option<Failpoint>, part: &str) -> (ExitStatus, String) {
    let mut command = localnet(folder);
    if let Some(failpoint) = failpoint {
        command.env("SN1_FAILPOINT", format!("{}:2", failpoint.name()));
    }
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let process = child.id().to_string();
    let watchdog = Instant::now() + DEADLINE;
    let (mut said, mut is_told) = (String::new(), false);
    // The console prints for as long as the node runs, so that a line comes before long.
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
        said.push_str(&line);
        said.push('\n');
        let is_over = line.contains(part) || Instant::now() > watchdog;
        if is_over && !std::mem::replace(&mut is_told, true) {
            Command::new("kill").args(["-INT", &process]).status().unwrap();
        }
    }
    (child.wait().unwrap(), said)
}

#[test]
fn weights_are_set_once_in_each_window_whenever_the_node_dies() {
    let folder = TempDir::new().unwrap();
    for &failpoint in Failpoint::VARIANTS {
        let (status, said) = run(folder.path(), Some(failpoint), "no such line");
        assert_eq!(status.code(), None, "it should have died at {}: {said}", failpoint.name());
    }
    let (status, said) = run(folder.path(), None, "weights on chain");
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.contains("weights on chain"), "{said}");

    let report = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let journal = report["weight_commits"].as_array().unwrap();
    let outcome = |entry: &Value| entry["outcome"].as_str().unwrap().to_owned();
    let n_landed = journal.iter().filter(|entry| outcome(entry) == "landed").count();
    let n_lost = journal.iter().filter(|entry| outcome(entry) == "lost").count();
    assert_eq!(n_landed + n_lost, journal.len(), "every fate is known: {report}");
    // Only settings that were journalled and never sent are lost.
    assert!(n_lost <= 2 && n_landed >= Failpoint::VARIANTS.len(), "{report}");
    let blocks: Vec<u64> = journal.iter().filter_map(|entry| entry["block"].as_u64()).collect();
    let are_apart = blocks.windows(2).all(|pair| pair[1] > pair[0] + EPOCH_LENGTH);
    assert!(are_apart, "never twice in a window: {blocks:?}");
    // The chain's own record of the weights that it holds.
    let weights = report["miners"].as_array().unwrap().iter().map(|miner| &miner["weight"]);
    assert!(weights.clone().any(|weight| *weight == 65_535), "{report}");
}

#[test]
fn a_folder_with_the_chain_of_an_earlier_version_is_refused() {
    let folder = TempDir::new().unwrap();
    let state = folder.path().join("state");
    std::fs::create_dir(&state).unwrap();
    // The format of the chain's state before it had a node around it.
    let head = json!({ "number": 40, "hash": format!("0x{}", "5a".repeat(32)) });
    let chain = json!({ "genesis": head["hash"], "head": head, "state": {}, "pool": {} });
    let mut file = ChainStore::open(&state.join("chain.sqlite")).unwrap();
    assert!(file.load::<Value>().unwrap().is_none());
    file.save(40, &chain).unwrap();
    drop(file);
    let output = localnet(folder.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(65), "{said}");
    for part in ["another version", "move the state folder away", state.to_str().unwrap()] {
        assert!(said.contains(part), "no `{part}` in: {said}");
    }
    assert_eq!(said.lines().count(), 1, "{said}");
}
