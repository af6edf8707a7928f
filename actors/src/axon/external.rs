//! The address at which others reach this machine: the operator's setting, or else the local
//! address from which the system connects to the chain. No outside service is asked.
//!
//! An address that nobody can dial earns nothing and shows nowhere, so that what is wrong with one
//! is found before it is published: [`check`].

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use crate::dendrite::is_public;

/// The address to publish, and where it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalAddress {
    /// The operator set it.
    Set(IpAddr),
    /// The system's own address towards the chain. Behind a router it is a private address that
    /// nobody outside can reach: then the operator must set the public one.
    Detected(IpAddr),
}

impl ExternalAddress {
    /// The address, whichever way it was found.
    pub fn ip(self) -> IpAddr {
        match self {
            Self::Set(ip) | Self::Detected(ip) => ip,
        }
    }
}

/// A source for the local address that a machine uses towards a peer.
pub trait LocalAddress {
    /// The local address of a connection to `peer`.
    ///
    /// # Errors
    /// When there is no route to that peer.
    fn toward(&self, peer: SocketAddr) -> io::Result<IpAddr>;
}

/// The system's routing table. Sends nothing.
#[derive(Debug, Clone, Copy)]
pub struct SystemRoutes;

impl LocalAddress for SystemRoutes {
    fn toward(&self, peer: SocketAddr) -> io::Result<IpAddr> {
        let any: IpAddr = match peer {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        // Connecting a datagram socket only looks up the route.
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect(peer)?;
        Ok(socket.local_addr()?.ip())
    }
}

/// The address to publish: `set` if there is one, else the local address towards `peer`, a node of
/// the chain.
///
/// # Errors
/// When no address was set and there is no route to that peer.
pub fn external_address(
    set: Option<IpAddr>,
    routes: &impl LocalAddress,
    peer: SocketAddr,
) -> io::Result<ExternalAddress> {
    match set {
        Some(ip) => Ok(ExternalAddress::Set(ip)),
        None => routes.toward(peer).map(ExternalAddress::Detected),
    }
}

/// What is wrong with publishing an address.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AddressCheck {
    /// Why nobody could dial it, if nobody could.
    pub fault: Option<String>,
    /// What keeps some from dialling it, or may.
    pub warnings: Vec<String>,
}

/// What is published: the address and its port, and what is listened on for it.
#[derive(Debug, Clone, Copy)]
pub struct Publishing {
    /// The address.
    pub external: ExternalAddress,
    /// Its port.
    pub port: u16,
    /// Where the axon listens.
    pub listens: SocketAddr,
    /// Whether the chain is on this machine, so that its neurons may be too.
    pub is_local: bool,
}

/// What is wrong with an address that is about to be published.
pub fn check(publishing: Publishing) -> AddressCheck {
    let Publishing { external, port, listens, is_local } = publishing;
    let (ip, mut found) = (external.ip(), AddressCheck::default());
    if !is_heard(ip, listens.ip()) {
        found.fault = Some(format!(
            "{ip} would be published, but the axon listens on {}, where nobody who dials it arrives: \
             set --axon.external_ip to an IPv{} address, or --axon.ip to {}",
            listens.ip(),
            if listens.is_ipv4() { 4 } else { 6 },
            if ip.is_ipv4() { "0.0.0.0" } else { "::" },
        ));
        return found;
    }
    if ip.is_ipv6() {
        found.warnings.push(format!(
            "{ip} is published, an IPv6 address, which validators on the Python SDKs cannot dial: \
             set --axon.external_ip to an IPv4 address"
        ));
    }
    if !is_local && !is_public(ip) {
        found.warnings.push(format!(
            "{ip} is published, a private address, which nobody outside its network can dial: set \
             --axon.external_ip to a public one"
        ));
    }
    if !is_local && listens.ip().is_loopback() && !ip.is_loopback() {
        found.warnings.push(format!(
            "the axon listens on {}, which only programs on this machine reach: others arrive only \
             through a proxy that runs here",
            listens.ip()
        ));
    }
    if port != listens.port() {
        found.warnings.push(format!(
            "port {port} is published, and the axon listens on port {}: forward it where a router or \
             a container stands between",
            listens.port()
        ));
    }
    found
}

/// Whether a listener on `listens` may hear of connections to `ip`. Listening on all IPv6 addresses
/// includes the IPv4 ones; behind a router any address of the same family may be translated.
fn is_heard(ip: IpAddr, listens: IpAddr) -> bool {
    ip.is_ipv4() == listens.is_ipv4() || listens == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct NoWay;

    impl LocalAddress for NoWay {
        fn toward(&self, _: SocketAddr) -> io::Result<IpAddr> {
            Err(io::ErrorKind::NetworkUnreachable.into())
        }
    }

    #[test]
    fn what_is_set_goes_before_what_is_found() {
        let peer = "127.0.0.1:9944".parse().unwrap();
        let set = "203.0.113.9".parse().unwrap();
        let address = external_address(Some(set), &NoWay, peer).unwrap();
        assert_eq!((address, address.ip()), (ExternalAddress::Set(set), set));
        let error = external_address(None, &NoWay, peer).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NetworkUnreachable);
    }

    #[test]
    fn an_address_that_nobody_can_dial_is_refused_and_a_doubtful_one_warned_of() {
        let table = [
            // Published, listener, local chain; the fault, and the warnings.
            ("8.8.4.4:8091", "0.0.0.0:8091", false, None, vec![]),
            ("8.8.4.4:8091", "[::]:8091", false, None, vec![]),
            ("[2606:4700::9]:8091", "[::]:8091", false, None, vec!["Python SDKs"]),
            ("[2606:4700::9]:8091", "0.0.0.0:8091", false, Some("listens on 0.0.0.0"), vec![]),
            ("8.8.4.4:8091", "[2606:4700::9]:8091", false, Some("--axon.ip"), vec![]),
            ("192.168.0.9:8091", "0.0.0.0:8091", false, None, vec!["a private address"]),
            ("127.0.0.1:8091", "127.0.0.1:8091", true, None, vec![]),
            ("8.8.4.4:8091", "127.0.0.1:8091", false, None, vec!["a proxy"]),
            ("8.8.4.4:9000", "0.0.0.0:8091", false, None, vec!["port 9000"]),
        ];
        for (published, listens, is_local, fault, warnings) in table {
            let published: SocketAddr = published.parse().unwrap();
            let found = check(Publishing {
                external: ExternalAddress::Set(published.ip()),
                port: published.port(),
                listens: listens.parse().unwrap(),
                is_local,
            });
            let is_so = |told: &Option<String>| match (told, fault) {
                (Some(told), Some(fault)) => told.contains(fault),
                (told, fault) => told.is_none() && fault.is_none(),
            };
            assert!(is_so(&found.fault), "{published} {listens}: {found:?}");
            assert_eq!(found.warnings.len(), warnings.len(), "{published} {listens}: {found:?}");
            let pairs = found.warnings.iter().zip(&warnings);
            assert!(pairs.clone().all(|(told, word)| told.contains(word)), "{found:?}");
        }
    }

    #[test]
    fn the_system_knows_its_own_address_towards_a_peer() {
        let found = external_address(None, &SystemRoutes, "127.0.0.1:9944".parse().unwrap());
        assert_eq!(found.unwrap(), ExternalAddress::Detected(Ipv4Addr::LOCALHOST.into()));
    }
}
