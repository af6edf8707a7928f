//! The methods by which a test orders misbehaviour, `dev_...`. They exist only if the command line
//! allows them.
//!
//! An order that cuts or silences connections affects the one that it came by, unless that is a
//! control connection (path `/control`) or plain HTTP.

use std::time::Duration;

use serde_json::{Value, json};
use sn1::chain::Uid;
use sn1::chain::commit_reveal::{self, WeightsPayload};
use sn1::devchain::HyperparameterChange;
use sn1::devchain::rpc::{Answer, INTERNAL_ERROR, Params, RpcError, hex};
use sn1::wallet::AccountId;

use super::DevNodeHost;
use crate::devnode::hyperparameters;
use crate::devnode::misbehaviour::{FinalityOrder, Misbehaviour, PoolRefusal, WatchEnd};
use crate::supervision::Context;

type Control = fn(&mut DevNodeHost, &Params, &mut Context<'_, DevNodeHost>) -> Answer;

/// Most blocks that one request may ask for.
const MAX_BLOCKS: u64 = 1000;

const METHODS: [(&str, Control); 16] = [
    ("dev_do", in_words),
    ("dev_drop_connections", |host, _, _| order(host, Misbehaviour::Drop)),
    ("dev_end_watch", end_watch),
    ("dev_kill_connection_half_open", |host, _, _| order(host, Misbehaviour::Deafen)),
    ("dev_pause_finality", |host, params, _| hold_finality(host, params, FinalityOrder::InOrder)),
    ("dev_produce_block", produce),
    ("dev_refuse", refuse),
    ("dev_refuse_connections", |host, params, _| order(host, Misbehaviour::Shut(time(params)?))),
    ("dev_reorder_finality", |host, params, _| {
        hold_finality(host, params, FinalityOrder::Reversed)
    }),
    ("dev_retract", |host, params, _| {
        let times = times(params, 0)?;
        order(host, Misbehaviour::Retract(times))
    }),
    ("dev_seal_weights", seal_weights),
    ("dev_set_hyperparameter", set_hyperparameter),
    ("dev_slow", |host, params, _| order(host, Misbehaviour::Slow(time(params)?))),
    ("dev_stall", |host, params, _| order(host, Misbehaviour::Stall(time(params)?))),
    ("dev_status", status),
    ("dev_upgrade", upgrade),
];

/// The method of this name; `None` when there is none.
pub(super) fn find(name: &str) -> Option<Control> {
    METHODS.iter().find(|(known, _)| *known == name).map(|(_, control)| *control)
}

/// The names of all methods.
pub(in crate::devnode) fn names() -> impl Iterator<Item = &'static str> {
    METHODS.iter().map(|(name, _)| *name)
}

fn order(host: &mut DevNodeHost, what: Misbehaviour) -> Answer {
    host.misbehave(what)?;
    Ok(Value::Bool(true))
}

fn time(params: &Params) -> Result<Duration, RpcError> {
    params.number(0, "ms").map(Duration::from_millis)
}

fn times(params: &Params, place: usize) -> Result<u32, RpcError> {
    let times = params.get(place, "times").map(|_| params.number(place, "times")).transpose()?;
    u32::try_from(times.unwrap_or(1)).map_err(|_| RpcError::invalid_params("`times` is too large"))
}

/// An order in the words of the command line: `["stall=5s"]`.
fn in_words(host: &mut DevNodeHost, params: &Params, _: &mut Context<'_, DevNodeHost>) -> Answer {
    let what = params.text(0, "what")?.parse::<Misbehaviour>()?;
    order(host, what)
}

fn end_watch(host: &mut DevNodeHost, params: &Params, _: &mut Context<'_, DevNodeHost>) -> Answer {
    let end = params.text(0, "status")?.parse::<WatchEnd>()?;
    let times = times(params, 1)?;
    order(host, Misbehaviour::EndWatches(end, times))
}

fn hold_finality(host: &mut DevNodeHost, params: &Params, order_of: FinalityOrder) -> Answer {
    let blocks = params.number(0, "blocks")?;
    order(host, Misbehaviour::HoldFinality(blocks, order_of))
}

