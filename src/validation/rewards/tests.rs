use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::testing::vector_lines;
use crate::validation::event::{rounded_normalized, rounded_raw};

#[derive(Deserialize)]
struct Case {
    id: String,
    input: Input,
    output: Value,
    want: Option<Value>,
}

#[derive(Deserialize)]
struct Input {
    task: String,
    active_tasks: Vec<String>,
    reference: String,
    challenge: String,
    completions: Vec<String>,
    tokens_per_chunk: Vec<Vec<u32>>,
    relevance: Vec<f32>,
}

/// The variant of a process with these tasks; one that is switched off names none.
fn variant(input: &Input) -> RougeVariant {
    let active = input.active_tasks.iter();
    let active: Vec<TaskName> = active.filter_map(|name| name.parse().ok()).collect();
    RougeVariant::of_tasks(&active)
}

fn evaluate(input: &Input) -> Result<Evaluation, RewardError> {
    let batch = Batch {
        reference: &input.reference,
        challenge: &input.challenge,
        completions: &input.completions,
        tokens_per_chunk: &input.tokens_per_chunk,
        relevance: Some(&input.relevance),
    };
    TaskRewards::new(input.task.parse()?, variant(input))?.evaluate(&batch, &mut || 0.0)
}

fn numbers(list: &Value) -> Vec<f64> {
    let list = list.as_array().unwrap().iter();
    list.map(|number| number.as_f64().unwrap()).collect()
}

fn assert_close(got: &[f32], expected: &Value, what: &str) {
    let expected = numbers(expected);
    assert_eq!(got.len(), expected.len(), "{what}");
    for (got, expected) in got.iter().zip(&expected) {
        let apart = (f64::from(*got) - expected).abs();
        assert!(apart <= 1e-6, "{what}: {got} instead of {expected}");
    }
}

/// Rounded numbers are the same, but for the last bit that reading them back may cost.
fn assert_rounded(got: &[f64], expected: &Value, what: &str) {
    let expected = numbers(expected);
    assert_eq!(got.len(), expected.len(), "{what}");
    for (got, expected) in got.iter().zip(&expected) {
        let apart = (got - expected).abs();
        assert!(apart <= 1e-12, "{what}: {got} instead of {expected}");
    }
}

fn check_models(id: &str, models: &[ModelScores], state: &Value) {
    let mut keys = vec!["rewards".to_owned()];
    for scores in models {
        let (name, kind) = (scores.model.as_str(), scores.kind.as_str());
        let raw = format!("{name}_raw_{kind}");
        let plain = format!("{name}_{kind}");
        let info = format!("{plain}_extra_info");
        assert_rounded(&rounded_raw(&scores.raw), &state[&raw], &format!("{id} {raw}"));
        let normalized = rounded_normalized(&scores.normalized);
        assert_rounded(&normalized, &state[&plain], &format!("{id} {plain}"));
        assert_eq!(scores.extra_info, state[&info], "{id} {info}");
        keys.extend([raw, plain, info]);
    }
    let expected: Vec<&String> = state.as_object().unwrap().keys().collect();
    assert_eq!(keys.iter().collect::<Vec<_>>(), expected, "{id}");
}

#[test]
fn vectors_agree_for_every_task_whose_models_are_available() {
    let cases: Vec<Case> = vector_lines("validation/vectors/total_reward.jsonl");
    let mut checked = 0;
    for case in &cases {
        let evaluation = match evaluate(&case.input) {
            Err(RewardError::NotAvailable(_) | RewardError::UnknownTask(_)) => continue,
            evaluation => evaluation.unwrap(),
        };
        let wanted = case.want.as_ref().unwrap_or(&case.output);
        assert_close(&evaluation.totals, &wanted["rewards"], &case.id);
        assert_eq!(Some(evaluation.best as u64), wanted["best"].as_u64(), "{}", case.id);
        assert_eq!(wanted["rouge_ngram"], variant(&case.input).as_str(), "{}", case.id);
        check_models(&case.id, &evaluation.models, &wanted["state"]);
        checked += 1;
    }
    assert!(checked > 0, "no case of an available task");
}

