//! `sn1 devchain` from outside: what its clients see, and what survives it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "devchain/cli.rs"]
mod cli;
#[path = "devchain/orders.rs"]
mod orders;
#[path = "devchain/process.rs"]
mod process;
#[path = "devchain/script.rs"]
mod script;
#[path = "devchain/sdk.rs"]
mod sdk;

use std::net::TcpListener;
use std::time::Duration;

use futures_util::SinkExt;
use process::{DevChain, sn1};
use serde_json::{Value, json};
use sn1::chain::Netuid;
use sn1::store::ChainStore;
use sn1_actors::chain::subtensor::{Deadlines, Network, Roots, Subtensor, SubtensorSettings};
use tokio_tungstenite::tungstenite::Message;

/// Storage that every block changes: `Timestamp.Now`.
const NOW: &str = "0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb";
/// Long enough for an unwanted message to have arrived.
const QUIET: Duration = Duration::from_millis(300);

fn client(chain: &DevChain) -> Subtensor {
    let network = Network(vec![chain.url().parse().unwrap()]);
    Subtensor::new(SubtensorSettings {
        network,
        deadlines: Deadlines::default(),
        roots: Roots::default(),
    })
}

fn number(header: &Value) -> u64 {
    let digits = header["number"].as_str().unwrap().trim_start_matches("0x");
    u64::from_str_radix(digits, 16).unwrap()
}

#[tokio::test]
async fn our_client_reads_the_subnet() {
    let chain = DevChain::by_hand(&["--netuid", "3", "--tempo", "7", "--set", "kappa=1234"]);
    chain.produce(2);
    let client = client(&chain);
    let metagraph = client.snapshot(Netuid(3)).await.unwrap().metagraph;
    assert_eq!((metagraph.netuid, metagraph.head.number), (Netuid(3), 2));
    let rules = &metagraph.hyperparameters;
    assert_eq!((rules.tempo, rules.kappa, metagraph.neurons.len()), (7, 1234, 0));
    assert!(client.snapshot(Netuid(9)).await.is_err());
    chain.produce(1);
    assert_eq!(client.head().await.unwrap().number, 3);
}

#[test]
fn sn1_query_finds_the_chain() {
    let chain = DevChain::by_hand(&[]);
    let arguments = ["query", "--uids", "0", "--message", "Hello?", "--wallet.uri", "//Alice"];
    let output =
        sn1(&arguments).args(["--subtensor.chain_endpoint", chain.url()]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    // The subnet has no neurons, which only the chain can tell.
    assert_eq!(output.status.code(), Some(64), "{said}");
    assert!(said.contains("uid"), "{said}");
}

#[test]
fn the_chain_survives_a_stop_and_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chain.sqlite");
    let flags = ["--state-file", file.to_str().unwrap(), "--seed", "5"];
    let hash = |chain: &DevChain, number: u64| chain.ask("chain_getBlockHash", json!([number]));
    let chain = DevChain::by_hand(&flags);
    assert_eq!(chain.produce(4), 4);
    chain.ask("dev_set_hyperparameter", json!(["tempo", 77]));
    chain.produce(1);
    let (genesis, fifth) = (hash(&chain, 0), hash(&chain, 5));
    assert!(chain.interrupt().success());
    let chain = DevChain::by_hand(&flags);
    assert_eq!((hash(&chain, 0), hash(&chain, 5)), (genesis.clone(), fifth.clone()));
    assert_eq!(chain.produce(3), 8);
    let eighth = hash(&chain, 8);
    chain.kill();
    let chain = DevChain::by_hand(&flags);
    assert_eq!((hash(&chain, 5), hash(&chain, 8)), (fifth, eighth));
    let other = DevChain::by_hand(&["--seed", "6"]);
    assert_ne!(hash(&other, 0), genesis);
}

