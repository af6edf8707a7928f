//! The steps of a request from its head to an answer, cheapest check first:
//!
//! connection and head limits ([`super::connection`]) → budget of the address, for strangers
//! ([`sn1::synapse::budgets`]) → head parsed → rules and metagraph → nonce → signature → nonce
//! recorded → rate and streams of the hotkey → body, within size and time → a stream, by priority →
//! hash and types → the miner.
//!
//! A refused caller has cost no more than the steps up to its refusal. The order is the SDKs'
//! wherever a caller could tell the difference. `Expect: 100-continue` is answered before the body:
//! whoever is refused keeps its body to itself.

mod replies;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::body::{BodySize, BoxBody, MessageBody as _, None as NoBody};
use actix_http::{ConnectionType, HttpMessage, Method, Request, Response, StatusCode, Version};
use sn1::synapse::budgets::{Failure, Lane, Pair};
use sn1::synapse::clock::Slack;
use sn1::synapse::headers::AxonIdentity;
use sn1::synapse::limits::TokenBuckets;
use sn1::synapse::pipeline::{
    Admitted, Asked, Refusal, RefusalKind, RequestParts, read_ping, read_prompt,
};
use sn1::synapse::verify::Claim;
use sn1::synapse::{DEFAULT_TIMEOUT_S, Endpoint, Generation};

use super::admission::{StreamPermit, TurnedAway};
use super::body::{Body, most_bytes};
use super::connection::Track;
use super::miner::Miner;
use super::origin::Origin;
use super::request_log::{RequestLog, Step};
use super::rules::Caller;
use super::signatures::Signatures;
use super::state::{AxonState, Held};
use super::stream;
use crate::clock::unix_ns;
use replies::{SIGNED_REFUSALS, respond};

/// The longest that a caller waits for a stream, whatever timeout it sends.
const MAX_PATIENCE: Duration = Duration::from_secs(10);
/// The share of a caller's timeout that it may spend in line.
const SHARE_IN_LINE: f64 = 0.25;
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

/// A verified caller within its limits, whose body may be read.
struct Accepted {
    admitted: Admitted,
    caller: Caller,
    held: Held,
    log: RequestLog,
}

/// A reply that refuses a request, and what is told of it.
struct Refused {
    refusal: Refusal,
    log: RequestLog,
}

/// Decides on the head of a request that waits with its body for a word.
///
/// # Errors
/// The refusal; the body is not read, and the connection is closed.
pub(super) async fn expect(
    served: Rc<Served>,
    request: Request,
) -> Result<Request, Response<BoxBody>> {
    let track = request.conn_data::<Rc<Track>>().map(Rc::clone);
    match served.admit(&request, track.as_ref()).await {
        Ok(accepted) => {
            request.extensions_mut().insert(accepted);
            Ok(request)
        }
        Err(refused) => {
            let mut response = served.refused(*refused, track.as_deref()).await;
            served.count(response.status());
            response.head_mut().set_connection_type(ConnectionType::Close);
            track.iter().for_each(|track| track.cut_off());
            Err(response)
        }
    }
}

