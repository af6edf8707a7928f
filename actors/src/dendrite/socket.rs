//! How a socket that the peer closed behaves.

use std::io::{self, ErrorKind};
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::away::Moment;

/// Whether a reset follows the end of a stream within `grace`.
///
/// A peer that closed before it received the request answers the request's bytes with a reset. A
/// peer that closed after it had read the request has no reason to send one.
pub(super) async fn reset_follows(stream: &TcpStream, grace: Duration) -> bool {
    let began = Moment::now();
    loop {
        match stream.take_error() {
            Ok(Some(error)) => return is_reset(&error),
            Ok(None) => {}
            Err(_) => return false,
        }
        match began.timeout(grace, stream.ready(Interest::ERROR)).await {
            // The flag may be stale; only another look can tell.
            Ok(Ok(_)) if began.elapsed() < grace => tokio::task::yield_now().await,
            _ => return false,
        }
    }
}

/// The kernel reports "broken pipe" when the end of the stream was seen before the reset.
fn is_reset(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    const LONG: Duration = Duration::from_secs(10);
    const SHORT: Duration = Duration::from_millis(50);

    async fn pair() -> (TcpStream, std::net::TcpStream) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (stream, listener.accept().unwrap().0)
    }

    #[actix::test]
    async fn bytes_that_find_the_peer_closed_are_answered_by_a_reset() {
        let (stream, peer) = pair().await;
        drop(peer);
        stream.readable().await.unwrap();
        assert_eq!(stream.try_read(&mut [0]).unwrap(), 0);
        assert!(!reset_follows(&stream, SHORT).await, "nothing was sent yet");
        stream.writable().await.unwrap();
        assert_eq!(stream.try_write(b"request").unwrap(), 7);
        assert!(reset_follows(&stream, LONG).await);
    }

    #[actix::test]
    async fn a_peer_that_read_everything_closes_without_a_reset() {
        let (stream, mut peer) = pair().await;
        stream.writable().await.unwrap();
        assert_eq!(stream.try_write(b"request").unwrap(), 7);
        peer.read_exact(&mut [0; 7]).unwrap();
        drop(peer);
        stream.readable().await.unwrap();
        assert!(!reset_follows(&stream, SHORT).await);
    }

    #[actix::test]
    async fn an_answer_does_not_look_like_a_reset() {
        let (stream, mut peer) = pair().await;
        peer.write_all(b"answer").unwrap();
        stream.readable().await.unwrap();
        assert!(!reset_follows(&stream, SHORT).await);
    }
}
