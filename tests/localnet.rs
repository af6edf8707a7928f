//! The real binary with real sockets and a real model: a subnet that works, one that is broken on
//! purpose, one that is killed, and bad input. Tests wait for the node's output, with a deadline.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

const DEADLINE: Duration = Duration::from_secs(240);

/// A subnet needs the machine for itself, whichever test runner starts the tests.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sn1"));
    command.current_dir(root()).arg("localnet").args(["--telemetry.port", "0"]).args(arguments);
    command
}

/// A running subnet with fast blocks and short texts.
struct Net {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Net {
    fn start(arguments: &[&str]) -> Self {
        const FAST: [&str; 12] = [
            "--block-time",
            "250ms",
            "--neuron.timeout",
            "4",
            "--neuron.max_tokens",
            "24",
            "--neuron.epoch_length",
            "12",
            "--seed",
            "7",
            "--neuron.task_p",
            "0.6,0.2,0.2",
        ];
        let mut child = command(&FAST).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .take_while(|line| sender.send(line.clone()).is_ok())
                .count()
        });
        Self { child, lines, seen: Vec::new() }
    }

    /// Waits for a line that contains `part`, and returns it.
    fn until(&mut self, part: &str) -> String {
        let give_up = Instant::now() + DEADLINE;
        loop {
            let left = give_up.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(part) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("no line with `{part}`; the node said:\n{}", self.seen.join("\n"))
                }
            }
        }
    }

    fn signal(&self, name: &str) {
        let done =
            Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    fn end(mut self) -> (ExitStatus, String) {
        let give_up = Instant::now() + DEADLINE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < give_up, "the node did not stop");
            while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(50)) {
                self.seen.push(line);
            }
        }
        self.seen.extend(self.lines.try_iter());
        (self.child.wait().unwrap(), self.seen.join("\n"))
    }

    /// Stops the node with SIGINT; returns its last output.
    fn interrupt(self) -> String {
        self.signal("-INT");
        let (status, said) = self.end();
        assert_eq!(status.code(), Some(0), "{said}");
        said
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        // It has usually ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let status = reply.split(' ').nth(1).unwrap().parse().unwrap();
    (status, reply.split_once("\r\n\r\n").unwrap().1.to_owned())
}

/// The answers that `sn1 query` prints for each uid, all of which must succeed.
fn query(arguments: &[&str]) -> BTreeMap<u64, Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sn1"));
    let output =
        command.current_dir(root()).args(["query", "--json"]).args(arguments).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}{:?}", String::from_utf8(output.stderr));
    let lines = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| (line["uid"].as_u64().unwrap(), line)).collect()
}

fn report_of(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn miner<'a>(report: &'a Value, kind: &str) -> &'a Value {
    let miners = report["miners"].as_array().unwrap();
    miners
        .iter()
        .find(|miner| miner["kind"] == kind)
        .unwrap_or_else(|| panic!("no {kind} in {report}"))
}

fn n_landed(report: &Value) -> usize {
    let commits = report["weight_commits"].as_array().unwrap();
    commits.iter().filter(|commit| commit["outcome"] == "landed").count()
}

