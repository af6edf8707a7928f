//! Outgoing synapse streams: signs, sends to all miners of a sample at once, reads what each one
//! streams, and hands every answer on as soon as it is complete.
//!
//! One deadline holds for connect, head and body together; what a miner has sent by then is kept.
//! No redirects, no compression, no cookies, no proxies. Addresses that came from the chain are
//! dialled only if they are public, unless the settings allow local ones.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use actix::Message;
use futures_util::stream::{FuturesUnordered, StreamExt};
use metrics::{counter, gauge, histogram};
use sn1::chain::{AxonInfo, Uid};
use sn1::synapse::headers::{AxonAddress, ReplyHead, RequestDraft};
use sn1::synapse::outcome::{Ending, Exchange, Outcome};
use sn1::synapse::sign::{NonceSource, SignedRequest, random_uuid, sign_request};
use sn1::synapse::stream::{SplitCharacters, Utf8Stream};
use sn1::telemetry;
use sn1::wallet::{AccountId, Keypair};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::clock::unix_ns;
use crate::supervision::{Context, Handles, Reply, Resident};

/// Idle connections are dropped before the 5 s at which a Python axon closes them.
const IDLE_CONNECTION: Duration = Duration::from_secs(4);

/// How miners are asked.
#[derive(Debug, Clone)]
pub struct DendriteSettings {
    /// Signs the requests.
    pub hotkey: Keypair,
    /// Sent as our own address.
    pub external_ip: IpAddr,
    /// Whether loopback and private addresses are dialled.
    pub allow_local_addresses: bool,
    /// Longest answer in bytes; a longer one is cut off as an error.
    pub max_answer_bytes: usize,
}

/// A miner to be asked.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its slot.
    pub uid: Uid,
    /// Its hotkey, which the request is signed for.
    pub hotkey: AccountId,
    /// Where it serves.
    pub axon: AxonInfo,
}

/// One miner's answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Who was asked.
    pub target: Target,
    /// What each read brought: text and seconds since the request was sent.
    pub chunks: Vec<(String, f64)>,
    /// The HTTP status, if a head came.
    pub http_status: Option<u16>,
    /// Status, message, process time and the whole text.
    pub outcome: Outcome,
    /// When it ended.
    pub ended: Instant,
}

/// Asks miners. The reply is the channel on which their answers come, each when it is complete and
/// none later than the timeout; it closes after the last.
#[derive(Message, Debug, Clone)]
#[rtype(result = "mpsc::Receiver<Answer>")]
pub struct AskMiners {
    /// Whom.
    pub targets: Vec<Target>,
    /// Roles of the messages.
    pub roles: Vec<String>,
    /// The conversation.
    pub messages: Vec<String>,
    /// For each miner, all in all.
    pub timeout: Duration,
    /// Told of every head and chunk as it arrives, before the answers are complete. Every event of
    /// a miner is sent before its [`Answer`]. A receiver that is gone is no reason to stop.
    pub progress: Option<mpsc::UnboundedSender<Progress>>,
}

/// One thing that arrived from one miner.
#[derive(Debug, Clone)]
pub struct Progress {
    /// From whom.
    pub target: Target,
    /// What.
    pub event: ProgressEvent,
}

/// What arrived from a miner. Times are seconds since the question was taken up.
#[derive(Debug, Clone, PartialEq)]
pub enum ProgressEvent {
    /// The head of a reply; nothing in it is authenticated.
    Head {
        /// Of the status line.
        http_status: u16,
        /// When it was whole.
        after_s: f64,
    },
    /// Text, one event for each read that brought some. Of a refusal there is none.
    Chunk {
        /// The whole characters that the read completed.
        text: String,
        /// When it was read.
        after_s: f64,
    },
}

struct Shared {
    settings: DendriteSettings,
    client: reqwest::Client,
    nonces: NonceSource,
    uuid: String,
}

/// The actor that asks miners.
pub struct Dendrite {
    shared: Rc<Shared>,
}

impl Dendrite {
    /// A dendrite with a uuid of its own.
    ///
    /// # Errors
    /// When the HTTP client cannot be made, in words.
    pub fn new(settings: DendriteSettings) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .tcp_nodelay(true)
            .pool_idle_timeout(IDLE_CONNECTION)
            .build()
            .map_err(|error| format!("could not make the HTTP client: {error}"))?;
        let uuid = random_uuid(&mut rand::rng());
        Ok(Self { shared: Rc::new(Shared { settings, client, nonces: NonceSource::new(), uuid }) })
    }
}

impl Resident for Dendrite {}

