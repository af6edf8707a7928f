//! Python scripts that do to a chain what an operator does with the official programs, step by
//! step: finds the programs, runs a script, and reads what it tells.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::process::DevChain;

/// What a script told about one step: a line of JSON.
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) value: Value,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The Python with a program, in its folder of `third_party` or where the variable points; `None`,
/// with a message, when the test is skipped.
pub(crate) fn find(program: &str, version: &str, variable: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable)
        .map_or_else(|| root().join(format!("third_party/sdk-{version}")), PathBuf::from);
    let python = folder.join("bin/python");
    if python.exists() {
        return Some(python);
    }
    let version = version.trim_start_matches("cli-");
    println!("skipped: {program} {version} is not installed (make sdk)");
    None
}

/// Runs a script of this folder on a chain and returns its steps. Panics if one of them failed.
pub(crate) fn run(python: &Path, script: &str, chain: &DevChain, netuid: &str) -> Vec<Step> {
    let mut child = Command::new(python)
        .arg(root().join("tests/devchain").join(script))
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
    assert!(status.success(), "{}\n{said}", steps.last().unwrap_or(&Value::Null));
    let name = |step: &Value| step["step"].as_str().unwrap().to_owned();
    steps.into_iter().map(|value| Step { name: name(&value), value }).collect()
}
