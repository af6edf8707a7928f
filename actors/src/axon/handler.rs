//! The steps of a request from its head to an answer, cheapest check first:
//!
//! connection and head limits ([`super::connection`]) → rate of the address → head parsed → rules
//! and metagraph → nonce → signature → nonce recorded → rate and streams of the hotkey → body,
//! within size and time → a stream, by priority → hash and types → the miner.
//!
//! A refused caller has cost no more than the steps up to its refusal. The order is the SDKs'
//! wherever a caller could tell the difference.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::body::{BodySize, BoxBody, MessageBody};
use actix_http::error::PayloadError;
use actix_http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_http::{ConnectionType, HttpMessage, Payload, Request, Response, StatusCode};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use metrics::counter;
use sn1::synapse::Endpoint;
use sn1::synapse::body::BodyError;
use sn1::synapse::headers::{AxonIdentity, Header};
use sn1::synapse::limits::{Rate, TokenBuckets, peer_network};
use sn1::synapse::pipeline::{
    Admitted, Asked, Refusal, RefusalKind, RequestParts, read_ping, read_prompt,
};
use sn1::synapse::verify::Claim;
use sn1::synapse::{DEFAULT_TIMEOUT_S, Generation};
use sn1::telemetry;
use tokio::time::sleep;

use super::admission::{StreamPermit, TurnedAway};
use super::connection::Track;
use super::miner::Miner;
use super::rules::Caller;
use super::signatures::Signatures;
use super::state::{AxonState, Held};
use super::stream;
use crate::away::timeout;
use crate::clock::unix_ns;

/// Time for the body of a request to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// Time to read the rest of a refused body that has already arrived.
const DRAIN_WITHIN: Duration = Duration::from_millis(20);
/// Most bytes of such a rest that are read; with more, the connection is closed.
const MAX_DRAIN_BYTES: usize = 64 * 1024;
/// The longest that a caller waits for a stream, whatever timeout it sends.
const MAX_PATIENCE: Duration = Duration::from_secs(10);
/// The share of a caller's timeout that it may spend in line.
const SHARE_IN_LINE: f64 = 0.25;
/// What an invalid signature costs its address, in requests.
const FORGERY_COST: f64 = 19.0;
/// What a reused or stale nonce costs an unknown address, in requests.
const STALE_COST: f64 = 4.0;
/// The longest that a refusal is delayed.
const MAX_SLOW_DOWN: Duration = Duration::from_secs(1);
/// How many refusals are signed, as the SDKs sign theirs; beyond that they go out unsigned.
const SIGNED_REFUSALS: Rate = Rate { per_second: 50.0, burst: 50.0 };

/// What all requests of one event loop share.
pub(super) struct Served {
    pub(super) name: Arc<str>,
    pub(super) identity: AxonIdentity,
    pub(super) state: Arc<AxonState>,
    pub(super) signatures: Signatures,
    pub(super) miner: Arc<dyn Miner>,
    unsigned: AxonIdentity,
    signed_refusals: std::cell::RefCell<TokenBuckets<()>>,
}

/// The body of a request, and whether it was read to its end.
struct Body {
    payload: Payload,
    is_ended: bool,
}

/// Answers one request, valid or not.
pub(super) async fn handle(served: Rc<Served>, mut request: Request) -> Response<BoxBody> {
    let track = request.conn_data::<Rc<Track>>().map(Rc::clone);
    if let Some(track) = &track {
        track.begin(served.most_body_bytes(request.headers()));
    }
    let mut body = Body { payload: request.take_payload(), is_ended: false };
    let mut response = match served.accept(&request, &mut body, track.as_ref()).await {
        Ok(response) => response,
        Err(refusal) => {
            served.slow_down(&refusal, &request, track.as_deref()).await;
            served.refused(*refusal)
        }
    };
    served.count(response.status());
    // A stream reports its own end.
    if let Some(track) = track
        && response.body().size() != BodySize::Stream
    {
        if body.drain().await {
            track.answered();
        } else {
            response.head_mut().set_connection_type(ConnectionType::Close);
            track.cut_off();
        }
    }
    response
}

