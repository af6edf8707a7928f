//! Whom a trusted proxy speaks for: the PROXY protocol, versions 1 and 2, before the first request
//! of a connection, and `X-Forwarded-For` in each request. Only what comes from a listed network
//! is read; everyone may write these lines.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// The first bytes of a header of version 2; no HTTP request begins so.
const V2_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// The first bytes of a header of version 1.
const V1_SIGNATURE: &[u8; 6] = b"PROXY ";
/// The longest header of version 1, its line end included.
const MAX_V1_BYTES: usize = 107;
/// The longest header of version 2 that is read: addresses, and room for the extensions of cloud
/// balancers.
const MAX_V2_BYTES: usize = 1024;

/// An address, or the network of all addresses that begin with the same bits: `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpNetwork {
    address: IpAddr,
    n_bits: u8,
}

/// The text is not an address, nor an address, a slash and a number of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an IP address or a network such as 10.0.0.0/8")]
pub struct NotANetwork;

impl IpNetwork {
    /// Whether the address belongs to the network. An IPv4 address inside IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (own, other) = (self.address.to_canonical(), address.to_canonical());
        let (own, other, width) = match (own, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (u128::from(own.to_bits()), u128::from(other.to_bits()), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits(), 128),
            _ => return false,
        };
        let n_free = width - u32::from(self.n_bits).min(width);
        (own ^ other).checked_shr(n_free).unwrap_or(0) == 0
    }
}

impl FromStr for IpNetwork {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, n_bits) = match text.trim().split_once('/') {
            Some((address, n_bits)) => (address, Some(n_bits)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.trim_matches(['[', ']']).parse().map_err(|_| NotANetwork)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let n_bits = n_bits.map_or(Ok(most), |n_bits| n_bits.parse().map_err(|_| NotANetwork))?;
        if n_bits > most { Err(NotANetwork) } else { Ok(Self { address, n_bits }) }
    }
}

impl fmt::Display for IpNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.n_bits == if self.address.is_ipv4() { 32 } else { 128 } {
            true => write!(f, "{}", self.address),
            false => write!(f, "{}/{}", self.address, self.n_bits),
        }
    }
}

/// What a trusted connection begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyHeader {
    /// More bytes decide.
    Unfinished,
    /// A request, without a header before it.
    Absent,
    /// A header that takes so many bytes. `None`: the proxy speaks for itself, as in its health
    /// checks.
    Of(Option<SocketAddr>, usize),
    /// A header that cannot be read.
    Malformed,
}

impl ProxyHeader {
    /// Reads what has come of a connection so far.
    pub fn read(bytes: &[u8]) -> Self {
        if begins(bytes, V2_SIGNATURE) {
            return read_v2(bytes).unwrap_or(Self::Malformed);
        }
        if !begins(bytes, V1_SIGNATURE) {
            return Self::Absent;
        }
        match bytes.iter().take(MAX_V1_BYTES).position(|byte| *byte == b'\n') {
            Some(end) => read_v1(&bytes[..end]).map_or(Self::Malformed, |of| Self::Of(of, end + 1)),
            None if bytes.len() < MAX_V1_BYTES => Self::Unfinished,
            None => Self::Malformed,
        }
    }
}

/// Whether one is a prefix of the other.
fn begins(bytes: &[u8], signature: &[u8]) -> bool {
    bytes.iter().zip(signature).all(|(one, other)| one == other)
}

/// A line such as `PROXY TCP4 203.0.113.9 192.0.2.1 52011 8091`, without its line end.
fn read_v1(line: &[u8]) -> Option<Option<SocketAddr>> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\r')?;
    let words: Vec<&str> = line.split(' ').collect();
    match words[..] {
        ["PROXY", "UNKNOWN", ..] => Some(None),
        ["PROXY", "TCP4" | "TCP6", source, _, port, _] => {
            Some(Some(SocketAddr::new(source.parse().ok()?, port.parse().ok()?)))
        }
        _ => None,
    }
}

/// `None` for a header that cannot be read.
fn read_v2(bytes: &[u8]) -> Option<ProxyHeader> {
    let Some([command, family, high, low]) = bytes.get(12..16) else {
        return Some(ProxyHeader::Unfinished);
    };
    let length = 16 + usize::from(u16::from_be_bytes([*high, *low]));
    if length > MAX_V2_BYTES || command >> 4 != 2 {
        return None;
    }
    let Some(body) = bytes.get(16..length) else { return Some(ProxyHeader::Unfinished) };
    let source = match (command & 0xf, family >> 4) {
        (1, 1) => {
            let ([a, b, c, d], [high, low]) = (body.get(..4)?, body.get(8..10)?) else {
                return None;
            };
            Some(SocketAddr::from(([*a, *b, *c, *d], u16::from_be_bytes([*high, *low]))))
        }
        (1, 2) => {
            let address: [u8; 16] = body.get(..16)?.try_into().ok()?;
            let port: [u8; 2] = body.get(32..34)?.try_into().ok()?;
            Some(SocketAddr::from((Ipv6Addr::from(address), u16::from_be_bytes(port))))
        }
        // LOCAL, and families that are not IP.
        (0 | 1, _) => None,
        _ => return None,
    };
    Some(ProxyHeader::Of(source, length))
}

