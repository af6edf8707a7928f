//! Requests that must never be served: with wrong signatures, or served before.

use std::io;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::Fallible;
use crate::attack::Field;
use crate::callers::{Caller, QUESTION, unix_ns};
use crate::http::{Connection, Reply, frame};
use crate::tally::how;

/// Connections that send replays, each from an address of its own.
pub(crate) const REPLAYERS: u32 = 50;
/// The question of the request that is replayed.
pub(crate) const CAPTURED: &str = "captured: what was served once is not served again";
/// The prefix of questions of which several copies are sent at the same moment.
pub(crate) const RACE: &str = "race";
/// Copies of each such question.
const COPIES: u32 = 16;
/// How long an attacker waits for a reply before it takes a new connection.
const IMPATIENCE: Duration = Duration::from_millis(250);
/// Digits of a nonce, which is Unix time in nanoseconds.
const NONCE_DIGITS: usize = 19;

const BAD_SIGNATURES: &str = "wrong signatures";
const REPLAYS: &str = "replays";
const RACES: &str = "copies at once";

/// Has one request served, and returns its bytes.
pub(crate) async fn capture(field: &Field) -> Fallible<Rc<[u8]>> {
    let captured = frame(&Caller::new("captured", field.to)?.ask(CAPTURED)?, field.to);
    let mut connection = Connection::open(Ipv4Addr::LOCALHOST, field.to).await?;
    match connection.exchange(&captured).await?.status {
        200 => Ok(captured.into()),
        status => Err(format!("the request to be captured was answered with {status}").into()),
    }
}

/// Sends fresh requests in the honest validator's name with a well-formed but wrong signature.
pub(crate) async fn bad_signatures(
    field: Rc<Field>,
    number: u32,
    n_attackers: u32,
    per_second: u32,
) -> Fallible<()> {
    let signed_by_another = Caller::new("stranger", field.to)?.ask(QUESTION)?;
    let mut request = signed_by_another;
    let honest = crate::callers::key("honest")?.account_id().to_ss58();
    for (name, value) in &mut request.headers {
        if *name == "bt_header_dendrite_hotkey" {
            value.clone_from(&honest);
        }
    }
    let request = frame(&request, field.to);
    let nonce = position(&request, b"bt_header_dendrite_nonce: ").ok_or("a head without nonce")?;
    let freshen = |request: &mut Vec<u8>| -> Fallible<()> {
        request[nonce..nonce + NONCE_DIGITS].copy_from_slice(unix_ns()?.to_string().as_bytes());
        Ok(())
    };
    let source = Source { attack: BAD_SIGNATURES, from: field.address(1, number) };
    source.keep_sending(&field, request, freshen, n_attackers, number, per_second).await
}

/// Sends the captured request again and again.
pub(crate) async fn replays(
    field: Rc<Field>,
    number: u32,
    captured: Rc<[u8]>,
    per_second: u32,
) -> Fallible<()> {
    let source = Source { attack: REPLAYS, from: field.address(2, number) };
    let as_it_is = |_: &mut Vec<u8>| Ok(());
    source.keep_sending(&field, captured.to_vec(), as_it_is, REPLAYERS, number, per_second).await
}

/// Sends copies of a request that was not served yet, all at the same moment, once a second.
pub(crate) async fn races(field: Rc<Field>) -> Fallible<()> {
    let caller = Caller::new("captured", field.to)?;
    let mut pace = interval(Duration::from_secs(1));
    for race in 0_u32.. {
        pace.tick().await;
        let request = frame(&caller.ask(&format!("{RACE} {race}"))?, field.to);
        let sources = (0..COPIES)
            .map(|copy| Source { attack: RACES, from: field.address(3, race * COPIES + copy) })
            .collect::<Vec<_>>();
        join_all(sources.iter().map(|source| source.send(&field, None, &request))).await;
    }
    Ok(())
}

/// The address and the connection of one attacker.
struct Source {
    attack: &'static str,
    from: Ipv4Addr,
}

impl Source {
    /// Sends this attacker's share of the attack's rate, on one connection while it lasts. Falls
    /// behind only when the server does not answer.
    async fn keep_sending(
        &self,
        field: &Field,
        mut request: Vec<u8>,
        prepare: impl Fn(&mut Vec<u8>) -> Fallible<()>,
        n_attackers: u32,
        number: u32,
        per_second: u32,
    ) -> Fallible<()> {
        if per_second == 0 {
            return Ok(());
        }
        let period = Duration::from_secs_f64(f64::from(n_attackers) / f64::from(per_second));
        // Spreads the attackers evenly over the first period.
        tokio::time::sleep(period.mul_f64(f64::from(number) / f64::from(n_attackers))).await;
        let mut pace = interval(period);
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut connection = None;
        while field.is_on() {
            pace.tick().await;
            prepare(&mut request)?;
            connection = self.send(field, connection, &request).await;
        }
        Ok(())
    }

    /// Sends once; returns the connection if it can be used again.
    async fn send(
        &self,
        field: &Field,
        connection: Option<Connection>,
        request: &[u8],
    ) -> Option<Connection> {
        field.tally.attempt(self.attack);
        let began = Instant::now();
        let exchange = async {
            let mut connection = match connection {
                Some(connection) => connection,
                None => Connection::open(self.from, field.to).await?,
            };
            let reply = connection.exchange(request).await?;
            io::Result::Ok((connection, reply))
        };
        let outcome = timeout(IMPATIENCE, exchange).await;
        let outcome = outcome.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let (kept, reply) = match outcome {
            Ok((connection, reply)) => (reply.stays_open.then_some(connection), Ok(reply)),
            Err(error) => (None, Err::<Reply, _>(error)),
        };
        field.tally.end(self.attack, began, how(&reply));
        kept
    }
}

/// The position after the first occurrence of `pattern`.
fn position(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    let start = bytes.windows(pattern.len()).position(|window| window == pattern)?;
    Some(start + pattern.len())
}
