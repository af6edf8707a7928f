#[path = "../../../tests/toys/brevity.rs"]
#[expect(unreachable_pub, reason = "it is reachable from the folder where it belongs")]
mod brevity;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::testing::{cases, registry_files};
use crate::validation::event::{rounded_normalized, rounded_raw};
use crate::validation::tasks::{TASKS, TaskKind};

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

/// Embeddings that give the completions exactly these relevance scores.
pub(crate) fn embeddings_scoring(scores: &[f32]) -> Embeddings {
    Embeddings {
        reference: with_cosine(1.0),
        empty: with_cosine(0.0),
        completions: scores.iter().map(|&score| with_cosine(score)).collect(),
    }
}

/// A vector of length 1 whose first number is `cosine`. Two numbers make up the rest of the length,
/// so that it differs from 1 by less than the cosine's last digit.
fn with_cosine(cosine: f32) -> Vec<f32> {
    let square = |number: f32| f64::from(number).powi(2);
    let second = ((1.0 - square(cosine)).max(0.0).sqrt() * (1.0 - 1e-6)) as f32;
    let third = (1.0 - square(cosine) - square(second)).max(0.0).sqrt() as f32;
    vec![cosine, second, third]
}

/// The reward models of a process with these tasks and their follow-ups; a task that is switched
/// off adds none.
fn pipeline(active: &[impl AsRef<str>]) -> RewardPipeline {
    let active = active.iter().map(AsRef::as_ref).chain(["qa"]);
    let active = active.filter_map(|name| name.parse::<TaskKind>().ok());
    RewardPipeline::new(active.flat_map(|task| task.definition().scored_by()))
}

/// The rewards of a task in a process with all tasks.
fn rewards_of(task: &str) -> Result<TaskRewards, RewardError> {
    let all = TASKS.iter().flat_map(|task| task.definition().scored_by());
    let kind: TaskKind = task.parse().unwrap();
    kind.definition().task_rewards(&RewardPipeline::new(all))
}

fn evaluate(input: &Input, task: TaskKind) -> Result<Evaluation, RewardError> {
    let batch = Batch {
        reference: &input.reference,
        challenge: &input.challenge,
        completions: &input.completions,
        tokens_per_chunk: &input.tokens_per_chunk,
        embeddings: Some(&embeddings_scoring(&input.relevance)),
    };
    let rewards = task.definition().task_rewards(&pipeline(&input.active_tasks))?;
    rewards.evaluate(&batch, &mut || 0.0)
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

/// Checks that rounded numbers are equal, except for the last bit, which parsing may change.
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
        let (name, kind) = (scores.model, scores.kind.as_str());
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
    let mut checked = 0;
    for case in cases::<Input, Value>("total_reward") {
        let Ok(task) = case.input.task.parse::<TaskKind>() else { continue };
        let evaluation = match evaluate(&case.input, task) {
            Err(RewardError::NotAvailable(_)) => continue,
            evaluation => evaluation.unwrap(),
        };
        let wanted = case.expected();
        assert_close(&evaluation.totals, &wanted["rewards"], &case.id);
        assert_eq!(Some(evaluation.best as u64), wanted["best"].as_u64(), "{}", case.id);
        let variant = variant(&pipeline(&case.input.active_tasks));
        assert_eq!(wanted["rouge_ngram"], variant, "{}", case.id);
        check_models(&case.id, &evaluation.models, &wanted["state"]);
        checked += 1;
    }
    assert!(checked > 0, "no case of an available task");
}

fn variant(pipeline: &RewardPipeline) -> Value {
    match pipeline.model("rouge") {
        Some(Model::Made(rouge)) => rouge.extra_info()["ngram"].clone(),
        other => panic!("no rouge in {other:?}"),
    }
}

#[test]
fn the_first_rouge_definition_decides_for_all() {
    let all: Vec<&str> = TASKS.iter().map(|kind| kind.definition().name).collect();
    for (active, expected) in [
        (&all[..], "rouge-1"),
        (&["math", "summarization", "qa"], "rouge-l"),
        (&["date_qa", "qa"], "rouge-l"),
        (&["translation", "date_qa"], "rouge-1"),
        (&["sentiment", "generic"], "rouge-1"),
        (&["math"], "rouge-1"),
    ] {
        assert_eq!(variant(&pipeline(active)), expected, "{active:?}");
    }
}

