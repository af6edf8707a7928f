//! The dendrite against peers that follow scripts: slow, silent, endless, oversized, garbled,
//! closing and resetting ones. Also the reuse of connections.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "dendrite/peer.rs"]
mod peer;
#[path = "dendrite/vectors.rs"]
mod vectors;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use peer::{Peer, Script, Step, say};
use sn1::chain::{AxonInfo, Uid};
use sn1::synapse::SDK_VERSION;
use sn1::wallet::Keypair;
use sn1_actors::dendrite::{Deadlines, Dendrite, DendriteLimits, DendriteSettings};
use sn1_actors::messages::miners::{Answer, AskMiners, ProgressEvent, Target};
use sn1_actors::supervision::{ChildSpec, Recipient, Root, RootExit, Slot};
use tokio::sync::mpsc;

/// The timeout in tests whose deadlines are shares of it.
const SOON: Duration = Duration::from_secs(60);
/// A timeout that no test reaches.
const LONG: Duration = Duration::from_secs(20);
/// The timeout for miners that use all of it; everything before it arrives in time on any machine.
const SHORT: Duration = Duration::from_secs(4);

const OK: &str = "HTTP/1.1 200 OK\r\nbt_header_axon_status_code: 200\r\n";
const CHUNKED: &str = "transfer-encoding: chunked\r\n\r\n";

/// A head that announces chunks.
fn chunked_head() -> String {
    format!("{OK}{CHUNKED}")
}

