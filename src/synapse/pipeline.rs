//! The axon's decisions about one request, in the order of the SDKs: head, gate, signature, route,
//! body (docs/spec/wire.md#axon-pipeline and docs/spec/wire.md#status-codes).
//!
//! The head is decided on in steps, cheapest first, so that a server can apply its own limits
//! between them and check the signature on another thread: [`Asked::read`], [`Asked::claim`],
//! [`check_signature`], [`Asked::admit`]; [`admit`] runs all of them. No step needs the body, so a
//! server reads it for verified callers only; [`read_prompt`] and [`read_ping`] check it. Every
//! refusal is a complete reply. The differences from the SDKs:
//!
//! - a refusal by the router or by the JSON parser repeats its own status in the status headers,
//!   where 7.1.1 sends 200 and 10.5.0 sends nothing;
//! - HEAD is GET without the body under the strict policy, where the SDKs answer 405;
//! - a mistyped member is answered with 422, where 7.1.1 drops the connection;
//! - a request that the router refuses does not use up its nonce;
//! - internal errors carry no random id and do not reveal their cause.

mod refusal;

use std::net::SocketAddr;

pub use super::verify::{check_plain_signature, check_signature};
pub use refusal::{Refusal, RefusalKind};

use super::body::{BodyRules, ContentType, HashedFields, Ping, Prompt, parse_ping, parse_prompt};
use super::clock::Slack;
use super::headers::{AxonIdentity, Header, ReplyStatus, RequestHead, Style, reply_headers};
use super::verify::{Claim, Verifier, VerifyPolicy};
use super::{Endpoint, Generation};
use crate::wallet::AccountId;

/// The begin of the names of the protocol's own headers.
const FIELD_PREFIX: &str = "bt_header_";
/// Said where none of them has arrived.
const NO_FIELDS: &str = "(No bt_header_ field has arrived; if they were sent, a proxy before this \
                         axon drops names with underscores: nginx needs underscores_in_headers on.)";

/// The head of a request as the HTTP server received it.
#[derive(Debug, Clone, Copy)]
pub struct RequestParts<'a> {
    /// HTTP method, such as `POST`.
    pub method: &'a str,
    /// Path and query, or a whole URL.
    pub target: &'a str,
    /// Names and raw values in wire order.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The TCP address that the request came from.
    pub peer: SocketAddr,
    /// When the head arrived, in Unix nanoseconds; the process time counts from here.
    pub arrived_unix_ns: u64,
}

/// The application's decision on a caller, made before the signature is checked: `Err` with
/// [`RefusalKind::Blacklisted`], [`RefusalKind::RateLimited`] or another applicable kind.
pub type Gate<'a> = dyn Fn(&Asked) -> Result<(), RefusalKind> + 'a;

/// A request whose caller is verified and whose body may be read.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// The account that signed the request.
    pub account: AccountId,
    asked: Asked,
}

/// A request with a typed head, which is enough to refuse it in the style of the caller's SDK.
/// Nothing in it is verified.
#[derive(Debug, Clone)]
pub struct Asked {
    head: RequestHead,
    route: Result<(), RefusalKind>,
    policy: VerifyPolicy,
    peer: SocketAddr,
    arrived_unix_ns: u64,
    has_fields: bool,
}

/// Runs all steps on the head of a request. An admitted request has used up its nonce.
///
/// # Errors
/// The reply to send instead; the body then need not be read.
pub fn admit(
    request: &RequestParts<'_>,
    now_unix_ns: u64,
    axon: &AxonIdentity,
    gate: &Gate<'_>,
    verifier: &Verifier,
) -> Result<Admitted, Refusal> {
    let asked = Asked::read(request, verifier.policy(), now_unix_ns)?;
    let claim = gate(&asked)
        .and_then(|()| asked.claim(verifier, axon, now_unix_ns, Slack::default()))
        .and_then(|claim| check_signature(&claim).map(|()| claim).map_err(RefusalKind::from));
    match claim {
        Ok(claim) => asked.admit(&claim, verifier, axon, now_unix_ns),
        Err(kind) => Err(asked.refuse(kind, axon, now_unix_ns)),
    }
}

