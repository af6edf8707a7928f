use proptest::prelude::*;

use super::chunks::MAX_SIDE_BYTES;
use super::*;

const MAX_HEAD_BYTES: usize = 1024;

/// What a reader gave for some bytes: status, body, how it ended, whether the connection can go on.
type Read = Result<(Option<u16>, Vec<u8>, Closed, bool), ReplyError>;

fn read_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Read {
    let (mut reader, mut body) = (ReplyReader::new(MAX_HEAD_BYTES), Vec::new());
    for piece in pieces {
        reader.push(piece, &mut body)?;
    }
    let http_status = reader.head().map(|head| head.http_status);
    Ok((http_status, body, reader.closed(), reader.may_continue()))
}

fn read(text: &str) -> Read {
    read_pieces([text.as_bytes()])
}

fn good(body: &str, may_continue: bool) -> Read {
    Ok((Some(200), body.into(), Closed::AtTheEnd, may_continue))
}

#[test]
fn every_framing_ends_where_it_should() {
    let cases = [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nHello", good("Hello", true)),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", good("", true)),
        ("\r\n\nHTTP/1.1 200 OK\r\nContent-Length: 005\r\n\r\nHello", good("Hello", true)),
        (
            "HTTP/1.1 200 OK\r\na: b\r\n c\x01\r\ncontent-length:\r\n 5\r\n\r\nHello",
            good("Hello", true),
        ),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nHello\r\n\r\n", good("Hello", true)),
        (
            "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\n0\r\n\r\n",
            good("x", false),
        ),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nHello!", good("Hello", false)),
        ("HTTP/1.1 200\r\ncontent-length: 2\r\nconnection: x, Close\r\n\r\nHi", good("Hi", false)),
        ("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nHi", good("Hi", false)),
        (
            "HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nHi",
            good("Hi", true),
        ),
        ("HTTP/1.1 200 OK\r\n\r\nHello", good("Hello", false)),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nHello", good("Hello", false)),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n3\r\nHel\r\n02 ; a=b\r\nlo\r\n0\r\n\r\n",
            good("Hello", true),
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\nA\r\n0123456789\r\n0\r\na: b\r\n\r\n",
            good("0123456789", true),
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103\r\na: b\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
            good("x", true),
        ),
        (
            "HTTP/1.1 204 None\r\ncontent-length: 5\r\n\r\n",
            Ok((Some(204), vec![], Closed::AtTheEnd, true)),
        ),
        ("HTTP/1.1 200 OK\ncontent-length: 1\n\nx", good("x", true)),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text), expected, "{text:?}");
    }
}

#[test]
fn a_reply_that_is_cut_short_is_not_whole() {
    let cases = [
        ("", None, Closed::BeforeTheHead),
        ("HTTP/1.1 200 OK\r\na: b\r\n", None, Closed::BeforeTheHead),
        ("HTTP/1.1 100 Continue\r\n\r\n", None, Closed::BeforeTheHead),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nHell", Some(200), Closed::InTheBody),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", Some(200), Closed::InTheBody),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nHell\r\n0\r\n",
            Some(200),
            Closed::InTheBody,
        ),
    ];
    for (text, status, closed) in cases {
        let (http_status, _, end, may_continue) = read(text).unwrap();
        assert_eq!((http_status, end, may_continue), (status, closed, false), "{text:?}");
    }
}

#[test]
fn what_is_no_reply_is_an_error() {
    let long = format!("HTTP/1.1 200 OK\r\na: {}", "x".repeat(MAX_HEAD_BYTES));
    let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(MAX_HEAD_BYTES);
    for text in [&long, &interim] {
        assert_eq!(read(text), Err(ReplyError::HeadTooLong(MAX_HEAD_BYTES)));
    }
    let heads = [
        "S",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-encoding: br\r\n\r\n",
    ];
    for text in heads {
        assert!(matches!(read(text), Err(ReplyError::Head(_))), "{text:?}");
    }
    let (long, zeros) = ("x".repeat(MAX_SIDE_BYTES + 1), "0".repeat(MAX_SIDE_BYTES + 1));
    let chunks = [
        "zz\r\n",
        "\r\n",
        " 5\r\n",
        ";a\r\n",
        "-1\r\n",
        "5 5\r\n",
        "5\n",
        "5\rx",
        "1\r\nxy",
        "1\r\nx\rx",
        "5;a\n",
        "5;\r\n",
        "5;a\x01",
        "0\r\nno colon\r\n",
        "0\r\n\n",
        "0\r\na: b\n",
        "0\r\n\rx",
        "ffffffffffffffff0\r\n",
        &format!("{zeros}\r\n"),
        &format!("5;{long}"),
        &format!("0\r\n{long}"),
    ];
    for text in chunks {
        let text = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{text}");
        assert_eq!(read(&text), Err(ReplyError::Chunks), "{text:.80?}");
    }
}

#[test]
fn too_many_headers_are_an_error() {
    let head = |n_headers: usize| format!("HTTP/1.1 200 OK\r\n{}\r\n", "a:\r\n".repeat(n_headers));
    assert!(read(&head(MAX_REPLY_HEADERS)).is_ok());
    assert!(matches!(read(&head(MAX_REPLY_HEADERS + 1)), Err(ReplyError::Head(_))));
}

#[test]
fn the_text_before_an_error_is_given() {
    let (mut reader, mut body) = (ReplyReader::new(MAX_HEAD_BYTES), Vec::new());
    let text = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nHi\r\nzz\r\n";
    assert_eq!(reader.push(text, &mut body), Err(ReplyError::Chunks));
    assert_eq!(body, b"Hi");
}

/// Bytes that resemble a reply: valid and invalid pieces in any order.
fn likely_bytes() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.0 200 OK\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "content-length: 7\r\n",
        "transfer-encoding: chunked\r\n",
        "connection: close\r\n",
        "bt_header_axon_status_code: 200\r\n",
        "\r\n",
        "\r\n\r\n",
        "\n",
        "5\r\nHello\r\n",
        "3;x=y\r\nabc\r\n",
        "0\r\n\r\n",
        "0\r\na: b\r\n\r\n",
        "text",
        "é",
    ]);
    prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn pieces_make_no_difference(
        begins_well: bool, bytes in likely_bytes(), cuts in prop::collection::vec(1_usize..9, 1..40)
    ) {
        let beginning = if begins_well { "HTTP/1.1 200 OK\r\n" } else { "" };
        let bytes = [beginning.as_bytes(), &bytes].concat();
        let (mut pieces, mut rest) = (Vec::new(), bytes.as_slice());
        for n_bytes in cuts.iter().cycle() {
            let (piece, after) = rest.split_at((*n_bytes).min(rest.len()));
            pieces.push(piece);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(read_pieces(pieces), read_pieces([bytes.as_slice()]));
    }

    #[test]
    fn any_bytes_are_a_reply_or_an_error(bytes: Vec<u8>) {
        let bytes = [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".as_slice(), &bytes].concat();
        if let Ok((_, body, ..)) = read_pieces([bytes.as_slice()]) {
            prop_assert!(body.len() < bytes.len());
        }
    }
}
