//! `math`: solve a problem whose answer is one number. It needs no model.

mod challenge;

use rand::RngCore;
use serde_json::Value;

use super::{Challenge, Definition, Draft, Origin, PreparedTask, Task, Turns};
use crate::validation::rewards::Weighted;
use crate::validation::rewards::float_diff::FloatDiff;
use crate::validation::tools::math::{ProblemGenerator, SOLUTION};
use crate::validation::tools::{Context, Tool};

const MATH: Definition = Definition {
    name: "math",
    desc: "get help solving a math problem",
    goal: "to get the answer to the following math question",
    turns: Turns::Two,
    query: Origin::Known,
    reference: Origin::Known,
    challenge: Challenge::Paraphrase,
    rewards: &[Weighted::new(&FloatDiff, 1.0)],
    penalties: &[],
    cleaning: &[],
};

/// The task `math`.
pub(super) struct Math;

impl Task for Math {
    fn definition(&self) -> &'static Definition {
        &MATH
    }

    fn tool(&self) -> &'static dyn Tool {
        &ProblemGenerator
    }

    fn query(&self, context: &mut Context, _history: &str, _: &mut dyn RngCore) -> Draft {
        Draft::Ready(context.content.clone())
    }

    fn reference(&self, task: &PreparedTask, _today: &str) -> Draft {
        let solution = task.context.extra.get(SOLUTION).and_then(Value::as_str);
        Draft::Ready(solution.unwrap_or_default().to_owned())
    }

    fn challenge(&self, task: &PreparedTask, _persona: &str, mut rng: &mut dyn RngCore) -> Draft {
        Draft::Ready(challenge::challenge(&task.query, &mut rng))
    }
}
