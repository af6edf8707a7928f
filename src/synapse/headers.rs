//! The headers of requests and replies: their names, typed parsing and writing
//! (docs/spec/wire.md#request-headers, docs/spec/wire.md#preprocess,
//! docs/spec/wire.md#streamed-reply and docs/spec/wire.md#reply-headers).
//!
//! Written values are one line of printable ASCII, at most [`MAX_VALUE_BYTES`] long, whatever the
//! peer sent. Names are read in any letter case; if a name is repeated, its last value counts.

mod reply;
mod request;

use std::borrow::Cow;

pub use reply::{AxonIdentity, ReplyHead, ReplyStatus, Style, bare_reply_headers, reply_headers};
pub use request::{AxonAddress, RequestDraft, RequestHead, Terminal};
pub(super) use request::{Signed, request_headers};

use super::python::{parse_float, parse_int};

/// One header, ready to send: its name, in lower case, and its value.
pub type Header = (&'static str, String);

/// Longest value that is written, in bytes. Python dendrites fail a reply with a line beyond 8190
/// bytes (docs/spec/wire.md#reply-headers).
pub const MAX_VALUE_BYTES: usize = 4096;
/// Longest name, value or reason that a dendrite accepts in the head of a reply, in bytes.
pub const MAX_REPLY_LINE_BYTES: usize = 8190;
/// Most headers that a dendrite accepts in a reply.
pub const MAX_REPLY_HEADERS: usize = 128;
/// Base64 of `[]`, which stands for a list field in the headers.
pub const EMPTY_LIST_VALUE: &str = "W10=";

/// The status code header of a reply; 200 there means success.
pub const STATUS_CODE: &str = "bt_header_axon_status_code";
/// The status message header of a reply.
pub const STATUS_MESSAGE: &str = "bt_header_axon_status_message";
/// The seconds that an axon says it spent.
pub const PROCESS_TIME: &str = "bt_header_axon_process_time";
/// The hash of the body, 64 lower-case hex digits.
pub const BODY_HASH: &str = "computed_body_hash";
/// The hotkey in whose name a request is sent.
pub const DENDRITE_HOTKEY: &str = "bt_header_dendrite_hotkey";
/// Version number of the caller's SDK.
pub const DENDRITE_VERSION: &str = "bt_header_dendrite_version";

/// Why a header does not parse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Python's `int()` would raise, or the number exceeds 128 bits.
    #[error("header {0} is not an integer")]
    Integer(String),
    /// Python's `float()` would raise.
    #[error("header {0} is not a number")]
    Float(String),
    /// The value is not base64 of a JSON list of strings.
    #[error("header {0} is not base64 of a json list of strings")]
    InputObject(String),
    /// A required input object is absent.
    #[error("header {0} is missing")]
    Missing(String),
    /// The status code lies outside 0..=65535.
    #[error("header {0} is out of range")]
    Range(String),
    /// The value is not UTF-8: the SDK's dendrites decode every header of a reply.
    #[error("header {0} is not utf-8")]
    NotUtf8(String),
    /// A line is too long or there are more lines than dendrites accept.
    #[error("reply head exceeds {MAX_REPLY_HEADERS} headers of {MAX_REPLY_LINE_BYTES} bytes")]
    TooLarge,
}

/// Makes a value safe to send: printable ASCII in one line, cut at [`MAX_VALUE_BYTES`].
pub fn sanitise<'a>(value: impl Into<Cow<'a, str>>) -> String {
    let value = value.into();
    if is_sendable(&value) {
        return value.into_owned();
    }
    let printable = |c: char| match c {
        ' '..='~' => c,
        '\t' | '\r' | '\n' => ' ',
        _ => '?',
    };
    value.chars().take(MAX_VALUE_BYTES).map(printable).collect::<String>().trim().to_owned()
}

/// Whether the value may be sent unchanged, as nearly every value may.
fn is_sendable(value: &str) -> bool {
    let bytes = value.as_bytes();
    value.len() <= MAX_VALUE_BYTES
        && bytes.iter().all(|byte| (b' '..=b'~').contains(byte))
        && bytes.first() != Some(&b' ')
        && bytes.last() != Some(&b' ')
}

