//! What a node of the chain is asked, as types. One session is one connection to one node.

use futures_util::future::try_join_all;
use serde_json::{Value as Json, json};
use sn1::chain::decode::{Read, Runtime, metadata_of_answer};
use sn1::chain::{Hash, Head, Refusal};
use sn1::wallet::AccountId;

use super::connection::{Connection, Subscription};
use super::endpoint::Endpoint;
use super::{CallError, Deadlines};

/// Metadata versions that are asked for by number, in order: both tell the runtime APIs.
const METADATA_VERSIONS: [u32; 2] = [15, 16];
const METADATA_AT_VERSION: &str = "Metadata_metadata_at_version";
/// Keys of one page.
const PAGE: usize = 200;
/// "Method not found".
const NO_METHOD: i64 = -32601;
/// The codes of a node's pool: the transaction is to blame, not the node.
const POOL_CODES: std::ops::Range<i64> = 1000..1100;

/// The versions of the runtime in force at a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct RuntimeVersion {
    pub(super) spec: u32,
    /// Not told by every node's every answer; needed for signing only.
    pub(super) transaction: Option<u32>,
}

/// A block's transactions, as bytes, and its parent.
pub(super) struct Body {
    pub(super) parent: Hash,
    pub(super) extrinsics: Vec<Vec<u8>>,
}

/// A connection whose chain is known.
pub(super) struct Session {
    connection: Connection,
    endpoint: Endpoint,
    genesis: Hash,
}

