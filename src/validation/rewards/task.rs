//! The tasks' names and what each is rewarded and penalized by (docs/spec/mechanism.md#tasks).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::RewardError;
use crate::validation::rewards::rouge::RougeVariant;

/// A task, by the name that options, logs and other software use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskName {
    /// Answer a question about an article.
    Qa,
    /// Answer a question whose answer is a date.
    DateQa,
    /// Summarize an article.
    Summarization,
    /// Follow a general instruction.
    Generic,
    /// Solve a mathematical problem.
    Math,
    /// Translate a text.
    Translation,
    /// Tell the sentiment of a review.
    Sentiment,
}

impl TaskName {
    /// All tasks, in the order of the reference's registry.
    pub const ALL: [Self; 7] = [
        Self::Qa,
        Self::DateQa,
        Self::Summarization,
        Self::Generic,
        Self::Math,
        Self::Translation,
        Self::Sentiment,
    ];

    /// The name, such as `date_qa`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Qa => "qa",
            Self::DateQa => "date_qa",
            Self::Summarization => "summarization",
            Self::Generic => "generic",
            Self::Math => "math",
            Self::Translation => "translation",
            Self::Sentiment => "sentiment",
        }
    }

    /// Whether a pass ends with this task's first answer.
    pub const fn is_single_turn(self) -> bool {
        matches!(self, Self::Translation | Self::Sentiment)
    }

    /// What compares completions with the reference. The weights sum to exactly 1.
    pub const fn rewards(self) -> &'static [Definition] {
        match self {
            Self::Qa => const { &[ROUGE_1_HALF, relevance(0.5)] },
            Self::DateQa => const { &[of(RewardModel::Date, 0.7), rouge(None, 0.3)] },
            Self::Summarization => {
                const { &[rouge(Some(RougeVariant::RougeL), 0.5), relevance(0.5)] }
            }
            Self::Generic => const { &[rouge(Some(RougeVariant::Rouge1), 0.25), relevance(0.75)] },
            Self::Math => const { &[of(RewardModel::FloatDiff, 1.0)] },
            Self::Translation => const { &[rouge(Some(RougeVariant::Rouge1), 1.0)] },
            Self::Sentiment => const { &[of(RewardModel::Ordinal, 1.0)] },
        }
    }

    /// What compares completions with the challenge, without [`GLOBAL_PENALTIES`].
    pub const fn penalties(self) -> &'static [Definition] {
        match self {
            Self::Qa | Self::Summarization | Self::Generic => &[ROUGE_1_HALF],
            Self::Translation => const { &[rouge(Some(RougeVariant::Rouge1), 1.0)] },
            Self::DateQa | Self::Math | Self::Sentiment => &[],
        }
    }
}

impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TaskName {
    type Err = RewardError;

    fn from_str(name: &str) -> Result<Self, RewardError> {
        Self::ALL
            .into_iter()
            .find(|task| task.as_str() == name)
            .ok_or_else(|| RewardError::UnknownTask(name.to_owned()))
    }
}

/// One line of a task's reward or penalty table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Definition {
    /// What scores the completions.
    pub model: RewardModel,
    /// How much its score counts, in 0..1.
    pub weight: f64,
}

/// A way to score completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RewardModel {
    /// Words in common.
    Rouge {
        /// The variant that the definition names. Only the first one met in a process counts
        /// (docs/spec/mechanism.md#quirk-1).
        ngram: Option<RougeVariant>,
    },
    /// Closeness of sentence embeddings.
    Relevance,
    /// Relative difference of numbers.
    FloatDiff,
    /// Days between dates.
    Date,
    /// Distance of labels on a scale.
    Ordinal,
    /// Similarity of code.
    Diff,
    /// Oversized chunks.
    Streaming {
        /// The most tokens of a chunk that is not oversized.
        max_tokens_per_chunk: u32,
    },
}

impl RewardModel {
    /// The name that definitions and event logs carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rouge { .. } => "rouge",
            Self::Relevance => "relevance",
            Self::FloatDiff => "float_diff",
            Self::Date => "date",
            Self::Ordinal => "ordinal",
            Self::Diff => "diff",
            Self::Streaming { .. } => "streaming",
        }
    }

    /// Whether this software computes the model's scores.
    pub const fn is_available(self) -> bool {
        !matches!(self, Self::Date | Self::Ordinal | Self::Diff)
    }

    /// What an event log says about the model, with `rouge` the variant in use.
    pub(super) fn extra_info(self, rouge: RougeVariant) -> Value {
        match self {
            Self::Rouge { .. } => json!({"ngram": rouge.as_str(), "metric": "f", "avg": false}),
            Self::Relevance => json!({"threshold": null}),
            Self::FloatDiff => json!({"type": "math"}),
            Self::Date | Self::Ordinal | Self::Diff | Self::Streaming { .. } => {
                json!({"type": self.as_str()})
            }
        }
    }
}

impl fmt::Display for RewardModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The penalties that every task has besides its own.
pub const GLOBAL_PENALTIES: &[Definition] =
    &[of(RewardModel::Streaming { max_tokens_per_chunk: 200 }, 0.2)];

const ROUGE_1_HALF: Definition = rouge(Some(RougeVariant::Rouge1), 0.5);

const fn of(model: RewardModel, weight: f64) -> Definition {
    Definition { model, weight }
}

const fn rouge(ngram: Option<RougeVariant>, weight: f64) -> Definition {
    of(RewardModel::Rouge { ngram }, weight)
}

const fn relevance(weight: f64) -> Definition {
    of(RewardModel::Relevance, weight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::vector_lines;

    /// A definition as the recorded facts spell it.
    fn as_fact(definition: &Definition) -> Value {
        let mut fact = json!({"name": definition.model.as_str()});
        match definition.model {
            RewardModel::Rouge { ngram: Some(ngram) } => {
                fact["ngram"] = json!(ngram.as_str());
                fact["metric"] = json!("f");
            }
            RewardModel::Streaming { max_tokens_per_chunk } => {
                fact["max_tokens_per_chunk"] = json!(max_tokens_per_chunk)
            }
            _ => {}
        }
        fact["weight"] = json!(definition.weight);
        fact
    }

    /// Whole weights are written as integers or as floats; both mean the same.
    fn facts(recorded: &Value) -> Vec<Value> {
        let mut facts = recorded.as_array().unwrap().clone();
        for fact in &mut facts {
            fact["weight"] = json!(fact["weight"].as_f64());
        }
        facts
    }

    #[test]
    fn definitions_are_those_recorded() {
        let lines: Vec<Value> = vector_lines("validation/vectors/facts.jsonl");
        let mut checked = 0;
        for line in lines.iter().filter(|line| line["input"]["task"].is_string()) {
            let Ok(task) = line["input"]["task"].as_str().unwrap().parse::<TaskName>() else {
                continue; // A task that is switched off.
            };
            for (recorded, own) in [
                ("reward_definition", task.rewards()),
                ("penalty_definition", task.penalties()),
                ("global_penalty_definition", GLOBAL_PENALTIES),
            ] {
                let own: Vec<Value> = own.iter().map(as_fact).collect();
                assert_eq!(own, facts(&line["output"][recorded]), "{task} {recorded}");
            }
            checked += 1;
        }
        assert!(checked > 0, "no task among the facts");
    }

    #[test]
    fn names_are_read_and_written_alike() {
        for task in TaskName::ALL {
            assert_eq!(task.as_str().parse::<TaskName>(), Ok(task));
            assert_eq!(serde_json::to_value(task).unwrap(), task.as_str());
        }
        assert!("debugging".parse::<TaskName>().is_err());
    }
}
