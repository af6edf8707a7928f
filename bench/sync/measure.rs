//! This project's side: its decoder on a node's replies, and the whole actor that keeps a snapshot.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sn1::chain::decode::{Read, Runtime, SnapshotPlan, metadata_of_answer};
use sn1::chain::rpc::NodeMessage;
use sn1::chain::{Head, Metagraph};
use sn1_actors::app::parts::ChainPart;
use sn1_actors::chain::SyncSettings;
use sn1_actors::chain::subtensor::{Deadlines, Roots, Subtensor, SubtensorSettings};
use sn1_actors::feeds::Feeds;
use sn1_actors::supervision::Root;
use sn1_actors::telemetry;
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::stream::MaybeTlsStream;
use tokio_tungstenite::tungstenite::{WebSocket, connect};

use crate::Fallible;
use crate::child::quantile;
use crate::subnet::NETUID;

/// Reads before the first measured one.
const UNMEASURED: usize = 5;
/// The deadline of a read.
const SOON: Duration = Duration::from_secs(60);

/// The times of one side, in milliseconds of CPU time.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Time from the answer to the decoded object.
    pub(crate) decode_ms: Times,
    /// Time of the whole read, including requests and sockets.
    pub(crate) sync_ms: Times,
    /// What was read, so that both sides can be compared.
    pub(crate) seen: Seen,
}

/// The median and the maximum over all rounds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Times {
    pub(crate) median: f64,
    pub(crate) worst: f64,
}

/// A subnet in a few numbers.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) neurons: usize,
    pub(crate) serving: usize,
    pub(crate) permits: usize,
    pub(crate) last_updates: u64,
}

impl Seen {
    fn of(metagraph: &Metagraph) -> Self {
        let neurons = &metagraph.neurons;
        Self {
            neurons: neurons.len(),
            serving: neurons.iter().filter(|neuron| neuron.axon.is_serving()).count(),
            permits: neurons.iter().filter(|neuron| neuron.validator_permit).count(),
            last_updates: neurons.iter().map(|neuron| neuron.last_update).sum(),
        }
    }
}

/// Prints the figures in a line of JSON.
pub(crate) fn run(url: &str, rounds: usize) -> Fallible<()> {
    let (decode_ms, decoded) = decode(url, rounds)?;
    let (sync_ms, seen) = actix::System::new().block_on(sync(url, rounds))?;
    if decoded != seen {
        return Err(format!("decoded {decoded:?}, published {seen:?}").into());
    }
    println!("{}", serde_json::to_string(&Figures { decode_ms, sync_ms, seen })?);
    Ok(())
}