#[test]
fn a_subnet_scores_its_miners_and_sets_weights() {
    let _alone = alone();
    let folder = TempDir::new().unwrap();
    let report_path = folder.path().join("report.json");
    let mut net = Net::start(&["--report", report_path.to_str().unwrap()]);
    let opened = net.until("/metrics");
    let address = opened.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    assert_eq!(get(&address, "/healthz").0, 200);
    net.until("step ");
    net.until("weights on chain");
    for _ in 0..4 {
        net.until("turn ");
    }
    let (status, readiness) = get(&address, "/readyz");
    assert_eq!(status, 200, "{readiness}");
    let (_, metrics) = get(&address, "/metrics");
    for series in
        ["sn1_actor_messages_total{actor=\"Scoreboard\"}", "sn1_inference_tokens_total", "# HELP"]
    {
        assert!(metrics.contains(series), "no {series} in\n{metrics}");
    }
    let asked = query(&["--node", &address, "--uids", "3,4", "--message", "Is this an echo?"]);
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[&3]["completion"], "Is this an echo?");
    assert_eq!((&asked[&3]["unit"], &asked[&3]["count"]), (&"tokens".into(), &5.into()));
    let said = net.interrupt();
    assert!(said.contains("incentive"), "{said}");

    let report = report_of(&report_path);
    assert!(n_landed(&report) >= 1, "{report}");
    assert!(report["turns"].as_u64() >= Some(5), "{report}");
    assert_eq!(report["events"], report["turns"]);
    assert_eq!(report["restarts"], serde_json::json!({}));
    for kind in ["slow", "failing", "garbage"] {
        let miner = miner(&report, kind);
        assert_eq!(miner["score"], 0.0, "{miner}");
        assert_eq!(miner["weight"], 0, "{miner}");
        assert_eq!(miner["failures_by_status"], miner["answers_by_status"], "{miner}");
    }
    for kind in ["model_calm", "model_lively"] {
        let miner = miner(&report, kind);
        assert!(miner["score"].as_f64() > Some(0.0), "{miner}");
        // A busy machine may run into the deadline; no other failure is allowed.
        let failures = miner["failures_by_status"].as_object().unwrap();
        assert!(failures.keys().all(|status| status == "408"), "{miner}");
    }
}

/// Every long-lived actor of the tree, by its name in `--fault.*`.
const ACTORS: [&str; 26] = [
    "EventLog",
    "DevNodeHost",
    "DevNodeServer",
    "DevChain",
    "ChainLink",
    "MetagraphSync",
    "WeightCommitter",
    "InferencePool",
    "Encoder",
    "AxonServer-1",
    "AxonServer-2",
    "AxonServer-3",
    "AxonServer-4",
    "AxonServer-5",
    "AxonServer-6",
    "AxonServer-7",
    "Scoreboard",
    "TaskFactory",
    "Dendrite",
    "Telemetry",
    "InferenceWorker",
    "AxonSupervisor",
    "ChainSupervisor",
    "InferenceSupervisor",
    "ConversationSupervisor",
    "ConversationAgent-1",
];

