//! The active tasks and how often each is drawn, checked once at start
//! (docs/spec/mechanism.md#tasks).

use super::{Definition, GLOBAL_PENALTIES, RewardError, TaskName};
use crate::validation::rewards::rouge::RougeVariant;

/// How far the probabilities' sum may lie from 1.
const SUM_TOLERANCE: f64 = 1e-3;

/// The active tasks, in the operator's order, with probabilities that sum to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskMix {
    tasks: Vec<TaskName>,
    probabilities: Vec<f64>,
}

impl TaskMix {
    /// Checks the active tasks and their probabilities; without probabilities all are equal.
    ///
    /// Probabilities within 0.001 of a sum of 1 are made to sum to 1
    /// (docs/spec/mechanism.md#quirk-38).
    ///
    /// # Errors
    ///
    /// No task, a task whose reward model is not available, weights outside 0..1 or not summing
    /// to 1, or probabilities that are of another number, negative, or do not sum to 1.
    pub fn new(tasks: &[TaskName], probabilities: Option<&[f64]>) -> Result<Self, RewardError> {
        if tasks.is_empty() {
            return Err(RewardError::NoTasks);
        }
        for &task in tasks {
            check_definitions(task)?;
        }
        let equal = vec![1.0 / tasks.len() as f64; tasks.len()];
        Ok(Self {
            tasks: tasks.to_vec(),
            probabilities: normalized(tasks.len(), probabilities.unwrap_or(&equal))?,
        })
    }

    /// The active tasks, in the operator's order.
    pub fn tasks(&self) -> &[TaskName] {
        &self.tasks
    }

    /// The probability of each active task; they sum to 1.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// The rouge variant that this process uses throughout (docs/spec/mechanism.md#quirk-1).
    pub fn rouge_variant(&self) -> RougeVariant {
        RougeVariant::of_tasks(&self.tasks)
    }

    /// Whether any pass can need the relevance model: an active task does, or a follow-up, which is
    /// always a `qa` task (docs/spec/mechanism.md#quirk-28).
    pub fn needs_relevance(&self) -> bool {
        self.tasks.iter().any(|&task| {
            !task.is_single_turn()
                || task
                    .rewards()
                    .iter()
                    .any(|definition| matches!(definition.model, super::RewardModel::Relevance))
        })
    }

    /// The task that `draw`, uniform in 0..1, falls on.
    pub fn pick(&self, draw: f64) -> TaskName {
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

fn check_definitions(task: TaskName) -> Result<(), RewardError> {
    let all = task.rewards().iter().chain(task.penalties());
    for definition in all.chain(GLOBAL_PENALTIES) {
        check_definition(task, definition)?;
    }
    let sum: f64 = task.rewards().iter().map(|one| one.weight).sum();
    if sum != 1.0 {
        return Err(RewardError::WeightSum { task, sum });
    }
    Ok(())
}

fn check_definition(task: TaskName, definition: &Definition) -> Result<(), RewardError> {
    let Definition { model, weight } = *definition;
    if !(0.0..=1.0).contains(&weight) {
        return Err(RewardError::WeightRange { task, model, weight });
    }
    if !model.is_available() {
        return Err(RewardError::NotAvailable(model));
    }
    Ok(())
}

fn normalized(n_tasks: usize, probabilities: &[f64]) -> Result<Vec<f64>, RewardError> {
    if probabilities.len() != n_tasks {
        return Err(RewardError::ProbabilityCount { expected: n_tasks, got: probabilities.len() });
    }
    let sum: f64 = probabilities.iter().sum();
    let valid = probabilities.iter().all(|&one| one.is_finite() && one >= 0.0);
    if !valid || (sum - 1.0).abs() > SUM_TOLERANCE {
        return Err(RewardError::ProbabilitySum(sum));
    }
    Ok(probabilities.iter().map(|one| one / sum).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::RewardModel;
    use super::*;

    const ACTIVE: [TaskName; 3] = [TaskName::Qa, TaskName::Math, TaskName::Generic];

    #[test]
    fn probabilities_near_1_are_normalized() {
        let mix = TaskMix::new(&ACTIVE, Some(&[0.5, 0.3, 0.2009])).unwrap();
        assert!((mix.probabilities().iter().sum::<f64>() - 1.0).abs() < 1e-15);
        let equal = TaskMix::new(&ACTIVE, None).unwrap();
        assert_eq!(equal.probabilities(), [1.0 / 3.0; 3]);
    }

    #[test]
    fn wrong_probabilities_are_refused() {
        for wrong in [&[0.5, 0.5][..], &[0.5, 0.3, 0.3], &[1.5, -0.5, 0.0], &[f64::NAN; 3]] {
            assert!(TaskMix::new(&ACTIVE, Some(wrong)).is_err(), "{wrong:?}");
        }
        assert_eq!(TaskMix::new(&[], None), Err(RewardError::NoTasks));
    }

    #[test]
    fn a_task_without_its_model_is_refused() {
        assert_eq!(
            TaskMix::new(&[TaskName::Qa, TaskName::Sentiment], None),
            Err(RewardError::NotAvailable(RewardModel::Ordinal))
        );
    }

    #[test]
    fn follow_ups_need_relevance() {
        let needs = |task| TaskMix::new(&[task], None).unwrap().needs_relevance();
        assert!(needs(TaskName::Math));
        assert!(!needs(TaskName::Translation));
    }

    #[test]
    fn draws_fall_by_probability() {
        let mix = TaskMix::new(&ACTIVE, Some(&[0.25, 0.75, 0.0])).unwrap();
        let expected = [
            (0.0, TaskName::Qa),
            (0.249, TaskName::Qa),
            (0.25, TaskName::Math),
            (0.999, TaskName::Math),
            (1.0, TaskName::Math),
        ];
        for (draw, task) in expected {
            assert_eq!(mix.pick(draw), task, "{draw}");
        }
    }

    proptest! {
        #[test]
        fn any_draw_picks_a_possible_task(draw in 0.0..1.0_f64) {
            let mix = TaskMix::new(&ACTIVE, Some(&[0.0, 0.5, 0.5])).unwrap();
            prop_assert_ne!(mix.pick(draw), TaskName::Qa);
        }
    }
}
