//! Looks up uids: in a node on this machine, which reports what it knows of the subnet, or on the
//! chain itself.

use std::collections::BTreeMap;
use std::future::Future;
use std::str::FromStr;
use std::time::Duration;

use actix_web::http::uri::Authority;
use sn1::chain::decode::DecodeError;
use sn1::chain::{Netuid, Uid};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::record::Asked;
use super::uids::Listed;
use super::{QueryError, UidSelection};
use crate::away::timeout;
use crate::chain::subtensor::{
    CallError, Deadlines, Endpoint, Network, Roots, Subtensor, SubtensorError, SubtensorSettings,
};
use crate::telemetry::{NeuronEntry, SubnetPage};

/// The deadline of a running node, which answers from memory.
const DEADLINE: Duration = Duration::from_secs(5);
/// A chain whose nodes are not there, or limit their callers, is asked again for so long.
const CHAIN_WITHIN: Duration = Duration::from_secs(10);
/// Largest page in bytes that is read, far above the page of the largest subnet.
const MAX_PAGE_BYTES: u64 = 64 << 20;

/// A source that can describe the subnet.
pub trait SubnetSource {
    /// The subnet at the newest block that the source knows.
    ///
    /// # Errors
    /// [`QueryError::NoSubnet`] or [`QueryError::UnknownSubnet`] with the reason in one sentence.
    fn subnet(&self) -> impl Future<Output = Result<SubnetPage, QueryError>>;

    /// Whether the chain is on this machine, so that its miners may be too.
    fn is_local(&self) -> bool {
        false
    }
}

/// The source that is asked for the subnet.
#[derive(Debug, Clone)]
pub enum Lookup {
    /// The `/metagraph` page of a running node.
    Node(NodeAddress),
    /// A node of the chain.
    Chain(ChainNodes),
}

/// Nodes of the chain, asked once.
#[derive(Debug, Clone)]
pub struct ChainNodes {
    /// The network whose nodes are asked.
    pub network: Network,
    /// The subnet to read.
    pub netuid: Netuid,
}

impl SubnetSource for ChainNodes {
    async fn subnet(&self) -> Result<SubnetPage, QueryError> {
        let (network, deadlines) = (self.network.clone(), Deadlines::default());
        let no_subnet = |reason: String| QueryError::NoSubnet(reason);
        let roots = Roots::of_operator(None).map_err(|error| no_subnet(error.to_string()))?;
        let client = Subtensor::new(SubtensorSettings { network, deadlines, roots });
        let (within, is_worth) = (Some(CHAIN_WITHIN), CallError::is_absence);
        let snapshot = client.first_snapshot(self.netuid, within, is_worth, |_| {}).await;
        let snapshot = snapshot.map_err(|error| match error {
            SubtensorError::Chain(DecodeError::NoSubnet(_)) => {
                QueryError::UnknownSubnet(error.to_string())
            }
            error => no_subnet(error.to_string()),
        })?;
        Ok(SubnetPage::new(&snapshot.metagraph, None, None))
    }

    fn is_local(&self) -> bool {
        self.network.0.iter().all(Endpoint::is_local)
    }
}

/// The address of a running node's pages, as `host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeAddress(String);

impl NodeAddress {
    /// Whether it is certainly on this machine.
    fn is_loopback(&self) -> bool {
        let host = self.0.rsplit_once(':').map_or(self.0.as_str(), |(host, _)| host);
        let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for NodeAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let host = text.strip_prefix("http://").unwrap_or(text);
        let host = host.strip_suffix('/').unwrap_or(host);
        let authority = host.parse().ok().filter(|authority: &Authority| {
            authority.port_u16().is_some_and(|port| port != 0) && !host.contains('@')
        });
        authority.map(|authority| Self(authority.to_string())).ok_or_else(|| {
            format!("`{text}` is not the address of a node: write it like http://127.0.0.1:9464")
        })
    }
}

