//! What is wrong with bytes that are no HTTP request: the HTTP library says only that something is,
//! and whoever set up a proxy or a client has to know what.

use super::reply::is_token;

/// The fields that say where the body ends.
const LENGTH: &str = "content-length";
const ENCODING: &str = "transfer-encoding";
/// Said of a first line that names nothing.
const NO_REQUEST_LINE: &str = "The request line is not a method, a path and HTTP/1.1";

/// The first thing that is wrong with the begin of a request, in plain words.
pub fn what_is_wrong(head: &[u8]) -> &'static str {
    if head.starts_with(&[0x16, 0x03]) {
        return "This port speaks plain HTTP, not TLS: use http://";
    }
    if head.starts_with(b"PRI * HTTP/2") {
        return "This port speaks HTTP/1.1, not HTTP/2";
    }
    if head.starts_with(b"PROXY ") || head.starts_with(b"\r\n\r\n\0\r\nQUIT\n") {
        return "The PROXY protocol is read only from the addresses in axon.trusted_proxies";
    }
    let head =
        head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut lines = head.take_while(|line| !line.is_empty());
    let line = lines.next().and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_default();
    let words: Vec<&str> = line.split(' ').collect();
    match words[..] {
        [method, ..] if !is_name(method.as_bytes()) => return NO_REQUEST_LINE,
        [_, _, "HTTP/1.1" | "HTTP/1.0"] => {}
        [_, _, version] if version.starts_with("HTTP/") => {
            return "The version of HTTP is neither 1.1 nor 1.0";
        }
        _ => return NO_REQUEST_LINE,
    }
    fields_problem(lines, words.last() == Some(&"HTTP/1.0"))
}

fn fields_problem<'a>(lines: impl Iterator<Item = &'a [u8]>, is_http_10: bool) -> &'static str {
    let (mut lengths, mut encodings) = (Vec::new(), Vec::new());
    for line in lines {
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            return "A header is folded over several lines";
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return "A header has no colon";
        };
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if !is_name(name) {
            return "The name of a header is empty or has a character that none may have, such as a space before the colon";
        }
        if value.iter().any(|byte| *byte < b' ' && *byte != b'\t' || *byte == 0x7f) {
            return "A header has a control character";
        }
        let value = String::from_utf8_lossy(value).trim().to_ascii_lowercase();
        match name.to_ascii_lowercase() {
            name if name == LENGTH.as_bytes() => lengths.push(value),
            name if name == ENCODING.as_bytes() => encodings.push(value),
            _ => {}
        }
    }
    let is_number = |text: &String| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match (&lengths[..], &encodings[..]) {
        ([_, _, ..], _) => "There is more than one content-length",
        ([length], _) if !is_number(length) => "The content-length is not a number",
        ([_], [_, ..]) => "There are both a content-length and a transfer-encoding",
        (_, [_, ..]) if is_http_10 => "HTTP/1.0 knows no transfer-encoding",
        (_, [_, _, ..]) => "There is more than one transfer-encoding",
        (_, [encoding]) if encoding != "chunked" => {
            "The only transfer-encoding that is read is chunked"
        }
        _ => "The request cannot be read as HTTP/1.1",
    }
}

fn is_name(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| is_token(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_named() {
        let fields = |text: &str| format!("POST / HTTP/1.1\r\nhost: a\r\n{text}\r\n\r\n");
        for (head, words) in [
            ("\u{16}\u{3}\u{1}".to_owned(), "TLS"),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), "HTTP/2"),
            ("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n".to_owned(), "axon.trusted_proxies"),
            ("GET /\r\n\r\n".to_owned(), "request line"),
            ("G\u{7f}T / HTTP/1.1\r\n".to_owned(), "request line"),
            ("GET / HTTP/3.0\r\n\r\n".to_owned(), "version"),
            (fields("folded: a\r\n b"), "folded"),
            (fields("nothing"), "no colon"),
            (fields("odd : x"), "before the colon"),
            (fields("odd: \u{1}"), "control character"),
            (fields("content-length: 1\r\nContent-Length: 1"), "more than one content-length"),
            (fields("content-length: +5"), "not a number"),
            (fields("content-length: 5\r\ntransfer-encoding: chunked"), "both"),
            (fields("transfer-encoding: gzip, chunked"), "is chunked"),
            ("POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(), "HTTP/1.0"),
            (fields("fine: yes"), "cannot be read"),
        ] {
            let said = what_is_wrong(head.as_bytes());
            assert!(said.contains(words), "{head}: {said}");
            assert!(said.is_ascii() && !said.contains(['"', '\\']), "{said}");
        }
        assert!(what_is_wrong(b"").contains("request line"));
    }
}
