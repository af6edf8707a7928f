//! What a run came to: a table for people, JSON for programs. Counts come from the store, so they
//! go on over restarts and over runs on the same state folder.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Serialize;
use sn1::chain::{Metagraph, Netuid, Neuron, Uid};
use sn1::devchain::node::DevNode;
use sn1::store::{ChainStore, CommitRecord, MinerTally, ScoreState, Store};

use super::prepare::Prepared;
use crate::app::Failure;
use crate::app::console::Tally;
use crate::app::machine::unwritable;
use crate::app::state::damaged;
use crate::supervision::FaultCounts;

/// A turn's time beyond its slowest allowed part, in seconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Overhead {
    p50: f64,
    p95: f64,
    max: f64,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct MinerLine {
    uid: u16,
    kind: &'static str,
    hotkey: String,
    requests: u64,
    answers_by_status: BTreeMap<String, u64>,
    failures_by_status: BTreeMap<String, u64>,
    mean_reward: f64,
    score: f32,
    weight: u16,
    incentive: f64,
    emission_rao: u64,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct CommitLine {
    planned_block: u64,
    outcome: &'static str,
    block: Option<u64>,
    detail: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Report {
    ended_by: &'static str,
    seconds: f64,
    blocks: u64,
    steps: u64,
    turns: u64,
    turns_this_run: u64,
    first_scored_turn_seconds: Option<f64>,
    first_weights_seconds: Option<f64>,
    overhead_seconds: Overhead,
    miners: Vec<MinerLine>,
    weight_commits: Vec<CommitLine>,
    restarts: BTreeMap<String, FaultCounts>,
    events: u64,
    peak_memory_bytes: Option<u64>,
}

impl Report {
    /// Reads back what the run left on disk and on chain.
    pub(super) fn gather(
        prepared: &Prepared,
        netuid: Netuid,
        tally: &Tally,
        ended_by: &'static str,
        seconds: f64,
    ) -> Result<Self, Failure> {
        let store = Store::open(&prepared.state.validator_file()?).map_err(damaged)?;
        let scores = store.load_scores().map_err(damaged)?;
        let tallies = store.miner_tallies().map_err(damaged)?;
        let overheads = store.overheads().map_err(damaged)?;
        let commits = store.commits().map_err(damaged)?;
        let events = Store::open(&prepared.state.events_file()?)
            .and_then(|store| store.count_events("step"))
            .map_err(damaged)?;
        let ChainState { metagraph, weights } = read_chain(prepared, netuid)?;
        let neurons = metagraph.as_ref().map_or(&[][..], |known| &known.neurons);
        let miners = neurons.iter().filter_map(|neuron| {
            let known = prepared.miners.iter().find(|miner| miner.hotkey == neuron.hotkey);
            let kind = known?.kind.name;
            Some(miner_line(neuron, kind, &tallies, &scores, &weights))
        });
        Ok(Self {
            ended_by,
            seconds,
            blocks: metagraph.as_ref().map_or(0, |known| known.head.number),
            steps: scores.steps,
            turns: scores.turns,
            turns_this_run: tally.n_turns,
            first_scored_turn_seconds: tally.first_turn_seconds,
            first_weights_seconds: tally.first_weights_seconds,
            overhead_seconds: overhead(&overheads),
            miners: miners.collect(),
            weight_commits: commits.iter().map(commit_line).collect(),
            restarts: tally.restarts.by_actor().clone(),
            events,
            peak_memory_bytes: peak_memory_bytes(),
        })
    }

    /// Writes the JSON.
    pub(super) fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).map_err(|error| unwritable(path, error))?;
        let written = std::fs::write(path, text + "\n");
        written.map_err(|error| unwritable(path, error))
    }
}

/// What the chain's file holds in the end.
struct ChainState {
    metagraph: Option<Metagraph>,
    /// The validator's.
    weights: Vec<(Uid, u16)>,
}

fn read_chain(prepared: &Prepared, netuid: Netuid) -> Result<ChainState, Failure> {
    let node = ChainStore::open(&prepared.state.chain_file())
        .and_then(|store| store.load::<DevNode>())
        .map_err(damaged)?;
    let chain = node.as_ref().map(DevNode::chain);
    let validator = prepared.keys.validator.hotkey.account_id();
    let weights = chain.and_then(|chain| chain.weights(netuid, chain.uid_of(netuid, &validator)?));
    let metagraph = chain.and_then(|chain| chain.metagraph(netuid));
    Ok(ChainState { metagraph, weights: weights.unwrap_or_default() })
}

