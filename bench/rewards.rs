//! The cost of the rewards of one batch: CPU milliseconds, median of 5, beside the reference's.
//!
//! A batch is 100 completions of 200 words. The reference's figures were measured on one core of a
//! busy virtual machine, so the ratio is only an order of magnitude.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

use std::hint::black_box;
use std::time::Instant;

use sn1::validation::rewards::rouge::{Reference, RougeVariant};
use sn1::validation::rewards::{Batch, RewardPipeline, float_diff, streaming};
use sn1::validation::tasks::TaskKind;

const COMPLETIONS: usize = 100;
const WORDS: usize = 200;
const CHALLENGE_WORDS: usize = 60;
const ROUNDS: usize = 5;
/// The least CPU time of a round in milliseconds: many ticks of the system's clock.
const ROUND_MS: f64 = 200.0;

/// One line of the table: what is measured, the reference's milliseconds, and ours.
struct Line {
    name: &'static str,
    reference_ms: f64,
    own_ms: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let reference = text(1, WORDS);
    let challenge = text(2, CHALLENGE_WORDS);
    let completions: Vec<String> = (0..COMPLETIONS).map(|n| text(n as u64 + 3, WORDS)).collect();
    let numbered: Vec<String> = completions.iter().map(|one| format!("{one} 42.5")).collect();
    let tokens: Vec<Vec<u32>> = (0..COMPLETIONS as u32).map(|n| vec![n * 4; 20]).collect();

    let rouge = |variant| {
        let reference = Reference::new(variant, &reference);
        sum(&completions, |one| reference.score(one))
    };
    let number = |texts: &[String]| sum(texts, |one| float_diff::score(42.0, one));
    let penalties = || sum(&tokens, |one| f64::from(streaming::penalty(one, 200)));
    let batch = Batch {
        reference: &reference,
        challenge: &challenge,
        completions: &completions,
        tokens_per_chunk: &tokens,
        embeddings: None,
    };
    let task: TaskKind = "translation".parse()?;
    let definition = task.definition();
    let rewards = definition.task_rewards(&RewardPipeline::new(definition.scored_by()))?;
    rewards.evaluate(&batch, &mut || 0.0)?;
    let translation = || {
        let evaluation = rewards.evaluate(&batch, &mut || 0.0);
        evaluation.map_or(0.0, |evaluation| f64::from(evaluation.totals[0]))
    };
    print(&[
        line("rouge-1", 2175.0, || rouge(RougeVariant::Rouge1)),
        line("rouge-l", 2175.0, || rouge(RougeVariant::RougeL)),
        line("float_diff, number last", 26.0, || number(&numbered)),
        line("float_diff, no number", 4459.0, || number(&completions)),
        line("streaming", 0.3, penalties),
        line("translation, whole", 3091.0, translation),
    ]);
    Ok(())
}

fn line(name: &'static str, reference_ms: f64, work: impl Fn() -> f64) -> Line {
    let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| round_ms(&work)).collect();
    rounds.sort_by(f64::total_cmp);
    Line { name, reference_ms, own_ms: rounds[ROUNDS / 2] }
}

/// Milliseconds for one batch, averaged over a round of doubling length.
fn round_ms(work: &impl Fn() -> f64) -> f64 {
    let start = cpu_ms();
    let (mut done, mut more) = (0_u64, 1_u64);
    loop {
        for _ in 0..more {
            black_box(work());
        }
        done += more;
        more = done;
        let spent = cpu_ms() - start;
        if spent >= ROUND_MS {
            return spent / done as f64;
        }
    }
}

/// CPU milliseconds of this thread so far; elapsed ones when the system does not report them.
fn cpu_ms() -> f64 {
    thread_local!(static START: Instant = Instant::now());
    let ran = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = ran.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    let elapsed = START.with(|start| start.elapsed().as_secs_f64() * 1e3);
    nanoseconds.map_or(elapsed, |nanoseconds| nanoseconds / 1e6)
}

fn print(lines: &[Line]) {
    println!("{COMPLETIONS} completions of {WORDS} words, CPU ms, median of {ROUNDS}");
    println!("{:<26}{:>12}{:>12}{:>10}", "", "reference", "own", "ratio");
    for line in lines {
        let ratio = line.reference_ms / line.own_ms;
        let (reference_ms, own_ms) = (line.reference_ms, line.own_ms);
        println!("{:<26}{reference_ms:>12.1}{own_ms:>12.4}{ratio:>9.0}x", line.name);
    }
}

fn sum<T>(batch: &[T], score: impl Fn(&T) -> f64) -> f64 {
    batch.iter().map(score).sum()
}

/// Sentences of ten words from a small vocabulary; the same for the same seed.
fn text(seed: u64, n_words: usize) -> String {
    const SYLLABLES: [&str; 16] = [
        "ba", "den", "fi", "gor", "hu", "jas", "ke", "lin", "mo", "nur", "pa", "res", "ti", "vol",
        "wy", "zan",
    ];
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut words = Vec::with_capacity(n_words);
    for idx in 0..n_words {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let first = SYLLABLES[(state >> 20) as usize % 16];
        let second = SYLLABLES[(state >> 40) as usize % 16];
        let end = if idx % 10 == 9 { "." } else { "" };
        words.push(format!("{first}{second}{end}"));
    }
    words.join(" ")
}