impl Handles<AskMiners> for Dendrite {
    fn handle(
        &mut self,
        ask: AskMiners,
        ctx: &mut Context<'_, Self>,
    ) -> Reply<mpsc::Receiver<Answer>> {
        // Room for every answer: the asker may be busy with something else.
        let (sender, answers) = mpsc::channel(ask.targets.len().max(1));
        let shared = Rc::clone(&self.shared);
        ctx.run(ask_all(shared, ask, sender), |_, (), _| {});
        Reply::Now(answers)
    }
}

async fn ask_all(shared: Rc<Shared>, ask: AskMiners, answers: mpsc::Sender<Answer>) {
    let started = Instant::now();
    let mut open: FuturesUnordered<_> =
        ask.targets.iter().map(|target| ask_one(&shared, &ask, *target, started)).collect();
    let mut counted = OpenStreams::new(open.len());
    loop {
        tokio::select! {
            () = answers.closed() => break, // The asker has gone: so do the streams.
            answer = open.next() => {
                let Some(answer) = answer else { break };
                counted.one_ended();
                let _ = answers.try_send(answer);
            }
        }
    }
}

/// Counts streams while they are open, however they end.
struct OpenStreams(usize);

impl OpenStreams {
    fn new(n_streams: usize) -> Self {
        gauge!(telemetry::DENDRITE_OPEN_STREAMS.name).increment(n_streams as f64);
        Self(n_streams)
    }

    fn one_ended(&mut self) {
        gauge!(telemetry::DENDRITE_OPEN_STREAMS.name).decrement(1.0);
        self.0 = self.0.saturating_sub(1);
    }
}

impl Drop for OpenStreams {
    fn drop(&mut self) {
        gauge!(telemetry::DENDRITE_OPEN_STREAMS.name).decrement(self.0 as f64);
    }
}

/// A status as a label: a miner chooses the number, so only known ones become a series.
fn status_label(status: Option<u16>) -> String {
    const KNOWN: [u16; 14] = [200, 400, 401, 403, 404, 405, 408, 413, 422, 429, 431, 500, 502, 503];
    match status {
        None => "none".to_owned(),
        Some(code) if KNOWN.contains(&code) => code.to_string(),
        Some(_) => "other".to_owned(),
    }
}

/// What has arrived so far; kept whatever happens next.
struct Arrived<'a> {
    target: Target,
    progress: Option<&'a mpsc::UnboundedSender<Progress>>,
    http_status: Option<u16>,
    head: Option<Result<ReplyHead, sn1::synapse::headers::HeaderError>>,
    chunks: Vec<(String, f64)>,
    n_bytes: usize,
}

impl Arrived<'_> {
    fn tell(&self, event: ProgressEvent) {
        if let Some(progress) = self.progress {
            // Nobody listening any more is no reason to stop.
            let _ = progress.send(Progress { target: self.target, event });
        }
    }
}

async fn ask_one(shared: &Shared, ask: &AskMiners, target: Target, started: Instant) -> Answer {
    let mut arrived = Arrived {
        target,
        progress: ask.progress.as_ref(),
        http_status: None,
        head: None,
        chunks: Vec::new(),
        n_bytes: 0,
    };
    let address = target.axon.socket_address();
    let ending = match address.filter(|address| shared.may_dial(address.ip())) {
        None => Ending::NotConnected,
        Some(address) => {
            let exchange = exchange(shared, ask, target, address, started, &mut arrived);
            match timeout_at(started + ask.timeout, exchange).await {
                Ok(ending) => ending,
                Err(_) => Ending::TimedOut { timeout_s: ask.timeout.as_secs_f64() },
            }
        }
    };
    finish(target, address, arrived, ending, started)
}

fn finish(
    target: Target,
    address: Option<SocketAddr>,
    arrived: Arrived<'_>,
    ending: Ending,
    started: Instant,
) -> Answer {
    let elapsed_s = started.elapsed().as_secs_f64();
    let address = address.map_or_else(|| "no address".to_owned(), |address| address.to_string());
    let outcome = Outcome::of(Exchange {
        address: &address,
        http_status: arrived.http_status,
        head: arrived.head,
        text: arrived.chunks.iter().map(|(text, _)| text.as_str()).collect(),
        ending,
        elapsed_s,
    });
    let status = status_label(outcome.status_code);
    counter!(telemetry::DENDRITE_RESPONSES.name, "status" => status).increment(1);
    if outcome.is_success() {
        histogram!(telemetry::DENDRITE_RESPONSE_SECONDS.name).record(elapsed_s);
    }
    let (http_status, chunks) = (arrived.http_status, arrived.chunks);
    Answer { target, chunks, http_status, outcome, ended: Instant::now() }
}

