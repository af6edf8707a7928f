//! A provider between a node and its chain that limits its callers, or lacks methods.

#![expect(clippy::disallowed_methods, reason = "a test's tasks need no name")]

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{accept_async, client_async};

/// What it answers itself, instead of the chain.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answers {
    /// Each so many-th request, with "Too many requests".
    Limit(usize),
    /// This method, with "Method not found".
    Lacks(&'static str),
}

/// The provider, for as long as the test runs.
pub(crate) struct Limiter {
    pub(crate) url: String,
    n_connections: Arc<AtomicUsize>,
    n_answered: Arc<AtomicUsize>,
}

impl Limiter {
    /// Stands before the node at `chain`.
    pub(crate) fn start(chain: &str, answers: Answers) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let (n_connections, n_answered) = (Arc::default(), Arc::default());
        let limiter = Self { url, n_connections, n_answered };
        let (chain, connections) = (chain.to_owned(), Arc::clone(&limiter.n_connections));
        let answered = Arc::clone(&limiter.n_answered);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                let n_asked = Arc::new(AtomicUsize::new(0));
                while let Ok((stream, _)) = listener.accept().await {
                    connections.fetch_add(1, Ordering::SeqCst);
                    let (n_asked, answered) = (Arc::clone(&n_asked), Arc::clone(&answered));
                    tokio::spawn(serve(stream, chain.clone(), answers, n_asked, answered));
                }
            });
        });
        limiter
    }

    pub(crate) fn n_connections(&self) -> usize {
        self.n_connections.load(Ordering::SeqCst)
    }

    /// How many requests did not reach the chain.
    pub(crate) fn n_answered(&self) -> usize {
        self.n_answered.load(Ordering::SeqCst)
    }
}

async fn serve(
    stream: TcpStream,
    chain: String,
    answers: Answers,
    n_asked: Arc<AtomicUsize>,
    n_answered: Arc<AtomicUsize>,
) -> Option<()> {
    let mut caller = accept_async(stream).await.ok()?;
    let stream = TcpStream::connect(chain.trim_start_matches("ws://")).await.ok()?;
    let (mut chain, _) = client_async(chain, stream).await.ok()?;
    loop {
        tokio::select! {
            message = chain.next() => caller.send(message?.ok()?).await.ok()?,
            message = caller.next() => {
                let message = message?.ok()?;
                let Message::Text(text) = &message else { continue };
                let request: Value = serde_json::from_str(text).unwrap();
                let n = n_asked.fetch_add(1, Ordering::SeqCst) + 1;
                let error = match answers {
                    Answers::Limit(every) if n.is_multiple_of(every) => {
                        json!({ "code": -32029, "message": "Too many requests" })
                    }
                    Answers::Lacks(method) if request["method"] == method => {
                        json!({ "code": -32601, "message": "Method not found" })
                    }
                    _ => {
                        chain.send(message).await.ok()?;
                        continue;
                    }
                };
                n_answered.fetch_add(1, Ordering::SeqCst);
                let answer = json!({ "jsonrpc": "2.0", "id": request["id"], "error": error });
                caller.send(Message::text(answer.to_string())).await.ok()?;
            }
        }
    }
}
