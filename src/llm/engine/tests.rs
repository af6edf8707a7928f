use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde::Deserialize;

use super::*;
use crate::llm::source::testing::model_path;
use crate::testing::vector_json;

#[derive(Deserialize)]
struct Vectors {
    model: String,
    max_tokens: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    messages: Vec<Message>,
    prompt_ids: Vec<u32>,
    output_ids: Vec<u32>,
    output_text: String,
    cut_at_gap: Option<f64>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: String,
}

impl Case {
    fn messages(&self) -> Vec<ChatMessage> {
        let message = |message: &Message| ChatMessage::new(&*message.role, &*message.content);
        self.messages.iter().map(message).collect()
    }
}

/// Tokens compared when prompts run one by one, which is slow; batched answers are compared in
/// full.
const N_ALONE: usize = 10;

/// The time of every request.
const NOW: DateTime = DateTime::constant(2025, 3, 9, 7, 5, 3, 0);

/// The engine that all tests share, without running requests.
fn engine() -> MutexGuard<'static, Engine> {
    static ENGINE: OnceLock<Mutex<Engine>> = OnceLock::new();
    let engine = ENGINE.get_or_init(|| {
        let settings = EngineSettings { prefill_chunk: 100, ..EngineSettings::default() };
        Mutex::new(Engine::load(&model_path(), settings).unwrap())
    });
    let mut engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
    engine.sequences.clear();
    engine.extents = Extents::new(engine.settings.arena_tokens);
    engine
}

/// The vectors for this model file; those of other models do not apply.
fn vectors() -> Vectors {
    let vectors: Vectors = vector_json("inference/vectors/greedy.json");
    let file = model_path();
    assert_eq!(file.file_name().unwrap().to_string_lossy(), vectors.model);
    assert!(!vectors.cases.is_empty(), "no greedy cases");
    vectors
}

fn check(case: &Case, answer: &[u32], n_compared: usize) {
    let wanted = &case.output_ids[..case.output_ids.len().min(n_compared)];
    // A cut case ends before a step that rounding could decide.
    let is_cut = case.cut_at_gap.is_some() && wanted.len() < answer.len();
    let answer = if is_cut { &answer[..wanted.len()] } else { answer };
    assert_eq!(answer, wanted, "{}", case.name);
}

/// Steps until no request is running; returns the text and the last output of each request.
fn run(engine: &mut Engine) -> Vec<(RequestId, String, StepOutput)> {
    let mut texts: Vec<(RequestId, String)> = Vec::new();
    let mut ended = Vec::new();
    while engine.n_active() > 0 {
        for output in engine.step().unwrap() {
            match texts.iter_mut().find(|(id, _)| *id == output.id) {
                Some((_, text)) => text.push_str(&output.text),
                None => texts.push((output.id, output.text.clone())),
            }
            if output.finish.is_some() {
                let (id, text) = texts.iter().find(|(id, _)| *id == output.id).unwrap();
                ended.push((*id, text.clone(), output));
            }
        }
    }
    ended
}

fn user(text: &str) -> Vec<ChatMessage> {
    vec![ChatMessage::new("user", text)]
}

/// An engine may move to another thread, and its tokenizer may be shared between threads.
const _: fn() = || {
    fn is_send<T: Send>() {}
    fn is_shared<T: Send + Sync>() {}
    is_send::<Engine>();
    is_shared::<Arc<Tokenizer>>();
};

#[test]
fn prompts_match_the_reference() {
    let engine = engine();
    for case in vectors().cases {
        let prompt = engine.file.prompt(&case.messages(), NOW).unwrap();
        assert_eq!(prompt, case.prompt_ids, "{}", case.name);
    }
}

#[test]
fn greedy_tokens_match_the_reference_one_by_one() {
    let mut engine = engine();
    let vectors = vectors();
    for case in &vectors.cases {
        let prompts = [case.prompt_ids.clone()];
        let answers = engine.generate_greedy_ids(&prompts, N_ALONE).unwrap();
        check(case, &answers[0], N_ALONE);
    }
}

/// Submits conversations while there is room and steps until all are answered; returns the tokens,
/// the streamed text and the last output of each.
fn converse(engine: &mut Engine, vectors: &Vectors) -> Vec<(Vec<u32>, String, usize)> {
    let mut answers = vec![(Vec::new(), String::new(), 0); vectors.cases.len()];
    let mut waiting = (0u64..).zip(&vectors.cases).peekable();
    while waiting.peek().is_some() || engine.n_active() > 0 {
        while let Some((id, case)) = waiting.peek() {
            let settings = GenerateSettings::greedy(vectors.max_tokens);
            match engine.submit(RequestId(*id), &case.messages(), NOW, settings) {
                Err(SubmitError::Busy) => break,
                outcome => outcome.unwrap(),
            }
            waiting.next();
        }
        for chosen in engine.step_tokens().unwrap() {
            let (tokens, text, n_tokens) = &mut answers[chosen.id.0 as usize];
            tokens.push(chosen.token);
            text.push_str(&chosen.output.text);
            *n_tokens = chosen.output.n_tokens;
        }
    }
    answers
}

#[test]
fn greedy_answers_match_the_reference_in_company() {
    let mut engine = engine();
    let vectors = vectors();
    let answers = converse(&mut engine, &vectors);
    for (case, (tokens, text, n_tokens)) in vectors.cases.iter().zip(answers) {
        check(case, &tokens, vectors.max_tokens);
        assert_eq!(n_tokens, tokens.len(), "{}", case.name);
        if case.cut_at_gap.is_none() {
            assert_eq!(text, case.output_text, "{}", case.name);
        }
    }
}

