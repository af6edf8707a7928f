//! Why connections are refused or closed, and what is said on those whose request was not parsed.

use strum::{IntoStaticStr, VariantNames};

/// Why a connection is refused or closed for what its peer did. The names are labels of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub(in crate::axon) enum CutReason {
    /// Its address has as many connections as one may have.
    AddressLimit,
    /// Its address asks too often, or is one of too many strangers.
    AddressRate,
    /// The table is full, and no other connection is worth less.
    ConnectionLimit,
    /// A better connection took its place.
    Evicted,
    /// A request head beyond the limit.
    HeadTooLarge,
    /// A request head that did not end in time.
    SlowHead,
    /// The request was refused before its body was read.
    UnreadBody,
    /// The peer did not read its reply in time.
    SlowReader,
    /// What came is not HTTP.
    Malformed,
}

/// Why a connection is closed before a request on it was parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    HeadTooLarge,
    SlowHead,
    /// It is no HTTP, for this reason.
    Malformed(&'static str),
}

impl Cut {
    pub(super) fn reason(self) -> CutReason {
        match self {
            Self::HeadTooLarge => CutReason::HeadTooLarge,
            Self::SlowHead => CutReason::SlowHead,
            Self::Malformed(_) => CutReason::Malformed,
        }
    }

    /// The whole reply.
    pub(super) fn reply(self) -> Vec<u8> {
        let (status, phrase, message) = match self {
            Self::HeadTooLarge => {
                (431, "Request Header Fields Too Large", "Request head is too large")
            }
            Self::SlowHead => (408, "Request Timeout", "Request head came too slowly"),
            Self::Malformed(why) => (400, "Bad Request", why),
        };
        // None of the messages holds what JSON escapes.
        let body = format!("{{\"message\":\"{message}\"}}");
        let head = format!(
            "HTTP/1.1 {status} {phrase}\r\nbt_header_axon_status_code: {status}\r\n\
             bt_header_axon_status_message: {message}\r\ncontent-type: application/json\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        (head + &body).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_those_of_the_metric() {
        let declared = sn1::telemetry::AXON_CONNECTIONS_CUT.values("reason");
        assert_eq!(declared, CutReason::VARIANTS);
    }
}