impl Body {
    /// Reads the whole body if it has at most `max_bytes`.
    async fn read(&mut self, max_bytes: usize) -> Result<BytesMut, RefusalKind> {
        let mut bytes = BytesMut::new();
        while let Some(chunk) = self.payload.next().await {
            let chunk = chunk.map_err(|error| match error {
                PayloadError::EncodingCorrupted => RefusalKind::BadBody(BodyError::NotUtf8),
                _ => RefusalKind::TimedOut,
            })?;
            if bytes.len() + chunk.len() > max_bytes {
                return Err(RefusalKind::BodyTooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        self.is_ended = true;
        Ok(bytes)
    }

    /// Discards a small rest that has already arrived, so that the connection can be kept. `false`
    /// when more is left.
    async fn drain(&mut self) -> bool {
        if !self.is_ended {
            let rest = timeout(DRAIN_WITHIN, self.read(MAX_DRAIN_BYTES)).await;
            self.is_ended = matches!(rest, Ok(Ok(_)));
        }
        self.is_ended
    }
}

impl Served {
    pub(super) fn new(
        name: Arc<str>,
        identity: AxonIdentity,
        state: Arc<AxonState>,
        miner: Arc<dyn Miner>,
    ) -> Self {
        Self {
            name,
            unsigned: identity.without_signature(),
            identity,
            signatures: Signatures::new(Arc::clone(&state.checkers)),
            state,
            miner,
            signed_refusals: std::cell::RefCell::new(TokenBuckets::new(SIGNED_REFUSALS, 1)),
        }
    }

    /// Most bytes that the body may take on the wire, with an allowance for the framing of chunks.
    fn most_body_bytes(&self, headers: &HeaderMap) -> usize {
        let max_bytes = self.state.limits.max_body_bytes;
        if headers.contains_key("transfer-encoding") {
            return max_bytes.saturating_mul(2).saturating_add(MAX_DRAIN_BYTES);
        }
        stated_bytes(headers).unwrap_or(0).min(max_bytes)
    }

    async fn accept(
        &self,
        request: &Request,
        body: &mut Body,
        track: Option<&Rc<Track>>,
    ) -> Result<Response<BoxBody>, Box<Refusal>> {
        let asked = self.read(request)?;
        let network = peer_network(asked.peer().ip());
        let is_known =
            track.is_some_and(|track| track.is_proven()) || self.state.knows(network, unix_ns());
        let (claim, caller) = match self.verify(&asked, is_known).await {
            Ok(verified) => verified,
            Err(kind) => return Err(self.refuse(&asked, kind)),
        };
        let admitted = asked.admit(&claim, &self.state.verifier, self.signer(), unix_ns());
        let admitted = admitted.map_err(|refusal| {
            // A replay, or an unknown route: it has cost a signature check.
            self.state.charge(network, FORGERY_COST, unix_ns());
            Box::new(refusal)
        })?;
        let refuse = |kind| Box::new(admitted.refuse(kind, self.signer(), unix_ns()));
        let held = self.state.hold(caller.hotkey).map_err(refuse)?;
        self.state.remember(network, unix_ns());
        if let Some(track) = track {
            track.prove(caller.hotkey);
        }
        // Before a stream is taken, so that a slow sender does not hold one.
        let bytes = self.body(request.headers(), body).await.map_err(refuse)?;
        if let Some(track) = track {
            track.body_read();
        }
        let permit = self.permit(&admitted, &caller, track).await.map_err(refuse)?;
        let holding = (held, permit);
        let response = self.answer(request.headers(), &admitted, &bytes, holding, track)?;
        // Lets the first words of a quick miner leave together with the head.
        tokio::task::yield_now().await;
        Ok(response)
    }

    /// Delays the refusal of an unknown address that asks too often until it may ask again: on a
    /// kept connection, an immediate refusal would invite the next request.
    async fn slow_down(&self, refusal: &Refusal, request: &Request, track: Option<&Track>) {
        let (RefusalKind::RateLimited, Some(peer)) = (&refusal.kind, request.peer_addr()) else {
            return;
        };
        let wait = self.state.stranger_waits(peer_network(peer.ip()), unix_ns());
        if !wait.is_zero() {
            track.iter().for_each(|track| track.is_made_to_wait());
            sleep(wait.min(MAX_SLOW_DOWN)).await;
        }
    }

    /// Checks the address's rate and the path, and parses the head.
    fn read(&self, request: &Request) -> Result<Asked, Box<Refusal>> {
        let now = unix_ns();
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        let peer = request.peer_addr().unwrap_or(unknown);
        if !self.state.hears(peer_network(peer.ip()), now) {
            let refusal = Refusal::bare(RefusalKind::RateLimited, Generation::Modern, 0.0);
            return Err(Box::new(refusal));
        }
        let headers: Vec<(&str, &[u8])> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        let target = request.uri().to_string();
        let parts = RequestParts {
            method: request.method().as_str(),
            target: &target,
            headers: &headers,
            peer,
            arrived_unix_ns: now,
        };
        Asked::read(&parts, self.state.verifier.policy(), now).map_err(Box::new)
    }

    /// Checks rules, nonce and signature.
    async fn verify(&self, asked: &Asked, is_known: bool) -> Result<(Claim, Caller), RefusalKind> {
        // The verifier refuses a caller without a valid hotkey.
        let named = asked.account();
        let known = named.map(|hotkey| self.judge(asked, hotkey)).transpose()?;
        let claim = asked.claim(&self.state.verifier, &self.identity, unix_ns());
        if claim.is_err() && !is_known {
            self.state.charge(peer_network(asked.peer().ip()), STALE_COST, unix_ns());
        }
        let claim = claim?;
        // A lenient verifier accepts spellings of a hotkey that are not valid addresses.
        let caller = match known {
            Some(caller) => caller,
            None => self.judge(asked, claim.account)?,
        };
        let checked = self.signatures.check(claim, is_known).await;
        if let Err(RefusalKind::NotVerified(_)) = &checked {
            self.state.charge(peer_network(asked.peer().ip()), FORGERY_COST, unix_ns());
        }
        Ok((checked?, caller))
    }

    /// Applies the axon's rules first, then the miner's blacklist.
    fn judge(&self, asked: &Asked, hotkey: sn1::wallet::AccountId) -> Result<Caller, RefusalKind> {
        let caller = self.state.roster.caller(hotkey, asked.peer(), &self.state.rules)?;
        match catch_unwind(AssertUnwindSafe(|| self.miner.blacklist(&caller))) {
            Ok(Ok(())) => Ok(caller),
            Ok(Err(reason)) => Err(RefusalKind::Blacklisted(reason)),
            Err(_) => Err(RefusalKind::Failed),
        }
    }

    /// Waits for one of the axon's streams.
    async fn permit(
        &self,
        admitted: &Admitted,
        caller: &Caller,
        track: Option<&Rc<Track>>,
    ) -> Result<StreamPermit, RefusalKind> {
        let priority = catch_unwind(AssertUnwindSafe(|| self.miner.priority(caller)))
            .map_err(|_| RefusalKind::Failed)?;
        let stated = admitted.head().timeout.unwrap_or(DEFAULT_TIMEOUT_S);
        let patience = Duration::try_from_secs_f64(stated * SHARE_IN_LINE).unwrap_or(MAX_PATIENCE);
        let handle = track.map(|track| track.handle());
        let entering = self.state.admission.enter(priority, handle, patience.min(MAX_PATIENCE));
        entering.await.map_err(|why| match why {
            TurnedAway::Full => RefusalKind::Overloaded,
            TurnedAway::Late => RefusalKind::TimedOut,
        })
    }

    async fn body(&self, headers: &HeaderMap, body: &mut Body) -> Result<BytesMut, RefusalKind> {
        let max_bytes = self.state.limits.max_body_bytes;
        if stated_bytes(headers).is_some_and(|n_bytes| n_bytes > max_bytes) {
            return Err(RefusalKind::BodyTooLarge);
        }
        timeout(BODY_WITHIN, body.read(max_bytes)).await.unwrap_or(Err(RefusalKind::TimedOut))
    }

    fn answer(
        &self,
        headers: &HeaderMap,
        admitted: &Admitted,
        body: &[u8],
        holding: (Held, StreamPermit),
        track: Option<&Rc<Track>>,
    ) -> Result<Response<BoxBody>, Box<Refusal>> {
        let content_type = headers.get("content-type").and_then(|value| value.to_str().ok());
        let (identity, now) = (&self.identity, unix_ns());
        match admitted.endpoint() {
            Endpoint::Ping => {
                let ping = read_ping(admitted, body, content_type, identity, now)?;
                let headers = admitted.reply_headers(&ping.body_hash, identity, now);
                Ok(respond(StatusCode::OK, headers, ping.json))
            }
            Endpoint::Prompt => {
                let prompt = read_prompt(admitted, body, content_type, identity, now)?;
                let headers = admitted.reply_headers(&prompt.body_hash, identity, now);
                let (name, miner) = (&self.name, &self.miner);
                let body = stream::start(name, miner, prompt, holding, track.cloned());
                Ok(respond(StatusCode::OK, headers, body))
            }
        }
    }

    /// The identity that signs a refusal; the unsigned one when refusals are many.
    fn signer(&self) -> &AxonIdentity {
        let is_signed = self.signed_refusals.borrow_mut().take((), unix_ns());
        if is_signed { &self.identity } else { &self.unsigned }
    }

    fn refuse(&self, asked: &Asked, kind: RefusalKind) -> Box<Refusal> {
        Box::new(asked.refuse(kind, self.signer(), unix_ns()))
    }

    fn refused(&self, refusal: Refusal) -> Response<BoxBody> {
        counter!(
            telemetry::AXON_REFUSALS.name,
            "actor" => Arc::clone(&self.name),
            "kind" => refusal.kind.label(),
        )
        .increment(1);
        let status =
            StatusCode::from_u16(refusal.http_status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        respond(status, refusal.headers, refusal.body)
    }

    fn count(&self, status: StatusCode) {
        counter!(
            telemetry::AXON_REQUESTS.name,
            "actor" => Arc::clone(&self.name),
            "status" => status.as_str().to_owned(),
        )
        .increment(1);
    }
}

/// The size of the body as its headers state it; `None` when they do not.
fn stated_bytes(headers: &HeaderMap) -> Option<usize> {
    headers.get("content-length")?.to_str().ok()?.parse().ok()
}

fn respond(
    status: StatusCode,
    headers: Vec<Header>,
    body: impl MessageBody + 'static,
) -> Response<BoxBody> {
    let mut response = Response::with_body(status, BoxBody::new(body));
    for (name, value) in headers {
        // The wire module writes only valid header names and one-line ASCII values.
        if let (Ok(name), Ok(value)) =
            (HeaderName::try_from(name), HeaderValue::from_maybe_shared(Bytes::from(value)))
        {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
