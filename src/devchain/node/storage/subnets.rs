//! Storage of the subnet pallet: entries keyed by a subnet, by a mechanism's index (equal to the
//! netuid for mechanism 0, the only one), by hotkeys, or by slots.

use crate::chain::Uid;
use crate::devchain::EpochRule;
use crate::devchain::node::key::Key;
use crate::devchain::node::official_cli;
use crate::devchain::node::subnet;
use crate::devchain::node::tree::Tree;
use crate::devchain::node::view::{ROOT, View};
use crate::devchain::state::Slot;
use crate::wallet::AccountId;

pub(super) fn value(view: View<'_>, entry: &str, keys: &[Key]) -> Option<Tree> {
    match keys {
        [] => plain(view, entry),
        [key] => match key.0.len() {
            2 => by_subnet(view, entry, key.number()?),
            32 => by_account(view, entry, key.account()?),
            _ => None,
        },
        [first, second] => match (first.0.len(), second.0.len()) {
            (32, 2) => by_hotkey(view, entry, second.number()?, first.account()?),
            (2, 2) => by_uid(view, entry, first.number()?, second.number()?),
            (2, 32) if entry == "WeightCommits" => hashes(view, first.number()?, second.account()?),
            (2, 32) => by_hotkey(view, entry, first.number()?, second.account()?),
            (2, 8) => commits(view, entry, first.number()?, second.number()?),
            _ => None,
        },
        [hotkey, coldkey, netuid] if entry == "Alpha" => {
            let hotkey = hotkey.account()?;
            let owns = coldkey.account()? == view.coldkey(&hotkey);
            let is_held = owns && is_held(view, netuid.number()?, &hotkey);
            is_held.then(|| shares(view.stake(&hotkey)))
        }
        _ => None,
    }
}

fn plain(view: View<'_>, entry: &str) -> Option<Tree> {
    Some(match entry {
        "TotalNetworks" => (view.netuids().len() as u16).into(),
        "StakeThreshold" => view.settings().stake_threshold.into(),
        "CommitRevealWeightsVersion" => view.rules().commit_reveal_version.into(),
        "TotalIssuance" => view.total_issuance().into(),
        "TotalStake" => view.total_stake().into(),
        "AdminFreezeWindow" => 0_u16.into(),
        _ => return None,
    })
}

/// An entry that is keyed by a subnet.
fn by_subnet(view: View<'_>, entry: &str, netuid: u16) -> Option<Tree> {
    if !view.has_subnet(netuid) {
        return None;
    }
    match entry {
        "NetworksAdded" | "SubtokenEnabled" | "TransferToggle" => return Some(true.into()),
        "SubnetworkN" => return Some((view.slots(netuid).len() as u16).into()),
        "MechanismCountCurrent" => return Some(1_u8.into()),
        _ if netuid == ROOT => return None,
        _ => {}
    }
    settings(view, entry).or_else(|| progress(view, entry)).or_else(|| columns(view, entry))
}

fn settings(view: View<'_>, entry: &str) -> Option<Tree> {
    let (settings, rules) = (view.settings(), view.rules());
    Some(match entry {
        "Tempo" => settings.tempo.into(),
        "WeightsSetRateLimit" => settings.weights_rate_limit.into(),
        "WeightsVersionKey" => settings.weights_version_key.into(),
        "MinAllowedWeights" => settings.min_allowed_weights.into(),
        "MaxWeightsLimit" => settings.max_weight_limit.into(),
        "ImmunityPeriod" => settings.immunity_period.into(),
        "ActivityCutoff" => settings.activity_cutoff.into(),
        "Kappa" => settings.kappa.into(),
        "BondsMovingAverage" => settings.bonds_moving_average.into(),
        "MaxAllowedValidators" => settings.max_validators.into(),
        "MaxAllowedUids" => settings.max_uids.into(),
        "ServingRateLimit" => settings.serving_rate_limit.into(),
        "CommitRevealWeightsEnabled" | official_cli::REVEALS => {
            settings.commit_reveal_enabled.into()
        }
        "Burn" => settings.burn.into(),
        "MinBurn" => rules.min_burn.into(),
        "MaxBurn" => rules.max_burn.into(),
        "RevealPeriodEpochs" | official_cli::REVEAL_PERIOD => rules.reveal_period_epochs.into(),
        "AdjustmentInterval" => rules.adjustment_interval.into(),
        "NetworkRegistrationAllowed" => true.into(),
        "RAORecycledForRegistration" => view.state().burned.into(),
        "TokenSymbol" => subnet::SYMBOL.into(),
        _ => return None,
    })
}