/// The client that the values of `X-Forwarded-For` name, in wire order: the last address that is no
/// trusted proxy itself, since each proxy appends the address that it saw. `None` when they name
/// none, or something that is no address stands before one is found.
pub fn forwarded_for<'a>(
    values: impl DoubleEndedIterator<Item = &'a [u8]>,
    is_trusted: impl Fn(IpAddr) -> bool,
) -> Option<SocketAddr> {
    for word in values.rev().flat_map(|value| value.rsplit(|byte| *byte == b',')) {
        let word = std::str::from_utf8(word).ok()?.trim();
        let address = word.parse().or_else(|_| {
            word.trim_matches(['[', ']']).parse().map(|ip: IpAddr| SocketAddr::new(ip, 0))
        });
        let address = address.ok()?;
        if !is_trusted(address.ip()) {
            return Some(address);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_network_has_the_addresses_that_share_its_bits() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("192.0.2.7", "::ffff:192.0.2.7", "192.0.2.8"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("[::1]", "::1", "127.0.0.1"),
            ("0.0.0.0/0", "203.0.113.9", "::2"),
        ] {
            let network: IpNetwork = network.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{network} {outside}");
            assert_eq!(network.to_string().parse(), Ok(network));
        }
        for text in ["", "10.0.0.0/33", "host", "10.0.0.0/", "::/129", "10.0.0.0/-1"] {
            assert_eq!(text.parse::<IpNetwork>(), Err(NotANetwork), "{text}");
        }
    }

    /// The first line is the example in the document of the protocol, which comes with haproxy.
    #[test]
    fn both_versions_name_the_source() {
        let of = |text: &str, n| ProxyHeader::Of(Some(text.parse().unwrap()), n);
        let v1 = b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\nGET / HTTP/1.1\r\n";
        assert_eq!(ProxyHeader::read(v1), of("192.168.0.1:56324", 47));
        let v6 = b"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n";
        assert_eq!(ProxyHeader::read(v6), of("[2001:db8::1]:1", v6.len()));
        assert_eq!(ProxyHeader::read(b"PROXY UNKNOWN\r\n"), ProxyHeader::Of(None, 15));
        let v2 = |rest: &[u8]| [&V2_SIGNATURE[..], rest].concat();
        let tcp4 =
            v2(&[0x21, 0x11, 0, 15, 203, 0, 113, 9, 192, 0, 2, 1, 0xcb, 0x2b, 1, 187, 4, 0, 0]);
        assert_eq!(ProxyHeader::read(&tcp4), of("203.0.113.9:52011", 31));
        let mut tcp6 = v2(&[0x21, 0x21, 0, 36]);
        tcp6.extend([[0; 15].as_slice(), &[1], &[0; 16], &[0, 9, 0, 8]].concat());
        assert_eq!(ProxyHeader::read(&tcp6), of("[::1]:9", 52));
        assert_eq!(ProxyHeader::read(&v2(&[0x20, 0, 0, 0])), ProxyHeader::Of(None, 16));
    }

    #[test]
    fn what_is_no_header_is_a_request_and_what_is_broken_is_refused() {
        for (bytes, expected) in [
            (&b""[..], ProxyHeader::Unfinished),
            (b"PRO", ProxyHeader::Unfinished),
            (b"\r\n\r\n", ProxyHeader::Unfinished),
            (b"POST /", ProxyHeader::Absent),
            (b"PRI * HTTP/2.0\r\n", ProxyHeader::Absent),
            (b"PROXY TCP4 here there 1 2\r\n", ProxyHeader::Malformed),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 70000 2\r\n", ProxyHeader::Malformed),
            (b"\r\n\r\n\0\r\nQUIT\n\x11\x11\0\x0c", ProxyHeader::Malformed),
            (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x02ab", ProxyHeader::Malformed),
            (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", ProxyHeader::Malformed),
        ] {
            assert_eq!(ProxyHeader::read(bytes), expected, "{bytes:?}");
        }
        assert_eq!(
            ProxyHeader::read(&[b"PROXY ".as_slice(), &[b'x'; 200]].concat()),
            ProxyHeader::Malformed
        );
    }

    #[test]
    fn the_last_address_that_is_no_proxy_is_the_client() {
        let trusted: IpNetwork = "10.0.0.0/8".parse().unwrap();
        for (values, client) in [
            (vec!["203.0.113.9"], Some("203.0.113.9:0")),
            // Whatever the client itself wrote stands before what the proxies saw.
            (vec!["1.1.1.1, 203.0.113.9, 10.0.0.2"], Some("203.0.113.9:0")),
            (vec!["1.1.1.1", "203.0.113.9:4711", "10.0.0.2"], Some("203.0.113.9:4711")),
            (vec!["[2001:db8::1]"], Some("[2001:db8::1]:0")),
            (vec!["203.0.113.9, unknown"], None),
            (vec!["10.0.0.3"], None),
            (vec![""], None),
            (vec![], None),
        ] {
            let bytes = values.iter().map(|value| value.as_bytes());
            let found = forwarded_for(bytes, |ip| trusted.contains(ip));
            assert_eq!(found, client.map(|client| client.parse().unwrap()), "{values:?}");
        }
        // What cannot be read hides nothing: not the address behind it, nor that it stands there.
        let found = |last: &'static [u8]| {
            forwarded_for([b"1.1.1.1".as_slice(), last].into_iter(), |ip| trusted.contains(ip))
        };
        assert_eq!(found(b"\xff, 203.0.113.9"), Some("203.0.113.9:0".parse().unwrap()));
        assert_eq!(found(b"\xff"), None);
    }

    proptest! {
        /// No bytes break the reader, and a header never ends behind what has come.
        #[test]
        fn any_bytes_are_read(version in 0..3_u8, rest in any::<Vec<u8>>()) {
            let begin: &[u8] = match version {
                0 => b"",
                1 => V1_SIGNATURE,
                _ => V2_SIGNATURE,
            };
            let bytes = [begin, &rest].concat();
            if let ProxyHeader::Of(_, n_bytes) = ProxyHeader::read(&bytes) {
                prop_assert!(n_bytes <= bytes.len());
            }
        }
    }
}
