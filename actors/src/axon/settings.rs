//! Who an axon is and how it runs.

use std::sync::Arc;

use sn1::wallet::Keypair;

use super::rules::{AxonLimits, AxonRules};

/// Who an axon is and how it runs.
#[derive(Clone)]
pub struct AxonSettings {
    /// The actor's name, a label in metrics.
    pub name: Arc<str>,
    /// Its hotkey.
    pub hotkey: Keypair,
    /// Event loops, each on a thread of its own; at least one.
    pub n_threads: usize,
    /// How much callers get.
    pub limits: AxonLimits,
    /// Whom it serves.
    pub rules: AxonRules,
}

impl AxonSettings {
    /// One event loop with the default limits and rules.
    pub fn new(name: &str, hotkey: Keypair) -> Self {
        let (limits, rules) = (AxonLimits::default(), AxonRules::default());
        Self { name: name.into(), hotkey, n_threads: 1, limits, rules }
    }
}
