//! What a node says on standard output: a line for each step of its start, then what happens.

use std::io::Write;

use sn1::chain::{AxonInfo, CommitOutcome, Metagraph, Uid};
use sn1::wallet::AccountId;
use tokio::time::Instant;

use crate::notice::{Notice, TurnNotice};
use crate::supervision::TreeEvent;

/// Tells. Knows our place on the subnet, so that changes of it are told once.
pub(super) struct Account {
    pub(super) started: Instant,
    own: Option<AccountId>,
    uid: Option<Uid>,
    axon: AxonInfo,
}

impl Account {
    pub(super) fn new() -> Self {
        let (own, uid, axon) = (None, None, AxonInfo::default());
        Self { started: Instant::now(), own, uid, axon }
    }

    pub(super) fn say(&self, text: std::fmt::Arguments<'_>) {
        let seconds = self.started.elapsed().as_secs_f64();
        // A closed pipe is no reason to stop a node.
        let _ = writeln!(std::io::stdout(), "{seconds:>7.1}s  {text}");
    }

    /// Our place as it is at the start.
    pub(super) fn placed(&mut self, own: AccountId, known: &Metagraph) {
        self.own = Some(own);
        if let Some(neuron) = known.neuron_of(&own) {
            (self.uid, self.axon) = (Some(neuron.uid), neuron.axon);
        }
    }

    /// Tells what has changed for us.
    pub(super) fn subnet(&mut self, known: &Metagraph) {
        let block = known.head.number;
        let neuron = self.own.and_then(|own| known.neuron_of(&own));
        let uid = neuron.map(|neuron| neuron.uid);
        if std::mem::replace(&mut self.uid, uid) != uid {
            match uid {
                Some(uid) => self.say(format_args!("we have uid {uid} as of block {block}")),
                None => self.say(format_args!(
                    "our hotkey has lost its place on the subnet, as of block {block}: register it \
                     again; this node goes on by itself then"
                )),
            }
        }
        let axon = neuron.map_or_else(AxonInfo::default, |neuron| neuron.axon);
        let before = std::mem::replace(&mut self.axon, axon);
        if !before.is_same_endpoint(&axon)
            && let Some(address) = axon.socket_address()
        {
            self.say(format_args!("the chain shows us at {address} as of block {block}"));
        }
    }

    pub(super) fn notice(&self, notice: &Notice) {
        match notice {
            Notice::Turn(turn) => self.turn(turn),
            Notice::Weights { entries, outcome } => self.weights(entries.len(), outcome),
        }
    }

    fn turn(&self, turn: &TurnNotice) {
        let n_asked = turn.uids.len();
        let best = turn.uids.iter().zip(&turn.rewards).max_by(|a, b| a.1.total_cmp(b.1));
        let best = best.map_or_else(String::new, |(uid, reward)| {
            format!(", best reward {reward:.2} for uid {uid}")
        });
        self.say(format_args!(
            "step {} turn {}: {} about {}, {}, {:.1} s{best}",
            turn.step,
            turn.turn,
            turn.task,
            turn.topic,
            counted(n_asked, "miner"),
            turn.seconds
        ));
    }

    fn weights(&self, n_weights: usize, outcome: &CommitOutcome) {
        match outcome {
            CommitOutcome::Landed { block, .. } => {
                let uids = counted(n_weights, "uid");
                self.say(format_args!("weights of {uids} on chain in block {block}"));
            }
            CommitOutcome::Refused { reason } => {
                self.say(format_args!("weights refused: {reason}"));
            }
            CommitOutcome::Replaced { block } => {
                self.say(format_args!("weights were in block {block}, but the chain holds others"));
            }
            CommitOutcome::Lost => self.say(format_args!("weights never landed, planning anew")),
        }
    }

    pub(super) fn tree_event(&self, event: &TreeEvent) {
        let reason =
            if event.reason.is_empty() { String::new() } else { format!(" ({})", event.reason) };
        let next = match event.restart_after {
            Some(after) => format!("restarting in {:.1} s", after.as_secs_f64()),
            None => "not restarted".to_owned(),
        };
        self.say(format_args!("{} ended by {}{reason}, {next}", event.actor, event.fault));
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
