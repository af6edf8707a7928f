//! What a head says about the length and the packing of its body, and about the connection.

use super::State;
use super::chunks::Chunks;
use crate::synapse::coding::Coding;
use crate::synapse::reply::ReplyError;

/// What the headers say about the body and the connection.
#[derive(Debug, Default)]
pub(super) struct Framing {
    length: Option<u64>,
    /// Whether the last transfer coding is `chunked`; `None` if there is no coding.
    is_chunked: Option<bool>,
    says_close: bool,
    says_keep_alive: bool,
    /// How the body is packed; the last header counts.
    pub(super) coding: Coding,
}

impl Framing {
    /// Reads the headers.
    ///
    /// # Errors
    /// There are two lengths, a length beside a transfer coding, one that is not a number, or a
    /// content coding that cannot be unpacked.
    pub(super) fn read(headers: &[httparse::Header<'_>]) -> Result<Self, ReplyError> {
        let mut framing = Self::default();
        for header in headers {
            let is = |name: &str| header.name.eq_ignore_ascii_case(name);
            if is("content-length") {
                framing.add_length(header.value)?;
            } else if is("transfer-encoding") {
                let coding = items(header.value).last().unwrap_or_default();
                framing.is_chunked = Some(coding.eq_ignore_ascii_case(b"chunked"));
            } else if is("content-encoding") {
                let coding = Coding::named(header.value);
                framing.coding = coding.ok_or_else(|| broken("its content coding is unknown"))?;
            } else if is("connection") {
                let says = |word: &[u8]| items(header.value).any(|i| i.eq_ignore_ascii_case(word));
                framing.says_close |= says(b"close");
                framing.says_keep_alive |= says(b"keep-alive");
            }
        }
        if framing.length.is_some() && framing.is_chunked.is_some() {
            return Err(broken("it has a length and a transfer coding"));
        }
        Ok(framing)
    }

    fn add_length(&mut self, value: &[u8]) -> Result<(), ReplyError> {
        let digits = Some(value.trim_ascii()).filter(|text| text.iter().all(u8::is_ascii_digit));
        let text = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let length = text.and_then(|text| text.parse().ok());
        if length.is_none() || self.length.is_some() {
            return Err(broken("its length is no number or not one"));
        }
        self.length = length;
        Ok(())
    }

    /// The framing that follows the head (RFC 9112, section 6.3).
    pub(super) fn state(&self, http_status: u16) -> State {
        match (http_status, self.is_chunked, self.length) {
            (101 | 204 | 304, ..) | (_, None, Some(0)) => State::Whole,
            (_, Some(true), _) => State::Chunked(Chunks::default()),
            (_, Some(false), _) | (_, None, None) => State::UntilClosed,
            (_, None, Some(length)) => State::Length(length),
        }
    }

    /// Whether the peer keeps the connection open; `is_modern` for HTTP/1.1.
    pub(super) fn keeps_alive(&self, is_modern: bool) -> bool {
        !self.says_close && (is_modern || (self.says_keep_alive && self.is_chunked.is_none()))
    }
}

fn broken(what: &str) -> ReplyError {
    ReplyError::Head(what.to_owned())
}

/// The items of a comma-separated header value.
fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}
