//! The load generator: keeps a number of connections busy, each with one request at a time; all
//! requests are signed beforehand.
//!
//! Each connection has a nonce counter of its own, so that its requests arrive in the order of
//! their nonces.

use std::cell::Cell;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::task::LocalSet;

use crate::Fallible;
use crate::callers::{Caller, QUESTION};
use crate::child::quantile;
use crate::http::{Connection, frame};

/// Registered hotkeys over which the connections are spread.
pub(crate) const HOTKEYS: usize = 8;
/// Threads that sign before the clock starts.
const SIGNERS: usize = 2;

/// One measured interval.
#[derive(clap::Args)]
pub(crate) struct Slice {
    /// The address of the server.
    #[arg(long)]
    to: SocketAddr,
    /// Connections that are kept busy.
    #[arg(long)]
    connections: usize,
    /// The length of the slice in seconds.
    #[arg(long)]
    seconds: f64,
    /// Requests to sign beforehand; the slice ends early when a connection has used up its own.
    #[arg(long)]
    supply: usize,
}

/// The measurements of the load generator.
#[derive(Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Complete and correct answers.
    pub(crate) requests: usize,
    /// Seconds from the first request to the end of the last answer.
    pub(crate) seconds: f64,
    /// Median time from the first byte sent to the last one received, in milliseconds.
    pub(crate) p50_ms: f64,
    /// The 99th percentile of the same time, in milliseconds.
    pub(crate) p99_ms: f64,
    /// Requests without a complete answer with status 200.
    pub(crate) errors: usize,
    /// The first of these errors.
    pub(crate) first_error: Option<String>,
}

/// Prints a line when the requests are ready, then loads the server and prints the measurements.
pub(crate) fn run(slice: &Slice) -> Fallible<()> {
    let supplies = sign_all(slice)?;
    say(&"ready")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let seen = LocalSet::new().block_on(&runtime, load(slice, supplies))?;
    say(&seen)
}

fn say(what: &impl Serialize) -> Fallible<()> {
    Ok(writeln!(std::io::stdout(), "{}", serde_json::to_string(what)?)?)
}

/// The signed requests of each connection.
fn sign_all(slice: &Slice) -> Fallible<Vec<Vec<Vec<u8>>>> {
    let per_connection = slice.supply.div_ceil(slice.connections);
    let sign_for = |connection: usize| -> Fallible<Vec<Vec<u8>>> {
        let caller = Caller::new(&format!("caller//{}", connection % HOTKEYS), slice.to)?;
        let request = |_| Ok(frame(&caller.ask(QUESTION)?, slice.to));
        (0..per_connection).map(request).collect()
    };
    let connections: Vec<usize> = (0..slice.connections).collect();
    let share = slice.connections.div_ceil(SIGNERS);
    std::thread::scope(|scope| {
        let signers: Vec<_> = connections
            .chunks(share)
            .map(|share| scope.spawn(move || share.iter().map(|&n| sign_for(n)).collect()))
            .collect();
        let signed = signers.into_iter().map(|signer| -> Fallible<Vec<_>> {
            signer.join().map_err(|_| "a signing thread panicked")?
        });
        Ok(signed.collect::<Fallible<Vec<_>>>()?.concat())
    })
}

struct Tally {
    latencies_ms: Vec<f64>,
    ended: Instant,
    errors: usize,
    first_error: Option<String>,
}

async fn load(slice: &Slice, supplies: Vec<Vec<Vec<u8>>>) -> Fallible<Seen> {
    let mut ready = Vec::new();
    for supply in supplies {
        ready.push((Connection::open(Ipv4Addr::LOCALHOST, slice.to).await?, supply));
    }
    let started = Instant::now();
    let is_over = std::rc::Rc::new(Cell::new(false));
    let until = started + Duration::from_secs_f64(slice.seconds);
    let busy: Vec<_> = ready
        .into_iter()
        .map(|(connection, supply)| {
            let is_over = std::rc::Rc::clone(&is_over);
            tokio::task::spawn_local(async move {
                let tally = keep_busy(connection, supply, until, &is_over).await;
                is_over.set(true);
                tally
            })
        })
        .collect();
    let mut tallies = Vec::new();
    for task in busy {
        tallies.push(task.await?);
    }
    Ok(summary(tallies, started))
}

/// Asks until the time is over or a connection has used up its requests.
async fn keep_busy(
    mut connection: Connection,
    supply: Vec<Vec<u8>>,
    until: Instant,
    is_over: &Cell<bool>,
) -> Tally {
    let mut tally = Tally { latencies_ms: Vec::new(), ended: until, errors: 0, first_error: None };
    for request in supply {
        let sent = Instant::now();
        if sent >= until || is_over.get() {
            break;
        }
        let reply = connection.exchange(&request).await;
        tally.ended = Instant::now();
        let trouble = match reply {
            Ok(reply) if !reply.stays_open => format!("{} and a closed connection", reply.status),
            Ok(reply) if reply.status == 200 && reply.body == QUESTION.as_bytes() => {
                tally.latencies_ms.push((tally.ended - sent).as_secs_f64() * 1e3);
                continue;
            }
            Ok(reply) => format!("{} {}", reply.status, String::from_utf8_lossy(&reply.body)),
            Err(error) => error.to_string(),
        };
        tally.errors += 1;
        tally.first_error.get_or_insert(trouble);
    }
    tally
}

fn summary(tallies: Vec<Tally>, started: Instant) -> Seen {
    let ended = tallies.iter().map(|tally| tally.ended).max().unwrap_or(started);
    let errors = tallies.iter().map(|tally| tally.errors).sum();
    let first_error = tallies.iter().find_map(|tally| tally.first_error.clone());
    let mut all: Vec<f64> = tallies.into_iter().flat_map(|tally| tally.latencies_ms).collect();
    all.sort_by(f64::total_cmp);
    Seen {
        requests: all.len(),
        seconds: (ended - started).as_secs_f64(),
        p50_ms: quantile(&all, 0.5),
        p99_ms: quantile(&all, 0.99),
        errors,
        first_error,
    }
}
