//! Which subnet of which chain.

use std::time::Duration;

use super::declare::section;
use super::{Endpoint, FilePath, NamedNetwork, Network};

section! {
    /// Which subnet.
    pub struct SubnetSection[""] {
        /// The subnet: 1 on the main network, 61 on the test network.
        netuid: u16 = 1;
    }
}

section! {
    /// Which chain.
    pub struct SubtensorSection["subtensor"] {
        /// The chain: finney, test, archive, local, latent-lite, or an endpoint such as
        /// ws://127.0.0.1:9944.
        network: NamedNetwork = NamedNetwork::finney();
        /// Nodes of that chain to use instead of the network's own, the first choice first.
        chain_endpoint: Vec<Endpoint> = Vec::new();
        /// How long a node that starts waits for the chain's first answer. A chain that is lost
        /// later is waited for without end.
        connect_within: Duration = Duration::from_secs(300),
            range(Duration::ZERO, Duration::from_secs(86_400));
        /// Wait without end for the first answer too.
        retry_forever: bool = false;
    }
}

section! {
    /// Whom the chain's nodes are believed by.
    pub struct TrustSection["subtensor"] {
        /// A PEM file of certificate authorities of your own, trusted beside those that are built
        /// in. Empty takes the file that the variable SSL_CERT_FILE names, if any.
        ca_file: Option<FilePath> = None;
    }
}

section! {
    /// How fast that chain is.
    pub struct BlockTimeSection["subtensor"] {
        /// Time between two blocks.
        block_time: Duration = Duration::from_secs(12),
            range(Duration::from_millis(50), Duration::from_secs(600));
    }
}

impl SubtensorSection {
    /// The nodes, in the order in which they are tried.
    pub fn nodes(&self) -> Network {
        match self.chain_endpoint.as_slice() {
            [] => self.network.nodes().clone(),
            nodes => Network(nodes.to_vec()),
        }
    }

    /// Whether the names alone say that this is the main network.
    pub fn names_main_network(&self) -> bool {
        self.chain_endpoint.is_empty() && self.network.is_main()
    }

    /// What the operator calls the chain, without anybody's access key.
    pub fn shown(&self) -> String {
        use super::value::{Scalar, Value};
        match self.chain_endpoint.is_empty() {
            true => self.network.redacted(),
            false => self.chain_endpoint.words(Scalar::redacted).join(", "),
        }
    }

    /// A notice for each endpoint without a scheme.
    pub(super) fn notices(&self) -> Vec<String> {
        let Network(nodes) = self.nodes();
        let guessed = nodes.iter().filter(|node| node.is_scheme_guessed());
        let notice = |node| format!("{node} is taken for the chain's endpoint that has no scheme");
        guessed.map(notice).collect()
    }
}