fn cpu_ms(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

fn times(mut each: Vec<f64>) -> Times {
    each.drain(..UNMEASURED);
    each.sort_by(f64::total_cmp);
    Times { median: quantile(&each, 0.5), worst: quantile(&each, 1.0) }
}

/// Decodes replies into a published snapshot. CPU time of this thread.
fn decode(url: &str, rounds: usize) -> Fallible<(Times, Seen)> {
    let mut asking = Asking(connect(url)?.0);
    let head = asking.head()?;
    let runtime = asking.runtime()?;
    let plan = SnapshotPlan::choose(&runtime)?;
    let reads = plan.reads(&runtime, NETUID)?;
    let replies = reads.iter().map(|read| asking.reply(read)).collect::<Fallible<Vec<_>>>()?;
    let published: watch::Sender<Option<Arc<Metagraph>>> = watch::Sender::default();
    let mut taken = Vec::new();
    for _ in 0..UNMEASURED + rounds {
        let began = cpu_ms(ClockId::ThreadCPUTime);
        let answers = replies.iter().map(|reply| answer(black_box(reply)));
        let answers = answers.collect::<Fallible<Vec<_>>>()?;
        let snapshot = plan.decode(&runtime, NETUID, head, &answers)?;
        published.send_replace(Some(Arc::new(snapshot.metagraph)));
        taken.push(cpu_ms(ClockId::ThreadCPUTime) - began);
    }
    let seen = published.borrow().as_deref().map(Seen::of).ok_or("nothing was published")?;
    Ok((times(taken), seen))
}

/// A reply as the client reads it.
fn answer(reply: &str) -> Fallible<Option<Vec<u8>>> {
    let NodeMessage::Answer { outcome, .. } = NodeMessage::parse(reply.as_bytes())? else {
        return Err("news instead of an answer".into());
    };
    let result = outcome.map_err(|refused| refused.message)?;
    let digits = result.as_str().and_then(|text| text.strip_prefix("0x"));
    Ok(digits.map(hex::decode).transpose()?)
}

/// A connection with one request at a time.
struct Asking(WebSocket<MaybeTlsStream<std::net::TcpStream>>);

impl Asking {
    fn ask(&mut self, method: &str, params: Json) -> Fallible<String> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.0.send(request.to_string().into())?;
        Ok(self.0.read()?.into_text()?.to_string())
    }

    fn result(&mut self, method: &str, params: Json) -> Fallible<Json> {
        Ok(serde_json::from_str::<Json>(&self.ask(method, params)?)?["result"].take())
    }

    fn head(&mut self) -> Fallible<Head> {
        let hash = serde_json::from_value(self.result("chain_getBlockHash", json!([]))?)?;
        let header = self.result("chain_getHeader", json!([hash]))?;
        let digits = header["number"].as_str().unwrap_or_default().trim_start_matches("0x");
        Ok(Head { number: u64::from_str_radix(digits, 16)?, hash })
    }

    fn runtime(&mut self) -> Fallible<Runtime> {
        let version = self.result("state_getRuntimeVersion", json!([]))?["specVersion"].as_u64();
        let params = json!(["Metadata_metadata_at_version", "0x0f000000"]);
        let metadata = answer(&self.ask("state_call", params)?)?.unwrap_or_default();
        let metadata = metadata_of_answer(&metadata).ok_or("no metadata of version 15")?;
        Ok(Runtime::new(version.ok_or("no spec version")?.try_into()?, &metadata)?)
    }

    fn reply(&mut self, read: &Read) -> Fallible<String> {
        let hex = |bytes: &[u8]| format!("0x{}", hex::encode(bytes));
        match read {
            Read::Call { function, arguments } => {
                self.ask("state_call", json!([function, hex(arguments)]))
            }
            Read::Storage { key } => self.ask("state_getStorage", json!([hex(key)])),
        }
    }
}

/// From the request for a fresh snapshot to its publication, by a node's own actor and client, with
/// metrics. CPU time of the whole process.
async fn sync(url: &str, rounds: usize) -> Fallible<(Times, Seen)> {
    let _metrics = telemetry::install()?;
    let network = url.parse().map_err(|error| format!("{url}: {error}"))?;
    let settings =
        SubtensorSettings { network, deadlines: Deadlines::default(), roots: Roots::default() };
    let feeds = Feeds::new(Duration::from_secs(12));
    let part = ChainPart { client: Subtensor::new(settings), feeds: feeds.clone() };
    let (netuid, min_interval) = (NETUID, Duration::ZERO);
    let every_blocks = u64::MAX / 2;
    let settings = SyncSettings { netuid, own: None, every_blocks, min_interval };
    let mut snapshots = feeds.metagraph();
    let (watchers, _) = mpsc::unbounded_channel();
    let root = Root::start("Node", vec![part.sync(settings)], watchers);
    tokio::time::timeout(SOON, snapshots.changed()).await??;
    let mut taken = Vec::new();
    for _ in 0..UNMEASURED + rounds {
        let began = cpu_ms(ClockId::ProcessCPUTime);
        feeds.hints.give();
        tokio::time::timeout(SOON, snapshots.changed()).await??;
        taken.push(cpu_ms(ClockId::ProcessCPUTime) - began);
    }
    let seen = snapshots.borrow().as_deref().map(Seen::of).ok_or("nothing was published")?;
    root.stop().await;
    Ok((times(taken), seen))
}
