//! Attackers that hold connections: endless heads and bodies, silence, and streams that are not
//! read.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::time::{sleep, timeout};

use crate::Fallible;
use crate::attack::{Field, PATIENCE, PAUSE};
use crate::callers::QUESTION;
use crate::http::{Connection, Reply, frame, head};
use crate::tally::{how, trouble};

/// The question to which the bench's miner gives an endless answer.
pub(crate) const ENDLESS: &str = "endless";
/// The time between two small writes.
const DROP_EVERY: Duration = Duration::from_secs(1);
/// As small as the kernel allows, so that an unread stream soon stops.
const RECEIVE_BUFFER: u32 = 2048;
/// How long a stream stays open and unread.
const UNREAD_FOR: Duration = Duration::from_secs(20);

const SLOW_HEADS: &str = "slow heads";
const SLOW_BODIES: &str = "slow bodies";
const SILENCE: &str = "silent connections";
const UNREAD: &str = "unread streams";

/// Sends a head that grows by one header a second.
pub(crate) async fn heads(field: Rc<Field>, number: u32) -> Fallible<()> {
    while field.is_on() {
        let begin = b"POST /StreamPromptingSynapse HTTP/1.1\r\nhost: axon\r\n".to_vec();
        let from = field.address(4, number);
        drip(&field, SLOW_HEADS, from, begin, b"x-more: to come\r\n").await;
        sleep(PAUSE).await;
    }
    Ok(())
}

/// Sends a signed head, and a body byte by byte.
pub(crate) async fn bodies(field: Rc<Field>, number: u32) -> Fallible<()> {
    let caller = field.hostile(number)?;
    while field.is_on() {
        let request = caller.ask(QUESTION)?;
        let mut begin = head(&request, field.to);
        let length = request.body.len();
        begin.extend_from_slice(format!("content-length: {length}\r\n\r\n").as_bytes());
        drip(&field, SLOW_BODIES, field.address(5, number), begin, b" ").await;
        sleep(PAUSE).await;
    }
    Ok(())
}

/// Opens a connection and sends nothing.
pub(crate) async fn silence(field: Rc<Field>, number: u32) -> Fallible<()> {
    while field.is_on() {
        field.tally.attempt(SILENCE);
        let began = Instant::now();
        let wait = async {
            let mut connection = Connection::open(field.address(6, number), field.to).await?;
            connection.replies.next().await
        };
        let outcome = patiently(wait).await;
        field.tally.end(SILENCE, began, how(&outcome));
        sleep(PAUSE).await;
    }
    Ok(())
}

/// Asks for an endless answer, reads its head and no more.
pub(crate) async fn unread_streams(field: Rc<Field>, number: u32) -> Fallible<()> {
    let caller = field.hostile(number)?;
    while field.is_on() {
        let request = frame(&caller.ask(ENDLESS)?, field.to);
        field.tally.attempt(UNREAD);
        let began = Instant::now();
        let end = match open_stream(field.address(7, number), field.to, &request).await {
            Ok((_connection, 200)) => {
                sleep(UNREAD_FOR).await;
                "200, then not read".to_owned()
            }
            Ok((_, status)) => status.to_string(),
            Err(error) => trouble(&error).to_owned(),
        };
        field.tally.end(UNREAD, began, end);
        sleep(PAUSE).await;
    }
    Ok(())
}

async fn open_stream(
    from: Ipv4Addr,
    to: SocketAddr,
    request: &[u8],
) -> io::Result<(Connection, u16)> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let begin = async {
        let mut connection = Connection::connect(socket, to).await?;
        connection.writer.write_all(request).await?;
        let status = connection.replies.head().await?.status;
        Ok((connection, status))
    };
    timeout(PATIENCE, begin).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Sends the beginning and then a few bytes a second, until the server replies or hangs up.
async fn drip(
    field: &Field,
    attack: &'static str,
    from: Ipv4Addr,
    begin: Vec<u8>,
    drop: &'static [u8],
) {
    field.tally.attempt(attack);
    let began = Instant::now();
    let attempt = async {
        let mut connection = Connection::open(from, field.to).await?;
        connection.writer.write_all(&begin).await?;
        loop {
            // Ending the wait keeps what was read of a head.
            match timeout(DROP_EVERY, connection.replies.next()).await {
                Ok(outcome) => return outcome,
                Err(_) => connection.writer.write_all(drop).await?,
            }
            field.tally.bytes(attack, drop.len() as u64);
        }
    };
    let outcome = patiently(attempt).await;
    field.tally.end(attack, began, how(&outcome));
}

async fn patiently(attempt: impl Future<Output = io::Result<Reply>>) -> io::Result<Reply> {
    timeout(PATIENCE, attempt).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
