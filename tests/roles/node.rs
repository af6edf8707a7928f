//! A running `sn1 miner` or `sn1 validator` beside a `sn1 devchain`: its home folder, its output
//! and pages, and the chain as our client sees it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sn1::chain::{Chain, ChainError, Netuid};
use sn1::wallet::Keypair;
use sn1_actors::chain::subtensor::{Deadlines, Network, Roots, Subtensor, SubtensorSettings};
use tempfile::TempDir;

use super::process::{self, DevChain, SOON};

/// The subnet of all these tests.
pub(crate) const NETUID: Netuid = Netuid(1);

pub(crate) fn key(path: &str) -> Keypair {
    Keypair::from_dev_path(path).unwrap()
}

/// A home folder with the wallet `me`, whose hotkey is `h`.
pub(crate) struct Home(TempDir);

impl Home {
    /// A home whose hotkey is that of a development URI.
    pub(crate) fn of(hotkey: &str) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        let regen = ["wallet", "regen", "--wallet.name", "me", "--wallet.hotkey", "h"];
        let output =
            home.with_input(&[&regen[..], &["--suri", "-"]].concat(), &format!("{hotkey}\n"));
        assert!(output.status.success(), "{}", said(&output));
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = process::sn1(arguments);
        command.current_dir(self.path()).env("HOME", self.path());
        command
    }

    pub(crate) fn with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// The command that starts a node of this role on this chain.
    pub(crate) fn node(&self, role: &str, url: &str) -> Command {
        let mut command = self.command(&[role, "--subtensor.chain_endpoint", url]);
        command.args(["--wallet.name", "me", "--wallet.hotkey", "h", "--subtensor.block_time"]);
        command.args(["0.1", "--metagraph.every_blocks", "1"]);
        command.args(["--telemetry.port", "0"]);
        command
    }

    pub(crate) fn miner(&self, url: &str) -> Command {
        let mut command = self.node("miner", url);
        command.args(["--miner", "echo", "--axon.port", "0"]);
        command
    }
}

pub(crate) fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// A running node, and its output.
pub(crate) struct Node {
    child: Child,
    lines: Receiver<String>,
    errors: Receiver<String>,
}

/// Reads the output line by line, so that the writer never blocks.
fn lines(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    let output = BufReader::new(output);
    std::thread::spawn(move || {
        output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    lines
}

impl Node {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let (output, errors) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self { child, lines: lines(output), errors: lines(errors) }
    }

    /// The next line of its log that contains this word.
    pub(crate) fn error_with(&mut self, word: &str) -> String {
        let deadline = Instant::now() + SOON;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.errors.recv_timeout(left);
            let line = line.unwrap_or_else(|error| panic!("no error with `{word}` ({error})"));
            if line.contains(word) {
                return line;
            }
        }
    }

    /// The next line that contains this word.
    pub(crate) fn line_with(&mut self, word: &str) -> String {
        let deadline = Instant::now() + SOON;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(word) => return line,
                Ok(_) => {}
                Err(error) => {
                    let _ = self.child.kill();
                    let errors = self.errors.iter().collect::<Vec<_>>().join("\n");
                    panic!("no line with `{word}` ({error}): {errors}");
                }
            }
        }
    }

    /// What it writes on standard error, up to the line with this word.
    pub(crate) fn errors_until(&mut self, word: &str) -> Vec<String> {
        let (deadline, mut said) = (Instant::now() + SOON, Vec::new());
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.errors.recv_timeout(left) else {
                panic!("no `{word}` in {said:?}")
            };
            said.push(line);
            if said.last().is_some_and(|line| line.contains(word)) {
                return said;
            }
        }
    }

    /// What it has written on standard error and nobody has read.
    pub(crate) fn said_so_far(&mut self) -> Vec<String> {
        self.errors.try_iter().collect()
    }

    /// The address of its pages.
    pub(crate) fn pages(&mut self) -> SocketAddr {
        let line = self.line_with("metrics on http://");
        let (_, address) = line.split_once("http://").unwrap();
        address.trim_end_matches("/metrics").parse().unwrap()
    }

    /// Kills it at once, as a power failure would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its process.
    pub(crate) fn process(&self) -> &Child {
        &self.child
    }

    /// Stops it with SIGTERM; returns the exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        signal(&self.child, Signal::TERM);
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

pub(crate) fn signal(process: &Child, number: Signal) {
    kill_process(Pid::from_child(process), number).unwrap();
}

pub(crate) fn page(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: x\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

/// Reads the page until it satisfies `is_so`.
pub(crate) fn until(address: SocketAddr, path: &str, is_so: impl Fn(&str) -> bool) -> String {
    let deadline = Instant::now() + SOON;
    loop {
        let reply = page(address, path);
        if is_so(&reply) {
            return reply;
        }
        assert!(Instant::now() < deadline, "{path} says: {reply}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) fn is_ready(reply: &str) -> bool {
    reply.split(' ').nth(1) == Some("200")
}

/// The value of a metric on the page; 0 when it is missing.
pub(crate) fn metric(page: &str, name: &str) -> f64 {
    let line = page.lines().find(|line| line.starts_with(name) && !line.starts_with('#'));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0.0)
}

pub(crate) fn client(chain: &DevChain) -> Subtensor {
    let network = Network(vec![chain.url().parse().unwrap()]);
    Subtensor::new(SubtensorSettings {
        network,
        deadlines: Deadlines::default(),
        roots: Roots::default(),
    })
}

/// Registers the hotkey; //Alice pays.
pub(crate) async fn register(client: &Subtensor, hotkey: &str) {
    let outcome = client.burned_register(&key("//Alice"), NETUID, key(hotkey).account_id()).await;
    outcome.map(drop).unwrap_or_else(|error: ChainError| panic!("{error}"));
}

/// The answer of this uid to a question from `//Charlie`.
pub(crate) fn query(home: &Home, chain: &DevChain, uid: u16, message: &str) -> Value {
    let uid = uid.to_string();
    let asked = ["query", "--uids", &uid, "--message", message, "--wallet.uri", "//Charlie"];
    let mut command = home.command(&asked);
    let output = command.args(["--json", "--subtensor.chain_endpoint", chain.url()]).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}
