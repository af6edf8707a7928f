//! A miner: its axon, and the publisher of the axon's address.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use sn1::chain::Netuid;
use sn1::wallet::Keypair;

use super::ChainPart;
use crate::axon::{
    AxonLimits, AxonPublisher, AxonRecord, AxonRules, AxonServer, AxonSettings, AxonState, Miner,
    Roster,
};
use crate::supervision::{ChildSpec, Slot};

/// One miner of a node.
pub struct MinerSettings {
    /// Tells the actors of several miners of one process apart: `AxonServer-1`. `None` for the only
    /// one: `AxonServer`.
    pub number: Option<usize>,
    /// The subnet.
    pub netuid: Netuid,
    /// Signs replies and records.
    pub hotkey: Keypair,
    /// Where it serves; bound already.
    pub listener: TcpListener,
    /// The address that is published.
    pub external: SocketAddr,
    /// The address of the metrics, if that is published too.
    pub prometheus: Option<SocketAddr>,
    /// Event loops of the axon.
    pub n_threads: usize,
    /// How much callers get.
    pub limits: AxonLimits,
    /// Whom it serves.
    pub rules: AxonRules,
    /// What answers.
    pub miner: Arc<dyn Miner>,
}

impl MinerSettings {
    fn name(&self, actor: &str) -> String {
        self.number.map_or_else(|| actor.to_owned(), |number| format!("{actor}-{number}"))
    }
}

/// `AxonServer` and `AxonPublisher` of one miner.
///
/// # Errors
/// When the listener cannot be shared with the actor's later lives.
pub fn miner_children(settings: MinerSettings, chain: &ChainPart) -> io::Result<[ChildSpec; 2]> {
    // Fails now rather than in the actor, if at all.
    settings.listener.try_clone()?;
    let publisher = publisher(&settings, chain);
    Ok([server(settings, chain), publisher])
}

fn server(settings: MinerSettings, chain: &ChainPart) -> ChildSpec {
    let slot = Slot::new(settings.name("AxonServer"));
    let MinerSettings { hotkey, listener, n_threads, limits, rules, miner, .. } = settings;
    let axon = AxonSettings { name: Arc::clone(slot.name()), hotkey, n_threads, limits, rules };
    let state = AxonState::new(&axon, Roster::Metagraph(chain.feeds.metagraph()));
    ChildSpec::new(&slot, move || {
        let listener = listener.try_clone().map_err(|error| error.to_string())?;
        Ok(AxonServer::new(axon.clone(), listener, Arc::clone(&state), Arc::clone(&miner)))
    })
    .stops_together()
}

fn publisher(settings: &MinerSettings, chain: &ChainPart) -> ChildSpec {
    let record = AxonRecord {
        netuid: settings.netuid,
        hotkey: settings.hotkey.clone(),
        external: settings.external,
        prometheus: settings.prometheus,
    };
    let chain = chain.clone();
    ChildSpec::new(&Slot::new(settings.name("AxonPublisher")), move || {
        let (metagraph, hints) = (chain.feeds.metagraph(), chain.feeds.hints.clone());
        Ok(AxonPublisher::new(chain.client.clone(), record.clone(), metagraph, hints))
    })
    .stops_together()
}
