//! Where a request comes from, and in whose name. Both are claims until the signature is checked;
//! the address is the socket's, or what a trusted proxy says.

use std::net::{IpAddr, SocketAddr};

use actix_http::{HttpMessage, Request};
use sn1::synapse::budgets::Pair;
use sn1::synapse::headers::DENDRITE_HOTKEY;
use sn1::synapse::limits::peer_network;
use sn1::synapse::proxy::forwarded_for;
use sn1::wallet::AccountId;

/// The header in which proxies name the client.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The source of one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    /// The caller's address; port 0 where a proxy does not say it.
    pub(super) peer: SocketAddr,
    /// The network that counts as one peer.
    pub(super) network: IpAddr,
    /// The hotkey that the request names.
    pub(super) named: Option<AccountId>,
}

impl Origin {
    /// Reads the head of a request.
    pub(super) fn of(request: &Request, is_trusted: impl Fn(IpAddr) -> bool) -> Self {
        let socket = request.peer_addr().unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)));
        let headers = request.headers();
        let behind = is_trusted(socket.ip()).then(|| {
            let values: Vec<&[u8]> =
                headers.get_all(FORWARDED_FOR).map(|value| value.as_bytes()).collect();
            forwarded_for(values.into_iter(), &is_trusted)
        });
        let peer = behind.flatten().unwrap_or(socket);
        // Of several headers the last one counts, as where the head is parsed.
        let named = headers.get_all(DENDRITE_HOTKEY).last();
        let named = named.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Self { peer, network: peer_network(peer.ip()), named }
    }

    /// The pair that the request is charged to if it holds what it claims.
    pub(super) fn pair(&self) -> Option<Pair> {
        self.named.map(|hotkey| Pair { network: self.network, hotkey })
    }
}
