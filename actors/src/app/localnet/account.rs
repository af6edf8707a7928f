//! What a run tells on standard output: calm lines while it goes, a table at its end.

use std::collections::HashMap;

use sn1::chain::commit_reveal::ModularEpochs;
use sn1::chain::{Metagraph, Uid};
use sn1::store::CommitOutcome;
use sn1::wallet::AccountId;
use tokio::time::Instant;

use super::Ending;
use super::prepare::Prepared;
use super::report::Report;
use crate::notice::{Notice, TurnNotice};
use crate::settings::Settings;
use crate::supervision::{RestartLedger, TreeEvent};

/// Longest piece of a text in a line, in characters.
const EXCERPT: usize = 96;

/// Tells, and keeps what the report needs.
pub(super) struct Account {
    started: Instant,
    kinds: HashMap<AccountId, &'static str>,
    /// By uid, learnt from the keys once they are registered.
    labels: HashMap<u16, &'static str>,
    pub(super) restarts: RestartLedger,
    pub(super) first_turn_seconds: Option<f64>,
    pub(super) first_weights_seconds: Option<f64>,
    pub(super) n_turns: u64,
    metagraph: Option<crate::feeds::MetagraphFeed>,
    /// The one that the newest snapshot belongs to.
    epoch: Option<u64>,
}

impl Account {
    pub(super) fn new(prepared: &Prepared, started: Instant) -> Self {
        let kinds = prepared.miners.iter().map(|miner| (miner.hotkey, miner.behaviour.label()));
        Self {
            started,
            kinds: kinds.collect(),
            labels: HashMap::new(),
            restarts: RestartLedger::default(),
            first_turn_seconds: None,
            first_weights_seconds: None,
            n_turns: 0,
            metagraph: None,
            epoch: None,
        }
    }

    /// Seconds since the start.
    pub(super) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// From where uids are looked up.
    pub(super) fn follow(&mut self, metagraph: crate::feeds::MetagraphFeed) {
        self.metagraph = Some(metagraph);
    }

    fn say(&self, text: std::fmt::Arguments<'_>) {
        use std::io::Write;
        // A closed pipe is no reason to stop a subnet.
        let _ = writeln!(std::io::stdout(), "{:>7.1}s  {text}", self.seconds());
    }

    pub(super) fn opened(&self, settings: &Settings, prepared: &Prepared) {
        let address =
            prepared.telemetry.local_addr().map_or_else(|_| "-".to_owned(), |at| at.to_string());
        self.say(format_args!(
            "subnet {} with {} miners; chain on {}; metrics on http://{address}/metrics; Ctrl-C \
             stops",
            settings.netuid,
            settings.localnet.miners,
            prepared.chain.url()
        ));
    }

