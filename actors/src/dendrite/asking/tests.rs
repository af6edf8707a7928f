use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use sn1::chain::{AxonInfo, Uid};
use sn1::synapse::SDK_VERSION;
use sn1::wallet::{AccountId, Keypair};

use super::*;
use crate::dendrite::DendriteLimits;
use crate::dendrite::pool::Idle;

const LONG: Duration = Duration::from_secs(20);
const MINER: AccountId = AccountId([7; 32]);

fn shared() -> Rc<Shared> {
    let settings = DendriteSettings {
        hotkey: Keypair::from_dev_path("//retry-test").unwrap(),
        external_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        allow_local_addresses: true,
        limits: DendriteLimits::default(),
    };
    Rc::new(Shared::new(settings))
}

fn question() -> Arc<Question> {
    let (roles, messages) = (vec!["user".to_owned()], vec!["Why?".to_owned()]);
    Arc::new(Question::new(&shared().settings, roles, messages, LONG))
}

/// A connection as the pool keeps it, and the peer's end of it.
fn idle(listener: &TcpListener) -> (Idle, TcpStream) {
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream.set_nonblocking(true).unwrap();
    let (peer, _) = listener.accept().unwrap();
    (Idle { stream, round_trip: Duration::ZERO }, peer)
}

/// Reads one whole request and returns its length in bytes.
fn read_request(stream: &TcpStream) -> usize {
    let mut reader = BufReader::new(stream);
    let (mut n_head, mut n_body) = (0, 0);
    loop {
        let mut line = String::new();
        n_head += reader.read_line(&mut line).unwrap();
        if let Some(length) = line.strip_prefix("content-length: ") {
            n_body = length.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    reader.read_exact(&mut vec![0; n_body]).unwrap();
    n_head + n_body
}

/// Answers one request on the next connection and returns its length in bytes.
fn serve_one(listener: TcpListener) -> JoinHandle<usize> {
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let n_bytes = read_request(&stream);
        let reply = "HTTP/1.1 200 OK\r\nbt_header_axon_status_code: 200\r\ncontent-length: 2\r\n";
        stream.write_all(format!("{reply}\r\nHi").as_bytes()).unwrap();
        n_bytes
    })
}

async fn ask(shared: Rc<Shared>, listening: std::net::SocketAddr) -> Answer {
    let (sender, mut answers) = mpsc::channel(1);
    let axon = AxonInfo::for_address(listening, SDK_VERSION);
    let ask = AskMiners {
        targets: vec![Target { uid: Uid(0), hotkey: MINER, axon }],
        roles: vec!["user".to_owned()],
        messages: vec!["Why?".to_owned()],
        timeout: LONG,
        progress: None,
    };
    ask_all(shared, ask, sender).await;
    answers.recv().await.unwrap()
}

#[actix::test]
async fn a_request_that_could_not_be_sent_on_an_old_connection_goes_over_a_new_one() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (old, mut peer) = idle(&listener);
    // It looks alive, but accepts no more bytes.
    old.stream.shutdown(Shutdown::Write).unwrap();
    let shared = shared();
    shared.pool.borrow_mut().keep(address, old, Instant::now());
    let served = serve_one(listener);
    let answer = ask(shared, address).await;
    assert_eq!(answer.outcome.completion, "Hi");
    assert!(served.join().unwrap() > 0);
    let mut first_delivery = Vec::new();
    peer.read_to_end(&mut first_delivery).unwrap();
    assert!(first_delivery.is_empty(), "nothing was sent twice");
}

async fn exchange(connection: Connection, address: std::net::SocketAddr) -> Fate {
    let lane = Lane::to(MINER);
    let addressee = Addressee { axon: MINER, address, uuid: Arc::clone(lane.uuid()) };
    let request = sign_all(&question(), vec![addressee]).remove(0).signed().await.unwrap();
    let limits = DendriteLimits::default();
    let clock = Clock::start(LONG, limits.deadlines);
    let axon = AxonInfo::for_address(address, SDK_VERSION);
    let mut arrived = Arrived::new(Target { uid: Uid(0), hotkey: MINER, axon }, None);
    let (limits, scratch) = (&limits, &Scratch::default());
    connection.exchange(request, Rules { limits, clock: &clock, scratch }, &mut arrived).await
}

#[actix::test]
async fn a_peer_that_had_closed_never_took_the_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (old, peer) = idle(&listener);
    drop(peer);
    let fate = exchange(Connection::reuse(old).unwrap(), listener.local_addr().unwrap()).await;
    assert!(matches!(fate, Fate::NeverTaken), "{fate:?}");
}

#[actix::test]
async fn a_new_connection_proves_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connection = Connection::open(address).await.unwrap();
    drop(listener.accept().unwrap());
    let fate = exchange(connection, address).await;
    let is_over = matches!(fate, Fate::Over(Ending::Disconnected | Ending::Reset, None));
    assert!(is_over, "{fate:?}");
}

#[actix::test]
async fn a_peer_that_read_the_request_and_closed_may_have_taken_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (old, peer) = idle(&listener);
    let reader = std::thread::spawn(move || read_request(&peer));
    let fate = exchange(Connection::reuse(old).unwrap(), address).await;
    assert!(matches!(fate, Fate::Over(Ending::Disconnected, None)), "{fate:?}");
    assert!(reader.join().unwrap() > 0);
}