fn small_batch<'a>(completions: &'a [&'a str], tokens: &'a [Vec<u32>]) -> Batch<'a, &'a str> {
    Batch {
        reference: "12.5",
        challenge: "what is 5 / 0.4",
        completions,
        tokens_per_chunk: tokens,
        embeddings: None,
    }
}

#[test]
fn lists_must_go_with_the_completions() {
    let tokens = vec![Vec::new(); 2];
    let evaluate = |task, completions, tokens| {
        let batch = small_batch(completions, tokens);
        rewards_of(task).unwrap().evaluate(&batch, &mut || 0.0)
    };
    assert_eq!(evaluate("math", &[], &[]), Err(RewardError::NoCompletions));
    let short = evaluate("math", &["1"], &tokens);
    assert!(matches!(short, Err(RewardError::Count { expected: 1, got: 2, .. })));
    let blind = evaluate("qa", &["1", "2"], &tokens);
    assert_eq!(blind, Err(RewardError::EmbeddingsMissing));
}

#[test]
fn a_reference_that_is_no_number_is_refused() {
    let tokens = [Vec::new()];
    let batch = Batch { reference: "twelve", ..small_batch(&["12"], &tokens) };
    let refused = rewards_of("math").unwrap().evaluate(&batch, &mut || 0.0);
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
    let batch = small_batch(&["12.5", "no", "12"], &tokens);
    let evaluation = rewards_of("math").unwrap().evaluate(&batch, &mut clock).unwrap();
    for model in &evaluation.models {
        assert_eq!(model.timings, [1.0; 3]);
        assert_eq!(model.batch_time, 7.0);
    }
}

#[test]
fn tasks_without_their_models_say_which() {
    for (task, model) in [("date_qa", "date"), ("sentiment", "ordinal")] {
        let refused = rewards_of(task).map(drop);
        assert_eq!(refused, Err(RewardError::NotAvailable(model)));
    }
}

#[test]
fn every_reward_has_a_file_and_every_file_a_reward() {
    let names: Vec<&str> = REWARDS.iter().map(|reward| reward.name()).collect();
    assert_eq!(names, registry_files("rewards", &names, &["evaluation"]));
}

#[test]
fn an_added_reward_scores_as_it_says() {
    let scorer = brevity::Brevity.prepare("two words", None).unwrap();
    let score = |text| scorer(&Completion { text, tokens_per_chunk: &[], embedding: &[] });
    assert_eq!([score(""), score("one"), score("four words are here")], [0.0, 1.0, 0.5]);
}

/// Texts on which the reference failed or took long.
#[test]
fn no_reward_fails_on_a_strangers_text() {
    let texts: Vec<String> = ["", "...", " . ", "nan", "9**9**9", "(10**9)!", "\u{202e}42\u{0301}"]
        .map(str::to_owned)
        .into_iter()
        .chain([".".repeat(100_000), "word ".repeat(20_000), "(".repeat(10_000)])
        .collect();
    let embeddings = embeddings_scoring(&[0.5]);
    let toy: &dyn Reward = &brevity::Brevity;
    for reward in REWARDS.iter().copied().chain([toy]) {
        let scorer = reward.prepare("42", Some(&embeddings)).unwrap();
        for text in &texts {
            let score = scorer(&Completion {
                text,
                tokens_per_chunk: &[0, u32::MAX],
                embedding: &embeddings.completions[0],
            });
            assert!((0.0..=1.0).contains(&score), "{}: {score}", reward.name());
        }
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
            embeddings: Some(&embeddings_scoring(&vec![relevance; completions.len()])),
        };
        for task in TASKS {
            for active in [["qa"], ["summarization"]] {
                let Ok(rewards) = task.definition().task_rewards(&pipeline(&active)) else {
                    continue;
                };
                let Ok(evaluation) = rewards.evaluate(&batch, &mut || 0.0) else { continue };
                for total in &evaluation.totals {
                    prop_assert!((0.0..=1.0).contains(total));
                    prop_assert!(*total <= evaluation.totals[evaluation.best]);
                }
            }
        }
    }
}
