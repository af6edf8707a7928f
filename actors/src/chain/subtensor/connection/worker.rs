//! The task that owns a socket: pairs answers with who asked, and news with who subscribed.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use futures_util::{SinkExt, StreamExt};
use serde::Serialize;
use serde_json::Value as Json;
use serde_json::value::{RawValue, to_raw_value};
use sn1::chain::rpc::NodeMessage;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{MissedTickBehavior, interval};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::super::Deadlines;
use super::super::socket::Socket;
use super::{Feed, Reply, Request};
use crate::away::{Moment, timeout};

/// A request as it is written.
#[derive(Serialize)]
struct Written<'a> {
    jsonrpc: &'static str,
    id: u64,
    method: &'a str,
    params: &'a RawValue,
}

/// The owner of the socket.
pub(super) struct Worker {
    socket: Socket,
    deadlines: Deadlines,
    waiting: BTreeMap<u64, (Reply, Option<Feed>)>,
    /// By the subscription's id, as the node writes it.
    feeds: BTreeMap<String, Feed>,
    next_id: u64,
    heard: Moment,
}

impl Worker {
    pub(super) fn new(socket: Socket, deadlines: Deadlines) -> Self {
        let (waiting, feeds) = (BTreeMap::new(), BTreeMap::new());
        Self { socket, deadlines, waiting, feeds, next_id: 1, heard: Moment::now() }
    }

    pub(super) async fn run(
        mut self,
        mut queue: mpsc::Receiver<Request>,
        end: Arc<OnceLock<String>>,
    ) {
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
        let Request { method, params, reply, feed } = request;
        let id = self.write(&method, params).await?;
        self.waiting.insert(id, (reply, feed));
        Ok(())
    }

    async fn write(&mut self, method: &str, params: Option<Box<RawValue>>) -> Result<u64, String> {
        let id = self.next_id;
        self.next_id += 1;
        let params = params.map_or_else(|| to_raw_value::<[(); 0]>(&[]), Ok);
        let written = params.and_then(|params| {
            serde_json::to_string(&Written { jsonrpc: "2.0", id, method, params: &params })
        });
        self.send(Message::text(written.map_err(|error| error.to_string())?)).await?;
        Ok(id)
    }

    async fn send(&mut self, message: Message) -> Result<(), String> {
        match timeout(self.deadlines.silence, self.socket.send(message)).await {
            Err(_) => Err("the node takes no more requests".to_owned()),
            Ok(sent) => sent.map_err(|error| error.to_string()),
        }
    }

    /// Forgets who stopped waiting, and makes a quiet peer say something.
    async fn beat(&mut self) -> Result<(), String> {
        self.waiting.retain(|_, (reply, _)| !reply.is_closed());
        let is_left = |feed: &Feed| feed.news.is_closed();
        let left = self.feeds.iter().filter(|(_, feed)| is_left(feed)).map(|(id, _)| id.clone());
        for id in left.collect::<Vec<_>>() {
            self.unsubscribe(&id).await?;
        }
        let silent = self.heard.elapsed();
        if silent >= self.deadlines.silence {
            return Err(format!("the node said nothing for {:.1} s", silent.as_secs_f64()));
        }
        self.send(Message::Ping(Bytes::new())).await
    }

    fn take(&mut self, message: Message) -> Result<(), String> {
        self.heard = Moment::now();
        let bytes = match &message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
            _ => return Ok(()),
        };
        let (id, answer) = match NodeMessage::parse(bytes).map_err(|error| error.to_string())? {
            NodeMessage::Answer { id, outcome } => (id, outcome),
            NodeMessage::News { subscription, result } => {
                self.pass_on(&subscription, result);
                return Ok(());
            }
        };
        let Some((reply, feed)) = self.waiting.remove(&id) else { return Ok(()) };
        if let (Ok(subscription), Some(feed)) = (&answer, feed) {
            self.feeds.insert(subscription.to_string(), feed);
        }
        // Who stopped waiting needs no answer; a subscription of theirs is ended at the next beat.
        let _ = reply.send(answer);
        Ok(())
    }

    /// News for nobody are dropped; a queue that is full is one that nobody follows.
    fn pass_on(&mut self, id: &str, news: Json) {
        if let Some(feed) = self.feeds.get(id)
            && let Err(TrySendError::Full(_)) = feed.news.try_send(news)
        {
            self.feeds.remove(id);
        }
    }

    async fn unsubscribe(&mut self, id: &str) -> Result<(), String> {
        let Some(feed) = self.feeds.remove(id) else { return Ok(()) };
        let id: Json = serde_json::from_str(id).unwrap_or(Json::Null);
        let params = to_raw_value(&[id]).map_err(|error| error.to_string())?;
        self.write(&feed.unsubscribe, Some(params)).await.map(|_| ())
    }
}
