//! Reply headers: what an axon writes and what a dendrite reads.

use std::net::SocketAddr;

use super::{
    AXON, BODY_HASH, DENDRITE, EMPTY_LIST_VALUE, Fields, Header, HeaderError, MAX_REPLY_HEADERS,
    MAX_REPLY_LINE_BYTES, PROCESS_TIME, RequestHead, STATUS_CODE, STATUS_MESSAGE, SideNames,
    Terminal, header,
};
use crate::synapse::body::{EMPTY_LIST_HASH, NOTHING_HASH};
use crate::synapse::python::float_text;
use crate::synapse::sign::{reply_text, sign_text};
use crate::synapse::{DEFAULT_TIMEOUT_S, Endpoint, PING_NAME, SDK_VERSION};
use crate::wallet::{AccountId, Keypair};

/// The identity of an axon: its key and the uuid of this process.
#[derive(Debug, Clone)]
pub struct AxonIdentity {
    signer: Option<Keypair>,
    hotkey: String,
    uuid: String,
}

impl AxonIdentity {
    /// An axon with this key; `uuid` names the process and should be random.
    pub fn new(keypair: Keypair, uuid: String) -> Self {
        let hotkey = keypair.account_id().to_ss58();
        Self { signer: Some(keypair), hotkey, uuid }
    }

    /// The same axon, but its replies carry no signature. Used for refusals: no dendrite checks the
    /// signature, and under a flood it would double their cost.
    pub fn without_signature(&self) -> Self {
        Self { signer: None, ..self.clone() }
    }

    /// The axon's own hotkey, which every request must be signed for.
    pub fn hotkey(&self) -> &str {
        &self.hotkey
    }
}

/// The status that a reply reports.
#[derive(Debug, Clone, Copy)]
pub struct ReplyStatus<'a> {
    /// The status code, repeated from the status line.
    pub code: u16,
    /// One line of explanation for people.
    pub message: &'a str,
    /// Seconds since the request arrived.
    pub process_time_s: f64,
}

/// Which columns of the table in docs/spec/wire.md#streamed-reply apply.
#[derive(Debug, Clone, Copy)]
pub enum Style<'a> {
    /// A success as 7.1.1 sends it: signed, no process time, hash of an empty list.
    LegacySuccess,
    /// A success as 10.5.0 sends it: unsigned, with the hash of the real messages.
    ModernSuccess {
        /// The hash of the body that the reply answers.
        body_hash: &'a str,
    },
    /// A refusal after the head was parsed.
    Failure,
}

/// The headers of a reply to a request whose head was parsed. Echoed values are sanitised.
///
/// The signature is left out unless both echoed hotkeys are addresses: with free text in their
/// place, a caller could make this axon sign a text of its choice.
pub fn reply_headers(
    head: &RequestHead,
    status: &ReplyStatus<'_>,
    style: Style<'_>,
    axon: &AxonIdentity,
    peer: SocketAddr,
    now_unix_ns: u64,
) -> Vec<Header> {
    let mut headers = opening(head.endpoint.name(), head.timeout, status);
    if !matches!(style, Style::LegacySuccess) {
        headers.push(header(PROCESS_TIME, float_text(status.process_time_s)));
    }
    push_addresses(&mut headers, &AXON, head.axon.ip.clone(), head.axon.port);
    push_some(&mut headers, AXON.hotkey, head.axon.hotkey.clone());
    if matches!(style, Style::ModernSuccess { .. }) {
        push_addresses(&mut headers, &DENDRITE, head.dendrite.ip.clone(), None);
    } else {
        push_own(&mut headers, head, axon, now_unix_ns);
        let port = Some(i128::from(peer.port()));
        push_addresses(&mut headers, &DENDRITE, Some(peer.ip().to_string()), port);
    }
    push_caller(&mut headers, &head.dendrite);
    let empty_hash = match head.endpoint {
        Endpoint::Prompt => EMPTY_LIST_HASH,
        Endpoint::Ping => NOTHING_HASH,
    };
    if head.endpoint == Endpoint::Prompt {
        headers.push(header("bt_header_input_obj_roles", EMPTY_LIST_VALUE));
        headers.push(header("bt_header_input_obj_messages", EMPTY_LIST_VALUE));
    }
    let body_hash = match style {
        Style::ModernSuccess { body_hash } => body_hash,
        Style::LegacySuccess | Style::Failure => empty_hash,
    };
    push_closing(&mut headers, head.header_size, head.total_size, body_hash);
    headers
}

