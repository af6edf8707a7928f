//! The description of a task, as data (docs/spec/mechanism.md#tasks).

use crate::validation::cleaners::{self, Cleaner, ColonRule};
use crate::validation::rewards::streaming::Streaming;
use crate::validation::rewards::{Model, RewardError, RewardPipeline, TaskRewards, Weighted};

/// The penalties that every task has in addition to its own.
pub const GLOBAL_PENALTIES: &[Weighted] =
    &[Weighted::new(&Streaming { max_tokens_per_chunk: 200 }, 0.2)];

/// The complete description of a task.
#[derive(Debug)]
pub struct Definition {
    /// The name in options, in logs and for the task's file, such as `date_qa`.
    pub name: &'static str,
    /// What the persona asks help for; completes "use an assistant to ...".
    pub desc: &'static str,
    /// The persona's aim; completes "the only aim is ...".
    pub goal: &'static str,
    /// The number of turns that a conversation about it may have.
    pub turns: Turns,
    /// The origin of the question.
    pub query: Origin,
    /// The origin of the answer that completions are compared with.
    pub reference: Origin,
    /// How the question is worded for the miners.
    pub challenge: Challenge,
    /// The models that compare completions with the reference. Their weights sum to exactly 1.
    pub rewards: &'static [Weighted],
    /// The models that compare completions with the challenge, without [`GLOBAL_PENALTIES`].
    pub penalties: &'static [Weighted],
    /// The cleaning steps for every text that a model writes.
    pub cleaning: &'static [Cleaner],
}

/// The number of turns that a conversation may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turns {
    /// One turn: the first answer ends the conversation.
    One,
    /// Two turns: a follow-up may be asked.
    Two,
}

/// The origin of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The text is known once the context is drawn.
    Known,
    /// A model writes it.
    Written,
}

/// How a query becomes a challenge, with the mechanism's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Challenge {
    /// A model words it as the persona would.
    Inference,
    /// A template of the task words it.
    Paraphrase,
    /// The challenge is the query, unchanged.
    Query,
}

impl Definition {
    /// Whether the first turn needs a model; follow-ups always do.
    pub fn needs_model(&self) -> bool {
        self.query == Origin::Written
            || self.reference == Origin::Written
            || self.challenge == Challenge::Inference
    }

    /// All models that score it: rewards, then penalties, then global penalties.
    pub fn scored_by(&self) -> impl Iterator<Item = Weighted> {
        self.rewards.iter().chain(self.all_penalties()).copied()
    }

    /// Prepares the rewards, with the options of the process's models.
    ///
    /// # Errors
    /// [`RewardError::NotAvailable`] if this version does not compute one of them.
    pub fn task_rewards(&self, pipeline: &RewardPipeline) -> Result<TaskRewards, RewardError> {
        TaskRewards::new(self.rewards.iter().copied(), self.all_penalties().copied(), pipeline)
    }

    fn all_penalties(&self) -> impl Iterator<Item = &'static Weighted> {
        self.penalties.iter().chain(GLOBAL_PENALTIES)
    }

    /// A text of the model after the cleaning steps (docs/spec/mechanism.md#cleaners).
    pub fn clean(&self, text: &str) -> String {
        cleaners::run(self.cleaning, text, ColonRule::default())
    }

    /// Checks the mechanism's rules for weights, which apply at start.
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
    /// A weight lies outside 0..1.
    #[error("checked the weight {weight} of `{model}` in task `{task}`: it must lie in 0..1")]
    WeightRange {
        /// Name of the task.
        task: &'static str,
        /// Name of the reward.
        model: &'static str,
        /// Weight in the definition.
        weight: f64,
    },
    /// The reward weights do not sum to 1.
    #[error("summed the reward weights of task `{task}` to {sum}: the sum must be 1")]
    WeightSum {
        /// Name of the task.
        task: &'static str,
        /// Sum of the weights.
        sum: f64,
    },
    /// This version does not compute a reward.
    #[error(transparent)]
    Reward(#[from] RewardError),
}
