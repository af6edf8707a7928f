//! One websocket: takes requests, sends answers and notifications, in one task that ends with it.
//!
//! Requests are answered one after another. A client that reads so slowly that notifications pile
//! up, or that does not take a message in time, is disconnected. A message beyond the size limit
//! ends only its own connection.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use sn1::devchain::rpc::methods::{MAX_VALUES, change_set};
use sn1::devchain::rpc::{self, Answer, Incoming, Parsed, Request, RpcError};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::{broadcast, watch};
use tokio::time::{sleep, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::caller::Caller;
use super::served::News;
use super::subscriptions::{Followed, KINDS, Kind, Progress, Subscriptions, Told, Topic, Watch};
use super::switchboard::Line;
use crate::away::timeout;

/// Time for a client to take one message.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error("the client closed the connection")]
    ByClient,
    #[error("the client broke the protocol, or its connection: {0}")]
    Broken(#[from] tokio_tungstenite::tungstenite::Error),
    #[error("the client reads too slowly")]
    SlowReader,
    #[error("the chain ended")]
    ChainGone,
}

/// An open websocket.
pub(super) struct Connection {
    socket: WebSocketStream<TcpStream>,
    caller: Caller,
    news: broadcast::Receiver<Arc<News>>,
    line: watch::Receiver<Line>,
    subscriptions: Subscriptions,
    /// The orders as they were when this connection began.
    began: Line,
    /// A control connection: orders to misbehave do not affect it.
    is_control: bool,
}

impl Connection {
    pub(super) fn new(
        socket: WebSocketStream<TcpStream>,
        caller: Caller,
        is_control: bool,
    ) -> Self {
        let line = caller.switchboard.line();
        let news = caller.news.subscribe();
        let began = *line.borrow();
        Self {
            socket,
            caller,
            news,
            line,
            subscriptions: Subscriptions::default(),
            began,
            is_control,
        }
    }

    /// Serves until either side ends the connection.
    pub(super) async fn run(mut self) -> Ended {
        loop {
            self.pause().await;
            if self.is_deaf() {
                return self.be_deaf().await;
            }
            if let Err(ended) = self.step().await {
                return ended;
            }
        }
    }

    async fn step(&mut self) -> Result<(), Ended> {
        tokio::select! {
            message = self.socket.next() => match message {
                Some(message) => self.take(message?).await,
                None => Err(Ended::ByClient),
            },
            news = self.news.recv() => match news {
                Ok(news) => self.tell_news(&news).await,
                Err(broadcast::error::RecvError::Lagged(_)) => Err(Ended::SlowReader),
                Err(broadcast::error::RecvError::Closed) => Err(Ended::ChainGone),
            },
            // The next round of the loop reads the change.
            changed = self.line.changed() => changed.map_err(|_| Ended::ChainGone),
        }
    }

    /// Waits until an ordered stall is over.
    async fn pause(&mut self) {
        while let Some(until) = self.stalled_until() {
            sleep_until(until).await;
        }
    }

    fn stalled_until(&mut self) -> Option<tokio::time::Instant> {
        let line = *self.line.borrow_and_update();
        line.stalled_until().filter(|_| !self.is_control)
    }

    fn is_deaf(&self) -> bool {
        !self.is_control && self.line.borrow().n_deafenings != self.began.n_deafenings
    }

    /// Reads and discards everything until the client hangs up, which is the only difference from a
    /// half-open socket.
    async fn be_deaf(mut self) -> Ended {
        let mut unheard = [0; 1 << 12];
        while let Ok(1..) = self.socket.get_mut().read(&mut unheard).await {}
        Ended::ByClient
    }

    async fn take(&mut self, message: Message) -> Result<(), Ended> {
        let bytes = match &message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
            _ => return Ok(()),
        };
        let (reply, told) = match rpc::parse(bytes) {
            Incoming::Single(request) => self.answer(request).await,
            Incoming::Batch(requests) => self.answer_all(requests).await,
        };
        if let Some(reply) = reply {
            self.dawdle().await;
            self.send(&reply).await?;
        }
        self.tell(told).await
    }

    /// Delays an answer as a slow node does. Notifications are not delayed, or they would fall ever
    /// further behind the chain.
    async fn dawdle(&self) {
        if !self.is_control {
            let slowness = self.line.borrow().slowness;
            sleep(slowness.mul_f64(rand::random())).await;
        }
    }

    async fn answer_all(&mut self, requests: Vec<Parsed>) -> (Option<Value>, Vec<Told>) {
        let (mut replies, mut told) = (Vec::new(), Vec::new());
        for request in requests {
            let (reply, more) = self.answer(request).await;
            replies.extend(reply);
            told.extend(more);
        }
        ((!replies.is_empty()).then_some(Value::Array(replies)), told)
    }

    /// The response to a request, and the notifications to send right after it.
    async fn answer(&mut self, request: Parsed) -> (Option<Value>, Vec<Told>) {
        let Request { id, method, params } = match request {
            Ok(request) => request,
            Err(rejected) => return (Some(rejected.response()), Vec::new()),
        };
        let subscribes = KINDS.iter().find(|kind| kind.subscribe == method);
        let unsubscribes = KINDS.iter().find(|kind| kind.unsubscribe == method);
        let (answer, told) = match (subscribes, unsubscribes) {
            (Some(kind), _) => match self.subscribe(kind, &params).await {
                Ok((id, told)) => (Ok(Value::String(id)), told),
                Err(error) => (Err(error), Vec::new()),
            },
            (None, Some(kind)) => (self.unsubscribe(kind, &params), Vec::new()),
            (None, None) => (self.caller.ask(method, params).await, Vec::new()),
        };
        (id.map(|id| rpc::response(&id, answer)), told)
    }

    async fn subscribe(
        &mut self,
        kind: &'static Kind,
        params: &rpc::Params,
    ) -> Result<(String, Vec<Told>), RpcError> {
        if self.subscriptions.is_full() {
            return Err(RpcError::new(-32006, "Too many subscriptions on the connection"));
        }
        let (progress, first) = self.begin(kind.topic, params).await?;
        let id = self.subscriptions.add(kind, progress, &self.caller.switchboard);
        let told = first.into_iter().map(|told| kind.tell(&id, told)).collect();
        Ok((id, told))
    }

    /// The state of a new subscription, and the notifications that it sends at once.
    async fn begin(
        &self,
        topic: Topic,
        params: &rpc::Params,
    ) -> Result<(Progress, Vec<Value>), RpcError> {
        match topic {
            Topic::Best => self.begin_heads("chain_getHead").await,
            Topic::Finalized => self.begin_heads("chain_getFinalizedHead").await,
            Topic::Version => {
                let version = self.caller.get("state_getRuntimeVersion", None).await?;
                Ok((Progress::Version, vec![version]))
            }
            Topic::Storage => {
                let keys = Arc::new(params.keys(0, "keys", MAX_VALUES)?);
                let (block, values) = self.caller.values(Arc::clone(&keys)).await?;
                let first = change_set(block, keys.iter(), values.iter());
                Ok((Progress::Storage(Followed { keys, values }), vec![first]))
            }
            Topic::Extrinsic => {
                let submitted = self.caller.watch(params.bytes(0, "extrinsic")?).await?;
                let (watch, first) = Watch::begin(submitted);
                Ok((Progress::Extrinsic(watch), first))
            }
        }
    }

    async fn begin_heads(&self, method: &str) -> Result<(Progress, Vec<Value>), RpcError> {
        let hash = self.caller.get(method, None).await?;
        let header = self.caller.get("chain_getHeader", Some(hash)).await?;
        let number = rpc::number_of(&header["number"], "number").unwrap_or_default();
        Ok((Progress::Heads(number), vec![header]))
    }

    fn unsubscribe(&mut self, kind: &Kind, params: &rpc::Params) -> Answer {
        let id = params.text(0, "subscription")?;
        Ok(Value::Bool(self.subscriptions.remove(kind.topic, id)))
    }

    async fn tell_news(&mut self, news: &News) -> Result<(), Ended> {
        let mut told = self.subscriptions.on_news(news);
        for (id, keys) in self.subscriptions.followed() {
            // When the chain restarts, all connections are cut; there is nothing to send before
            // that.
            let Ok((block, values)) = self.caller.values(keys).await else { continue };
            told.extend(self.subscriptions.on_values(&id, block, values));
        }
        self.tell(told).await
    }

    async fn tell(&mut self, all: Vec<Told>) -> Result<(), Ended> {
        for (method, id, told) in all {
            self.send(&rpc::notification(method, &id, &told)).await?;
        }
        Ok(())
    }

    async fn send(&mut self, value: &Value) -> Result<(), Ended> {
        if !self.is_control {
            self.pause().await;
        }
        if self.is_deaf() {
            return Ok(());
        }
        let sent = timeout(TAKEN_WITHIN, self.socket.send(Message::text(value.to_string()))).await;
        Ok(sent.map_err(|_| Ended::SlowReader)??)
    }
}
