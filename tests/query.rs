//! `sn1 query`, the real binary, against axons and a node's page that the tests start: its output
//! on a pipe and on a terminal, and its exit codes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use metrics_exporter_prometheus::PrometheusBuilder;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::{Value, json};
use sn1::chain::{AxonInfo, Hash, Head, Hyperparameters, Metagraph, Netuid, Neuron, Uid};
use sn1::synapse::SDK_VERSION;
use sn1::synapse::body::Prompt;
use sn1::wallet::{AccountId, Keypair};
use sn1_actors::axon::{Answering, AxonSettings, ChunkSink, Miner, MinerError, StandaloneAxon};
use sn1_actors::supervision::{ChildSpec, Root, Slot};
use sn1_actors::telemetry::{Pages, SubnetFeeds, Telemetry};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot, watch};

/// The deadline of every wait.
const SOON: Duration = Duration::from_secs(60);
const CALLER: &str = "//query-test//caller";

fn key(path: &str) -> Keypair {
    Keypair::from_dev_path(path).unwrap()
}

/// Does what the last message says.
struct Obedient;

impl Miner for Obedient {
    fn answer(&self, prompt: Prompt, _: Duration, sink: ChunkSink) -> Answering {
        let message = prompt.messages.last().cloned().unwrap_or_default();
        Box::pin(async move {
            match message.as_str() {
                "attack" => {
                    sink.send("safe \u{1b}]0;owned\u{7}\u{1b}[2J").await?;
                    Ok(sink.send("\u{9b}31m \u{202e}end").await?)
                }
                "hang" => {
                    sink.send("the beginning").await?;
                    sink.gone().await;
                    Ok(())
                }
                "nothing" => Ok(()),
                "how long" => {
                    let said: Vec<_> = prompt
                        .roles
                        .iter()
                        .zip(&prompt.messages)
                        .map(|(r, m)| format!("{r}={m}"))
                        .collect();
                    Ok(sink.send(said.join(",")).await?)
                }
                text => {
                    sink.send("you said: ").await?;
                    Ok(sink.send(text).await?)
                }
            }
        })
    }
}

/// Breaks off its answer in mid-stream.
struct Broken;

impl Miner for Broken {
    fn answer(&self, _: Prompt, _: Duration, sink: ChunkSink) -> Answering {
        Box::pin(async move {
            sink.send("half an ans").await?;
            Err(MinerError::Failed("out of order".to_owned()))
        })
    }
}

struct Served {
    axon: StandaloneAxon,
    hotkey: AccountId,
}

impl Served {
    fn start(name: &str, miner: impl Miner) -> Self {
        let hotkey = key(&format!("//query-test//{name}"));
        let account = hotkey.account_id();
        let settings = AxonSettings::new(name, hotkey);
        let callers = [(key(CALLER).account_id(), 100.0)];
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let axon = StandaloneAxon::start(listen, settings, &callers, Arc::new(miner)).unwrap();
        Self { axon, hotkey: account }
    }

    fn flags(&self) -> [String; 4] {
        let address = self.axon.address().to_string();
        ["--axon".to_owned(), address, "--hotkey".to_owned(), self.hotkey.to_string()]
    }
}