fn http_chunk(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// A whole good reply of these chunks.
fn good(chunks: &[&str]) -> Vec<u8> {
    let chunks = chunks.iter().flat_map(http_chunk);
    [chunked_head().into_bytes(), chunks.collect(), b"0\r\n\r\n".to_vec()].concat()
}

struct Asker {
    root: Root,
    dendrite: Recipient<AskMiners>,
}

impl Asker {
    fn start(change: impl FnOnce(&mut DendriteSettings)) -> Self {
        let mut settings = DendriteSettings {
            hotkey: Keypair::from_dev_path("//dendrite-test").unwrap(),
            external_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            allow_local_addresses: true,
            limits: DendriteLimits::default(),
        };
        change(&mut settings);
        let slot = Slot::new("Dendrite");
        let child = ChildSpec::new(&slot, move || Dendrite::new(settings.clone()));
        let (watchers, _) = mpsc::unbounded_channel();
        Self { root: Root::start("Node", vec![child], watchers), dendrite: slot.recipient() }
    }

    async fn open(&self, ask: AskMiners) -> mpsc::Receiver<Answer> {
        self.dendrite.ask_again(ask, LONG).await.unwrap()
    }

    /// The answers of these addresses, in the same order.
    async fn ask_at(&self, addresses: &[SocketAddr], timeout: Duration) -> Vec<Answer> {
        let mut receiver = self.open(question(addresses, timeout)).await;
        let mut answers = Vec::new();
        while let Some(answer) = receiver.recv().await {
            answers.push(answer);
        }
        assert_eq!(answers.len(), addresses.len());
        answers.sort_by_key(|answer| answer.target.uid);
        answers
    }

    async fn ask(&self, peers: &[&Peer], timeout: Duration) -> Vec<Answer> {
        let addresses: Vec<_> = peers.iter().map(|peer| peer.address).collect();
        self.ask_at(&addresses, timeout).await
    }

    /// The same; each peer is notified once the first part of its text has been read.
    async fn ask_and_say_what_is_read(&self, peers: &[Peer], timeout: Duration) -> Vec<Answer> {
        let addresses: Vec<_> = peers.iter().map(|peer| peer.address).collect();
        let (progress, mut read) = mpsc::unbounded_channel();
        let ask = AskMiners { progress: Some(progress), ..question(&addresses, timeout) };
        let (mut receiver, mut answers) = (self.open(ask).await, Vec::new());
        loop {
            tokio::select! {
                Some(progress) = read.recv() => {
                    if matches!(progress.event, ProgressEvent::Chunk { .. }) {
                        peers[usize::from(progress.target.uid.0)].say_it_was_read();
                    }
                }
                answer = receiver.recv() => match answer {
                    Some(answer) => answers.push(answer),
                    None => break,
                },
            }
        }
        assert_eq!(answers.len(), peers.len());
        answers.sort_by_key(|answer| answer.target.uid);
        answers
    }

    async fn ask_one(&self, peer: &Peer) -> Answer {
        self.ask(&[peer], LONG).await.remove(0)
    }

    async fn stop(self) {
        assert_eq!(self.root.stop().await, RootExit::Stopped);
    }
}

fn question(addresses: &[SocketAddr], timeout: Duration) -> AskMiners {
    let target = |(uid, address): (u16, &SocketAddr)| Target {
        uid: Uid(uid),
        hotkey: Keypair::from_dev_path(&format!("//miner{uid}")).unwrap().account_id(),
        axon: AxonInfo::for_address(*address, SDK_VERSION),
    };
    AskMiners {
        targets: (0..).zip(addresses).map(target).collect(),
        roles: vec!["user".to_owned()],
        messages: vec!["Why?".to_owned()],
        timeout,
        progress: None,
    }
}

/// A name, what the peer does after it has read the request, and the status and text that result.
type Case = (&'static str, Script, Option<u16>, &'static str);

async fn check(cases: Vec<Case>, timeout: Duration, change: impl FnOnce(&mut DendriteSettings)) {
    let script = |(_, steps, ..): &Case| [vec![Step::Read], steps.clone()].concat();
    let peers: Vec<_> = cases.iter().map(|case| Peer::start(vec![script(case)])).collect();
    let asker = Asker::start(change);
    let answers = asker.ask_and_say_what_is_read(&peers, timeout).await;
    for ((name, _, status, text), answer) in cases.into_iter().zip(answers) {
        let outcome = answer.outcome;
        assert_eq!((outcome.status_code, outcome.completion.as_str()), (status, text), "{name}");
        assert_eq!(outcome.process_time.is_some(), status == Some(200), "{name}");
    }
    assert!(peers.iter().all(|peer| peer.seen().len() == 1), "nobody was asked twice");
    asker.stop().await;
}

#[actix::test]
async fn good_replies_in_every_framing_are_read() {
    let until_close = |version: &str| {
        vec![say(format!("{version} 200 OK\r\nbt_header_axon_status_code: 200\r\n\r\nHello"))]
    };
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n";
    let packed = [
        format!("{OK}content-encoding: gzip\r\ncontent-length: 25\r\n\r\n").as_bytes(),
        b"\x1f\x8b\x08\0\0\0\0\0\x02\xff\xf3H\xcd\xc9\xc9\x07\0\x82\x89\xd1\xf7\x05\0\0\0",
    ]
    .concat();
    let bee = "🐝".as_bytes();
    let split = [
        vec![say(chunked_head()), say(http_chunk(&bee[..1]))],
        vec![
            Step::Pause(Duration::from_millis(20)),
            say(http_chunk(&bee[1..])),
            say("0\r\n\r\n"),
            Step::Hold,
        ],
    ];
    let cases = vec![
        ("chunked", vec![say(good(&["Hello ", "world"])), Step::Hold], Some(200), "Hello world"),
        ("empty", vec![say(good(&[])), Step::Hold], Some(200), ""),
        (
            "with a length",
            vec![say(format!("{OK}content-length: 5\r\n\r\nHello")), Step::Hold],
            Some(200),
            "Hello",
        ),
        ("until the end", until_close("HTTP/1.1"), Some(200), "Hello"),
        ("of HTTP/1.0", until_close("HTTP/1.0"), Some(200), "Hello"),
        ("after others", vec![say(interim), say(good(&["Hi"])), Step::Hold], Some(200), "Hi"),
        (
            "with trailers",
            vec![say(chunked_head()), say("2\r\nHi\r\n0\r\nx-end: yes\r\n\r\n"), Step::Hold],
            Some(200),
            "Hi",
        ),
        ("split inside a character", split.concat(), Some(200), "🐝"),
        ("packed", vec![say(packed), Step::Hold], Some(200), "Hello"),
    ];
    check(cases, LONG, |_| {}).await;
}

#[actix::test]
async fn a_refusal_is_never_an_answer() {
    let refusal = "HTTP/1.1 401 Unauthorized\r\nbt_header_axon_status_code: 401\r\n";
    let disguised = "HTTP/1.1 200 OK\r\nbt_header_axon_status_code: 500\r\n";
    let json = r#"{"message":"Not Verified"}"#;
    let body = format!("content-length: {}\r\n\r\n{json}", json.len());
    let answers = |head: &str| vec![say(format!("{head}{body}")), Step::Hold];
    let endless = vec![
        say(format!("{refusal}{CHUNKED}")),
        Step::Repeat(http_chunk([b'x'; 1000]), Duration::ZERO),
    ];
    let cases: Vec<Case> = vec![
        ("refused", answers(refusal), Some(401), ""),
        ("refused in the header only", answers(disguised), Some(500), ""),
        ("refused in the status line only", answers("HTTP/1.1 503 Busy\r\n"), Some(503), ""),
        ("refused without end", endless, Some(401), ""),
    ];
    let script = |(_, steps, ..): &Case| [vec![Step::Read], steps.clone()].concat();
    let peers: Vec<_> = cases.iter().map(|case| Peer::start(vec![script(case)])).collect();
    let asker = Asker::start(|_| {});
    let answers = asker.ask(&peers.iter().collect::<Vec<_>>(), LONG).await;
    for ((name, _, status, text), answer) in cases.into_iter().zip(answers) {
        assert_eq!(answer.outcome.status_code, status, "{name}");
        assert_eq!(answer.outcome.completion, text, "{name}");
        assert!(answer.chunks.is_empty(), "{name}");
    }
    asker.stop().await;
}

#[actix::test]
async fn replies_that_break_off_or_are_garbled_have_the_codes_of_the_sdk() {
    let begun = |then: Vec<Step>| {
        let begin = vec![say(chunked_head()), say(http_chunk("Hello "))];
        [begin, vec![Step::UntilRead], then].concat()
    };
    let long_line = format!("x-long: {}\r\n", "x".repeat(9000));
    let many_lines: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    let gzip = format!("{OK}content-encoding: gzip\r\n{CHUNKED}");
    let cases = vec![
        ("closes at once", vec![], Some(503), ""),
        ("closes inside the head", vec![say(OK)], Some(503), ""),
        ("resets at once", vec![Step::Reset], Some(422), ""),
        ("closes inside the text", begun(vec![]), Some(400), "Hello "),
        ("resets inside the text", begun(vec![Step::Reset]), Some(400), "Hello "),
        ("closes inside a chunk", begun(vec![say("9\r\nwor")]), Some(400), "Hello wor"),
        (
            "ends before its length",
            vec![say(format!("{OK}content-length: 50\r\n\r\nHello"))],
            Some(400),
            "Hello",
        ),
        ("has a bad chunk size", begun(vec![say("zz\r\nx\r\n"), Step::Hold]), Some(408), "Hello "),
        ("is no text", begun(vec![say(http_chunk(b"\xff\xfe")), Step::Hold]), Some(422), "Hello "),
        (
            "ends inside a character",
            begun(vec![say(http_chunk(&"é".as_bytes()[..1])), say("0\r\n\r\n"), Step::Hold]),
            Some(422),
            "Hello ",
        ),
        (
            "is not packed as it says",
            vec![say(gzip), say(http_chunk(b"plain")), say("0\r\n\r\n"), Step::Hold],
            Some(400),
            "",
        ),
        (
            "has a bad chunk size at once",
            vec![say(format!("{OK}{CHUNKED}2\r\nHi\r\nzz\r\n")), Step::Hold],
            Some(400),
            "",
        ),
        ("is no HTTP", vec![say("SSH-2.0-OpenSSH_9.6\r\n\r\n"), Step::Hold], Some(400), ""),
        (
            "has a long line in its head",
            vec![say(format!("{OK}{long_line}{CHUNKED}")), Step::Hold],
            Some(400),
            "",
        ),
        (
            "has many lines in its head",
            vec![say(format!("{OK}{many_lines}{CHUNKED}")), Step::Hold],
            Some(400),
            "",
        ),
        (
            "has a head without end",
            vec![
                say(OK),
                Step::Repeat(b"x-more: xxxxxxxxxxxxxxxxxxxxxxxx\r\n".repeat(100), Duration::ZERO),
            ],
            Some(400),
            "",
        ),
        (
            "has a number that is none",
            vec![say(format!("{OK}total_size: 1.5\r\n{CHUNKED}0\r\n\r\n")), Step::Hold],
            Some(422),
            "",
        ),
    ];
    check(cases, LONG, |_| {}).await;
}

#[actix::test]
async fn an_answer_beyond_the_limits_is_cut_off() {
    let endless = |bytes: &[u8], pause: Duration| {
        vec![say(chunked_head()), Step::Repeat(http_chunk(bytes), pause)]
    };
    let cases = [
        ("too many bytes", endless(&[b'x'; 4000], Duration::ZERO)),
        ("too many chunks", endless(b"x", Duration::from_millis(1))),
    ];
    let peers: Vec<_> = cases
        .iter()
        .map(|(_, steps)| Peer::start(vec![[vec![Step::Read], steps.clone()].concat()]))
        .collect();
    let asker = Asker::start(|settings| {
        settings.limits.max_answer_bytes = 10_000;
        settings.limits.max_chunks = 20;
    });
    let answers = asker.ask(&peers.iter().collect::<Vec<_>>(), LONG).await;
    for ((name, _), answer) in cases.iter().zip(answers) {
        assert_eq!(answer.outcome.status_code, Some(422), "{name}");
        let n_bytes: usize = answer.chunks.iter().map(|(text, _)| text.len()).sum();
        assert!(n_bytes <= 10_000 && answer.chunks.len() <= 20, "{name}");
    }
    asker.stop().await;
}

#[actix::test]
async fn each_deadline_ends_its_part_and_what_came_is_kept() {
    let drip = Duration::from_millis(10);
    let cases = || {
        vec![
            ("no head", vec![Step::Hold], Some(408), ""),
            (
                "a slow head",
                vec![say("HTTP/1.1 200 OK\r\nx: "), Step::Repeat(b"y".to_vec(), drip)],
                Some(408),
                "",
            ),
            (
                "silence",
                vec![say(chunked_head()), say(http_chunk("Hello")), Step::Hold],
                Some(408),
                "Hello",
            ),
        ]
    };
    // First under the total timeout, then under each deadline of its own, far from the total.
    check(cases(), SHORT, |_| {}).await;
    let deadlines = Deadlines { connect: 0.05, head: 0.05, idle: 0.05 };
    check(cases(), SOON, |settings| settings.limits.deadlines = deadlines).await;
}

#[actix::test]
async fn a_miner_that_never_pauses_long_is_ended_by_the_total() {
    let drip = Step::Repeat(http_chunk("w "), Duration::from_millis(10));
    let peer = Peer::start(vec![vec![Step::Read, say(chunked_head()), drip]]);
    let asker = Asker::start(|settings| {
        settings.limits.deadlines = Deadlines { connect: 1.0, head: 1.0, idle: 0.5 };
    });
    let answer = asker.ask(&[&peer], SHORT).await.remove(0);
    assert_eq!(answer.outcome.status_code, Some(408));
    assert_eq!(answer.outcome.status_message.as_deref(), Some("Request timeout after 4.0 seconds"));
    assert!(answer.outcome.completion.starts_with("w w "));
    assert!(answer.chunks.is_sorted_by(|(_, a), (_, b)| a <= b), "times rise");
    asker.stop().await;
}

#[actix::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Peer::start(vec![vec![Step::Read, say(good(&["here"]))]]);
    let head = format!(
        "HTTP/1.1 307 Go\r\nlocation: http://{}/\r\ncontent-length: 0\r\n\r\n",
        elsewhere.address
    );
    let peer = Peer::start(vec![vec![Step::Read, say(head), Step::Hold]]);
    let asker = Asker::start(|_| {});
    let answer = asker.ask_one(&peer).await;
    assert_eq!((answer.outcome.status_code, answer.http_status), (Some(422), Some(307)));
    assert!(elsewhere.seen().is_empty());
    asker.stop().await;
}

