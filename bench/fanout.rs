//! How much time the dendrite adds to its slowest miner, and how much memory a stream takes.
//!
//! `fanout miners N` is the other side: a process of N small servers that stream [`CHUNKS`] chunks
//! over [`STREAM`] each, record how long each answer took, and print the slowest time on standard
//! output for each line on standard input.

#![expect(clippy::disallowed_methods, reason = "a benchmark's tasks need no name")]

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sn1::chain::{AxonInfo, Uid};
use sn1::synapse::SDK_VERSION;
use sn1::wallet::Keypair;
use sn1_actors::app::raise_open_files;
use sn1_actors::dendrite::{Dendrite, DendriteLimits, DendriteSettings};
use sn1_actors::messages::miners::{AskMiners, Target};
use sn1_actors::supervision::{ChildSpec, Recipient, Root, Slot};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Chunks of an answer, spread evenly over [`STREAM`].
const CHUNKS: u32 = 24;
/// How long a miner streams its answer.
const STREAM: Duration = Duration::from_secs(2);
/// Rounds that each ask all miners; the first one connects, later ones reuse connections.
const ROUNDS: usize = 4;
const TIMEOUT: Duration = Duration::from_secs(15);
const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
    transfer-encoding: chunked\r\nbt_header_axon_status_code: 200\r\n\
    bt_header_axon_status_message: Success\r\n\r\n";
const TEXT: &str = "about twelve tokens of text, as a miner of this kind sends";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["miners", n_miners] => {
            n_miners.parse().map_err(Failure::from).and_then(|n_miners| miners(n_miners))
        }
        _ => measure_all(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

// The miners.

fn miners(n_miners: usize) -> Result<(), Failure> {
    raise_open_files()?;
    let slowest_us = Arc::new(AtomicU64::new(0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ports = runtime.block_on(listen(n_miners, &slowest_us))?;
    let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
    println!("{}", ports.join(" "));
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            if line.is_err() {
                break;
            }
            println!("{}", slowest_us.swap(0, Ordering::SeqCst));
        }
        std::process::exit(0);
    });
    runtime.block_on(std::future::pending())
}

async fn listen(n_miners: usize, slowest_us: &Arc<AtomicU64>) -> std::io::Result<Vec<u16>> {
    let mut ports = Vec::with_capacity(n_miners);
    for _ in 0..n_miners {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        ports.push(listener.local_addr()?.port());
        let slowest_us = Arc::clone(slowest_us);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&slowest_us)));
            }
        });
    }
    Ok(ports)
}

/// Answers one request after the other until the caller closes.
async fn serve(mut stream: TcpStream, slowest_us: Arc<AtomicU64>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let chunk = format!("{:x}\r\n{TEXT}\r\n", TEXT.len());
    let mut unread = Vec::new();
    loop {
        while !take_request(&mut unread) {
            if stream.read_buf(&mut unread).await? == 0 {
                return Ok(());
            }
        }
        let started = Instant::now();
        stream.write_all(HEAD).await?;
        for chunk_idx in 1..=CHUNKS {
            let due = started + STREAM * chunk_idx / CHUNKS;
            tokio::time::sleep_until(due.into()).await;
            stream.write_all(chunk.as_bytes()).await?;
        }
        stream.write_all(b"0\r\n\r\n").await?;
        let took_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        slowest_us.fetch_max(took_us, Ordering::SeqCst);
    }
}

/// Removes one whole request from the front, if it has arrived.
fn take_request(unread: &mut Vec<u8>) -> bool {
    const END: &[u8] = b"\r\n\r\n";
    const LENGTH: &str = "content-length: ";
    let Some(end) = unread.windows(END.len()).position(|window| window == END) else {
        return false;
    };
    let head = std::str::from_utf8(&unread[..end]).unwrap_or_default();
    let length = head.rsplit("\r\n").find_map(|line| line.strip_prefix(LENGTH)?.parse().ok());
    let n_bytes = end + END.len() + length.unwrap_or(0_usize);
    let is_whole = n_bytes <= unread.len();
    if is_whole {
        unread.drain(..n_bytes);
    }
    is_whole
}

// The dendrite.

fn measure_all() -> Result<(), Failure> {
    raise_open_files()?;
    println!("{CHUNKS} chunks over {} s from each miner; times in ms", STREAM.as_secs());
    for n_miners in [256, 1024] {
        // A process of its own for each size, so that memory starts from a fresh one.
        match std::env::args().nth(1) {
            Some(only) if only != n_miners.to_string() => continue,
            Some(_) => actix::System::new().block_on(measure(n_miners))?,
            None => {
                let myself = std::env::current_exe()?;
                if !Command::new(myself).arg(n_miners.to_string()).status()?.success() {
                    return Err("a measurement failed".into());
                }
            }
        }
    }
    Ok(())
}

