//! The actor that sets weights, on a chain in memory: it survives its own death and a lost answer,
//! stops and resumes with its permit, and starts nothing on an old metagraph.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sn1::chain::weight_cycle::CommitterStatus;
use sn1::chain::{
    AxonInfo, Chain, ChainError, CommitOutcome, Freshness, Hash, Head, Hyperparameters, Included,
    Metagraph, Mortality, Netuid, PrometheusInfo, StopReason, StoredCommit, StoredWeights, Uid,
    WeightSetting, WeightTerms,
};
use sn1::store::Store;
use sn1::wallet::{AccountId, Keypair};
use sn1_actors::chain::{CommitterLinks, CommitterSettings, Failpoints, WeightCommitter};
use sn1_actors::feeds::{LinkState, ScoresSnapshot, SeenHead, SnapshotAge, SyncHints, Waits};
use sn1_actors::notice::Notice;
use sn1_actors::supervision::{ChildSpec, FaultKind, InjectFault, Root, RootExit, Slot};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::sync::watch;

const SOON: Duration = Duration::from_secs(60);
const WINDOW: u64 = 11;

/// The state of the chain, and its misbehaviour.
#[derive(Debug)]
struct State {
    head: u64,
    last_update: u64,
    stored: StoredWeights,
    landings: Vec<u64>,
    has_permit: bool,
    /// How many answers to submissions will get lost, although the weights are included.
    answers_lost: u32,
}

#[derive(Clone)]
struct MemoryChain(Arc<Mutex<State>>);

impl MemoryChain {
    fn new() -> Self {
        let (head, last_update, stored, landings) = (20, 1, Vec::new(), Vec::new());
        let (has_permit, answers_lost) = (true, 0);
        Self(Arc::new(Mutex::new(State {
            head,
            last_update,
            stored,
            landings,
            has_permit,
            answers_lost,
        })))
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap())
    }

    fn newest(&self) -> Head {
        Head { number: self.with(|state| state.head), hash: Hash([1; 32]) }
    }
}

fn unsupported() -> ChainError {
    ChainError::Missing("this in a test".to_owned())
}

impl Chain for MemoryChain {
    async fn head(&self) -> Result<Head, ChainError> {
        Ok(self.newest())
    }

    async fn finalized(&self) -> Result<Head, ChainError> {
        Ok(self.newest())
    }

    async fn metagraph(&self, _: Netuid) -> Result<Arc<Metagraph>, ChainError> {
        Err(unsupported())
    }

    async fn weights(&self, _: Netuid, _: Uid) -> Result<StoredWeights, ChainError> {
        Ok(self.with(|state| state.stored.clone()))
    }

    async fn weight_terms(&self, _: Netuid, _: &AccountId) -> Result<WeightTerms, ChainError> {
        let head = self.newest();
        Ok(self.with(|state| WeightTerms {
            head,
            uid: Some(Uid(0)),
            has_permit: state.has_permit,
            is_owner: false,
            stake: 1,
            last_update: state.last_update,
            n_neurons: 4,
            hyperparameters: rules(),
            reveal: None,
        }))
    }

    async fn weight_commits(
        &self,
        _: Netuid,
        _: &AccountId,
    ) -> Result<Vec<StoredCommit>, ChainError> {
        Err(unsupported())
    }

    async fn next_transaction(&self, _: &AccountId) -> Result<Mortality, ChainError> {
        Ok(self.with(|state| Mortality {
            nonce: state.landings.len() as u32,
            last_block: state.head + 4,
        }))
    }

    async fn burned_register(
        &self,
        _: &Keypair,
        _: Netuid,
        _: AccountId,
    ) -> Result<Included, ChainError> {
        Err(unsupported())
    }

    async fn serve_axon(
        &self,
        _: &Keypair,
        _: Netuid,
        _: AxonInfo,
    ) -> Result<Included, ChainError> {
        Err(unsupported())
    }

    async fn serve_prometheus(
        &self,
        _: &Keypair,
        _: Netuid,
        _: PrometheusInfo,
    ) -> Result<Included, ChainError> {
        Err(unsupported())
    }

