//! How `sn1 devchain` misbehaves on order.

use std::time::{Duration, Instant};

use futures_util::SinkExt;
use serde_json::{Value, json};
use sn1::chain::Netuid;
use tokio_tungstenite::tungstenite::Message;

use super::process::{DevChain, SOON};
use super::{QUIET, client, number};

#[tokio::test]
async fn connections_are_cut_but_for_the_control() {
    let chain = DevChain::by_hand(&[]);
    let mut control = chain.connect("/control").await;
    let mut others = [chain.connect("").await, chain.connect("").await];
    chain.until("three connections", |status| status["connections"].as_u64() >= Some(3));
    assert_eq!(control.ask("dev_drop_connections", json!([])).await, true);
    for other in &mut others {
        assert_eq!(other.next().await, None);
    }
    assert_eq!(control.ask("system_name", json!([])).await, "sn1 devchain");
    let mut again = chain.connect("").await;
    assert_eq!(again.ask("system_name", json!([])).await, "sn1 devchain");
}

#[tokio::test]
async fn new_connections_are_refused_for_a_while() {
    let chain = DevChain::by_hand(&[]);
    let mut control = chain.connect("/control").await;
    control.ask("dev_refuse_connections", json!([60_000])).await;
    assert!(chain.try_connect("").await.is_err());
    control.ask("dev_refuse_connections", json!([0])).await;
    assert!(chain.try_connect("").await.is_ok());
}

#[tokio::test]
async fn a_stall_ends_and_a_half_open_socket_never_does() {
    let chain = DevChain::by_hand(&[]);
    let mut control = chain.connect("/control").await;
    let mut stalled = chain.connect("").await;
    control.ask("dev_stall", json!({ "ms": 700 })).await;
    let began = Instant::now();
    let id = stalled.send_request("system_name", json!([])).await;
    assert!(stalled.is_silent(QUIET).await);
    assert_eq!(stalled.next().await.unwrap()["id"], id);
    assert!(began.elapsed() >= Duration::from_millis(600), "{:?}", began.elapsed());
    control.ask("dev_kill_connection_half_open", json!([])).await;
    stalled.send_request("system_name", json!([])).await;
    stalled.inner.send(Message::Ping(vec![1].into())).await.unwrap();
    assert!(stalled.is_silent(QUIET).await);
    let mut fresh = chain.connect("").await;
    assert_eq!(fresh.ask("system_name", json!([])).await, "sn1 devchain");
    drop((stalled, fresh));
    chain.until("nobody left but the control", |status| status["connections"] == 2);
}

#[tokio::test]
async fn answers_are_slow_on_demand() {
    let chain = DevChain::by_hand(&[]);
    let mut socket = chain.connect("").await;
    chain.ask("dev_slow", json!([200]));
    let began = Instant::now();
    for _ in 0..10 {
        socket.ask("system_name", json!([])).await;
    }
    // Ten draws between 0 and 200 ms: their sum is below 200 ms in one run of 3 million.
    assert!(began.elapsed() > Duration::from_millis(200), "{:?}", began.elapsed());
    chain.ask("dev_slow", json!([0]));
}

#[test]
fn transactions_are_refused_with_every_pool_error() {
    let chain = DevChain::by_hand(&[]);
    let table = [
        (json!({ "refusal": "outdated" }), 1010, json!("Transaction is outdated")),
        (json!({ "refusal": "bad-signature" }), 1010, json!("Transaction has a bad signature")),
        (json!([1010, 6]), 1010, json!("Custom error: 6")),
        (json!([1012]), 1012, Value::Null),
        (
            json!([1013]),
            1013,
            json!("0x03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314"),
        ),
        (json!({ "code": 1014 }), 1014, Value::Null),
        (json!({ "code": 1016, "times": 2 }), 1016, Value::Null),
    ];
    for (order, code, data) in table {
        chain.ask("dev_refuse", order.clone());
        let error = &chain.request("author_submitExtrinsic", json!(["0x00"]))["error"];
        assert_eq!(error["code"], code, "{order}: {error}");
        if !data.is_null() {
            assert_eq!(error["data"], data, "{order}");
        }
    }
    let submit =
        || chain.request("author_submitExtrinsic", json!(["0x00"]))["error"]["code"].clone();
    assert_eq!((submit(), submit()), (json!(1016), json!(1002)));
    assert_eq!(chain.request("dev_refuse", json!([1011]))["error"]["code"], -32602);
}

#[tokio::test]
async fn finality_is_held_and_then_jumps() {
    let chain = DevChain::by_hand(&["--finality-lag", "1"]);
    chain.produce(3);
    let mut socket = chain.connect("").await;
    let finals = socket.ask("chain_subscribeFinalizedHeads", json!([])).await;
    assert_eq!(number(&socket.news(&finals).await), 2);
    chain.ask("dev_pause_finality", json!([3]));
    chain.produce(2);
    assert_eq!(chain.ask("dev_status", json!([]))["finalized"]["number"], 2);
    assert!(socket.is_silent(QUIET).await);
    chain.produce(1);
    for expected in [3, 4, 5] {
        assert_eq!(number(&socket.news(&finals).await), expected);
    }
    chain.ask("dev_reorder_finality", json!([2]));
    chain.produce(2);
    for expected in [7, 6] {
        assert_eq!(number(&socket.news(&finals).await), expected);
    }
    assert_eq!(chain.ask("dev_status", json!([]))["finalized"]["number"], 7);
}

#[tokio::test]
async fn the_runtime_is_upgraded_at_a_block_and_on_demand() {
    let chain = DevChain::by_hand(&["--fault", "upgrade=stateful@3"]);
    let client = client(&chain);
    client.snapshot(Netuid(1)).await.unwrap();
    let mut socket = chain.connect("").await;
    let versions = socket.ask("state_subscribeRuntimeVersion", json!([])).await;
    let before = socket.news(&versions).await;
    assert_eq!(before["specVersion"], 343);
    chain.produce(3);
    let after = socket.news(&versions).await;
    assert_eq!(after["specVersion"], 425);
    assert_eq!(after["specName"], before["specName"]);
    chain.produce(1);
    assert_eq!(client.snapshot(Netuid(1)).await.unwrap().metagraph.head.number, 4);
    chain.ask("dev_upgrade", json!([]));
    chain.produce(1);
    assert_eq!(socket.news(&versions).await["specVersion"], 426);
    let error = chain.request("dev_upgrade", json!(["future"]));
    assert_eq!(error["error"]["code"], -32602);
}

#[test]
fn chaos_leaves_the_chain_alive() {
    let chain = DevChain::start(&["--block-time", "50ms", "--chaos", "0.5", "--seed", "3"]);
    let deadline = Instant::now() + SOON;
    while chain.ask("dev_status", json!([]))["best"]["number"].as_u64() < Some(40) {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(chain.interrupt().success());
}
