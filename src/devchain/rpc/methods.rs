//! The methods that clients can call, with substrate's names and formats.

use serde_json::{Value, json};

use super::params::{hex, number_of};
use super::served::Served;
use super::{Answer, Params, RpcError, payment};
use crate::chain::Hash;
use crate::wallet::blake2b_256;

/// Most keys that one request may ask for, as in substrate.
const MAX_KEYS: u64 = 1000;
/// Most keys in an answer if the request cannot state a number.
const ALL_KEYS: usize = 100_000;
/// Most values that one request may ask for.
pub const MAX_VALUES: usize = 4096;
/// Most block hashes that one request may ask for.
const MAX_HASHES: usize = 1000;

/// The function that answers one method.
pub type Method = fn(&mut dyn Served, &Params) -> Answer;

/// All methods by name. Subscriptions depend on the connection and are not here.
pub const METHODS: [(&str, Method); 37] = [
    ("account_nextIndex", next_index),
    ("author_pendingExtrinsics", pending),
    ("author_submitExtrinsic", submit),
    ("chain_getBlock", block),
    ("chain_getBlockHash", block_hash),
    ("chain_getFinalisedHead", finalized_head),
    ("chain_getFinalizedHead", finalized_head),
    ("chain_getHead", block_hash),
    ("chain_getHeader", header),
    ("chain_getRuntimeVersion", runtime_version),
    ("payment_queryInfo", payment::query_info),
    ("state_call", call),
    ("state_callAt", call),
    ("state_getKeys", keys),
    ("state_getKeysPaged", keys_paged),
    ("state_getKeysPagedAt", keys_paged),
    ("state_getMetadata", metadata),
    ("state_getRuntimeVersion", runtime_version),
    ("state_getStorage", storage),
    ("state_getStorageAt", storage),
    ("state_getStorageHash", storage_hash),
    ("state_getStorageHashAt", storage_hash),
    ("state_getStorageSize", storage_size),
    ("state_getStorageSizeAt", storage_size),
    ("state_queryStorageAt", query_storage),
    ("system_accountNextIndex", next_index),
    ("system_chain", chain),
    ("system_chainType", |_, _| Ok(json!("Development"))),
    ("system_health", |_, _| {
        Ok(json!({ "peers": 0, "isSyncing": false, "shouldHavePeers": false }))
    }),
    ("system_localListenAddresses", |_, _| Ok(json!([]))),
    // The id has the right format but belongs to no peer.
    ("system_localPeerId", |_, _| {
        Ok(json!("12D3KooWEmbeddedDevChainWithoutAnyPeersAtAllXXXXXXXX"))
    }),
    ("system_name", |_, _| Ok(json!("sn1 devchain"))),
    ("system_nodeRoles", |_, _| Ok(json!(["Authority"]))),
    ("system_peers", |_, _| Ok(json!([]))),
    ("system_properties", |_, _| {
        Ok(json!({ "ss58Format": 42, "tokenDecimals": 9, "tokenSymbol": "TAO" }))
    }),
    ("system_syncState", sync_state),
    ("system_version", |_, _| Ok(json!(env!("CARGO_PKG_VERSION")))),
];

/// The method called `name`; `None` if there is none.
pub fn find(name: &str) -> Option<Method> {
    METHODS.iter().find(|(known, _)| *known == name).map(|(_, method)| *method)
}

fn chain(served: &mut dyn Served, _: &Params) -> Answer {
    Ok(json!(served.node().config().chain_name))
}

fn sync_state(served: &mut dyn Served, _: &Params) -> Answer {
    let best = served.node().best().number;
    Ok(json!({ "startingBlock": 0, "currentBlock": best, "highestBlock": best }))
}

fn next_index(served: &mut dyn Served, params: &Params) -> Answer {
    Ok(json!(served.node().next_nonce(&params.account(0, "account")?)))
}

/// The hash of the best block, of a block number, or of each number in a list.
fn block_hash(served: &mut dyn Served, params: &Params) -> Answer {
    let of = |value: &Value| Ok(json!(served.node().block_hash(number_of(value, "number")?)));
    match params.get(0, "number") {
        None => Ok(json!(served.node().best().hash)),
        Some(Value::Array(numbers)) if numbers.len() > MAX_HASHES => {
            Err(RpcError::invalid_params(format!("`number` lists more than {MAX_HASHES} blocks")))
        }
        Some(Value::Array(numbers)) => {
            numbers.iter().map(of).collect::<Result<Vec<_>, _>>().map(Value::Array)
        }
        Some(number) => of(number),
    }
}

fn finalized_head(served: &mut dyn Served, _: &Params) -> Answer {
    Ok(json!(served.finalized().hash))
}

