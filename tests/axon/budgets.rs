//! How much callers get, and that those who share an address get it whatever strangers there do.

use sn1::synapse::sign::SignedRequest;
use sn1_actors::axon::{AxonLimits, AxonRules};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::stand::*;

/// A request without a hotkey, which costs its address one.
const UNSIGNED: &[u8] = b"GET /nowhere HTTP/1.1\r\nhost: axon\r\n\r\n";

fn narrow() -> AxonLimits {
    AxonLimits { address_requests_per_second: 1.0, address_burst: 5.0, ..AxonLimits::default() }
}

/// Strangers of this host spend its budget.
async fn spend(stand: &Stand, host: u8) {
    let mut socket = connect_from(stand, host).await;
    loop {
        socket.write_all(UNSIGNED).await.unwrap();
        match read_reply(&mut socket).await.map_or(0, |reply| reply.status) {
            404 => {}
            429 => return,
            other => panic!("{other}"),
        }
    }
}

#[actix::test]
async fn an_address_has_its_rate_and_another_address_has_its_own() {
    let stand = open_stand(narrow());
    spend(&stand, 1).await;
    assert_eq!(status_from(&stand, 2, UNSIGNED).await, 404);
}

#[actix::test]
async fn strangers_cost_nothing_to_the_callers_who_share_their_address() {
    let stand = open_stand(narrow());
    // Not even before the first request of these callers.
    spend(&stand, 1).await;
    for round in 0..8 {
        for role in ["alice", "bob"] {
            assert_eq!(status_from(&stand, 1, &whole(&signed(role, "x"))).await, 200, "{round}");
        }
        assert_eq!(status_from(&stand, 1, &whole(&forged("alice"))).await, 401, "{round}");
    }
    let nobody = whole(&signed("nobody", "x"));
    let refused = status_from(&stand, 1, &nobody).await;
    assert!(matches!(refused, 0 | 429), "whom the axon would not serve is a stranger: {refused}");
}

#[actix::test]
async fn a_name_that_is_only_stated_spends_nothing_of_its_owner() {
    let limits = AxonLimits {
        hotkey_requests_per_second: 1.0,
        hotkey_burst: 3.0,
        max_streams_per_hotkey: 3,
        ..narrow()
    };
    let stand = open_stand(limits);
    assert_eq!(status(&stand, &whole(&signed("alice", "x"))).await, 200);
    for _ in 0..20 {
        assert_eq!(status(&stand, &whole(&forged("alice"))).await, 401);
    }
    for _ in 0..2 {
        assert_eq!(status(&stand, &whole(&signed("alice", "x"))).await, 200);
    }
}

#[actix::test]
async fn places_that_strangers_of_an_address_hold_keep_nobody_out() {
    let stand = open_stand(AxonLimits { max_connections_per_address: 4, ..AxonLimits::default() });
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut socket = connect_from(&stand, 1).await;
        socket.write_all(b"POST /Stream").await.unwrap();
        held.push(socket);
    }
    assert_eq!(status_from(&stand, 1, UNSIGNED).await, 0, "no place for a fifth");
    let mut socket = connect_from(&stand, 1).await;
    for message in ["first", "second"] {
        socket.write_all(&whole(&signed("alice", message))).await.unwrap();
        assert_eq!(read_reply(&mut socket).await.unwrap().status, 200, "{message}");
    }
    // A forged name gets such a place for its one refusal.
    let mut socket = connect_from(&stand, 1).await;
    socket.write_all(&whole(&forged("alice"))).await.unwrap();
    assert!(read_to_end(&mut socket).await.starts_with("HTTP/1.1 401"));
}

#[actix::test]
async fn forged_signatures_cost_their_address_and_nobody_else() {
    let limits = AxonLimits { address_requests_per_second: 5.0, ..AxonLimits::default() };
    let stand = open_stand(limits);
    let mut statuses = Vec::new();
    while statuses.last() != Some(&0) {
        assert!(statuses.len() < 40, "connections are closed unanswered in the end: {statuses:?}");
        statuses.push(status_from(&stand, 9, &whole(&forged("alice"))).await);
    }
    assert_eq!(statuses[0], 401);
    // Alice, in whose name the requests came, is still served.
    assert_eq!(status(&stand, &whole(&signed("alice", "x"))).await, 200);
}

/// Whose address a refusal says that the request came from.
async fn seen_from(stand: &Stand, host: u8, bytes: &[u8]) -> String {
    let mut socket = connect_from(stand, host).await;
    socket.write_all(bytes).await.unwrap();
    let reply = read_reply(&mut socket).await.unwrap();
    let seen = reply.text.split("bt_header_dendrite_ip: ").nth(1);
    seen.and_then(|rest| rest.lines().next()).unwrap_or(&reply.text).to_owned()
}