/// An empty folder to run in, without a model to count tokens with.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sn1"));
        command.current_dir(self.0.path()).env("HOME", self.0.path()).env("TERM", "xterm");
        command.env_remove("NO_COLOR").arg("query").args(arguments);
        command
    }

    fn run(&self, arguments: &[String], stdin: &str) -> Output {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn arguments(served: &[&Served], rest: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = served.iter().flat_map(|served| served.flags()).collect();
    all.extend(words("--timeout 20s --wallet.uri").into_iter().chain([CALLER.to_owned()]));
    all.extend(rest.iter().map(|word| (*word).to_owned()));
    all
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn all_answer_and_the_table_says_how() {
    let (place, one, two) =
        (Place::new(), Served::start("one", Obedient), Served::start("two", Obedient));
    let arguments = arguments(&[&one, &two], &["--message", "good\nmorning"]);
    let (code, out, err) = said(&place.run(&arguments, ""));
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert_eq!(out.matches("you said: good\nmorning\n200 Success, ").count(), 2, "{out}");
    let table: Vec<_> = out.lines().skip_while(|line| !line.starts_with("axon ")).collect();
    assert_eq!(
        words(table[0]).join(" "),
        "axon status first chunk chunks total words words/s message"
    );
    for (row, served) in table[1..].iter().zip([&one, &two]) {
        assert!(row.starts_with(&format!("{}  ", served.axon.address())), "{row}");
        assert!(row.contains("  200  ") && row.ends_with("  Success"), "{row}");
    }
    assert_eq!(table.len(), 3, "{out}");
}

#[test]
fn one_of_two_fails_and_json_tells_which() {
    let (place, good) = (Place::new(), Served::start("good", Obedient));
    let broken = Served::start("broken", Broken);
    let arguments_both = arguments(&[&broken, &good], &["--message", "hello", "--json"]);
    let (code, out, err) = said(&place.run(&arguments_both, ""));
    assert_eq!((code, err.as_str()), (Some(1), ""), "{out}");
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    let of = |served: &Served| {
        lines.iter().find(|line| line["hotkey"] == served.hotkey.to_string()).unwrap()
    };
    let (answered, failed) = (of(&good), of(&broken));
    assert_eq!(answered["ok"], true);
    assert_eq!(answered["status"], 200);
    assert_eq!(answered["http_status"], 200);
    assert_eq!(answered["completion"], "you said: hello");
    assert_eq!(answered["axon"], good.axon.address().to_string());
    assert_eq!((&answered["unit"], &answered["count"]), (&json!("words"), &json!(3)));
    assert!(answered["per_second"].as_f64().unwrap() > 0.0);
    let chunks = answered["chunks"].as_array().unwrap();
    let text: String = chunks.iter().map(|chunk| chunk["text"].as_str().unwrap()).collect();
    assert_eq!(text, "you said: hello");
    assert_eq!(answered["first_chunk_s"], chunks[0]["after_s"]);
    assert!(answered["total_s"].as_f64() >= chunks.last().unwrap()["after_s"].as_f64());
    assert_eq!(failed["ok"], false);
    assert_eq!(failed["status"], 400);
    assert_eq!(failed["completion"], "half an ans");

    let only_broken = arguments(&[&broken], &["--message", "hello"]);
    assert_eq!(place.run(&only_broken, "").status.code(), Some(2));
    let no_text = arguments(&[&good], &["--message", "nothing"]);
    let (code, out, _) = said(&place.run(&no_text, ""));
    assert_eq!(code, Some(2));
    assert!(out.contains("Success, but no text"), "{out}");
}

#[test]
fn a_conversation_keeps_its_roles_and_standard_input_is_a_message() {
    let (place, served) = (Place::new(), Served::start("one", Obedient));
    let rest = ["--message", "Hi.", "--message", "Hello!", "--message", "-", "--json"];
    let (code, out, _) = said(&place.run(&arguments(&[&served], &rest), "how long\n"));
    assert_eq!(code, Some(0), "{out}");
    let line: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(line["completion"], "user=Hi.,assistant=Hello!,user=how long");
}

#[test]
fn a_stranger_is_refused_and_the_refusal_is_no_answer() {
    let (place, served) = (Place::new(), Served::start("one", Obedient));
    let mut arguments = words("--message hello --json --wallet.uri //query-test//stranger");
    arguments.extend(served.flags());
    let (code, out, _) = said(&place.run(&arguments, ""));
    let line: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &line["status"]), (Some(2), &json!(403)), "{out}");
    assert_eq!((&line["completion"], &line["chunks"]), (&json!(""), &json!([])), "{out}");
}

#[test]
fn nothing_a_miner_sends_acts_on_the_terminal() {
    let (place, served) = (Place::new(), Served::start("one", Obedient));
    let arguments_text = arguments(&[&served], &["--message", "attack"]);
    let (code, out, _) = said(&place.run(&arguments_text, ""));
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains(r"safe \u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m \u{202e}end"), "{out}");
    let acts = |letter: char| (letter.is_control() && letter != '\n') || letter == '\u{202e}';
    assert!(!out.contains(acts), "{out:?}");

    let (_, out, _) =
        said(&place.run(&arguments(&[&served], &["--message", "attack", "--json"]), ""));
    assert!(!out.contains(acts), "{out:?}");
    let line: Value = serde_json::from_str(&out).unwrap();
    let sent = "safe \u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m \u{202e}end";
    assert_eq!(line["completion"], sent);

    let mut screen = Screen::open(&place, &arguments_text);
    let (status, shown) = screen.end();
    assert!(status.success(), "{shown}");
    assert!(!shown.contains("\u{1b}]") && !shown.contains("\u{1b}[2J"), "{shown:?}");
    assert!(!shown.contains(['\u{7}', '\u{9b}', '\u{202e}']), "{shown:?}");
    assert!(shown.contains(r"\u{202e}end"), "{shown:?}");
}

