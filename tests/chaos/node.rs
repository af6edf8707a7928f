//! The node under test: the parts of a validator that deal with the chain, in a process of its own,
//! which this test binary starts by running itself. Scores are drawn; the rest is what a validator
//! runs.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use sn1::chain::{Freshness, Metagraph};
use sn1::store::{ResponseRecord, TurnRecord};
use sn1::validation::scoring::Averaging;
use sn1_actors::app::parts::ChainPart;
use sn1_actors::chain::subtensor::{Deadlines, Network, Roots, Subtensor, SubtensorSettings};
use sn1_actors::chain::{CommitterSettings, Failpoints, SyncSettings};
use sn1_actors::conversation::{Scoreboard, ScoreboardSettings};
use sn1_actors::feeds::{Feeds, MetagraphFeed};
use sn1_actors::messages::scores::RecordTurn;
use sn1_actors::supervision::{ChildSpec, Recipient, Root, RootExit, Slot};
use tokio::sync::mpsc;

use super::{NETUID, validator, window};

/// The test that is the entry point of the node's process.
const ENTRY: &str = "a_node_for_the_others";
const CHAIN: &str = "SN1_CHAOS_CHAIN";
const FOLDER: &str = "SN1_CHAOS_FOLDER";
const FAILPOINT: &str = "SN1_FAILPOINT";
/// The version key of the weights.
const VERSION_KEY: u64 = 1;
const SOON: Duration = Duration::from_secs(10);

/// The state file in a node's folder.
pub(crate) fn state_file(folder: &Path) -> PathBuf {
    folder.join("validator.sqlite")
}

/// The log of the chain and of the nodes of a folder.
pub(crate) fn log_file(folder: &Path) -> PathBuf {
    folder.join("node.log")
}

/// The log, opened to append.
pub(crate) fn log(folder: &Path) -> File {
    File::options().create(true).append(true).open(log_file(folder)).unwrap()
}

/// Starts a life in this folder, armed with a failpoint if one is given.
pub(crate) fn start(chain: &str, folder: &Path, failpoint: Option<&str>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([ENTRY, "--exact", "--ignored", "--nocapture"]);
    command.env(CHAIN, chain).env(FOLDER, folder).env_remove(FAILPOINT);
    if let Some(failpoint) = failpoint {
        command.env(FAILPOINT, failpoint);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log(folder)).spawn().unwrap()
}

/// Runs the node if this process was started for it.
pub(crate) fn run_if_asked() {
    let (Ok(chain), Some(folder)) = (std::env::var(CHAIN), std::env::var_os(FOLDER)) else {
        return;
    };
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    let exit = actix::System::new().block_on(live(&chain, state_file(Path::new(&folder))));
    assert_eq!(exit, RootExit::Stopped);
}

/// Deadlines that are shorter than the defaults as blocks of 50 ms are shorter than those of 12 s,
/// except where a busy machine needs more.
fn deadlines() -> Deadlines {
    Deadlines {
        connect: Duration::from_secs(5),
        call: Duration::from_secs(5),
        limited: Duration::from_secs(5),
        ping_every: Duration::from_millis(200),
        silence: Duration::from_millis(700),
        head_silence: Duration::from_secs(3),
        look_every: Duration::from_millis(50),
        quiet_watch: Duration::from_millis(600),
        give_up: Duration::from_secs(30),
        longest_pause: Duration::from_millis(250),
    }
}

/// What the actors of one node are made of.
struct Parts {
    client: Subtensor,
    feeds: Feeds,
}

impl Parts {
    fn new(client: Subtensor) -> Self {
        let block_time = Duration::from_millis(500);
        let freshness = Freshness { block_time, stale_after: 10, too_old_after: 100 };
        Self { client, feeds: Feeds::with_freshness(freshness) }
    }

    fn chain(&self) -> ChainPart {
        ChainPart { client: self.client.clone(), feeds: self.feeds.clone() }
    }

    fn sync(&self) -> ChildSpec {
        self.chain().sync(SyncSettings {
            netuid: NETUID,
            own: Some(validator().account_id()),
            every_blocks: 10,
            min_interval: Duration::from_millis(200),
        })
    }

    fn scoreboard(&self, slot: &Slot<Scoreboard>, state_file: PathBuf) -> ChildSpec {
        let (metagraph, scores) = (self.feeds.metagraph(), Arc::clone(&self.feeds.scores));
        ChildSpec::new(slot, move || {
            let (averaging, state_file) = (Averaging::default(), state_file.clone());
            let settings = ScoreboardSettings { averaging, state_file };
            Scoreboard::open(settings, metagraph.clone(), Arc::clone(&scores))
        })
    }

    fn committer(&self, state_file: PathBuf, failpoints: Failpoints) -> ChildSpec {
        let (notices, _) = mpsc::unbounded_channel();
        let settings = CommitterSettings {
            netuid: NETUID,
            hotkey: validator(),
            epoch_length: window() - 1,
            version_key: VERSION_KEY,
            is_disabled: false,
            state_file,
            failpoints,
        };
        self.chain().committer(settings, notices, Duration::from_secs(30))
    }
}

async fn live(chain: &str, state_file: PathBuf) -> RootExit {
    let failpoints = Failpoints::from_environment(false).unwrap();
    let network: Network = chain.parse().unwrap();
    let settings = SubtensorSettings { network, deadlines: deadlines(), roots: Roots::default() };
    let client = Subtensor::with_failpoints(settings, failpoints.clone());
    let (parts, scoreboard) = (Parts::new(client), Slot::new("Scoreboard"));
    let metagraph = parts.feeds.metagraph();
    let children = vec![
        parts.chain().link(),
        parts.sync(),
        parts.scoreboard(&scoreboard, state_file.clone()),
        parts.committer(state_file, failpoints),
    ];
    drop(parts);
    let (watchers, _) = mpsc::unbounded_channel();
    let mut root = Root::start("Node", children, watchers);
    let scoring = score(scoreboard.recipient(), metagraph);
    tokio::select! {
        exit = root.ended() => return exit,
        () = scoring => panic!("the metagraph's feed ended"),
        asked = tokio::signal::ctrl_c() => asked.unwrap(),
    }
    root.stop().await
}

/// Sends scores that move a little with each snapshot, and favour one neuron after the other.
async fn score(scoreboard: Recipient<RecordTurn>, mut metagraph: MetagraphFeed) {
    while metagraph.changed().await.is_ok() {
        let known = metagraph.borrow_and_update().clone();
        let Some(known) = known.filter(|known| !known.neurons.is_empty()) else { continue };
        // A scoreboard that is down, or not ready yet, gets the next turn.
        let turn = Arc::new(turn(&known));
        let _ = scoreboard.ask(RecordTurn(turn), SOON).await;
    }
}

fn turn(known: &Metagraph) -> TurnRecord {
    let block = known.head.number;
    let favoured = (block / window()) as usize % known.neurons.len();
    let responses = known.neurons.iter().map(|neuron| ResponseRecord {
        uid: neuron.uid,
        hotkey: neuron.hotkey,
        status: Some(200),
        reward: if usize::from(neuron.uid.0) == favoured { 1.0 } else { 0.3 },
        seconds: 0.1,
    });
    TurnRecord {
        id: format!("turn-{block}"),
        step: 0,
        turn: 0,
        task: "qa".to_owned(),
        block,
        seconds: 0.1,
        overhead_seconds: 0.0,
        recorded_unix: 0.0,
        responses: responses.collect(),
    }
}
