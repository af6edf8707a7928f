//! Block hashes: BLAKE2b-256 over the parent and all that the block did.
//!
//! State is a function of the genesis and of what blocks did since, so a hash over outcomes
//! covers the state without reading it whole at every block.

use super::state::EpochReport;
use super::{GenesisConfig, Hash, Hyperparameters, Refusal};
use crate::wallet::blake2b_256;

/// The hash of block 0.
pub(super) fn genesis_hash(config: &GenesisConfig) -> Hash {
    let mut bytes = Vec::new();
    put_u64(&mut bytes, config.seed);
    put_u64(&mut bytes, u64::from(config.netuid.0));
    put_u64(&mut bytes, config.emission_per_epoch);
    bytes.push(u8::from(config.allow_loopback_axons));
    bytes.push(u8::from(config.owner_hotkey.is_some()));
    bytes.extend(config.owner_hotkey.iter().flat_map(|hotkey| hotkey.0));
    put_hyperparameters(&mut bytes, &config.hyperparameters);
    for (account, amount) in &config.balances {
        bytes.extend(account.0);
        put_u64(&mut bytes, *amount);
    }
    Hash(blake2b_256(&bytes))
}

/// Folds a change of settings into the changes since the last block.
pub(super) fn intervention_hash(earlier: Hash, changed: &Hyperparameters) -> Hash {
    let mut bytes = earlier.0.to_vec();
    put_hyperparameters(&mut bytes, changed);
    Hash(blake2b_256(&bytes))
}

/// The hash of a block after genesis.
pub(super) fn block_hash(
    parent: Hash,
    number: u64,
    intervention: Hash,
    applied: &[(Hash, Result<(), Refusal>)],
    epoch: Option<&EpochReport>,
) -> Hash {
    let mut bytes = [parent.0, intervention.0].concat();
    put_u64(&mut bytes, number);
    put_u64(&mut bytes, applied.len() as u64);
    for (hash, outcome) in applied {
        bytes.extend(hash.0);
        bytes.extend(outcome.err().map(|refusal| refusal.label()).unwrap_or_default().bytes());
        bytes.push(0);
    }
    for report in epoch.into_iter() {
        let amounts = report.server_emission.iter().chain(&report.validator_emission);
        amounts.for_each(|amount| put_u64(&mut bytes, *amount));
    }
    Hash(blake2b_256(&bytes))
}

fn put_hyperparameters(bytes: &mut Vec<u8>, rules: &Hyperparameters) {
    // Taken apart without `..`, so that a new setting cannot be left out unseen.
    let Hyperparameters {
        tempo,
        weights_rate_limit,
        weights_version_key,
        min_allowed_weights,
        max_weight_limit,
        immunity_period,
        activity_cutoff,
        kappa,
        bonds_moving_average,
        max_validators,
        max_uids,
        serving_rate_limit,
        stake_threshold,
        commit_reveal_enabled,
        burn,
    } = rules;
    let small = [
        tempo,
        min_allowed_weights,
        max_weight_limit,
        immunity_period,
        activity_cutoff,
        kappa,
        max_validators,
        max_uids,
    ];
    let large = [
        weights_rate_limit,
        weights_version_key,
        bonds_moving_average,
        serving_rate_limit,
        stake_threshold,
        burn,
    ];
    small.iter().for_each(|value| put_u64(bytes, u64::from(**value)));
    large.iter().for_each(|value| put_u64(bytes, **value));
    bytes.push(u8::from(*commit_reveal_enabled));
}

fn put_u64(bytes: &mut Vec<u8>, value: u64) {
    bytes.extend(value.to_le_bytes());
}
