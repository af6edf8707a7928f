//! One websocket to one node, shared by many callers: JSON-RPC requests out, answers back to who
//! asked.
//!
//! One task owns the socket and ends with the [`Connection`], so that nothing outlives it. It pings
//! an idle peer and gives up one that says nothing, which is how a half-open socket is noticed.
//! Every wait has a deadline.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::endpoint::Endpoint;
use super::socket::{Socket, connect};
use super::{CallError, Deadlines};

/// Requests that wait for the socket.
const WAITING_REQUESTS: usize = 64;

/// An error object of the node.
#[derive(Debug, Clone, Deserialize)]
struct Refusal {
    code: i64,
    message: String,
    #[serde(default)]
    data: Json,
}

struct Request {
    method: &'static str,
    params: Json,
    reply: Reply,
}

type Reply = oneshot::Sender<Result<Json, Refusal>>;

/// An open connection.
pub(super) struct Connection {
    requests: mpsc::Sender<Request>,
    /// Why the task ended, once it has.
    end: Arc<OnceLock<String>>,
    task: AbortHandle,
    call_within: Duration,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Connection {
    pub(super) async fn open(endpoint: &Endpoint, deadlines: Deadlines) -> Result<Self, CallError> {
        let socket = timeout(deadlines.connect, connect(endpoint)).await;
        let socket = socket.map_err(|_| CallError::late("connecting", deadlines.connect))?;
        let socket = socket.map_err(|reason| CallError::Connect { reason })?;
        let (requests, queue) = mpsc::channel(WAITING_REQUESTS);
        let end = Arc::new(OnceLock::new());
        let worker = Worker::new(socket, deadlines);
        let task = tokio::spawn(worker.run(queue, Arc::clone(&end))).abort_handle();
        Ok(Self { requests, end, task, call_within: deadlines.call })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.requests.is_closed()
    }

    /// The result member of the answer.
    pub(super) async fn call(&self, method: &'static str, params: Json) -> Result<Json, CallError> {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            self.requests.send(Request { method, params, reply }).await.ok()?;
            answer.await.ok()
        };
        match timeout(self.call_within, asked).await {
            Err(_) => Err(CallError::late(method, self.call_within)),
            Ok(None) => Err(CallError::Closed { method, reason: self.reason() }),
            Ok(Some(Err(Refusal { code, message, data }))) => {
                let data = if data.is_null() { String::new() } else { format!(" ({data})") };
                Err(CallError::Refused { method, code, message: format!("{message}{data}") })
            }
            Ok(Some(Ok(result))) => Ok(result),
        }
    }

    fn reason(&self) -> String {
        self.end.get().cloned().unwrap_or_else(|| "this node is stopping".to_owned())
    }
}

/// The owner of the socket.
struct Worker {
    socket: Socket,
    deadlines: Deadlines,
    waiting: BTreeMap<u64, Reply>,
    next_id: u64,
    heard: Instant,
}

/// What a node sends: an answer, or news that nobody asked for.
#[derive(Deserialize)]
struct Incoming {
    id: Option<u64>,
    #[serde(default)]
    result: Json,
    error: Option<Refusal>,
    method: Option<String>,
}

impl Worker {
    fn new(socket: Socket, deadlines: Deadlines) -> Self {
        Self { socket, deadlines, waiting: BTreeMap::new(), next_id: 1, heard: Instant::now() }
    }

    async fn run(mut self, mut queue: mpsc::Receiver<Request>, end: Arc<OnceLock<String>>) {
        if let Err(reason) = self.serve(&mut queue).await {
            // Nobody else writes it; it is there before the callers hear of the end.
            let _ = end.set(reason);
        }
    }

    /// Until nobody can ask any more, or the connection is of no use.
    async fn serve(&mut self, queue: &mut mpsc::Receiver<Request>) -> Result<(), String> {
        let mut beat = interval(self.deadlines.ping_every);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                request = queue.recv() => match request {
                    Some(request) => self.ask(request).await?,
                    None => return Ok(()),
                },
                message = self.socket.next() => match message {
                    Some(Ok(message)) => self.take(message)?,
                    Some(Err(error)) => return Err(error.to_string()),
                    None => return Err("the node closed the connection".to_owned()),
                },
                _ = beat.tick() => self.beat().await?,
            }
        }
    }

    async fn ask(&mut self, request: Request) -> Result<(), String> {
        let id = self.next_id;
        self.next_id += 1;
        let text = json!({ "jsonrpc": "2.0", "id": id, "method": request.method, "params": request.params });
        self.waiting.insert(id, request.reply);
        self.send(Message::text(text.to_string())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), String> {
        match timeout(self.deadlines.silence, self.socket.send(message)).await {
            Err(_) => Err("the node takes no more requests".to_owned()),
            Ok(sent) => sent.map_err(|error| error.to_string()),
        }
    }

    /// Forgets who stopped waiting, and makes a quiet peer say something.
    async fn beat(&mut self) -> Result<(), String> {
        self.waiting.retain(|_, reply| !reply.is_closed());
        let silent = self.heard.elapsed();
        if silent >= self.deadlines.silence {
            return Err(format!("the node said nothing for {:.1} s", silent.as_secs_f64()));
        }
        self.send(Message::Ping(Bytes::new())).await
    }

    fn take(&mut self, message: Message) -> Result<(), String> {
        self.heard = Instant::now();
        let incoming: Incoming = match &message {
            Message::Text(text) => serde_json::from_str(text),
            Message::Binary(bytes) => serde_json::from_slice(bytes),
            _ => return Ok(()),
        }
        .map_err(|error| format!("the node sent what is no JSON-RPC: {error}"))?;
        let Some(id) = incoming.id else {
            let is_news = incoming.method.is_some();
            return if is_news { Ok(()) } else { Err("the node answered nobody".to_owned()) };
        };
        if let Some(reply) = self.waiting.remove(&id) {
            // Who stopped waiting needs no answer.
            let _ = reply.send(incoming.error.map_or(Ok(incoming.result), Err));
        }
        Ok(())
    }
}
