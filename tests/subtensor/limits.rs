//! Nodes that are not up yet, limit their callers, or lack methods: waited for, asked slower, worked
//! around; none of them counts as lost.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use sn1::chain::{Chain, ChainError};
use sn1_actors::chain::subtensor::{CallError, Deadlines, LinkEvent, SubtensorError};
use tokio::time::timeout;

use super::ledger::{Ledger, OnSubmit};
use super::node::{Data, Fault, Node};
use super::submit::{hotkey, plan, weights};
use super::{SN1, SOON, client, deadlines, failures, until};

#[tokio::test]
async fn a_limit_is_waited_out_on_the_same_connection() {
    for (every, code) in [(6, -32029), (2, -32005), (10, -32999), (3, 429)] {
        let node = Node::start(Data::mainnet(), Some(Fault::LimitEvery(every, code)));
        let client = client(&[&node], deadlines());
        for _ in 0..4 {
            assert_eq!(client.snapshot(SN1).await.unwrap().metagraph.neurons.len(), 1024, "{code}");
        }
        assert!(node.n_limited() > 0, "{code}");
        assert_eq!(node.n_accepted(), 1, "{code}: no other connection is made");
    }
}

#[test]
fn the_pauses_for_a_limit_grow() {
    let pauses: Vec<_> = (0..7).map(|n| Deadlines::default().pause(n)).collect();
    assert!(pauses.is_sorted(), "{pauses:?}");
    assert!(Deadlines::default().pause(30) <= Deadlines::default().longest_pause);
}

#[tokio::test]
async fn a_limit_that_lasts_is_told_and_the_only_node_is_kept() {
    let quick = Deadlines { limited: Duration::from_millis(100), ..deadlines() };
    let node = Node::start(Data::mainnet(), None);
    let lone = client(&[&node], quick);
    lone.head().await.unwrap();
    node.misbehave(Fault::LimitEvery(1, -32029));
    let errors = failures(lone.head().await.unwrap_err());
    assert!(errors.iter().all(CallError::is_limit), "{errors:?}");
    node.heal();
    lone.head().await.unwrap();
    assert_eq!(node.n_accepted(), 1);
    // With another node, that one is asked.
    node.misbehave(Fault::LimitEvery(1, -32029));
    let other = Node::start(Data::mainnet(), None);
    client(&[&node, &other], quick).head().await.unwrap();
}

#[tokio::test]
async fn a_limited_node_is_followed_and_takes_transactions() {
    let ledger = Ledger::at(1_000);
    let node = Node::of(&ledger);
    node.misbehave(Fault::LimitEvery(4, -32029));
    let client = client(&[&node], deadlines());
    let mut events = pin!(client.follow());
    let connected = timeout(SOON, events.next()).await.unwrap();
    assert!(matches!(connected, Some(LinkEvent::Connected { .. })), "{connected:?}");
    for number in 1_001..1_020 {
        ledger.produce(None);
        let event = timeout(SOON, events.next()).await.unwrap();
        assert!(matches!(event, Some(LinkEvent::Best(head)) if head.number == number), "{event:?}");
    }
    assert_eq!(node.n_accepted(), 1);
}

/// The first answer of a chain that comes up while it is waited for.
#[tokio::test]
async fn a_chain_that_is_not_up_yet_is_waited_for() {
    for not_yet in [Fault::TurnAway(429), Fault::TurnAway(503), Fault::CloseOn("chain_getHeader")] {
        let node = Node::start(Data::mainnet(), Some(not_yet));
        let client = client(&[&node], deadlines());
        let n_told = AtomicUsize::new(0);
        let tell = |_: &SubtensorError| {
            n_told.fetch_add(1, Ordering::SeqCst);
        };
        let first = client.first_snapshot(SN1, None, CallError::is_absence, tell);
        let up = async {
            until("it is tried again", || n_told.load(Ordering::SeqCst) > 2).await;
            node.heal();
        };
        let (first, ()) = timeout(SOON, async { tokio::join!(first, up) }).await.unwrap();
        assert_eq!(first.unwrap().metagraph.neurons.len(), 1024, "{not_yet:?}");
    }
}

