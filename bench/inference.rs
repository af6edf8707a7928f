//! The speed of the language model and of the sentence encoder, as one JSON object per line.
//!
//! `cargo bench --bench inference -- [THREADS]`; `bench/inference.sh` runs it in turn with the same
//! measurements of the usual Python implementation and prints the ratios. The models are those of
//! `make models`, or of the folder that `SN1_MODELS` names.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use sn1::embedding::{SentenceEncoder, set_threads};
use sn1::llm::engine::{Engine, EngineSettings, GenerateSettings, RequestId};

const N_PROMPT: usize = 230;
const N_DECODED: usize = 64;
const N_REPEATS: usize = 3;
const N_TEXTS: usize = 20;
const N_WORDS: usize = 200;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    // Cargo adds `--bench`; the first plain argument is the number of threads.
    let argument = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let n_threads = argument.map_or(Ok(1), |argument| argument.parse::<i32>())?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let models = std::env::var_os("SN1_MODELS").map_or_else(|| root.join("models"), PathBuf::from);
    let vectors = std::env::var_os("SN1_VECTORS")
        .map_or_else(|| root.join("tests/data"), PathBuf::from)
        .join("inference/vectors");
    let print = |measure: &str, unit: &str, value: f64| {
        let line = json!({
            "implementation": "sn1", "measure": measure, "unit": unit,
            "threads": n_threads, "value": value,
        });
        println!("{line}");
    };
    measure_model(&models, &prompts(&vectors)?, n_threads, &print)?;
    measure_encoder(&models, &words(&vectors)?, n_threads, &print)
}

fn measure_model(
    models: &Path,
    prompts: &[Vec<u32>],
    n_threads: i32,
    print: &dyn Fn(&str, &str, f64),
) -> Outcome<()> {
    let settings = EngineSettings { n_threads, ..EngineSettings::default() };
    let start = Instant::now();
    let mut engine = Engine::load(&models.join("SmolLM2-135M-Instruct"), settings)?;
    print("load", "s", start.elapsed().as_secs_f64());
    prefill_seconds(&mut engine, &prompts[0])?; // The first run touches all memory.
    let seconds = best(|| prefill_seconds(&mut engine, &prompts[0]))?;
    let prompts = &long_answered(&mut engine, prompts)?;
    print("prefill", "tokens/s", N_PROMPT as f64 / seconds);
    for n_sequences in [1, 4, 8] {
        let seconds = best(|| decode_seconds(&mut engine, prompts, n_sequences))?;
        let n_tokens = (n_sequences * N_DECODED) as f64;
        print(&format!("decode {n_sequences}"), "tokens/s", n_tokens / seconds);
    }
    Ok(())
}

fn best(mut run: impl FnMut() -> Outcome<f64>) -> Outcome<f64> {
    let mut best = f64::INFINITY;
    for _ in 0..N_REPEATS {
        best = best.min(run()?);
    }
    Ok(best)
}

fn prefill_seconds(engine: &mut Engine, prompt: &[u32]) -> Outcome<f64> {
    engine.submit_ids(RequestId(0), prompt.to_vec(), GenerateSettings::greedy(1))?;
    let start = Instant::now();
    while engine.n_active() > 0 {
        engine.step()?;
    }
    Ok(start.elapsed().as_secs_f64())
}

/// The prompts whose answers are longer than the measurement.
fn long_answered(engine: &mut Engine, prompts: &[Vec<u32>]) -> Outcome<Vec<Vec<u32>>> {
    let answers = engine.generate_greedy_ids(prompts, 2 * N_DECODED)?;
    let mut kept = prompts.to_vec();
    let mut is_long = answers.iter().map(|answer| answer.len() == 2 * N_DECODED);
    kept.retain(|_| is_long.next() == Some(true));
    if kept.is_empty() { Err("all answers are short".into()) } else { Ok(kept) }
}

/// Seconds of the steps after all prompts have been processed.
fn decode_seconds(engine: &mut Engine, prompts: &[Vec<u32>], n_sequences: usize) -> Outcome<f64> {
    for idx in 0..n_sequences {
        let prompt = prompts[idx % prompts.len()].clone();
        // Prompts end at different steps: enough tokens for the earliest to last through the
        // measurement.
        let settings = GenerateSettings::greedy(2 * N_DECODED);
        engine.submit_ids(RequestId(idx as u64), prompt, settings)?;
    }
    while engine.step()?.len() < n_sequences {}
    let start = Instant::now();
    for _ in 0..N_DECODED {
        if engine.step()?.len() < n_sequences {
            return Err("an answer ended before the measure did".into());
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    (0..n_sequences).for_each(|idx| engine.cancel(RequestId(idx as u64)));
    Ok(seconds)
}

fn measure_encoder(
    models: &Path,
    words: &[String],
    n_threads: i32,
    print: &dyn Fn(&str, &str, f64),
) -> Outcome<()> {
    set_threads(n_threads);
    let encoder = SentenceEncoder::load(&models.join("all-MiniLM-L6-v2"))?;
    let texts: Vec<String> = (0..N_TEXTS)
        .map(|start| {
            (0..N_WORDS).map(|idx| &*words[(start + idx) % words.len()]).collect::<Vec<_>>()
        })
        .map(|words| words.join(" "))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    encoder.encode(&texts[..2])?;
    let seconds = best(|| {
        let start = Instant::now();
        encoder.encode(&texts)?;
        Ok(start.elapsed().as_secs_f64())
    })?;
    print("encoder", "texts/s", N_TEXTS as f64 / seconds);
    Ok(())
}

/// The beginnings of the long prompts of the parity vectors.
fn prompts(vectors: &Path) -> Outcome<Vec<Vec<u32>>> {
    let cases = cases(&vectors.join("greedy.json"))?;
    let prompts = cases.iter().map(|case| serde_json::from_value(case["prompt_ids"].clone()));
    let mut prompts = prompts.collect::<Result<Vec<Vec<u32>>, _>>()?;
    prompts.retain(|ids| ids.len() >= N_PROMPT);
    prompts.iter_mut().for_each(|ids| ids.truncate(N_PROMPT));
    Ok(prompts)
}

/// The words of the longest text of the embedding vectors.
fn words(vectors: &Path) -> Outcome<Vec<String>> {
    let cases = cases(&vectors.join("embeddings.json"))?;
    let texts = cases.iter().filter_map(|case| case["text"].as_str());
    let longest = texts.max_by_key(|text| text.len()).unwrap_or_default();
    Ok(longest.split_whitespace().map(str::to_owned).collect())
}

fn cases(path: &Path) -> Outcome<Vec<Value>> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let mut vectors: Value = serde_json::from_str(&text)?;
    Ok(serde_json::from_value(vectors["cases"].take())?)
}
