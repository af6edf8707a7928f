use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::testing::vector_lines;
use crate::validation::responses::{Finished, StreamEnd, StreamResult};
use crate::validation::rewards::rouge::RougeVariant;
use crate::validation::rewards::{Batch, RewardError, TaskRewards};
use crate::validation::scoring::{Averaging, Scores};

#[derive(Deserialize)]
struct Case {
    id: String,
    input: Input,
    output: Output,
}

#[derive(Deserialize)]
struct Input {
    task: TaskName,
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

/// Where the recorded run's relevance model is not known, an even score stands in for it.
fn models(case: &Case, responses: &ResponseEvent) -> Option<(Vec<f32>, Vec<ModelScores>)> {
    let n = responses.len();
    let batch = Batch {
        reference: &case.output.reference,
        challenge: &case.output.challenge,
        completions: &responses.completions,
        tokens_per_chunk: &responses.all_tokens_per_chunk,
        relevance: Some(&vec![0.5; n]),
    };
    match TaskRewards::new(case.input.task, RougeVariant::Rouge1) {
        Err(RewardError::NotAvailable(_)) => None,
        rewards => {
            let evaluation = rewards.unwrap().evaluate(&batch, &mut || 0.0).unwrap();
            Some((evaluation.totals, evaluation.models))
        }
    }
}

fn agent(case: &Case) -> AgentState {
    let text = |key: &str| case.output.values[key].as_str().unwrap().to_owned();
    let context = &case.input.context;
    AgentState {
        challenge: case.output.challenge.clone(),
        challenge_time: 0.25,
        task: case.input.task,
        desc: text("desc"),
        goal: text("goal"),
        query: case.output.query.clone(),
        query_time: 0.5,
        reference: case.output.reference.clone(),
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
    let responses = responses(&case.output.values);
    let (_, models) = models(case, &responses)?;
    Some(StepEvent {
        best: case.output.values["best"].as_str().unwrap().to_owned(),
        block: 1000,
        step: 3,
        step_time: 2.0,
        agent: agent(case),
        context: case.input.log_full.then(|| context_fields(&case.input.context)),
        rewards: singles(&case.output.values["rewards"]),
        models,
        responses,
        pass: None,
    })
}

#[test]
fn keys_and_values_are_those_recorded() {
    let cases: Vec<Case> = vector_lines("validation/vectors/event.jsonl");
    let mut checked = 0;
    for case in &cases {
        let Some(event) = step_event(case) else {
            continue;
        };
        let event = serde_json::to_value(Event::Step(Box::new(event))).unwrap();
        let event = event.as_object().unwrap();
        let keys: Vec<&String> = event.keys().collect();
        assert_eq!(keys, case.output.keys.iter().collect::<Vec<_>>(), "{}", case.id);
        for (key, value) in &case.output.values {
            if key == "rewards" {
                // Reading them back into 64 bits may be off by the last digit.
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
    let cases: Vec<Case> = vector_lines("validation/vectors/event.jsonl");
    let mut checked = 0;
    for case in &cases {
        let responses = responses(&case.output.values);
        let recorded = case.output.values["rewards"].as_array().unwrap();
        if case.input.task.rewards().iter().any(|one| one.model.as_str() == "relevance") {
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
    let cases: Vec<Case> = vector_lines("validation/vectors/event.jsonl");
    for case in &cases {
        let uids: Vec<u16> = serde_json::from_value(case.output.values["uids"].clone()).unwrap();
        let rewards = singles(&case.output.values["rewards"]);
        let mut scores = Scores::new((0..case.output.scores.len()).collect());
        scores.update(&uids, &rewards, Averaging::default()).unwrap();
        assert_eq!(scores.values(), case.output.scores, "{}", case.id);
    }
}

#[test]
fn a_pass_and_a_failure_have_their_own_keys() {
    let failed = Event::Failed { unexpected_errors: "no miner answered".to_owned() };
    let expected = json!({"unexpected_errors": "no miner answered"});
    assert_eq!(serde_json::to_value(failed).unwrap(), expected);

    let cases: Vec<Case> = vector_lines("validation/vectors/event.jsonl");
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