/// A refusal by name (`{"refusal": "outdated"}`), or by code and custom number, and how often.
fn refuse(host: &mut DevNodeHost, params: &Params, _: &mut Context<'_, DevNodeHost>) -> Answer {
    let refusal = match (params.get(0, "refusal"), params.get(0, "code")) {
        (Some(Value::String(name)), _) => name.parse::<PoolRefusal>()?,
        _ => refusal_of_code(params)?,
    };
    let times = times(params, 2)?;
    order(host, Misbehaviour::Refuse(refusal, times))
}

fn refusal_of_code(params: &Params) -> Result<PoolRefusal, RpcError> {
    let code = params.number(0, "code")?;
    let custom = params.get(1, "custom").map(|_| params.number(1, "custom")).transpose()?;
    let custom = custom.map(u8::try_from).transpose();
    let custom = custom.map_err(|_| RpcError::invalid_params("`custom` must be below 256"))?;
    PoolRefusal::of_code(code, custom)
        .ok_or_else(|| RpcError::invalid_params("`code` must be 1010, 1012, 1013, 1014 or 1016"))
}

fn upgrade(host: &mut DevNodeHost, params: &Params, _: &mut Context<'_, DevNodeHost>) -> Answer {
    let name = params.get(0, "generation").map(|_| params.text(0, "generation")).transpose()?;
    order(host, Misbehaviour::Upgrade(name.map(str::to_owned)))
}

/// Makes blocks; answers with the newest head once they are made.
fn produce(host: &mut DevNodeHost, params: &Params, ctx: &mut Context<'_, DevNodeHost>) -> Answer {
    let count = params.get(0, "count").map_or(Ok(1), |_| params.number(0, "count"))?;
    if count > MAX_BLOCKS {
        return Err(RpcError::invalid_params(format!("`count` must be at most {MAX_BLOCKS}")));
    }
    let n_made = (0..count).take_while(|_| host.produce(ctx)).count();
    if (n_made as u64) < count {
        return Err(RpcError::new(INTERNAL_ERROR, "a block could not be saved"));
    }
    Ok(json!(host.served.node.best()))
}

fn set_hyperparameter(
    host: &mut DevNodeHost,
    params: &Params,
    _: &mut Context<'_, DevNodeHost>,
) -> Answer {
    let value = params.get(1, "value").cloned().unwrap_or_default();
    let value = hyperparameters::named(params.text(0, "name")?, value)?;
    let netuid = host.served.node.config().genesis.netuid;
    let change = HyperparameterChange { netuid, value };
    host.served
        .node
        .intervene(|chain| chain.change_hyperparameter(&change))
        .map_err(|refusal| RpcError::invalid_params(refusal.to_string()))?;
    Ok(Value::Bool(true))
}

/// Seals weights for a round of the chain's own beacon, and returns the bytes of the commit. The
/// official SDK can seal only for the real drand network, whose rounds this chain cannot open.
fn seal_weights(
    host: &mut DevNodeHost,
    params: &Params,
    _: &mut Context<'_, DevNodeHost>,
) -> Answer {
    let numbers = |place, name| -> Result<Vec<u16>, RpcError> {
        let value = params.get(place, name).cloned().unwrap_or_default();
        serde_json::from_value(value)
            .map_err(|_| RpcError::invalid_params(format!("`{name}` must be a list of u16")))
    };
    let hotkey = params.hash(0, "hotkey")?;
    let payload = WeightsPayload {
        hotkey: hotkey.map(|hotkey| AccountId(hotkey.0)),
        uids: numbers(1, "uids")?.into_iter().map(Uid).collect(),
        values: numbers(2, "values")?,
        version_key: params.number(3, "version_key")?,
    };
    let beacon = host.served.node.chain().beacon_key();
    let round = params.number(4, "round")?;
    let commit = commit_reveal::seal_weights(&beacon, round, &payload, &mut rand::rng())
        .map_err(|error| RpcError::invalid_params(error.to_string()))?;
    Ok(json!(hex(&commit)))
}

fn status(host: &mut DevNodeHost, _: &Params, _: &mut Context<'_, DevNodeHost>) -> Answer {
    let (connections, subscriptions) = host.served.switchboard.n_open();
    Ok(json!({
        "connections": connections,
        "subscriptions": subscriptions,
        "best": host.served.node.best(),
        "finalized": host.served.finalized(),
        "pending": host.served.node.pending().len(),
        "blocks_until_epoch": host.served.node.chain().blocks_until_epoch(),
    }))
}