fn header<'a>(name: &'static str, value: impl Into<Cow<'a, str>>) -> Header {
    (name, sanitise(value))
}

/// The header names of one side of an exchange.
struct SideNames {
    status_code: &'static str,
    process_time: &'static str,
    ip: &'static str,
    port: &'static str,
    version: &'static str,
    nonce: &'static str,
    uuid: &'static str,
    hotkey: &'static str,
    signature: &'static str,
}

macro_rules! side_names {
    ($side:literal) => {
        SideNames {
            status_code: concat!("bt_header_", $side, "_status_code"),
            process_time: concat!("bt_header_", $side, "_process_time"),
            ip: concat!("bt_header_", $side, "_ip"),
            port: concat!("bt_header_", $side, "_port"),
            version: concat!("bt_header_", $side, "_version"),
            nonce: concat!("bt_header_", $side, "_nonce"),
            uuid: concat!("bt_header_", $side, "_uuid"),
            hotkey: concat!("bt_header_", $side, "_hotkey"),
            signature: concat!("bt_header_", $side, "_signature"),
        }
    };
}

const AXON: SideNames = side_names!("axon");
const DENDRITE: SideNames = side_names!("dendrite");

/// The headers of one head that the wire format uses. HTTP servers bound their number, and for so
/// few a linear search costs less than sorting.
struct Fields<'a>(Vec<(&'a str, &'a [u8])>);

impl<'a> Fields<'a> {
    fn collect(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        const PREFIX: &str = "bt_header_";
        let is_known = |(name, _): &(&str, &[u8])| {
            name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
                || ["timeout", "header_size", "total_size", BODY_HASH]
                    .iter()
                    .any(|known| name.eq_ignore_ascii_case(known))
        };
        Self(headers.into_iter().filter(is_known).collect())
    }

    /// The last value with this name.
    fn bytes(&self, name: &str) -> Option<&'a [u8]> {
        let is_it = |(key, _): &&(&str, &[u8])| key.eq_ignore_ascii_case(name);
        self.0.iter().rev().find(is_it).map(|(_, value)| *value)
    }

    /// The last value as text. Every byte is a Latin-1 character, so decoding cannot fail.
    fn text(&self, name: &str) -> Option<String> {
        self.latin1(name).map(Cow::into_owned)
    }

    fn latin1(&self, name: &str) -> Option<Cow<'a, str>> {
        let value = self.bytes(name)?;
        Some(match std::str::from_utf8(value) {
            Ok(text) if value.is_ascii() => text.into(),
            _ => value.iter().copied().map(char::from).collect(),
        })
    }

    fn int(&self, name: &str) -> Result<Option<i128>, HeaderError> {
        let parse = |text: Cow<'_, str>| {
            parse_int(&text).ok_or_else(|| HeaderError::Integer(name.to_owned()))
        };
        self.latin1(name).map(parse).transpose()
    }

    fn float(&self, name: &str) -> Result<Option<f64>, HeaderError> {
        let parse = |text: Cow<'_, str>| {
            parse_float(&text).ok_or_else(|| HeaderError::Float(name.to_owned()))
        };
        self.latin1(name).map(parse).transpose()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_become_one_short_line() {
        assert_eq!(sanitise("a\r\nb\0c é "), "a  b?c ?");
        assert_eq!(sanitise("x".repeat(10_000)).len(), MAX_VALUE_BYTES);
    }

    #[test]
    fn the_last_of_a_doubled_name_counts_in_any_case() {
        let headers: [(&str, &[u8]); 3] =
            [("Total_Size", b"1"), ("total_size", b" 2 "), ("timeout", b"\xe9")];
        let fields = Fields::collect(headers);
        assert_eq!(fields.int("total_size"), Ok(Some(2)));
        assert_eq!(fields.text("timeout").as_deref(), Some("é"));
        assert_eq!(fields.float("timeout"), Err(HeaderError::Float("timeout".into())));
        assert_eq!(fields.int("header_size"), Ok(None));
    }

    proptest! {
        #[test]
        fn sanitised_values_are_printable(value in any::<String>()) {
            let value = sanitise(&value);
            prop_assert!(value.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
        }
    }
}
