//! Transactions through nodes that lose, refuse and forget them.

use std::time::Duration;

use sn1::chain::transaction::ERA_BLOCKS;
use sn1::chain::{Chain, ChainError, Mortality, Netuid, Refusal, Uid, WeightSetting, WeightVector};
use sn1::wallet::Keypair;
use sn1_actors::chain::subtensor::{Deadlines, Subtensor};

use super::ledger::{Ledger, OnSubmit, hash_at, hash_of};
use super::node::{Fault, Node};
use super::{client, deadlines, until};

const NETUID: Netuid = Netuid(1);
const BEST: u64 = 1_000;

pub(super) fn weights() -> WeightSetting {
    let weights = WeightVector::new(vec![(Uid(0), 65_535), (Uid(3), 9)]).unwrap();
    WeightSetting::Plain { weights, version_key: 2_190 }
}

pub(super) fn hotkey() -> Keypair {
    Keypair::from_dev_path("//subtensor-test//hotkey").unwrap()
}

pub(super) async fn plan(client: &Subtensor) -> Mortality {
    let mortality = Chain::next_transaction(client, &hotkey().account_id()).await.unwrap();
    assert_eq!(mortality, Mortality { nonce: 7, last_block: BEST - 3 + ERA_BLOCKS - 1 });
    mortality
}

/// Submits a transaction while the test continues.
async fn submitted(
    client: &Subtensor,
    ledger: &Ledger,
    n: usize,
) -> tokio::task::JoinHandle<Result<sn1::chain::Included, ChainError>> {
    let (mortality, client) = (plan(client).await, client.clone());
    let work = tokio::spawn(async move {
        client.submit_weights(&hotkey(), NETUID, &weights(), mortality).await
    });
    until("the transaction is submitted", || ledger.submitted().len() >= n).await;
    work
}

fn all_the_same(ledger: &Ledger) -> Vec<u8> {
    let submitted = ledger.submitted();
    assert!(submitted.iter().all(|bytes| *bytes == submitted[0]), "one transaction, signed once");
    submitted[0].clone()
}

#[tokio::test]
async fn a_transaction_is_followed_to_its_final_block() {
    let ledger = Ledger::at(BEST);
    let node = Node::of(&ledger);
    let client = client(&[&node], deadlines());
    let work = submitted(&client, &ledger, 1).await;
    let block = ledger.produce(None);
    ledger.finalize(block);
    ledger.tell_final(block);
    let included = work.await.unwrap().unwrap();
    assert_eq!((included.head.number, included.head.hash), (block, hash_at(block)));
    assert_eq!(ledger.submitted().len(), 1);
    assert_eq!(included.transaction, hash_of(&ledger.submitted()[0]));
}

#[tokio::test]
async fn a_failure_in_the_block_is_told_by_its_name() {
    let ledger = Ledger::at(BEST);
    let node = Node::of(&ledger);
    let client = client(&[&node], deadlines());
    let work = submitted(&client, &ledger, 1).await;
    // BadOrigin, as the runtime's DispatchError numbers it.
    let block = ledger.produce(Some(vec![2]));
    ledger.finalize(block);
    ledger.tell_final(block);
    let error = work.await.unwrap().unwrap_err();
    let ChainError::Refused { refusal, .. } = &error else { panic!("{error}") };
    assert_eq!(*refusal, Refusal::Unknown { name: "BadOrigin".to_owned() });
}

#[tokio::test]
async fn the_pools_refusals_are_told_and_nothing_is_sent_again() {
    let table = [
        (1010, "Custom error: 6", Refusal::RateLimitExceeded),
        (1010, "Transaction is outdated", Refusal::Outdated),
        (1010, "Transaction has a bad signature", Refusal::BadSignature),
        (1014, "too low", Refusal::PriorityTooLow),
        (1016, "", Refusal::PoolFull),
    ];
    for (code, data, wanted) in table {
        let ledger = Ledger::at(BEST);
        ledger.on_submit([OnSubmit::Refuse(code, data)]);
        let (node, other) = (Node::of(&ledger), Node::of(&ledger));
        let client = client(&[&node, &other], deadlines());
        let mortality = plan(&client).await;
        let (key, setting) = (hotkey(), weights());
        let submit = || client.submit_weights(&key, NETUID, &setting, mortality);
        let error = submit().await.unwrap_err();
        let ChainError::Refused { refusal, .. } = error else { panic!("{error}") };
        assert_eq!((refusal, ledger.submitted().len()), (wanted.clone(), 1));
        assert_eq!(other.n_accepted(), 0, "the node is not to blame");
        ledger.on_submit([OnSubmit::Refuse(1016, "")]);
        submit().await.unwrap_err();
        let asked = node.asked();
        let n_metadata = asked.iter().filter(|call| call.contains("metadata_at_version")).count();
        // After a bad signature the runtime is read again.
        assert_eq!(n_metadata, 1 + usize::from(wanted == Refusal::BadSignature));
    }
}

