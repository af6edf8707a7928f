//! A miner: its axon, and the publisher of the axon's address.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use sn1::synapse::proxy::IpNetwork;
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
    /// Signs replies.
    pub hotkey: Keypair,
    /// Where it serves; bound already.
    pub listener: TcpListener,
    /// What the chain is to say of it, if anything.
    pub record: Option<AxonRecord>,
    /// Event loops of the axon.
    pub n_threads: usize,
    /// How much callers get.
    pub limits: AxonLimits,
    /// Whom it serves.
    pub rules: AxonRules,
    /// Proxies before it.
    pub trusted_proxies: Vec<IpNetwork>,
    /// What answers.
    pub miner: Arc<dyn Miner>,
}

impl MinerSettings {
    /// The name of its publisher, if it has one.
    pub fn publisher(&self) -> Option<Arc<str>> {
        self.record.as_ref().map(|_| self.name("AxonPublisher").into())
    }

    fn name(&self, actor: &str) -> String {
        self.number.map_or_else(|| actor.to_owned(), |number| format!("{actor}-{number}"))
    }
}

/// `AxonServer` of one miner, and `AxonPublisher` where it has a record.
///
/// # Errors
/// When the listener cannot be shared with the actor's later lives.
pub fn miner_children(settings: &MinerSettings, chain: &ChainPart) -> io::Result<Vec<ChildSpec>> {
    let record = settings.record.as_ref();
    let publisher = record.map(|record| {
        axon_publisher(settings.name("AxonPublisher"), record, chain).stops_together()
    });
    Ok(std::iter::once(server(settings, chain)?).chain(publisher).collect())
}

fn server(settings: &MinerSettings, chain: &ChainPart) -> io::Result<ChildSpec> {
    let slot = Slot::new(settings.name("AxonServer"));
    let axon = AxonSettings {
        name: Arc::clone(slot.name()),
        hotkey: settings.hotkey.clone(),
        n_threads: settings.n_threads,
        limits: settings.limits.clone(),
        rules: settings.rules.clone(),
        clock: chain.feeds.clock.clone(),
        trusted_proxies: settings.trusted_proxies.clone(),
    };
    let state = AxonState::new(&axon, Roster::Metagraph(chain.feeds.metagraph()));
    let (listener, miner) = (settings.listener.try_clone()?, Arc::clone(&settings.miner));
    let server = ChildSpec::new(&slot, move || {
        let listener = listener.try_clone()?;
        Ok(AxonServer::new(axon.clone(), listener, Arc::clone(&state), Arc::clone(&miner)))
    });
    Ok(server.stops_together())
}

/// Keeps this record on the chain.
pub fn axon_publisher(
    name: impl Into<Arc<str>>,
    record: &AxonRecord,
    chain: &ChainPart,
) -> ChildSpec {
    let (record, chain, slot) = (record.clone(), chain.clone(), Slot::new(name));
    let name = Arc::clone(slot.name());
    ChildSpec::new(&slot, move || {
        let (client, feeds) = (chain.client.clone(), chain.feeds.clone());
        Ok(AxonPublisher::new(client, record.clone(), Arc::clone(&name), feeds))
    })
}
