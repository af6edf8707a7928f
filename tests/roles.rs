//! `sn1 miner` and `sn1 validator`, the real binary against `sn1 devchain`: what is refused and how,
//! and that a miner serves, is found on the chain, outlives the chain's troubles and stops in order.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the tests of the chain itself use more of it")]
#[path = "devchain/process.rs"]
mod process;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use process::{DevChain, SOON};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use sn1::chain::{Chain, ChainError, Netuid};
use sn1::synapse::SDK_VERSION;
use sn1::wallet::Keypair;
use sn1_actors::chain::subtensor::{Deadlines, Network, Subtensor, SubtensorSettings};
use tempfile::TempDir;

const NETUID: Netuid = Netuid(1);
/// A chain that is quick, and lets neurons serve on this machine.
const QUICK: [&str; 5] =
    ["--block-time", "100ms", "--allow-loopback-axons", "--serving-rate-limit", "0"];

fn key(path: &str) -> Keypair {
    Keypair::from_dev_path(path).unwrap()
}

/// A home folder with the wallet `me`, whose hotkey `h` is //Bob.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        let regen = ["wallet", "regen", "--wallet.name", "me", "--wallet.hotkey", "h"];
        let output = home.with_input(&[&regen[..], &["--suri", "-"]].concat(), "//Bob\n");
        assert!(output.status.success(), "{}", said(&output));
        home
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = process::sn1(arguments);
        command.current_dir(self.path()).env("HOME", self.path());
        command
    }

    fn with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// What a node of that role and chain is started with.
    fn node(&self, role: &str, url: &str) -> Command {
        let mut command = self.command(&[role, "--subtensor.chain_endpoint", url]);
        command.args(["--wallet.name", "me", "--wallet.hotkey", "h", "--subtensor.block_time"]);
        command.args(["0.1", "--metagraph.every_blocks", "1", "--axon.port", "0"]);
        command.args(["--telemetry.port", "0"]);
        command
    }

    fn miner(&self, url: &str) -> Command {
        let mut command = self.node("miner", url);
        command.args(["--miner", "echo"]);
        command
    }
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// Runs to the end; the exit code must be this one, and the words must be said.
fn refused(command: &mut Command, code: i32, words: &[&str]) {
    let output = command.output().unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "no `{word}` in: {said}");
    }
}

/// A running node, and what it has said.
struct Node {
    child: Child,
    lines: Receiver<String>,
}