/// Reads the body of an admitted prompt.
///
/// # Errors
/// The reply to send instead.
pub fn read_prompt(
    admitted: &Admitted,
    body: &[u8],
    content_type: Option<&str>,
    axon: &AxonIdentity,
    now_unix_ns: u64,
) -> Result<Prompt, Refusal> {
    parse_prompt(body, content_type, &admitted.asked.body_rules())
        .map_err(|error| admitted.refuse(RefusalKind::BadBody(error), axon, now_unix_ns))
}

/// Reads the body of an admitted ping; [`Ping::json`] becomes the body of the reply.
///
/// # Errors
/// The reply to send instead.
pub fn read_ping(
    admitted: &Admitted,
    body: &[u8],
    content_type: Option<&str>,
    axon: &AxonIdentity,
    now_unix_ns: u64,
) -> Result<Ping, Refusal> {
    parse_ping(body, content_type, &admitted.asked.body_rules())
        .map_err(|error| admitted.refuse(RefusalKind::BadBody(error), axon, now_unix_ns))
}

impl Admitted {
    /// The endpoint that the path named.
    pub fn endpoint(&self) -> Endpoint {
        self.asked.head.endpoint
    }

    /// The head of the request. Timeout, version and addresses in it are not authenticated.
    pub fn head(&self) -> &RequestHead {
        &self.asked.head
    }

    /// The headers of a successful reply, in the style of the caller's generation. `body_hash` is
    /// the hash of the prompt or ping.
    pub fn reply_headers(
        &self,
        body_hash: &str,
        axon: &AxonIdentity,
        now_unix_ns: u64,
    ) -> Vec<Header> {
        let asked = &self.asked;
        let style = match asked.head.generation() {
            Generation::Legacy => Style::LegacySuccess,
            Generation::Modern => Style::ModernSuccess { body_hash },
        };
        let content_type = match self.endpoint() {
            Endpoint::Prompt => "text/event-stream",
            Endpoint::Ping => "application/json",
        };
        let status = asked.status(200, "Success", now_unix_ns);
        let mut headers = reply_headers(&asked.head, &status, style, axon, asked.peer, now_unix_ns);
        headers.push(("content-type", content_type.to_owned()));
        headers
    }

    /// The reply that refuses this request for a cause that arises after admission: overload, a
    /// body too large, a slow sender, a failure before the first chunk.
    pub fn refuse(&self, kind: RefusalKind, axon: &AxonIdentity, now_unix_ns: u64) -> Refusal {
        self.asked.refuse(kind, axon, now_unix_ns)
    }
}

impl Asked {
    /// First step: finds the synapse by the path and parses the head.
    ///
    /// # Errors
    /// The reply to send instead.
    pub fn read(
        request: &RequestParts<'_>,
        policy: VerifyPolicy,
        now_unix_ns: u64,
    ) -> Result<Self, Refusal> {
        let head = preprocess(request, now_unix_ns)?;
        let route = check_route(request, head.endpoint, policy);
        let (peer, arrived_unix_ns) = (request.peer, request.arrived_unix_ns);
        let has_fields = has_fields(request);
        Ok(Self { head, route, policy, peer, arrived_unix_ns, has_fields })
    }

    /// The account that the request claims to come from; `None` if its hotkey is not an address.
    pub fn account(&self) -> Option<AccountId> {
        self.head.dendrite.hotkey.as_deref().and_then(|hotkey| hotkey.parse().ok())
    }

    /// The typed head of the request.
    pub fn head(&self) -> &RequestHead {
        &self.head
    }

    /// The TCP address that the request came from.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Second step: checks hotkey, timeout and nonce. Pass the result to [`check_signature`].
    ///
    /// # Errors
    /// Why the request is refused; see [`Verifier::check_nonce`].
    pub fn claim(
        &self,
        verifier: &Verifier,
        axon: &AxonIdentity,
        now_unix_ns: u64,
        slack: Slack,
    ) -> Result<Claim, RefusalKind> {
        Ok(verifier.check_nonce(&self.head, axon.hotkey(), now_unix_ns, slack)?)
    }

    /// Last step, for a claim with a valid signature: checks the route, then uses up the nonce.
    ///
    /// # Errors
    /// The reply to send instead.
    pub fn admit(
        self,
        claim: &Claim,
        verifier: &Verifier,
        axon: &AxonIdentity,
        now_unix_ns: u64,
    ) -> Result<Admitted, Refusal> {
        let decided = self
            .route
            .clone()
            .and_then(|()| verifier.record(claim, now_unix_ns).map_err(RefusalKind::from));
        match decided {
            Ok(()) => Ok(Admitted { account: claim.account, asked: self }),
            Err(kind) => Err(self.refuse(kind, axon, now_unix_ns)),
        }
    }

