//! What must not end a node, nor have it blame others: outputs that cannot be written, signals that are
//! sent out of habit, a pause of the whole process, a default port that is taken.

use std::io::{PipeReader, PipeWriter, Write, pipe};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rustix::io::ioctl_fionbio;
use rustix::process::{Pid, Signal, kill_process};

use super::*;
use crate::node::signal;
use crate::process::SOON;

/// Two outputs that cannot be written, and what must stay open meanwhile.
fn outputs() -> [(&'static str, Stdio, Stdio, Option<PipeReader>); 3] {
    let ended = || Stdio::from(pipe().unwrap().1);
    let full = || Stdio::from(std::fs::File::options().write(true).open("/dev/full").unwrap());
    let (reader, mut writer) = pipe().unwrap();
    fill(&mut writer);
    let stopped = || Stdio::from(writer.try_clone().unwrap());
    [
        ("a reader that ended", ended(), ended(), None),
        ("a full disk", full(), full(), None),
        ("a reader that stopped", stopped(), stopped(), Some(reader)),
    ]
}

/// Writes until the pipe takes nothing more.
fn fill(pipe: &mut PipeWriter) {
    ioctl_fionbio(&*pipe, true).unwrap();
    while pipe.write(&[b'.'; 4096]).is_ok() {}
    ioctl_fionbio(&*pipe, false).unwrap();
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Holds a port, or leaves it to whoever has it.
fn taken(port: u16) -> Option<TcpListener> {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).ok()
}

/// A miner that publishes nothing and keeps its state apart, with its pages on a port that is known
/// before it says so.
fn silent_miner(home: &Home, chain: &DevChain, name: &str) -> (Command, SocketAddr) {
    let port = free_port();
    let mut command = home.miner(chain.url());
    command.args(["--axon.off", "--telemetry.port", &port.to_string(), "--logging.debug"]);
    command.args(["--state.folder", name]);
    (command, SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

fn await_pages(node: &mut Child, pages: SocketAddr, name: &str) {
    let began = Instant::now();
    while TcpStream::connect(pages).is_err() {
        let ended = node.try_wait().unwrap();
        assert!(ended.is_none() && began.elapsed() < SOON, "{name}: {ended:?}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[tokio::test]
async fn outputs_that_cannot_be_written_end_nothing() {
    let chain = DevChain::start(&QUICK);
    let home = Home::of("//Bob");
    register(&client(&chain), "//Bob").await;
    let mut nodes = Vec::new();
    for (name, stdout, stderr, held) in outputs() {
        let (mut command, pages) = silent_miner(&home, &chain, name);
        let node = command.stdout(stdout).stderr(stderr).spawn().unwrap();
        nodes.push((name, Killed(node), pages, held));
    }
    let (command, pages) = silent_miner(&home, &chain, "closed");
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$0\" \"$@\" >&- 2>&-"]).arg(command.get_program());
    shell.args(command.get_args()).current_dir(home.path()).env("HOME", home.path());
    nodes.push(("closed outputs", Killed(shell.spawn().unwrap()), pages, None));

    for (name, node, pages, _) in &mut nodes {
        await_pages(&mut node.0, *pages, name);
        until(*pages, "/readyz", is_ready);
    }
    // Each of these is a line in the log.
    chain.ask("dev_drop_connections", json!([]));
    for (_, node, pages, _) in &nodes {
        signal(&node.0, Signal::HUP);
        until(*pages, "/metrics", |page| metric(page, "sn1_chain_connections_lost_total") >= 1.0);
        until(*pages, "/readyz", is_ready);
    }
    for (name, mut node, ..) in nodes {
        signal(&node.0, Signal::TERM);
        assert_eq!(node.0.wait().unwrap().code(), Some(0), "{name}");
    }
}

/// The sum of a metric over all labels.
fn sum(page: &str, name: &str) -> f64 {
    let lines = page.lines().filter(|line| line.starts_with(name));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// Longer than the ten seconds of silence that are a stall.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(12);

#[tokio::test]
async fn neither_habitual_signals_nor_a_pause_are_a_fault_of_anybody() {
    let chain = DevChain::start(&["--block-time", "400ms", "--allow-loopback-axons"]);
    let home = Home::of("//Bob");
    register(&client(&chain), "//Bob").await;
    let mut miner = Node::start(home.miner(chain.url()).arg("--axon.off"));
    let pages = miner.pages();
    until(pages, "/readyz", is_ready);

    let habitual = [
        (Signal::HUP, "SIGHUP"),
        (Signal::USR1, "SIGUSR1"),
        (Signal::USR2, "SIGUSR2"),
        (Signal::XFSZ, "SIGXFSZ"),
    ];
    for (number, name) in habitual {
        signal(miner.process(), number);
        kill_process(Pid::from_raw(chain.id().cast_signed()).unwrap(), number).unwrap();
        miner.error_with(name);
    }

    signal(miner.process(), Signal::STOP);
    std::thread::sleep(PAUSE);
    signal(miner.process(), Signal::CONT);
    miner.error_with("this process was away");
    let block = metric(&page(pages, "/metrics"), "sn1_metagraph_block");
    // As many blocks as take several heartbeats.
    let later = until(pages, "/metrics", |page| metric(page, "sn1_metagraph_block") > block + 5.0);
    assert!(later.contains("sn1_actor_restarts_total{"), "{later}");
    assert_eq!(sum(&later, "sn1_actor_restarts_total{"), 0.0, "{later}");
    assert_eq!(sum(&later, "sn1_chain_connections_lost_total"), 0.0, "{later}");
    until(pages, "/readyz", is_ready);
    assert_eq!(miner.terminate(), Some(0));
}

#[tokio::test]
async fn a_default_port_that_is_taken_moves_on_and_one_that_was_asked_for_does_not() {
    let _held = [8091, 9464, 9944].map(taken);
    let mut other = Killed(process::sn1(&["devchain"]).spawn().unwrap());
    let mut line = String::new();
    let output = other.0.stdout.as_mut().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).unwrap();
    assert!(line.starts_with("ws://127.0.0.1:") && line.trim() != "ws://127.0.0.1:9944", "{line}");
    refused(&mut process::sn1(&["devchain", "--port", "9944"]), 69, &["9944", "--port"]);

    let chain = DevChain::start(&QUICK);
    let home = Home::of("//Bob");
    register(&client(&chain), "//Bob").await;
    let miner = || {
        let mut command = home.command(&["miner", "--miner", "echo", "--wallet.name", "me"]);
        command.args(["--wallet.hotkey", "h", "--subtensor.chain_endpoint", chain.url()]);
        command
    };
    let mut moved = Node::start(miner().args(["--subtensor.block_time", "0.1"]));
    assert!(moved.line_with("is taken").contains("port 8091 is taken"));
    assert!(moved.line_with("is taken").contains("port 9464 is taken"));
    assert_ne!(moved.pages().port(), 9464);
    let line = moved.line_with("axon on 0.0.0.0:");
    let port = |text: &str| text.rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
    let (axon, published) = line.split_once(", published as ").unwrap();
    assert_eq!(port(axon), port(published));
    assert_ne!(port(axon), 8091);

    std::fs::write(home.path().join("node.toml"), "[telemetry]\nport = 9464\n").unwrap();
    let table: [(&[&str], &str); 4] = [
        (&["--telemetry.port", "9464", "--axon.port", "0"], "--telemetry.port"),
        (&["--config", "node.toml", "--axon.port", "0"], "--telemetry.port"),
        (&["--axon.port", "8091"], "--axon.port"),
        // A router sends it to the port that it was told.
        (&["--axon.external_port", "8091"], "--axon.port"),
    ];
    for (flags, word) in table {
        refused(miner().args(flags), 69, &["cannot listen on", word]);
    }
    let mut by_variable = miner();
    by_variable.args(["--axon.port", "0"]).env("SN1_TELEMETRY__PORT", "9464");
    refused(&mut by_variable, 69, &["cannot listen on", "--telemetry.port"]);
    assert_eq!(moved.terminate(), Some(0));
}
