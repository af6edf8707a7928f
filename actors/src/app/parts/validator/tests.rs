//! Conversations with and without a language model: which of the two a validator has is what its
//! pool says, not what its build is.

use std::path::Path;
use std::sync::atomic::AtomicUsize;

use sn1::chain::{Head, Hyperparameters, Metagraph, Netuid, Neuron, Uid};
use sn1::synapse::SDK_VERSION;
use sn1::synapse::body::Prompt;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use super::*;
use crate::app::models::find_model;
use crate::axon::{Answering, AxonSettings, ChunkSink, Miner, StandaloneAxon};
use crate::inference::{
    Backend, BackendError, Capabilities, InferencePool, Job, PoolCapabilities, PoolSettings,
    TextModel,
};
use crate::messages::inference::Generate;
use crate::miners::EchoMiner;
use crate::settings::Share;
use crate::supervision::{Root, RootExit};

const SOON: Duration = Duration::from_secs(60);
/// After each turn a conversation is to go on with a chance of 1/2.
const N_TURNS: u64 = 10;

/// Counts what it is asked, and refuses it.
#[derive(Default)]
struct Asked(AtomicUsize);

impl Backend for Asked {
    fn capabilities(&self) -> Capabilities {
        let model = TextModel { name: "asked".into(), context: None, is_constrainable: false };
        Capabilities { generate: Some(model), embed: None }
    }

    fn slots(&self) -> usize {
        1
    }

    fn generate(&self, job: Job<Generate>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        job.fail(BackendError::Refused("it only counts".to_owned()));
    }
}

fn key(role: &str) -> Keypair {
    Keypair::from_dev_path(&format!("//agent-test//{role}")).unwrap()
}

fn neuron(uid: u16, hotkey: AccountId, axon: AxonInfo) -> Neuron {
    Neuron {
        uid: Uid(uid),
        hotkey,
        coldkey: hotkey,
        stake: 0,
        validator_permit: uid == 0,
        active: true,
        axon,
        last_update: 0,
        registered_at: 0,
        incentive: 0,
        dividends: 0,
        consensus: 0,
        validator_trust: 0,
        emission: 0,
    }
}

fn feeds(axon: &StandaloneAxon) -> Feeds {
    let miner = AxonInfo::for_address(axon.address(), SDK_VERSION);
    let neurons = vec![
        neuron(0, key("validator").account_id(), AxonInfo::default()),
        neuron(1, key("miner").account_id(), miner),
    ];
    let feeds = Feeds::new(Duration::from_secs(12));
    feeds.metagraph.send_replace(Some(Arc::new(Metagraph {
        netuid: Netuid(1),
        head: Head { number: 1, hash: Default::default() },
        hyperparameters: Hyperparameters::default(),
        neurons,
        collateral: Vec::new(),
    })));
    feeds.age.synced();
    feeds
}

fn settings(folder: &Path) -> ValidatorSettings {
    let mut asking = AskingConfig::default();
    asking.conversation.tasks = vec!["math".parse().unwrap()];
    asking.conversation.task_p = vec![Share::nearest(1.0)];
    asking.conversation.num_concurrent_forwards = 1;
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    let (_, file) = find_model(&asking.model.model_id.resolved(), &models).unwrap();
    ValidatorSettings {
        hotkey: key("validator"),
        asking,
        state_file: folder.join("validator.sqlite"),
        events_file: folder.join("events.sqlite"),
        external_ip: "127.0.0.1".parse().unwrap(),
        allow_local_addresses: true,
        tokenizer: file.tokenizer,
        expected: Arc::from([]),
        seed: 7,
        netuid: Netuid(1),
        block_time: Duration::from_secs(12),
        failpoints: Failpoints::default(),
    }
}

struct Conversations {
    root: Root,
    notices: UnboundedReceiver<Notice>,
    _axon: StandaloneAxon,
    _folder: TempDir,
}

/// An echo; during its first answer the process is away.
#[derive(Default)]
struct Paused(AtomicUsize);

impl Miner for Paused {
    fn answer(&self, prompt: Prompt, within: Duration, sink: ChunkSink) -> Answering {
        if self.0.fetch_add(1, Ordering::Relaxed) == 0 {
            crate::away::pretend(Duration::from_secs(12));
        }
        EchoMiner.answer(prompt, within, sink)
    }
}

/// One agent that talks to one miner, over a pool of these back ends.
fn conversations(backends: Vec<Arc<dyn Backend>>) -> Conversations {
    conversations_with(Arc::new(EchoMiner), backends)
}

fn conversations_with(miner: Arc<dyn Miner>, backends: Vec<Arc<dyn Backend>>) -> Conversations {
    let folder = TempDir::new().unwrap();
    let callers = [(key("validator").account_id(), 1.0)];
    let listen = "127.0.0.1:0".parse().unwrap();
    let axon = AxonSettings::new("AxonServer", key("miner"));
    let axon = StandaloneAxon::start(listen, axon, &callers, miner).unwrap();
    let capabilities = PoolCapabilities::new(&backends);
    let slot = Slot::<InferencePool>::new("InferencePool");
    let pool =
        ChildSpec::new(&slot, move || Ok(InferencePool::new(PoolSettings::default(), &backends)));
    let pool = vec![pool];
    let inference = Inference {
        pool: slot.recipient(),
        encoder: slot.recipient(),
        capabilities,
        ready: Arc::new(|| Ok(())),
        children: pool,
    };
    let validator = Validator::new(settings(folder.path()), &inference).unwrap();
    let (tell, notices) = unbounded_channel();
    let agents = validator.conversation(&feeds(&axon), &tell);
    let children = [validator.event_log()].into_iter().chain(inference.children).chain(agents);
    let root = Root::start("Node", children.collect(), unbounded_channel().0);
    Conversations { root, notices, _axon: axon, _folder: folder }
}

impl Conversations {
    /// The next turn: how many conversations had ended well before it, and its number in its own.
    async fn next_turn(&mut self) -> (u64, u8) {
        loop {
            let notice = timeout(SOON, self.notices.recv()).await.expect("in time");
            if let Notice::Turn(turn) = notice.expect("a tree that runs") {
                return (turn.step, turn.turn);
            }
        }
    }
}

#[actix::test]
async fn with_a_model_a_conversation_asks_it_for_the_next_question() {
    let asked = Arc::new(Asked::default());
    let mut held = conversations(vec![Arc::clone(&asked) as Arc<dyn Backend>]);
    for _ in 0..N_TURNS {
        held.next_turn().await;
    }
    assert!(asked.0.load(Ordering::Relaxed) > 0);
    assert_eq!(held.root.stop().await, RootExit::Stopped);
}

#[actix::test]
async fn without_a_model_each_conversation_ends_well_after_its_first_turn() {
    let mut held = conversations(Vec::new());
    for step in 0..N_TURNS {
        assert_eq!(held.next_turn().await, (step, 0));
    }
    assert_eq!(held.root.stop().await, RootExit::Stopped);
}

#[actix::test]
async fn a_turn_during_which_the_process_was_away_judges_nobody() {
    let miner = Arc::new(Paused::default());
    let mut held = conversations_with(Arc::clone(&miner) as Arc<dyn Miner>, Vec::new());
    assert_eq!(held.next_turn().await, (0, 0));
    assert!(miner.0.load(Ordering::Relaxed) >= 2, "the first answer was scored");
    assert_eq!(held.root.stop().await, RootExit::Stopped);
}
