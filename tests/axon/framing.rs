//! Heads, bodies and replies as HTTP frames them, also where callers frame them oddly.

use sn1_actors::axon::{AxonLimits, AxonRules};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::stand::*;

#[actix::test]
async fn heads_that_are_too_large_or_ambiguous_are_refused() {
    let stand = open_stand(AxonLimits::default());
    let request = signed("alice", "x");
    let length = format!("content-length: {}\r\n", request.body.len());
    let flood = "x-flood: y\r\n".repeat(200);
    let table = [
        ("a long line", format!("{length}x-long: {}\r\n", "y".repeat(40_000)), 431),
        ("many lines", format!("{length}{flood}"), 431),
        ("two lengths", format!("{length}{length}"), 400),
        ("length and chunks", format!("{length}transfer-encoding: chunked\r\n"), 400),
        ("two encodings", "transfer-encoding: gzip, chunked\r\n".to_owned(), 400),
        ("a signed length", "content-length: +5\r\n".to_owned(), 400),
        ("a space before the colon", format!("{length}x-odd : y\r\n"), 400),
        ("a folded line", format!("{length}x-odd: y\r\n z\r\n"), 400),
    ];
    for (what, framing, expected) in table {
        let bytes = [head(&request, &framing).into_bytes(), request.body.clone()].concat();
        assert_eq!(status(&stand, &bytes).await, expected, "{what}");
    }
    assert_eq!(status(&stand, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await, 400, "TLS");
    // None of them has used up the nonce.
    assert_eq!(status(&stand, &whole(&request)).await, 200);
}

#[actix::test]
async fn an_endless_head_is_cut_off_while_it_comes() {
    let stand = open_stand(AxonLimits::default());
    let mut socket = connect_from(&stand, 1).await;
    socket.write_all(b"POST /StreamPromptingSynapse HTTP/1.1\r\nhost: axon\r\n").await.unwrap();
    let flood = async {
        // Ends when the axon stops reading.
        while socket.write_all(&[b'a'; 4096]).await.is_ok() {}
    };
    timeout(SOON, flood).await.unwrap();
    assert_eq!(status(&stand, &whole(&signed("alice", "x"))).await, 200);
}

#[actix::test]
async fn slow_heads_get_a_408_on_a_new_and_on_a_kept_connection() {
    let stand = open_stand(AxonLimits::default());
    let mut silent = connect_from(&stand, 1).await;
    let mut dripping = connect_from(&stand, 1).await;
    dripping.write_all(b"POST /Stream").await.unwrap();
    let mut kept = connect_from(&stand, 1).await;
    kept.write_all(&whole(&signed("alice", "first"))).await.unwrap();
    assert_eq!(read_reply(&mut kept).await.unwrap().status, 200);
    kept.write_all(b"POST /Stream").await.unwrap();
    for (what, socket) in
        [("silent", &mut silent), ("dripping", &mut dripping), ("kept", &mut kept)]
    {
        assert_eq!(read_reply(socket).await.unwrap().status, 408, "{what}");
    }
}

#[actix::test]
async fn bodies_are_bounded_whatever_their_framing() {
    let limits = AxonLimits { max_body_bytes: 4096, ..AxonLimits::default() };
    let stand = open_stand(limits);
    let request = signed("alice", "x");
    let huge = head(&request, "content-length: 104857600\r\n");
    assert_eq!(status(&stand, huge.as_bytes()).await, 413, "stated");
    let request = signed("alice", "x");
    let mut chunked = head(&request, "transfer-encoding: chunked\r\n").into_bytes();
    for _ in 0..64 {
        chunked.extend_from_slice(format!("400\r\n{}\r\n", "z".repeat(1024)).as_bytes());
    }
    assert_eq!(status(&stand, &chunked).await, 413, "chunked");
    // A chunked body of an honest size is read.
    let request = signed("alice", "in pieces");
    let mut chunked = head(&request, "transfer-encoding: chunked\r\n").into_bytes();
    for piece in request.body.chunks(100) {
        chunked.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        chunked.extend_from_slice(piece);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(status(&stand, &chunked).await, 200);
}

#[actix::test]
async fn a_refused_body_that_never_comes_holds_no_connection() {
    let stand = open_stand(AxonLimits::default());
    for framing in ["transfer-encoding: chunked\r\n", "content-length: 9\r\n"] {
        let mut socket = connect_from(&stand, 1).await;
        let head = format!("POST /x HTTP/1.1\r\nhost: axon\r\n{framing}\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        let said = read_to_end(&mut socket).await;
        assert!(
            said.starts_with("HTTP/1.1 404") && said.matches("HTTP/1.1").count() == 1,
            "{said}"
        );
    }
}

#[actix::test]
async fn a_connection_goes_on_after_a_refusal_whose_body_was_there() {
    let stand = open_stand(AxonLimits::default());
    let mut socket = connect_from(&stand, 1).await;
    let long = "long ".repeat(20_000);
    for (role, message, expected) in [
        ("alice", "x", 200),
        ("unloved", "x", 403),
        ("alice", long.as_str(), 200),
        ("bob", "y", 200),
    ] {
        socket.write_all(&whole(&signed(role, message))).await.unwrap();
        assert_eq!(read_reply(&mut socket).await.unwrap().status, expected, "{role}");
    }
}

#[actix::test]
async fn what_comes_during_an_answer_waits_and_is_answered_after_it() {
    let mut stand = stand(AxonLimits::default(), AxonRules::default());
    let mut socket = connect_from(&stand, 1).await;
    let first = whole(&signed("alice", "first"));
    let second = whole(&signed("bob", "second"));
    socket.write_all(&[first, second].concat()).await.unwrap();
    assert_eq!(timeout(SOON, stand.seen.recv()).await.unwrap().unwrap(), "first");
    stand.go.add_permits(2);
    for message in ["first", "second"] {
        let reply = async {
            let mut bytes = Vec::new();
            while !String::from_utf8_lossy(&bytes).ends_with("0\r\n\r\n") {
                let mut byte = [0];
                socket.read_exact(&mut byte).await.unwrap();
                bytes.extend_from_slice(&byte);
            }
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let reply = timeout(SOON, reply).await.unwrap();
        assert!(reply.starts_with("HTTP/1.1 200") && reply.contains(message), "{reply}");
    }
}

#[actix::test]
async fn a_compressed_body_is_not_unpacked() {
    let stand = open_stand(AxonLimits::default());
    let request = signed("alice", "x");
    // The start of a gzip stream.
    let body = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let framing = format!("content-encoding: gzip\r\ncontent-length: {}\r\n", body.len());
    let bytes = [head(&request, &framing).into_bytes(), body.to_vec()].concat();
    assert_eq!(status(&stand, &bytes).await, 400);
}

#[actix::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let stand = open_stand(AxonLimits::default());
    let request = signed("alice", "x");
    let mut socket = connect_from(&stand, 1).await;
    let framing = format!("content-length: {}\r\n", request.body.len());
    socket.write_all(head(&request, &framing).as_bytes()).await.unwrap();
    socket.write_all(&request.body[..10]).await.unwrap();
    assert_eq!(read_reply(&mut socket).await.unwrap().status, 408);
}

#[actix::test]
async fn a_refusal_of_what_is_no_request_says_what_is_wrong() {
    let stand = open_stand(AxonLimits::default());
    for (bytes, words) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], "not TLS"),
        (b"GET / HTTP/1.1\r\nhost: a\r\nodd : x\r\n\r\n", "before the colon"),
        (b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n", "content-length is not a number"),
        (b"what is this\r\n\r\n", "request line"),
    ] {
        let reply = exchange(&stand, bytes).await.unwrap();
        assert_eq!(reply.status, 400, "{words}");
        assert!(reply.text.contains(words), "{words}: {}", reply.text);
    }
    // Also on a connection that has served a request.
    let mut kept = connect_from(&stand, 1).await;
    kept.write_all(&whole(&signed("alice", "first"))).await.unwrap();
    assert_eq!(read_reply(&mut kept).await.unwrap().status, 200);
    kept.write_all(b"POST / HTTP/1.1\r\nodd\r\n\r\n").await.unwrap();
    let reply = read_reply(&mut kept).await.unwrap();
    assert!(reply.status == 400 && reply.text.contains("no colon"), "{}", reply.text);
}

#[actix::test]
async fn a_body_that_cannot_be_read_is_said_to_be_so() {
    let stand = open_stand(AxonLimits::default());
    let request = signed("alice", "x");
    let chunked = head(&request, "transfer-encoding: chunked\r\n") + "zz\r\n";
    let encoded =
        head(&signed("alice", "x"), "content-encoding: gzip\r\ncontent-length: 1\r\n") + "x";
    let fieldless = "POST /StreamPromptingSynapse HTTP/1.1\r\nhost: axon\r\n\r\n".to_owned();
    for (bytes, words) in [
        (chunked, "chunks are malformed"),
        (encoded, "content-encoding"),
        (fieldless, "underscores_in_headers on"),
    ] {
        let reply = exchange(&stand, bytes.as_bytes()).await.unwrap();
        assert_eq!(reply.status, 400, "{words}: {}", reply.text);
        assert!(reply.text.contains(words), "{words}: {}", reply.text);
    }
}

/// RFC 9112, section 6.1, forbids chunks there.
#[actix::test]
async fn a_caller_of_http_1_0_gets_a_plain_body_that_ends_with_the_connection() {
    let mut stand = stand(AxonLimits::default(), AxonRules::default());
    stand.go.add_permits(1);
    let old = |message| {
        let text = String::from_utf8(whole(&signed("alice", message))).unwrap();
        text.replacen("HTTP/1.1", "HTTP/1.0", 1).replacen(
            "host:",
            "connection: keep-alive\r\nhost:",
            1,
        )
    };
    let mut socket = connect_from(&stand, 1).await;
    socket.write_all(old("plain words").as_bytes()).await.unwrap();
    let reply = read_to_end(&mut socket).await;
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.0 200") && !head.contains("transfer-encoding"), "{head}");
    assert!(!head.to_ascii_lowercase().contains("connection: keep-alive"), "{head}");
    assert_eq!(body, "plain words");
    // A refusal has a length, as always.
    socket = connect_from(&stand, 1).await;
    socket.write_all(b"GET /nowhere HTTP/1.0\r\n\r\n").await.unwrap();
    assert!(read_to_end(&mut socket).await.contains("content-length: "));
    // What breaks off does not look like what ends.
    assert_eq!(timeout(SOON, stand.seen.recv()).await.unwrap().unwrap(), "plain words");
    socket = connect_from(&stand, 1).await;
    socket.write_all(old("broken").as_bytes()).await.unwrap();
    assert_eq!(timeout(SOON, stand.seen.recv()).await.unwrap().unwrap(), "broken");
    stand.go.close();
    let mut bytes = Vec::new();
    let ended = timeout(SOON, socket.read_to_end(&mut bytes)).await.unwrap();
    assert_eq!(ended.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

#[actix::test]
async fn head_is_get_without_the_body() {
    let stand = open_stand(AxonLimits::default());
    let mut socket = connect_from(&stand, 1).await;
    let of = |request, method: &str| {
        String::from_utf8(whole(&request)).unwrap().replacen("POST", method, 1)
    };
    for (request, status) in [(signed("alice", "x"), 200), (signed("unloved", "x"), 403)] {
        socket.write_all(of(request, "HEAD").as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            timeout(SOON, socket.read_exact(&mut byte)).await.unwrap().unwrap();
            head.extend(byte);
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
    }
    // Nothing stands before the next reply.
    socket.write_all(of(signed("alice", "x"), "GET").as_bytes()).await.unwrap();
    let reply = read_reply(&mut socket).await.unwrap();
    assert!(reply.status == 200 && reply.text.ends_with("x\r\n0\r\n\r\n"), "{}", reply.text);
}

#[actix::test]
async fn a_body_is_asked_for_once_its_caller_is_admitted() {
    let stand = open_stand(AxonLimits::default());
    for (request, word) in
        [(signed("alice", "x"), "HTTP/1.1 100"), (forged("alice"), "HTTP/1.1 401")]
    {
        let framing = format!("expect: 100-continue\r\ncontent-length: {}\r\n", request.body.len());
        let mut socket = connect_from(&stand, 1).await;
        socket.write_all(head(&request, &framing).as_bytes()).await.unwrap();
        let mut first = [0; 12];
        timeout(SOON, socket.read_exact(&mut first)).await.unwrap().unwrap();
        assert_eq!(std::str::from_utf8(&first).unwrap(), word);
        if word.ends_with("100") {
            let mut rest = [0; 13];
            socket.read_exact(&mut rest).await.unwrap();
            socket.write_all(&request.body).await.unwrap();
            assert_eq!(read_reply(&mut socket).await.unwrap().status, 200);
        } else {
            // The body is not waited for.
            assert_eq!(read_to_end(&mut socket).await.matches("HTTP/1.1").count(), 0);
        }
    }
}