/// Answers one request, valid or not.
pub(super) async fn handle(served: Rc<Served>, mut request: Request) -> Response<BoxBody> {
    let track = request.conn_data::<Rc<Track>>().map(Rc::clone);
    let mut body = Body::of(&mut request);
    let accepted = request.extensions_mut().remove::<Accepted>();
    let accepted = match accepted {
        Some(accepted) => Ok(accepted),
        None => served.admit(&request, track.as_ref()).await,
    };
    let answered = match accepted {
        Ok(accepted) => served.serve(&request, &mut body, accepted, track.as_ref()).await,
        Err(refused) => Err(refused),
    };
    let mut response = match answered {
        Ok(response) => response,
        Err(refused) => served.refused(*refused, track.as_deref()).await,
    };
    served.count(response.status());
    let is_stream = response.body().size() == BodySize::Stream;
    if is_stream && request.version() < Version::HTTP_11 {
        // Such a caller knows no chunks: the body ends with the connection.
        response.head_mut().no_chunking(true);
        response.head_mut().set_connection_type(ConnectionType::Close);
        track.iter().for_each(|track| track.ends_with_the_answer());
    }
    // A stream reports its own end.
    if let Some(track) = track
        && !is_stream
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

    /// The steps that need no body. A failure is charged to whom it is due.
    async fn admit(
        &self,
        request: &Request,
        track: Option<&Rc<Track>>,
    ) -> Result<Accepted, Box<Refused>> {
        if let Some(track) = track {
            track.begin(most_bytes(request.headers(), self.state.limits.max_body_bytes));
        }
        let mut log = RequestLog::begin(&self.name);
        let origin = Origin::of(request, |address| self.state.is_trusted(address));
        log.origin(&origin);
        let is_proven = |pair| track.is_some_and(|track| track.is_proven(pair));
        let lane = match origin.pair().is_some_and(is_proven) {
            true => Some(Lane::Known),
            false => self.state.lane(&origin, unix_ns()),
        };
        let checked = match lane {
            Some(lane) => self.check(request, &origin, lane, &mut log).await,
            None => {
                let kind = RefusalKind::RateLimited;
                Err(Box::new(Refusal::bare(kind, Generation::Modern, 0.0)))
            }
        };
        match checked {
            Ok((admitted, caller, held)) => {
                let pair = Pair { network: origin.network, hotkey: caller.hotkey };
                track.iter().for_each(|track| track.prove(pair));
                Ok(Accepted { admitted, caller, held, log })
            }
            Err(refusal) => {
                track.iter().for_each(|track| track.disprove());
                if let Some(lane) = lane {
                    self.charge(lane, &origin, &refusal.kind, log.step);
                }
                Err(Box::new(Refused { refusal: *refusal, log }))
            }
        }
    }

    fn charge(&self, lane: Lane, origin: &Origin, kind: &RefusalKind, step: Step) {
        let failure = match (step, kind) {
            // A replay, or an unknown route: it has cost a signature check.
            (Step::Signature, RefusalKind::NotVerified(_)) | (Step::Route, _) => Failure::Forged,
            (Step::Nonce, _) => Failure::Stale,
            _ => Failure::Refused,
        };
        // Over its own rate, it was verified first.
        let lane = if step == Step::Hotkey { Lane::Known } else { lane };
        self.state.fail(lane, origin, failure, unix_ns());
    }

    async fn check(
        &self,
        request: &Request,
        origin: &Origin,
        lane: Lane,
        log: &mut RequestLog,
    ) -> Result<(Admitted, Caller, Held), Box<Refusal>> {
        log.step = Step::Head;
        let asked = self.read(request, origin)?;
        let verified = self.verify(&asked, lane, log).await;
        let (claim, caller) = verified.map_err(|kind| self.refuse(&asked, kind))?;
        log.caller(&caller);
        log.step = Step::Route;
        let admitted = asked.admit(&claim, &self.state.verifier, self.signer(), unix_ns());
        let admitted = admitted.map_err(Box::new)?;
        log.step = Step::Hotkey;
        match self.state.hold(caller.hotkey) {
            Ok(held) => {
                self.state.verified(origin.network, caller.hotkey, unix_ns());
                Ok((admitted, caller, held))
            }
            Err(kind) => Err(Box::new(admitted.refuse(kind, self.signer(), unix_ns()))),
        }
    }

    /// Checks the path, and parses the head.
    fn read(&self, request: &Request, origin: &Origin) -> Result<Asked, Box<Refusal>> {
        let now = unix_ns();
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
            peer: origin.peer,
            arrived_unix_ns: now,
        };
        Asked::read(&parts, self.state.verifier.policy(), now).map_err(Box::new)
    }

    /// Checks rules, nonce and signature.
    async fn verify(
        &self,
        asked: &Asked,
        lane: Lane,
        log: &mut RequestLog,
    ) -> Result<(Claim, Caller), RefusalKind> {
        // The verifier refuses a caller without a valid hotkey.
        log.step = Step::Rules;
        let named = asked.account();
        let known = named.map(|hotkey| self.judge(asked, hotkey)).transpose()?;
        log.step = Step::Nonce;
        let claim = self.claim(asked, lane, log).await?;
        // A lenient verifier accepts spellings of a hotkey that are not valid addresses.
        let caller = match known {
            Some(caller) => caller,
            None => self.judge(asked, claim.account)?,
        };
        log.step = Step::Signature;
        let claim = self.signatures.check(claim, lane == Lane::Known).await?;
        self.heed(&claim);
        Ok((claim, caller))
    }

    /// Checks the nonce by our clock. A caller by whose clock ours is wrong is heard, if its
    /// signature holds: it may not be the only one.
    async fn claim(
        &self,
        asked: &Asked,
        lane: Lane,
        log: &mut RequestLog,
    ) -> Result<Claim, RefusalKind> {
        let AxonState { verifier, clock, .. } = &*self.state;
        let with = |slack| asked.claim(verifier, &self.identity, unix_ns(), slack);
        match with(clock.slack()) {
            Err(RefusalKind::NotVerified(error))
                if error.is_of_the_clock() && lane != Lane::Stranger =>
            {
                let claim = with(Slack::MOST).map_err(|_| error)?;
                log.step = Step::Signature;
                self.heed(&self.signatures.check(claim, lane == Lane::Known).await?);
                log.step = Step::Nonce;
                with(clock.slack())
            }
            claim => claim,
        }
    }

    /// Takes a verified caller's clock into account.
    fn heed(&self, claim: &Claim) {
        if let Some(nonce_ns) = claim.unix_nonce() {
            self.state.clock.caller(claim.account, nonce_ns);
        }
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

    /// Reads the body, waits for a stream and begins the answer.
    async fn serve(
        &self,
        request: &Request,
        body: &mut Body,
        accepted: Accepted,
        track: Option<&Rc<Track>>,
    ) -> Result<Response<BoxBody>, Box<Refused>> {
        let Accepted { admitted, caller, held, mut log } = accepted;
        let refuse = |kind| admitted.refuse(kind, self.signer(), unix_ns());
        log.step = Step::Body;
        // Before a stream is taken, so that a slow sender does not hold one.
        let max_bytes = self.state.limits.max_body_bytes;
        let bytes = match body.read(request.headers(), max_bytes).await {
            Ok(bytes) => bytes,
            Err(kind) => return Err(Box::new(Refused { refusal: refuse(kind), log })),
        };
        track.iter().for_each(|track| track.body_read());
        log.step = Step::Stream;
        let permit = match self.permit(&admitted, &caller, track).await {
            Ok(permit) => permit,
            Err(kind) => return Err(Box::new(Refused { refusal: refuse(kind), log })),
        };
        log.step = Step::Content;
        let holding = (held, permit);
        let response = self.answer(request, &admitted, &bytes, holding, track, log).await?;
        self.state.tally.admitted();
        // Lets the first words of a quick miner leave together with the head.
        tokio::task::yield_now().await;
        Ok(response)
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

    async fn answer(
        &self,
        request: &Request,
        admitted: &Admitted,
        body: &[u8],
        holding: (Held, StreamPermit),
        track: Option<&Rc<Track>>,
        mut log: RequestLog,
    ) -> Result<Response<BoxBody>, Box<Refused>> {
        let content_type =
            request.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        let (identity, now) = (&self.identity, unix_ns());
        let is_head = request.method() == Method::HEAD;
        let ok = |hash: &str, body| {
            respond(StatusCode::OK, admitted.reply_headers(hash, identity, now), body)
        };
        let read = match admitted.endpoint() {
            Endpoint::Ping => read_ping(admitted, body, content_type, identity, now)
                .map(|ping| (ok(&ping.body_hash, BoxBody::new(ping.json)), None)),
            Endpoint::Prompt => read_prompt(admitted, body, content_type, identity, now)
                .map(|prompt| (ok(&prompt.body_hash, BoxBody::new(NoBody::new())), Some(prompt))),
        };
        let (response, prompt) = match read {
            Ok(read) => read,
            Err(refusal) => return Err(Box::new(Refused { refusal, log })),
        };
        log.step = Step::Answer;
        log.decided();
        let Some(prompt) = prompt.filter(|_| !is_head) else {
            log.tell(200, "answered");
            return Ok(response);
        };
        match stream::start(log, &self.miner, prompt, holding, track.cloned()).await {
            Ok(body) => Ok(response.set_body(BoxBody::new(body))),
            Err((kind, log)) => {
                let refusal = admitted.refuse(kind, self.signer(), unix_ns());
                Err(Box::new(Refused { refusal, log }))
            }
        }
    }
}
