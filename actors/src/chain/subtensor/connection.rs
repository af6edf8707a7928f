//! One websocket to one node, shared by many callers: JSON-RPC requests out, answers back to who
//! asked.
//!
//! One task owns the socket and ends with the [`Connection`], so that nothing outlives it. It pings
//! an idle peer and gives up one that says nothing, which is how a half-open socket is noticed.
//! Every wait has a deadline. News of a subscription go to a queue of its own: who takes them too
//! slowly loses the subscription, never the connection.

mod worker;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::Value as Json;
use sn1::chain::rpc::Refused;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::endpoint::Endpoint;
use super::socket::connect;
use super::{CallError, Deadlines};
use worker::Worker;

/// Requests that wait for the socket.
const WAITING_REQUESTS: usize = 64;
/// News of one subscription that wait to be taken.
const WAITING_NEWS: usize = 64;

struct Request {
    method: &'static str,
    params: Json,
    reply: Reply,
    /// For a subscription.
    feed: Option<Feed>,
}

/// Where the news of a subscription go, and how it is ended.
struct Feed {
    news: mpsc::Sender<Json>,
    unsubscribe: &'static str,
}

/// A subscription; it is ended at the node soon after this is dropped.
pub(super) struct Subscription(mpsc::Receiver<Json>);

impl Subscription {
    /// The next news; `None` when the connection has ended or news were taken too slowly.
    pub(super) async fn next(&mut self) -> Option<Json> {
        self.0.recv().await
    }
}

type Reply = oneshot::Sender<Result<Json, Refused>>;

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
        self.ask(method, params, None).await
    }

    /// Subscribes with `method`; `unsubscribe` is the method that ends it.
    pub(super) async fn subscribe(
        &self,
        method: &'static str,
        params: Json,
        unsubscribe: &'static str,
    ) -> Result<Subscription, CallError> {
        let (news, taken) = mpsc::channel(WAITING_NEWS);
        self.ask(method, params, Some(Feed { news, unsubscribe })).await?;
        Ok(Subscription(taken))
    }

    async fn ask(
        &self,
        method: &'static str,
        params: Json,
        feed: Option<Feed>,
    ) -> Result<Json, CallError> {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            self.requests.send(Request { method, params, reply, feed }).await.ok()?;
            answer.await.ok()
        };
        match timeout(self.call_within, asked).await {
            Err(_) => Err(CallError::late(method, self.call_within)),
            Ok(None) => Err(CallError::Closed { method, reason: self.reason() }),
            Ok(Some(Err(Refused { code, message, data }))) => {
                Err(CallError::Refused { method, code, message, data })
            }
            Ok(Some(Ok(result))) => Ok(result),
        }
    }

    fn reason(&self) -> String {
        self.end.get().cloned().unwrap_or_else(|| "this node is stopping".to_owned())
    }
}