#[actix::test]
async fn a_request_says_what_the_wire_asks_for_and_wishes_no_compression() {
    let peer = Peer::start(vec![vec![Step::Read, say(good(&["Hi"])), Step::Hold]]);
    let asker = Asker::start(|_| {});
    asker.ask_one(&peer).await;
    let seen = peer.seen().remove(0);
    assert_eq!(seen.head[0], "POST /StreamPromptingSynapse HTTP/1.1");
    assert_eq!(seen.header("host"), Some(peer.address.to_string().as_str()));
    assert_eq!(seen.header("accept-encoding"), Some("identity"));
    assert_eq!(seen.header("timeout"), Some("20.0"));
    for absent in ["cookie", "transfer-encoding", "expect", "authorization"] {
        assert_eq!(seen.header(absent), None);
    }
    let uuid = seen.header("bt_header_dendrite_uuid").unwrap();
    assert_eq!(uuid.as_bytes()[14], b'4', "a uuid of version 4");
    let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(body["messages"][0], "Why?");
    asker.stop().await;
}

#[actix::test]
async fn what_one_read_brings_is_one_chunk() {
    let peer = Peer::start(vec![vec![Step::Read, say(good(&["a", "b", "c"])), Step::Hold]]);
    let asker = Asker::start(|_| {});
    let answer = asker.ask_one(&peer).await;
    let chunks: Vec<_> = answer.chunks.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(chunks, ["abc"]);
    asker.stop().await;
}