#[tokio::test]
async fn waiting_has_an_end_and_is_not_for_what_lasts() {
    let node = Node::start(Data::mainnet(), Some(Fault::TurnAway(429)));
    let client_of = |node| client(&[node], deadlines());
    let wait = |node, within| async move {
        let client = client_of(node);
        let first = client.first_snapshot(SN1, within, CallError::may_pass, |_| {});
        failures(timeout(SOON, first).await.unwrap().unwrap_err())
    };
    let errors = wait(&node, Some(Duration::from_millis(50))).await;
    assert!(matches!(errors[..], [CallError::Busy { status: 429 }]), "{errors:?}");
    node.misbehave(Fault::Lacks("state_call"));
    let errors = wait(&node, None).await;
    assert_eq!(errors[0].to_string(), "the node has no method state_call (code -32601)");
}

/// A node without news of heads is asked for them; one without news of versions is followed too.
#[tokio::test]
async fn heads_that_are_not_told_are_asked_for() {
    let ledger = Ledger::at(1_000);
    for lacking in ["chain_subscribe", "chain_subscribeFinalizedHeads", "state_subscribe"] {
        let node = Node::of(&ledger);
        node.misbehave(Fault::Lacks(lacking));
        let client = client(&[&node], deadlines());
        let mut events = pin!(client.follow());
        let (mut has_best, mut has_final) = (false, false);
        let number = ledger.produce(None);
        let heads = async {
            while !(has_best && has_final) {
                match events.next().await.unwrap() {
                    LinkEvent::Best(head) => has_best |= head.number >= number,
                    LinkEvent::Finalized(head) => has_final |= head.number + 1 >= number,
                    LinkEvent::Lost { reason, .. } => panic!("{lacking}: {reason}"),
                    LinkEvent::Connected { .. } => {
                        ledger.produce(None);
                        ledger.finalize(number);
                    }
                    _ => {}
                }
            }
        };
        timeout(SOON, heads).await.unwrap();
        assert_eq!(node.n_accepted(), 1, "{lacking}");
    }
}

#[tokio::test]
async fn a_node_that_tells_no_news_of_transactions_takes_them() {
    let ledger = Ledger::at(1_000);
    let node = Node::of(&ledger);
    node.misbehave(Fault::Lacks("author_submitAndWatch"));
    let quick = Deadlines { quiet_watch: Duration::from_millis(200), ..deadlines() };
    let client = client(&[&node], quick);
    let (mortality, asker) = (plan(&client).await, client.clone());
    let work =
        tokio::spawn(
            async move { asker.submit_weights(&hotkey(), SN1, &weights(), mortality).await },
        );
    // It is given to the node again once its news are overdue: the pool may have lost it.
    ledger.on_submit([OnSubmit::Take]);
    until("the transaction is submitted twice", || ledger.submitted().len() > 1).await;
    let block = ledger.produce(None);
    ledger.finalize(block);
    assert_eq!(timeout(SOON, work).await.unwrap().unwrap().unwrap().head.number, block);
    let submitted = ledger.submitted();
    assert!(submitted.iter().all(|bytes| *bytes == submitted[0]), "one transaction, signed once");
    assert_eq!(node.n_accepted(), 1);
}

#[tokio::test]
async fn a_node_that_takes_no_transactions_is_named_and_nothing_is_out() {
    let ledger = Ledger::at(1_000);
    let node = Node::of(&ledger);
    node.misbehave(Fault::Lacks("author_submit"));
    let lone = client(&[&node], deadlines());
    let mortality = plan(&lone).await;
    let error = lone.submit_weights(&hotkey(), SN1, &weights(), mortality).await.unwrap_err();
    assert!(matches!(error, ChainError::Unsent { .. }), "{error}");
    assert!(error.to_string().contains("no method author_submitExtrinsic"), "{error}");
    assert_eq!((node.n_accepted(), ledger.submitted().len()), (1, 0));
    // Another node takes it.
    let other = Node::of(&ledger);
    let both = client(&[&node, &other], deadlines());
    let mortality = plan(&both).await;
    let work =
        tokio::spawn(
            async move { both.submit_weights(&hotkey(), SN1, &weights(), mortality).await },
        );
    until("the other node has it", || ledger.submitted().len() == 1).await;
    let block = ledger.produce(None);
    ledger.finalize(block);
    ledger.tell_final(block);
    assert_eq!(timeout(SOON, work).await.unwrap().unwrap().unwrap().head.number, block);
}