#[test]
fn each_actor_panics_once_and_the_subnet_goes_on() {
    let _alone = alone();
    let folder = TempDir::new().unwrap();
    let report_path = folder.path().join("report.json");
    let faults: Vec<String> = ACTORS
        .iter()
        .enumerate()
        .map(|(i, name)| format!("--fault.panic={name}@{}", 15 + i))
        .collect();
    let mut arguments = vec!["--report", report_path.to_str().unwrap()];
    arguments.extend(faults.iter().map(String::as_str));
    let mut net = Net::start(&arguments);
    for name in ACTORS {
        net.until(&format!("{name} ended by panic"));
    }
    net.until("step ");
    net.until("weights on chain");
    net.interrupt();

    let report = report_of(&report_path);
    let restarted: BTreeSet<&str> =
        report["restarts"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(restarted, ACTORS.into_iter().collect(), "{report}");
    for (actor, faults) in report["restarts"].as_object().unwrap() {
        assert_eq!(*faults, serde_json::json!({"panic": 1, "error": 0, "stall": 0}), "{actor}");
    }
    assert!(
        report["weight_commits"]
            .as_array()
            .unwrap()
            .iter()
            .all(|commit| commit["outcome"] != "refused")
    );
}

#[test]
fn a_killed_node_goes_on_where_it_was() {
    let _alone = alone();
    let folder = TempDir::new().unwrap();
    let (keep, report_path) = (folder.path().join("state"), folder.path().join("report.json"));
    let arguments = ["--keep", keep.to_str().unwrap(), "--report", report_path.to_str().unwrap()];
    let mut net = Net::start(&arguments);
    net.until("weights on chain");
    for _ in 0..3 {
        net.until("turn ");
    }
    net.signal("-KILL");
    net.end();
    let before = sn1::store::Store::open(&keep.join("validator.sqlite")).unwrap();
    let (scores, commits) = (before.load_scores().unwrap(), before.commits().unwrap());
    drop(before);
    assert!(scores.turns >= 3 && !commits.is_empty());

    // The next run starts from what this one kept.
    let mut net = Net::start(&arguments);
    net.until("weights on chain");
    net.until("turn ");
    net.interrupt();
    let report = report_of(&report_path);
    assert!(report["turns"].as_u64() > Some(scores.turns), "{report}");
    assert!(report["steps"].as_u64() >= Some(scores.steps), "{report}");
    let journal = report["weight_commits"].as_array().unwrap();
    assert!(journal.len() > commits.len(), "{report}");
    // A transaction that the kill caught on its way is lost, and the journal records that.
    let n_lost = journal.iter().filter(|commit| commit["outcome"] == "lost").count();
    assert!(n_lost <= 1 && n_landed(&report) + n_lost == journal.len(), "{report}");
    let blocks: Vec<u64> = journal.iter().filter_map(|commit| commit["block"].as_u64()).collect();
    assert!(
        blocks.is_sorted() && blocks.windows(2).all(|pair| pair[1] > pair[0] + 12),
        "{blocks:?}"
    );

    // With another seed the folder belongs to another subnet.
    let wrong = command(&["--keep", keep.to_str().unwrap(), "--seed", "8"]).output().unwrap();
    expect_error(&wrong, 64, &["seed 7"]);
}

fn expect_error(output: &Output, code: i32, parts: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(
        output.stdout.is_empty(),
        "something was started: {}",
        String::from_utf8_lossy(&output.stdout)
    );
    for part in parts {
        assert!(said.contains(part), "no `{part}` in: {said}");
    }
}

#[test]
fn bad_input_is_one_clear_sentence_and_nothing_is_started() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let model =
        std::fs::read(root().join("models/SmolLM2-135M-Instruct/SmolLM2-135M-Instruct.Q4_1.gguf"));
    let model = model.expect("the model is there: run `make models`");
    let unknown_key = file("unknown.toml", b"[neuron]\nsample_sise = 3\n");
    let cut = file("cut.gguf", &model[..100_000]);
    let garbage = file("garbage.gguf", b"this is no model");
    file("state/validator.sqlite", &[7; 4096]);
    let state = folder.path().join("state").to_str().unwrap().to_owned();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let table: [(&[&str], i32, &[&str]); 12] = [
        (&["--minors", "7"], 64, &["--minors", "--miners"]),
        (&["--duration", "soon"], 64, &["soon"]),
        (&["--fault.panic", "Scorebord@3"], 64, &["`Scorebord`", "`Scoreboard`"]),
        (&["--fault.panic", "Scoreboard"], 64, &["NAME@SECONDS"]),
        (
            &["--config", &unknown_key],
            64,
            &["`neuron.sample_sise`", "`neuron.sample_size`", "unknown.toml"],
        ),
        (&["--config", "/no/such.toml"], 64, &["/no/such.toml"]),
        (&["--neuron.timeout", "0"], 64, &["neuron.timeout"]),
        (&["--neuron.model_id", "/no/such.gguf"], 66, &["/no/such.gguf", "make models"]),
        (&["--neuron.model_id", &cut], 65, &["cut.gguf"]),
        (&["--neuron.model_id", &garbage], 65, &["garbage.gguf"]),
        (&["--axon.port", &port], 69, &[&port, "--axon.port"]),
        (&["--keep", &state], 65, &["validator.sqlite"]),
    ];
    for (arguments, code, parts) in table {
        expect_error(&command(arguments).output().unwrap(), code, parts);
    }
}
