//! Decides when to refresh the metagraph and when to set weights (docs/spec/mechanism.md#epochs).

/// The input of the decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochFacts {
    /// Number of the newest block.
    pub block: u64,
    /// Block of the validator's last update, according to the local metagraph.
    pub last_update: u64,
    /// Blocks in an epoch; weights are due once strictly more have passed.
    pub epoch_length: u64,
    /// Passes finished since the first start of the validator.
    pub step: u64,
    /// Whether the operator has disabled weight setting.
    pub disable_set_weights: bool,
    /// Whether the validator holds a permit.
    pub validator_permit: bool,
}

/// The actions that are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Due {
    /// Whether to refresh the metagraph.
    pub sync_metagraph: bool,
    /// Whether to set weights.
    pub set_weights: bool,
}

impl EpochFacts {
    /// What is due according to the chain alone, as the reference decides. Weights stay due after
    /// they were set until the chain shows the update; see [`EpochMemory`].
    pub fn due(&self) -> Due {
        let is_over = self.is_over_since(self.last_update);
        Due { sync_metagraph: is_over, set_weights: is_over && self.may_set_weights() }
    }

    fn may_set_weights(&self) -> bool {
        self.step != 0 && !self.disable_set_weights && self.validator_permit
    }

    /// Whether strictly more than an epoch has passed since `block`.
    fn is_over_since(&self, block: u64) -> bool {
        self.block.saturating_sub(block) > self.epoch_length
    }
}

/// Remembers the block of the last weight setting, so that it is not repeated before the chain
/// shows it (docs/spec/mechanism.md#quirk-37).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EpochMemory {
    last_set: Option<u64>,
}

impl EpochMemory {
    /// Starts from the block of the last weight setting that an earlier run recorded, if any.
    pub fn new(last_set: Option<u64>) -> Self {
        Self { last_set }
    }

    /// The block of the last weight setting; `None` if there was none.
    pub fn last_set(&self) -> Option<u64> {
        self.last_set
    }

    /// Records that weights were sent to the chain at `block`.
    pub fn record_set(&mut self, block: u64) {
        self.last_set = self.last_set.max(Some(block));
    }

    /// What is due, except weights that were set within the epoch, and any weights before the first
    /// scored step (docs/spec/mechanism.md#quirk-33).
    pub fn due(&self, facts: &EpochFacts, has_scored: bool) -> Due {
        let due = facts.due();
        let is_new = self.last_set.is_none_or(|block| facts.is_over_since(block));
        Due { set_weights: due.set_weights && has_scored && is_new, ..due }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::testing::cases;

    #[derive(Deserialize)]
    struct Input {
        block: u64,
        last_update: u64,
        epoch_length: u64,
        step: u64,
        disable_set_weights: bool,
        validator_permit: bool,
    }

    #[derive(Deserialize)]
    struct Output {
        sync_metagraph: bool,
        set_weights: bool,
    }

    fn facts(input: &Input) -> EpochFacts {
        EpochFacts {
            block: input.block,
            last_update: input.last_update,
            epoch_length: input.epoch_length,
            step: input.step,
            disable_set_weights: input.disable_set_weights,
            validator_permit: input.validator_permit,
        }
    }

    #[test]
    fn vectors_agree_with_and_without_an_empty_memory() {
        for case in cases::<Input, Output>("epochs") {
            let (id, input, output) = case.into_parts();
            let facts = facts(&input);
            let expected =
                Due { sync_metagraph: output.sync_metagraph, set_weights: output.set_weights };
            assert_eq!(facts.due(), expected, "{id}");
            assert_eq!(EpochMemory::default().due(&facts, true), expected, "{id}");
        }
    }

    const LATE: EpochFacts = EpochFacts {
        block: 1_101,
        last_update: 1_000,
        epoch_length: 100,
        step: 3,
        disable_set_weights: false,
        validator_permit: true,
    };

    #[test]
    fn own_calls_are_not_repeated_within_an_epoch() {
        let mut memory = EpochMemory::new(Some(900));
        assert!(memory.due(&LATE, true).set_weights);
        memory.record_set(LATE.block);
        let at = |block| EpochFacts { block, ..LATE };
        assert!(!memory.due(&at(1_201), true).set_weights);
        assert!(memory.due(&at(1_201), true).sync_metagraph);
        assert!(memory.due(&at(1_202), true).set_weights);
        assert_eq!(memory.last_set(), Some(1_101));
    }

    #[test]
    fn nothing_is_set_before_the_first_scored_step() {
        let due = EpochMemory::default().due(&LATE, false);
        assert!(due.sync_metagraph && !due.set_weights);
    }

    #[test]
    fn a_block_before_the_last_update_is_never_over() {
        let behind = EpochFacts { block: 1, ..LATE };
        assert_eq!(behind.due(), Due::default());
    }
}
