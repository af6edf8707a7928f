//! What a dendrite reports about an exchange: one status, one message, one text
//! (docs/spec/wire.md#reply-headers, docs/spec/wire.md#outcomes and
//! docs/spec/wire.md#dendrite-duties).
//!
//! The codes are those of 10.5.0. The intended differences:
//!
//! - success needs HTTP 200 as well as status header 200;
//! - the body of a refusal is never a completion;
//! - a redirect is not followed;
//! - a character that is split over two reads is joined, if the decoder is set to do so.

use super::PROMPT_NAME;
use super::headers::{HeaderError, ReplyHead};
use super::python::float_text;

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The body ended as its framing announced.
    Complete,
    /// Connection refused, no route, or an address that may not be dialled.
    NotConnected,
    /// The deadline of the whole exchange passed, at whatever stage.
    TimedOut {
        /// The deadline in seconds from the start of the call.
        timeout_s: f64,
    },
    /// The peer closed the connection before the head was complete.
    Disconnected,
    /// The connection was reset before any reply.
    Reset,
    /// The peer closed or reset the connection in the middle of the body.
    BrokenBody,
    /// The reply was refused while its head was read: it is not HTTP, larger than accepted, or what
    /// came in the same read does not fit it.
    BadHead(String),
    /// What follows the head does not have the framing that the head announced. The SDK's dendrite
    /// then waits for its timeout.
    Garbled,
    /// The body does not have the content coding that the head announced.
    BadCoding,
    /// The body is not UTF-8.
    BadUtf8,
    /// The body exceeds this node's size limit.
    TooLarge,
    /// Any other failure of the HTTP client.
    Failed(String),
}

/// What a dendrite observed of an exchange.
#[derive(Debug, Clone)]
pub struct Exchange<'a> {
    /// `ip:port` of the axon, for messages.
    pub address: &'a str,
    /// Status code of the status line, if a head arrived.
    pub http_status: Option<u16>,
    /// The reply headers, if a head arrived.
    pub head: Option<Result<ReplyHead, HeaderError>>,
    /// The text that was decoded before the exchange ended.
    pub text: String,
    /// How the exchange ended.
    pub ending: Ending,
    /// Seconds since the call began.
    pub elapsed_s: f64,
}

/// The result of a query, as the dendrite reports it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// 200 means success and requires 200 in both the status line and the status header. `None` if
    /// the axon stated no status.
    pub status_code: Option<u16>,
    /// A message for people; unauthenticated if the axon wrote it.
    pub status_message: Option<String>,
    /// Seconds until the end of the reply; set only if the whole reply was read.
    pub process_time: Option<f64>,
    /// The text, or the part of it that arrived before a failure. Empty for refusals.
    pub completion: String,
}

impl Outcome {
    /// Derives the outcome of an exchange.
    pub fn of(exchange: Exchange<'_>) -> Self {
        let verdict = match exchange.ending {
            Ending::Complete => complete(&exchange),
            _ => failure(&exchange),
        };
        let completion = if is_refusal(&exchange) { String::new() } else { exchange.text };
        Self { completion, ..verdict }
    }

    /// Whether the axon answered the prompt, possibly with an empty text.
    pub fn is_success(&self) -> bool {
        self.status_code == Some(200)
    }
}

/// The outcome of a reply that was read to its end.
fn complete(exchange: &Exchange<'_>) -> Outcome {
    let http_status = exchange.http_status.unwrap_or(200);
    if (300..400).contains(&http_status) {
        return failed(422, format!("Failed to parse response: redirect {http_status} refused"));
    }
    let head = match &exchange.head {
        Some(Err(HeaderError::TooLarge)) => {
            return failed(400, format!("Client response error: {}", HeaderError::TooLarge));
        }
        Some(Err(error)) => return failed(422, format!("Failed to parse response: {error}")),
        Some(Ok(head)) => head.clone(),
        None => ReplyHead::default(),
    };
    let status_code = match (head.status_code, http_status) {
        (Some(200) | None, 200) => head.status_code,
        (Some(200) | None, _) => Some(http_status),
        (refused, _) => refused,
    };
    Outcome {
        status_code,
        status_message: head.status_message,
        process_time: Some(exchange.elapsed_s),
        completion: String::new(),
    }
}

