//! The axon's decisions about one request, in the order of the SDKs: head, gate, signature, route,
//! then the body (synapse-wire.md sections 4 and 5).
//!
//! [`admit`] needs the head only, so a body is read for verified callers alone; [`read_prompt`] and
//! [`read_ping`] judge the body. Every refusal comes as a whole reply. Unlike the SDKs:
//!
//! - a refusal by the router or by the JSON parser carries its own status in the status headers,
//!   where 7.1.1 says 200 and 10.5.0 nothing;
//! - a mistyped member is answered with 422 where 7.1.1 drops the connection;
//! - a request that the router refuses does not use up its nonce;
//! - internal errors carry no random id and tell nothing of their cause.

mod refusal;

use std::net::SocketAddr;

pub use refusal::{Refusal, RefusalKind};

use super::body::{BodyRules, ContentType, HashedFields, Ping, Prompt, parse_ping, parse_prompt};
use super::headers::{AxonIdentity, Header, ReplyStatus, RequestHead, Style, reply_headers};
use super::verify::{Verifier, VerifyPolicy, check_signature};
use super::{Endpoint, Generation};
use crate::wallet::AccountId;

/// The head of a request as the HTTP server has it.
#[derive(Debug, Clone, Copy)]
pub struct RequestParts<'a> {
    /// Such as `POST`.
    pub method: &'a str,
    /// Path and query, or a whole URL.
    pub target: &'a str,
    /// Names and raw values in wire order.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The TCP peer.
    pub peer: SocketAddr,
    /// When the head arrived; the process time counts from here.
    pub arrived_unix_ns: u64,
}

/// Who asks, before anything is verified.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The account that the hotkey header names, if it is an address.
    pub account: Option<AccountId>,
    /// The typed head.
    pub head: &'a RequestHead,
    /// The TCP peer.
    pub peer: SocketAddr,
}

/// The application's say on a caller, asked before the signature is checked: `Err` with
/// [`RefusalKind::Blacklisted`], [`RefusalKind::RateLimited`] or whatever else applies.
pub type Gate<'a> = dyn Fn(&Caller<'_>) -> Result<(), RefusalKind> + 'a;

/// A request whose caller is verified and whose body may be read.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// The verified caller.
    pub account: AccountId,
    asked: Asked,
}

/// A request whose head is typed; enough to refuse it in the caller's terms.
#[derive(Debug, Clone)]
struct Asked {
    head: RequestHead,
    policy: VerifyPolicy,
    peer: SocketAddr,
    arrived_unix_ns: u64,
}

/// Decides on the head of a request. An admitted request has used up its nonce.
///
/// # Errors
/// The reply to send instead, after which the body need not be read.
pub fn admit(
    request: &RequestParts<'_>,
    now_unix_ns: u64,
    axon: &AxonIdentity,
    gate: &Gate<'_>,
    verifier: &Verifier,
) -> Result<Admitted, Refusal> {
    let asked = Asked {
        head: preprocess(request, now_unix_ns)?,
        policy: verifier.policy(),
        peer: request.peer,
        arrived_unix_ns: request.arrived_unix_ns,
    };
    match decide(request, &asked, now_unix_ns, axon.hotkey(), gate, verifier) {
        Ok(account) => Ok(Admitted { account, asked }),
        Err(kind) => Err(asked.refuse(kind, axon, now_unix_ns)),
    }
}

/// Gate, nonce, signature, route; the nonce is used up last.
fn decide(
    request: &RequestParts<'_>,
    asked: &Asked,
    now_unix_ns: u64,
    own_hotkey: &str,
    gate: &Gate<'_>,
    verifier: &Verifier,
) -> Result<AccountId, RefusalKind> {
    let hotkey = asked.head.dendrite.hotkey.as_deref();
    gate(&Caller {
        account: hotkey.and_then(|hotkey| hotkey.parse().ok()),
        head: &asked.head,
        peer: asked.peer,
    })?;
    let claim = verifier.check_nonce(&asked.head, own_hotkey, now_unix_ns)?;
    check_signature(&claim)?;
    check_route(request, asked.head.endpoint)?;
    verifier.record(&claim, now_unix_ns)?;
    Ok(claim.account)
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

/// Reads the body of an admitted ping; its JSON is the body of the reply.
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
    /// What is asked for.
    pub fn endpoint(&self) -> Endpoint {
        self.asked.head.endpoint
    }

    /// The head of the request. Timeout, version and addresses in it are not authenticated.
    pub fn head(&self) -> &RequestHead {
        &self.asked.head
    }

    /// The headers of a successful reply, in the style of the caller's generation. `body_hash` is
    /// that of the prompt or ping.
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
        headers.push(("content-type".to_owned(), content_type.to_owned()));
        headers
    }

    /// The reply that refuses this request, for causes that show after admission: overload, a
    /// body too large, a slow sender, a failure before the first chunk.
    pub fn refuse(&self, kind: RefusalKind, axon: &AxonIdentity, now_unix_ns: u64) -> Refusal {
        self.asked.refuse(kind, axon, now_unix_ns)
    }
}