#[test]
fn what_cannot_start_says_why() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let damaged = folder.path().join("damaged.sqlite");
    std::fs::write(&damaged, "this is no state file, however long it may be read for").unwrap();
    let older = folder.path().join("older.sqlite");
    let mut file = ChainStore::open(&older).unwrap();
    assert!(file.load::<Value>().unwrap().is_none());
    file.save(40, &json!({ "head": { "number": 40 }, "state": {} })).unwrap();
    drop(file);
    let table: [(&[&str], i32, &str); 8] = [
        (&["--port", &port], 69, "--port"),
        (&["--port", "0", "--state-file", older.to_str().unwrap()], 65, "move it away"),
        (&["--port", "0", "--state-file", damaged.to_str().unwrap()], 65, "damaged"),
        (&["--port", "0", "--set", "tmepo=3"], 64, "did you mean `tempo`"),
        (&["--port", "0", "--block-time", "1ms"], 64, "too short"),
        (&["--port", "0", "--fault", "dorp@3"], 64, "did you mean `drop`"),
        (&["--port", "0", "--fund", "5Bad=1"], 64, "5Bad"),
        (&["--port", "0", "--generation", "future"], 64, "modular"),
    ];
    for (flags, code, part) in table {
        let output = sn1(&["devchain"]).args(flags).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{flags:?}: {said}");
        assert!(said.contains(part), "{flags:?}: {said}");
    }
}

#[tokio::test]
async fn requests_come_alone_in_batches_and_broken() {
    let chain = DevChain::by_hand(&[]);
    let mut socket = chain.connect("").await;
    let batch = json!([
        { "jsonrpc": "2.0", "id": "a", "method": "system_name" },
        { "jsonrpc": "2.0", "method": "system_name" },
        { "jsonrpc": "2.0", "id": null, "method": "no_such" },
        { "jsonrpc": "2.0", "id": 3, "method": "chain_getBlockHash", "params": [[0, "0x0", 99]] },
        7,
    ]);
    socket.send(batch.to_string()).await;
    let answers = socket.next().await.unwrap();
    let genesis = chain.ask("chain_getBlockHash", json!([0]));
    assert_eq!(answers[0], json!({ "jsonrpc": "2.0", "id": "a", "result": "sn1 devchain" }));
    assert_eq!((&answers[1]["id"], &answers[1]["error"]["code"]), (&Value::Null, &json!(-32601)));
    assert_eq!(answers[2]["result"], json!([genesis, genesis, null]));
    assert_eq!(answers[3]["error"]["code"], -32600);
    let table = [
        ("chain_getBlockHash", json!(["soon"]), -32602),
        ("chain_getHeader", json!(["0x00"]), -32602),
        ("state_call", json!([]), -32602),
        ("state_getKeysPaged", json!(["0x", 5000]), 4002),
        ("state_call", json!(["No_such", "0x"]), 4003),
        ("author_submitExtrinsic", json!(["0x00"]), 1002),
        ("account_nextIndex", json!(["5Bad"]), -32602),
    ];
    for (method, params, code) in table {
        let answer = socket.request(method, params).await;
        assert_eq!(answer["error"]["code"], code, "{method}: {answer}");
    }
    for text in ["", "{", "\u{0}", "[]"] {
        socket.send(text).await;
        assert_eq!(socket.next().await.unwrap()["id"], Value::Null);
    }
    let with = socket.ask("state_call", json!(["Core_version", "0x"])).await;
    assert_eq!(socket.ask("state_call", json!(["Core_version", ""])).await, with);
}

#[test]
fn plain_http_answers_json_alone() {
    let chain = DevChain::by_hand(&[]);
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "system_health" }).to_string();
    let (status, answer) = chain.post("application/json", &body);
    assert!(status.contains("200") && answer.contains("isSyncing"), "{status} {answer}");
    assert!(chain.post("text/plain", &body).0.contains("415"));
    assert!(chain.post("application/json", "{").1.contains("-32700"));
}

#[tokio::test]
async fn the_methods_that_are_listed_are_there() {
    let chain = DevChain::by_hand(&[]);
    let mut socket = chain.connect("").await;
    let listed = socket.ask("rpc_methods", json!([])).await;
    for name in listed["methods"].as_array().unwrap() {
        let name = name.as_str().unwrap();
        if name.starts_with("dev_") {
            continue;
        }
        let answer = socket.request(name, json!([])).await;
        assert_ne!(answer["error"]["code"], -32601, "{name}");
        assert_ne!(answer["error"]["code"], -32603, "{name}: {answer}");
    }
    let quiet = sn1(&["devchain", "--port", "0", "--block-time", "0"]).spawn().unwrap();
    let quiet = DevChain::adopt(quiet);
    let answer = quiet.request("dev_status", json!([]));
    assert_eq!(answer["error"]["code"], -32601);
}

