//! The subnet as runtime APIs present it: one record for all generations of the metagraph, from
//! which each type takes the fields that it has.

use super::collateral;
use super::tree::Tree;
use super::view::View;
use crate::devchain::state::Slot;

/// The name of the subnet.
pub(super) const NAME: &str = "sn1 devchain";
/// The symbol of the subnet's token.
pub(super) const SYMBOL: &str = "α";

/// The fields of the selective APIs; the position in this list is a field's index
/// (docs/spec/chain.md#metagraph).
const SELECTIVE: [&str; 77] = [
    "netuid",
    "name",
    "symbol",
    "identity",
    "network_registered_at",
    "owner_hotkey",
    "owner_coldkey",
    "block",
    "tempo",
    "last_step",
    "blocks_since_last_step",
    "subnet_emission",
    "alpha_in",
    "alpha_out",
    "tao_in",
    "alpha_out_emission",
    "alpha_in_emission",
    "tao_in_emission",
    "pending_alpha_emission",
    "pending_root_emission",
    "subnet_volume",
    "moving_price",
    "rho",
    "kappa",
    "min_allowed_weights",
    "max_weights_limit",
    "weights_version",
    "weights_rate_limit",
    "activity_cutoff",
    "max_validators",
    "num_uids",
    "max_uids",
    "burn",
    "difficulty",
    "registration_allowed",
    "pow_registration_allowed",
    "immunity_period",
    "min_difficulty",
    "max_difficulty",
    "min_burn",
    "max_burn",
    "adjustment_alpha",
    "adjustment_interval",
    "target_regs_per_interval",
    "max_regs_per_block",
    "serving_rate_limit",
    "commit_reveal_weights_enabled",
    "commit_reveal_period",
    "liquid_alpha_enabled",
    "alpha_high",
    "alpha_low",
    "bonds_moving_avg",
    "hotkeys",
    "coldkeys",
    "identities",
    "axons",
    "active",
    "validator_permit",
    "pruning_score",
    "last_update",
    "emission",
    "dividends",
    "incentives",
    "consensus",
    "trust",
    "rank",
    "block_at_registration",
    "alpha_stake",
    "tao_stake",
    "total_stake",
    "tao_dividends_per_hotkey",
    "alpha_dividends_per_hotkey",
    "validators",
    "commitments",
    "collateral_locked",
    "collateral_min",
    "collateral_earned",
];

/// Everything about the subnet; `None` if the subnet does not exist.
pub(super) fn metagraph(view: View<'_>, netuid: u16) -> Option<Tree> {
    let mut fields = facts(view, netuid)?;
    fields.extend(columns(view, netuid));
    Some(Tree::Record(fields))
}

/// The chosen fields alone, and always the netuid.
pub(super) fn selective(view: View<'_>, netuid: u16, indexes: &[u16]) -> Option<Tree> {
    let chosen = |name: &str| {
        let index = SELECTIVE.iter().position(|field| *field == name);
        index.is_some_and(|index| indexes.iter().any(|chosen| usize::from(*chosen) == index))
    };
    let Tree::Record(fields) = metagraph(view, netuid)? else { return None };
    let mut fields: Vec<_> = fields
        .into_iter()
        .filter(|(name, _)| *name != "netuid" && chosen(name))
        .map(|(name, value)| (name, Tree::some(value)))
        .collect();
    // A field that was asked for is sent even if this chain has no value for it: a client reads an
    // absent field as one that it did not choose.
    let is_told = |name: &str| fields.iter().any(|(told, _)| *told == name);
    let untold =
        SELECTIVE.iter().filter(|name| chosen(name) && !is_told(name) && **name != "netuid");
    let untold: Vec<_> = untold.map(|name| (*name, Tree::some(Tree::Default))).collect();
    fields.extend(untold);
    fields.push(("netuid", netuid.into()));
    Some(Tree::Record(fields))
}

/// The fields of the subnet as a whole.
pub(super) fn facts(view: View<'_>, netuid: u16) -> Option<Vec<(&'static str, Tree)>> {
    if !view.has_subnet(netuid) {
        return None;
    }
    let is_root = netuid != view.netuid();
    let mut fields = common(view, netuid, is_root);
    if !is_root {
        fields.extend(settings(view));
        fields.extend(owner(view));
    }
    Some(fields)
}

fn common(view: View<'_>, netuid: u16, is_root: bool) -> Vec<(&'static str, Tree)> {
    let (name, symbol) = if is_root { ("root", "Τ") } else { (NAME, SYMBOL) };
    let n_uids = view.slots(netuid).len() as u16;
    let stake = if is_root { 0 } else { view.total_stake() };
    vec![
        ("netuid", netuid.into()),
        ("name", name.into()),
        ("subnet_name", name.into()),
        ("symbol", symbol.into()),
        ("token_symbol", symbol.into()),
        ("identity", Tree::Default),
        ("network_registered_at", 0_u64.into()),
        ("block", view.number().into()),
        ("num_uids", n_uids.into()),
        ("subnetwork_n", n_uids.into()),
        ("alpha_in", stake.into()),
        ("alpha_out", stake.into()),
        ("tao_in", stake.into()),
        ("moving_price", Tree::Int(1 << 32)),
        ("validators", Tree::list(permitted(view, netuid))),
        ("commitments", Tree::List(Vec::new())),
        ("tao_dividends_per_hotkey", Tree::List(Vec::new())),
        ("alpha_dividends_per_hotkey", Tree::List(Vec::new())),
    ]
}

