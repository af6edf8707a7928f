//! Where subtensor nodes are: addresses, and the names that the official tools use for networks.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use tokio_tungstenite::tungstenite::http::Uri;

/// Public networks and their nodes, the first choice first (docs/spec/chain.md#networks).
const NETWORKS: [(&str, &[&str]); 4] = [
    (
        "finney",
        &[
            "wss://entrypoint-finney.opentensor.ai:443",
            "wss://lite.chain.opentensor.ai:443",
            "wss://lite.sub.latent.to:443",
        ],
    ),
    ("test", &["wss://test.finney.opentensor.ai:443"]),
    ("archive", &["wss://archive.chain.opentensor.ai:443", "wss://archive.sub.latent.to:443"]),
    ("local", &["ws://127.0.0.1:9944"]),
];

/// The address of a node's websocket: `ws://` or `wss://`, a host, and a port where it is not the
/// scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: String,
    host: String,
    port: u16,
}

impl Endpoint {
    /// The host's name or address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is on this machine, judged by its name.
    pub fn is_local(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let no_endpoint = || {
            format!(
                "`{text}` is no subtensor endpoint: write it like wss://host:443 or ws://127.0.0.1:9944"
            )
        };
        let uri: Uri = text.parse().map_err(|_| no_endpoint())?;
        let scheme_port = match uri.scheme_str() {
            Some("ws") => 80,
            Some("wss") => 443,
            _ => return Err(no_endpoint()),
        };
        let authority = uri.authority().ok_or_else(no_endpoint)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        // What follows the host is read here: the library takes a port beyond 65535 for none.
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => scheme_port,
            Some(port) => {
                let digits = port.strip_prefix(':').ok_or_else(no_endpoint)?;
                digits.parse().map_err(|_| no_endpoint())?
            }
            // Somebody's name stands before it.
            None => return Err(no_endpoint()),
        };
        let is_usable = !host.is_empty() && port != 0;
        if is_usable { Ok(Self { url: text.to_owned(), host, port }) } else { Err(no_endpoint()) }
    }
}

/// A network: nodes of one chain, in the order in which they are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network(pub Vec<Endpoint>);

impl FromStr for Network {
    type Err = String;

    /// `finney`, `test`, `archive`, `local`, or an endpoint.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let urls = match NETWORKS.iter().find(|(name, _)| *name == text) {
            Some((_, urls)) => urls,
            None if text.contains("://") => &[text][..],
            None => {
                return Err(format!(
                    "`{text}` is no network: name finney, test, archive, local, or an endpoint \
                     such as wss://host:443"
                ));
            }
        };
        urls.iter().map(|url| url.parse()).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_networks() {
        for (name, urls) in NETWORKS {
            let Network(endpoints) = name.parse().unwrap();
            let shown: Vec<_> = endpoints.iter().map(Endpoint::to_string).collect();
            assert_eq!(shown, urls, "{name}");
            assert_eq!(endpoints[0].is_local(), name == "local");
        }
        let table = [
            ("ws://127.0.0.1:9944", "127.0.0.1", 9944),
            ("wss://a.example", "a.example", 443),
            ("ws://[::1]:1/path", "::1", 1),
            ("ws://localhost", "localhost", 80),
        ];
        for (text, host, port) in table {
            let Network(endpoints) = text.parse().unwrap();
            assert_eq!((endpoints[0].host(), endpoints[0].port()), (host, port), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "Finney", "mainnet", "http://a:1", "ws://", "ws://:1", "ws://a:0", "wss://u@a:1"]
        {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        assert!("ws://a:70000".parse::<Endpoint>().is_err());
    }
}
