//! Runs axon, attackers and the honest validator, and judges the outcome.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread::{ScopedJoinHandle, sleep};
use std::time::Duration;

use crate::Fallible;
use crate::attack::Intensity;
use crate::axon::{Served, Serving};
use crate::callers::unix_ns;
use crate::child::{Child, quantile};
use crate::honest::Asked;
use crate::tally::Counts;

/// The interval of samples of the axon's memory.
const LOOK_EVERY: Duration = Duration::from_millis(200);
const MIB: f64 = 1024.0 * 1024.0;

/// The plan of the attack, and the limits for the axon.
#[derive(clap::Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    intensity: Intensity,
    /// Seconds of the honest validator alone before the attack.
    #[arg(long, default_value_t = 5)]
    before: u64,
    /// Seconds of the honest validator alone after the attack.
    #[arg(long, default_value_t = 10)]
    after: u64,
    /// The attack of neighbours who share the honest validator's address, instead of the others.
    #[arg(long)]
    neighbours: bool,
    /// By how much the axon's memory may grow during the attack, in MiB.
    #[arg(long, default_value_t = 64.0)]
    max_growth_mib: f64,
}

const PHASES: [&str; 3] = ["before", "during", "after"];

/// Samples of the axon and of the honest validator in one phase.
#[derive(Default)]
struct Phase {
    memory_mib: Vec<f64>,
    files: Vec<f64>,
    asked: Vec<Asked>,
}

struct Outcome {
    phases: [Phase; 3],
    attacks: BTreeMap<String, Counts>,
    served: Served,
}

/// Runs everything and prints it. An error when the axon failed an aim.
pub(crate) fn run(mut plan: Plan) -> Fallible<()> {
    if plan.neighbours {
        plan.intensity = Intensity::of_neighbours(plan.intensity.seconds);
    }
    let plan = &plan;
    let outcome = besiege(plan)?;
    print_phases(&outcome)?;
    print_attacks(plan, &outcome)?;
    let mut out = std::io::stdout().lock();
    let failures = outcome.failures(plan);
    for failure in &failures {
        writeln!(out, "FAILED: {failure}")?;
    }
    if failures.is_empty() {
        writeln!(out, "passed: honest questions answered, nothing served twice, memory flat")?;
        return Ok(());
    }
    Err("the axon did not stand".into())
}

