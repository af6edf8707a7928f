#[path = "../../../tests/toys/title.rs"]
mod title;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::*;
use crate::testing::{cases, registry_files};
use crate::validation::rewards::{Model, REWARDS, Weighted};
use crate::validation::tools::{Sources, TOOLS};

/// The recorded facts of every task that is switched on.
fn facts() -> Vec<(TaskKind, Value)> {
    let facts = cases::<Value, Value>("facts").into_iter().filter_map(|case| {
        let kind = case.input["task"].as_str()?.parse().ok()?;
        Some((kind, case.expected().clone()))
    });
    let facts: Vec<_> = facts.collect();
    assert!(!facts.is_empty(), "no task among the facts");
    facts
}

/// A definition in the form of the recorded facts.
fn as_fact(weighted: &Weighted) -> Value {
    let mut fact = match weighted.model {
        Model::Made(reward) => reward.options(),
        Model::Planned(_) => serde_json::Map::new(),
    };
    fact.insert("name".to_owned(), weighted.model.name().into());
    fact.insert("weight".to_owned(), weighted.weight.into());
    fact.into()
}

/// Whole weights are recorded as integers or as floats; both mean the same.
fn recorded(facts: &Value) -> Vec<Value> {
    let mut facts = facts.as_array().unwrap().clone();
    for fact in &mut facts {
        fact["weight"] = json!(fact["weight"].as_f64());
    }
    facts
}

#[test]
fn definitions_are_those_recorded() {
    for (kind, fact) in facts() {
        let definition = kind.definition();
        assert_eq!(definition.desc, fact["desc"]);
        assert_eq!(definition.goal, fact["goal"]);
        for (name, own) in [
            ("reward_definition", definition.rewards),
            ("penalty_definition", definition.penalties),
            ("global_penalty_definition", GLOBAL_PENALTIES),
        ] {
            let own: Vec<Value> = own.iter().map(as_fact).collect();
            assert_eq!(own, recorded(&fact[name]), "{kind:?} {name}");
        }
        let steps: Vec<Value> =
            definition.cleaning.iter().map(|step| json!({ "name": step.as_str() })).collect();
        let expected = fact["cleaning_pipeline"].as_array().cloned().unwrap_or_default();
        assert_eq!(steps, expected, "{kind:?}");
        let is_known = |origin| json!(origin == Origin::Known);
        assert_eq!(is_known(definition.query), fact["static_query"], "{kind:?}");
        assert_eq!(is_known(definition.reference), fact["static_reference"], "{kind:?}");
        let challenge = format!("{:?}", definition.challenge).to_lowercase();
        assert_eq!(challenge, fact["challenge_type"], "{kind:?}");
    }
}

#[test]
fn contexts_come_from_the_recorded_datasets() {
    for (kind, fact) in facts() {
        let Ok(task) = kind.made() else { continue };
        assert_eq!(json!([task.tool().name()]), fact["datasets"], "{kind:?}");
    }
}

#[test]
fn names_are_read_and_written_alike() {
    for kind in TASKS.iter().copied() {
        let name = kind.definition().name;
        assert_eq!(name.parse(), Ok(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), name);
        assert_eq!(serde_json::from_value::<TaskKind>(json!(name)).unwrap(), kind);
    }
    let unknown = "debugging".parse::<TaskKind>().unwrap_err();
    assert!(unknown.to_string().contains("the tasks are qa, date_qa, summarization"), "{unknown}");
    let not_made = TaskKind::made("generic".parse().unwrap()).unwrap_err();
    assert!(not_made.to_string().contains("it makes are qa, summarization, math"), "{not_made}");
}

#[test]
fn every_task_has_a_file_and_every_file_a_task() {
    let made = TASKS.iter().filter(|kind| kind.made().is_ok());
    let names: Vec<&str> = made.map(|kind| kind.definition().name).collect();
    let parts = ["definition", "mix", "planned", "prepared", "wording"];
    assert_eq!(names, registry_files("tasks", &names, &parts));
}

/// The tasks of this version, and one that is added as the how-to page describes.
fn made() -> impl Iterator<Item = &'static dyn Task> {
    let toy: &dyn Task = &title::Title;
    TASKS.iter().filter_map(|kind| kind.made().ok()).chain([toy])
}

#[test]
fn every_task_can_be_scored_and_drawn() {
    for task in made() {
        assert_eq!(task.definition().check(), Ok(()), "{task:?}");
        assert!(TOOLS.iter().any(|tool| tool.name() == task.tool().name()), "{task:?}");
        for one in task.definition().scored_by() {
            let name = one.model.name();
            assert!(REWARDS.iter().any(|reward| reward.name() == name), "{task:?} {name}");
        }
    }
}

/// A new task must not need a change in the code of conversations. The tasks' types are not visible
/// there, so this checks that no task is named.
#[test]
fn conversations_name_no_task() {
    let names: Vec<&str> = TASKS.iter().map(|kind| kind.definition().name).collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/actors/src/conversation");
    let mut n_read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let source = std::fs::read_to_string(&path).unwrap();
        for name in &names {
            assert!(!source.contains(&format!("\"{name}\"")), "{}: {name}", path.display());
        }
        n_read += 1;
    }
    assert!(n_read > 2, "{n_read} files in {folder}");
}

fn origin(draft: &Draft) -> Origin {
    match draft {
        Draft::Ready(text) => {
            assert!(!text.is_empty());
            Origin::Known
        }
        Draft::Prompt(messages) => {
            assert!(messages.iter().all(|message| !message.content.is_empty()));
            Origin::Written
        }
    }
}

#[test]
fn every_task_asks_a_model_for_what_its_definition_says() {
    let sources = Sources::embedded();
    for task in made() {
        let definition = task.definition();
        for seed in 0..20 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let context = task.tool().draw(&sources, &mut rng).unwrap();
            let mut plan = TaskPlan::new(task, context);
            let query = plan.query(&mut rng);
            assert_eq!(origin(&query), definition.query, "{task:?}");
            let query = match query {
                Draft::Ready(query) => query,
                Draft::Prompt(_) => "What is this?".to_owned(),
            };
            let prepared = plan.prepare(query.clone(), 0.0);
            assert_eq!(origin(&prepared.reference("May 04, 2026")), definition.reference);
            let challenge = prepared.challenge("You are somebody.", &mut rng);
            let is_written = origin(&challenge) == Origin::Written;
            assert_eq!(is_written, definition.challenge == Challenge::Inference, "{task:?}");
            if definition.challenge == Challenge::Query {
                assert_eq!(challenge, Draft::Ready(query), "{task:?}");
            }
            assert!(!prepared.challenge_from("").is_empty() || !is_written, "{task:?}");
        }
    }
}

#[test]
fn a_follow_up_is_the_same_task_whatever_the_first_was() {
    let sources = Sources::embedded();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for task in made() {
        let context = task.tool().draw(&sources, &mut rng).unwrap();
        let first = TaskPlan::new(task, context.clone()).prepare("What is this?".to_owned(), 0.0);
        let mut plan = TaskPlan::following(&first, "user: What is this?".to_owned());
        assert_eq!(origin(&plan.query(&mut rng)), Origin::Written);
        let word = context.content.split_whitespace().max_by_key(|word| word.len()).unwrap();
        let next = plan.prepare_from(&format!("And what about {word} there?"), 0.0);
        let Some(next) = next else { continue };
        assert_eq!(next.definition().name, "qa");
        assert_eq!(next.context, context);
        assert_eq!(next.history, "user: What is this?");
    }
}