fn miner_line(
    neuron: &Neuron,
    kind: &'static str,
    tallies: &[MinerTally],
    scores: &ScoreState,
    weights: &[(Uid, u16)],
) -> MinerLine {
    let tally = tallies.iter().find(|tally| tally.hotkey == neuron.hotkey);
    let answers = tally.map(|tally| tally.by_status.clone()).unwrap_or_default();
    let is_failure = |status: &String| !matches!(status.as_str(), "200" | "204");
    let failures = answers.iter().filter(|(status, _)| is_failure(status));
    let score =
        scores.miners.get(usize::from(neuron.uid.0)).filter(|miner| miner.hotkey == neuron.hotkey);
    let weight = weights.iter().find(|(uid, _)| *uid == neuron.uid);
    MinerLine {
        uid: neuron.uid.0,
        kind,
        hotkey: neuron.hotkey.to_ss58(),
        requests: tally.map_or(0, |tally| tally.requests),
        failures_by_status: failures.map(|(status, n)| (status.clone(), *n)).collect(),
        answers_by_status: answers,
        mean_reward: tally.map_or(0.0, |tally| tally.mean_reward),
        score: score.map_or(0.0, |miner| miner.score),
        weight: weight.map_or(0, |(_, weight)| *weight),
        incentive: f64::from(neuron.incentive) / f64::from(u16::MAX),
        emission_rao: neuron.emission,
    }
}

fn commit_line(record: &CommitRecord) -> CommitLine {
    use sn1::store::CommitOutcome::{Landed, Lost, Refused, Replaced};
    let (block, detail) = match &record.outcome {
        Some(Landed { block, transaction }) => {
            (Some(*block), transaction.map(|hash| hash.to_string()))
        }
        Some(Replaced { block }) => (Some(*block), None),
        Some(Refused { reason }) => (None, Some(reason.clone())),
        Some(Lost) | None => (None, None),
    };
    CommitLine {
        planned_block: record.intent.planned_block,
        outcome: record.outcome.as_ref().map_or("open", |outcome| outcome.label()),
        block,
        detail,
    }
}

fn overhead(rising: &[f64]) -> Overhead {
    let at = |share: f64| {
        let rank = (share * rising.len() as f64).ceil() as usize;
        rising.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    };
    Overhead { p50: at(0.5), p95: at(0.95), max: at(1.0) }
}

/// The largest resident size so far, as the kernel counts it.
fn peak_memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}

impl fmt::Display for MinerLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failures = self.failures_by_status.iter().map(|(status, n)| format!("{status}: {n}"));
        let failures = failures.collect::<Vec<_>>().join(", ");
        write!(
            f,
            "{:>4}  {:<13} {:>8}  {:<20} {:>7.3} {:>7.3} {:>7} {:>9.1}%",
            self.uid,
            self.kind,
            self.requests,
            failures,
            self.mean_reward,
            self.score,
            self.weight,
            self.incentive * 100.0
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:.0} s, {} blocks, {} conversations, {} turns; overhead of a turn: median {:.0} ms, 95 % under {:.0} ms",
            self.seconds,
            self.blocks,
            self.steps,
            self.turns,
            self.overhead_seconds.p50 * 1e3,
            self.overhead_seconds.p95 * 1e3
        )?;
        if let Some(bytes) = self.peak_memory_bytes {
            writeln!(f, "peak memory {} MiB", bytes >> 20)?;
        }
        writeln!(
            f,
            "\n{:>4}  {:<13} {:>8}  {:<20} {:>7} {:>7} {:>7} {:>10}",
            "uid", "miner", "requests", "failures", "reward", "score", "weight", "incentive"
        )?;
        self.miners.iter().try_for_each(|miner| writeln!(f, "{miner}"))?;
        let landed = self.weight_commits.iter().filter(|commit| commit.outcome == "landed").count();
        write!(f, "\nweights: {landed} of {} commits landed", self.weight_commits.len())?;
        for (actor, faults) in &self.restarts {
            let FaultCounts { panic, error, stall } = faults;
            write!(f, "\nrestarts: {actor}: {panic} by panic, {error} by error, {stall} by stall")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let rising: Vec<f64> = (1..=20).map(f64::from).collect();
        let Overhead { p50, p95, max } = overhead(&rising);
        assert_eq!((p50, p95, max), (10.0, 19.0, 20.0));
        assert_eq!(overhead(&[]).p95, 0.0);
    }
}
