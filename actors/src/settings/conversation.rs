//! How a validator holds conversations, scores them and sets weights; names and meanings are those of
//! the Python validator.

use std::time::Duration;

use sn1::validation::tasks::{TaskKind, TaskMix};

use super::declare::section;
use super::{SettingsError, Share, Tao};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The tasks of these names, as far as there are any.
fn named(names: &[&str]) -> Vec<TaskKind> {
    names.iter().filter_map(|name| name.parse().ok()).collect()
}

section! {
    /// How conversations are held.
    pub struct ConversationSection["neuron"] {
        /// Tasks, of which this version makes qa, summarization and math.
        tasks: Vec<TaskKind> = named(&["qa", "summarization", "math"]);
        /// The shares that the tasks are drawn with; they add up to 1.
        task_p: Vec<Share> = [0.55, 0.35, 0.1].map(Share::nearest).to_vec();
        /// Time for each miner, from connecting to the last byte.
        timeout: Duration = seconds(15), range(Duration::from_millis(50), seconds(600));
        /// Miners asked in a turn.
        sample_size: usize = 100, range(1, 65_535);
        /// Conversations held at once: while one waits for miners, another uses the model.
        num_concurrent_forwards: usize = 1, range(1, 64);
        /// Time for a whole conversation.
        forward_max_time: Duration = seconds(120), range(seconds(1), seconds(3600));
        /// Time for one text of the model: a question, a reference.
        generate_within: Duration = seconds(60), range(seconds(1), seconds(3600));
        /// Validators with a permit and more stake than this (TAO) are not asked.
        vpermit_tao_limit: Tao = Tao::whole(4096);
        /// Ask only one miner of each coldkey.
        query_unique_coldkeys: bool = false;
        /// Ask only one miner of each IP address.
        query_unique_ips: bool = false;
        /// Keep every detail of each step in the event history.
        log_full: bool = false;
    }
    ConversationSection::check
}

impl ConversationSection {
    /// The tasks with their shares.
    ///
    /// # Errors
    /// [`SettingsError::Tasks`] when they do not fit together, or a task is not made by this
    /// version.
    pub fn task_mix(&self) -> Result<TaskMix, SettingsError> {
        let shares: Vec<_> = self.task_p.iter().map(|share| share.get()).collect();
        Ok(TaskMix::new(&self.tasks, Some(&shares))?)
    }

    fn check(&self) -> Result<(), SettingsError> {
        self.task_mix().map(drop)
    }
}

section! {
    /// How scores follow rewards.
    pub struct ScoringSection["neuron"] {
        /// How fast scores follow rewards: the share of the newest one.
        moving_average_alpha: Share = Share::nearest(0.1);
        /// The share that the score of a miner who was not asked loses.
        decay_alpha: Share = Share::nearest(0.001);
    }
}

section! {
    /// When scores become weights on chain.
    pub struct WeightsSection["neuron"] {
        /// Blocks between two weight settings; one more is enough.
        epoch_length: u64 = 100, range(1, 1_000_000);
        /// Never set weights.
        disable_set_weights: bool = false;
    }
}
