//! The reasons for a refusal and the reply that states one (docs/spec/wire.md#status-codes).

use strum::{IntoStaticStr, VariantNames};

use crate::synapse::body::BodyError;
use crate::synapse::headers::{Header, HeaderError, ReplyStatus, bare_reply_headers};
use crate::synapse::python::float_text;
use crate::synapse::verify::VerifyError;
use crate::synapse::{DEFAULT_TIMEOUT_S, Endpoint, Generation, PING_NAME, PROMPT_NAME};

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum RefusalKind {
    /// The path does not name a synapse of this axon.
    UnknownSynapse(String),
    /// A header does not parse.
    BadHead(HeaderError),
    /// The gate refuses the hotkey; the text is its reason.
    Blacklisted(String),
    /// The signature or the nonce is not accepted.
    NotVerified(VerifyError),
    /// The path has more segments than a synapse name.
    NoRoute,
    /// The path is a synapse name followed by a slash.
    TrailingSlash(Endpoint),
    /// The method is neither GET, HEAD nor POST.
    WrongMethod,
    /// The body does not parse, or its hash differs.
    BadBody(BodyError),
    /// The body exceeds this axon's size limit.
    BodyTooLarge,
    /// The head exceeds this axon's size limit.
    HeadTooLarge,
    /// The caller sends more requests than its rate allows.
    RateLimited,
    /// The request waited until its timeout, or its body arrived too slowly.
    TimedOut,
    /// The axon has no capacity for another prompt.
    Overloaded,
    /// This node failed before the first chunk. The cause goes to the log, not to the caller.
    Failed,
}

impl RefusalKind {
    /// The label of a body whose hash differs from the signed one.
    pub const HASH_MISMATCH: &str = "hash_mismatch";

    /// A stable name of the kind, for counters.
    pub fn label(&self) -> &'static str {
        match self {
            Self::BadBody(BodyError::HashMismatch { .. }) => Self::HASH_MISMATCH,
            _ => self.into(),
        }
    }

    /// The status that the caller's SDK would send, or a suitable one if it sends none.
    pub fn http_status(&self, caller: Generation) -> u16 {
        let by_generation = |legacy, modern| match caller {
            Generation::Legacy => legacy,
            Generation::Modern => modern,
        };
        match self {
            Self::UnknownSynapse(_) | Self::NoRoute => 404,
            Self::BadHead(_) => by_generation(400, 500),
            Self::Blacklisted(_) => 403,
            Self::NotVerified(_) => 401,
            Self::TrailingSlash(_) => 307,
            Self::WrongMethod => 405,
            Self::BadBody(BodyError::NotJson { .. }) => 422,
            Self::BadBody(BodyError::NotUtf8 | BodyError::Incomplete | BodyError::Encoded) => 400,
            Self::BadBody(BodyError::Member("dendrite")) => 500,
            Self::BadBody(BodyError::Member(_)) => by_generation(422, 500),
            Self::BadBody(_) | Self::Failed => 500,
            Self::BodyTooLarge => 413,
            Self::HeadTooLarge => 431,
            Self::RateLimited => 429,
            Self::TimedOut => by_generation(503, 408),
            Self::Overloaded => 503,
        }
    }

    /// The message of the reply; the status header repeats it as one line of ASCII.
    pub fn message(&self, timeout_s: Option<f64>) -> String {
        match self {
            Self::UnknownSynapse(name) => {
                let name: String = name.chars().take(80).collect();
                format!(
                    "Synapse name '{name}' not found. Available synapses ['{PING_NAME}', '{PROMPT_NAME}']"
                )
            }
            Self::BadHead(error) => {
                format!("Improperly formatted request. Could not parse headers: {error}.")
            }
            Self::Blacklisted(reason) => format!("Forbidden. Key is blacklisted: {reason}."),
            Self::NotVerified(error) => format!("Not Verified with error: {error}"),
            Self::NoRoute => "Not Found".to_owned(),
            Self::TrailingSlash(endpoint) => format!("Ask for /{} instead", endpoint.name()),
            Self::WrongMethod => "Method Not Allowed".to_owned(),
            Self::BadBody(error @ BodyError::HashMismatch { .. }) => {
                format!("Internal server error with error: {error}")
            }
            Self::BadBody(error) => format!("Could not read the request: {error}"),
            Self::BodyTooLarge => "Request body is too large".to_owned(),
            Self::HeadTooLarge => "Request head is too large".to_owned(),
            Self::RateLimited => "Too many requests".to_owned(),
            Self::TimedOut => {
                let timeout_s = float_text(timeout_s.unwrap_or(DEFAULT_TIMEOUT_S));
                format!("Response timeout after: {timeout_s}s")
            }
            Self::Overloaded => "Service is at capacity".to_owned(),
            Self::Failed => "Internal Server Error".to_owned(),
        }
    }
}