#[actix::test]
async fn heads_and_chunks_are_told_of_before_the_answer() {
    let peer = Peer::start(vec![vec![
        Step::Read,
        say(chunked_head()),
        say(http_chunk("Hello")),
        Step::Hold,
    ]]);
    let asker = Asker::start(|_| {});
    let (progress, mut told) = mpsc::unbounded_channel();
    let ask = AskMiners { progress: Some(progress), ..question(&[peer.address], LONG) };
    let receiver = asker.open(ask).await;
    let head = told.recv().await.unwrap();
    assert!(matches!(head.event, ProgressEvent::Head { http_status: 200, .. }));
    assert_eq!(head.target.uid, Uid(0));
    let chunk = told.recv().await.unwrap().event;
    assert!(matches!(chunk, ProgressEvent::Chunk { text, .. } if text == "Hello"));
    drop(receiver);
    assert!(told.recv().await.is_none(), "the stream ends with its asker");
    asker.stop().await;
}

/// Two requests on one connection, then these steps.
fn twice(then: Vec<Step>) -> Script {
    [vec![Step::Read, say(good(&["one"])), Step::Read], then].concat()
}

#[actix::test]
async fn a_connection_serves_again_with_a_new_nonce() {
    let peer = Peer::start(vec![twice(vec![say(good(&["two"])), Step::Hold])]);
    let asker = Asker::start(|_| {});
    assert_eq!(asker.ask_one(&peer).await.outcome.completion, "one");
    assert_eq!(asker.ask_one(&peer).await.outcome.completion, "two");
    let seen = peer.seen();
    assert_eq!(seen.iter().map(|seen| seen.connection_idx).collect::<Vec<_>>(), [0, 0]);
    assert!(seen[0].nonce() < seen[1].nonce());
    let uuid = |idx: usize| seen[idx].header("bt_header_dendrite_uuid").map(str::to_owned);
    assert_eq!(uuid(0), uuid(1), "the same lane");
    asker.stop().await;
}

