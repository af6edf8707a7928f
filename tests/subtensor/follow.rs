//! Follows the chain through nodes that fall silent, close and come back.

use std::pin::pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use sn1::chain::Hash;
use sn1_actors::app::parts::ChainPart;
use sn1_actors::chain::subtensor::{Deadlines, LinkEvent};
use sn1_actors::feeds::{Feeds, HeadFeed};
use sn1_actors::supervision::{FaultKind, InjectFault, Root, RootExit};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::ledger::{Ledger, hash_at};
use super::node::{Fault, Node};
use super::{SOON, client, deadlines, until};

/// The result of `find` for the next event for which it has one.
async fn find<T>(
    events: &mut (impl Stream<Item = LinkEvent> + Unpin),
    find: impl Fn(LinkEvent) -> Option<T>,
) -> T {
    let found = async {
        loop {
            if let Some(found) = find(events.next().await.unwrap()) {
                return found;
            }
        }
    };
    timeout(SOON, found).await.unwrap()
}

fn connected(event: LinkEvent) -> Option<usize> {
    if let LinkEvent::Connected { index, .. } = event { Some(index) } else { None }
}

fn best(event: LinkEvent) -> Option<u64> {
    let LinkEvent::Best(head) = event else { return None };
    assert_eq!(head.hash, hash_at(head.number));
    Some(head.number)
}

fn finalized(event: LinkEvent) -> Option<u64> {
    if let LinkEvent::Finalized(head) = event { Some(head.number) } else { None }
}

#[tokio::test]
async fn heads_and_final_heads_come_and_survive_the_node() {
    let ledger = Ledger::at(1_000);
    let (node, other) = (Node::of(&ledger), Node::of(&ledger));
    let client = client(&[&node, &other], deadlines());
    let mut events = pin!(client.follow());
    assert_eq!(find(&mut events, connected).await, 0);
    assert_eq!(ledger.produce(None), 1_001);
    assert_eq!(find(&mut events, best).await, 1_001);
    ledger.finalize(1_001);
    assert_eq!(find(&mut events, finalized).await, 1_001);
    node.stop_serving();
    assert_eq!(find(&mut events, connected).await, 1);
    ledger.produce(None);
    assert_eq!(find(&mut events, best).await, 1_002);
    // Questions and notifications share one connection.
    client.head().await.unwrap();
    assert_eq!((other.n_accepted(), other.n_open()), (1, 1));
}

#[tokio::test]
async fn a_node_that_stops_importing_is_left_for_another() {
    let ledger = Ledger::at(1_000);
    let (node, other) = (Node::of(&ledger), Node::of(&ledger));
    node.fall_silent();
    let quick = Deadlines { head_silence: Duration::from_millis(100), ..deadlines() };
    let both = client(&[&node, &other], quick);
    let mut events = pin!(both.follow());
    assert_eq!(find(&mut events, connected).await, 0);
    assert_eq!(find(&mut events, connected).await, 1);
    // Without another node it is kept, and the event reports that.
    let lone = client(&[&node], quick);
    let mut events = pin!(lone.follow());
    let silent = |event| matches!(event, LinkEvent::Silent { .. }).then_some(());
    find(&mut events, silent).await;
    find(&mut events, silent).await;
    assert_eq!(node.n_accepted(), 2);
}

/// However connections end, neither tasks nor sockets are left of them.
#[tokio::test]
async fn nothing_is_left_behind_by_a_thousand_lost_links() {
    const ROUNDS: usize = 1_000;
    let ledger = Ledger::at(1_000);
    let node = Node::of(&ledger);
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let quick = Deadlines { longest_pause: Duration::from_millis(1), ..deadlines() };
    let client = client(&[&node], quick);
    {
        let mut events = pin!(client.follow());
        node.misbehave(Fault::CloseOn("state_subscribeRuntimeVersion"));
        let lost = |event| matches!(event, LinkEvent::Lost { .. }).then_some(());
        for _ in 0..ROUNDS {
            find(&mut events, lost).await;
        }
        assert_eq!(node.n_accepted(), ROUNDS);
        node.heal();
        find(&mut events, connected).await;
        assert_eq!(tasks(), before + 1, "the one connection");
        until("the old connections are gone", || node.n_open() == 1).await;
    }
    // When a stream is dropped, its subscriptions are ended at the node.
    let ended = |name: &str| node.asked().iter().filter(|call| call.starts_with(name)).count();
    until("the subscriptions are ended", || ended("chain_unsubscribeNewHeads") == 1).await;
    until("all of them", || ended("state_unsubscribeRuntimeVersion") == 1).await;
    drop(client);
    until("nothing is left", || node.n_open() == 0 && tasks() == before).await;
}

/// A published value stays while the actor is down; the actor's next life continues with another
/// node.
#[actix::test]
async fn the_link_publishes_through_a_panic_and_another_node() {
    let ledger = Ledger::at(1_000);
    let (node, other) = (Node::of(&ledger), Node::of(&ledger));
    let feeds = Feeds::new(Duration::from_secs(1));
    let chain = ChainPart { client: client(&[&node, &other], deadlines()), feeds: feeds.clone() };
    let (watchers, mut tree_events) = mpsc::unbounded_channel();
    let root = Root::start("Node", vec![chain.link()], watchers);
    let (mut heads, mut finals) = (feeds.heads(), feeds.finals());
    let n_followed = |node: &Node| {
        let last_of_three = |call: &&String| call.starts_with("state_subscribeRuntimeVersion");
        node.asked().iter().filter(last_of_three).count()
    };

    until("the chain is followed", || n_followed(&node) == 1).await;
    ledger.produce(None);
    assert_eq!(reaches(&mut heads, 1_001).await, hash_at(1_001));
    ledger.finalize(1_001);
    assert_eq!(reaches(&mut finals, 1_001).await, hash_at(1_001));

    let fault = InjectFault { actor: "ChainLink".into(), fault: FaultKind::Panic };
    assert!(root.faults().ask(fault, SOON).await.unwrap());
    let event = timeout(SOON, tree_events.recv()).await.unwrap().unwrap();
    assert_eq!((&*event.actor, event.fault), ("ChainLink", FaultKind::Panic));
    assert_eq!(heads.borrow().unwrap().head.number, 1_001);
    until("it is followed again", || n_followed(&node) == 2).await;
    ledger.produce(None);
    reaches(&mut heads, 1_002).await;

    node.stop_serving();
    until("another node is followed", || n_followed(&other) == 1).await;
    ledger.produce(None);
    reaches(&mut heads, 1_003).await;
    assert_eq!(root.stop().await, RootExit::Stopped);
    drop(chain);
    until("nothing is left", || node.n_open() + other.n_open() == 0).await;
}

/// Waits for the block and returns its hash.
async fn reaches(feed: &mut HeadFeed, number: u64) -> Hash {
    let reached = feed.wait_for(|seen| seen.is_some_and(|seen| seen.head.number >= number));
    timeout(SOON, reached).await.unwrap().unwrap().unwrap().head.hash
}