/// The binary on a terminal of its own, 100 cells wide.
struct Screen {
    child: Child,
    pieces: Receiver<String>,
    shown: String,
}

impl Screen {
    fn open(place: &Place, arguments: &[String]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
        let name = PathBuf::from(ptsname(&master, Vec::new()).unwrap().into_string().unwrap());
        let slave = File::options().read(true).write(true).open(name).unwrap();
        let mut command = place.command(arguments);
        let child = command.stdin(Stdio::null()).stdout(slave).spawn().unwrap();
        drop(command); // It holds the terminal's other end open.
        let (sender, pieces) = channel();
        std::thread::spawn(move || {
            let mut master = File::from(master);
            let mut bytes = [0; 4096];
            // Reading fails once the last process has closed the terminal.
            while let Ok(n_read @ 1..) = master.read(&mut bytes) {
                let piece = String::from_utf8_lossy(&bytes[..n_read]).into_owned();
                if sender.send(piece).is_err() {
                    break;
                }
            }
        });
        Self { child, pieces, shown: String::new() }
    }

    fn until(&mut self, part: &str) {
        let give_up = Instant::now() + SOON;
        while !self.shown.contains(part) {
            let left = give_up.saturating_duration_since(Instant::now());
            let piece = self.pieces.recv_timeout(left);
            self.shown.push_str(&piece.unwrap_or_else(|_| panic!("no `{part}`: {:?}", self.shown)));
        }
    }