    /// Includes the weights at once, in a block of their own.
    async fn submit_weights(
        &self,
        _: &Keypair,
        _: Netuid,
        setting: &WeightSetting,
        _: Mortality,
    ) -> Result<Included, ChainError> {
        let WeightSetting::Plain { weights, .. } = setting else { return Err(unsupported()) };
        let is_lost = self.with(|state| {
            state.head += 1;
            state.last_update = state.head;
            state.stored = weights.entries().to_vec();
            state.landings.push(state.head);
            let is_lost = state.answers_lost > 0;
            state.answers_lost = state.answers_lost.saturating_sub(1);
            is_lost
        });
        if is_lost {
            let reason = "the connection ended".to_owned();
            return Err(ChainError::Unreachable { attempted: "a weight setting", reason });
        }
        Ok(Included { head: self.newest(), transaction: Hash([2; 32]) })
    }
}

fn rules() -> Hyperparameters {
    Hyperparameters {
        tempo: 10,
        weights_rate_limit: 0,
        weights_version_key: 1,
        ..Hyperparameters::default()
    }
}

/// A committer, its chain, its feed of scores, and its notices.
struct Net {
    chain: MemoryChain,
    root: Root,
    heads: Arc<watch::Sender<Option<SeenHead>>>,
    scores: watch::Sender<Option<Arc<ScoresSnapshot>>>,
    status: watch::Receiver<CommitterStatus>,
    notices: UnboundedReceiver<Notice>,
    folder: tempfile::TempDir,
}

impl Net {
    /// Starts a committer with scores to commit.
    fn start(freshness: Freshness) -> Self {
        let net = Self::without_scores(freshness);
        net.score(1);
        net
    }

    fn without_scores(freshness: Freshness) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state_file = folder.path().join("validator.sqlite");
        let (_, metagraph) = watch::channel(None);
        let (scores, score_feed) = watch::channel(None);
        let chain = MemoryChain::new();
        let heads: Arc<watch::Sender<Option<SeenHead>>> = Arc::default();
        let (status_sender, status) = watch::channel(CommitterStatus::Starting);
        let (notice_sender, notices) = mpsc::unbounded_channel();
        let links = CommitterLinks {
            scores: score_feed,
            heads: heads.subscribe(),
            metagraph,
            age: SnapshotAge::new(freshness),
            hints: SyncHints::default(),
            link: watch::channel(LinkState::Up).1,
            waits: Waits::default(),
            status: Arc::new(status_sender),
            notices: notice_sender,
        };
        let settings = CommitterSettings {
            netuid: Netuid(1),
            hotkey: Keypair::from_seed(&[9; 32]).unwrap(),
            epoch_length: WINDOW - 1,
            version_key: 1,
            is_disabled: false,
            state_file,
            failpoints: Failpoints::default(),
        };
        let for_actor = chain.clone();
        let committer = ChildSpec::new(&Slot::new("WeightCommitter"), move || {
            WeightCommitter::open(for_actor.clone(), settings.clone(), links.clone())
        })
        .backoff(Duration::from_millis(1), Duration::from_millis(5));
        let (watchers, _) = mpsc::unbounded_channel();
        let root = Root::start("Node", vec![committer], watchers);
        Self { chain, root, heads, scores, status, notices, folder }
    }

    /// Publishes the scores of this many turns.
    fn score(&self, turns: u64) {
        let (values, hotkeys) =
            (0..4).map(|uid| (1.0 / f32::from(uid + 2), AccountId([uid; 32]))).unzip();
        let scores = ScoresSnapshot { steps: 0, turns, values, hotkeys };
        self.scores.send_replace(Some(Arc::new(scores)));
    }

    /// Makes a block and publishes it.
    fn block(&self) {
        self.chain.with(|state| state.head += 1);
        let head = self.chain.newest();
        self.heads.send_replace(Some(SeenHead { head, at: Instant::now() }));
    }

    /// Makes blocks until the committer reports the outcome of a setting.
    async fn outcome(&mut self) -> CommitOutcome {
        for _ in 0..400 {
            self.block();
            let told = tokio::time::timeout(Duration::from_millis(50), self.notices.recv()).await;
            if let Ok(Some(Notice::Weights { outcome, .. })) = told {
                return outcome;
            }
        }
        panic!("no setting was settled: {:?}", *self.status.borrow());
    }

    /// Makes blocks until the committer has this status.
    async fn has_status(&mut self, wanted: &CommitterStatus) {
        for _ in 0..400 {
            self.block();
            let changed =
                tokio::time::timeout(Duration::from_millis(50), self.status.changed()).await;
            if *self.status.borrow() == *wanted {
                return;
            }
            drop(changed);
        }
        panic!("its status is {:?}, not {wanted:?}", *self.status.borrow());
    }

    /// Stops everything; the journal and the chain must agree.
    async fn stop(self) -> Vec<u64> {
        assert_eq!(self.root.stop().await, RootExit::Stopped);
        let journal = Store::open(&self.folder.path().join("validator.sqlite")).unwrap();
        assert!(journal.open_commits().unwrap().is_empty());
        let landed: Vec<u64> =
            journal.commits().unwrap().iter().filter_map(|entry| entry.landed()).collect();
        let landings = self.chain.with(|state| state.landings.clone());
        assert_eq!(landed, landings, "journal and chain disagree");
        assert!(landings.windows(2).all(|pair| pair[1] - pair[0] >= WINDOW), "{landings:?}");
        landings
    }
}

