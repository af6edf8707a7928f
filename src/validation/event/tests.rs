use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::testing::{self, cases};
use crate::validation::responses::{Finished, StreamEnd, StreamResult};
use crate::validation::rewards::tests::embeddings_scoring;
use crate::validation::rewards::{Batch, RewardError, RewardPipeline};
use crate::validation::scoring::{Averaging, Scores};
use crate::validation::tasks::{TASKS, TaskKind};

type Case = testing::Case<Input, Output>;

#[derive(Deserialize)]
struct Input {
    task: TaskKind,
    log_full: bool,
    context: Context,
}

#[derive(Deserialize)]
struct Context {
    title: String,
    topic: String,
    subtopic: String,
    content: String,
    extra: Map<String, Value>,
}

#[derive(Deserialize)]
struct Output {
    keys: Vec<String>,
    values: Map<String, Value>,
    reference: String,
    query: String,
    challenge: String,
    scores: Vec<f32>,
}

fn strings(list: &Value) -> Vec<String> {
    serde_json::from_value(list.clone()).unwrap()
}

fn singles(list: &Value) -> Vec<f32> {
    serde_json::from_value(list.clone()).unwrap()
}

fn responses(values: &Map<String, Value>) -> ResponseEvent {
    let uids: Vec<u16> = serde_json::from_value(values["uids"].clone()).unwrap();
    let completions = strings(&values["completions"]);
    let results = uids.into_iter().zip(completions).map(|(uid, completion)| {
        let finished = Finished {
            completion,
            status_code: Some(200),
            status_message: Some("Success".to_owned()),
            process_time: Some(1.5),
            http_status: Some(200),
        };
        StreamResult { uid, chunks: Vec::new(), end: StreamEnd::Finished(finished) }
    });
    ResponseEvent::new(results.collect(), 15.0)
}

/// If the relevance model of the recorded run is unknown, equal scores stand in for it.
fn models(case: &Case, responses: &ResponseEvent) -> Option<(Vec<f32>, Vec<ModelScores>)> {
    let embeddings = embeddings_scoring(&vec![0.5; responses.len()]);
    let batch = Batch {
        reference: &case.expected().reference,
        challenge: &case.expected().challenge,
        completions: &responses.completions,
        tokens_per_chunk: &responses.all_tokens_per_chunk,
        embeddings: Some(&embeddings),
    };
    let all = TASKS.iter().flat_map(|task| task.definition().scored_by());
    match case.input.task.definition().task_rewards(&RewardPipeline::new(all)) {
        Err(RewardError::NotAvailable(_)) => None,
        rewards => {
            let evaluation = rewards.unwrap().evaluate(&batch, &mut || 0.0).unwrap();
            Some((evaluation.totals, evaluation.models))
        }
    }
}

fn agent(case: &Case) -> AgentState {
    let text = |key: &str| case.expected().values[key].as_str().unwrap().to_owned();
    let context = &case.input.context;
    AgentState {
        challenge: case.expected().challenge.clone(),
        challenge_time: 0.25,
        task: case.input.task.definition().name,
        desc: text("desc"),
        goal: text("goal"),
        query: case.expected().query.clone(),
        query_time: 0.5,
        reference: case.expected().reference.clone(),
        reference_time: 0.75,
        topic: context.title.clone(),
        subtopic: context.topic.clone(),
        context_time: 1.0,
        profile: text("profile"),
        mood: text("mood"),
        tone: text("tone"),
        system_prompt: "You are a person.".to_owned(),
    }
}

fn context_fields(context: &Context) -> ContextFields {
    ContextFields {
        topic: context.topic.clone(),
        subtopic: context.subtopic.clone(),
        title: context.title.clone(),
        content: context.content.clone(),
        extra: context.extra.clone(),
        ..ContextFields::default()
    }
}

fn step_event(case: &Case) -> Option<StepEvent> {
    let responses = responses(&case.expected().values);
    let (_, models) = models(case, &responses)?;
    Some(StepEvent {
        best: case.expected().values["best"].as_str().unwrap().to_owned(),
        block: 1000,
        step: 3,
        step_time: 2.0,
        agent: agent(case),
        context: case.input.log_full.then(|| context_fields(&case.input.context)),
        rewards: singles(&case.expected().values["rewards"]),
        models,
        responses,
        pass: None,
    })
}

#[test]
fn keys_and_values_are_those_recorded() {
    let cases: Vec<Case> = cases("event");
    let mut checked = 0;
    for case in &cases {
        let Some(event) = step_event(case) else {
            continue;
        };
        let event = serde_json::to_value(Event::Step(Box::new(event))).unwrap();
        let event = event.as_object().unwrap();
        let keys: Vec<&String> = event.keys().collect();
        assert_eq!(keys, case.expected().keys.iter().collect::<Vec<_>>(), "{}", case.id);
        for (key, value) in &case.expected().values {
            if key == "rewards" {
                // Parsing them back to 64 bits may change the last digit.
                assert_eq!(singles(&event[key]), singles(value), "{} {key}", case.id);
                continue;
            }
            assert_eq!(&event[key], value, "{} {key}", case.id);
        }
        checked += 1;
    }
    assert!(checked > 0, "no case of an available task");
}

#[test]
fn recorded_rewards_are_computed_where_no_encoder_is_needed() {
    let cases: Vec<Case> = cases("event");
    let mut checked = 0;
    for case in &cases {
        let responses = responses(&case.expected().values);
        let recorded = case.expected().values["rewards"].as_array().unwrap();
        let definition = case.input.task.definition();
        if definition.rewards.iter().any(|one| one.model.name() == "relevance") {
            continue;
        }
        let Some((totals, models)) = models(case, &responses) else {
            continue;
        };
        assert!(models.iter().all(|scores| scores.raw.len() == totals.len()));
        for (total, recorded) in totals.iter().zip(recorded) {
            let apart = f64::from(*total) - recorded.as_f64().unwrap();
            assert!(apart.abs() <= 1e-6, "{}: {total} for {recorded}", case.id);
        }
        checked += 1;
    }
    assert!(checked > 0, "no case without relevance");
}

#[test]
fn recorded_rewards_move_the_scores_as_recorded() {
    let cases: Vec<Case> = cases("event");
    for case in &cases {
        let uids: Vec<u16> =
            serde_json::from_value(case.expected().values["uids"].clone()).unwrap();
        let rewards = singles(&case.expected().values["rewards"]);
        let mut scores = Scores::new((0..case.expected().scores.len()).collect());
        scores.update(&uids, &rewards, Averaging::default()).unwrap();
        assert_eq!(scores.values(), case.expected().scores, "{}", case.id);
    }
}

#[test]
fn a_pass_and_a_failure_have_their_own_keys() {
    let failed = Event::Failed { unexpected_errors: "no miner answered".to_owned() };
    let expected = json!({"unexpected_errors": "no miner answered"});
    assert_eq!(serde_json::to_value(failed).unwrap(), expected);

    let cases: Vec<Case> = cases("event");
    let mut event = cases.iter().find_map(step_event).unwrap();
    event.pass = Some(PassFields { forward_time: 3.0, turn: 1 });
    let text = serde_json::to_string(&event).unwrap();
    assert!(text.ends_with(r#","forward_time":3.0,"turn":1}"#), "{text}");
}

#[test]
fn rounding_is_of_the_exact_value() {
    assert_eq!(rounded(0.5, 0), 0.0);
    assert_eq!(rounded(0.123_456_5, 6), 0.123457);
    assert_eq!(rounded(0.0, 4), 0.0);
}