#[tokio::test]
async fn a_lost_connection_is_resumed_with_the_next_node() {
    for first in [OnSubmit::TakeAndClose, OnSubmit::Close] {
        let ledger = Ledger::at(BEST);
        ledger.on_submit([first.clone()]);
        let (node, other) = (Node::of(&ledger), Node::of(&ledger));
        let client = client(&[&node, &other], deadlines());
        let work = submitted(&client, &ledger, 2).await;
        node.stop_serving();
        let block = ledger.produce(None);
        ledger.finalize(block + 2);
        ledger.tell_final(block);
        let included = work.await.unwrap().unwrap();
        assert_eq!(included.head.number, block, "{first:?}");
        assert_eq!(included.transaction, hash_of(&all_the_same(&ledger)));
    }
}

#[tokio::test]
async fn it_is_found_although_no_node_says_so() {
    let ledger = Ledger::at(BEST);
    let node = Node::of(&ledger);
    node.fall_silent();
    let quick = Deadlines { quiet_watch: Duration::from_millis(50), ..deadlines() };
    let client = client(&[&node], quick);
    let work = submitted(&client, &ledger, 1).await;
    let block = ledger.produce(None);
    ledger.finalize(block);
    assert_eq!(work.await.unwrap().unwrap().head.number, block);
}

#[tokio::test]
async fn what_a_pool_lets_go_is_given_to_it_again_as_it_was() {
    for status in ["dropped", "invalid"] {
        let ledger = Ledger::at(BEST);
        ledger.on_submit([OnSubmit::LetGo(status), OnSubmit::Refuse(1016, ""), OnSubmit::Take]);
        let node = Node::of(&ledger);
        let client = client(&[&node], deadlines());
        let work = submitted(&client, &ledger, 3).await;
        let block = ledger.produce(None);
        ledger.finalize(block);
        ledger.tell_final(block);
        let included = work.await.unwrap().unwrap();
        assert_eq!(included.transaction, hash_of(&all_the_same(&ledger)), "{status}");
    }
}

#[tokio::test]
async fn it_is_given_up_when_it_can_land_no_more() {
    let is_outdated =
        |error: ChainError| matches!(error, ChainError::Refused { refusal: Refusal::Outdated, .. });
    // The transaction's era is over.
    let ledger = Ledger::at(BEST);
    ledger.on_submit([OnSubmit::LetGo("dropped")]);
    let node = Node::of(&ledger);
    let one = client(&[&node], deadlines());
    ledger.on_submit(vec![OnSubmit::Refuse(1016, ""); 1_000]);
    let work = submitted(&one, &ledger, 1).await;
    ledger.finalize(BEST + ERA_BLOCKS);
    assert!(is_outdated(work.await.unwrap().unwrap_err()));
    // The transaction's nonce was used by another one.
    let ledger = Ledger::at(BEST);
    ledger.on_submit([OnSubmit::LetGo("invalid")]);
    ledger.on_submit(vec![OnSubmit::Refuse(1010, "Transaction is outdated"); 1_000]);
    let node = Node::of(&ledger);
    let one = client(&[&node], deadlines());
    let work = submitted(&one, &ledger, 1).await;
    ledger.use_nonce();
    ledger.finalize(BEST);
    assert!(is_outdated(work.await.unwrap().unwrap_err()));
}

#[tokio::test]
async fn a_signature_that_meets_a_failing_node_is_made_as_soon_as_one_answers() {
    let ledger = Ledger::at(BEST);
    let node = Node::of(&ledger);
    let client = client(&[&node], deadlines());
    let (mortality, asker) = (plan(&client).await, client.clone());
    node.misbehave(Fault::RefuseOn("chain_getBlockHash"));
    let work = tokio::spawn(async move {
        asker.submit_weights(&hotkey(), NETUID, &weights(), mortality).await
    });
    // Each attempt uses a connection of its own.
    until("it was tried again", || node.n_accepted() > 3).await;
    assert!(ledger.submitted().is_empty() && !work.is_finished());
    node.heal();
    until("the transaction is submitted", || ledger.submitted().len() == 1).await;
    let block = ledger.produce(None);
    ledger.finalize(block);
    ledger.tell_final(block);
    assert_eq!(work.await.unwrap().unwrap().head.number, block);
}

#[tokio::test]
async fn it_is_left_open_when_nobody_answers_for_long() {
    let ledger = Ledger::at(BEST);
    let node = Node::of(&ledger);
    let quick = Deadlines { give_up: Duration::from_millis(200), ..deadlines() };
    let client = client(&[&node], quick);
    let work = submitted(&client, &ledger, 1).await;
    node.misbehave(Fault::RefuseOn("chain_getBlockHash"));
    node.stop_serving();
    let error = work.await.unwrap().unwrap_err();
    assert!(matches!(error, ChainError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains(&node.url()), "{error}");
}
