//! Starts the servers, loads them in turn for some rounds, and prints medians and ratios.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;

use crate::Fallible;
use crate::child::{Child, quantile};
use crate::load::Seen;

/// Clock ticks per second in Linux's `/proc`.
const TICKS_PER_SECOND: f64 = 100.0;
/// Requests that are signed for the first, unmeasured slice of each server.
const FIRST_SUPPLY: usize = 4_000;
/// Requests that are signed for a slice, as a multiple of what the fastest one so far needed.
const SPARE: f64 = 1.6;

/// What is compared, and for how long.
#[derive(clap::Args)]
pub(crate) struct Plan {
    /// Measured slices of each server.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Length of a slice in seconds.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Connections that are kept busy.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Event loops of this project's axon and of the floor.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// A Python with bittensor 10.5.0; without one, the Python axon is left out.
    #[arg(long)]
    python: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Port {
    port: u16,
}

/// A server and its measurements.
struct Contender {
    name: &'static str,
    server: Child,
    address: SocketAddr,
    best_rate: f64,
    rounds: Vec<Round>,
}

struct Round {
    rate: f64,
    seen: Seen,
    cpu_us_per_request: f64,
}

/// Runs the comparison. An error when any request was not answered correctly.
pub(crate) fn run(plan: &Plan) -> Fallible<()> {
    let mut contenders = vec![own("sn1", "axon", plan.threads)?];
    if let Some(python) = &plan.python {
        contenders.push(python_axon(python)?);
    }
    contenders.push(own("floor", "floor", plan.threads)?);
    contenders.push(own("floor, task", "floor-task", plan.threads)?);
    for contender in &mut contenders {
        contender.slice(plan, FIRST_SUPPLY)?;
        contender.rounds.clear();
    }
    for _ in 0..plan.rounds {
        for contender in &mut contenders {
            let supply = contender.best_rate * plan.seconds * SPARE;
            contender.slice(plan, supply as usize)?;
        }
    }
    contenders.iter_mut().for_each(|contender| contender.server.dismiss());
    print(plan, &contenders)?;
    match contenders.iter().find_map(Contender::trouble) {
        Some(trouble) => Err(trouble.into()),
        None => Ok(()),
    }
}

fn own(name: &'static str, kind: &str, threads: usize) -> Fallible<Contender> {
    contender(name, Child::again(&["serve".to_owned(), kind.to_owned(), threads.to_string()])?)
}

fn python_axon(python: &PathBuf) -> Fallible<Contender> {
    // The SDK cannot take over a listener, so the port is only very likely to be free.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let mut command = Command::new(python);
    command.args(["bench/axon_peer.py", &port.to_string()]);
    contender("python", Child::start(command)?)
}

fn contender(name: &'static str, mut server: Child) -> Fallible<Contender> {
    let Port { port } = server.hear()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Ok(Contender { name, server, address, best_rate: 0.0, rounds: Vec::new() })
}

impl Contender {
    fn slice(&mut self, plan: &Plan, supply: usize) -> Fallible<()> {
        let arguments = [
            "load".to_owned(),
            format!("--to={}", self.address),
            format!("--connections={}", plan.connections),
            format!("--seconds={}", plan.seconds),
            format!("--supply={}", supply.max(plan.connections)),
        ];
        let mut load = Child::again(&arguments)?;
        let _: String = load.hear()?;
        let cpu_before = cpu_seconds(&self.server)?;
        let seen: Seen = load.hear()?;
        let cpu = cpu_seconds(&self.server)? - cpu_before;
        let rate = seen.requests as f64 / seen.seconds;
        self.best_rate = self.best_rate.max(rate);
        let cpu_us_per_request = cpu * 1e6 / seen.requests.max(1) as f64;
        self.rounds.push(Round { rate, seen, cpu_us_per_request });
        Ok(())
    }

    fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        let mut values: Vec<f64> = self.rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        quantile(&values, 0.5)
    }

    /// The median over all rounds of the other contender's rate divided by this one's.
    fn ratio_of(&self, other: &Contender) -> f64 {
        let ratios = self.rounds.iter().zip(&other.rounds);
        let mut ratios: Vec<f64> = ratios.map(|(own, other)| other.rate / own.rate).collect();
        ratios.sort_by(f64::total_cmp);
        quantile(&ratios, 0.5)
    }

    fn trouble(&self) -> Option<String> {
        let errors: usize = self.rounds.iter().map(|round| round.seen.errors).sum();
        let first = self.rounds.iter().find_map(|round| round.seen.first_error.as_deref());
        (errors > 0).then(|| {
            format!(
                "{}: {errors} requests failed, the first with {}",
                self.name,
                first.unwrap_or("")
            )
        })
    }
}

/// CPU seconds that a process has used, from Linux's `/proc`.
fn cpu_seconds(child: &Child) -> Fallible<f64> {
    let account = std::fs::read_to_string(format!("/proc/{}/stat", child.id()))?;
    // The name in brackets may contain anything; user and system time are the 12th and 13th field
    // after it.
    let (_, fields) = account.rsplit_once(')').ok_or("an account without a name")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / TICKS_PER_SECOND)
}

fn print(plan: &Plan, contenders: &[Contender]) -> Fallible<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} connections, {} rounds of {} s, medians; the load generator runs on the same cores\n",
        plan.connections, plan.rounds, plan.seconds
    )?;
    writeln!(
        out,
        "| {:<11} | {:>10} | {:>7} | {:>7} | {:>14} | {:>10} |",
        "server", "requests/s", "p50 ms", "p99 ms", "CPU us/request", "sn1 : this"
    )?;
    writeln!(
        out,
        "|-------------|-----------:|--------:|--------:|---------------:|-----------:|"
    )?;
    for contender in contenders {
        writeln!(
            out,
            "| {:<11} | {:>10.0} | {:>7.2} | {:>7.2} | {:>14.0} | {:>10.2} |",
            contender.name,
            contender.median(|round| round.rate),
            contender.median(|round| round.seen.p50_ms),
            contender.median(|round| round.seen.p99_ms),
            contender.median(|round| round.cpu_us_per_request),
            contenders.first().map_or(0.0, |sn1| contender.ratio_of(sn1)),
        )?;
    }
    Ok(())
}
