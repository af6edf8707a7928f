//! One websocket to one node, shared by many callers: JSON-RPC requests out, answers back to who
//! asked. subxt's methods are called on it ([`RpcClientT`]).
//!
//! One task owns the socket and ends with the [`Connection`], so that nothing outlives it. It pings
//! an idle peer and gives up one that says nothing, which is how a half-open socket is noticed.
//! Every wait has a deadline. News of a subscription go to a queue of its own: who takes them too
//! slowly loses the subscription, never the connection.

mod pace;
mod worker;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::poll_fn;
use serde_json::Value as Json;
use serde_json::value::{RawValue, to_raw_value};
use sn1::chain::rpc::Refused;
use subxt::rpcs::Error as RpcError;
use subxt::rpcs::client::{RawRpcFuture, RawRpcSubscription, RpcClientT};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::socket::connect;
use super::{CallError, Deadlines, Endpoint, Roots};
use crate::away::{Moment, timeout};
use pace::Pace;
use worker::Worker;

/// Requests that wait for the socket.
const WAITING_REQUESTS: usize = 64;
/// News of one subscription that wait to be taken.
const WAITING_NEWS: usize = 64;

struct Request {
    method: String,
    params: Option<Box<RawValue>>,
    reply: Reply,
    /// For a subscription.
    feed: Option<Feed>,
}

/// Where the news of a subscription go, and how it is ended.
#[derive(Clone)]
struct Feed {
    news: mpsc::Sender<Json>,
    unsubscribe: String,
}

type Reply = oneshot::Sender<Result<Json, Refused>>;

/// An open connection.
pub(super) struct Connection {
    requests: mpsc::Sender<Request>,
    /// Why the task ended, once it has.
    end: Arc<OnceLock<String>>,
    task: AbortHandle,
    pace: Pace,
    call_within: Duration,
    /// One request waits so long for a node that limits its callers.
    limited_within: Duration,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Connection {
    pub(super) async fn open(
        endpoint: &Endpoint,
        deadlines: Deadlines,
        roots: &Roots,
    ) -> Result<Self, CallError> {
        let socket = timeout(deadlines.connect, connect(endpoint, roots)).await;
        let socket =
            socket.map_err(|_| CallError::late("connecting".to_owned(), deadlines.connect))??;
        let (requests, queue) = mpsc::channel(WAITING_REQUESTS);
        let end = Arc::new(OnceLock::new());
        let worker = Worker::new(socket, deadlines);
        #[expect(
            clippy::disallowed_methods,
            reason = "the connection aborts its worker, which reports its end itself"
        )]
        let task = tokio::spawn(worker.run(queue, Arc::clone(&end))).abort_handle();
        let pace = Pace::new(endpoint.clone(), deadlines);
        let Deadlines { call: call_within, limited: limited_within, .. } = deadlines;
        Ok(Self { requests, end, task, pace, call_within, limited_within })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.requests.is_closed()
    }

    /// The result member of the answer. A node that limits its callers is asked again.
    async fn ask(
        &self,
        method: &str,
        params: Option<Box<RawValue>>,
        feed: Option<Feed>,
    ) -> Result<Json, CallError> {
        let began = Moment::now();
        loop {
            // Whoever asked before may have to wait as long.
            let Ok(turn) = timeout(began.left(self.limited_within), self.pace.turn()).await else {
                return Err(CallError::late(method.to_owned(), self.limited_within));
            };
            match self.ask_once(method, params.clone(), feed.clone()).await {
                Err(error) if error.is_limit() => {
                    self.pace.limited(turn).await;
                    if began.elapsed() >= self.limited_within {
                        return Err(error);
                    }
                }
                answer => {
                    if matches!(answer, Ok(_) | Err(CallError::Refused { .. })) {
                        self.pace.answered();
                    }
                    return answer;
                }
            }
        }
    }

    async fn ask_once(
        &self,
        method: &str,
        params: Option<Box<RawValue>>,
        feed: Option<Feed>,
    ) -> Result<Json, CallError> {
        let (reply, answer) = oneshot::channel();
        let request = Request { method: method.to_owned(), params, reply, feed };
        let asked = async {
            self.requests.send(request).await.ok()?;
            answer.await.ok()
        };
        let answer = timeout(self.call_within, asked).await;
        let method: Box<str> = method.into();
        match answer {
            Err(_) => Err(CallError::late(method.into_string(), self.call_within)),
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

/// Our own errors travel through subxt as they are, so that a node's refusal keeps its code, its
/// words and its data.
impl RpcClientT for Connection {
    fn request_raw<'a>(
        &'a self,
        method: &'a str,
        params: Option<Box<RawValue>>,
    ) -> RawRpcFuture<'a, Box<RawValue>> {
        Box::pin(async move {
            let answer = self.ask(method, params, None).await;
            raw(&answer.map_err(|error| RpcError::Client(Box::new(error)))?)
        })
    }

    /// The subscription ends when the connection does or when its news are taken too slowly. The
    /// node is told soon after it was dropped.
    fn subscribe_raw<'a>(
        &'a self,
        method: &'a str,
        params: Option<Box<RawValue>>,
        unsubscribe: &'a str,
    ) -> RawRpcFuture<'a, RawRpcSubscription> {
        Box::pin(async move {
            let (news, mut taken) = mpsc::channel(WAITING_NEWS);
            let feed = Feed { news, unsubscribe: unsubscribe.to_owned() };
            let id = self.ask(method, params, Some(feed)).await;
            let id = id.map_err(|error| RpcError::Client(Box::new(error)))?.to_string();
            let stream = poll_fn(move |context| taken.poll_recv(context)).map(|news| raw(&news));
            Ok(RawRpcSubscription { stream: Box::pin(stream), id: Some(id) })
        })
    }
}

fn raw(answer: &Json) -> Result<Box<RawValue>, RpcError> {
    to_raw_value(answer).map_err(RpcError::Serialization)
}