impl Session {
    pub(super) async fn open(endpoint: &Endpoint, deadlines: Deadlines) -> Result<Self, CallError> {
        let connection = Connection::open(endpoint, deadlines).await?;
        let genesis = block_hash(&connection, json!([0])).await?;
        Ok(Self { connection, endpoint: endpoint.clone(), genesis })
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(super) fn genesis(&self) -> Hash {
        self.genesis
    }

    pub(super) fn is_closed(&self) -> bool {
        self.connection.is_closed()
    }

    /// The newest block.
    pub(super) async fn head(&self) -> Result<Head, CallError> {
        let hash = block_hash(&self.connection, json!([])).await?;
        Ok(Head { number: self.number_of(hash).await?, hash })
    }

    /// The newest final block.
    pub(super) async fn finalized(&self) -> Result<Head, CallError> {
        let method = "chain_getFinalizedHead";
        let answer = self.connection.call(method, json!([])).await?;
        let hash = as_hash(method, &answer)?;
        Ok(Head { number: self.number_of(hash).await?, hash })
    }

    pub(super) async fn number_of(&self, hash: Hash) -> Result<u64, CallError> {
        let method = "chain_getHeader";
        let header = self.connection.call(method, json!([hash])).await?;
        number_in(&header).ok_or_else(|| garbled(method, &header["number"]))
    }

    /// The block of that number on the node's best chain; `None` when it has none (yet).
    pub(super) async fn hash_of(&self, number: u64) -> Result<Option<Hash>, CallError> {
        let method = "chain_getBlockHash";
        let answer = self.connection.call(method, json!([number])).await?;
        if answer.is_null() { Ok(None) } else { as_hash(method, &answer).map(Some) }
    }

    pub(super) async fn body(&self, at: Hash) -> Result<Body, CallError> {
        let method = "chain_getBlock";
        let answer = self.connection.call(method, json!([at])).await?;
        let block = &answer["block"];
        let parent = as_hash(method, &block["header"]["parentHash"])?;
        let list = block["extrinsics"].as_array().ok_or_else(|| garbled(method, block))?;
        let extrinsics = list.iter().map(|one| bytes(method, one)).collect::<Result<_, _>>()?;
        Ok(Body { parent, extrinsics })
    }

    /// The versions of the runtime that answers at that block.
    pub(super) async fn version(&self, at: Hash) -> Result<RuntimeVersion, CallError> {
        let method = "state_getRuntimeVersion";
        let version = self.connection.call(method, json!([at])).await?;
        let spec = spec_version_in(&version).ok_or_else(|| garbled(method, &version))?;
        let transaction = version["transactionVersion"].as_u64();
        let transaction = transaction.and_then(|number| number.try_into().ok());
        Ok(RuntimeVersion { spec, transaction })
    }

    /// That runtime, with its metadata.
    pub(super) async fn runtime(&self, spec_version: u32, at: Hash) -> Result<Runtime, CallError> {
        let metadata = self.metadata(at).await?;
        Runtime::new(spec_version, &metadata).map_err(CallError::Unusable)
    }

    async fn metadata(&self, at: Hash) -> Result<Vec<u8>, CallError> {
        for version in METADATA_VERSIONS {
            let function = METADATA_AT_VERSION.to_owned();
            let read = Read::Call { function, arguments: version.to_le_bytes().to_vec() };
            // Old runtimes have not even that function: the node refuses, and the oldest way is
            // left.
            let answer = match self.read(&read, at).await {
                Err(CallError::Refused { .. }) => break,
                answer => answer?.unwrap_or_default(),
            };
            if let Some(metadata) = metadata_of_answer(&answer) {
                return Ok(metadata);
            }
        }
        let method = "state_getMetadata";
        bytes(method, &self.connection.call(method, json!([at])).await?)
    }

    /// The next nonce of an account, transactions in the node's pool counted.
    pub(super) async fn next_nonce(&self, account: &AccountId) -> Result<u32, CallError> {
        let (method, old) = ("system_accountNextIndex", "account_nextIndex");
        let params = json!([account.to_ss58()]);
        let answer = match self.connection.call(method, params.clone()).await {
            Err(CallError::Refused { code: NO_METHOD, .. }) => {
                self.connection.call(old, params).await?
            }
            answer => answer?,
        };
        let nonce = answer.as_u64().and_then(|nonce| nonce.try_into().ok());
        nonce.ok_or_else(|| garbled(method, &answer))
    }

    /// Puts a transaction into the node's pool and follows it; or why the pool does not take it.
    pub(super) async fn submit(
        &self,
        transaction: &[u8],
    ) -> Result<Result<Subscription, Refusal>, CallError> {
        let params = json!([as_hex(transaction)]);
        let (method, end) = ("author_submitAndWatchExtrinsic", "author_unwatchExtrinsic");
        match self.connection.subscribe(method, params, end).await {
            Ok(statuses) => Ok(Ok(statuses)),
            Err(CallError::Refused { code, data, .. }) if POOL_CODES.contains(&code) => {
                Ok(Err(refusal(code, &data)))
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn new_heads(&self) -> Result<Subscription, CallError> {
        let (method, end) = ("chain_subscribeNewHeads", "chain_unsubscribeNewHeads");
        self.connection.subscribe(method, json!([]), end).await
    }

    pub(super) async fn finalized_heads(&self) -> Result<Subscription, CallError> {
        let (method, end) = ("chain_subscribeFinalizedHeads", "chain_unsubscribeFinalizedHeads");
        self.connection.subscribe(method, json!([]), end).await
    }

    pub(super) async fn runtime_versions(&self) -> Result<Subscription, CallError> {
        let (method, end) = ("state_subscribeRuntimeVersion", "state_unsubscribeRuntimeVersion");
        self.connection.subscribe(method, json!([]), end).await
    }

    /// The answers to all of them, in their order.
    pub(super) async fn read_all(
        &self,
        reads: &[Read],
        at: Hash,
    ) -> Result<Vec<Option<Vec<u8>>>, CallError> {
        try_join_all(reads.iter().map(|read| self.read(read, at))).await
    }

    /// `None` for storage that is empty.
    pub(super) async fn read(&self, read: &Read, at: Hash) -> Result<Option<Vec<u8>>, CallError> {
        let (method, params) = match read {
            Read::Call { function, arguments } => {
                ("state_call", json!([function, as_hex(arguments), at]))
            }
            Read::Storage { key } => ("state_getStorage", json!([as_hex(key), at])),
        };
        let answer = self.connection.call(method, params).await?;
        let is_empty = answer.is_null() && matches!(read, Read::Storage { .. });
        if is_empty { Ok(None) } else { bytes(method, &answer).map(Some) }
    }

    /// All storage keys that begin with `prefix`.
    pub(super) async fn keys(&self, prefix: &[u8], at: Hash) -> Result<Vec<Vec<u8>>, CallError> {
        let method = "state_getKeysPaged";
        let mut keys: Vec<Vec<u8>> = Vec::new();
        loop {
            let start = keys.last().map(|key| as_hex(key));
            let params = json!([as_hex(prefix), PAGE, start, at]);
            let answer = self.connection.call(method, params).await?;
            let page = answer.as_array().ok_or_else(|| garbled(method, &answer))?;
            let page = page.iter().map(|key| bytes(method, key)).collect::<Result<Vec<_>, _>>()?;
            // Keys rise from page to page: a node that repeats itself would never end.
            let rises = keys.last().is_none_or(|last| page.iter().all(|key| key > last));
            if !rises {
                return Err(garbled(method, &answer));
            }
            let is_last = page.len() < PAGE;
            keys.extend(page);
            if is_last {
                return Ok(keys);
            }
        }
    }
}

/// The number in a header.
pub(super) fn number_in(header: &Json) -> Option<u64> {
    let digits = header["number"].as_str()?.strip_prefix("0x")?;
    u64::from_str_radix(digits, 16).ok()
}

/// The spec version in a runtime version.
pub(super) fn spec_version_in(version: &Json) -> Option<u32> {
    version["specVersion"].as_u64()?.try_into().ok()
}

/// A pool's error. The number of a runtime's own check comes as a text of a fixed form, or, from
/// other nodes, as a number.
fn refusal(code: i64, data: &Json) -> Refusal {
    let text = data.as_str().unwrap_or_default();
    let custom = text.strip_prefix("Custom error: ").and_then(|number| number.parse().ok());
    let custom = custom.or_else(|| data["invalid"]["custom"].as_u64()?.try_into().ok());
    Refusal::from_pool(code, custom, text)
}

async fn block_hash(connection: &Connection, params: Json) -> Result<Hash, CallError> {
    let method = "chain_getBlockHash";
    as_hash(method, &connection.call(method, params).await?)
}

pub(super) fn as_hash(method: &'static str, answer: &Json) -> Result<Hash, CallError> {
    serde_json::from_value(answer.clone()).map_err(|_| garbled(method, answer))
}

fn as_hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn bytes(method: &'static str, answer: &Json) -> Result<Vec<u8>, CallError> {
    let digits = answer.as_str().and_then(|text| text.strip_prefix("0x"));
    let decoded = digits.and_then(|digits| hex::decode(digits).ok());
    decoded.ok_or_else(|| garbled(method, answer))
}

fn garbled(method: &'static str, answer: &Json) -> CallError {
    const SHOWN: usize = 60;
    let shown: String = answer.to_string().chars().take(SHOWN).collect();
    CallError::Garbled { method, shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pools_errors_are_told_by_code_and_number() {
        let table = [
            (1010, json!("Custom error: 6"), "RateLimitExceeded"),
            (1010, json!({ "invalid": { "custom": 12 } }), "ServingRateLimitExceeded"),
            (1010, json!("Transaction is outdated"), "Outdated"),
            (1010, json!("Custom error: 300"), "Unknown"),
            (1013, Json::Null, "AlreadyImported"),
            (1014, json!("priority"), "PriorityTooLow"),
        ];
        for (code, data, label) in table {
            assert_eq!(refusal(code, &data).label(), label, "{code} {data}");
        }
    }
}