/// The headers of a refusal whose request head could not be parsed (a failed preprocess).
pub fn bare_reply_headers(status: &ReplyStatus<'_>) -> Vec<Header> {
    let mut headers = opening(PING_NAME, None, status);
    headers.push(header(PROCESS_TIME, float_text(status.process_time_s)));
    push_closing(&mut headers, None, None, NOTHING_HASH);
    headers
}

fn opening(name: &str, timeout: Option<f64>, status: &ReplyStatus<'_>) -> Vec<Header> {
    vec![
        header("name", name),
        header("timeout", float_text(timeout.unwrap_or(DEFAULT_TIMEOUT_S))),
        header(STATUS_CODE, status.code.to_string()),
        header(STATUS_MESSAGE, status.message),
    ]
}

fn push_some(headers: &mut Vec<Header>, name: &'static str, value: Option<String>) {
    headers.extend(value.map(|value| header(name, value)));
}

fn push_addresses(
    headers: &mut Vec<Header>,
    side: &SideNames,
    ip: Option<String>,
    port: Option<i128>,
) {
    push_some(headers, side.ip, ip);
    push_some(headers, side.port, port.map(|port| port.to_string()));
}

fn push_own(headers: &mut Vec<Header>, head: &RequestHead, axon: &AxonIdentity, nonce: u64) {
    headers.push(header(AXON.version, SDK_VERSION.to_string()));
    headers.push(header(AXON.nonce, nonce.to_string()));
    headers.push(header(AXON.uuid, axon.uuid.as_str()));
    let is_address = |text: &&String| AccountId::from_ss58_any_prefix(text).is_ok();
    let dendrite_hotkey = head.dendrite.hotkey.as_ref().filter(is_address);
    let axon_hotkey = head.axon.hotkey.as_ref().filter(is_address);
    if let (Some(signer), Some(dendrite_hotkey), Some(axon_hotkey)) =
        (&axon.signer, dendrite_hotkey, axon_hotkey)
    {
        let text = reply_text(nonce, dendrite_hotkey, axon_hotkey, &axon.uuid);
        headers.push(header(AXON.signature, sign_text(signer, &text)));
    }
}

fn push_caller(headers: &mut Vec<Header>, caller: &Terminal) {
    let number = |number: Option<i128>| number.map(|number| number.to_string());
    for (name, value) in [
        (DENDRITE.version, number(caller.version)),
        (DENDRITE.nonce, number(caller.nonce)),
        (DENDRITE.uuid, caller.uuid.clone()),
        (DENDRITE.hotkey, caller.hotkey.clone()),
        (DENDRITE.signature, caller.signature.clone()),
    ] {
        push_some(headers, name, value);
    }
}

fn push_closing(
    headers: &mut Vec<Header>,
    header_size: Option<i128>,
    total_size: Option<i128>,
    body_hash: &str,
) {
    headers.push(header("header_size", header_size.unwrap_or(0).to_string()));
    headers.push(header("total_size", total_size.unwrap_or(0).to_string()));
    headers.push(header(BODY_HASH, body_hash));
}

/// What a dendrite reads from the head of a reply. None of it is authenticated.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReplyHead {
    /// The axon's own status; a success needs 200 here and in the status line.
    pub status_code: Option<u16>,
    /// The axon's status message, at most [`super::MAX_VALUE_BYTES`] long.
    pub status_message: Option<String>,
    /// The seconds that the axon says it spent.
    pub process_time: Option<f64>,
    /// What else the axon says about itself.
    pub axon: Terminal,
}

