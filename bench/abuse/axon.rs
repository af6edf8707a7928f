//! The axon under attack, with default limits, and a miner that records how often it answered
//! questions that may be answered only once.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sn1::synapse::body::Prompt;
use sn1_actors::axon::{Answering, AxonSettings, ChunkSink, Miner, StandaloneAxon};
use sn1_actors::telemetry;

use crate::Fallible;
use crate::attack::HOSTILE_HOTKEYS;
use crate::callers::{key, pieces};
use crate::child::wait_for_dismissal;
use crate::replay::{CAPTURED, RACE};
use crate::slow::ENDLESS;

/// Chunk of an endless answer.
const ENDLESS_CHUNK: usize = 1024;
/// The honest validator's stake in TAO; attackers have a thousandth of it.
const HONEST_STAKE: f64 = 10_000.0;

/// The first line that the axon prints.
#[derive(Serialize, Deserialize)]
pub(crate) struct Serving {
    /// The port that it listens on.
    pub(crate) port: u16,
}

/// The last line that the axon prints.
#[derive(Serialize, Deserialize)]
pub(crate) struct Served {
    /// How often each question was answered that may be answered only once.
    pub(crate) answered_once: BTreeMap<String, u64>,
    /// The axon's own counters: the value of each series of its metrics.
    pub(crate) counters: BTreeMap<String, f64>,
}

/// Serves on a free port until its input closes.
pub(crate) fn serve() -> Fallible<()> {
    let metrics = telemetry::install()?;
    let miner = Arc::new(WatchfulMiner::default());
    let settings = AxonSettings::new("axon", key("axon")?);
    let mut callers = vec![(key("honest")?.account_id(), HONEST_STAKE)];
    let hostile = (0..HOSTILE_HOTKEYS).map(|n| format!("hostile//{n}"));
    for role in hostile.chain(["captured".to_owned()]) {
        callers.push((key(&role)?.account_id(), HONEST_STAKE / 1e3));
    }
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let axon =
        StandaloneAxon::start(listen, settings, &callers, Arc::clone(&miner) as Arc<dyn Miner>)?;
    say(&Serving { port: axon.address().port() })?;
    wait_for_dismissal()?;
    drop(axon);
    let answered_once = miner.answered.lock().unwrap_or_else(PoisonError::into_inner).clone();
    say(&Served { answered_once, counters: counters(&metrics.render()) })
}

/// The axon's counters from a page of metrics.
fn counters(page: &str) -> BTreeMap<String, f64> {
    let lines = page.lines().filter(|line| line.starts_with("sn1_axon_"));
    let counter = |line: &str| {
        let (series, value) = line.rsplit_once(' ')?;
        let series = series.replace(r#"actor="axon","#, "");
        Some((series, value.parse().ok().filter(|value| *value > 0.0)?))
    };
    lines.filter_map(counter).collect()
}

fn say(what: &impl Serialize) -> Fallible<()> {
    Ok(writeln!(std::io::stdout(), "{}", serde_json::to_string(what)?)?)
}

/// Repeats the last message in four chunks, or sends an endless answer on request.
#[derive(Default)]
struct WatchfulMiner {
    answered: Mutex<BTreeMap<String, u64>>,
}

impl Miner for WatchfulMiner {
    fn answer(&self, prompt: Prompt, _: Duration, sink: ChunkSink) -> Answering {
        let question = prompt.messages.into_iter().last().unwrap_or_default();
        if question == CAPTURED || question.starts_with(RACE) {
            let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
            *answered.entry(question.clone()).or_default() += 1;
        }
        Box::pin(async move {
            if question == ENDLESS {
                loop {
                    sink.send("x".repeat(ENDLESS_CHUNK)).await?;
                }
            }
            for piece in pieces(&question) {
                sink.send(piece).await?;
            }
            Ok(())
        })
    }
}
