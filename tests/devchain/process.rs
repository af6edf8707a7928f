//! A running `sn1 devchain`, and clients for it: JSON-RPC over plain HTTP, and websockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// The deadline of every wait.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// The command, with its output captured.
pub(crate) fn sn1(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sn1"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The node; killed when it is dropped.
pub(crate) struct DevChain {
    child: Child,
    url: String,
}

impl DevChain {
    /// Starts the node on a free port, with orders allowed.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::adopt(sn1(&["devchain", "--port", "0", "--faults"]).args(arguments).spawn().unwrap())
    }

    /// Waits until a started node prints its address.
    pub(crate) fn adopt(mut child: Child) -> Self {
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let Some(Ok(url)) = lines.next() else {
            let mut said = String::new();
            child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            panic!("the node did not start: {said}");
        };
        assert!(url.starts_with("ws://127.0.0.1:"), "{url}");
        Self { child, url }
    }

    /// A chain that makes blocks only on request.
    pub(crate) fn by_hand(arguments: &[&str]) -> Self {
        Self::start(&[&["--block-time", "0"], arguments].concat())
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn address(&self) -> &str {
        self.url.trim_start_matches("ws://")
    }

    /// The whole answer to one request, over plain HTTP.
    pub(crate) fn request(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let (_, body) = self.post("application/json", &body.to_string());
        serde_json::from_str(&body).unwrap()
    }

    /// Posts a body; returns the status line and the body of the reply.
    pub(crate) fn post(&self, kind: &str, body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let length = body.len();
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }

    /// The result of one request.
    pub(crate) fn ask(&self, method: &str, params: Value) -> Value {
        let answer = self.request(method, params);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Makes this many blocks; returns the number of the newest one.
    pub(crate) fn produce(&self, count: u64) -> u64 {
        self.ask("dev_produce_block", json!([count]))["number"].as_u64().unwrap()
    }

    /// Asks for the status until it satisfies `is_so`.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + SOON;
        loop {
            let status = self.ask("dev_status", json!([]));
            if is_so(&status) {
                return status;
            }
            assert!(Instant::now() < deadline, "not within {SOON:?}: {what}; last: {status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops it with SIGINT.
    pub(crate) fn interrupt(mut self) -> ExitStatus {
        let id = rustix::process::Pid::from_raw(self.id().cast_signed()).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
        self.child.wait().unwrap()
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// A websocket to this path.
    pub(crate) async fn connect(&self, path: &str) -> Socket {
        self.try_connect(path).await.unwrap()
    }

    /// The same, when the node may refuse.
    pub(crate) async fn try_connect(&self, path: &str) -> Result<Socket, String> {
        let stream = tokio::net::TcpStream::connect(self.address()).await.unwrap();
        let opened = client_async(format!("{}{path}", self.url), stream).await;
        let (inner, _) = opened.map_err(|error| error.to_string())?;
        Ok(Socket { inner, next_id: 1 })
    }
}

impl Drop for DevChain {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A websocket to the node.
pub(crate) struct Socket {
    pub(crate) inner: WebSocketStream<tokio::net::TcpStream>,
    next_id: u64,
}

impl Socket {
    pub(crate) async fn send(&mut self, text: impl Into<String>) {
        self.inner.send(Message::text(text.into())).await.unwrap();
    }

    /// The next message; `None` when the node has ended the connection.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            let message = tokio::time::timeout(SOON, self.inner.next()).await.unwrap()?;
            match message.ok()? {
                Message::Text(text) => return Some(serde_json::from_str(&text).unwrap()),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// Whether the node sends nothing for this long.
    pub(crate) async fn is_silent(&mut self, for_long: Duration) -> bool {
        tokio::time::timeout(for_long, self.inner.next()).await.is_err()
    }

    /// Sends a request without waiting for the answer.
    pub(crate) async fn send_request(&mut self, method: &str, params: Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(request.to_string()).await;
        id
    }

    /// The whole answer; notifications before it are lost.
    pub(crate) async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.send_request(method, params).await;
        loop {
            let message = self.next().await.unwrap();
            if message["id"] == id {
                return message;
            }
        }
    }

    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Value {
        let answer = self.request(method, params).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The next notification of this subscription.
    pub(crate) async fn news(&mut self, subscription: &Value) -> Value {
        loop {
            let message = self.next().await.unwrap();
            if message["params"]["subscription"] == *subscription {
                return message["params"]["result"].clone();
            }
        }
    }
}