fn progress(view: View<'_>, entry: &str) -> Option<Tree> {
    let epochs = &view.state().epochs;
    Some(match entry {
        "BlocksSinceLastStep" => view.blocks_since_last_step().into(),
        "LastMechansimStepBlock" => view.state().last_epoch.into(),
        "SubnetOwnerHotkey" => view.subnet_owner()?.0.into(),
        "SubnetOwner" => view.subnet_owner()?.1.into(),
        "NetworkRegisteredAt" => 0_u64.into(),
        "FirstEmissionBlockNumber" => 1_u64.into(),
        "SubnetTAO" | "SubnetAlphaIn" | "SubnetAlphaOut" => view.total_stake().into(),
        "SubnetEpochIndex" | "LastEpochBlock" | "PendingEpochAt"
            if view.rules().epochs == EpochRule::Modular =>
        {
            return None;
        }
        "SubnetEpochIndex" => epochs.index.into(),
        "LastEpochBlock" => epochs.last_block.into(),
        "PendingEpochAt" => epochs.pending_at.into(),
        _ => return None,
    })
}

/// An entry with one value for each neuron. Dead scores have the values that the runtime left in
/// them (docs/spec/chain.md#dead-scores).
fn columns(view: View<'_>, entry: &str) -> Option<Tree> {
    let slots = view.slots(view.netuid());
    let column = |value: fn(&Slot) -> Tree| Some(Tree::List(slots.iter().map(value).collect()));
    match entry {
        "Active" => column(|slot| slot.active.into()),
        "ValidatorPermit" => column(|slot| slot.validator_permit.into()),
        "Emission" => column(|slot| slot.emission.into()),
        "Consensus" => column(|slot| slot.consensus.into()),
        "Dividends" => column(|slot| slot.dividends.into()),
        "ValidatorTrust" => column(|slot| slot.validator_trust.into()),
        "Incentive" => column(|slot| slot.incentive.into()),
        "LastUpdate" => column(|slot| slot.last_update.into()),
        "Rank" | "Trust" => column(|_| 0_u16.into()),
        "PruningScores" => column(|_| u16::MAX.into()),
        _ => None,
    }
}

fn by_account(view: View<'_>, entry: &str, account: AccountId) -> Option<Tree> {
    let owned = || Some(view.hotkeys_of(&account)).filter(|owned| !owned.is_empty());
    match entry {
        "Owner" => view.state().owners.get(&account).copied().map(Tree::from),
        "OwnedHotkeys" => owned().map(Tree::list),
        "StakingHotkeys" => {
            Some(Tree::list(owned()?.into_iter().filter(|hotkey| view.stake(hotkey) > 0)))
        }
        _ => None,
    }
}

fn by_hotkey(view: View<'_>, entry: &str, netuid: u16, hotkey: AccountId) -> Option<Tree> {
    let is_held = || is_held(view, netuid, &hotkey);
    match entry {
        "TotalHotkeyAlpha" => is_held().then(|| view.stake(&hotkey).into()),
        "TotalHotkeyShares" => is_held().then(|| shares(view.stake(&hotkey))),
        _ => {
            let (uid, slot) = view.slot_of(netuid, &hotkey)?;
            match entry {
                "Uids" => Some(uid.0.into()),
                "IsNetworkMember" => Some(true.into()),
                "Axons" if slot.axon.block > 0 => Some((&slot.axon).into()),
                "Prometheus" if slot.prometheus.block > 0 => Some(subnet::prometheus(slot)),
                _ => None,
            }
        }
    }
}

fn is_held(view: View<'_>, netuid: u16, hotkey: &AccountId) -> bool {
    netuid == view.netuid() && view.stake(hotkey) > 0
}

/// The shares of a hotkey's stake, with 64 fractional bits. All of it belongs to the coldkey, so
/// one share is one rao.
fn shares(stake: u64) -> Tree {
    Tree::Uint(u128::from(stake) << 64)
}

fn by_uid(view: View<'_>, entry: &str, netuid: u16, uid: u16) -> Option<Tree> {
    let slot = view.slot(netuid, uid)?;
    match entry {
        "Keys" => Some(slot.hotkey.into()),
        "BlockAtRegistration" => Some(slot.registered_at.into()),
        "Weights" => row(&slot.weights),
        "Bonds" => row(&slot.bonds),
        _ => None,
    }
}

fn row(row: &[(Uid, u16)]) -> Option<Tree> {
    let cells = row.iter().map(|(uid, value)| (uid.0, *value));
    (!row.is_empty()).then(|| Tree::list(cells))
}

fn commits(view: View<'_>, entry: &str, netuid: u16, epoch: u64) -> Option<Tree> {
    if entry != "TimelockedWeightCommits" || netuid != view.netuid() {
        return None;
    }
    let waiting = view.state().commits.get(&epoch)?.iter().map(|commit| {
        Tree::List(vec![
            commit.hotkey.into(),
            commit.block.into(),
            commit.commit.as_slice().into(),
            commit.round.into(),
        ])
    });
    Some(Tree::List(waiting.collect()))
}

/// Hashes of weights that wait: hash, epoch and block of the commit, and a field out of use.
fn hashes(view: View<'_>, netuid: u16, hotkey: AccountId) -> Option<Tree> {
    let waiting = view.state().hash_commits.get(&hotkey).filter(|_| netuid == view.netuid())?;
    Some(Tree::list(waiting.iter().map(|commit| {
        let unused = 0_u64.into();
        Tree::List(vec![commit.hash.0.into(), commit.epoch.into(), commit.block.into(), unused])
    })))
}