fn header(served: &mut dyn Served, params: &Params) -> Answer {
    Ok(served.node().header(params.hash(0, "hash")?).unwrap_or_default())
}

fn block(served: &mut dyn Served, params: &Params) -> Answer {
    Ok(served.node().block(params.hash(0, "hash")?).unwrap_or_default())
}

fn runtime_version(served: &mut dyn Served, params: &Params) -> Answer {
    Ok(served.node().runtime_version(params.hash(0, "at")?)?)
}

fn metadata(served: &mut dyn Served, params: &Params) -> Answer {
    Ok(json!(hex(&served.node().metadata(params.hash(0, "at")?)?)))
}

fn call(served: &mut dyn Served, params: &Params) -> Answer {
    let arguments = params.bytes(1, "data")?;
    let at = params.hash(2, "at")?;
    Ok(json!(hex(&served.node().call(params.text(0, "name")?, &arguments, at)?)))
}

fn value_at(served: &dyn Served, params: &Params) -> Result<Option<Vec<u8>>, RpcError> {
    Ok(served.node().storage(&params.bytes(0, "key")?, params.hash(1, "at")?)?)
}

fn storage(served: &mut dyn Served, params: &Params) -> Answer {
    Ok(json!(value_at(served, params)?.map(|value| hex(&value))))
}

fn storage_hash(served: &mut dyn Served, params: &Params) -> Answer {
    Ok(json!(value_at(served, params)?.map(|value| hex(&blake2b_256(&value)))))
}

fn storage_size(served: &mut dyn Served, params: &Params) -> Answer {
    Ok(json!(value_at(served, params)?.map(|value| value.len())))
}

fn query_storage(served: &mut dyn Served, params: &Params) -> Answer {
    let keys = params.keys(0, "keys", MAX_VALUES)?;
    let at = params.hash(1, "at")?;
    let changes = values(served, &keys, at)?;
    let block = at.unwrap_or_else(|| served.node().best().hash);
    Ok(json!([change_set(block, &keys, changes.iter())]))
}

/// The values of these keys, in the same order.
///
/// # Errors
/// As [`DevNode::storage`].
pub fn values(
    served: &dyn Served,
    keys: &[Vec<u8>],
    at: Option<Hash>,
) -> Result<Vec<Option<Vec<u8>>>, RpcError> {
    let value = |key: &Vec<u8>| Ok(served.node().storage(key, at)?);
    keys.iter().map(value).collect()
}

/// Keys and values after a block, in the format of a storage change set.
pub fn change_set<'a>(
    block: Hash,
    keys: impl IntoIterator<Item = &'a Vec<u8>>,
    values: impl Iterator<Item = &'a Option<Vec<u8>>>,
) -> Value {
    let pair = |(key, value): (&Vec<u8>, &Option<Vec<u8>>)| {
        json!([hex(key), value.as_ref().map(|value| hex(value))])
    };
    let changes: Vec<_> = keys.into_iter().zip(values).map(pair).collect();
    json!({ "block": block, "changes": changes })
}

fn hex_list(values: &[Vec<u8>]) -> Value {
    values.iter().map(|value| json!(hex(value))).collect()
}

fn keys(served: &mut dyn Served, params: &Params) -> Answer {
    let prefix = params.bytes(0, "prefix")?;
    Ok(hex_list(&served.node().keys(&prefix, ALL_KEYS, None, params.hash(1, "at")?)?))
}

fn keys_paged(served: &mut dyn Served, params: &Params) -> Answer {
    // A null prefix means the whole state.
    let prefix = params.get(0, "prefix").map(|_| params.bytes(0, "prefix")).transpose()?;
    let count = params.number(1, "count")?;
    if count > MAX_KEYS {
        let message = format!("count exceeds maximum value. value: {count}, max: {MAX_KEYS}");
        return Err(RpcError::new(4002, message));
    }
    let start = params.get(2, "startKey").map(|_| params.bytes(2, "startKey")).transpose()?;
    // The official client starts with the prefix itself, which is not a key.
    let at = params.hash(3, "at")?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let prefix = prefix.unwrap_or_default();
    Ok(hex_list(&served.node().keys(&prefix, count, start.as_deref(), at)?))
}

fn submit(served: &mut dyn Served, params: &Params) -> Answer {
    Ok(json!(served.submit(&params.bytes(0, "extrinsic")?)?))
}

fn pending(served: &mut dyn Served, _: &Params) -> Answer {
    Ok(hex_list(&served.node().pending()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_once_and_in_order() {
        let names = METHODS.map(|(name, _)| name);
        assert!(names.is_sorted_by(|a, b| a < b));
        assert!(find("state_call").is_some() && find("dev_stall").is_none());
    }
}
