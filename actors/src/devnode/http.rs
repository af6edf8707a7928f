//! JSON-RPC over plain HTTP: one POST, one answer, then the connection is closed. For curl and for
//! tests; orders to misbehave do not affect it.
//!
//! A GET is told so; HEAD is GET without the body. Whoever expects a word before its body gets it.
//! The body must be declared as JSON: a page in a browser then needs a preflight request, which is
//! refused.

use serde_json::{Value, json};
use sn1::devchain::rpc::{self, Incoming, Parsed, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::caller::Caller;

const MAX_HEAD_BYTES: usize = 16 << 10;

/// The status of a request that was refused before it reached the chain.
struct Refused(&'static str);

/// Whether a connection that begins so becomes a websocket: with a GET that asks for it, as far as
/// its head has come.
pub(super) fn asks_for_a_websocket(first: &[u8]) -> bool {
    let head = String::from_utf8_lossy(first);
    match head.split_once("\r\n\r\n") {
        Some((head, _)) => head.starts_with("GET ") && field(head, "upgrade").is_some(),
        None => head.starts_with('G'),
    }
}

/// Answers one request and closes the connection.
///
/// # Errors
/// When the connection broke.
pub(super) async fn serve(
    mut stream: TcpStream,
    caller: &Caller,
    max_body: usize,
) -> std::io::Result<()> {
    let reply = match read_body(&mut stream, max_body).await? {
        Ok(body) => {
            let answer = answer(caller, &body).await.map(|value| value.to_string());
            head("200 OK", &answer.unwrap_or_default())
        }
        Err((Refused(status), is_head)) => {
            let why = "JSON-RPC is asked by POST, as application/json, or over a websocket";
            let mut reply =
                head(status, &json!({ "error": format!("{status}: {why}") }).to_string());
            if is_head {
                reply.truncate(reply.find("\r\n\r\n").map_or(reply.len(), |end| end + 4));
            }
            reply
        }
    };
    stream.write_all(reply.as_bytes()).await?;
    stream.shutdown().await
}

fn head(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}

async fn read_body(
    stream: &mut TcpStream,
    max_body: usize,
) -> std::io::Result<Result<Vec<u8>, (Refused, bool)>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if bytes.len() > MAX_HEAD_BYTES {
            return Ok(Err((Refused("431 Request Header Fields Too Large"), false)));
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let refused = |refused| Ok(Err((refused, head.starts_with("HEAD "))));
    let length = match declared(&head) {
        Ok(length) if length > max_body => return refused(Refused("413 Content Too Large")),
        Ok(length) => length,
        Err(why) => return refused(why),
    };
    if field(&head, "expect").is_some_and(|word| word.eq_ignore_ascii_case("100-continue")) {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let mut body = bytes.split_off(end + 4);
    body.truncate(length);
    let have = body.len();
    body.resize(length, 0);
    stream.read_exact(&mut body[have..]).await?;
    Ok(Ok(body))
}

/// The declared length in bytes of a POST with a JSON body.
fn declared(head: &str) -> Result<usize, Refused> {
    if !head.starts_with("POST ") {
        return Err(Refused("405 Method Not Allowed"));
    }
    let kind = field(head, "content-type").unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with("application/json") {
        return Err(Refused("415 Unsupported Media Type"));
    }
    let length = field(head, "content-length").and_then(|length| length.parse().ok());
    length.ok_or(Refused("411 Length Required"))
}

/// The value of a header; names are read in any letter case.
fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    let found = fields.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim())
}

async fn answer(caller: &Caller, body: &[u8]) -> Option<Value> {
    match rpc::parse(body) {
        Incoming::Single(request) => answer_one(caller, request).await,
        Incoming::Batch(requests) => {
            let mut replies = Vec::new();
            for request in requests {
                replies.extend(answer_one(caller, request).await);
            }
            (!replies.is_empty()).then_some(Value::Array(replies))
        }
    }
}

async fn answer_one(caller: &Caller, request: Parsed) -> Option<Value> {
    match request {
        Err(rejected) => Some(rejected.response()),
        Ok(Request { id, method, params }) => {
            let answer = caller.ask(method, params).await;
            id.map(|id| rpc::response(&id, answer))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_get_becomes_a_websocket_only_where_it_asks_for_one() {
        for (head, expected) in [
            ("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nhost: a\r\n", true),
            ("G", true),
            ("GET / HTTP/1.1\r\nhost: a\r\n\r\n", false),
            ("HEAD / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", false),
            ("POST / HTTP/1.1", false),
        ] {
            assert_eq!(asks_for_a_websocket(head.as_bytes()), expected, "{head}");
        }
    }

    #[test]
    fn only_a_post_of_json_of_known_length_is_read() {
        let post = "POST / HTTP/1.1\r\nHost: a\r\ncontent-TYPE: application/json; charset=utf-8";
        let table = [
            ("GET / HTTP/1.1".to_owned(), Err("405 Method Not Allowed")),
            ("POST / HTTP/1.1\r\nContent-Length: 3".to_owned(), Err("415 Unsupported Media Type")),
            (post.to_owned(), Err("411 Length Required")),
            (format!("{post}\r\nContent-Length: x"), Err("411 Length Required")),
            (format!("{post}\r\nContent-Length: 12"), Ok(12)),
        ];
        for (text, expected) in table {
            assert_eq!(declared(&text).map_err(|refused| refused.0), expected, "{text}");
        }
    }
}
