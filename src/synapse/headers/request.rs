//! Request headers: what an axon reads from them and what a dendrite writes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{
    AXON, BODY_HASH, DENDRITE, DENDRITE_VERSION, EMPTY_LIST_VALUE, Fields, Header, HeaderError,
    SideNames, header,
};
use crate::synapse::python::float_text;
use crate::synapse::{Endpoint, Generation, PROMPT_NAME, SDK_VERSION};

/// List fields of the prompting synapse that the headers must announce.
const INPUT_OBJECTS: [&str; 2] = ["bt_header_input_obj_roles", "bt_header_input_obj_messages"];

/// One side of an exchange as its headers describe it. The sender claims all of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Terminal {
    /// IP address in text form.
    pub ip: Option<String>,
    /// TCP port; Python does not bound it.
    pub port: Option<i128>,
    /// Version number of the SDK.
    pub version: Option<i128>,
    /// Nonce in nanoseconds, of the Unix clock or of a monotonic one.
    pub nonce: Option<i128>,
    /// Names the process (or connection) that counts the nonces.
    pub uuid: Option<String>,
    /// ss58 address of the hotkey.
    pub hotkey: Option<String>,
    /// Signature, `0x` and hex digits.
    pub signature: Option<String>,
}

impl Terminal {
    pub(super) fn read(fields: &Fields<'_>, side: &SideNames) -> Result<Self, HeaderError> {
        // The values are not used, but Python parses them and refuses the request if they are
        // malformed.
        fields.int(side.status_code)?;
        fields.float(side.process_time)?;
        Ok(Self {
            ip: fields.text(side.ip),
            port: fields.int(side.port)?,
            version: fields.int(side.version)?,
            nonce: fields.int(side.nonce)?,
            uuid: fields.text(side.uuid),
            hotkey: fields.text(side.hotkey),
            signature: fields.text(side.signature),
        })
    }
}

/// The typed head of a request. Everything in it is unauthenticated until the signature is checked;
/// timeout, version and sizes remain so afterwards.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestHead {
    /// What the path asked for.
    pub endpoint: Endpoint,
    /// Seconds; may be negative, infinite or NaN.
    pub timeout: Option<f64>,
    /// The axon that the caller means to address.
    pub axon: Terminal,
    /// The caller, as it describes itself.
    pub dendrite: Terminal,
    /// Size of the head as the caller measures it.
    pub header_size: Option<i128>,
    /// Size of head and body as the caller measures them.
    pub total_size: Option<i128>,
    /// Hash of the body, 64 lower-case hex digits from an honest caller.
    pub body_hash: Option<String>,
}

impl RequestHead {
    /// Reads the headers of a request for `endpoint`. Unknown headers are ignored.
    ///
    /// # Errors
    /// A number does not parse, or an input object is missing or is not a list of strings.
    pub fn parse<'a>(
        endpoint: Endpoint,
        headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, HeaderError> {
        let fields = Fields::collect(headers);
        if endpoint == Endpoint::Prompt {
            INPUT_OBJECTS.iter().try_for_each(|name| check_input_object(&fields, name))?;
        }
        Ok(Self {
            endpoint,
            timeout: fields.float("timeout")?,
            axon: Terminal::read(&fields, &AXON)?,
            dendrite: Terminal::read(&fields, &DENDRITE)?,
            header_size: fields.int("header_size")?,
            total_size: fields.int("total_size")?,
            body_hash: fields.text(BODY_HASH),
        })
    }

    /// The generation that the caller's stated version belongs to.
    pub fn generation(&self) -> Generation {
        Generation::of(self.dendrite.version)
    }
}

impl Generation {
    /// The caller's generation from raw headers, for a head that does not parse. A version that
    /// does not parse counts as modern.
    pub fn of_headers<'a>(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        Fields::collect(headers).int(DENDRITE_VERSION).map_or(Self::Modern, Self::of)
    }
}

fn check_input_object(fields: &Fields<'_>, name: &str) -> Result<(), HeaderError> {
    let value = fields.bytes(name).ok_or_else(|| HeaderError::Missing(name.to_owned()))?;
    if value == EMPTY_LIST_VALUE.as_bytes() {
        return Ok(()); // As every dendrite sends it.
    }
    // Python skips bytes outside the alphabet.
    let in_alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    let digits: Vec<u8> = value.iter().copied().filter(in_alphabet).collect();
    STANDARD
        .decode(digits)
        .ok()
        .and_then(|json| serde_json::from_slice::<Vec<String>>(&json).ok())
        .map(drop)
        .ok_or_else(|| HeaderError::InputObject(name.to_owned()))
}

/// The axon that a request is meant for.
#[derive(Debug, Clone, Copy)]
pub struct AxonAddress<'a> {
    /// IP address in text form, as in the metagraph.
    pub ip: &'a str,
    /// TCP port of the axon.
    pub port: u16,
    /// ss58 address of its hotkey.
    pub hotkey: &'a str,
}

/// What a dendrite asks, before it is signed.
#[derive(Debug, Clone, Copy)]
pub struct RequestDraft<'a> {
    /// The axon to ask.
    pub axon: AxonAddress<'a>,
    /// This node's public address in text form; axons replace it with the TCP peer.
    pub dendrite_ip: &'a str,
    /// Names the counter of the nonces. Use one uuid per axon when asking in parallel.
    pub dendrite_uuid: &'a str,
    /// Seconds until the dendrite gives up; finite and positive.
    pub timeout_s: f64,
    /// Roles of the messages, such as `user`.
    pub roles: &'a [String],
    /// The messages, oldest first. Only these are covered by the body hash.
    pub messages: &'a [String],
}

