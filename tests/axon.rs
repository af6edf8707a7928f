//! Our axon against hostile and clumsy peers over raw sockets: each meets a limit or a deadline,
//! while an honest caller notices nothing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "axon/budgets.rs"]
mod budgets;
#[path = "axon/framing.rs"]
mod framing;
#[path = "axon/stand.rs"]
mod stand;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use sn1::wallet::Keypair;
use sn1_actors::axon::{AxonLimits, AxonRules};
use sn1_actors::settings::Tao;
use stand::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

#[actix::test]
async fn an_honest_request_is_answered_and_a_replay_of_it_is_not() {
    let stand = open_stand(AxonLimits::default());
    let bytes = whole(&signed("alice", "hello"));
    let reply = exchange(&stand, &bytes).await.unwrap();
    assert_eq!(reply.status, 200);
    assert!(reply.text.ends_with("5\r\nhello\r\n0\r\n\r\n"), "{}", reply.text);
    assert_eq!(status(&stand, &bytes).await, 401);
}

#[actix::test]
async fn the_miners_own_hooks_turn_callers_away_and_a_panic_in_one_is_a_500() {
    let stand = open_stand(AxonLimits::default());
    let refused = exchange(&stand, &whole(&signed("unloved", "x"))).await.unwrap();
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("Forbidden. Key is blacklisted: Not you."));
    assert_eq!(status(&stand, &whole(&signed("cursed", "x"))).await, 500);
    assert_eq!(status(&stand, &whole(&signed("alice", "x"))).await, 200);
}

#[actix::test]
async fn a_miner_that_fails_before_its_first_word_is_a_500_that_keeps_the_connection() {
    let stand = open_stand(AxonLimits::default());
    let mut socket = connect_from(&stand, 1).await;
    for (message, status) in [("speechless", 500), ("fine", 200)] {
        socket.write_all(&whole(&signed("alice", message))).await.unwrap();
        let reply = read_reply(&mut socket).await.unwrap();
        assert_eq!(reply.status, status, "{}", reply.text);
    }
}

#[actix::test]
async fn lists_and_stake_decide_who_is_served() {
    let rules = AxonRules {
        min_stake: Tao::whole(2),
        allow: vec![key("stranger").account_id()],
        deny: vec![key("carol").account_id()],
        ..AxonRules::default()
    };
    let stand = stand(AxonLimits::default(), rules);
    stand.go.add_permits(MANY);
    for (role, expected) in
        [("alice", 200), ("bob", 403), ("carol", 403), ("stranger", 200), ("nobody", 403)]
    {
        assert_eq!(status(&stand, &whole(&signed(role, "x"))).await, expected, "{role}");
    }
}

#[actix::test]
async fn a_stream_that_nobody_reads_makes_way_for_a_higher_stake() {
    let limits = AxonLimits { max_streams: 1, ..AxonLimits::default() };
    let stand = open_stand(limits);
    let mut deaf = connect_from(&stand, 1).await;
    deaf.write_all(&whole(&signed_for("bob", "endless", 110.0))).await.unwrap();
    let mut deaf_head = [0; 15];
    deaf.read_exact(&mut deaf_head).await.unwrap();
    assert_eq!(&deaf_head[..12], b"HTTP/1.1 200");
    assert_eq!(status(&stand, &whole(&signed_for("carol", "x", 40.0))).await, 200);
}

#[actix::test]
async fn the_line_goes_by_stake_and_a_full_one_answers_at_once() {
    let limits = AxonLimits { max_streams: 1, max_waiting: 2, ..AxonLimits::default() };
    let mut stand = stand(limits, AxonRules::default());
    let mut sockets = Vec::new();
    let mut ask = async |stand: &Stand, role: &str| {
        let mut socket = connect_from(stand, 1).await;
        socket.write_all(&whole(&signed_for(role, role, 40.0))).await.unwrap();
        sockets.push(socket);
    };
    ask(&stand, "alice").await;
    assert_eq!(timeout(SOON, stand.seen.recv()).await.unwrap().unwrap(), "alice");
    // Two wait; a third caller with the lowest stake is refused at once.
    ask(&stand, "alice").await;
    ask(&stand, "alice").await;
    let refused = async {
        loop {
            let status = status(&stand, &whole(&signed("bob", "bob"))).await;
            if status == 503 {
                break;
            }
        }
    };
    timeout(SOON, refused).await.unwrap();
    // The caller with the highest stake displaces one of them, and goes first.
    ask(&stand, "carol").await;
    let [_, second, third, ..] = &mut sockets[..] else { panic!("four have asked") };
    let turned_away = tokio::select! {
        reply = read_reply(second) => reply,
        reply = read_reply(third) => reply,
    };
    assert_eq!(turned_away.unwrap().status, 503);
    stand.go.add_permits(MANY);
    assert_eq!(timeout(SOON, stand.seen.recv()).await.unwrap().unwrap(), "carol");
    assert_eq!(timeout(SOON, stand.seen.recv()).await.unwrap().unwrap(), "alice");
}

#[actix::test]
async fn a_caller_who_hangs_up_frees_its_stream_at_once() {
    let limits = AxonLimits { max_streams_per_hotkey: 1, ..AxonLimits::default() };
    let mut stand = stand(limits, AxonRules::default());
    for n_gone in 1..4 {
        let mut socket = connect_from(&stand, 1).await;
        socket.write_all(&whole(&signed("alice", "x"))).await.unwrap();
        timeout(SOON, stand.seen.recv()).await.unwrap().unwrap();
        drop(socket);
        let gone = async {
            while stand.n_dropped.load(Ordering::SeqCst) < n_gone {
                tokio::task::yield_now().await;
            }
        };
        timeout(SOON, gone).await.unwrap();
    }
}

#[actix::test]
async fn a_reader_who_takes_nothing_is_cut_off_long_before_its_own_deadline() {
    let stand = open_stand(AxonLimits::default());
    let mut socket = connect_from(&stand, 1).await;
    socket.write_all(&whole(&signed_for("alice", "endless", 110.0))).await.unwrap();
    let cut_off = async {
        while stand.n_dropped.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, cut_off).await.unwrap();
}

/// The example that miner authors start from, run as they would run it.
#[actix::test]
async fn the_example_miner_serves_whom_it_is_told_to() {
    let examples = std::env::current_exe().unwrap().parent().unwrap().join("../examples/miner");
    assert!(examples.exists(), "build the examples first: cargo build --examples");
    let mut example = Command::new(examples)
        .args(["127.0.0.1:0", &key("alice").account_id().to_ss58()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(example.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address: SocketAddr = line.trim().strip_prefix("serving on ").unwrap().parse().unwrap();
    let bob = Keypair::from_dev_path("//Bob").unwrap();
    for (role, expected) in [("alice", "200"), ("bob", "403")] {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let request = signed_to(&bob, role, "one two three", 8.0);
        socket.write_all(&whole(&request)).await.unwrap();
        let reply = read_reply(&mut socket).await.unwrap();
        assert_eq!(reply.status.to_string(), expected);
        let said = reply.text.find("three").zip(reply.text.find("one "));
        assert_eq!(said.is_some_and(|(three, one)| three < one), role == "alice");
    }
    // It ends when its input closes.
    drop(example.stdin.take());
    assert!(example.wait().unwrap().success());
}
