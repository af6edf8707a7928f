//! The real Python SDK as a peer: finds the installed versions, starts `peer.py` with one of them,
//! exchanges lines of JSON with it, and kills it when dropped.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sn1::wallet::{AccountId, Keypair};
use tempfile::TempDir;

/// The longest that a peer may take for one line: importing the SDK on a busy machine.
const LINE_WITHIN: Duration = Duration::from_secs(180);
/// The key that their axons serve for.
pub(crate) const THEIR_HOTKEY: &str = "//Bob";
/// The key that their dendrites sign with.
pub(crate) const THEIR_CALLER: &str = "//Alice";

const PEER: &str = "tests/interop/peer.py";

/// An installed version of the SDK.
pub(crate) struct Sdk {
    /// The version as the package index writes it.
    pub(crate) version: &'static str,
    python: PathBuf,
}

/// The root folder of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

impl Sdk {
    /// The environment of this version; `None`, with a message, when the test is skipped.
    pub(crate) fn find(version: &'static str) -> Option<Self> {
        let major = version.split('.').next().unwrap();
        let folder = std::env::var_os(format!("SN1_SDK_{major}"))
            .map_or_else(|| root().join(format!("third_party/sdk-{version}")), PathBuf::from);
        let python = folder.join("bin/python");
        if python.exists() {
            return Some(Self { version, python });
        }
        println!("skipped: bittensor {version} is not installed (make sdk)");
        None
    }

    /// One axon for each behaviour, under the names of `peer.py`.
    pub(crate) fn axons(&self, behaviours: &[&str]) -> (Peer, Vec<TheirAxon>) {
        let mut arguments = vec!["axon", "--hotkey", THEIR_HOTKEY];
        arguments.extend(behaviours);
        let peer = Peer::start(self, PEER, &arguments);
        let axons = behaviours.iter().map(|_| peer.line()).collect();
        (peer, axons)
    }

    /// A process that asks with as many dendrites as the jobs name.
    pub(crate) fn dendrite(&self) -> Peer {
        let peer = Peer::start(self, PEER, &["dendrite"]);
        let ready: Value = peer.line();
        assert_eq!(ready["sdk"], self.version);
        peer
    }
}

/// The address of one of their axons.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct TheirAxon {
    ip: std::net::IpAddr,
    port: u16,
    hotkey: String,
}

impl TheirAxon {
    /// The address that it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((self.ip, self.port))
    }

    /// The hotkey that it serves for.
    pub(crate) fn hotkey(&self) -> AccountId {
        self.hotkey.parse().unwrap()
    }
}

/// What one of their dendrites made of one target.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct TheirAnswer {
    /// `None` when the axon stated no status.
    pub(crate) status_code: Option<u16>,
    pub(crate) status_message: Option<String>,
    /// `None` unless a whole reply was read.
    pub(crate) process_time: Option<f64>,
    /// One chunk for each read.
    pub(crate) chunks: Vec<String>,
    /// `None` for a ping.
    pub(crate) completion: Option<String>,
    /// The headers of the reply, with names as sent; empty unless a whole reply was read.
    pub(crate) headers: std::collections::BTreeMap<String, String>,
}

/// A job for their dendrites.
pub(crate) struct Job {
    json: Value,
}

impl Job {
    /// A prompt to one axon from the usual caller.
    pub(crate) fn prompt(address: SocketAddr, hotkey: AccountId, messages: &[&str]) -> Self {
        let target =
            json!({ "ip": address.ip(), "port": address.port(), "hotkey": hotkey.to_ss58() });
        let roles: Vec<_> = ["user", "assistant"].iter().cycle().take(messages.len()).collect();
        Self {
            json: json!({
                "caller": THEIR_CALLER, "synapse": "prompt", "targets": [target],
                "roles": roles, "messages": messages, "timeout": 20.0,
            }),
        }
    }

    /// Adds a setting to the job, under its name in `peer.py`.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.json[key] = value.into();
        self
    }

    /// Repeats the target `n_times`; all are asked at once.
    pub(crate) fn times(mut self, n_times: usize) -> Self {
        let target = self.json["targets"][0].clone();
        self.json["targets"] = vec![target; n_times].into();
        self
    }
}

#[derive(Deserialize)]
struct Reply<T> {
    answers: T,
}

/// A running `peer.py`, or another script that speaks JSON as it does.
pub(crate) struct Peer {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    /// The folder for what the SDK writes into home and temporary folders.
    _home: TempDir,
}

impl Peer {
    /// Runs a script of this repository.
    pub(crate) fn start(sdk: &Sdk, script: &str, arguments: &[&str]) -> Self {
        let home = TempDir::new().unwrap();
        let mut child = Command::new(&sdk.python)
            .arg(root().join(script))
            .args(arguments)
            .current_dir(home.path())
            .env("TMPDIR", home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, input, lines, _home: home }
    }

    /// The next line of its output.
    pub(crate) fn line<T: DeserializeOwned>(&self) -> T {
        let line = self.lines.recv_timeout(LINE_WITHIN).expect("the peer ended or says nothing");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line}"))
    }

    fn answers<T: DeserializeOwned>(&mut self, line: &str) -> T {
        writeln!(self.input, "{line}").unwrap();
        self.line::<Reply<T>>().answers
    }

    /// Runs a job with one target.
    pub(crate) fn ask(&mut self, job: Job) -> TheirAnswer {
        self.ask_all(job).remove(0)
    }

    /// Runs a job with several targets.
    pub(crate) fn ask_all(&mut self, job: Job) -> Vec<TheirAnswer> {
        self.answers(&job.json.to_string())
    }

    /// Runs a job whose JSON is changed first into something that our own JSON cannot express.
    pub(crate) fn ask_raw(&mut self, job: Job, from: &str, into: &str) -> TheirAnswer {
        let mut answers: Vec<_> = self.answers(&job.json.to_string().replace(from, into));
        answers.remove(0)
    }

    /// Runs several jobs with one target each at once.
    pub(crate) fn ask_at_once(&mut self, jobs: impl IntoIterator<Item = Job>) -> Vec<TheirAnswer> {
        let jobs: Vec<Value> = jobs.into_iter().map(|job| job.json).collect();
        let answers: Vec<Vec<_>> = self.answers(&Value::from(jobs).to_string());
        answers.into_iter().flatten().collect()
    }

    /// Sends one signed request twice; returns the HTTP statuses and bodies.
    pub(crate) fn replay(&mut self, job: Job) -> Vec<(u16, String)> {
        let mut answers: Vec<_> = self.answers(&job.with("synapse", "replay").json.to_string());
        answers.remove(0)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The account of a development URI.
pub(crate) fn account(uri: &str) -> AccountId {
    Keypair::from_dev_path(uri).unwrap().account_id()
}
