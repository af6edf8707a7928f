//! Where subtensor nodes are: addresses, and the names that the official tools use for networks.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use tokio_tungstenite::tungstenite::http::Uri;

use crate::settings::value::scalar;

/// Public networks and their nodes, the first choice first (docs/spec/chain.md#networks).
const NETWORKS: [(&str, &[&str]); 5] = [
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
    ("latent-lite", &["wss://lite.sub.latent.to:443"]),
];

/// The address of a node's websocket: `ws://` or `wss://`, a host, and a port where it is not the
/// scheme's own. As with the official SDK, `host:port` is enough: port 443 is encrypted, others are
/// not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: String,
    host: String,
    port: u16,
    is_scheme_guessed: bool,
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

    /// Whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.url.starts_with("wss://")
    }

    /// Whether it is on this machine, judged by its name.
    pub fn is_local(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    /// Whether the scheme was not written, but chosen by the port.
    pub fn is_scheme_guessed(&self) -> bool {
        self.is_scheme_guessed
    }

    /// Scheme, host and port: a path or query may hold somebody's access key.
    fn without_path(&self) -> String {
        let rest = self.url.find("://").map_or(0, |at| at + 3);
        match self.url[rest..].find(['/', '?']).map(|at| at + rest) {
            Some(end) if end + 1 < self.url.len() => format!("{}/...", &self.url[..end]),
            _ => self.url.clone(),
        }
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
        let wrong = || {
            format!(
                "a subtensor endpoint, written like wss://host:443 or ws://127.0.0.1:9944; `{text}` \
                 is none"
            )
        };
        let (url, is_scheme_guessed) = with_scheme(text.trim()).ok_or_else(wrong)?;
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let scheme_port = if url.starts_with("wss") { 443 } else { 80 };
        let authority = uri.authority().ok_or_else(wrong)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        // What follows the host is read here: the library takes a port beyond 65535 for none.
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => scheme_port,
            Some(port) => {
                let digits = port.strip_prefix(':').ok_or_else(wrong)?;
                digits.parse().map_err(|_| wrong())?
            }
            // Somebody's name stands before it.
            None => return Err(wrong()),
        };
        let is_usable = !host.is_empty() && port != 0;
        is_usable.then_some(Self { url, host, port, is_scheme_guessed }).ok_or_else(wrong)
    }
}

/// The URL with its scheme in lower case, and whether the scheme had to be added. `None` for other
/// schemes, and for text without scheme and port.
fn with_scheme(text: &str) -> Option<(String, bool)> {
    if let Some((scheme, rest)) = text.split_once("://") {
        let scheme = scheme.to_ascii_lowercase();
        return ["ws", "wss"].contains(&&*scheme).then(|| (format!("{scheme}://{rest}"), false));
    }
    let authority = text.split(['/', '?']).next()?;
    let (_, port) = authority.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    let scheme = if port == 443 { "wss" } else { "ws" };
    Some((format!("{scheme}://{text}"), true))
}

scalar!(Endpoint, Text, "URL", str::parse, ToString::to_string, Self::without_path);

/// A network: nodes of one chain, in the order in which they are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network(pub Vec<Endpoint>);

impl FromStr for Network {
    type Err = String;

    /// `finney`, `test`, `archive`, `local`, `latent-lite`, in any letter case, or an endpoint.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let urls = match NETWORKS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
            Some((_, urls)) => urls,
            None if text.contains(':') => &[text][..],
            None => {
                return Err(format!(
                    "finney, test, archive, local, latent-lite, or an endpoint such as \
                     wss://host:443; `{text}` is no network"
                ));
            }
        };
        urls.iter().map(|url| url.parse()).collect::<Result<_, _>>().map(Self)
    }
}

/// A network as an operator names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedNetwork {
    name: String,
    nodes: Network,
}

impl NamedNetwork {
    /// The main network.
    pub fn finney() -> Self {
        let (name, urls) = NETWORKS[0];
        let nodes = urls.iter().filter_map(|url| url.parse().ok());
        Self { name: name.to_owned(), nodes: Network(nodes.collect()) }
    }

    /// Its nodes.
    pub fn nodes(&self) -> &Network {
        &self.nodes
    }

    /// Whether the name alone says that this is the main network.
    pub fn is_main(&self) -> bool {
        ["finney", "archive", "latent-lite"].contains(&self.name.as_str())
    }
}

impl fmt::Display for NamedNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for NamedNetwork {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let nodes: Network = text.parse()?;
        let lower = text.trim().to_ascii_lowercase();
        let name = match (NETWORKS.iter().any(|(name, _)| *name == lower), nodes.0.first()) {
            (false, Some(endpoint)) => endpoint.to_string(),
            _ => lower,
        };
        Ok(Self { name, nodes })
    }
}

scalar!(NamedNetwork, Text, "NETWORK", str::parse, ToString::to_string, |network: &Self| {
    match &network.nodes.0[..] {
        [node] if node.to_string() == network.name => node.without_path(),
        _ => network.name.clone(),
    }
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::value::Scalar;

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
            (" WS://127.0.0.1:9944 ", "127.0.0.1", 9944),
            ("127.0.0.1:9944", "127.0.0.1", 9944),
            ("subtensor:9944", "subtensor", 9944),
            ("[::1]:9944", "::1", 9944),
        ];
        for (text, host, port) in table {
            let Network(endpoints) = text.parse().unwrap();
            assert_eq!((endpoints[0].host(), endpoints[0].port()), (host, port), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "mainnet",
            "finney:",
            "a:70000",
            ":9944",
            "http://a:1",
            "ws://",
            "ws://:1",
            "ws://a:0",
            "wss://u@a:1",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        assert!("ws://a:70000".parse::<Endpoint>().is_err());
    }

    #[test]
    fn a_missing_scheme_follows_from_the_port() {
        let shown = |text: &str| {
            let endpoint: Endpoint = text.parse().unwrap();
            (endpoint.to_string(), endpoint.is_scheme_guessed())
        };
        assert_eq!(shown("127.0.0.1:9944"), ("ws://127.0.0.1:9944".to_owned(), true));
        assert_eq!(shown("a.example:443/x"), ("wss://a.example:443/x".to_owned(), true));
        assert_eq!(shown("WSS://a.example"), ("wss://a.example".to_owned(), false));
    }

    #[test]
    fn names_are_known_in_any_case_and_shown_in_one() {
        let network: NamedNetwork = " Finney".parse().unwrap();
        assert!(network.is_main() && network.to_string() == "finney");
        assert_eq!(network, NamedNetwork::finney());
        let network: NamedNetwork = "localhost:9944".parse().unwrap();
        assert!(!network.is_main() && network.to_string() == "ws://localhost:9944");
    }

    #[test]
    fn access_keys_are_not_shown() {
        let endpoint: Endpoint = "wss://a.example/v1/secret?key=secret".parse().unwrap();
        assert_eq!(endpoint.redacted(), "wss://a.example/...");
        let network: NamedNetwork = "wss://a.example/secret".parse().unwrap();
        assert_eq!(network.redacted(), "wss://a.example/...");
        assert_eq!(Endpoint::parse("ws://a:1/").unwrap().redacted(), "ws://a:1/");
    }
}
