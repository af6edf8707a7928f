//! Our axon against hostile and clumsy peers over raw sockets: each meets a limit or a deadline,
//! while an honest caller notices nothing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sn1::synapse::body::Prompt;
use sn1::synapse::headers::{AxonAddress, RequestDraft};
use sn1::synapse::sign::{SignedRequest, sign_request};
use sn1::wallet::{AccountId, Keypair};
use sn1_actors::axon::{
    Answering, AxonLimits, AxonRules, AxonSettings, Caller, ChunkSink, Miner, StandaloneAxon,
};
use sn1_actors::settings::Tao;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

/// The deadline of every wait.
const SOON: Duration = Duration::from_secs(60);

fn key(role: &str) -> Keypair {
    Keypair::from_dev_path(&format!("//axon-test//{role}")).unwrap()
}

/// Answers with the last message once it is allowed to, and reports what it sees.
struct Gated {
    /// One permit for each answer.
    go: Arc<Semaphore>,
    /// Messages in the order in which they are answered.
    seen: mpsc::UnboundedSender<String>,
    n_dropped: Arc<AtomicUsize>,
}

struct CountDrop(Arc<AtomicUsize>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Miner for Gated {
    fn answer(&self, prompt: Prompt, _: Duration, sink: ChunkSink) -> Answering {
        let (go, guard) = (Arc::clone(&self.go), CountDrop(Arc::clone(&self.n_dropped)));
        let message = prompt.messages.last().cloned().unwrap_or_default();
        let _ = self.seen.send(message.clone());
        Box::pin(async move {
            let _guard = guard;
            if let Ok(permit) = go.acquire().await {
                permit.forget();
            }
            if message == "endless" {
                loop {
                    sink.send("x".repeat(1 << 16)).await?;
                }
            }
            Ok(sink.send(message).await?)
        })
    }

    fn blacklist(&self, caller: &Caller) -> Result<(), String> {
        assert!(caller.hotkey != key("cursed").account_id(), "a bug in a miner's hook");
        match caller.hotkey == key("unloved").account_id() {
            true => Err("Not you".to_owned()),
            false => Ok(()),
        }
    }
}

struct Stand {
    axon: StandaloneAxon,
    go: Arc<Semaphore>,
    seen: mpsc::UnboundedReceiver<String>,
    n_dropped: Arc<AtomicUsize>,
}

const MANY: usize = 1 << 20;

/// An axon whose miner answers at once.
fn open_stand(limits: AxonLimits) -> Stand {
    let stand = stand(limits, AxonRules::default());
    stand.go.add_permits(MANY);
    stand
}

fn stand(limits: AxonLimits, rules: AxonRules) -> Stand {
    let (sender, seen) = mpsc::unbounded_channel();
    let (go, n_dropped) = (Arc::new(Semaphore::new(0)), Arc::default());
    let miner = Gated { go: Arc::clone(&go), seen: sender, n_dropped: Arc::clone(&n_dropped) };
    let settings = AxonSettings { limits, rules, ..AxonSettings::new("AxonServer", key("axon")) };
    let stakes = [("alice", 5.0), ("bob", 1.0), ("carol", 50.0), ("cursed", 9.0), ("unloved", 9.0)];
    let callers: Vec<(AccountId, f64)> =
        stakes.map(|(role, stake)| (key(role).account_id(), stake)).into();
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let axon = StandaloneAxon::start(listen, settings, &callers, Arc::new(miner)).unwrap();
    Stand { axon, go, seen, n_dropped }
}

fn unix_ns() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(now.as_nanos()).unwrap()
}

fn signed(role: &str, message: &str) -> SignedRequest {
    signed_for(role, message, 8.0)
}

fn signed_for(role: &str, message: &str, timeout_s: f64) -> SignedRequest {
    signed_to(&key("axon"), role, message, timeout_s)
}

fn signed_to(axon: &Keypair, role: &str, message: &str, timeout_s: f64) -> SignedRequest {
    let axon = axon.account_id().to_ss58();
    let draft = RequestDraft {
        axon: AxonAddress { ip: "127.0.0.1", port: 8091, hotkey: &axon },
        dendrite_ip: "127.0.0.1",
        // One uuid for each request, so that concurrent requests cannot overtake each other.
        dendrite_uuid: &format!("{role}-{}", unix_ns()),
        timeout_s,
        roles: &["user".to_owned()],
        messages: &[message.to_owned()],
    };
    sign_request(&key(role), &draft, unix_ns()).unwrap()
}

/// The head of a request; `framing` says how the body is framed.
fn head(request: &SignedRequest, framing: &str) -> String {
    let mut head = format!("POST {} HTTP/1.1\r\nhost: axon\r\n{framing}", request.path);
    for (name, value) in &request.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head + "\r\n"
}

fn whole(request: &SignedRequest) -> Vec<u8> {
    let framing = format!("content-length: {}\r\n", request.body.len());
    [head(request, &framing).into_bytes(), request.body.clone()].concat()
}

/// A reply: status, head, and the body with its framing.
#[derive(Debug)]
struct Reply {
    status: u16,
    text: String,
}

