//! The lines of a node on a chain: a line for each turn, and what changes for its own neuron.

use sn1::chain::{AxonInfo, Metagraph, Uid};
use sn1::wallet::AccountId;

use super::Layout;
use crate::notice::TurnNotice;

/// Knows our place on the subnet, so that each change of it is said once.
pub(in crate::app) struct NodeLayout {
    own: AccountId,
    uid: Option<Uid>,
    axon: AxonInfo,
}

impl NodeLayout {
    /// With our place as it is at the start.
    pub(in crate::app) fn new(own: AccountId, known: &Metagraph) -> Self {
        let neuron = known.neuron_of(&own);
        let axon = neuron.map_or_else(AxonInfo::default, |neuron| neuron.axon);
        Self { own, uid: neuron.map(|neuron| neuron.uid), axon }
    }
}

impl Layout for NodeLayout {
    fn turn(&self, turn: &TurnNotice) -> Vec<String> {
        let best = turn.uids.iter().zip(&turn.rewards).max_by(|a, b| a.1.total_cmp(b.1));
        let best = best.map_or_else(String::new, |(uid, reward)| {
            format!(", best reward {reward:.2} for uid {uid}")
        });
        vec![format!(
            "step {} turn {}: {} about {}, {}, {:.1} s{best}",
            turn.step,
            turn.turn,
            turn.task,
            turn.topic,
            counted(turn.uids.len(), "miner"),
            turn.seconds
        )]
    }

    fn weights(&self, entries: &[(Uid, u16)], block: u64) -> String {
        format!("weights of {} on chain in block {block}", counted(entries.len(), "uid"))
    }

    fn subnet(&mut self, known: &Metagraph) -> Vec<String> {
        let (mut lines, block) = (Vec::new(), known.head.number);
        let Self { own, uid, axon } = Self::new(self.own, known);
        if std::mem::replace(&mut self.uid, uid) != uid {
            lines.push(match uid {
                Some(uid) => format!("we have uid {uid} as of block {block}"),
                None => format!(
                    "our hotkey has lost its place on the subnet, as of block {block}: register it \
                     again; this node goes on by itself then"
                ),
            });
        }
        self.own = own;
        let before = std::mem::replace(&mut self.axon, axon);
        if !before.is_same_endpoint(&axon)
            && let Some(address) = axon.socket_address()
        {
            lines.push(format!("the chain shows us at {address} as of block {block}"));
        }
        lines
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_of_one_takes_no_plural() {
        assert_eq!((counted(1, "uid"), counted(0, "uid")), ("1 uid".into(), "0 uids".into()));
    }
}
