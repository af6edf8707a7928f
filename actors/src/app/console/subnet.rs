//! The lines of a local net: each turn with its texts, rewards and scores by miner, and the epochs.

use std::collections::HashMap;

use sn1::chain::commit_reveal::ModularEpochs;
use sn1::chain::{Metagraph, Uid};
use sn1::wallet::AccountId;

use super::Layout;
use crate::notice::TurnNotice;

/// Longest piece of a text in a line, in characters.
const EXCERPT: usize = 96;

/// Knows which miner is of which kind.
pub(in crate::app) struct SubnetLayout {
    kinds: HashMap<AccountId, &'static str>,
    /// By uid, learnt from the keys once they are registered.
    labels: HashMap<u16, &'static str>,
    /// The epoch of the newest snapshot.
    epoch: Option<u64>,
}

impl SubnetLayout {
    /// With the miners' kinds by hotkey.
    pub(in crate::app) fn new(kinds: HashMap<AccountId, &'static str>) -> Self {
        Self { kinds, labels: HashMap::new(), epoch: None }
    }

    fn label(&self, uid: u16) -> String {
        match self.labels.get(&uid) {
            Some(kind) => format!("{uid}:{kind}"),
            None => uid.to_string(),
        }
    }

    fn list<T>(&self, of: impl Iterator<Item = (u16, T)>, shown: impl Fn(T) -> String) -> String {
        let items = of.map(|(uid, value)| format!("{} {}", self.label(uid), shown(value)));
        items.collect::<Vec<_>>().join("  ")
    }
}

impl Layout for SubnetLayout {
    fn turn(&self, turn: &TurnNotice) -> Vec<String> {
        let rewards = turn.uids.iter().copied().zip(&turn.rewards);
        let scores = turn.uids.iter().filter_map(|uid| {
            let score = turn.scores.get(usize::from(*uid))?;
            Some((*uid, score))
        });
        vec![
            format!(
                "step {} turn {}: {} about {} ({}), {:.1} s",
                turn.step, turn.turn, turn.task, turn.topic, turn.persona, turn.seconds
            ),
            format!("  asks    {}", excerpt(&turn.challenge)),
            format!("  best    {}", excerpt(&turn.best)),
            format!("  rewards {}", self.list(rewards, |reward| format!("{reward:.2}"))),
            format!("  scores  {}", self.list(scores, |score| format!("{score:.3}"))),
        ]
    }

    fn weights(&self, entries: &[(Uid, u16)], block: u64) -> String {
        let entries = entries.iter().map(|(uid, weight)| (uid.0, weight));
        format!("weights on chain in block {block}: {}", self.list(entries, u16::to_string))
    }

    /// When another epoch has run, and what it paid.
    fn subnet(&mut self, known: &Metagraph) -> Vec<String> {
        let Metagraph { netuid, head, hyperparameters, neurons, collateral: _ } = known;
        for neuron in neurons {
            if let Some(kind) = self.kinds.get(&neuron.hotkey) {
                self.labels.insert(neuron.uid.0, kind);
            }
        }
        let (tempo, block) = (hyperparameters.tempo, head.number);
        let epoch = ModularEpochs { netuid: *netuid, tempo, head: block }.epoch_at(block);
        let before = std::mem::replace(&mut self.epoch, epoch);
        let Some(epoch) = epoch.filter(|_| before.is_some() && before != epoch) else {
            return Vec::new();
        };
        let rao = neurons.iter().fold(0, |sum: u64, neuron| sum.saturating_add(neuron.emission));
        let tao = rao as f64 / 1e9;
        vec![format!("epoch {epoch} has run by block {block}: {tao:.3} TAO paid")]
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

    #[test]
    fn a_miner_is_called_by_its_kind_where_that_is_known() {
        let mut layout = SubnetLayout::new(HashMap::new());
        layout.labels.insert(1, "echo");
        let line = layout.weights(&[(Uid(1), 7), (Uid(2), 9)], 5);
        assert_eq!(line, "weights on chain in block 5: 1:echo 7  2 9");
    }
}
