//! The active tasks and how often each is drawn, checked once at start
//! (docs/spec/mechanism.md#tasks).

use super::definition::DefinitionError;
use super::{FOLLOW_UP, NotMade, Task, TaskKind};
use crate::validation::rewards::RewardPipeline;

/// Largest accepted distance between the sum of the probabilities and 1.
const SUM_TOLERANCE: f64 = 1e-3;

/// The active tasks, in the operator's order, with probabilities that sum to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskMix {
    tasks: Vec<&'static dyn Task>,
    probabilities: Vec<f64>,
}

/// Why tasks and probabilities cannot be used together.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MixError {
    /// No task is active.
    #[error("started without any active task; name at least one")]
    NoTasks,
    /// This version cannot make an active task.
    #[error(transparent)]
    NotMade(#[from] NotMade),
    /// An active task has a definition that cannot be scored.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// The number of probabilities differs from the number of tasks.
    #[error("read {got} task probabilities for {expected} tasks; give one for each task")]
    ProbabilityCount {
        /// Number of tasks.
        expected: usize,
        /// Number of probabilities.
        got: usize,
    },
    /// A probability is negative, or the sum is not 1.
    #[error("summed the task probabilities to {0}: none may be negative, and the sum must be 1")]
    ProbabilitySum(f64),
}

impl TaskMix {
    /// Checks the active tasks and their probabilities; without probabilities, all tasks are
    /// equally likely.
    ///
    /// Probabilities whose sum is within 0.001 of 1 are scaled to sum to 1
    /// (docs/spec/mechanism.md#quirk-38).
    ///
    /// # Errors
    ///
    /// No task, a task that cannot be made or scored, weights outside 0..1 or not summing to 1, or
    /// probabilities that differ in number from the tasks, are negative, or do not sum to 1.
    pub fn new(tasks: &[TaskKind], probabilities: Option<&[f64]>) -> Result<Self, MixError> {
        if tasks.is_empty() {
            return Err(MixError::NoTasks);
        }
        let tasks = tasks.iter().map(|kind| kind.made()).collect::<Result<Vec<_>, _>>()?;
        for task in &tasks {
            task.definition().check()?;
        }
        let equal = vec![1.0 / tasks.len() as f64; tasks.len()];
        let probabilities = normalized(tasks.len(), probabilities.unwrap_or(&equal))?;
        Ok(Self { tasks, probabilities })
    }

    /// The reward models of a process with these tasks. Those of the follow-up are always included
    /// (docs/spec/mechanism.md#quirk-28).
    pub fn pipeline(&self) -> RewardPipeline {
        let tasks = self.tasks.iter().copied().chain([FOLLOW_UP]);
        RewardPipeline::new(tasks.flat_map(|task| task.definition().scored_by()))
    }

    /// Whether any of the tasks needs a model for its first turn.
    pub fn needs_model(&self) -> bool {
        self.tasks.iter().any(|task| task.definition().needs_model())
    }

    /// The task that `draw` selects, which must be uniform in 0..1.
    pub fn pick(&self, draw: f64) -> &'static dyn Task {
        let mut reached = 0.0;
        let mut picked = self.tasks[0];
        for (&task, &probability) in self.tasks.iter().zip(&self.probabilities) {
            if probability > 0.0 {
                picked = task;
            }
            reached += probability;
            if draw < reached {
                break;
            }
        }
        picked
    }
}

fn normalized(n_tasks: usize, probabilities: &[f64]) -> Result<Vec<f64>, MixError> {
    if probabilities.len() != n_tasks {
        return Err(MixError::ProbabilityCount { expected: n_tasks, got: probabilities.len() });
    }
    let sum: f64 = probabilities.iter().sum();
    let valid = probabilities.iter().all(|&one| one.is_finite() && one >= 0.0);
    if !valid || (sum - 1.0).abs() > SUM_TOLERANCE {
        return Err(MixError::ProbabilitySum(sum));
    }
    Ok(probabilities.iter().map(|one| one / sum).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds<const N: usize>(names: [&str; N]) -> [TaskKind; N] {
        names.map(|name| name.parse().unwrap())
    }

    fn active() -> [TaskKind; 3] {
        kinds(["qa", "math", "summarization"])
    }

    #[test]
    fn probabilities_near_1_are_normalized() {
        let mix = TaskMix::new(&active(), Some(&[0.5, 0.3, 0.2009])).unwrap();
        assert!((mix.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        let equal = TaskMix::new(&active(), None).unwrap();
        assert_eq!(equal.probabilities, [1.0 / 3.0; 3]);
    }

    #[test]
    fn wrong_probabilities_are_refused() {
        for wrong in [&[0.5, 0.5][..], &[0.5, 0.3, 0.3], &[1.5, -0.5, 0.0], &[f64::NAN; 3]] {
            assert!(TaskMix::new(&active(), Some(wrong)).is_err(), "{wrong:?}");
        }
        assert_eq!(TaskMix::new(&[], None), Err(MixError::NoTasks));
    }

    #[test]
    fn a_task_that_cannot_be_made_is_refused() {
        assert_eq!(
            TaskMix::new(&kinds(["qa", "sentiment"]), None),
            Err(MixError::NotMade(NotMade("sentiment")))
        );
    }

    #[test]
    fn follow_ups_need_their_models_whatever_is_active() {
        let pipeline = TaskMix::new(&kinds(["math"]), None).unwrap().pipeline();
        for name in ["float_diff", "rouge", "relevance", "streaming"] {
            assert!(pipeline.model(name).is_some(), "{name}");
        }
    }

    #[test]
    fn only_known_texts_do_without_a_model() {
        let needs = |name| TaskMix::new(&kinds([name]), None).unwrap().needs_model();
        assert!(needs("qa") && needs("summarization") && !needs("math"));
    }

    #[test]
    fn draws_fall_by_probability() {
        let mix = TaskMix::new(&active(), Some(&[0.25, 0.75, 0.0])).unwrap();
        for (draw, task) in
            [(0.0, "qa"), (0.249, "qa"), (0.25, "math"), (0.999, "math"), (1.0, "math")]
        {
            assert_eq!(mix.pick(draw).definition().name, task, "{draw}");
        }
    }

    proptest! {
        #[test]
        fn any_draw_picks_a_possible_task(draw in 0.0..1.0_f64) {
            let mix = TaskMix::new(&active(), Some(&[0.0, 0.5, 0.5])).unwrap();
            prop_assert_ne!(mix.pick(draw).definition().name, "qa");
        }
    }
}
