//! A node of the chain for tests: JSON-RPC over a websocket with recorded mainnet answers, on a
//! thread of its own, and faults on demand.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use sn1::chain::AxonInfo;
use sn1::wallet::AccountId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, oneshot, watch};
use tokio_tungstenite::tungstenite::Message;

use super::ledger::{Ledger, News};

/// The number of the recorded block.
pub(crate) const BLOCK: u64 = 6_852_690;
pub(crate) const HEAD: &str = "0xdb13c066e2c63969f140164fb3bfe7a0aaa7b71407fc0fe525d68e57329ef9d0";

fn recorded(path: &str) -> PathBuf {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/chain/recorded");
    PathBuf::from(data).join(path)
}

fn graph_file(name: &str) -> PathBuf {
    recorded("metagraph_sn1_block_6852690").join(name)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

/// The state that the node serves.
#[derive(Clone)]
pub(crate) struct Data {
    pub(crate) genesis: [u8; 32],
    pub(crate) graph: Vec<u8>,
    pub(crate) spec_version: u32,
    pub(crate) metadata: Vec<u8>,
    pub(crate) metadata_version: u32,
}

impl Data {
    pub(crate) fn mainnet() -> Self {
        Self {
            genesis: [1; 32],
            graph: std::fs::read(graph_file("get_selective_mechagraph.scale")).unwrap(),
            spec_version: 343,
            metadata: metadata("finney_343_v15"),
            metadata_version: 15,
        }
    }

    /// Gives a slot to another hotkey with another axon.
    pub(crate) fn move_in(&mut self, uid: usize, hotkey: AccountId, axon: AxonInfo) {
        let text = std::fs::read_to_string(graph_file("get_neurons_lite.json")).unwrap();
        let lite: Value = serde_json::from_str(&text).unwrap();
        let (row, old) = (&lite["rows"][uid], &lite["rows"][uid][16]);
        let old_hotkey: AccountId = row[2].as_str().unwrap().parse().unwrap();
        let number = |i: usize| old[i].as_u64().unwrap();
        let old_axon = AxonInfo {
            block: number(0),
            version: number(1) as u32,
            ip: old[2].as_str().unwrap().parse().unwrap(),
            port: number(3) as u16,
            ip_type: number(4) as u8,
            protocol: number(5) as u8,
            ..AxonInfo::default()
        };
        self.replace(&old_hotkey.0, &hotkey.0);
        self.replace(&scale(&old_axon), &scale(&axon));
    }

    fn replace(&mut self, old: &[u8], new: &[u8]) {
        let at = self.graph.windows(old.len()).position(|window| window == old).unwrap();
        self.graph[at..at + new.len()].copy_from_slice(new);
    }
}

fn scale(axon: &AxonInfo) -> Vec<u8> {
    let mut bytes = axon.block.to_le_bytes().to_vec();
    bytes.extend(axon.version.to_le_bytes());
    bytes.extend(axon.ip.to_le_bytes());
    bytes.extend(axon.port.to_le_bytes());
    bytes.extend([axon.ip_type, axon.protocol, axon.placeholder1, axon.placeholder2]);
    bytes
}

fn metadata(name: &str) -> Vec<u8> {
    std::fs::read(recorded(&format!("metadata/{name}.scale"))).unwrap()
}

/// How the node misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Accepts connections and sends nothing.
    NoHandshake,
    /// Closes the connection on this request.
    CloseOn(&'static str),
    /// Answers this request with an error object.
    RefuseOn(&'static str),
    /// Answers this request with text that is not JSON.
    GarbageOn(&'static str),
    /// Answers this request with a value of another type.
    NonsenseOn(&'static str),
    /// Never answers this request.
    NoAnswerOn(&'static str),
    /// Reads and sends nothing after the handshake, like a half-open socket.
    Deaf,
    /// Answers each so many-th request with this code, as who limits its callers.
    LimitEvery(usize, i64),
    /// Turns new connections away with this status.
    TurnAway(u16),
    /// Has none of the methods whose names contain this.
    Lacks(&'static str),
}

#[derive(Default)]
struct Counts {
    open: AtomicUsize,
    accepted: AtomicUsize,
    hung_up: AtomicUsize,
    limited: AtomicUsize,
}

struct Inner {
    data: Mutex<Data>,
    /// The chain that it serves instead of the recorded one.
    ledger: Option<Ledger>,
    /// Whether it sends no notifications.
    is_silent: AtomicBool,
    fault: watch::Sender<Option<Fault>>,
    is_serving: watch::Sender<bool>,
    asked: Mutex<Vec<String>>,
    counts: Counts,
}

/// The node; it stops when dropped.
pub(crate) struct Node {
    address: SocketAddr,
    inner: Arc<Inner>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Node {
    pub(crate) fn start(data: Data, fault: Option<Fault>) -> Self {
        Self::start_with(data, fault, None)
    }

    /// Serves the blocks of `ledger`.
    pub(crate) fn of(ledger: &Ledger) -> Self {
        Self::start_with(Data::mainnet(), None, Some(ledger.clone()))
    }

    fn start_with(data: Data, fault: Option<Fault>, ledger: Option<Ledger>) -> Self {
        let inner = Arc::new(Inner {
            data: Mutex::new(data),
            ledger,
            is_silent: AtomicBool::new(false),
            fault: watch::Sender::new(fault),
            is_serving: watch::Sender::new(true),
            asked: Mutex::default(),
            counts: Counts::default(),
        });
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&inner);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = served.accept(listener) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, inner, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Every request so far, with its method and parameters.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.inner.asked.lock().unwrap().clone()
    }

    /// The number of open connections.
    pub(crate) fn n_open(&self) -> usize {
        self.inner.counts.open.load(Ordering::SeqCst)
    }

    pub(crate) fn n_accepted(&self) -> usize {
        self.inner.counts.accepted.load(Ordering::SeqCst)
    }

    pub(crate) fn n_hung_up(&self) -> usize {
        self.inner.counts.hung_up.load(Ordering::SeqCst)
    }

    /// Changes the runtime from the next request on.
    pub(crate) fn upgrade(&self, spec_version: u32, file: &str, metadata_version: u32) {
        let mut data = self.inner.data.lock().unwrap();
        *data = Data { spec_version, metadata: metadata(file), metadata_version, ..data.clone() };
    }

    pub(crate) fn fall_deaf(&self) {
        self.inner.fault.send_replace(Some(Fault::Deaf));
    }

    pub(crate) fn hear_again(&self) {
        self.heal();
    }

    pub(crate) fn heal(&self) {
        self.inner.fault.send_replace(None);
    }

    pub(crate) fn misbehave(&self, fault: Fault) {
        self.inner.fault.send_replace(Some(fault));
    }

    /// How many requests were limited.
    pub(crate) fn n_limited(&self) -> usize {
        self.inner.counts.limited.load(Ordering::SeqCst)
    }

    /// Sends no more notifications, but answers requests.
    pub(crate) fn fall_silent(&self) {
        self.inner.is_silent.store(true, Ordering::SeqCst);
    }

    /// Closes every connection, and each new one at once.
    pub(crate) fn stop_serving(&self) {
        self.inner.is_serving.send_replace(false);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // The thread may have ended already.
        let _ = self.stop.take().unwrap().send(());
        self.thread.take().unwrap().join().unwrap();
    }
}

struct Open(Arc<Inner>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.counts.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Inner {
    async fn accept(self: &Arc<Self>, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            self.counts.accepted.fetch_add(1, Ordering::SeqCst);
            self.counts.open.fetch_add(1, Ordering::SeqCst);
            let open = Open(Arc::clone(self));
            let mut is_serving = self.is_serving.subscribe();
            tokio::spawn(async move {
                tokio::select! {
                    _ = open.0.serve(stream) => {}
                    _ = is_serving.wait_for(|is| !is) => {}
                }
            });
        }
    }

    /// Reads and ignores everything until the client hangs up (`true`) or the node reacts again.
    async fn be_deaf(&self, stream: &mut TcpStream) -> bool {
        let mut fault = self.fault.subscribe();
        let mut unheard = [0; 1 << 12];
        loop {
            tokio::select! {
                read = stream.read(&mut unheard) => match read {
                    Ok(0) | Err(_) => return true,
                    Ok(_) => {}
                },
                _ = fault.changed() => return false,
            }
        }
    }

    async fn serve(&self, stream: TcpStream) -> Option<()> {
        let fault = || *self.fault.borrow();
        if fault() == Some(Fault::NoHandshake) {
            std::future::pending::<()>().await;
        }
        if let Some(Fault::TurnAway(status)) = fault() {
            return turn_away(stream, status).await;
        }
        let mut socket = tokio_tungstenite::accept_async(stream).await.ok()?;
        let mut changes = self.fault.subscribe();
        let mut news = self.ledger.as_ref().map(|ledger| ledger.news.subscribe());
        let mut subscribed: Vec<&'static str> = Vec::new();
        loop {
            if fault() == Some(Fault::Deaf) {
                if self.be_deaf(socket.get_mut()).await {
                    self.counts.hung_up.fetch_add(1, Ordering::SeqCst);
                    return None;
                }
                continue;
            }
            let message = tokio::select! {
                message = socket.next() => message?.ok()?,
                _ = changes.changed() => continue,
                (kind, what) = next(&mut news) => {
                    for (id, _) in subscribed.iter().enumerate().filter(|(_, of)| **of == kind) {
                        if !self.is_silent.load(Ordering::SeqCst) {
                            socket.send(Message::text(told(id, &what))).await.ok()?;
                        }
                    }
                    continue;
                }
            };
            let Message::Text(text) = message else { continue };
            let request: Value = serde_json::from_str(&text).unwrap();
            let method = request["method"].as_str().unwrap();
            let params = &request["params"];
            self.asked.lock().unwrap().push(format!("{method} {params}"));
            let reply = match fault() {
                Some(Fault::CloseOn(on)) if on == method => return None,
                Some(Fault::NoAnswerOn(on)) if on == method => continue,
                Some(Fault::GarbageOn(on)) if on == method => "{\"jsonrpc\": 2".to_owned(),
                Some(Fault::NonsenseOn(on)) if on == method => {
                    json!({ "jsonrpc": "2.0", "id": request["id"], "result": [1] }).to_string()
                }
                Some(Fault::RefuseOn(on)) if on == method => {
                    let error = json!({ "code": -32603, "message": "out of order" });
                    json!({ "jsonrpc": "2.0", "id": request["id"], "error": error }).to_string()
                }
                Some(Fault::LimitEvery(n, code))
                    if self.asked.lock().unwrap().len().is_multiple_of(n) =>
                {
                    self.counts.limited.fetch_add(1, Ordering::SeqCst);
                    let error = json!({ "code": code, "message": "Too many requests" });
                    json!({ "jsonrpc": "2.0", "id": request["id"], "error": error }).to_string()
                }
                Some(Fault::Lacks(part)) if method.contains(part) => {
                    let error = json!({ "code": -32601, "message": "Method not found" });
                    json!({ "jsonrpc": "2.0", "id": request["id"], "error": error }).to_string()
                }
                _ if method == "author_submitExtrinsic" => {
                    let (answer, _) = self.ledger.as_ref()?.submit(params)?;
                    let (name, value) = match answer {
                        Ok(_) => ("result", json!(HEAD)),
                        Err(error) => ("error", error),
                    };
                    json!({ "jsonrpc": "2.0", "id": request["id"], name: value }).to_string()
                }
                _ if method.contains("nsubscribe") || method.contains("unwatch") => {
                    json!({ "jsonrpc": "2.0", "id": request["id"], "result": true }).to_string()
                }
                _ if let Some(kind) = kind_of(method) => {
                    let id = subscribed.len();
                    let mut status = None;
                    let mut reply = json!({ "jsonrpc": "2.0", "id": request["id"], "result": id });
                    if kind == "transaction" {
                        let (answer, told) = self.ledger.as_ref()?.submit(params)?;
                        status = told;
                        if let Err(error) = answer {
                            reply =
                                json!({ "jsonrpc": "2.0", "id": request["id"], "error": error });
                        }
                    }
                    subscribed.push(kind);
                    socket.send(Message::text(reply.to_string())).await.ok()?;
                    let Some(status) = status else { continue };
                    told(id, &json!(status))
                }
                _ => {
                    let known = self.ledger.as_ref().and_then(|l| l.answer(method, params));
                    let recorded = || self.data.lock().unwrap().answer(method, params);
                    let result = known.unwrap_or_else(recorded);
                    json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }).to_string()
                }
            };
            socket.send(Message::text(reply)).await.ok()?;
        }
    }
}

/// Reads the request's head, and answers it with this status.
async fn turn_away(mut stream: TcpStream, status: u16) -> Option<()> {
    let mut head = [0; 1 << 12];
    let _ = stream.read(&mut head).await;
    let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.ok()
}

/// The kind of notification that a method subscribes to.
fn kind_of(method: &str) -> Option<&'static str> {
    Some(match method {
        "chain_subscribeNewHeads" => "head",
        "chain_subscribeFinalizedHeads" => "final",
        "state_subscribeRuntimeVersion" => "version",
        "author_submitAndWatchExtrinsic" => "transaction",
        _ => return None,
    })
}

fn told(id: usize, what: &Value) -> String {
    let params = json!({ "subscription": id, "result": what });
    json!({ "jsonrpc": "2.0", "method": "news", "params": params }).to_string()
}

/// The next notification; waits forever without a ledger.
async fn next(news: &mut Option<broadcast::Receiver<News>>) -> News {
    match news {
        Some(news) => news.recv().await.unwrap(),
        None => std::future::pending().await,
    }
}

impl Data {
    pub(crate) fn answer(&self, method: &str, params: &Value) -> Value {
        match method {
            "chain_getBlockHash" if params[0] == 0 => json!(hex(&self.genesis)),
            "chain_getBlockHash" => json!(HEAD),
            "chain_getHeader" => json!({ "number": format!("0x{BLOCK:x}"), "parentHash": HEAD }),
            "state_getRuntimeVersion" => {
                json!({ "specVersion": self.spec_version, "transactionVersion": 1 })
            }
            "state_getMetadata" => json!(hex(&self.metadata)),
            "state_getStorage" => Value::Null,
            "state_call" => json!(hex(&self.call(params))),
            method => panic!("{method} is not asked for"),
        }
    }

    fn call(&self, params: &Value) -> Vec<u8> {
        let arguments = params[1].as_str().unwrap();
        match params[0].as_str().unwrap() {
            "Metadata_metadata_at_version" => {
                if arguments != hex(&self.metadata_version.to_le_bytes()) {
                    return vec![0];
                }
                let len = (self.metadata.len() as u32) << 2 | 2;
                [&[1][..], &len.to_le_bytes(), &self.metadata].concat()
            }
            "SubnetInfoRuntimeApi_get_selective_mechagraph" => self.graph.clone(),
            function => panic!("{function} is not asked for"),
        }
    }
}