/// The process that runs the miners.
struct Miners {
    process: Child,
    ask: ChildStdin,
    told: BufReader<ChildStdout>,
    targets: Vec<Target>,
}

impl Miners {
    fn start(n_miners: usize) -> Result<Self, Failure> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["miners", &n_miners.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let ask = process.stdin.take().ok_or("no standard input")?;
        let mut told = BufReader::new(process.stdout.take().ok_or("no standard output")?);
        let mut ports = String::new();
        told.read_line(&mut ports)?;
        let mut targets = Vec::with_capacity(n_miners);
        for (uid, port) in (0..).zip(ports.split_whitespace()) {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse()?));
            let hotkey = Keypair::from_dev_path(&format!("//fanout//{uid}"))?.account_id();
            let axon = AxonInfo::for_address(address, SDK_VERSION);
            targets.push(Target { uid: Uid(uid), hotkey, axon });
        }
        Ok(Self { process, ask, told, targets })
    }

    /// Milliseconds of the slowest answer since the last call.
    fn slowest_ms(&mut self) -> Result<f64, Failure> {
        let mut line = String::new();
        self.ask.write_all(b"\n")?;
        self.told.read_line(&mut line)?;
        Ok(line.trim().parse::<f64>()? / 1e3)
    }
}

impl Drop for Miners {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn measure(n_miners: usize) -> Result<(), Failure> {
    let mut miners = Miners::start(n_miners)?;
    let mut few = Miners::start(8)?;
    let slot = Slot::new("Dendrite");
    let settings = DendriteSettings {
        hotkey: Keypair::from_dev_path("//fanout")?,
        external_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        allow_local_addresses: true,
        limits: DendriteLimits::default(),
    };
    let child = ChildSpec::new(&slot, move || Dendrite::new(settings.clone()));
    let (watchers, _) = mpsc::unbounded_channel();
    let root = Root::start("Node", vec![child], watchers);
    // After this, everything exists that any number of streams needs only once.
    round(&slot.recipient(), &mut few).await?;
    let before = memory("VmRSS:")?;
    for round_idx in 1..=ROUNDS {
        let Round { took_ms, first_chunks_ms, slowest_ms } =
            round(&slot.recipient(), &mut miners).await?;
        let added_ms = took_ms - slowest_ms;
        let first_due_ms = STREAM.as_secs_f64() * 1e3 / f64::from(CHUNKS);
        let late_ms = first_chunks_ms - first_due_ms;
        println!(
            "{n_miners:>5} miners, round {round_idx}: slowest miner {slowest_ms:.1}, \
             all {took_ms:.1}, added {added_ms:.1} (first chunk at most {late_ms:.1} late)"
        );
    }
    let peak = memory("VmHWM:")?.saturating_sub(before) as f64 / n_miners as f64;
    println!("{n_miners:>5} miners: at most {peak:.1} KiB of memory for each stream");
    root.stop().await;
    Ok(())
}

/// The times of one question to all miners, in milliseconds.
struct Round {
    /// Time until the last answer.
    took_ms: f64,
    /// Time until the last miner's first chunk.
    first_chunks_ms: f64,
    /// The slowest miner's time, by its own clock.
    slowest_ms: f64,
}

/// Asks all miners once.
async fn round(dendrite: &Recipient<AskMiners>, miners: &mut Miners) -> Result<Round, Failure> {
    let message = "Name the tallest mountain of every continent. ".repeat(20);
    let ask = AskMiners {
        targets: miners.targets.clone(),
        roles: vec!["user".to_owned()],
        messages: vec![message],
        timeout: TIMEOUT,
        progress: None,
    };
    let started = Instant::now();
    let mut answers = dendrite.ask_again(ask, TIMEOUT).await?;
    let (mut n_good, mut first_chunks_s) = (0, 0.0_f64);
    while let Some(answer) = answers.recv().await {
        first_chunks_s = answer.chunks.first().map_or(0.0, |(_, at)| *at).max(first_chunks_s);
        n_good +=
            usize::from(answer.outcome.is_success() && answer.chunks.len() <= CHUNKS as usize);
    }
    let took_ms = started.elapsed().as_secs_f64() * 1e3;
    if n_good != miners.targets.len() {
        return Err(format!("only {n_good} of {} answers are good", miners.targets.len()).into());
    }
    Ok(Round { took_ms, first_chunks_ms: first_chunks_s * 1e3, slowest_ms: miners.slowest_ms()? })
}

/// The value of a line of this process's status, in KiB.
fn memory(name: &str) -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("no memory in /proc/self/status")?.parse()?)
}