    /// The reply that refuses this request, in the style of the caller's SDK.
    pub fn refuse(&self, kind: RefusalKind, axon: &AxonIdentity, now_unix_ns: u64) -> Refusal {
        let message = message(&kind, self.head.timeout, self.has_fields);
        let code = kind.http_status(self.head.generation());
        let status = self.status(code, &message, now_unix_ns);
        let headers =
            reply_headers(&self.head, &status, Style::Failure, axon, self.peer, now_unix_ns);
        Refusal::new(kind, code, &message, headers)
    }

    fn status<'a>(&self, code: u16, message: &'a str, now_unix_ns: u64) -> ReplyStatus<'a> {
        let process_time_s = seconds_between(self.arrived_unix_ns, now_unix_ns);
        ReplyStatus { code, message, process_time_s }
    }

    fn body_rules(&self) -> BodyRules<'_> {
        let generation = self.head.generation();
        BodyRules {
            content_type: match generation {
                Generation::Legacy => ContentType::Optional,
                Generation::Modern => ContentType::Required,
            },
            hashed: match (self.policy, generation) {
                (VerifyPolicy::Lenient, Generation::Legacy) => HashedFields::FromBody,
                _ => HashedFields::Own,
            },
            header_hash: self.head.body_hash.as_deref(),
        }
    }
}

/// Finds the synapse by the first segment of the path and parses the head.
fn preprocess(request: &RequestParts<'_>, now_unix_ns: u64) -> Result<RequestHead, Refusal> {
    let headers = || request.headers.iter().copied();
    let name = path(request.target).split('/').nth(1).unwrap_or_default();
    Endpoint::of_name(name)
        .ok_or_else(|| RefusalKind::UnknownSynapse(name.to_owned()))
        .and_then(|endpoint| RequestHead::parse(endpoint, headers()).map_err(RefusalKind::BadHead))
        .map_err(|kind| {
            let process_time_s = seconds_between(request.arrived_unix_ns, now_unix_ns);
            let message = message(&kind, None, has_fields(request));
            Refusal::saying(&message, kind, Generation::of_headers(headers()), process_time_s)
        })
}

/// Whether any field of the protocol has arrived.
fn has_fields(request: &RequestParts<'_>) -> bool {
    let is_ours = |name: &str| {
        name.get(..FIELD_PREFIX.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(FIELD_PREFIX))
    };
    request.headers.iter().any(|(name, _)| is_ours(name))
}

/// What a refusal says. A caller who signs sends a dozen fields: where none has arrived, something
/// on the way has dropped them.
fn message(kind: &RefusalKind, timeout_s: Option<f64>, has_fields: bool) -> String {
    let message = kind.message(timeout_s);
    match kind {
        RefusalKind::BadHead(_) | RefusalKind::NotVerified(_) if !has_fields => {
            format!("{message} {NO_FIELDS}")
        }
        _ => message,
    }
}

/// The router's check of path and method, which the SDKs run after the caller is verified.
fn check_route(
    request: &RequestParts<'_>,
    endpoint: Endpoint,
    policy: VerifyPolicy,
) -> Result<(), RefusalKind> {
    let after_name = path(request.target).get(1 + endpoint.name().len()..).unwrap_or_default();
    match (after_name, request.method) {
        ("", "GET" | "POST") => Ok(()),
        ("", "HEAD") if policy == VerifyPolicy::Strict => Ok(()),
        ("", _) => Err(RefusalKind::WrongMethod),
        ("/", _) => Err(RefusalKind::TrailingSlash(endpoint)),
        _ => Err(RefusalKind::NoRoute),
    }
}

/// The path of a request target, without the query and without the authority of a whole URL.
fn path(target: &str) -> &str {
    let target = match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['/', '?']) => {
            rest.find('/').map_or("/", |start| &rest[start..])
        }
        _ => target,
    };
    target.split(['?', '#']).next().unwrap_or_default()
}

fn seconds_between(from_ns: u64, to_ns: u64) -> f64 {
    to_ns.saturating_sub(from_ns) as f64 / 1e9
}

#[cfg(test)]
mod tests;