#[actix::test]
async fn a_connection_is_not_used_again_after_a_reply_that_forbids_it() {
    let closing = format!("{OK}connection: close\r\ncontent-length: 3\r\n\r\none");
    let old = "HTTP/1.0 200 OK\r\nbt_header_axon_status_code: 200\r\ncontent-length: 3\r\n\r\none";
    let extra = [good(&["one"]), b"HTTP/1.1 200 OK\r\n".to_vec()].concat();
    for (name, reply) in
        [("close", closing.into_bytes()), ("HTTP/1.0", old.into()), ("unasked-for bytes", extra)]
    {
        let first = vec![Step::Read, say(reply), Step::Hold];
        let peer = Peer::start(vec![first, vec![Step::Read, say(good(&["two"])), Step::Hold]]);
        let asker = Asker::start(|_| {});
        assert_eq!(asker.ask_one(&peer).await.outcome.completion, "one", "{name}");
        assert_eq!(asker.ask_one(&peer).await.outcome.completion, "two", "{name}");
        let connections: Vec<_> = peer.seen().iter().map(|seen| seen.connection_idx).collect();
        assert_eq!(connections, [0, 1], "{name}");
        asker.stop().await;
    }
}

#[actix::test]
async fn a_connection_that_was_closed_between_two_questions_costs_nothing() {
    let peer = Peer::start(vec![
        vec![Step::Read, say(good(&["one"]))],
        vec![Step::Read, say(good(&["two"])), Step::Hold],
    ]);
    let asker = Asker::start(|_| {});
    assert_eq!(asker.ask_one(&peer).await.outcome.completion, "one");
    assert_eq!(asker.ask_one(&peer).await.outcome.completion, "two");
    let seen = peer.seen();
    assert_eq!(seen.iter().map(|seen| seen.connection_idx).collect::<Vec<_>>(), [0, 1]);
    assert!(seen[0].nonce() < seen[1].nonce());
    asker.stop().await;
}