fn patient() -> Freshness {
    let block_time = Duration::from_secs(3_600);
    Freshness { block_time, stale_after: 10, too_old_after: 100 }
}

#[actix::test]
async fn weights_land_once_a_window_through_lost_answers_and_deaths() {
    let mut net = Net::start(patient());
    for round in 0..6 {
        if round % 2 == 1 {
            net.chain.with(|state| state.answers_lost = 1);
        }
        if round % 3 == 2 {
            let message = InjectFault { actor: "WeightCommitter".into(), fault: FaultKind::Panic };
            assert_eq!(net.root.faults().ask_again(message, SOON).await, Ok(true));
        }
        let outcome = net.outcome().await;
        assert_eq!(outcome.label(), "landed", "{outcome:?}");
    }
    assert!(net.stop().await.len() >= 6);
}

#[actix::test]
async fn a_lost_permit_stops_the_committer_until_it_is_back() {
    let mut net = Net::start(patient());
    assert_eq!(net.outcome().await.label(), "landed");
    net.chain.with(|state| state.has_permit = false);
    net.has_status(&CommitterStatus::Stopped(StopReason::NoPermit)).await;
    let before = net.chain.with(|state| state.landings.len());
    net.chain.with(|state| state.has_permit = true);
    net.has_status(&CommitterStatus::Ready).await;
    assert_eq!(net.outcome().await.label(), "landed");
    assert!(net.stop().await.len() > before);
}

#[actix::test]
async fn nothing_is_planned_on_a_metagraph_that_is_too_old() {
    let block_time = Duration::ZERO; // Any age is too old.
    let mut net = Net::start(Freshness { block_time, stale_after: 1, too_old_after: 2 });
    net.has_status(&CommitterStatus::Ready).await;
    for _ in 0..3 * WINDOW {
        net.block();
    }
    assert!(net.stop().await.is_empty());
}

#[actix::test]
async fn nothing_is_planned_without_scores() {
    let mut net = Net::without_scores(patient());
    net.has_status(&CommitterStatus::Ready).await;
    for turns in [None, Some(0)] {
        turns.into_iter().for_each(|turns| net.score(turns));
        for _ in 0..2 * WINDOW {
            net.block();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    assert!(net.chain.with(|state| state.landings.is_empty()));
    net.score(1);
    assert_eq!(net.outcome().await.label(), "landed");
    assert_eq!(net.stop().await.len(), 1);
}
