//! The keys of a local net, all of them derived from its seed.

use sn1::wallet::Keypair;

use crate::app::Failure;
use crate::settings::LocalnetConfig;

#[derive(Debug, Clone)]
pub(super) struct NeuronKeys {
    /// Pays and owns.
    pub(super) coldkey: Keypair,
    /// Signs.
    pub(super) hotkey: Keypair,
}

impl NeuronKeys {
    fn derive(seed: u64, role: &str) -> Result<Self, Failure> {
        let key = |kind: &str| {
            Keypair::from_dev_path(&key_path(seed, role, kind))
                .map_err(|error| Failure::usage(error.to_string()))
        };
        Ok(Self { coldkey: key("cold")?, hotkey: key("hot")? })
    }
}

fn key_path(seed: u64, role: &str, kind: &str) -> String {
    format!("//sn1//localnet//{seed}//{role}//{kind}")
}

/// The derivation path of the validator's hotkey, from the development phrase.
pub(super) fn validator_path(seed: u64) -> String {
    key_path(seed, "validator", "hot")
}

#[derive(Debug, Clone)]
pub(super) struct LocalnetKeys {
    pub(super) validator: NeuronKeys,
    pub(super) miners: Vec<NeuronKeys>,
}

impl LocalnetKeys {
    pub(super) fn derive(settings: &LocalnetConfig) -> Result<Self, Failure> {
        let seed = settings.localnet.seed;
        let miners =
            (0..settings.localnet.miners).map(|i| NeuronKeys::derive(seed, &format!("miner//{i}")));
        Ok(Self {
            validator: NeuronKeys::derive(seed, "validator")?,
            miners: miners.collect::<Result<_, _>>()?,
        })
    }
}