async fn exchange(
    shared: &Shared,
    ask: &AskMiners,
    target: Target,
    address: SocketAddr,
    started: Instant,
    arrived: &mut Arrived<'_>,
) -> Ending {
    let signed = match shared.sign(ask, target, address) {
        Ok(signed) => signed,
        Err(error) => return Ending::Failed(error.to_string()),
    };
    let mut request =
        shared.client.post(format!("http://{address}{}", signed.path)).body(signed.body);
    for (name, value) in signed.headers {
        request = request.header(name, value);
    }
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return before_head(&error),
    };
    let http_status = response.status().as_u16();
    arrived.http_status = Some(http_status);
    arrived.tell(ProgressEvent::Head { http_status, after_s: started.elapsed().as_secs_f64() });
    let headers = response.headers().iter();
    arrived.head =
        Some(ReplyHead::parse(headers.map(|(name, value)| (name.as_str(), value.as_bytes()))));
    read_body(response, shared.settings.max_answer_bytes, started, arrived).await
}

async fn read_body(
    mut response: reqwest::Response,
    max_bytes: usize,
    started: Instant,
    arrived: &mut Arrived<'_>,
) -> Ending {
    let mut decoder = Utf8Stream::new(SplitCharacters::Join);
    loop {
        let bytes = match response.chunk().await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => break,
            Err(_) => return Ending::BrokenBody,
        };
        arrived.n_bytes += bytes.len();
        if arrived.n_bytes > max_bytes {
            return Ending::TooLarge;
        }
        match decoder.push(&bytes) {
            Ok(text) => {
                let after_s = started.elapsed().as_secs_f64();
                arrived.tell(ProgressEvent::Chunk { text: text.clone(), after_s });
                arrived.chunks.push((text, after_s));
            }
            Err(_) => return Ending::BadUtf8,
        }
    }
    match decoder.finish() {
        Ok(()) => Ending::Complete,
        Err(_) => Ending::BadUtf8,
    }
}

/// What went wrong before a head came.
fn before_head(error: &reqwest::Error) -> Ending {
    if error.is_connect() {
        return Ending::NotConnected;
    }
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return match io.kind() {
                std::io::ErrorKind::ConnectionReset => Ending::Reset,
                _ => Ending::Disconnected,
            };
        }
        if let Some(http) = cause.downcast_ref::<hyper::Error>() {
            if http.is_parse() {
                return Ending::BadHead(http.to_string());
            }
            if http.is_incomplete_message() {
                return Ending::Disconnected;
            }
        }
        source = cause.source();
    }
    Ending::Failed(error.to_string())
}

impl Shared {
    fn may_dial(&self, address: IpAddr) -> bool {
        self.settings.allow_local_addresses || is_public(address)
    }

    fn sign(
        &self,
        ask: &AskMiners,
        target: Target,
        address: SocketAddr,
    ) -> Result<SignedRequest, serde_json::Error> {
        let (ip, hotkey) = (address.ip().to_string(), target.hotkey.to_ss58());
        let draft = RequestDraft {
            axon: AxonAddress { ip: &ip, port: address.port(), hotkey: &hotkey },
            dendrite_ip: &self.settings.external_ip.to_string(),
            dendrite_uuid: &self.uuid,
            timeout_s: ask.timeout.as_secs_f64(),
            roles: &ask.roles,
            messages: &ask.messages,
        };
        sign_request(&self.settings.hotkey, &draft, self.nonces.next(unix_ns()))
    }
}

/// Whether an address from the chain may be dialled: not unspecified, loopback, private,
/// link-local, multicast or reserved, nor such an address mapped into IPv6.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            let is_benchmark = a == 198 && (b == 18 || b == 19);
            !(v4.is_unspecified()
                || v4.is_loopback()
                || v4.is_private()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_multicast()
                || is_shared
                || is_benchmark
                || a == 0
                || a >= 240)
        }
        IpAddr::V6(v6) => match v6.to_ipv4() {
            Some(v4) => is_public(IpAddr::V4(v4)),
            None => {
                !(v6.is_unspecified()
                    || v6.is_loopback()
                    || v6.is_unique_local()
                    || v6.is_unicast_link_local()
                    || v6.is_multicast())
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_dialled() {
        let local = [
            "0.0.0.0",
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.1.1",
            "224.0.0.1",
            "255.255.255.255",
            "100.64.0.1",
            "198.18.0.1",
            "240.0.0.1",
            "::",
            "::1",
            "fc00::1",
            "fe80::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
        ];
        for address in local {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