impl NodeAddress {
    /// A node on this machine, at this port.
    pub fn on_port(port: u16) -> Self {
        Self(format!("127.0.0.1:{port}"))
    }
}

impl std::fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http://{}", self.0)
    }
}

/// A running node whose `/metagraph` page is read.
pub struct RunningNode {
    node: NodeAddress,
}

impl RunningNode {
    /// The node at this address; nothing is read yet.
    pub fn new(node: &NodeAddress) -> Self {
        Self { node: node.clone() }
    }

    /// Status and body of the page. HTTP 1.0, in which the body ends with the connection.
    async fn page(&self) -> std::io::Result<(u16, Vec<u8>)> {
        let mut stream = TcpStream::connect(&self.node.0).await?;
        let request = format!("GET /metagraph HTTP/1.0\r\nHost: {}\r\n\r\n", self.node.0);
        stream.write_all(request.as_bytes()).await?;
        let mut reply = Vec::new();
        stream.take(MAX_PAGE_BYTES).read_to_end(&mut reply).await?;
        split_reply(&reply).ok_or_else(|| std::io::ErrorKind::InvalidData.into())
    }
}

fn split_reply(reply: &[u8]) -> Option<(u16, Vec<u8>)> {
    let end = reply.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&reply[..end]).ok()?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some((status, reply[end + 4..].to_vec()))
}

impl SubnetSource for RunningNode {
    async fn subnet(&self) -> Result<SubnetPage, QueryError> {
        let node = &self.node;
        let no_subnet = |text: String| Err(QueryError::NoSubnet(text));
        let within = DEADLINE.as_secs();
        match timeout(DEADLINE, self.page()).await {
            Err(_) => {
                no_subnet(format!("the node at {node} did not answer within {within} seconds"))
            }
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::InvalidData => no_subnet(
                format!("the server at {node} is not an sn1 node: it does not speak HTTP"),
            ),
            Ok(Err(_)) => no_subnet(format!(
                "no node answers at {node}: start one with `sn1 localnet`, name another with \
                 --node, or name axons with --axon and --hotkey"
            )),
            Ok(Ok((503, _))) => no_subnet(format!(
                "the node at {node} has not seen the subnet yet: ask again in a moment"
            )),
            Ok(Ok((200, body))) => match serde_json::from_slice::<SubnetPage>(&body) {
                // A page from elsewhere must not make us dial this machine's own network.
                Ok(page) if !node.is_loopback() => Ok(SubnetPage { development_key: None, ..page }),
                Ok(page) => Ok(page),
                Err(error) => {
                    no_subnet(format!("{node} did not return a valid metagraph: {error}"))
                }
            },
            Ok(Ok((status, _))) => no_subnet(format!(
                "the server at {node} is not a node of this version: it has no page /metagraph \
                 (status {status})"
            )),
        }
    }
}

/// The chosen neurons in the order of their uids, each once.
pub(super) fn choose(uids: &UidSelection, page: &SubnetPage) -> Result<Vec<Asked>, String> {
    let mut chosen = BTreeMap::new();
    let entries = match uids {
        UidSelection::All => &[Listed::Range(Uid(0), Uid(u16::MAX))][..],
        UidSelection::Listed(entries) => entries,
    };
    for entry in entries {
        match *entry {
            Listed::One(uid) => {
                chosen.insert(uid, serving(page, uid)?);
            }
            Listed::Range(first, last) => {
                let within = |neuron: &&NeuronEntry| (first..=last).contains(&neuron.uid);
                let neurons = page.neurons.iter().filter(within);
                chosen.extend(neurons.filter_map(|neuron| Some((neuron.uid, asked(neuron)?))));
            }
        }
    }
    if chosen.is_empty() {
        return Err(format!("none of these uids serves an axon on subnet {}", page.netuid));
    }
    Ok(chosen.into_values().collect())
}

fn asked(neuron: &NeuronEntry) -> Option<Asked> {
    Some(Asked::by_uid(neuron.uid, neuron.axon?, neuron.hotkey))
}

