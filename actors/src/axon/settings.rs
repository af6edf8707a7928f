//! The settings of one axon: its name, its key, its threads, limits and rules.

use std::sync::Arc;

use sn1::synapse::proxy::IpNetwork;
use sn1::wallet::Keypair;

use super::rules::{AxonLimits, AxonRules};
use crate::feeds::OwnClock;

/// The settings of one axon.
#[derive(Clone)]
pub struct AxonSettings {
    /// The actor's name, a label in metrics.
    pub name: Arc<str>,
    /// The hotkey that the axon serves and signs for.
    pub hotkey: Keypair,
    /// Event loops, each on a thread of its own; at least one.
    pub n_threads: usize,
    /// The limits on its callers.
    pub limits: AxonLimits,
    /// Which callers it serves.
    pub rules: AxonRules,
    /// What is known of our own clock.
    pub clock: OwnClock,
    /// Proxies before it, whose word is taken for whom they speak for.
    pub trusted_proxies: Vec<IpNetwork>,
}

impl AxonSettings {
    /// One event loop, with the default limits and rules.
    pub fn new(name: &str, hotkey: Keypair) -> Self {
        let (limits, rules) = (AxonLimits::default(), AxonRules::default());
        let (clock, trusted_proxies) = (OwnClock::default(), Vec::new());
        Self { name: name.into(), hotkey, n_threads: 1, limits, rules, clock, trusted_proxies }
    }
}