fn permitted(view: View<'_>, netuid: u16) -> Vec<u16> {
    let slots = (0_u16..).zip(view.slots(netuid));
    slots.filter(|(_, slot)| slot.validator_permit).map(|(uid, _)| uid).collect()
}

fn owner(view: View<'_>) -> Vec<(&'static str, Tree)> {
    let Some((hotkey, coldkey)) = view.subnet_owner() else { return Vec::new() };
    vec![
        ("owner_hotkey", hotkey.into()),
        ("owner_coldkey", coldkey.into()),
        ("owner", coldkey.into()),
    ]
}

/// The subnet's settings under every name that the APIs use for them.
pub(super) fn settings(view: View<'_>) -> Vec<(&'static str, Tree)> {
    let (settings, rules) = (view.settings(), view.rules());
    vec![
        ("tempo", settings.tempo.into()),
        ("last_step", view.state().last_epoch.into()),
        ("blocks_since_last_step", view.blocks_since_last_step().into()),
        ("subnet_emission", view.state().emission_per_epoch.into()),
        ("rho", 10_u16.into()),
        ("kappa", settings.kappa.into()),
        ("min_allowed_weights", settings.min_allowed_weights.into()),
        ("max_weights_limit", settings.max_weight_limit.into()),
        ("weights_version", settings.weights_version_key.into()),
        ("weights_rate_limit", settings.weights_rate_limit.into()),
        ("activity_cutoff", settings.activity_cutoff.into()),
        ("max_validators", settings.max_validators.into()),
        ("max_allowed_validators", settings.max_validators.into()),
        ("max_uids", settings.max_uids.into()),
        ("max_allowed_uids", settings.max_uids.into()),
        ("burn", settings.burn.into()),
        ("difficulty", 10_000_000_u64.into()),
        ("min_difficulty", 10_000_000_u64.into()),
        ("max_difficulty", (u64::MAX / 4).into()),
        ("registration_allowed", true.into()),
        ("pow_registration_allowed", false.into()),
        ("immunity_period", settings.immunity_period.into()),
        ("min_burn", rules.min_burn.into()),
        ("max_burn", rules.max_burn.into()),
        ("adjustment_interval", rules.adjustment_interval.into()),
        ("target_regs_per_interval", 1_u16.into()),
        ("max_regs_per_block", 1_u16.into()),
        ("serving_rate_limit", settings.serving_rate_limit.into()),
        ("commit_reveal_weights_enabled", settings.commit_reveal_enabled.into()),
        ("commit_reveal_period", rules.reveal_period_epochs.into()),
        ("liquid_alpha_enabled", false.into()),
        ("alpha_high", 58_982_u16.into()),
        ("alpha_low", 45_875_u16.into()),
        ("bonds_moving_avg", settings.bonds_moving_average.into()),
        ("yuma_version", 2_u16.into()),
        ("subnet_is_active", true.into()),
        ("transfers_enabled", true.into()),
    ]
}

/// The hyperparameters that runtimes list by name, with the kind of each value, in their order.
const LISTED: [(&str, &str); 35] = [
    ("kappa", "U16"),
    ("immunity_period", "U16"),
    ("min_allowed_weights", "U16"),
    ("max_weights_limit", "U16"),
    ("tempo", "U16"),
    ("weights_version", "U64"),
    ("weights_rate_limit", "U64"),
    ("activity_cutoff", "U64"),
    ("activity_cutoff_factor", "U32"),
    ("registration_allowed", "Bool"),
    ("target_regs_per_interval", "U16"),
    ("min_burn", "TaoBalance"),
    ("max_burn", "TaoBalance"),
    ("burn_half_life", "U16"),
    ("burn_increase_mult", "U64F64"),
    ("bonds_moving_avg", "U64"),
    ("max_regs_per_block", "U16"),
    ("serving_rate_limit", "U64"),
    ("max_validators", "U16"),
    ("commit_reveal_period", "U64"),
    ("commit_reveal_weights_enabled", "Bool"),
    ("alpha_high", "U16"),
    ("alpha_low", "U16"),
    ("liquid_alpha_enabled", "Bool"),
    ("alpha_sigmoid_steepness", "I32F32"),
    ("yuma_version", "U16"),
    ("subnet_is_active", "Bool"),
    ("transfers_enabled", "Bool"),
    ("bonds_reset_enabled", "Bool"),
    ("user_liquidity_enabled", "Bool"),
    ("owner_cut_enabled", "Bool"),
    ("owner_cut_auto_lock_enabled", "Bool"),
    ("min_childkey_take", "U16"),
    ("collateral_lock_share", "U16"),
    ("collateral_drain_ratio", "U64F64"),
];
/// One with 64 fractional bits.
const ONE: u128 = 1 << 64;

