//! The console: the lines that a command prints on standard output, each with the seconds since its
//! start. A [`Layout`] words turns, weights and the subnet; the rest reads the same in every
//! command. It also counts what a report needs.

mod node;
mod subnet;

use sn1::chain::{CommitOutcome, Metagraph, Uid};
use tokio::time::Instant;

use super::ending::Ending;
use crate::notice::{Notice, TurnNotice};
use crate::output::stdout_line;
use crate::supervision::{RestartLedger, TreeEvent};

pub(super) use node::NodeLayout;
pub(super) use subnet::SubnetLayout;

/// The words of one kind of command for its events.
pub(super) trait Layout {
    fn turn(&self, turn: &TurnNotice) -> Vec<String>;

    /// The line about weights that were included in this block.
    fn weights(&self, entries: &[(Uid, u16)], block: u64) -> String;

    /// The lines about a newer state of the subnet; empty when nothing changed that matters.
    fn subnet(&mut self, known: &Metagraph) -> Vec<String>;
}

/// The counts of a run so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) restarts: RestartLedger,
    pub(super) first_turn_seconds: Option<f64>,
    pub(super) first_weights_seconds: Option<f64>,
    pub(super) n_turns: u64,
}

pub(super) struct Console {
    pub(super) started: Instant,
    pub(super) tally: Tally,
    /// Without a layout, only the tree's own events are printed.
    layout: Option<Box<dyn Layout>>,
    is_quiet: bool,
}

impl Console {
    /// Starts to count seconds.
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), tally: Tally::default(), layout: None, is_quiet: false }
    }

    /// Prints the notices about the flags first.
    pub(super) fn with_notices(notices: &[String]) -> Self {
        let console = Self::new();
        notices.iter().for_each(|notice| console.say(notice));
        console
    }

    /// Prints only the greeting: standard output is for programs. Faults are logged.
    pub(super) fn quiet() -> Self {
        Self { is_quiet: true, ..Self::new() }
    }

    pub(super) fn show(&mut self, layout: impl Layout + 'static) {
        self.layout = Some(Box::new(layout));
    }

    pub(super) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    pub(super) fn say(&self, text: impl std::fmt::Display) {
        if !self.is_quiet {
            stdout_line(format_args!("{:>7.1}s  {text}", self.seconds()));
        }
    }

    /// The first line of a run.
    pub(super) fn greet(&self, text: &str) {
        if self.is_quiet { stdout_line(text) } else { self.say(text) }
    }

    fn say_all(&self, lines: Vec<String>) {
        lines.iter().for_each(|line| self.say(line));
    }

    pub(super) fn notice(&mut self, notice: &Notice) {
        match notice {
            Notice::Turn(turn) => {
                self.tally.n_turns += 1;
                let seconds = self.seconds();
                self.tally.first_turn_seconds.get_or_insert(seconds);
                let lines = self.layout.as_ref().map(|layout| layout.turn(turn));
                self.say_all(lines.unwrap_or_default());
            }
            Notice::Weights { entries, outcome } => self.weights(entries, outcome),
        }
    }

    fn weights(&mut self, entries: &[(Uid, u16)], outcome: &CommitOutcome) {
        match outcome {
            CommitOutcome::Landed { block, .. } => {
                let seconds = self.seconds();
                self.tally.first_weights_seconds.get_or_insert(seconds);
                let line = self.layout.as_ref().map(|layout| layout.weights(entries, *block));
                self.say_all(line.into_iter().collect());
            }
            CommitOutcome::Refused { reason } => {
                self.say(format_args!("weights refused: {reason}"));
            }
            CommitOutcome::Replaced { block } => {
                self.say(format_args!("weights were in block {block}, but the chain holds others"));
            }
            CommitOutcome::Lost => self.say("weights never landed, planning anew"),
        }
    }

    pub(super) fn subnet(&mut self, known: &Metagraph) {
        let lines = self.layout.as_mut().map(|layout| layout.subnet(known));
        self.say_all(lines.unwrap_or_default());
    }

    pub(super) fn tree_event(&mut self, event: &TreeEvent) {
        self.tally.restarts.count(event);
        let TreeEvent { actor, fault, reason, restart_after } = event;
        if self.is_quiet {
            tracing::warn!(%actor, %fault, %reason, "fault");
            return;
        }
        let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
        let next = match restart_after {
            Some(after) => format!("restarting in {:.1} s", after.as_secs_f64()),
            None => "not restarted".to_owned(),
        };
        self.say(format_args!("{actor} ended by {fault}{reason}, {next}"));
    }

    pub(super) fn ending(&self, ending: &Ending) {
        self.say(match ending {
            Ending::Duration => "time is over, stopping",
            Ending::Signal => "told to stop, finishing what is under way",
            Ending::GaveUp(_) => "the tree gave up",
        });
    }

    pub(super) fn hurried(&self) {
        self.say("told again, stopping at once");
    }

    /// Prints a table of several lines, at the end.
    pub(super) fn table(&self, table: impl std::fmt::Display) {
        stdout_line(format_args!("\n{table}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn firsts_are_counted_once_and_turns_always() {
        let mut console = Console::quiet();
        let landed = CommitOutcome::Landed { block: 7, transaction: None };
        let notice = Notice::Weights { entries: Vec::new(), outcome: landed };
        console.notice(&notice);
        let first = console.tally.first_weights_seconds;
        console.notice(&notice);
        assert!(first.is_some() && console.tally.first_weights_seconds == first);
        assert_eq!((console.tally.n_turns, console.tally.first_turn_seconds), (0, None));
    }
}