#[actix::test]
async fn an_accepted_request_is_never_delivered_twice() {
    for (name, ending, status) in [("closes", vec![], 503), ("resets", vec![Step::Reset], 422)] {
        let peer = Peer::start(vec![
            twice(ending),
            vec![Step::Read, say(good(&["a second delivery"])), Step::Hold],
        ]);
        let asker = Asker::start(|_| {});
        assert_eq!(asker.ask_one(&peer).await.outcome.completion, "one", "{name}");
        let answer = asker.ask_one(&peer).await;
        assert_eq!(answer.outcome.status_code, Some(status), "{name}");
        assert_eq!(peer.seen().len(), 2, "{name}");
        asker.stop().await;
    }
}

#[actix::test]
async fn questions_at_once_go_by_lanes_of_their_own() {
    let hold = vec![Step::Read, say(chunked_head()), Step::Hold];
    let peer = Peer::start(vec![hold, twice(vec![say(good(&["two"])), Step::Hold])]);
    let asker = Asker::start(|_| {});
    let (progress, mut told) = mpsc::unbounded_channel();
    let ask = AskMiners { progress: Some(progress), ..question(&[peer.address], LONG) };
    let first = asker.open(ask).await;
    told.recv().await.unwrap();
    asker.ask_one(&peer).await;
    drop(first);
    while told.recv().await.is_some() {}
    asker.ask_one(&peer).await;
    let uuids: Vec<_> = peer
        .seen()
        .iter()
        .map(|seen| seen.header("bt_header_dendrite_uuid").unwrap().to_owned())
        .collect();
    assert_ne!(uuids[0], uuids[1], "two on their way at once");
    assert_eq!(uuids[0], uuids[2], "the first lane is free again");
    asker.stop().await;
}

#[actix::test]
async fn axons_on_ipv6_are_asked() {
    let Ok(listener) = TcpListener::bind("[::1]:0") else {
        eprintln!("skipped: this machine has no IPv6 loopback");
        return;
    };
    let peer = Peer::listen(listener, vec![vec![Step::Read, say(good(&["six"])), Step::Hold]]);
    let asker = Asker::start(|_| {});
    assert_eq!(asker.ask_one(&peer).await.outcome.completion, "six");
    let host = format!("[::1]:{}", peer.address.port());
    assert_eq!(peer.seen()[0].header("host"), Some(host.as_str()));
    assert_eq!(peer.seen()[0].header("bt_header_axon_ip"), Some("::1"));
    asker.stop().await;
}

#[actix::test]
async fn addresses_that_are_not_public_are_not_dialled() {
    let peer = Peer::start(vec![vec![Step::Read, say(good(&["a trap"]))]]);
    let port = peer.address.port();
    let addresses: Vec<SocketAddr> =
        vec![peer.address, format!("[::ffff:127.0.0.1]:{port}").parse().unwrap()];
    let asker = Asker::start(|settings| settings.allow_local_addresses = false);
    for answer in asker.ask_at(&addresses, LONG).await {
        assert_eq!(answer.outcome.status_code, Some(503));
        assert_eq!(answer.http_status, None);
    }
    assert!(peer.seen().is_empty());
    asker.stop().await;
}

#[actix::test]
async fn limits_that_make_no_sense_are_refused() {
    let settings = |limits| DendriteSettings {
        hotkey: Keypair::from_dev_path("//dendrite-test").unwrap(),
        external_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        allow_local_addresses: true,
        limits,
    };
    let good = DendriteLimits::default();
    assert!(Dendrite::new(settings(good)).is_ok());
    let deadlines = Deadlines { head: 1.5, ..good.deadlines };
    assert!(Dendrite::new(settings(DendriteLimits { deadlines, ..good })).is_err());
    assert!(Dendrite::new(settings(DendriteLimits { max_head_bytes: 100, ..good })).is_err());
}