fn serving(page: &SubnetPage, uid: Uid) -> Result<Asked, String> {
    let netuid = page.netuid;
    let neuron = page.neuron(uid).ok_or_else(|| match page.neurons.last() {
        Some(last) => format!("subnet {netuid} has no uid {uid}: its last one is {}", last.uid),
        None => format!("subnet {netuid} has no uid {uid}: no neuron is registered on it"),
    })?;
    asked(neuron).ok_or_else(|| format!("uid {uid} does not serve an axon on subnet {netuid}"))
}

#[cfg(test)]
mod tests {
    use sn1::chain::Hash;
    use sn1::wallet::AccountId;

    use super::*;

    fn neuron(uid: u16, axon: Option<&str>) -> NeuronEntry {
        NeuronEntry {
            uid: Uid(uid),
            hotkey: AccountId([uid as u8; 32]),
            coldkey: AccountId([0; 32]),
            axon: axon.map(|address| address.parse().unwrap()),
            stake: 1.5,
            validator_permit: false,
            active: true,
            incentive: 0.25,
            dividends: 0.0,
            consensus: 0.0,
            validator_trust: 0.0,
            emission: 0.0,
            last_update: 0,
            registered_at: 0,
            collateral: None,
        }
    }

    fn page() -> SubnetPage {
        SubnetPage {
            netuid: Netuid(1),
            block: 7,
            block_hash: Hash::default(),
            blocks_behind: 0,
            age_s: Some(0.5),
            development_key: None,
            neurons: vec![
                neuron(0, None),
                neuron(1, Some("203.0.113.1:8091")),
                neuron(2, Some("[2001:db8::2]:8091")),
                neuron(3, None),
                neuron(4, Some("203.0.113.4:8091")),
            ],
        }
    }

    fn chosen(uids: &str) -> Result<Vec<u16>, String> {
        let asked = choose(&uids.parse().unwrap(), &page())?;
        Ok(asked.iter().map(|asked| asked.slot.0).collect())
    }

    #[test]
    fn ranges_take_those_who_serve_and_nobody_twice() {
        assert_eq!(chosen("all"), Ok(vec![1, 2, 4]));
        assert_eq!(chosen("4,1"), Ok(vec![1, 4]));
        assert_eq!(chosen("2-60000,1,2"), Ok(vec![1, 2, 4]));
    }

    #[test]
    fn a_named_uid_must_be_there_and_serve() {
        let table = [
            ("1,9", "subnet 1 has no uid 9: its last one is 4"),
            ("1,3", "uid 3 does not serve an axon on subnet 1"),
            ("5-9", "none of these uids serves an axon on subnet 1"),
        ];
        for (uids, text) in table {
            assert_eq!(chosen(uids), Err(text.to_owned()));
        }
    }

    #[test]
    fn the_page_survives_its_json() {
        let text = serde_json::to_string(&page()).unwrap();
        assert_eq!(serde_json::from_str::<SubnetPage>(&text).unwrap(), page());
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["neurons"][1]["axon"], "203.0.113.1:8091");
        assert_eq!(value["neurons"][0]["axon"], serde_json::Value::Null);
    }

    #[test]
    fn node_addresses_are_plain_http() {
        let table = [
            ("http://127.0.0.1:9464", "http://127.0.0.1:9464"),
            ("127.0.0.1:9464", "http://127.0.0.1:9464"),
            ("http://[::1]:9464/", "http://[::1]:9464"),
            ("localhost:1", "http://localhost:1"),
        ];
        for (text, shown) in table {
            assert_eq!(text.parse::<NodeAddress>().unwrap().to_string(), shown);
        }
        for text in
            ["", "https://a:1", "http://", "a", "a:b", "a:0", "a:1/b", "a:1?c", "b@a:1", "a b:1"]
        {
            assert!(text.parse::<NodeAddress>().is_err(), "{text}");
        }
    }
}