/// Reads until the peer closes or a whole chunked or sized body has arrived.
async fn read_reply(socket: &mut TcpStream) -> Option<Reply> {
    let mut bytes = Vec::new();
    let read = async {
        let mut buffer = [0; 4096];
        while let Ok(n) = socket.read(&mut buffer).await {
            bytes.extend_from_slice(&buffer[..n]);
            if n == 0 || is_whole(&bytes) {
                break;
            }
        }
    };
    timeout(SOON, read).await.unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some(Reply { status, text })
}

fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    if head.contains("transfer-encoding: chunked") {
        return body.ends_with("0\r\n\r\n");
    }
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    length.is_some_and(|length| body.len() >= length.parse::<usize>().unwrap())
}

async fn connect_from(stand: &Stand, host: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, host], 0))).unwrap();
    socket.connect(stand.axon.address()).await.unwrap()
}

async fn exchange(stand: &Stand, bytes: &[u8]) -> Option<Reply> {
    let mut socket = connect_from(stand, 1).await;
    // A peer that refuses early may close before everything is written.
    let _ = socket.write_all(bytes).await;
    read_reply(&mut socket).await
}

async fn status(stand: &Stand, bytes: &[u8]) -> u16 {
    exchange(stand, bytes).await.map_or(0, |reply| reply.status)
}

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
async fn heads_that_are_too_large_or_ambiguous_are_refused() {
    let stand = open_stand(AxonLimits::default());
    let request = signed("alice", "x");
    let length = format!("content-length: {}\r\n", request.body.len());
    let flood = "x-flood: y\r\n".repeat(200);
    let table = [
        ("a long line", format!("{length}x-long: {}\r\n", "y".repeat(40_000)), 431),
        ("many lines", format!("{length}{flood}"), 431),
        ("two lengths", format!("{length}{length}"), 400),
        ("length and chunks", format!("{length}transfer-encoding: chunked\r\n"), 400),
        ("two encodings", "transfer-encoding: gzip, chunked\r\n".to_owned(), 400),
        ("a signed length", "content-length: +5\r\n".to_owned(), 400),
        ("a space before the colon", format!("{length}x-odd : y\r\n"), 400),
        ("a folded line", format!("{length}x-odd: y\r\n z\r\n"), 400),
    ];
    for (what, framing, expected) in table {
        let bytes = [head(&request, &framing).into_bytes(), request.body.clone()].concat();
        assert_eq!(status(&stand, &bytes).await, expected, "{what}");
    }
    assert_eq!(status(&stand, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await, 400, "TLS");
    // None of them has used up the nonce.
    assert_eq!(status(&stand, &whole(&request)).await, 200);
}

#[actix::test]
async fn an_endless_head_is_cut_off_while_it_comes() {
    let stand = open_stand(AxonLimits::default());
    let mut socket = connect_from(&stand, 1).await;
    socket.write_all(b"POST /StreamPromptingSynapse HTTP/1.1\r\nhost: axon\r\n").await.unwrap();
    let flood = async {
        // Ends when the axon stops reading.
        while socket.write_all(&[b'a'; 4096]).await.is_ok() {}
    };
    timeout(SOON, flood).await.unwrap();
    assert_eq!(status(&stand, &whole(&signed("alice", "x"))).await, 200);
}

#[actix::test]
async fn slow_heads_get_a_408_on_a_new_and_on_a_kept_connection() {
    let stand = open_stand(AxonLimits::default());
    let mut silent = connect_from(&stand, 1).await;
    let mut dripping = connect_from(&stand, 1).await;
    dripping.write_all(b"POST /Stream").await.unwrap();
    let mut kept = connect_from(&stand, 1).await;
    kept.write_all(&whole(&signed("alice", "first"))).await.unwrap();
    assert_eq!(read_reply(&mut kept).await.unwrap().status, 200);
    kept.write_all(b"POST /Stream").await.unwrap();
    for (what, socket) in
        [("silent", &mut silent), ("dripping", &mut dripping), ("kept", &mut kept)]
    {
        assert_eq!(read_reply(socket).await.unwrap().status, 408, "{what}");
    }
}

#[actix::test]
async fn bodies_are_bounded_whatever_their_framing() {
    let limits = AxonLimits { max_body_bytes: 4096, ..AxonLimits::default() };
    let stand = open_stand(limits);
    let request = signed("alice", "x");
    let huge = head(&request, "content-length: 104857600\r\n");
    assert_eq!(status(&stand, huge.as_bytes()).await, 413, "stated");
    let request = signed("alice", "x");
    let mut chunked = head(&request, "transfer-encoding: chunked\r\n").into_bytes();
    for _ in 0..64 {
        chunked.extend_from_slice(format!("400\r\n{}\r\n", "z".repeat(1024)).as_bytes());
    }
    assert_eq!(status(&stand, &chunked).await, 413, "chunked");
    // A chunked body of an honest size is read.
    let request = signed("alice", "in pieces");
    let mut chunked = head(&request, "transfer-encoding: chunked\r\n").into_bytes();
    for piece in request.body.chunks(100) {
        chunked.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        chunked.extend_from_slice(piece);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(status(&stand, &chunked).await, 200);
}

/// Reads until the axon closes.
async fn read_to_end(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(SOON, socket.read_to_end(&mut bytes)).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[actix::test]
async fn a_refused_body_that_never_comes_holds_no_connection() {
    let stand = open_stand(AxonLimits::default());
    for framing in ["transfer-encoding: chunked\r\n", "content-length: 9\r\n"] {
        let mut socket = connect_from(&stand, 1).await;
        let head = format!("POST /x HTTP/1.1\r\nhost: axon\r\n{framing}\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        let said = read_to_end(&mut socket).await;
        assert!(
            said.starts_with("HTTP/1.1 404") && said.matches("HTTP/1.1").count() == 1,
            "{said}"
        );
    }
}

#[actix::test]
async fn a_connection_goes_on_after_a_refusal_whose_body_was_there() {
    let stand = open_stand(AxonLimits::default());
    let mut socket = connect_from(&stand, 1).await;
    let long = "long ".repeat(20_000);
    for (role, message, expected) in [
        ("alice", "x", 200),
        ("unloved", "x", 403),
        ("alice", long.as_str(), 200),
        ("bob", "y", 200),
    ] {
        socket.write_all(&whole(&signed(role, message))).await.unwrap();
        assert_eq!(read_reply(&mut socket).await.unwrap().status, expected, "{role}");
    }
}

#[actix::test]
async fn what_comes_during_an_answer_waits_and_is_answered_after_it() {
    let mut stand = stand(AxonLimits::default(), AxonRules::default());
    let mut socket = connect_from(&stand, 1).await;
    let first = whole(&signed("alice", "first"));
    let second = whole(&signed("bob", "second"));
    socket.write_all(&[first, second].concat()).await.unwrap();
    assert_eq!(timeout(SOON, stand.seen.recv()).await.unwrap().unwrap(), "first");
    stand.go.add_permits(2);
    for message in ["first", "second"] {
        let reply = async {
            let mut bytes = Vec::new();
            while !String::from_utf8_lossy(&bytes).ends_with("0\r\n\r\n") {
                let mut byte = [0];
                socket.read_exact(&mut byte).await.unwrap();
                bytes.extend_from_slice(&byte);
            }
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let reply = timeout(SOON, reply).await.unwrap();
        assert!(reply.starts_with("HTTP/1.1 200") && reply.contains(message), "{reply}");
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
async fn a_compressed_body_is_not_unpacked() {
    let stand = open_stand(AxonLimits::default());
    let request = signed("alice", "x");
    // The start of a gzip stream.
    let body = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let framing = format!("content-encoding: gzip\r\ncontent-length: {}\r\n", body.len());
    let bytes = [head(&request, &framing).into_bytes(), body.to_vec()].concat();
    assert_eq!(status(&stand, &bytes).await, 400);
}

#[actix::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let stand = open_stand(AxonLimits::default());
    let request = signed("alice", "x");
    let mut socket = connect_from(&stand, 1).await;
    let framing = format!("content-length: {}\r\n", request.body.len());
    socket.write_all(head(&request, &framing).as_bytes()).await.unwrap();
    socket.write_all(&request.body[..10]).await.unwrap();
    assert_eq!(read_reply(&mut socket).await.unwrap().status, 408);
}

#[actix::test]
async fn an_address_has_its_rate_and_another_address_has_its_own() {
    let limits = AxonLimits {
        address_requests_per_second: 1.0,
        address_burst: 5.0,
        ..AxonLimits::default()
    };
    let stand = open_stand(limits);
    let mut statuses = Vec::new();
    for _ in 0..40 {
        statuses.push(status(&stand, &whole(&signed("alice", "x"))).await);
    }
    // The first answer makes the address a known one.
    assert_eq!(statuses[..3], [200; 3]);
    assert!(statuses.contains(&429), "{statuses:?}");
    let mut other = connect_from(&stand, 2).await;
    other.write_all(&whole(&signed("alice", "x"))).await.unwrap();
    assert_eq!(read_reply(&mut other).await.unwrap().status, 200);
}

#[actix::test]
async fn forged_signatures_cost_their_address_and_nobody_else() {
    let limits = AxonLimits { address_requests_per_second: 5.0, ..AxonLimits::default() };
    let stand = open_stand(limits);
    let mut statuses = Vec::new();
    for _ in 0..30 {
        let mut forged = signed("alice", "x");
        let signature =
            forged.headers.iter_mut().find(|(name, _)| name.ends_with("dendrite_signature"));
        signature.unwrap().1 = format!("0x{}", "17".repeat(64));
        let mut socket = connect_from(&stand, 9).await;
        socket.write_all(&whole(&forged)).await.unwrap();
        statuses.push(read_reply(&mut socket).await.map_or(0, |reply| reply.status));
    }
    assert_eq!(statuses[0], 401);
    assert_eq!(statuses.last(), Some(&0), "connections are closed unanswered: {statuses:?}");
    // Alice, in whose name the requests came, is still served.
    assert_eq!(status(&stand, &whole(&signed("alice", "x"))).await, 200);
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