/// The caller's signed fields of a request.
pub(in crate::synapse) struct Signed<'a> {
    pub(in crate::synapse) hotkey: &'a str,
    pub(in crate::synapse) nonce: u64,
    pub(in crate::synapse) signature: &'a str,
    pub(in crate::synapse) body_hash: &'a str,
    pub(in crate::synapse) body_bytes: usize,
}

/// The headers of docs/spec/wire.md#request-headers in the SDK's order, with the content type and
/// without `Accept-Encoding`. The HTTP client adds `Host` and `Content-Length`.
pub(in crate::synapse) fn request_headers(
    draft: &RequestDraft<'_>,
    signed: &Signed<'_>,
) -> Vec<Header> {
    let mut headers = vec![
        header("name", PROMPT_NAME),
        header("timeout", float_text(draft.timeout_s)),
        header(AXON.ip, draft.axon.ip),
        header(AXON.port, draft.axon.port.to_string()),
        header(AXON.hotkey, draft.axon.hotkey),
        header(DENDRITE.ip, draft.dendrite_ip),
        header(DENDRITE_VERSION, SDK_VERSION.to_string()),
        header(DENDRITE.nonce, signed.nonce.to_string()),
        header(DENDRITE.uuid, draft.dendrite_uuid),
        header(DENDRITE.hotkey, signed.hotkey),
        header(DENDRITE.signature, signed.signature),
    ];
    headers.extend(INPUT_OBJECTS.map(|name| header(name, EMPTY_LIST_VALUE)));
    let header_size: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    headers.extend([
        header("header_size", header_size.to_string()),
        header("total_size", (header_size + signed.body_bytes).to_string()),
        header(BODY_HASH, signed.body_hash),
        header("accept", "*/*"),
        header("content-type", "application/json"),
    ]);
    headers
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(extra: &[(&str, &[u8])]) -> Result<RequestHead, HeaderError> {
        let base = INPUT_OBJECTS.map(|name| (name, EMPTY_LIST_VALUE.as_bytes()));
        RequestHead::parse(Endpoint::Prompt, base.into_iter().chain(extra.iter().copied()))
    }

    #[test]
    fn numbers_are_typed_and_text_is_kept() {
        let head = parse(&[
            ("timeout", b" 1_2.5 "),
            ("bt_header_dendrite_nonce", b"000_7"),
            ("BT_Header_Dendrite_UUID", b"u 1"),
            ("bt_header_dendrite_colour", b"red"),
        ]);
        let head = head.unwrap();
        assert_eq!(head.dendrite.nonce, Some(7));
        assert_eq!(head.timeout, Some(12.5));
        assert_eq!(head.dendrite.uuid.as_deref(), Some("u 1"));
        assert_eq!(head.generation(), Generation::Legacy);
    }

    #[test]
    fn unreadable_fields_name_their_header() {
        for (name, value) in [
            ("bt_header_axon_port", "x"),
            ("bt_header_dendrite_version", ""),
            ("bt_header_dendrite_status_code", "ok"),
            ("total_size", "1.5"),
        ] {
            assert_eq!(parse(&[(name, value.as_bytes())]), Err(HeaderError::Integer(name.into())));
        }
        assert_eq!(parse(&[("timeout", b"")]), Err(HeaderError::Float("timeout".into())));
    }

    #[test]
    fn input_objects_are_lists_of_strings_and_only_prompts_need_them() {
        let name = INPUT_OBJECTS[0];
        for value in ["W10=", "WyJhIl0=", "W1\t0=", "W1%0="] {
            assert!(parse(&[(name, value.as_bytes())]).is_ok(), "{value}");
        }
        for value in ["", "%%%", "NQ==", "WzVd", "bm9wZQ=="] {
            let refused = Err(HeaderError::InputObject(name.into()));
            assert_eq!(parse(&[(name, value.as_bytes())]), refused, "{value}");
        }
        assert!(RequestHead::parse(Endpoint::Ping, []).is_ok());
        assert!(RequestHead::parse(Endpoint::Prompt, []).is_err());
    }

    #[test]
    fn the_generation_of_an_unreadable_version_is_modern() {
        let of = |value: &str| Generation::of_headers([(DENDRITE_VERSION, value.as_bytes())]);
        assert_eq!(of("711"), Generation::Legacy);
        assert_eq!(of("7002000"), Generation::Modern);
        assert_eq!(of("seven"), Generation::Modern);
        assert_eq!(Generation::of_headers([]), Generation::Legacy);
    }

    proptest! {
        #[test]
        fn parsing_never_panics(
            headers in proptest::collection::vec(
                ("(bt_header_(axon|dendrite)_(port|nonce|uuid|version)|timeout|total_size)|.*",
                 any::<Vec<u8>>()),
                0..8,
            ),
        ) {
            let pairs: Vec<(&str, &[u8])> =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
            let _ = RequestHead::parse(Endpoint::Prompt, pairs.iter().copied());
            let _ = RequestHead::parse(Endpoint::Ping, pairs.iter().copied());
            let _ = Generation::of_headers(pairs);
        }
    }
}