#[actix::test]
async fn a_trusted_proxy_says_whom_it_speaks_for_and_nobody_else_does() {
    let stand = stand_behind(&["127.0.0.8/29"], AxonLimits::default());
    let request = || signed("unloved", "x");
    let length = |request: &SignedRequest| format!("content-length: {}\r\n", request.body.len());
    let forwarded = |by: &str| {
        let request = request();
        let framing = format!("{}x-forwarded-for: {by}\r\n", length(&request));
        [head(&request, &framing).into_bytes(), request.body].concat()
    };
    let v1 = b"PROXY TCP4 203.0.113.9 127.0.0.1 4711 8091\r\n".to_vec();
    let v2 =
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x09\x7f\0\0\x01\x12\x67\x1f\x9b".to_vec();
    let behind = |header: &[u8]| [header, &whole(&request())].concat();
    for (what, host, bytes, seen) in [
        ("nobody", 9, whole(&request()), "127.0.0.9"),
        ("X-Forwarded-For", 9, forwarded("1.1.1.1, 203.0.113.9, 127.0.0.9"), "203.0.113.9"),
        ("version 1", 9, behind(&v1), "203.0.113.9"),
        ("version 2", 9, behind(&v2), "203.0.113.9"),
        ("a stranger's X-Forwarded-For", 2, forwarded("203.0.113.9"), "127.0.0.2"),
    ] {
        assert_eq!(seen_from(&stand, host, &bytes).await, seen, "{what}");
    }
    let refused = seen_from(&stand, 2, &behind(&v1)).await;
    assert!(refused.starts_with("HTTP/1.1 400") && refused.contains("axon.trusted_proxies"));
}

#[actix::test]
async fn callers_behind_a_proxy_have_budgets_and_places_of_their_own() {
    let limits = AxonLimits { max_connections_per_address: 2, ..narrow() };
    let stand = stand_behind(&["127.0.0.9"], limits);
    let from = |client: &str| {
        format!("GET /nowhere HTTP/1.1\r\nhost: axon\r\nx-forwarded-for: {client}\r\n\r\n")
    };
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(connect_from(&stand, 9).await);
    }
    let mut statuses = Vec::new();
    while statuses.last() != Some(&429) {
        statuses.push(status_from(&stand, 9, from("203.0.113.1").as_bytes()).await);
        assert!(statuses.iter().all(|status| matches!(status, 404 | 429)), "{statuses:?}");
    }
    assert_eq!(status_from(&stand, 9, from("203.0.113.2").as_bytes()).await, 404);
}

#[actix::test]
async fn a_stranger_who_asks_too_fast_is_refused_no_faster_than_its_rate() {
    let limits = AxonLimits {
        address_requests_per_second: 50.0,
        address_burst: 10.0,
        ..AxonLimits::default()
    };
    let stand = open_stand(limits);
    let mut socket = connect_from(&stand, 7).await;
    let began = std::time::Instant::now();
    let mut statuses = Vec::new();
    for _ in 0..6 {
        socket.write_all(b"GET /nowhere HTTP/1.1\r\nhost: axon\r\n\r\n").await.unwrap();
        statuses.push(read_reply(&mut socket).await.unwrap().status);
    }
    // A fifth of the address's rate: two at once, then ten per second, refused or answered.
    assert_eq!(statuses[..2], [404; 2]);
    assert!(statuses.contains(&429), "{statuses:?}");
    assert!(began.elapsed() >= std::time::Duration::from_millis(200));
}

#[actix::test]
async fn a_hotkey_has_its_streams_and_another_hotkey_has_its_own() {
    let limits = AxonLimits { max_streams_per_hotkey: 2, ..AxonLimits::default() };
    let mut stand = stand(limits, AxonRules::default());
    let mut held = Vec::new();
    for message in ["one", "two"] {
        let mut socket = connect_from(&stand, 1).await;
        socket.write_all(&whole(&signed("alice", message))).await.unwrap();
        assert_eq!(timeout(SOON, stand.seen.recv()).await.unwrap().unwrap(), message);
        held.push(socket);
    }
    assert_eq!(status(&stand, &whole(&signed("alice", "three"))).await, 429);
    stand.go.add_permits(3);
    assert_eq!(status(&stand, &whole(&signed("bob", "four"))).await, 200);
    for mut socket in held {
        assert_eq!(read_reply(&mut socket).await.unwrap().status, 200);
    }
}

#[actix::test]
async fn silent_connections_make_room_for_a_caller() {
    let limits =
        AxonLimits { max_connections: 8, max_connections_per_address: 6, ..AxonLimits::default() };
    let stand = open_stand(limits);
    let mut held = Vec::new();
    for host in [3, 4] {
        for _ in 0..6 {
            held.push(connect_from(&stand, host).await);
        }
    }
    assert_eq!(status(&stand, &whole(&signed("alice", "x"))).await, 200);
}

#[actix::test]
async fn many_signatures_at_once_are_all_checked() {
    let stand = open_stand(AxonLimits { hotkey_burst: 500.0, ..AxonLimits::default() });
    let mut sockets = Vec::new();
    for _ in 0..60 {
        let mut socket = connect_from(&stand, 1).await;
        socket.write_all(&whole(&signed("alice", "x"))).await.unwrap();
        sockets.push(socket);
    }
    for mut socket in sockets {
        let status = read_reply(&mut socket).await.unwrap().status;
        // Requests beyond the streams of one hotkey are refused properly.
        assert!(matches!(status, 200 | 429), "{status}");
    }
    assert_eq!(status(&stand, &whole(&signed("bob", "x"))).await, 200);
}
