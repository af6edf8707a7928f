//! JSON-RPC over plain HTTP: one POST, one answer, then the connection is closed. For curl and for
//! tests; orders to misbehave do not affect it.
//!
//! The body must be declared as JSON: a page in a browser then needs a preflight request, which is
//! refused.

use serde_json::Value;
use sn1::devchain::rpc::{self, Incoming, Parsed, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::caller::Caller;

const MAX_HEAD_BYTES: usize = 16 << 10;

/// The status line of a request that was refused before it reached the chain.
struct Refused(&'static str);

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
        Err(Refused(status)) => head(status, ""),
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
) -> std::io::Result<Result<Vec<u8>, Refused>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if bytes.len() > MAX_HEAD_BYTES {
            return Ok(Err(Refused("431 Request Header Fields Too Large")));
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    };
    let length = match declared(&String::from_utf8_lossy(&bytes[..end])) {
        Ok(length) if length > max_body => return Ok(Err(Refused("413 Content Too Large"))),
        Ok(length) => length,
        Err(refused) => return Ok(Err(refused)),
    };
    let mut body = bytes.split_off(end + 4);
    body.truncate(length);
    let have = body.len();
    body.resize(length, 0);
    stream.read_exact(&mut body[have..]).await?;
    Ok(Ok(body))
}

/// The declared length in bytes of a POST with a JSON body.
fn declared(head: &str) -> Result<usize, Refused> {
    let mut lines = head.split("\r\n");
    if !lines.next().unwrap_or_default().starts_with("POST ") {
        return Err(Refused("405 Method Not Allowed"));
    }
    let fields: Vec<_> = lines.filter_map(|line| line.split_once(':')).collect();
    let field = |name: &str| {
        let found = fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    };
    let kind = field("content-type").unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with("application/json") {
        return Err(Refused("415 Unsupported Media Type"));
    }
    let length = field("content-length").and_then(|length| length.parse().ok());
    length.ok_or(Refused("411 Length Required"))
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