fn small_batch<'a>(completions: &'a [&'a str], tokens: &'a [Vec<u32>]) -> Batch<'a, &'a str> {
    Batch {
        reference: "12.5",
        challenge: "what is 5 / 0.4",
        completions,
        tokens_per_chunk: tokens,
        relevance: None,
    }
}

#[test]
fn lists_must_go_with_the_completions() {
    let rewards = |task| TaskRewards::new(task, RougeVariant::Rouge1).unwrap();
    let tokens = vec![Vec::new(); 2];
    let mut clock = || 0.0;
    let none = rewards(TaskName::Math).evaluate(&small_batch(&[], &[]), &mut clock);
    assert_eq!(none, Err(RewardError::NoCompletions));
    let short = rewards(TaskName::Math).evaluate(&small_batch(&["1"], &tokens), &mut clock);
    assert!(matches!(short, Err(RewardError::Count { expected: 1, got: 2, .. })));
    let blind = rewards(TaskName::Qa).evaluate(&small_batch(&["1", "2"], &tokens), &mut clock);
    assert_eq!(blind, Err(RewardError::RelevanceMissing));
}

#[test]
fn a_reference_that_is_no_number_is_refused() {
    let tokens = [Vec::new()];
    let batch = Batch { reference: "twelve", ..small_batch(&["12"], &tokens) };
    let math = TaskRewards::new(TaskName::Math, RougeVariant::Rouge1).unwrap();
    let refused = math.evaluate(&batch, &mut || 0.0);
    assert_eq!(refused, Err(RewardError::ReferenceNotANumber("twelve".to_owned())));
}

#[test]
fn models_are_timed_by_the_clock_given() {
    let tokens = vec![Vec::new(); 3];
    let mut now = 0.0;
    let mut clock = || {
        now += 1.0;
        now
    };
    let math = TaskRewards::new(TaskName::Math, RougeVariant::Rouge1).unwrap();
    let batch = small_batch(&["12.5", "no", "12"], &tokens);
    let evaluation = math.evaluate(&batch, &mut clock).unwrap();
    for model in &evaluation.models {
        assert_eq!(model.timings, [1.0; 3]);
        assert_eq!(model.batch_time, 7.0);
    }
}

#[test]
fn tasks_without_their_models_say_which() {
    let missing =
        [(TaskName::DateQa, RewardModel::Date), (TaskName::Sentiment, RewardModel::Ordinal)];
    for (task, model) in missing {
        let refused = TaskRewards::new(task, RougeVariant::Rouge1);
        assert_eq!(refused, Err(RewardError::NotAvailable(model)));
    }
}

proptest! {
    #[test]
    fn totals_lie_between_0_and_1(
        texts in prop::collection::vec("\\PC{0,20}|[ a-c.0-9]{0,30}", 2..6),
        tokens in prop::collection::vec(0..1000_u32, 0..6),
        relevance in 0.0..=1.0_f32,
    ) {
        let completions = &texts[1..];
        let batch = Batch {
            reference: &texts[0],
            challenge: &texts[1],
            completions,
            tokens_per_chunk: &vec![tokens; completions.len()],
            relevance: Some(&vec![relevance; completions.len()]),
        };
        for task in TaskName::ALL {
            for variant in [RougeVariant::Rouge1, RougeVariant::RougeL] {
                let Ok(rewards) = TaskRewards::new(task, variant) else { continue };
                let Ok(evaluation) = rewards.evaluate(&batch, &mut || 0.0) else { continue };
                for total in &evaluation.totals {
                    prop_assert!((0.0..=1.0).contains(total));
                    prop_assert!(*total <= evaluation.totals[evaluation.best]);
                }
            }
        }
    }
}