#[tokio::test]
async fn subscriptions_tell_what_is_and_what_comes() {
    let chain = DevChain::by_hand(&["--finality-lag", "2"]);
    chain.produce(3);
    let mut socket = chain.connect("").await;
    let heads = socket.ask("chain_subscribeNewHeads", json!([])).await;
    assert_eq!(number(&socket.news(&heads).await), 3);
    let finals = socket.ask("chain_subscribeFinalizedHeads", json!([])).await;
    assert_eq!(number(&socket.news(&finals).await), 1);
    let storage = socket.ask("state_subscribeStorage", json!([[NOW]])).await;
    let first = socket.news(&storage).await;
    assert_eq!(first["changes"][0][0], NOW);
    let version = socket.ask("state_subscribeRuntimeVersion", json!([])).await;
    assert_eq!(socket.news(&version).await["specVersion"], 343);
    chain.produce(1);
    assert_eq!(number(&socket.news(&heads).await), 4);
    assert_eq!(number(&socket.news(&finals).await), 2);
    let second = socket.news(&storage).await;
    assert_ne!(second["changes"], first["changes"]);
    assert_eq!(second["block"], chain.ask("chain_getBlockHash", json!([4])));
    assert_eq!(chain.ask("dev_status", json!([]))["subscriptions"], 4);
    for (method, id) in [
        ("chain_unsubscribeNewHeads", &heads),
        ("chain_unsubscribeFinalizedHeads", &finals),
        ("state_unsubscribeStorage", &storage),
        ("state_unsubscribeRuntimeVersion", &version),
    ] {
        assert_eq!(socket.ask(method, json!([id])).await, true);
        assert_eq!(socket.ask(method, json!([id])).await, false);
    }
    chain.produce(1);
    assert!(socket.is_silent(QUIET).await);
    assert_eq!(chain.ask("dev_status", json!([]))["subscriptions"], 0);
}

#[tokio::test]
async fn blocks_come_by_the_clock() {
    let chain = DevChain::start(&["--block-time", "50ms"]);
    let mut socket = chain.connect("").await;
    let heads = socket.ask("chain_subscribeNewHeads", json!([])).await;
    let first = number(&socket.news(&heads).await);
    for expected in first + 1..first + 10 {
        assert_eq!(number(&socket.news(&heads).await), expected);
    }
}

#[tokio::test]
async fn garbage_harms_nobody_else() {
    let chain = DevChain::by_hand(&[]);
    let mut good = chain.connect("").await;
    let heads = good.ask("chain_subscribeNewHeads", json!([])).await;
    good.news(&heads).await;
    let mut garbled = chain.connect("").await;
    garbled.inner.send(Message::binary(vec![0xff; 1000])).await.unwrap();
    assert_eq!(garbled.next().await.unwrap()["error"]["code"], -32700);
    let mut huge = chain.connect("").await;
    // Beyond the limit the node hangs up, sometimes before it has received everything.
    let _ = huge.inner.send(Message::text("x".repeat(20 << 20))).await;
    assert_eq!(huge.next().await, None);
    for raw in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\xff\xfe\x00", b"GET /\0", b"POST / HTTP/1.1\r\n"]
    {
        let mut stream =
            std::net::TcpStream::connect(chain.url().trim_start_matches("ws://")).unwrap();
        std::io::Write::write_all(&mut stream, raw).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
    }
    chain.produce(1);
    assert_eq!(number(&good.news(&heads).await), 1);
}

#[tokio::test]
async fn two_hundred_connections_leave_nothing() {
    let chain = DevChain::by_hand(&[]);
    let mut sockets = Vec::new();
    for _ in 0..200 {
        let mut socket = chain.connect("").await;
        let heads = socket.ask("chain_subscribeNewHeads", json!([])).await;
        socket.news(&heads).await;
        sockets.push((socket, heads));
    }
    chain.produce(1);
    for (socket, heads) in &mut sockets {
        assert_eq!(number(&socket.news(heads).await), 1);
    }
    // The request itself uses one connection.
    chain.until("200 connections", |status| status["connections"] == 201);
    drop(sockets);
    let status = chain.until("none left", |status| status["connections"] == 1);
    assert_eq!(status["subscriptions"], 0);
}

#[tokio::test]
async fn who_does_not_read_is_dropped() {
    let chain = DevChain::by_hand(&[]);
    let mut lazy = chain.connect("").await;
    for _ in 0..40 {
        lazy.send_request("state_getMetadata", json!([])).await;
    }
    for _ in 0..200 {
        lazy.send_request("chain_subscribeNewHeads", json!([])).await;
    }
    let dropped = |status: &Value| status["connections"] == 1;
    chain.until("the lazy reader is gone", dropped);
    assert!(chain.produce(1) >= 1);
}
