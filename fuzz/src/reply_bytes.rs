//! Replies as bytes: heads, framing and bounds, however the bytes are cut.
//!
//! Input: seed of the cuts, then what the peer sends until it closes.

use sn1::synapse::reply::{Closed, ReplyReader};

/// Small enough for the fuzzer to reach.
const MAX_HEAD_BYTES: usize = 2048;

/// Status and body; how it ended; whether the connection may go on.
type Reading = (Option<u16>, Vec<u8>, Result<(Closed, bool), String>);

/// Panics when the core misreads the reply.
pub fn check(input: &[u8]) {
    let Some((&seed, sent)) = input.split_first() else { return };
    let whole = read([sent]);
    assert!(whole.1.len() <= sent.len(), "a body from nothing");
    let cut = 1 + usize::from(seed);
    let pieces = read(sent.chunks(cut));
    // A body is given as far as it is good; an error is told at the same byte.
    assert_eq!(pieces, whole);
    assert_eq!(read(sent.chunks(1)), whole);
    if let Some((http_status, body)) = plain(sent) {
        assert_eq!((whole.0, &whole.1), (Some(http_status), &body));
        assert!(matches!(whole.2, Ok((Closed::AtTheEnd, _))), "{:?}", whole.2);
    }
    if let Ok((_, true)) = whole.2 {
        let mut longer = sent.to_vec();
        longer.push(b'H');
        let surplus = read([longer.as_slice()]);
        assert_eq!((surplus.0, surplus.1), (whole.0, whole.1), "a reply went on behind its end");
        assert_eq!(surplus.2, Ok((Closed::AtTheEnd, false)));
    }
}

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Reading {
    let (mut reader, mut body) = (ReplyReader::new(MAX_HEAD_BYTES), Vec::new());
    for piece in pieces {
        if let Err(error) = reader.push(piece, &mut body) {
            let http_status = reader.head().map(|head| head.http_status);
            return (http_status, body, Err(error.to_string()));
        }
    }
    let http_status = reader.head().map(|head| head.http_status);
    (http_status, body, Ok((reader.closed(), reader.may_continue())))
}

/// A slow reader of plain replies: known headers only, one framing, nothing behind the end.
fn plain(sent: &[u8]) -> Option<(u16, Vec<u8>)> {
    let end = sent.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&sent[..end]).ok().filter(|_| end + 4 <= MAX_HEAD_BYTES)?;
    let mut lines = head.split("\r\n");
    let http_status = lines.next()?.strip_prefix("HTTP/1.1 ")?.strip_suffix(" OK")?;
    let http_status: u16 = http_status.parse().ok().filter(|status| *status == 200)?;
    let header = lines.next()?;
    if lines.next().is_some() {
        return None;
    }
    let rest = &sent[end + 4..];
    if header == "transfer-encoding: chunked" {
        return Some((http_status, unchunk(rest)?));
    }
    let length = header.strip_prefix("content-length: ")?;
    let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    let length: usize = length.parse().ok().filter(|_| is_number)?;
    (length == rest.len()).then(|| (http_status, rest.to_vec()))
}

fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).ok()?;
        let is_size = (1..=6).contains(&size.len()) && size.bytes().all(|b| b.is_ascii_hexdigit());
        let n_bytes = usize::from_str_radix(size, 16).ok().filter(|_| is_size)?;
        rest = &rest[end + 2..];
        if n_bytes == 0 {
            return (rest == b"\r\n").then_some(body);
        }
        body.extend_from_slice(rest.get(..n_bytes)?);
        rest = rest[n_bytes..].strip_prefix(b"\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slow_reader_reads() {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let chunked = format!("{head}5\r\nHello\r\na\r\n0123456789\r\n0\r\n\r\n");
        assert_eq!(plain(chunked.as_bytes()), Some((200, b"Hello0123456789".to_vec())));
        let counted = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nHi";
        assert_eq!(plain(counted.as_bytes()), Some((200, b"Hi".to_vec())));
        for text in [head, "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nHi", "x"] {
            assert_eq!(plain(text.as_bytes()), None);
        }
        for text in [chunked.as_str(), counted] {
            check(format!("\x03{text}").as_bytes());
        }
    }
}