/// The hyperparameters by name. Those of collateral are told where the runtime has them.
pub(super) fn hyperparameters(view: View<'_>) -> Tree {
    let mut known = settings(view);
    let settings = view.settings();
    let cutoff_in_tempos =
        u64::from(settings.activity_cutoff) * 1000 / u64::from(settings.tempo.max(1));
    known.extend([
        ("activity_cutoff_factor", u32::try_from(cutoff_in_tempos).unwrap_or(u32::MAX).into()),
        ("burn_increase_mult", ONE.into()),
        ("alpha_sigmoid_steepness", Tree::Int(1000 << 32)),
        ("owner_cut_enabled", true.into()),
        ("collateral_drain_ratio", ONE.into()),
    ]);
    let has_collateral = view.block.runtime.stores(collateral::LOCK_SHARE);
    let told = LISTED.iter().filter(|(name, _)| has_collateral || !name.starts_with("collateral"));
    Tree::list(told.map(|(name, kind)| {
        let value = known.iter().find(|(known, _)| known == name);
        let value = value.map_or(Tree::Default, |(_, value)| value.clone());
        Tree::Record(vec![("name", (*name).into()), ("value", Tree::Case(kind, Box::new(value)))])
    }))
}

/// One list for each field of the neurons. All stake is alpha of this subnet; the root holds none.
/// `rank`, `trust` and `pruning_score` are dead, as since spec 397.
fn columns(view: View<'_>, netuid: u16) -> Vec<(&'static str, Tree)> {
    let slots = view.slots(netuid);
    let each = |value: &dyn Fn(&Slot) -> Tree| Tree::List(slots.iter().map(value).collect());
    let stakes = || each(&|slot| view.stake(&slot.hotkey).into());
    vec![
        ("hotkeys", each(&|slot| slot.hotkey.into())),
        ("coldkeys", each(&|slot| view.coldkey(&slot.hotkey).into())),
        ("identities", each(&|_| Tree::Default)),
        ("axons", each(&|slot| (&slot.axon).into())),
        ("active", each(&|slot| slot.active.into())),
        ("validator_permit", each(&|slot| slot.validator_permit.into())),
        ("pruning_score", each(&|_| u16::MAX.into())),
        ("last_update", each(&|slot| slot.last_update.into())),
        ("emission", each(&|slot| slot.emission.into())),
        ("dividends", each(&|slot| slot.dividends.into())),
        ("incentives", each(&|slot| slot.incentive.into())),
        ("consensus", each(&|slot| slot.consensus.into())),
        ("trust", each(&|_| 0_u16.into())),
        ("rank", each(&|_| 0_u16.into())),
        ("block_at_registration", each(&|slot| slot.registered_at.into())),
        ("alpha_stake", stakes()),
        ("tao_stake", each(&|_| 0_u64.into())),
        ("total_stake", stakes()),
    ]
    .into_iter()
    .chain(collateral::COLUMNS.map(|name| (name, each(&|_| 0_u64.into()))))
    .collect()
}

/// The address at which a neuron serves its metrics.
pub(super) fn prometheus(slot: &Slot) -> Tree {
    let record = &slot.prometheus;
    Tree::Record(vec![
        ("block", record.block.into()),
        ("version", record.version.into()),
        ("ip", record.ip.into()),
        ("port", record.port.into()),
        ("ip_type", record.ip_type.into()),
    ])
}

/// The record of one neuron for `NeuronInfo`, and for `NeuronInfoLite`, which has fewer fields.
pub(super) fn neuron(view: View<'_>, netuid: u16, uid: u16) -> Option<Tree> {
    let slot = view.slot(netuid, uid)?;
    let coldkey = view.coldkey(&slot.hotkey);
    let cells = |row: &[(crate::chain::Uid, u16)]| {
        Tree::list(row.iter().map(|(uid, value)| (uid.0, *value)))
    };
    Some(Tree::Record(vec![
        ("hotkey", slot.hotkey.into()),
        ("coldkey", coldkey.into()),
        ("uid", uid.into()),
        ("netuid", netuid.into()),
        ("active", slot.active.into()),
        ("axon_info", (&slot.axon).into()),
        ("prometheus_info", prometheus(slot)),
        ("stake", Tree::list([(coldkey, view.stake(&slot.hotkey))])),
        ("emission", slot.emission.into()),
        ("incentive", slot.incentive.into()),
        ("consensus", slot.consensus.into()),
        ("validator_trust", slot.validator_trust.into()),
        ("dividends", slot.dividends.into()),
        ("last_update", slot.last_update.into()),
        ("validator_permit", slot.validator_permit.into()),
        ("weights", cells(&slot.weights)),
        ("bonds", cells(&slot.bonds)),
        ("pruning_score", u16::MAX.into()),
    ]))
}