fn failure(exchange: &Exchange<'_>) -> Outcome {
    match &exchange.ending {
        Ending::Complete => Outcome::default(),
        Ending::NotConnected => {
            failed(503, format!("Service unavailable at {}/{PROMPT_NAME}", exchange.address))
        }
        Ending::TimedOut { timeout_s } => {
            failed(408, format!("Request timeout after {} seconds", float_text(*timeout_s)))
        }
        Ending::Disconnected => failed(503, "Service disconnected: Server disconnected"),
        Ending::Reset => failed(422, "Failed to parse response: connection reset by peer"),
        Ending::BrokenBody => failed(400, "Payload error: Response payload is not completed"),
        Ending::BadHead(cause) => failed(400, format!("Client response error: {cause}")),
        Ending::Garbled => failed(408, "Request timeout: the reply's body is garbled"),
        Ending::BadCoding => {
            failed(400, "Payload error: the reply does not have its content-encoding")
        }
        Ending::BadUtf8 => failed(422, "Failed to parse response: body is not utf-8"),
        Ending::TooLarge => failed(422, "Failed to parse response: body is too large"),
        Ending::Failed(cause) => failed(422, format!("Failed to parse response: {cause}")),
    }
}

fn failed(status_code: u16, message: impl Into<String>) -> Outcome {
    Outcome {
        status_code: Some(status_code),
        status_message: Some(message.into()),
        ..Outcome::default()
    }
}

/// Whether the head says that the body is not an answer, or the head exceeds the limits. A head
/// without a status is not a refusal.
fn is_refusal(exchange: &Exchange<'_>) -> bool {
    let by_header = match &exchange.head {
        Some(Ok(head)) => head.status_code.is_some_and(|code| code != 200),
        Some(Err(error)) => *error == HeaderError::TooLarge,
        None => false,
    };
    by_header || exchange.http_status.is_some_and(|status| status != 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(http_status: u16, status_code: Option<u16>, ending: Ending) -> Exchange<'static> {
        Exchange {
            address: "192.0.2.1:8091",
            http_status: Some(http_status),
            head: Some(Ok(ReplyHead { status_code, ..ReplyHead::default() })),
            text: "text".into(),
            ending,
            elapsed_s: 0.5,
        }
    }

    #[test]
    fn success_needs_both_statuses_and_refusals_have_no_text() {
        for (http, header, expected, text) in [
            (200, Some(200), Some(200), "text"),
            (200, None, None, "text"),
            (500, Some(200), Some(500), ""),
            (200, Some(500), Some(500), ""),
            (404, None, Some(404), ""),
            (401, Some(401), Some(401), ""),
            (302, None, Some(422), ""),
        ] {
            let outcome = Outcome::of(exchange(http, header, Ending::Complete));
            assert_eq!(outcome.status_code, expected, "{http} {header:?}");
            assert_eq!(outcome.completion, text, "{http} {header:?}");
            assert_eq!(outcome.is_success(), expected == Some(200));
            assert_eq!(outcome.process_time.is_some(), http != 302);
        }
    }

    #[test]
    fn partial_text_survives_a_timeout_but_not_a_refusal() {
        let timed_out = Ending::TimedOut { timeout_s: 2.0 };
        let outcome = Outcome::of(exchange(200, Some(200), timed_out.clone()));
        assert_eq!(outcome.status_code, Some(408));
        assert_eq!(outcome.status_message.unwrap(), "Request timeout after 2.0 seconds");
        assert_eq!(outcome.completion, "text");
        assert_eq!(outcome.process_time, None);
        assert_eq!(Outcome::of(exchange(503, None, timed_out)).completion, "");
    }
}
