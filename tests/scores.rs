//! The scoreboard is killed while scores come in: none is lost, none counts twice.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use sn1::chain::Uid;
use sn1::store::{ResponseRecord, ScoreState, ScoredMiner, Store, TurnRecord};
use sn1::validation::scoring::Averaging;
use sn1::wallet::AccountId;
use sn1_actors::conversation::{Scoreboard, ScoreboardSettings};
use sn1_actors::feeds::ScoresSnapshot;
use sn1_actors::messages::scores::{GetScores, RecordTurn};
use sn1_actors::supervision::{ChildSpec, FaultKind, InjectFault, Root, RootExit, Slot};
use tokio::sync::{mpsc, watch};

const SOON: Duration = Duration::from_secs(60);

fn turn(number: u32) -> TurnRecord {
    let response = |uid: u16| ResponseRecord {
        uid: Uid(uid),
        hotkey: AccountId([uid as u8; 32]),
        status: Some(200),
        reward: 1.0 / f32::from(uid + 2) + number as f32 / 1000.0,
        seconds: 0.5,
    };
    TurnRecord {
        id: format!("turn-{number}"),
        step: u64::from(number),
        turn: 0,
        task: "qa".to_owned(),
        block: 1,
        seconds: 1.0,
        overhead_seconds: 0.0,
        recorded_unix: 0.0,
        responses: (0..4).map(response).collect(),
    }
}

async fn scores(slot: &Slot<Scoreboard>) -> Arc<ScoresSnapshot> {
    slot.recipient().ask_again(GetScores, SOON).await.unwrap().unwrap()
}

/// Runs `n_turns` turns, with a fault before each turn that `fault_before` names; returns the
/// scores.
async fn run(n_turns: u32, fault_before: impl Fn(u32) -> Option<FaultKind>) -> ScoresSnapshot {
    let folder = tempfile::tempdir().unwrap();
    let state_file = folder.path().join("validator.sqlite");
    let miners =
        (0..4).map(|uid| ScoredMiner { hotkey: AccountId([uid; 32]), score: 0.0 }).collect();
    let fresh = ScoreState { steps: 0, turns: 0, miners };
    Store::open(&state_file).unwrap().save_scores(&fresh).unwrap();
    let settings =
        ScoreboardSettings { averaging: Averaging::default(), state_file: state_file.clone() };
    let (_snapshots, metagraph) = watch::channel(None);
    let slot = Slot::new("Scoreboard");
    let published: Arc<watch::Sender<Option<Arc<ScoresSnapshot>>>> = Arc::default();
    let mut feed = published.subscribe();
    let spec = ChildSpec::new(&slot, move || {
        Scoreboard::open(settings.clone(), metagraph.clone(), Arc::clone(&published))
    })
    .backoff(Duration::from_millis(1), Duration::from_millis(5))
    .stall_after(Duration::from_secs(3));
    let (watchers, mut events) = mpsc::unbounded_channel();
    let root = Root::start("Node", vec![spec], watchers);
    let link = slot.recipient();
    for number in 0..n_turns {
        if let Some(fault) = fault_before(number) {
            let before = scores(&slot).await;
            feed.mark_unchanged();
            let message = InjectFault { actor: "Scoreboard".into(), fault };
            assert_eq!(root.faults().ask_again(message, SOON).await, Ok(true));
            tokio::time::timeout(SOON, events.recv()).await.unwrap().unwrap();
            assert_eq!(*scores(&slot).await, *before, "a restart moved the scores");
            tokio::time::timeout(SOON, feed.changed()).await.unwrap().unwrap();
            assert_eq!(feed.borrow().as_ref(), Some(&before), "a new life publishes others");
        }
        let turn = Arc::new(turn(number));
        let recorded = link.ask_again(RecordTurn(Arc::clone(&turn)), SOON).await.unwrap().unwrap();
        // Sent again, as by an asker that got no answer: nothing changes.
        let again = link.ask_again(RecordTurn(turn), SOON).await.unwrap().unwrap();
        assert_eq!(recorded, again);
        assert_eq!(feed.borrow().as_ref(), Some(&recorded), "acknowledged before it is published");
    }
    let last = scores(&slot).await;
    assert_eq!(root.stop().await, RootExit::Stopped);
    let stored = Store::open(&state_file).unwrap().load_scores().unwrap();
    let values: Vec<f32> = stored.miners.iter().map(|miner| miner.score).collect();
    assert_eq!((stored.turns, &values), (last.turns, &last.values));
    ScoresSnapshot::clone(&last)
}

#[actix::test]
async fn scores_after_every_kind_of_fault_equal_those_of_a_quiet_run() {
    let quiet = run(12, |_| None).await;
    let broken = run(12, |number| match number {
        3 => Some(FaultKind::Panic),
        6 => Some(FaultKind::Error),
        9 => Some(FaultKind::Stall),
        _ => None,
    })
    .await;
    assert_eq!(quiet.turns, 12);
    assert_eq!(quiet, broken);
}