#[test]
fn a_seed_gives_the_same_answer_alone_and_in_company() {
    let mut engine = engine();
    let settings = |seed| GenerateSettings {
        temperature: 0.7,
        top_p: 0.95,
        top_k: 50,
        seed,
        ..GenerateSettings::greedy(12)
    };
    let question = user("Tell me something about rivers.");
    engine.submit(RequestId(1), &question, NOW, settings(7)).unwrap();
    let alone = run(&mut engine).remove(0).1;
    for id in 1..5 {
        engine.submit(RequestId(id), &question, NOW, settings(6 + id)).unwrap();
    }
    let together = run(&mut engine);
    let text = |id| &together.iter().find(|(other, ..)| *other == RequestId(id)).unwrap().1;
    assert_eq!(*text(1), alone);
    assert!((2..5).any(|id| *text(id) != alone), "other seeds give other answers");
}

#[test]
fn a_stop_text_ends_the_answer() {
    let mut engine = engine();
    let settings = GenerateSettings { stop: vec![" of Fr".into()], ..GenerateSettings::greedy(30) };
    let question = user("What is the capital of France?");
    engine.submit(RequestId(1), &question, NOW, settings).unwrap();
    let (_, text, last) = run(&mut engine).remove(0);
    assert_eq!(text, "The capital");
    assert_eq!(last.finish, Some(FinishReason::Stop));
}

#[test]
fn room_is_given_back_at_once() {
    let mut engine = engine();
    let (n_slots, n_free) = (engine.n_free_slots(), engine.extents.n_free());
    let question = user("What is the capital of France?");
    for id in 0..n_slots as u64 {
        engine.submit(RequestId(id), &question, NOW, GenerateSettings::greedy(2)).unwrap();
    }
    let one_more = engine.submit(RequestId(99), &question, NOW, GenerateSettings::greedy(2));
    assert_eq!(one_more, Err(SubmitError::Busy));
    let again = engine.submit(RequestId(0), &question, NOW, GenerateSettings::greedy(2));
    assert_eq!(again, Err(SubmitError::Duplicate(RequestId(0))));
    engine.step().unwrap();
    engine.cancel(RequestId(0));
    engine.cancel(RequestId(1));
    assert_eq!(engine.n_free_slots(), 2);
    engine.submit(RequestId(99), &question, NOW, GenerateSettings::greedy(2)).unwrap();
    let ended = run(&mut engine);
    assert_eq!(ended.len(), n_slots - 1);
    assert!(ended.iter().all(|(_, _, last)| last.finish == Some(FinishReason::Length)));
    assert_eq!((engine.n_free_slots(), engine.extents.n_free()), (n_slots, n_free));
}

#[test]
fn keys_and_values_can_run_out_before_slots() {
    let mut engine = engine();
    let prompt = vec![5; 10];
    let longest = GenerateSettings::greedy(engine.max_tokens());
    engine.submit_ids(RequestId(1), prompt.clone(), longest).unwrap();
    let next = engine.submit_ids(RequestId(2), prompt.clone(), GenerateSettings::greedy(1));
    assert_eq!(next, Err(SubmitError::Busy));
    engine.cancel(RequestId(1));
    engine.submit_ids(RequestId(2), prompt, GenerateSettings::greedy(1)).unwrap();
}

#[test]
fn what_can_never_be_answered_is_refused() {
    let mut engine = engine();
    let limit = engine.max_tokens() - 1;
    let greedy = || GenerateSettings::greedy(4);
    let long = engine.submit_ids(RequestId(1), vec![5; limit + 1], greedy());
    assert_eq!(long, Err(SubmitError::TooLong { n_tokens: limit + 1, limit }));
    let nothing = engine.submit(RequestId(1), &[], NOW, greedy());
    assert!(matches!(nothing, Err(SubmitError::BadMessages(_))));
    let foreign = engine.submit_ids(RequestId(1), vec![u32::MAX], greedy());
    assert!(matches!(foreign, Err(SubmitError::BadMessages(_))));
    let settings = engine.submit(RequestId(1), &user("x"), NOW, GenerateSettings::greedy(0));
    assert!(matches!(settings, Err(SubmitError::BadSettings(_))));
    assert_eq!(engine.n_active(), 0);
    assert_eq!(engine.step().unwrap(), []);
}

#[test]
fn the_context_ends_an_answer() {
    let folder = std::env::temp_dir().join(format!("sn1-engine-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = crate::llm::model_file::tests::small();
    std::fs::write(folder.join("small.gguf"), file.build()).unwrap();
    let settings = EngineSettings { arena_tokens: 12, ..EngineSettings::default() };
    let mut engine = Engine::load(&folder, settings).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!((engine.model_name(), engine.max_tokens()), ("small", 12));
    let mut settings = GenerateSettings::greedy(50);
    settings.temperature = 5.0;
    engine.submit(RequestId(1), &user("abcde"), NOW, settings).unwrap();
    let (_, _, last) = run(&mut engine).remove(0);
    let wanted = if last.n_tokens < 7 { FinishReason::Stop } else { FinishReason::Length };
    assert_eq!(last.finish, Some(wanted));
    assert!(last.n_tokens <= 7);
}

#[test]
fn a_missing_model_and_bad_settings_are_one_sentence() {
    let settings = EngineSettings::default();
    let missing = Engine::load(Path::new("/no/such/model.gguf"), settings).unwrap_err();
    assert!(missing.to_string().contains("make models"), "{missing}");
    let none = EngineSettings { n_slots: 0, ..settings };
    assert!(matches!(Engine::load(&model_path(), none), Err(LlmError::Settings(_))));
}
