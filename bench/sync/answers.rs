//! The node that both sides read from: the core's own methods behind a plain websocket.

use std::convert::Infallible;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value as Json, json};
use sn1::devchain::rpc::methods;
use sn1::devchain::rpc::{Incoming, Parsed, Request, RpcError, parse, response};
use tokio_tungstenite::tungstenite::{Message, accept};

use crate::subnet::{Kind, Subnet};
use crate::{Fallible, child};

/// Serves on a free loopback port, which it prints, until this process's input closes.
pub(crate) fn serve(kind: Kind) -> Fallible<()> {
    let subnet = Arc::new(Mutex::new(Subnet::of(kind)?));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", json!(format!("ws://{}", listener.local_addr()?)));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let subnet = Arc::clone(&subnet);
            // Clients disconnect without notice, so the end of a connection is not an error.
            std::thread::spawn(move || converse(stream, &subnet));
        }
    });
    Ok(child::wait_for_dismissal()?)
}

/// Answers one request after the other until the connection ends.
fn converse(stream: TcpStream, subnet: &Mutex<Subnet>) -> Fallible<Infallible> {
    stream.set_nodelay(true)?;
    let mut socket = accept(stream)?;
    loop {
        let message = socket.read()?;
        if let Message::Text(_) | Message::Binary(_) = &message {
            let reply = reply(&mut subnet.lock(), &message.into_data());
            socket.send(Message::text(reply.to_string()))?;
        }
    }
}

fn reply(subnet: &mut Subnet, message: &[u8]) -> Json {
    let mut each = |request: Parsed| match request {
        Ok(request) => subnet.answer(&request),
        Err(rejected) => rejected.response(),
    };
    match parse(message) {
        Incoming::Single(request) => each(request),
        Incoming::Batch(batch) => batch.into_iter().map(each).collect(),
    }
}

impl Subnet {
    fn answer(&mut self, request: &Request) -> Json {
        let Request { id, method, params } = request;
        let id = id.as_ref().unwrap_or(&Json::Null);
        let name = params.text(0, "name").ok().filter(|_| method == "state_call");
        if let Some(bytes) = name.and_then(|name| self.fixed.get(name)) {
            return response(id, Ok(json!(format!("0x{}", hex::encode(bytes)))));
        }
        let answer = methods::find(method).map(|answer| answer(&mut self.node, params));
        response(id, answer.unwrap_or_else(|| Err(RpcError::unknown_method())))
    }
}