impl From<VerifyError> for RefusalKind {
    fn from(error: VerifyError) -> Self {
        Self::NotVerified(error)
    }
}

/// A complete reply that refuses a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// Status code of the status line.
    pub http_status: u16,
    /// All headers except those of the HTTP framing.
    pub headers: Vec<Header>,
    /// JSON: `{"message": ...}`.
    pub body: Vec<u8>,
    /// The reason, for logs and counters.
    pub kind: RefusalKind,
}

impl Refusal {
    /// A refusal that uses only the caller's generation, for failures before or while the head is
    /// read.
    pub fn bare(kind: RefusalKind, caller: Generation, process_time_s: f64) -> Self {
        Self::saying(&kind.message(None), kind, caller, process_time_s)
    }

    /// The same with another message.
    pub(super) fn saying(
        message: &str,
        kind: RefusalKind,
        caller: Generation,
        process_time_s: f64,
    ) -> Self {
        let code = kind.http_status(caller);
        let headers = bare_reply_headers(&ReplyStatus { code, message, process_time_s });
        Self::new(kind, code, message, headers)
    }

    pub(super) fn new(
        kind: RefusalKind,
        http_status: u16,
        message: &str,
        mut headers: Vec<Header>,
    ) -> Self {
        headers.push(("content-type", "application/json".to_owned()));
        match &kind {
            RefusalKind::WrongMethod => headers.push(("allow", "GET, POST".to_owned())),
            RefusalKind::TrailingSlash(endpoint) => {
                headers.push(("location", format!("/{}", endpoint.name())));
            }
            _ => {}
        }
        let body = serde_json::json!({ "message": message }).to_string().into_bytes();
        Self { http_status, headers, body, kind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_follow_the_generation_of_the_caller() {
        for (kind, legacy, modern) in [
            (RefusalKind::BadHead(HeaderError::TooLarge), 400, 500),
            (RefusalKind::TimedOut, 503, 408),
            (RefusalKind::BadBody(BodyError::Member("roles")), 422, 500),
            (RefusalKind::BadBody(BodyError::Member("dendrite")), 500, 500),
            (RefusalKind::BadBody(BodyError::Empty), 500, 500),
            (RefusalKind::RateLimited, 429, 429),
        ] {
            assert_eq!(kind.http_status(Generation::Legacy), legacy, "{}", kind.label());
            assert_eq!(kind.http_status(Generation::Modern), modern, "{}", kind.label());
        }
    }

    #[test]
    fn bare_refusals_tell_of_this_axon_only() {
        let kind = RefusalKind::UnknownSynapse("a\r\nb".repeat(100));
        let refusal = Refusal::bare(kind, Generation::Modern, 0.001);
        assert_eq!(refusal.http_status, 404);
        assert!(refusal.headers.iter().all(|(_, value)| !value.contains(['\r', '\n'])));
        assert!(refusal.headers.contains(&("name", "Synapse".into())));
        assert!(!refusal.headers.iter().any(|(name, _)| name.contains("dendrite")));
    }
}