impl Node {
    fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    /// The next line with that word in it.
    fn line_with(&mut self, word: &str) -> String {
        let deadline = Instant::now() + SOON;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(word) => return line,
                Ok(_) => {}
                Err(error) => {
                    let _ = self.child.kill();
                    let mut errors = String::new();
                    self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
                    panic!("no line with `{word}` ({error}): {errors}");
                }
            }
        }
    }

    /// Where the pages are.
    fn pages(&mut self) -> SocketAddr {
        let line = self.line_with("metrics on http://");
        let (_, address) = line.split_once("http://").unwrap();
        address.trim_end_matches("/metrics").parse().unwrap()
    }

    /// The exit code after SIGTERM.
    fn terminate(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn page(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: x\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

/// Reads the page until it is as wanted.
fn until(address: SocketAddr, path: &str, is_so: impl Fn(&str) -> bool) -> String {
    let deadline = Instant::now() + SOON;
    loop {
        let reply = page(address, path);
        if is_so(&reply) {
            return reply;
        }
        assert!(Instant::now() < deadline, "{path} says: {reply}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

fn is_ready(reply: &str) -> bool {
    reply.split(' ').nth(1) == Some("200")
}

/// A metric's value on the page.
fn metric(page: &str, name: &str) -> f64 {
    let line = page.lines().find(|line| line.starts_with(name) && !line.starts_with('#'));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0.0)
}

fn client(chain: &DevChain) -> Subtensor {
    let network = Network(vec![chain.url().parse().unwrap()]);
    Subtensor::new(SubtensorSettings { network, deadlines: Deadlines::default() })
}

/// Registers the hotkey, paid by //Alice.
async fn register(client: &Subtensor, hotkey: &str) {
    let outcome = client.burned_register(&key("//Alice"), NETUID, key(hotkey).account_id()).await;
    outcome.map(drop).unwrap_or_else(|error: ChainError| panic!("{error}"));
}

/// What `//Charlie` is answered by that uid.
fn query(home: &Home, chain: &DevChain, uid: u16, message: &str) -> Value {
    let uid = uid.to_string();
    let asked = ["query", "--uids", &uid, "--message", message, "--wallet.uri", "//Charlie"];
    let mut command = home.command(&asked);
    let output = command.args(["--json", "--subtensor.chain_endpoint", chain.url()]).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn a_registered_miner_serves_and_is_found_on_the_chain() {
    let chain = DevChain::start(&QUICK);
    let home = Home::new();
    let hotkey = key("//Bob").account_id();
    let words = ["is not registered on subnet 1", "register", &hotkey.to_string()];
    refused(&mut home.miner(chain.url()), 67, &words);

    let client = client(&chain);
    register(&client, "//Bob").await;
    register(&client, "//Charlie").await;
    let mut miner = Node::start(&mut home.miner(chain.url()));
    let pages = miner.pages();
    let line = miner.line_with("axon on");
    let (_, address) = line.split_once("published as ").unwrap();
    let address: SocketAddr = address.parse().unwrap();
    miner.line_with(&format!("the chain shows us at {address}"));
    let known = client.metagraph(NETUID).await.unwrap();
    let neuron = known.neuron_of(&hotkey).unwrap();
    assert_eq!(neuron.axon.socket_address(), Some(address));
    assert_eq!((neuron.axon.version, neuron.axon.ip_type), (SDK_VERSION, 4));
    until(pages, "/readyz", is_ready);
    let answer = query(&home, &chain, neuron.uid.0, "Who built the fort?");
    assert!(answer.to_string().contains("Who built the fort?"), "{answer}");

    // The folder is this node's as long as it runs.
    refused(&mut home.miner(chain.url()), 73, &["another node"]);
    assert_eq!(miner.terminate(), Some(0));
}

#[tokio::test]
async fn a_miner_outlives_lost_connections_and_a_runtime_upgrade() {
    let chain = DevChain::start(&QUICK);
    let home = Home::new();
    let client = client(&chain);
    register(&client, "//Bob").await;
    register(&client, "//Charlie").await;
    let mut miner = Node::start(&mut home.miner(chain.url()));
    let pages = miner.pages();
    miner.line_with("the chain shows us at");
    until(pages, "/readyz", is_ready);
    let spec = metric(&page(pages, "/metrics"), "sn1_chain_spec_version");
    chain.ask("dev_drop_connections", json!([]));
    until(pages, "/metrics", |reply| metric(reply, "sn1_chain_connections_lost_total") >= 1.0);
    chain.ask("dev_upgrade", json!(["stateful"]));
    let changed = |reply: &str| metric(reply, "sn1_chain_spec_version") > spec;
    let upgraded = until(pages, "/metrics", changed);
    let block = metric(&upgraded, "sn1_metagraph_block");
    until(pages, "/metrics", |reply| metric(reply, "sn1_metagraph_block") > block + 3.0);
    until(pages, "/readyz", is_ready);
    let uid = client.metagraph(NETUID).await.unwrap();
    let uid = uid.neuron_of(&key("//Bob").account_id()).unwrap().uid;
    let answer = query(&home, &chain, uid.0, "still there?");
    assert!(answer.to_string().contains("still there?"), "{answer}");
    assert_eq!(miner.terminate(), Some(0));
}

#[test]
fn what_cannot_start_says_why() {
    let chain = DevChain::start(&QUICK);
    let home = Home::new();
    let url = chain.url();
    let taken = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    std::fs::write(home.path().join("node.toml"), "[neuron]\ntemprature = 0.5\n").unwrap();
    let table: [(&[&str], i32, &[&str]); 8] = [
        (&["--netuid", "9"], 68, &["subnet 9"]),
        (&["--subtensor.chain_endpoint", "ws://127.0.0.1:1"], 69, &["--subtensor.chain_endpoint"]),
        (&["--axon.port", &port], 69, &["--axon.port"]),
        (&["--wallet.hotkey", "other"], 66, &["hotkeys/other"]),
        (
            &["--config", "node.toml"],
            64,
            &["neuron.temprature", "`neuron.temperature`", "node.toml"],
        ),
        (&["--neuron.temprature", "1"], 64, &["--neuron.temperature"]),
        (&["--axon.external_ip", "here"], 64, &["axon.external_ip"]),
        (&["--telemetry.publish"], 64, &["--telemetry.ip"]),
    ];
    for (flags, code, words) in table {
        let mut command = home.command(&["miner", "--miner", "echo", "--telemetry.port", "0"]);
        command.args(["--wallet.name", "me"]);
        let defaults =
            [("--wallet.hotkey", "h"), ("--axon.port", "0"), ("--subtensor.chain_endpoint", url)];
        for (flag, value) in defaults {
            if !flags.contains(&flag) {
                command.args([flag, value]);
            }
        }
        refused(command.args(flags), code, words);
    }
    let mut misspelt = home.miner(url);
    refused(misspelt.env("SN1_WALLET__NMAE", "me"), 64, &["wallet.nmae", "`wallet.name`"]);
}

#[test]
fn an_unencrypted_coldkey_is_refused_before_anything_else() {
    let home = Home::new();
    let new = ["wallet", "new", "--wallet.name", "bare", "--wallet.hotkey", "h", "--no-password"];
    let output = home.with_input(&new, "");
    assert!(output.status.success(), "{}", said(&output));
    let mut command = home.command(&["miner", "--miner", "echo", "--wallet.name", "bare"]);
    command.args(["--wallet.hotkey", "h", "--axon.port", "0", "--telemetry.port", "0"]);
    let endpoint = ["--subtensor.chain_endpoint", "ws://127.0.0.1:1"];
    refused(command.args(endpoint), 77, &["coldkey without a password"]);
}

#[test]
fn nothing_is_broken_on_purpose_on_the_main_network() {
    let home = Home::new();
    let finney = ["miner", "--miner", "echo", "--subtensor.network", "finney", "--axon.port", "0"];
    let mut faulty = home.command(&finney);
    refused(faulty.args(["--fault.panic", "ChainLink@1"]), 64, &["main network"]);
    let mut armed = home.command(&finney);
    refused(armed.env("SN1_FAILPOINT", "after_sign:1"), 64, &["main network"]);
}

#[test]
fn a_device_is_named_by_its_kind() {
    let home = Home::new();
    let mut command = home.command(&["validator", "--neuron.device", "abacus"]);
    refused(&mut command, 64, &["neuron.device", "cpu or cuda"]);
}

#[cfg(not(feature = "libtorch"))]
#[test]
fn a_build_without_models_names_the_choices() {
    let home = Home::new();
    refused(&mut home.command(&["miner", "--axon.port", "0"]), 69, &["--miner echo"]);
    refused(&mut home.command(&["validator"]), 69, &["libtorch", "--neuron.tasks math"]);
}
