//! Decodes storage keys: the value that a full key asks for, and the keys that exist.

use frame_metadata::v14::{StorageEntryType, StorageHasher};
use scale_info::{PortableRegistry, TypeDef, TypeDefPrimitive};

use super::hashing::{entry_prefix, hash_width, hashed};
use super::key::Key;
use super::runtime::{Entry, Runtime};
use super::storage;
use super::view::View;
use crate::wallet::AccountId;

/// Widths and hashers of an entry's keys; empty for a plain value. `None` if a key has no fixed
/// width.
fn parts(entry: Entry<'_>, types: &PortableRegistry) -> Option<Vec<(usize, StorageHasher)>> {
    let StorageEntryType::Map { hashers, key, .. } = &entry.meta.ty else {
        return Some(Vec::new());
    };
    let members = match &types.resolve(key.id)?.type_def {
        TypeDef::Tuple(tuple) if hashers.len() > 1 => {
            tuple.fields.iter().map(|field| field.id).collect()
        }
        _ => vec![key.id],
    };
    let widths = members.into_iter().map(|member| fixed_width(member, types));
    widths.zip(hashers).map(|(width, hasher)| Some((width?, hasher.clone()))).collect()
}

fn fixed_width(type_id: u32, types: &PortableRegistry) -> Option<usize> {
    match &types.resolve(type_id)?.type_def {
        TypeDef::Primitive(primitive) => match primitive {
            TypeDefPrimitive::Bool | TypeDefPrimitive::U8 | TypeDefPrimitive::I8 => Some(1),
            TypeDefPrimitive::U16 | TypeDefPrimitive::I16 => Some(2),
            TypeDefPrimitive::U32 | TypeDefPrimitive::I32 => Some(4),
            TypeDefPrimitive::U64 | TypeDefPrimitive::I64 => Some(8),
            TypeDefPrimitive::U128 | TypeDefPrimitive::I128 => Some(16),
            _ => None,
        },
        TypeDef::Array(array) => {
            Some(usize::try_from(array.len).ok()? * fixed_width(array.type_param.id, types)?)
        }
        TypeDef::Composite(composite) => {
            composite.fields.iter().map(|field| fixed_width(field.ty.id, types)).sum()
        }
        TypeDef::Tuple(tuple) => {
            tuple.fields.iter().map(|field| fixed_width(field.id, types)).sum()
        }
        _ => None,
    }
}

/// The bytes stored under `key`, encoded with the block's runtime.
///
/// # Errors
/// A sentence if this chain's value does not fit the metadata.
pub(super) fn read(view: View<'_>, key: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let runtime = &view.block.runtime;
    let Some(entry) = runtime.entry_of_key(key) else { return Ok(None) };
    let Some(keys) = keys_of(entry, runtime, &key[32..]) else { return Ok(None) };
    if (entry.pallet, entry.meta.name.as_str()) == ("System", "Events") {
        return Ok(Some(view.block.events.clone()));
    }
    let Some(tree) = storage::value(view, entry, &keys) else { return Ok(None) };
    let bytes = runtime.encode(&tree, entry.value_type());
    bytes.map(Some).map_err(|reason| format!("{}.{}: {reason}", entry.pallet, entry.meta.name))
}

/// The keys in `rest`, which follows an entry's prefix; `None` if `rest` is not a full key of it.
pub(super) fn keys_of(entry: Entry<'_>, runtime: &Runtime, mut rest: &[u8]) -> Option<Vec<Key>> {
    let mut keys = Vec::new();
    for (width, hasher) in parts(entry, runtime.types())? {
        let whole = rest.get(..hash_width(&hasher)? + width)?;
        let key = &whole[whole.len() - width..];
        if hashed(key, &hasher) != whole {
            return None;
        }
        keys.push(Key(key.to_vec()));
        rest = &rest[whole.len()..];
    }
    rest.is_empty().then_some(keys)
}

/// Every key that has a value and begins with `prefix`, in order.
pub(super) fn list(view: View<'_>, prefix: &[u8]) -> Vec<Vec<u8>> {
    let runtime = &view.block.runtime;
    let mut found = Vec::new();
    for entry in runtime.all_entries() {
        let head = entry_prefix(entry.pallet, &entry.meta.name);
        let shared = prefix.len().min(head.len());
        if head[..shared] == prefix[..shared] {
            add_keys(view, entry, head, prefix, &mut found);
        }
    }
    found.sort();
    found
}

fn add_keys(
    view: View<'_>,
    entry: Entry<'_>,
    head: [u8; 32],
    prefix: &[u8],
    found: &mut Vec<Vec<u8>>,
) {
    let Some(parts) = parts(entry, view.block.runtime.types()) else { return };
    let widths: Vec<usize> = parts.iter().map(|(width, _)| *width).collect();
    for keys in candidates(view, &widths) {
        let mut whole = head.to_vec();
        for (key, (_, hasher)) in keys.iter().zip(&parts) {
            whole.extend(hashed(&key.0, hasher));
        }
        let is_events = (entry.pallet, entry.meta.name.as_str()) == ("System", "Events");
        if whole.starts_with(prefix) && (is_events || storage::value(view, entry, &keys).is_some())
        {
            found.push(whole);
        }
    }
}

fn number<const N: usize>(bytes: [u8; N]) -> Key {
    Key(bytes.to_vec())
}

fn account(account: AccountId) -> Key {
    Key(account.0.to_vec())
}

/// Keys of these widths that may have a value: a width means the same in all maps of this chain.
fn candidates(view: View<'_>, widths: &[usize]) -> Vec<Vec<Key>> {
    let netuids = || view.netuids().into_iter().map(|netuid| number(netuid.to_le_bytes()));
    let accounts = || view.accounts().into_iter().map(account);
    let uids = || (0..view.slots(view.netuid()).len() as u16).map(|uid| number(uid.to_le_bytes()));
    match widths {
        [] => vec![Vec::new()],
        [2] => netuids().map(|netuid| vec![netuid]).collect(),
        [4] => {
            view.hashes.numbers().map(|block| vec![number((block as u32).to_le_bytes())]).collect()
        }
        [8] => recent_rounds(view).map(|round| vec![number(round.to_le_bytes())]).collect(),
        [32] => accounts().map(|account| vec![account]).collect(),
        [2, 2] => pairs(netuids(), uids),
        [2, 8] => pairs(netuids(), || {
            view.state().commits.keys().map(|epoch| number(epoch.to_le_bytes()))
        }),
        [2, 32] => pairs(netuids(), accounts),
        [32, 2] => pairs(accounts(), netuids),
        [32, 32, 2] => owned(view),
        _ => Vec::new(),
    }
}

fn pairs<B: Iterator<Item = Key>>(
    first: impl Iterator<Item = Key>,
    second: impl Fn() -> B,
) -> Vec<Vec<Key>> {
    first.flat_map(|a| second().map(move |b| vec![a.clone(), b])).collect()
}

/// Hotkey, coldkey and subnet of every pair in which the coldkey owns the hotkey.
fn owned(view: View<'_>) -> Vec<Vec<Key>> {
    let netuid = view.netuid().to_le_bytes();
    let owners = view.state().owners.iter();
    owners
        .map(|(hotkey, coldkey)| vec![account(*hotkey), account(*coldkey), number(netuid)])
        .collect()
}

/// Rounds whose pulses are listed: only recent ones, because there are many and each costs a
/// signature.
fn recent_rounds(view: View<'_>) -> impl Iterator<Item = u64> {
    let last = view.state().beacon.last_stored_round;
    last.saturating_sub(10).max(1)..=last
}
