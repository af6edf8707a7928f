//! Attackers that send too much: bodies of 100 MB, heads without end, requests without a name.

use std::io;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::time::{interval, sleep, timeout};

use crate::Fallible;
use crate::attack::{Field, PATIENCE, PAUSE};
use crate::callers::QUESTION;
use crate::http::{Connection, Reply, head};
use crate::tally::how;

/// Size of a huge body in bytes.
const BODY_BYTES: usize = 100_000_000;
/// Bytes that are sent at a time.
const BLOCK_BYTES: usize = 64 * 1024;
/// Size in bytes at which an endless head stops if the server does not.
const HEAD_BYTES: usize = 64_000_000;
/// How long to look for the reply of a server that cuts a flood off; it may be lost on the way.
const LAST_WORDS: Duration = Duration::from_millis(500);

const ANNOUNCED: &str = "100 MB, announced";
const CHUNKED: &str = "100 MB, chunked";
const UNSIGNED: &str = "100 MB, not signed";
const MANY_HEADERS: &str = "headers without end";
const LONG_HEADER: &str = "a line without end";
const UNNAMED: &str = "unsigned";
const LOAD: &str = "load";

/// Sends huge bodies: announced, in chunks, and announced under a wrong signature, in turn.
pub(crate) async fn bodies(field: Rc<Field>, number: u32) -> Fallible<()> {
    let caller = field.hostile(number)?;
    let plain = vec![b' '; BLOCK_BYTES];
    let mut chunk = format!("{BLOCK_BYTES:x}\r\n").into_bytes();
    chunk.extend_from_slice(&plain);
    chunk.extend_from_slice(b"\r\n");
    while field.is_on() {
        let mut request = caller.ask(QUESTION)?;
        let announced = format!("content-length: {BODY_BYTES}\r\n\r\n").into_bytes();
        let (attack, end, block) = match number % 3 {
            0 => (ANNOUNCED, announced, &plain),
            1 => (CHUNKED, b"transfer-encoding: chunked\r\n\r\n".to_vec(), &chunk),
            _ => {
                request.headers.retain(|(name, _)| *name != "bt_header_dendrite_signature");
                (UNSIGNED, announced, &plain)
            }
        };
        let begin = [head(&request, field.to), end].concat();
        pour(&field, attack, field.address(8, number), &begin, block, BODY_BYTES).await;
        sleep(PAUSE).await;
    }
    Ok(())
}

/// Sends heads with too many headers or with one that is too long, in turn.
pub(crate) async fn headers(field: Rc<Field>, number: u32) -> Fallible<()> {
    let lines = b"x-flood: more\r\n".repeat(BLOCK_BYTES / 15);
    let letters = vec![b'a'; BLOCK_BYTES];
    let begin = b"POST /StreamPromptingSynapse HTTP/1.1\r\nhost: axon\r\nx-flood: ";
    while field.is_on() {
        let (attack, block) = match number % 2 {
            0 => (MANY_HEADERS, &lines),
            _ => (LONG_HEADER, &letters),
        };
        pour(&field, attack, field.address(9, number), begin, block, HEAD_BYTES).await;
        sleep(PAUSE).await;
    }
    Ok(())
}

/// Sends this attacker's share of the unsigned requests, each on a connection of its own.
pub(crate) async fn unsigned(field: Rc<Field>, number: u32, per_second: u32) -> Fallible<()> {
    let period = Duration::from_secs_f64(f64::from(per_second.min(90)) / f64::from(per_second));
    sleep(period.mul_f64(f64::from(number) / f64::from(per_second.min(90)))).await;
    let mut pace = interval(period);
    while field.is_on() {
        pace.tick().await;
        nameless(&field, UNNAMED, number, None).await;
    }
    Ok(())
}

/// Sends unsigned requests as fast as they are answered, on one connection while it lasts.
pub(crate) async fn load(field: Rc<Field>, number: u32) -> Fallible<()> {
    let mut connection = None;
    while field.is_on() {
        connection = nameless(&field, LOAD, number, connection).await;
    }
    Ok(())
}

/// Sends one unsigned request; returns the connection if it can be used again.
async fn nameless(
    field: &Field,
    attack: &'static str,
    number: u32,
    connection: Option<Connection>,
) -> Option<Connection> {
    field.tally.attempt(attack);
    let began = Instant::now();
    let exchange = async {
        let mut connection = match connection {
            Some(connection) => connection,
            None => Connection::open(field.address(10, number), field.to).await?,
        };
        let request = b"GET /StreamPromptingSynapse HTTP/1.1\r\nhost: axon\r\n\r\n";
        let reply = connection.exchange(request).await?;
        io::Result::Ok((connection, reply))
    };
    let outcome = timeout(PATIENCE, exchange).await;
    let outcome = outcome.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let (kept, reply) = match outcome {
        Ok((connection, reply)) => (reply.stays_open.then_some(connection), Ok(reply)),
        Err(error) => (None, Err::<Reply, _>(error)),
    };
    field.tally.end(attack, began, how(&reply));
    kept
}

/// Sends the beginning and then blocks, until the server replies or hangs up.
async fn pour(
    field: &Field,
    attack: &'static str,
    from: Ipv4Addr,
    begin: &[u8],
    block: &[u8],
    most: usize,
) {
    field.tally.attempt(attack);
    let began = Instant::now();
    let attempt = async {
        let Connection { mut replies, mut writer } = Connection::open(from, field.to).await?;
        let poured = async {
            writer.write_all(begin).await?;
            for _ in 0..most.div_ceil(block.len()) {
                writer.write_all(block).await?;
                field.tally.bytes(attack, block.len() as u64);
            }
            // All is sent; only the server's reply is still to come.
            std::future::pending::<io::Result<Reply>>().await
        };
        let stopped = tokio::select! {
            reply = replies.next() => return reply,
            Err(error) = poured => error,
        };
        match timeout(LAST_WORDS, replies.next()).await {
            Ok(Ok(reply)) => Ok(reply),
            _ => Err(stopped),
        }
    };
    let outcome = timeout(PATIENCE, attempt).await;
    let outcome = outcome.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    field.tally.end(attack, began, how(&outcome));
}
