//! The official SDK, 10.5.0, against the node: `sdk.py` does what an operator does, step by step.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sn1::wallet::Keypair;

use super::process::DevChain;

const VERSION: &str = "10.5.0";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The Python with the SDK; `None`, with a message, when the test is skipped.
fn python() -> Option<PathBuf> {
    let folder = std::env::var_os("SN1_SDK_10")
        .map_or_else(|| root().join(format!("third_party/sdk-{VERSION}")), PathBuf::from);
    let python = folder.join("bin/python");
    if python.exists() {
        return Some(python);
    }
    println!("skipped: bittensor {VERSION} is not installed (make sdk)");
    None
}

/// The results of the steps, by name.
fn run(python: &Path, chain: &DevChain, netuid: &str) -> Vec<(String, Value)> {
    let script = root().join("tests/devchain/sdk.py");
    let mut child = Command::new(python)
        .arg(script)
        .args(["--url", chain.url(), "--netuid", netuid])
        .env("BT_LOGGING_DEBUG", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let said = std::thread::spawn(move || {
        let mut said = String::new();
        // Its error output is shown if it fails.
        let _ = stderr.read_to_string(&mut said);
        said
    });
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // The SDK writes log lines to standard output too.
    let steps = lines.map_while(Result::ok).filter_map(|line| serde_json::from_str(&line).ok());
    let steps: Vec<Value> = steps.filter(|step: &Value| step["step"].is_string()).collect();
    let status = child.wait().unwrap();
    let said = said.join().unwrap();
    for step in &steps {
        assert!(step.get("error").is_none(), "{}\n{}\n{said}", step["error"], step["trace"]);
    }
    assert!(status.success(), "{said}");
    let name = |step: &Value| step["step"].as_str().unwrap().to_owned();
    steps.iter().map(|step| (name(step), step["value"].clone())).collect()
}

fn address(path: &str) -> String {
    Keypair::from_dev_path(path).unwrap().account_id().to_ss58()
}

#[test]
fn the_official_sdk_takes_it_for_a_real_chain() {
    let Some(python) = python() else { return };
    let chain = DevChain::start(&[
        "--netuid",
        "7",
        "--block-time",
        "250ms",
        "--generation",
        "stateful",
        "--tempo",
        "10",
        "--weights-rate-limit",
        "0",
        "--serving-rate-limit",
        "0",
        "--burn",
        "0.5",
    ]);
    let steps = run(&python, &chain, "7");
    let value = |name: &str| {
        let found = steps.iter().find(|(step, _)| step == name);
        found.unwrap_or_else(|| panic!("no step {name}")).1.clone()
    };
    assert_eq!(value("block")["genesis"], chain.ask("chain_getBlockHash", json!([0])));
    assert_eq!(value("balance")["rao"], 1_000_000_000_000_000_u64);
    assert_eq!(value("subnets")["exists"], true);
    assert_eq!(value("hyperparameters")["tempo"], 10);
    assert_eq!(value("hyperparameters")["weights_rate_limit"], 0);
    assert_eq!(value("hyperparameters")["commit_reveal_weights_enabled"], false);
    assert_eq!(value("register")["uids"], json!([0, 1]));
    let (validator, miner) = (address("//Validator"), address("//Miner"));
    let neurons = value("neurons");
    assert_eq!((&neurons[0]["hotkey"], &neurons[1]["hotkey"]), (&json!(validator), &json!(miner)));
    assert_eq!(neurons[1]["coldkey"], address("//Bob"));
    assert_eq!(neurons[1]["axon"], "203.0.113.7:8091");
    let metagraph = value("metagraph");
    assert_eq!(metagraph["hotkeys"], json!([validator, miner]));
    assert_eq!(metagraph["permits"][0], true);
    assert_eq!(metagraph["axons"][1], "203.0.113.7:8091");
    // 0.25 and 1, scaled by the SDK and again by the chain.
    assert_eq!(value("set_weights")["stored"], json!([[0, 16384], [1, 65535]]));
    assert_eq!(value("set_weights_too_fast")["success"], false);
    let committed = value("commit_weights");
    assert_eq!(committed["before"], json!([[0, 16384], [1, 65535]]));
    assert_eq!(committed["revealed"], json!([[0, 65535], [1, 32768]]));
    assert_eq!(value("transfer")["rao"], 1_500_000_000_u64);
}
