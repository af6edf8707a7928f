//! What a task is, as data (docs/spec/mechanism.md#tasks).

use crate::validation::cleaners::{self, Cleaner, ColonRule};
use crate::validation::rewards::streaming::Streaming;
use crate::validation::rewards::{Model, RewardError, RewardPipeline, TaskRewards, Weighted};

/// The penalties that every task has besides its own.
pub const GLOBAL_PENALTIES: &[Weighted] =
    &[Weighted::new(&Streaming { max_tokens_per_chunk: 200 }, 0.2)];

/// The one description of a task.
#[derive(Debug)]
pub struct Definition {
    /// The name that options, logs and the file of the task carry, such as `date_qa`.
    pub name: &'static str,
    /// What the persona wants help with; completes "use an assistant to ...".
    pub desc: &'static str,
    /// The persona's aim; completes "the only aim is ...".
    pub goal: &'static str,
    /// How many turns a conversation about it may have.
    pub turns: Turns,
    /// Where the question comes from.
    pub query: Origin,
    /// Where the answer that completions are compared with comes from.
    pub reference: Origin,
    /// How the question is put to the miners.
    pub challenge: Challenge,
    /// What compares completions with the reference. The weights sum to exactly 1.
    pub rewards: &'static [Weighted],
    /// What compares completions with the challenge, without [`GLOBAL_PENALTIES`].
    pub penalties: &'static [Weighted],
    /// The steps that every text of the model goes through.
    pub cleaning: &'static [Cleaner],
}

/// How many turns a conversation may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turns {
    /// The first answer ends it.
    One,
    /// A follow-up may be asked.
    Two,
}

/// Where a text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It is known with the context.
    Known,
    /// A model writes it.
    Written,
}

/// How a query becomes a challenge, by the names of the mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// A model words it as the persona would.
    Inference,
    /// A template of the task words it.
    Paraphrase,
    /// It is the query as it is.
    Query,
}

impl Definition {
    /// Whether a model is needed to ask about it, follow-ups apart.
    pub fn needs_model(&self) -> bool {
        self.query == Origin::Written
            || self.reference == Origin::Written
            || self.challenge == Challenge::Inference
    }

    /// All that it is scored by: rewards, then penalties, then global penalties.
    pub fn scored_by(&self) -> impl Iterator<Item = Weighted> {
        self.rewards.iter().chain(self.all_penalties()).copied()
    }

    /// Makes the rewards ready, with the options of the process's models.
    ///
    /// # Errors
    /// [`RewardError::NotAvailable`] if this version does not compute one of them.
    pub fn task_rewards(&self, pipeline: &RewardPipeline) -> Result<TaskRewards, RewardError> {
        TaskRewards::new(self.rewards.iter().copied(), self.all_penalties().copied(), pipeline)
    }

    fn all_penalties(&self) -> impl Iterator<Item = &'static Weighted> {
        self.penalties.iter().chain(GLOBAL_PENALTIES)
    }

    /// A model's text after the cleaning steps (docs/spec/mechanism.md#cleaners).
    pub fn clean(&self, text: &str) -> String {
        cleaners::run(self.cleaning, text, ColonRule::default())
    }

    /// Checks what the mechanism demands of weights at start.
    ///
    /// # Errors
    /// A weight outside 0..1, reward weights that do not sum to exactly 1, or a reward that this
    /// version does not compute.
    pub fn check(&self) -> Result<(), DefinitionError> {
        let task = self.name;
        for Weighted { model, weight } in self.scored_by() {
            let name = model.name();
            if !(0.0..=1.0).contains(&weight) {
                return Err(DefinitionError::WeightRange { task, model: name, weight });
            }
            if let Model::Planned(_) = model {
                return Err(RewardError::NotAvailable(name).into());
            }
        }
        let sum: f64 = self.rewards.iter().map(|one| one.weight).sum();
        if sum == 1.0 { Ok(()) } else { Err(DefinitionError::WeightSum { task, sum }) }
    }
}

/// Why a task cannot be scored as it is defined.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DefinitionError {
    /// A weight outside 0..1.
    #[error("checked the weight {weight} of `{model}` in task `{task}`: it must lie in 0..1")]
    WeightRange {
        /// The task.
        task: &'static str,
        /// The reward.
        model: &'static str,
        /// Its weight.
        weight: f64,
    },
    /// Reward weights that do not sum to 1.
    #[error("summed the reward weights of task `{task}` to {sum}: the sum must be 1")]
    WeightSum {
        /// The task.
        task: &'static str,
        /// The sum.
        sum: f64,
    },
    /// A reward that this software has no arithmetic for.
    #[error(transparent)]
    Reward(#[from] RewardError),
}