    pub(super) fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Turn(turn) => self.turn(&turn),
            Notice::Weights { entries, outcome } => self.weights(&entries, &outcome),
        }
    }

    fn turn(&mut self, turn: &TurnNotice) {
        self.n_turns += 1;
        self.first_turn_seconds.get_or_insert(self.started.elapsed().as_secs_f64());
        self.learn_labels();
        self.say(format_args!(
            "step {} turn {}: {} about {} ({}), {:.1} s",
            turn.step, turn.turn, turn.task, turn.topic, turn.persona, turn.seconds
        ));
        self.say(format_args!("  asks    {}", excerpt(&turn.challenge)));
        self.say(format_args!("  best    {}", excerpt(&turn.best)));
        let rewards = turn.uids.iter().zip(&turn.rewards);
        let rewards = rewards.map(|(uid, reward)| format!("{} {reward:.2}", self.label(*uid)));
        self.say(format_args!("  rewards {}", rewards.collect::<Vec<_>>().join("  ")));
        let scores = turn.uids.iter().filter_map(|uid| {
            let score = turn.scores.get(usize::from(*uid))?;
            Some(format!("{} {score:.3}", self.label(*uid)))
        });
        self.say(format_args!("  scores  {}", scores.collect::<Vec<_>>().join("  ")));
    }

    fn weights(&mut self, entries: &[(Uid, u16)], outcome: &CommitOutcome) {
        self.learn_labels();
        let shares = entries.iter().map(|(uid, weight)| format!("{} {weight}", self.label(uid.0)));
        let shares = shares.collect::<Vec<_>>().join("  ");
        match outcome {
            CommitOutcome::Landed { block, .. } => {
                self.first_weights_seconds.get_or_insert(self.started.elapsed().as_secs_f64());
                self.say(format_args!("weights on chain in block {block}: {shares}"));
            }
            CommitOutcome::Refused { reason } => {
                self.say(format_args!("weights refused: {reason}"))
            }
            CommitOutcome::Replaced { block } => {
                self.say(format_args!("weights were in block {block}, but the chain holds others"))
            }
            CommitOutcome::Lost => self.say(format_args!("weights never landed, planning anew")),
        }
    }

    /// Tells when another epoch has run, and what it paid.
    pub(super) fn subnet(&mut self, known: &Metagraph) {
        let Metagraph { netuid, head, hyperparameters, neurons } = known;
        let (tempo, block) = (hyperparameters.tempo, head.number);
        let epoch = ModularEpochs { netuid: *netuid, tempo, head: block }.epoch_at(block);
        let before = std::mem::replace(&mut self.epoch, epoch);
        let Some(epoch) = epoch.filter(|_| before.is_some() && before != epoch) else { return };
        let rao = neurons.iter().fold(0, |sum: u64, neuron| sum.saturating_add(neuron.emission));
        let tao = rao as f64 / 1e9;
        self.say(format_args!("epoch {epoch} has run by block {block}: {tao:.3} TAO paid"));
    }

    pub(super) fn tree_event(&mut self, event: &TreeEvent) {
        self.restarts.count(event);
        let reason =
            if event.reason.is_empty() { String::new() } else { format!(" ({})", event.reason) };
        match event.restart_after {
            Some(after) => self.say(format_args!(
                "{} ended by {}{reason}, restarting in {:.1} s",
                event.actor,
                event.fault,
                after.as_secs_f64()
            )),
            None => self.say(format_args!(
                "{} ended by {}{reason}, not restarted",
                event.actor, event.fault
            )),
        }
    }

    pub(super) fn hurried(&self) {
        self.say(format_args!("told again, stopping at once"));
    }

    pub(super) fn closing(&self, ending: Ending) {
        self.say(match ending {
            Ending::Duration => format_args!("time is over, stopping"),
            Ending::Signal => format_args!("told to stop, finishing what is under way"),
            Ending::GaveUp => format_args!("the tree gave up"),
        });
    }

    fn learn_labels(&mut self) {
        let Some(feed) = &self.metagraph else { return };
        let Some(metagraph) = feed.borrow().clone() else { return };
        for neuron in &metagraph.neurons {
            if let Some(kind) = self.kinds.get(&neuron.hotkey) {
                self.labels.insert(neuron.uid.0, kind);
            }
        }
    }

    fn label(&self, uid: u16) -> String {
        match self.labels.get(&uid) {
            Some(kind) => format!("{uid}:{kind}"),
            None => uid.to_string(),
        }
    }

    pub(super) fn kind(&self, hotkey: &AccountId) -> Option<&'static str> {
        self.kinds.get(hotkey).copied()
    }

    /// The table at the end.
    pub(super) fn table(&self, report: &Report) {
        use std::io::Write;
        let _ = writeln!(std::io::stdout(), "\n{report}");
    }
}

/// The first words of a text, on one line.
fn excerpt(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_one_line_and_never_split_a_character() {
        assert_eq!(excerpt("a\n  b\tc"), "a b c");
        let long = "é".repeat(EXCERPT + 1);
        assert_eq!(excerpt(&long).chars().count(), EXCERPT + 1);
    }
}