impl ReplyHead {
    /// Reads the headers of a reply.
    ///
    /// Names are compared without regard to case, as HTTP requires; the Python dendrites recognise
    /// lower case only (docs/spec/wire.md#reply-headers).
    ///
    /// # Errors
    /// A known header does not parse, one is not UTF-8, or the head is larger than dendrites accept.
    pub fn parse<'a>(
        headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, HeaderError> {
        let headers: Vec<_> = headers.into_iter().take(MAX_REPLY_HEADERS + 1).collect();
        let too_long =
            |(name, value): &(&str, &[u8])| name.len().max(value.len()) > MAX_REPLY_LINE_BYTES;
        if headers.len() > MAX_REPLY_HEADERS || headers.iter().any(too_long) {
            return Err(HeaderError::TooLarge);
        }
        if let Some((name, _)) =
            headers.iter().find(|(_, value)| std::str::from_utf8(value).is_err())
        {
            return Err(HeaderError::NotUtf8((*name).to_owned()));
        }
        let fields = Fields::collect(headers);
        fields.float("timeout")?;
        fields.int("header_size")?;
        fields.int("total_size")?;
        Terminal::read(&fields, &DENDRITE)?;
        let in_range =
            |code| u16::try_from(code).map_err(|_| HeaderError::Range(STATUS_CODE.to_owned()));
        Ok(Self {
            status_code: fields.int(STATUS_CODE)?.map(in_range).transpose()?,
            status_message: fields.text(STATUS_MESSAGE).map(super::sanitise),
            process_time: fields.float(PROCESS_TIME)?,
            axon: Terminal::read(&fields, &AXON)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<ReplyHead, HeaderError> {
        ReplyHead::parse(pairs.iter().map(|&(name, value)| (name, value.as_bytes())))
    }

    fn head(dendrite_hotkey: &str) -> RequestHead {
        RequestHead {
            endpoint: Endpoint::Prompt,
            timeout: Some(9e-5),
            axon: Terminal {
                hotkey: Some(Keypair::from_dev_path("//Bob").unwrap().account_id().to_ss58()),
                ..Terminal::default()
            },
            dendrite: Terminal {
                hotkey: Some(dendrite_hotkey.to_owned()),
                uuid: Some("line\nbreak".into()),
                ..Terminal::default()
            },
            header_size: None,
            total_size: Some(7),
            body_hash: None,
        }
    }

    fn failure(dendrite_hotkey: &str) -> Vec<Header> {
        let axon = AxonIdentity::new(Keypair::from_dev_path("//Bob").unwrap(), "u".into());
        let status = ReplyStatus { code: 401, message: "no\r\nx: y", process_time_s: 0.5 };
        let peer = "127.0.0.1:9".parse().unwrap();
        reply_headers(&head(dendrite_hotkey), &status, Style::Failure, &axon, peer, 5)
    }

    fn value<'a>(headers: &'a [Header], name: &str) -> Option<&'a str> {
        headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn failures_echo_the_request_in_single_lines() {
        let headers = failure("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
        assert_eq!(value(&headers, STATUS_MESSAGE), Some("no  x: y"));
        assert_eq!(value(&headers, "timeout"), Some("9e-05"));
        assert_eq!(value(&headers, "bt_header_dendrite_uuid"), Some("line break"));
        assert_eq!(value(&headers, "bt_header_dendrite_port"), Some("9"));
        assert_eq!(value(&headers, PROCESS_TIME), Some("0.5"));
        assert!(value(&headers, "bt_header_axon_signature").is_some());
    }

    #[test]
    fn free_text_in_place_of_a_hotkey_is_never_signed() {
        assert_eq!(value(&failure("x.y"), "bt_header_axon_signature"), None);
    }

    #[test]
    fn replies_are_typed() {
        let head =
            parse(&[(STATUS_CODE, "200"), (STATUS_MESSAGE, "Success"), (PROCESS_TIME, "0.5")]);
        let head = head.unwrap();
        assert_eq!((head.status_code, head.process_time), (Some(200), Some(0.5)));
        assert_eq!(parse(&[]).unwrap(), ReplyHead::default());
        for (name, text) in [("bt_header_axon_port", "abc"), ("total_size", "1.5")] {
            assert_eq!(parse(&[(name, text)]), Err(HeaderError::Integer(name.into())));
        }
        assert_eq!(parse(&[(STATUS_CODE, "70000")]), Err(HeaderError::Range(STATUS_CODE.into())));
        assert_eq!(parse(&[("x", &"a".repeat(9000))]), Err(HeaderError::TooLarge));
        assert_eq!(parse(&[("x", ""); 129]), Err(HeaderError::TooLarge));
    }

    proptest! {
        #[test]
        fn parsing_never_panics(
            headers in proptest::collection::vec(
                ("(bt_header_axon_(status_code|process_time|port)|timeout)|.*", any::<Vec<u8>>()),
                0..8,
            ),
        ) {
            let pairs = headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
            let _ = ReplyHead::parse(pairs);
        }
    }
}
