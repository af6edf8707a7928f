//! The subset of HTTP/1.1 that the captured replies need.

use std::io::Read;

/// A reply, as complete as its bytes.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
    /// Whether the body ended as its framing announced.
    pub(super) is_complete: bool,
}

/// Why the bytes do not hold a reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoReply {
    /// The bytes end before the head does.
    HeadUnfinished,
    /// The bytes are not HTTP/1.x.
    NotHttp,
}

/// Parses everything that a server wrote before it closed.
pub(super) fn read_reply(bytes: &[u8]) -> Result<Reply, NoReply> {
    if !bytes.is_empty() && !bytes.starts_with(&b"HTTP/1."[..bytes.len().min(7)]) {
        return Err(NoReply::NotHttp);
    }
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.ok_or(NoReply::HeadUnfinished)?;
    let head: String = bytes[..end].iter().copied().map(char::from).collect();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap().parse().unwrap();
    let headers: Vec<(String, Vec<u8>)> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_owned(), super::latin1(value.trim())))
        .collect();
    let value = |name: &str| {
        headers.iter().find(|(key, _)| key == name).map(|(_, value)| String::from_utf8_lossy(value))
    };
    let rest = &bytes[end + 4..];
    let (body, is_complete) = if value("transfer-encoding").is_some_and(|value| value == "chunked")
    {
        match unchunk(rest) {
            Ok(body) => (body, true),
            Err(part) => (part, false),
        }
    } else if let Some(length) = value("content-length") {
        let length: usize = length.parse().unwrap();
        (rest[..length.min(rest.len())].to_vec(), rest.len() >= length)
    } else {
        (rest.to_vec(), true)
    };
    Ok(Reply { status, headers, body, is_complete })
}

/// Joins the chunks; `Err` with the data so far if the last chunk never comes.
pub(super) fn unchunk(mut rest: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut size_line = Vec::new();
        let mut lines = rest.bytes().map(Result::unwrap);
        size_line.extend(lines.by_ref().take_while(|&byte| byte != b'\n'));
        let size = String::from_utf8_lossy(&size_line);
        let Ok(n_bytes) = usize::from_str_radix(size.trim_end(), 16) else {
            return Err(body);
        };
        rest = &rest[(size_line.len() + 1).min(rest.len())..];
        if n_bytes == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&rest[..n_bytes.min(rest.len())]);
        if rest.len() < n_bytes + 2 {
            return Err(body);
        }
        rest = &rest[n_bytes + 2..];
    }
}