    fn end(&mut self) -> (ExitStatus, String) {
        let give_up = Instant::now() + SOON;
        loop {
            let left = give_up.saturating_duration_since(Instant::now());
            match self.pieces.recv_timeout(left) {
                Ok(piece) => self.shown.push_str(&piece),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("no end: {:?}", self.shown),
            }
        }
        (self.child.wait().unwrap(), std::mem::take(&mut self.shown))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // It has usually ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_terminal_shows_answers_side_by_side_and_gets_its_cursor_back() {
    let (place, one, two) =
        (Place::new(), Served::start("one", Obedient), Served::start("two", Obedient));
    let mut screen = Screen::open(&place, &arguments(&[&one, &two], &["--message", "hello"]));
    let (status, shown) = screen.end();
    assert!(status.success(), "{shown}");
    let side_by_side = shown.lines().any(|line| line.matches("you said: hello").count() == 2);
    assert!(side_by_side && shown.contains(" │ "), "{shown}");
    assert!(shown.rfind("\u{1b}[?25h") > shown.rfind("\u{1b}[?25l"), "{shown:?}");
    assert!(shown.contains("\u{1b}[32m200 Success, "), "{shown:?}");
}

#[test]
fn an_interrupt_ends_it_with_what_has_come() {
    let (place, served) = (Place::new(), Served::start("one", Obedient));
    let mut screen = Screen::open(&place, &arguments(&[&served], &["--message", "hang"]));
    screen.until("the beginning");
    let id = screen.child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let (status, shown) = screen.end();
    assert_eq!(status.code(), Some(2), "{shown}");
    let last = shown.rsplit("\u{1b}[?25h").next().unwrap();
    assert!(last.contains("the beginning") && last.contains("interrupted"), "{last}");
}

/// A node's pages, served by the same actor as in a node.
struct Node {
    address: SocketAddr,
    snapshots: watch::Sender<Option<Arc<Metagraph>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Node {
    fn start(development_key: Option<&str>) -> Self {
        let (snapshots, metagraph) = watch::channel(None);
        let (_, heads) = watch::channel(None);
        let development_key = development_key.map(Arc::from);
        let pages = Pages {
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            conditions: Vec::new(),
            subnet: SubnetFeeds { metagraph, heads, development_key },
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let child = ChildSpec::new(&Slot::new("Telemetry"), move || {
            let listener = listener.try_clone()?;
            Ok(Telemetry::new(pages.clone(), listener))
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            actix::System::new().block_on(async move {
                let (watchers, _) = mpsc::unbounded_channel();
                let root = Root::start("Node", vec![child], watchers);
                let _ = stopped.await;
                root.stop().await;
            });
        });
        Self { address, snapshots, stop: Some(stop), thread: Some(thread) }
    }

    fn flags(&self, rest: &str) -> Vec<String> {
        words(&format!("--node http://{} {rest}", self.address))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn neuron(uid: u16, hotkey: AccountId, axon: AxonInfo) -> Neuron {
    Neuron {
        uid: Uid(uid),
        hotkey,
        coldkey: hotkey,
        stake: 1_500_000_000,
        validator_permit: uid == 0,
        active: true,
        axon,
        last_update: 0,
        registered_at: 0,
        incentive: u16::MAX,
        dividends: 0,
        consensus: 0,
        validator_trust: 0,
        emission: 0,
    }
}

fn metagraph(neurons: Vec<Neuron>) -> Arc<Metagraph> {
    let hyperparameters = Hyperparameters::default();
    let head = Head { number: 42, hash: Hash::default() };
    Arc::new(Metagraph {
        netuid: Netuid(1),
        head,
        hyperparameters,
        neurons,
        collateral: Vec::new(),
    })
}

#[test]
fn uids_are_looked_up_at_a_running_node() {
    let (place, node) = (Place::new(), Node::start(Some(CALLER)));
    let (one, two) = (Served::start("one", Obedient), Served::start("two", Obedient));
    let ask = |rest: &str| said(&place.run(&node.flags(rest), ""));

    let (code, _, err) = ask("--uids 1 --message hello");
    assert_eq!(code, Some(69));
    assert!(err.contains("has not seen the subnet yet"), "{err}");

    let of = |served: &Served| AxonInfo::for_address(served.axon.address(), SDK_VERSION);
    node.snapshots.send_replace(Some(metagraph(vec![
        neuron(0, key(CALLER).account_id(), AxonInfo::default()),
        neuron(1, one.hotkey, of(&one)),
        neuron(2, two.hotkey, of(&two)),
    ])));
    let (code, out, err) = ask("--uids 2,1 --message hello --json");
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let mut uids: Vec<_> = out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| (line["uid"].as_u64().unwrap(), line["hotkey"].clone()))
        .collect();
    uids.sort_by_key(|(uid, _)| *uid);
    let hotkey = |served: &Served| json!(served.hotkey.to_string());
    assert_eq!(uids, [(1, hotkey(&one)), (2, hotkey(&two))]);

    let (code, out, err) = ask("--uids all --message hello");
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert_eq!(out.matches("you said: hello").count(), 2, "{out}");
    assert!(out.contains("\nuid  status"), "{out}");

    for (uids, part) in [("0", "uid 0 does not serve"), ("1,9", "has no uid 9: its last one is 2")]
    {
        let (code, _, err) = ask(&format!("--uids {uids} --message hello"));
        assert_eq!(code, Some(64), "{err}");
        assert!(err.contains(part) && err.lines().count() == 1, "{err}");
    }
    let (code, _, err) = ask("--uids 1 --message hello --wallet.uri //query-test//stranger");
    assert_eq!(code, Some(2));
    assert!(err.contains("is not registered on subnet 1"), "{err}");
}

#[test]
fn an_address_of_this_machine_on_a_real_network_is_never_dialled() {
    let (place, node, served) = (Place::new(), Node::start(None), Served::start("one", Obedient));
    let axon = AxonInfo::for_address(served.axon.address(), SDK_VERSION);
    let caller = neuron(0, key(CALLER).account_id(), AxonInfo::default());
    node.snapshots.send_replace(Some(metagraph(vec![caller, neuron(1, served.hotkey, axon)])));
    let flags = node.flags(&format!("--uids 1 --message hello --json --wallet.uri {CALLER}"));
    let (code, out, _) = said(&place.run(&flags, ""));
    let line: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &line["status"]), (Some(2), &json!(503)), "{out}");
    let (code, _, err) = said(&place.run(&node.flags("--uids 1 --message hello"), ""));
    assert_eq!(code, Some(64));
    assert!(err.contains("no key to ask with"), "{err}");
}

#[test]
fn a_hotkey_of_the_official_wallet_asks_and_an_open_file_is_warned_about() {
    use std::os::unix::fs::PermissionsExt;

    let (place, served) = (Place::new(), Served::start("one", Obedient));
    let hotkeys = place.0.path().join(".bittensor/wallets/miner/hotkeys");
    std::fs::create_dir_all(&hotkeys).unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("tests/data/wallet");
    for (name, mode) in [("uri", 0o600), ("encrypted", 0o644)] {
        std::fs::copy(data.join(name), hotkeys.join(name)).unwrap();
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(hotkeys.join(name), mode).unwrap();
    }
    let ask = |hotkey: &str| {
        let mut all =
            words(&format!("--message hello --wallet.name miner --wallet.hotkey {hotkey}"));
        all.extend(served.flags());
        said(&place.run(&all, ""))
    };
    // Alice is a stranger here, but her signature is valid: the axon knows whom it refuses.
    let (code, out, err) = ask("uri");
    assert_eq!((code, err.as_str()), (Some(2), ""), "{out}");
    assert!(out.contains("403 "), "{out}");
    let (code, _, err) = ask("encrypted");
    assert_eq!(code, Some(77), "{err}");
    assert!(err.contains("needs a password") && err.contains("HOTKEYS_ENCRYPTED"), "{err}");
    std::fs::write(place.0.path().join("password"), "development\n").unwrap();
    let (code, out, err) = ask("encrypted --password-file password");
    assert_eq!(code, Some(2), "{err}");
    assert!(out.contains("403 ") && err.contains("chmod 600"), "{err}");
    let (code, _, err) = ask("other");
    assert_eq!(code, Some(66), "{err}");
    assert!(err.contains("miner/hotkeys/other"), "{err}");
    let coldkey = place.0.path().join(".bittensor/wallets/miner/coldkey");
    std::fs::copy(data.join("uri"), coldkey).unwrap();
    let (code, _, err) = ask("uri");
    assert_eq!(code, Some(77), "{err}");
    assert!(err.contains("miner/coldkey is a coldkey without a password"), "{err}");
    let (code, _, err) = ask("uri --wallet.allow_unencrypted_coldkey");
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("note: ") && err.contains("coldkey without a password"), "{err}");
}

#[test]
fn wrong_input_is_named_in_one_sentence_and_nobody_is_asked() {
    let place = Place::new();
    let alice = key("//Alice").account_id();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let axon = format!("--axon 127.0.0.1:1 --hotkey {alice}");
    let table = [
        ("--message hello".to_owned(), 64, "say whom to ask"),
        (format!("--uids 1 {axon} --message hello"), 64, "not both"),
        (
            "--axon 127.0.0.1:1 --message hello".to_owned(),
            64,
            "1 times --axon and 0 times --hotkey",
        ),
        (format!("{axon} --node 127.0.0.1:1 --message hello"), 64, "--node is for --uids"),
        (format!("{axon} --message hello"), 64, "no key to ask with"),
        (format!("{axon} --wallet.uri //Alice"), 64, "nothing to ask"),
        (format!("{axon} --wallet.uri Alice --message hello"), 64, "derivation path"),
        (format!("{axon} --wallet.uri //Alice --wallet.name x --message hello"), 64, "leave out"),
        (format!("{axon} --wallet.uri //Alice --message a --message b"), 64, "odd number"),
        (format!("{axon} --wallet.uri //Alice --message a --role king"), 64, "not a role"),
        (format!("{axon} --wallet.name x --message hello"), 66, "x/hotkeys/default"),
        (
            format!("{axon} --wallet.uri //Alice --message a --neuron.model_id no/such"),
            66,
            "no/such",
        ),
        (format!("--uids 1 --node {closed} --message hello"), 69, "no node answers"),
        (format!("--uids 1 --node {closed} --axn x"), 64, "--axn"),
        ("--axon somewhere:1".to_owned(), 64, "not the address of an axon"),
        ("--axon 127.0.0.1:0".to_owned(), 64, "not the address of an axon"),
        ("--hotkey 5Fnope".to_owned(), 64, "not a valid ss58 address"),
        ("--uids 3-1".to_owned(), 64, "not a list of uids"),
        ("--node https://a:1".to_owned(), 64, "not the address of a node"),
        ("--timeout 0".to_owned(), 64, "not between"),
    ];
    for (line, code, part) in table {
        let (found, out, err) = said(&place.run(&words(&line), ""));
        assert_eq!((found, out.as_str()), (Some(code), ""), "{line}: {err}");
        let first = err.lines().next().unwrap_or_default();
        assert!(first.starts_with("error: ") && first.contains(part), "{line}: {err}");
    }
}
