//! Every slot of the subnet, from a metagraph's lists or from one record for each neuron.

use super::super::DecodeError;
use super::super::columns::{Fields, axon};
use super::super::value::Value;
use super::{Absent, PALLET, Stored};
use crate::chain::{AxonInfo, Collateral, Neuron, Uid};
use crate::wallet::AccountId;

/// From the lists of a metagraph. Who is there, where it serves, what it may and its stake must be
/// told; scores may be absent.
pub(super) fn from_columns(
    graph: Fields<'_>,
    stored: &Stored<'_>,
    absent: &mut Absent,
) -> Result<Vec<Neuron>, DecodeError> {
    let account = |value: &Value<'_>, name: &str| value.account(name);
    let truth = |value: &Value<'_>, name: &str| value.truth(name);
    let number = |value: &Value<'_>, name: &str| value.number(name);
    let hotkeys: Vec<AccountId> = graph.column("hotkeys", None, account)?;
    let n = hotkeys.len();
    let coldkeys = graph.column("coldkeys", Some(n), account)?;
    let axons: Vec<AxonInfo> = graph.column("axons", Some(n), axon)?;
    let permits = graph.column("validator_permit", Some(n), truth)?;
    let active = graph.column("active", Some(n), truth)?;
    let last_updates = graph.column("last_update", Some(n), number)?;
    let stakes = graph.column("total_stake", Some(n), number)?;
    let registered = graph.column("block_at_registration", Some(n), number)?;
    let mut wide = |field| absent.numbers::<u64>(graph.find(field), &graph.name(field), n);
    let emission = wide("emission")?;
    let mut shares = |field| absent.numbers::<u16>(graph.find(field), &graph.name(field), n);
    let incentive = shares("incentives")?;
    let dividends = shares("dividends")?;
    let consensus = shares("consensus")?;
    let trust = format!("{PALLET}.ValidatorTrust");
    let validator_trust = absent.numbers(stored.get("ValidatorTrust"), &trust, n)?;
    let neuron = |(i, uid): (usize, u16)| Neuron {
        uid: Uid(uid),
        hotkey: hotkeys[i],
        coldkey: coldkeys[i],
        stake: stakes[i],
        validator_permit: permits[i],
        active: active[i],
        axon: axons[i],
        last_update: last_updates[i],
        registered_at: registered[i],
        incentive: incentive[i],
        dividends: dividends[i],
        consensus: consensus[i],
        validator_trust: validator_trust[i],
        emission: emission[i],
    };
    Ok((0..n).zip(0..).map(neuron).collect())
}

/// The collateral of each slot, from a metagraph's lists; none where the runtime knows none.
pub(super) fn collateral(
    graph: Fields<'_>,
    names: [&str; 3],
    n: usize,
) -> Result<Vec<Collateral>, DecodeError> {
    if names.iter().all(|name| graph.find(name).is_none()) {
        return Ok(Vec::new());
    }
    let number = |value: &Value<'_>, name: &str| value.number(name);
    let column = |name: &str| match graph.find(name) {
        Some(_) => graph.column(name, Some(n), number),
        None => Ok(vec![0; n]),
    };
    let [locked, min, earned] = names.map(column);
    let (locked, min, earned): (Vec<u64>, Vec<u64>, Vec<u64>) = (locked?, min?, earned?);
    let one = |i: usize| Collateral { locked: locked[i], min: min[i], earned: earned[i] };
    Ok((0..n).map(one).collect())
}

/// From one record for each neuron; stake and registration come from the subnet's state.
pub(super) fn from_rows(
    rows: &Value<'_>,
    state: Fields<'_>,
    absent: &mut Absent,
) -> Result<Vec<Neuron>, DecodeError> {
    let rows = rows.list("get_neurons_lite")?;
    let n = Some(rows.len());
    let stakes = state.column("total_stake", n, |value, name| value.number(name))?;
    let registered = state.column("block_at_registration", n, |value, name| value.number(name))?;
    let mut neurons = Vec::new();
    for (i, uid) in (0..rows.len()).zip(0..) {
        let row = Fields { value: &rows[i], answer: "get_neurons_lite", ..state };
        // What one row lacks, all lack: it is noted once.
        let mut unnoted = Absent::default();
        let noted = if i == 0 { &mut *absent } else { &mut unnoted };
        let neuron = from_row(Uid(uid), row, noted)?;
        neurons.push(Neuron { stake: stakes[i], registered_at: registered[i], ..neuron });
    }
    Ok(neurons)
}

fn from_row(uid: Uid, row: Fields<'_>, absent: &mut Absent) -> Result<Neuron, DecodeError> {
    if row.number::<u16>("uid")? != uid.0 {
        let (wanted, found) = ("the next uid", "another");
        return Err(DecodeError::Shape { field: row.name("uid"), wanted, found });
    }
    Ok(Neuron {
        uid,
        hotkey: row.get("hotkey")?.account(&row.name("hotkey"))?,
        coldkey: row.get("coldkey")?.account(&row.name("coldkey"))?,
        stake: 0,
        validator_permit: row.truth("validator_permit")?,
        active: row.truth("active")?,
        axon: axon(row.get("axon_info")?, &row.name("axon_info"))?,
        last_update: row.number("last_update")?,
        registered_at: 0,
        incentive: absent.number(row, "incentive", 0)?,
        dividends: absent.number(row, "dividends", 0)?,
        consensus: absent.number(row, "consensus", 0)?,
        validator_trust: absent.number(row, "validator_trust", 0)?,
        emission: absent.number(row, "emission", 0)?,
    })
}
