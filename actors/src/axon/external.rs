//! The address at which others reach this machine: the operator's setting, or else the local
//! address from which the system connects to the chain. No outside service is asked.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

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
    fn the_system_knows_its_own_address_towards_a_peer() {
        let found = external_address(None, &SystemRoutes, "127.0.0.1:9944".parse().unwrap());
        assert_eq!(found.unwrap(), ExternalAddress::Detected(Ipv4Addr::LOCALHOST.into()));
    }
}