fn besiege(plan: &Plan) -> Fallible<Outcome> {
    let mut axon = Child::again(&["axon".to_owned()])?;
    let Serving { port } = axon.hear()?;
    let to = format!("--to={}", SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let seconds = plan.before + plan.intensity.seconds + plan.after;
    let honest = ["honest".to_owned(), to.clone(), format!("--seconds={seconds}")];
    let mut honest = Child::again(&honest)?;
    let mut phases = <[Phase; 3]>::default();
    let (asked, attacks, began, ended) = std::thread::scope(|scope| {
        let honest = scope.spawn(|| honest.hear::<Vec<Asked>>());
        let calm = scope.spawn(|| sleep(Duration::from_secs(plan.before)));
        watch(&axon, &calm, &mut phases[0])?;
        let began = unix_ns()?;
        let mut attackers = Child::again(&plan.intensity.arguments(&to))?;
        let attack = scope.spawn(move || attackers.hear::<BTreeMap<String, Counts>>());
        watch(&axon, &attack, &mut phases[1])?;
        let ended = unix_ns()?;
        watch(&axon, &honest, &mut phases[2])?;
        Fallible::Ok((joined(honest)??, joined(attack)??, began, ended))
    })?;
    for asked in asked {
        let phase = usize::from(began <= asked.at_unix_ns) + usize::from(ended <= asked.at_unix_ns);
        phases[phase].asked.push(asked);
    }
    axon.dismiss();
    Ok(Outcome { phases, attacks, served: axon.hear()? })
}

fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> Fallible<T> {
    thread.join().map_err(|_| "a waiting thread panicked".into())
}

/// Samples the axon until `thread` has ended.
fn watch<T>(axon: &Child, thread: &ScopedJoinHandle<'_, T>, phase: &mut Phase) -> Fallible<()> {
    while !thread.is_finished() {
        phase.memory_mib.push(resident_bytes(axon)? / MIB);
        let files = std::fs::read_dir(format!("/proc/{}/fd", axon.id()))?;
        phase.files.push(files.count() as f64);
        sleep(LOOK_EVERY);
    }
    Ok(())
}

/// Resident memory of a process in bytes, from Linux's `/proc`.
fn resident_bytes(child: &Child) -> Fallible<f64> {
    let account = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let line = account.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    // A process that has ended has no such line.
    let kib = line.and_then(|line| line.split_whitespace().next()).ok_or("the axon has ended")?;
    Ok(kib.parse::<f64>()? * 1024.0)
}

impl Intensity {
    /// The command line that starts the attackers.
    fn arguments(&self, to: &str) -> Vec<String> {
        let mut arguments = vec![
            "attack".to_owned(),
            to.to_owned(),
            format!("--seconds={}", self.seconds),
            format!("--bad-signatures={}", self.bad_signatures),
            format!("--addresses={}", self.addresses),
            format!("--replays={}", self.replays),
            format!("--slow-heads={}", self.slow_heads),
            format!("--slow-bodies={}", self.slow_bodies),
            format!("--huge-bodies={}", self.huge_bodies),
            format!("--header-floods={}", self.header_floods),
            format!("--idle={}", self.idle),
            format!("--unsigned={}", self.unsigned),
            format!("--load={}", self.load),
        ];
        arguments.extend(self.shared.then(|| "--shared".to_owned()));
        arguments
    }
}

impl Phase {
    fn latencies_ms(&self) -> Vec<f64> {
        let good = self.asked.iter().filter(|asked| asked.trouble.is_none());
        sorted(good.map(|asked| asked.ms))
    }

    /// What went wrong, and how often.
    fn troubles(&self) -> BTreeMap<&str, usize> {
        let mut troubles = BTreeMap::new();
        for trouble in self.asked.iter().filter_map(|asked| asked.trouble.as_deref()) {
            *troubles.entry(trouble).or_default() += 1;
        }
        troubles
    }

    fn median_memory_mib(&self) -> f64 {
        quantile(&sorted(self.memory_mib.iter().copied()), 0.5)
    }

    fn peak_memory_mib(&self) -> f64 {
        self.memory_mib.iter().copied().fold(0.0, f64::max)
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

impl Outcome {
    /// How many requests were served more than once.
    fn served_again(&self) -> u64 {
        self.served.answered_once.values().map(|times| times.saturating_sub(1)).sum()
    }

    fn served_to(&self, attack: &str) -> u64 {
        let ends = self.attacks.get(attack).and_then(|counts| counts.ends.get("200"));
        ends.copied().unwrap_or(0)
    }

    /// The aims that were missed. Times are not aims here: they depend on the machine as well.
    fn failures(&self, plan: &Plan) -> Vec<String> {
        let mut failures = Vec::new();
        for (phase, name) in self.phases.iter().zip(PHASES) {
            // Neighbours may cost one question in a hundred, others none.
            let n_allowed = if plan.neighbours { phase.asked.len() / 100 } else { 0 };
            if phase.troubles().values().sum::<usize>() <= n_allowed {
                continue;
            }
            for (trouble, n) in phase.troubles() {
                failures.push(format!("{n} honest questions {name} the attack: {trouble}"));
            }
        }
        if self.served_again() + self.served_to("replays") > 0 {
            let n = self.served_again().max(self.served_to("replays"));
            failures.push(format!("{n} requests were served again"));
        }
        let forged = self.served_to("wrong signatures");
        if forged > 0 {
            failures.push(format!("{forged} wrong signatures were served"));
        }
        let growth = self.phases[1].peak_memory_mib() - self.phases[0].median_memory_mib();
        if growth > plan.max_growth_mib {
            failures.push(format!("memory grew by {growth:.1} MiB"));
        }
        failures
    }
}

fn print_phases(outcome: &Outcome) -> Fallible<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "| {:<30} | {:>7} | {:>7} | {:>7} |", "", "before", "during", "after")?;
    writeln!(out, "|--------------------------------|--------:|--------:|--------:|")?;
    let mut row = |name: &str, digits: usize, of: &dyn Fn(&Phase) -> f64| {
        let [before, during, after] = outcome.phases.each_ref().map(of);
        writeln!(
            out,
            "| {name:<30} | {before:>7.digits$} | {during:>7.digits$} | {after:>7.digits$} |"
        )
    };
    row("honest questions", 0, &|phase| phase.asked.len() as f64)?;
    row("answered with 200, complete", 0, &|phase| phase.latencies_ms().len() as f64)?;
    row("p50 ms", 1, &|phase| quantile(&phase.latencies_ms(), 0.5))?;
    row("p99 ms", 1, &|phase| quantile(&phase.latencies_ms(), 0.99))?;
    row("slowest ms", 1, &|phase| quantile(&phase.latencies_ms(), 1.0))?;
    row("axon's memory, median MiB", 1, &Phase::median_memory_mib)?;
    row("axon's memory, peak MiB", 1, &Phase::peak_memory_mib)?;
    row("axon's open files, peak", 0, &|phase| phase.files.iter().copied().fold(0.0, f64::max))?;
    Ok(())
}

fn print_attacks(plan: &Plan, outcome: &Outcome) -> Fallible<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n| {:<20} | attempts | per s | MB taken | longest s | ends", "attack")?;
    writeln!(out, "|----------------------|---------:|------:|---------:|----------:|-----")?;
    for (attack, counts) in &outcome.attacks {
        let ends: Vec<String> =
            counts.ends.iter().map(|(end, times)| format!("{end}: {times}")).collect();
        writeln!(
            out,
            "| {attack:<20} | {:>8} | {:>5.0} | {:>8.1} | {:>9.1} | {}",
            counts.attempts,
            counts.attempts as f64 / plan.intensity.seconds as f64,
            counts.bytes as f64 / 1e6,
            counts.longest_s,
            ends.join(", "),
        )?;
    }
    writeln!(out, "\nrequests served again: {}\n\nthe axon's own counts:", outcome.served_again())?;
    for (series, value) in &outcome.served.counters {
        writeln!(out, "  {series} {value}")?;
    }
    writeln!(out)?;
    Ok(())
}
