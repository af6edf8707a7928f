//! An axon to knock at: its miner, its callers, and requests over raw sockets.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sn1::synapse::body::Prompt;
use sn1::synapse::headers::{AxonAddress, RequestDraft};
use sn1::synapse::sign::{SignedRequest, sign_request};
use sn1::wallet::{AccountId, Keypair};
use sn1_actors::axon::{
    Answering, AxonLimits, AxonRules, AxonSettings, Caller, ChunkSink, Miner, MinerError,
    StandaloneAxon,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

/// The deadline of every wait.
pub(crate) const SOON: Duration = Duration::from_secs(60);

pub(crate) fn key(role: &str) -> Keypair {
    Keypair::from_dev_path(&format!("//axon-test//{role}")).unwrap()
}

/// Answers with the last message once it is allowed to, and reports what it sees.
pub(crate) struct Gated {
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
            match go.acquire().await {
                Ok(permit) => permit.forget(),
                Err(_) => {
                    sink.send("half").await?;
                    return Err(MinerError::Failed("closed".to_owned()));
                }
            }
            if message == "speechless" {
                return Err(MinerError::Failed("no words".to_owned()));
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

pub(crate) struct Stand {
    pub(crate) axon: StandaloneAxon,
    pub(crate) go: Arc<Semaphore>,
    pub(crate) seen: mpsc::UnboundedReceiver<String>,
    pub(crate) n_dropped: Arc<AtomicUsize>,
}

pub(crate) const MANY: usize = 1 << 20;

/// An axon whose miner answers at once.
pub(crate) fn open_stand(limits: AxonLimits) -> Stand {
    let stand = stand(limits, AxonRules::default());
    stand.go.add_permits(MANY);
    stand
}

pub(crate) fn stand(limits: AxonLimits, rules: AxonRules) -> Stand {
    stand_of(AxonSettings { limits, rules, ..AxonSettings::new("AxonServer", key("axon")) })
}

/// An axon behind proxies, whose miner answers at once.
pub(crate) fn stand_behind(proxies: &[&str], limits: AxonLimits) -> Stand {
    let trusted_proxies = proxies.iter().map(|network| network.parse().unwrap()).collect();
    let settings = AxonSettings::new("AxonServer", key("axon"));
    let stand = stand_of(AxonSettings { limits, trusted_proxies, ..settings });
    stand.go.add_permits(MANY);
    stand
}

fn stand_of(settings: AxonSettings) -> Stand {
    let (sender, seen) = mpsc::unbounded_channel();
    let (go, n_dropped) = (Arc::new(Semaphore::new(0)), Arc::default());
    let miner = Gated { go: Arc::clone(&go), seen: sender, n_dropped: Arc::clone(&n_dropped) };
    let stakes = [("alice", 5.0), ("bob", 1.0), ("carol", 50.0), ("cursed", 9.0), ("unloved", 9.0)];
    let callers: Vec<(AccountId, f64)> =
        stakes.map(|(role, stake)| (key(role).account_id(), stake)).into();
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let axon = StandaloneAxon::start(listen, settings, &callers, Arc::new(miner)).unwrap();
    Stand { axon, go, seen, n_dropped }
}

/// A request in somebody's name with a signature that is none of theirs.
pub(crate) fn forged(role: &str) -> SignedRequest {
    let mut forged = signed(role, "x");
    let mut headers = forged.headers.iter_mut();
    let signature = headers.find(|(name, _)| name.ends_with("dendrite_signature"));
    signature.unwrap().1 = format!("0x{}", "17".repeat(64));
    forged
}

/// The status of a request that is sent from this host on a connection of its own; 0 when it is
/// closed without a reply.
pub(crate) async fn status_from(stand: &Stand, host: u8, bytes: &[u8]) -> u16 {
    let mut socket = connect_from(stand, host).await;
    let _ = socket.write_all(bytes).await;
    read_reply(&mut socket).await.map_or(0, |reply| reply.status)
}

pub(crate) fn unix_ns() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(now.as_nanos()).unwrap()
}

pub(crate) fn signed(role: &str, message: &str) -> SignedRequest {
    signed_for(role, message, 8.0)
}

pub(crate) fn signed_for(role: &str, message: &str, timeout_s: f64) -> SignedRequest {
    signed_to(&key("axon"), role, message, timeout_s)
}

pub(crate) fn signed_to(
    axon: &Keypair,
    role: &str,
    message: &str,
    timeout_s: f64,
) -> SignedRequest {
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
pub(crate) fn head(request: &SignedRequest, framing: &str) -> String {
    let mut head = format!("POST {} HTTP/1.1\r\nhost: axon\r\n{framing}", request.path);
    for (name, value) in &request.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head + "\r\n"
}

pub(crate) fn whole(request: &SignedRequest) -> Vec<u8> {
    let framing = format!("content-length: {}\r\n", request.body.len());
    [head(request, &framing).into_bytes(), request.body.clone()].concat()
}

/// A reply: status, head, and the body with its framing.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) text: String,
}

/// Reads until the peer closes or a whole chunked or sized body has arrived.
pub(crate) async fn read_reply(socket: &mut TcpStream) -> Option<Reply> {
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
    let status = text.strip_prefix("HTTP/1.")?.get(2..)?.get(..3)?.parse().ok()?;
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

pub(crate) async fn connect_from(stand: &Stand, host: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, host], 0))).unwrap();
    socket.connect(stand.axon.address()).await.unwrap()
}

pub(crate) async fn exchange(stand: &Stand, bytes: &[u8]) -> Option<Reply> {
    let mut socket = connect_from(stand, 1).await;
    // A peer that refuses early may close before everything is written.
    let _ = socket.write_all(bytes).await;
    read_reply(&mut socket).await
}

pub(crate) async fn status(stand: &Stand, bytes: &[u8]) -> u16 {
    exchange(stand, bytes).await.map_or(0, |reply| reply.status)
}

/// Reads until the axon closes.
pub(crate) async fn read_to_end(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(SOON, socket.read_to_end(&mut bytes)).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
