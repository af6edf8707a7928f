//! The chain that a local net starts with, and what its neurons do there before they can work:
//! they register and stake like anyone else, by transactions of the client.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sn1::chain::{Chain, ChainError, Hyperparameters, Netuid, RAO_PER_TAO};
use sn1::devchain::node::Generation;
use sn1::devchain::{ChainRules, GenesisConfig};

use super::keys::LocalnetKeys;
use crate::app::parts::VERSION_KEY;
use crate::chain::subtensor::Subtensor;
use crate::devnode::DevNodeSettings;
use crate::port::Port;
use crate::settings::LocalnetConfig;

/// The validator's stake: enough to be the one with a permit.
const VALIDATOR_STAKE: u64 = 1_000 * RAO_PER_TAO;
/// What each coldkey starts with.
const BALANCE: u64 = 2_000 * RAO_PER_TAO;
/// Blocks that finality trails the newest block by: the least with which a block can be taken back.
const FINALITY_LAG: u64 = 1;
/// The pause before the next try.
const PAUSE: Duration = Duration::from_millis(500);

/// The chain of a local net, on a port of the system's choice.
pub(super) fn chain_settings(
    settings: &LocalnetConfig,
    keys: &LocalnetKeys,
    state_file: PathBuf,
) -> DevNodeSettings {
    DevNodeSettings {
        genesis: genesis(settings, keys),
        generation: Generation::Modular,
        chain_name: "sn1 localnet".to_owned(),
        finality_lag: FINALITY_LAG,
        block_time: settings.localnet.block_time,
        state_file: Some(state_file),
        port: Port::asked_for(0),
        planned: Vec::new(),
        chaos: 0.0,
        allows_control: false,
    }
}

fn genesis(settings: &LocalnetConfig, keys: &LocalnetKeys) -> GenesisConfig {
    let owners = std::iter::once(&keys.validator).chain(&keys.miners);
    GenesisConfig {
        netuid: Netuid(settings.subnet.netuid),
        hyperparameters: Hyperparameters {
            tempo: settings.localnet.tempo,
            weights_rate_limit: u64::from(settings.localnet.tempo) / 2,
            weights_version_key: VERSION_KEY,
            immunity_period: settings.localnet.tempo.saturating_mul(4),
            activity_cutoff: settings.localnet.tempo.saturating_mul(10),
            max_validators: 4,
            serving_rate_limit: 2,
            stake_threshold: VALIDATOR_STAKE / 2,
            ..Hyperparameters::default()
        },
        balances: owners.map(|keys| (keys.coldkey.account_id(), BALANCE)).collect(),
        owner_hotkey: None,
        sudo: None,
        rules: ChainRules::default(),
        seed: settings.localnet.seed,
        emission_per_epoch: u64::from(settings.localnet.tempo) * RAO_PER_TAO / 100,
        allow_loopback_axons: true,
    }
}

/// Registers every neuron that is not registered, and gives the validator its stake. What fails is
/// tried again: the chain may be restarting.
pub(super) async fn settle_in(client: Subtensor, keys: Arc<LocalnetKeys>, netuid: Netuid) {
    while let Err(error) = try_to_settle_in(&client, &keys, netuid).await {
        tracing::warn!(%error, "the subnet is not set up yet, trying again");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn try_to_settle_in(
    client: &Subtensor,
    keys: &LocalnetKeys,
    netuid: Netuid,
) -> Result<(), ChainError> {
    let known = client.metagraph(netuid).await?;
    let all = std::iter::once(&keys.validator).chain(&keys.miners);
    let missing = all.filter(|keys| known.neuron_of(&keys.hotkey.account_id()).is_none());
    let registrations =
        missing.map(|keys| client.burned_register(&keys.coldkey, netuid, keys.hotkey.account_id()));
    for outcome in join_all(registrations).await {
        outcome?;
    }
    let hotkey = keys.validator.hotkey.account_id();
    let stake = client.metagraph(netuid).await?.neuron_of(&hotkey).map_or(0, |own| own.stake);
    if stake < VALIDATOR_STAKE {
        let coldkey = &keys.validator.coldkey;
        client.add_stake(coldkey, netuid, hotkey, VALIDATOR_STAKE - stake).await?;
    }
    Ok(())
}