impl Asked {
    fn refuse(&self, kind: RefusalKind, axon: &AxonIdentity, now_unix_ns: u64) -> Refusal {
        let message = kind.message(self.head.timeout);
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

/// Finds the synapse by the first segment of the path and types the head.
fn preprocess(request: &RequestParts<'_>, now_unix_ns: u64) -> Result<RequestHead, Refusal> {
    let headers = || request.headers.iter().copied();
    let name = path(request.target).split('/').nth(1).unwrap_or_default();
    Endpoint::of_name(name)
        .ok_or_else(|| RefusalKind::UnknownSynapse(name.to_owned()))
        .and_then(|endpoint| RequestHead::parse(endpoint, headers()).map_err(RefusalKind::BadHead))
        .map_err(|kind| {
            let process_time_s = seconds_between(request.arrived_unix_ns, now_unix_ns);
            Refusal::bare(kind, Generation::of_headers(headers()), process_time_s)
        })
}

/// What a router would say, once the caller is verified.
fn check_route(request: &RequestParts<'_>, endpoint: Endpoint) -> Result<(), RefusalKind> {
    let after_name = path(request.target).get(1 + endpoint.name().len()..).unwrap_or_default();
    match (after_name, request.method) {
        ("", "GET" | "POST") => Ok(()),
        ("", _) => Err(RefusalKind::WrongMethod),
        ("/", _) => Err(RefusalKind::TrailingSlash(endpoint)),
        _ => Err(RefusalKind::NoRoute),
    }
}

/// The path of a request target, without query and without the authority of a whole URL.
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::synapse::headers::{AxonAddress, RequestDraft};
    use crate::synapse::sign::{SignedRequest, sign_request};
    use crate::synapse::verify::VerifierConfig;
    use crate::synapse::{PING_PATH, PROMPT_PATH};
    use crate::wallet::Keypair;

    const NOW: u64 = 1_800_000_000_000_000_000;

    fn bob() -> AxonIdentity {
        AxonIdentity::new(Keypair::from_dev_path("//Bob").unwrap(), "b0b".into())
    }

    fn own_request() -> SignedRequest {
        let axon = bob();
        let draft = RequestDraft {
            axon: AxonAddress { ip: "192.0.2.1", port: 8091, hotkey: axon.hotkey() },
            dendrite_ip: "198.51.100.7",
            dendrite_uuid: "u",
            timeout_s: 15.0,
            roles: &["user".into()],
            messages: &["it's \u{200d} é".into()],
        };
        sign_request(&Keypair::from_dev_path("//Alice").unwrap(), &draft, NOW).unwrap()
    }

    fn try_admit(
        request: &SignedRequest,
        method: &str,
        target: &str,
        gate: &Gate<'_>,
    ) -> Result<Admitted, Refusal> {
        let headers: Vec<(&str, &[u8])> =
            request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let parts = RequestParts {
            method,
            target,
            headers: &headers,
            peer: "127.0.0.1:9".parse().unwrap(),
            arrived_unix_ns: NOW,
        };
        let verifier = Verifier::new(VerifierConfig::default());
        admit(&parts, NOW + 500_000_000, &bob(), gate, &verifier)
    }

    #[test]
    fn own_requests_are_admitted_and_read() {
        let request = own_request();
        let admitted = try_admit(&request, "POST", request.path, &|_| Ok(())).unwrap();
        assert_eq!(admitted.account, Keypair::from_dev_path("//Alice").unwrap().account_id());
        let json = Some("application/json");
        let prompt = read_prompt(&admitted, &request.body, json, &bob(), NOW).unwrap();
        assert_eq!(prompt.messages, ["it's \u{200d} é"]);
        assert_eq!(prompt.timeout, Some(15.0));
        let headers = admitted.reply_headers(&prompt.body_hash, &bob(), NOW + 250_000_000);
        let has = |name: &str, value: &str| headers.contains(&(name.into(), value.into()));
        assert!(has("bt_header_axon_status_code", "200"));
        assert!(has("bt_header_axon_status_message", "Success"));
        assert!(has("bt_header_axon_process_time", "0.25"));
        assert!(has("computed_body_hash", &prompt.body_hash));
    }

    #[test]
    fn refusals_are_whole_replies() {
        let request = own_request();
        for (method, target, status, label) in [
            ("POST", "/", 404, "unknown_synapse"),
            ("PUT", PROMPT_PATH, 405, "wrong_method"),
            ("POST", "/StreamPromptingSynapse/", 307, "trailing_slash"),
            ("POST", "/StreamPromptingSynapse/x", 404, "no_route"),
            ("POST", "/StreamPromptingSynapse2", 404, "unknown_synapse"),
        ] {
            let refusal = try_admit(&request, method, target, &|_| Ok(())).unwrap_err();
            assert_eq!((refusal.http_status, refusal.kind.label()), (status, label));
            let code = ("bt_header_axon_status_code".to_owned(), status.to_string());
            assert!(refusal.headers.contains(&code), "{label}");
            assert!(refusal.body.starts_with(b"{\"message\":"), "{label}");
        }
        for target in [PING_PATH, "/StreamPromptingSynapse?x=/y", "http://h:1/Synapse"] {
            assert!(try_admit(&request, "GET", target, &|_| Ok(())).is_ok(), "{target}");
        }
    }

    #[test]
    fn the_gate_is_asked_before_the_signature_is_checked() {
        let mut request = own_request();
        request.headers.retain(|(name, _)| name != "bt_header_dendrite_signature");
        let gate = |caller: &Caller<'_>| {
            assert!(caller.account.is_some());
            Err(RefusalKind::Blacklisted("Unrecognized hotkey".into()))
        };
        let refusal = try_admit(&request, "POST", PROMPT_PATH, &gate).unwrap_err();
        assert_eq!(refusal.http_status, 403);
        let body: serde_json::Value = serde_json::from_slice(&refusal.body).unwrap();
        assert_eq!(body["message"], "Forbidden. Key is blacklisted: Unrecognized hotkey.");
        let refusal = try_admit(&request, "POST", PROMPT_PATH, &|_| Ok(())).unwrap_err();
        assert_eq!(refusal.kind.label(), "not_verified");
    }

    proptest! {
        #[test]
        fn any_target_is_answered(target in any::<String>(), method in any::<String>()) {
            let refused = try_admit(&own_request(), &method, &target, &|_| Ok(())).is_err();
            prop_assert!(refused);
        }
    }
}
