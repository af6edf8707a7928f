//! What a node of the chain is asked, by subxt's methods. One session is one connection to one node.

use std::sync::Arc;

use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::Value as Json;
use sn1::chain::decode::{Read, Runtime, metadata_of_answer};
use sn1::chain::{Hash, Head, Refusal};
use sn1::wallet::AccountId;
use subxt::ext::codec;
use subxt::rpcs::client::{RpcParams, RpcSubscription};
use subxt::rpcs::methods::legacy::{
    LegacyRpcMethods, NumberOrHex, RuntimeVersion, TransactionStatus,
};
use subxt::rpcs::{Error as RpcError, RpcClient, RpcConfig};

use super::connection::Connection;
use super::{CallError, Deadlines, Endpoint, Roots};

/// Metadata versions that are asked for by number, in order: both tell the runtime APIs.
const METADATA_VERSIONS: [u32; 2] = [15, 16];
const METADATA_AT_VERSION: &str = "Metadata_metadata_at_version";
/// Keys of one page.
const PAGE: u32 = 200;
/// The codes of a node's pool: the transaction is to blame, not the node.
const POOL_CODES: std::ops::Range<i64> = 1000..1100;

/// The types of subtensor's JSON-RPC.
pub(super) enum SubtensorRpc {}

impl RpcConfig for SubtensorRpc {
    type Header = Header;
    type Hash = Hash;
    type AccountId = AccountId;
}

/// News of a transaction.
pub(super) type Statuses = RpcSubscription<TransactionStatus<Hash>>;

/// What is used of a header: a new kind of digest must not hide a block.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Header {
    parent_hash: Hash,
    number: NumberOrHex,
}

impl Header {
    /// Its height; the largest number for one that is none.
    pub(super) fn number(&self) -> u64 {
        self.number.into_u256().try_into().unwrap_or(u64::MAX)
    }
}

impl codec::Decode for Header {
    fn decode<I: codec::Input>(_: &mut I) -> Result<Self, codec::Error> {
        Err("the methods that are used send headers as JSON".into())
    }
}

/// A block's transactions, as bytes, and its parent.
pub(super) struct Body {
    pub(super) parent: Hash,
    pub(super) extrinsics: Vec<Vec<u8>>,
}

/// A connection whose chain is known.
pub(super) struct Session {
    connection: Arc<Connection>,
    client: RpcClient,
    methods: LegacyRpcMethods<SubtensorRpc>,
    endpoint: Endpoint,
    genesis: Hash,
}

/// Names the method in what went wrong with it.
fn of(method: &'static str) -> impl Fn(RpcError) -> CallError {
    move |error| CallError::of(method, error)
}

fn absent(method: &'static str) -> CallError {
    CallError::garbled(method, "there is none")
}

impl Session {
    pub(super) async fn open(
        endpoint: &Endpoint,
        deadlines: Deadlines,
        roots: &Roots,
    ) -> Result<Self, CallError> {
        let connection = Arc::new(Connection::open(endpoint, deadlines, roots).await?);
        let client = RpcClient::new(Arc::clone(&connection));
        let methods = LegacyRpcMethods::new(client.clone());
        let genesis = methods.genesis_hash().await.map_err(of("chain_getBlockHash"))?;
        Ok(Self { connection, client, methods, endpoint: endpoint.clone(), genesis })
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
        let method = "chain_getBlockHash";
        let hash = self.methods.chain_get_block_hash(None).await.map_err(of(method))?;
        let hash = hash.ok_or_else(|| absent(method))?;
        Ok(Head { number: self.number_of(hash).await?, hash })
    }

    /// The newest final block.
    pub(super) async fn finalized(&self) -> Result<Head, CallError> {
        let hash = self.methods.chain_get_finalized_head().await;
        let hash = hash.map_err(of("chain_getFinalizedHead"))?;
        Ok(Head { number: self.number_of(hash).await?, hash })
    }

    pub(super) async fn number_of(&self, hash: Hash) -> Result<u64, CallError> {
        let method = "chain_getHeader";
        let header = self.methods.chain_get_header(Some(hash)).await.map_err(of(method))?;
        header.map(|header| header.number()).ok_or_else(|| absent(method))
    }

    /// The block of that number on the node's best chain; `None` when it has none (yet).
    pub(super) async fn hash_of(&self, number: u64) -> Result<Option<Hash>, CallError> {
        let hash = self.methods.chain_get_block_hash(Some(number.into())).await;
        hash.map_err(of("chain_getBlockHash"))
    }

    pub(super) async fn body(&self, at: Hash) -> Result<Body, CallError> {
        let method = "chain_getBlock";
        let found = self.methods.chain_get_block(Some(at)).await.map_err(of(method))?;
        let block = found.ok_or_else(|| absent(method))?.block;
        let extrinsics = block.extrinsics.into_iter().map(|bytes| bytes.0).collect();
        Ok(Body { parent: block.header.parent_hash, extrinsics })
    }

    /// The versions of the runtime that answers at that block.
    pub(super) async fn version(&self, at: Hash) -> Result<RuntimeVersion, CallError> {
        let version = self.methods.state_get_runtime_version(Some(at)).await;
        version.map_err(of("state_getRuntimeVersion"))
    }

    /// That runtime, with its metadata.
    pub(super) async fn runtime(&self, spec_version: u32, at: Hash) -> Result<Runtime, CallError> {
        let metadata = self.metadata(at).await?;
        Runtime::new(spec_version, &metadata).map_err(CallError::Unusable)
    }

    async fn metadata(&self, at: Hash) -> Result<Vec<u8>, CallError> {
        for version in METADATA_VERSIONS {
            // Old runtimes have not even that function: the node refuses, and the oldest way is
            // left.
            let answer = match self.call(METADATA_AT_VERSION, &version.to_le_bytes(), at).await {
                Err(CallError::Refused { .. }) => break,
                answer => answer?,
            };
            if let Some(metadata) = metadata_of_answer(&answer) {
                return Ok(metadata);
            }
        }
        let metadata = self.methods.state_get_metadata(Some(at)).await;
        Ok(metadata.map_err(of("state_getMetadata"))?.into_raw())
    }

    /// The next nonce of an account, transactions in the node's pool counted.
    pub(super) async fn next_nonce(&self, account: &AccountId) -> Result<u32, CallError> {
        let (method, old) = ("system_accountNextIndex", "account_nextIndex");
        let nonce = match self.methods.system_account_next_index(account).await.map_err(of(method))
        {
            Err(error) if error.is_unknown_method() => {
                let mut params = RpcParams::new();
                params.push(account).map_err(of(old))?;
                self.client.request::<u64>(old, params).await.map_err(of(old))?
            }
            nonce => nonce?,
        };
        nonce.try_into().map_err(|_| CallError::garbled(method, &nonce))
    }

    /// Puts a transaction into the node's pool and follows it; or why the pool does not take it.
    /// Of a node that tells no news of transactions, none come.
    pub(super) async fn submit(
        &self,
        transaction: &[u8],
    ) -> Result<Result<Option<Statuses>, Refusal>, CallError> {
        let statuses = self.methods.author_submit_and_watch_extrinsic(transaction).await;
        let taken = match statuses.map_err(of("author_submitAndWatchExtrinsic")) {
            Err(error) if error.is_unknown_method() => {
                let taken = self.methods.author_submit_extrinsic(transaction).await;
                taken.map(|_| None).map_err(of("author_submitExtrinsic"))
            }
            statuses => statuses.map(Some),
        };
        match taken {
            Ok(statuses) => Ok(Ok(statuses)),
            Err(CallError::Refused { code, data, .. }) if POOL_CODES.contains(&code) => {
                Ok(Err(refusal(code, &data)))
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn new_heads(&self) -> Result<RpcSubscription<Header>, CallError> {
        self.methods.chain_subscribe_new_heads().await.map_err(of("chain_subscribeNewHeads"))
    }

    pub(super) async fn finalized_heads(&self) -> Result<RpcSubscription<Header>, CallError> {
        let heads = self.methods.chain_subscribe_finalized_heads().await;
        heads.map_err(of("chain_subscribeFinalizedHeads"))
    }

    pub(super) async fn runtime_versions(
        &self,
    ) -> Result<RpcSubscription<RuntimeVersion>, CallError> {
        let versions = self.methods.state_subscribe_runtime_version().await;
        versions.map_err(of("state_subscribeRuntimeVersion"))
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
        match read {
            Read::Call { function, arguments } => {
                self.call(function, arguments, at).await.map(Some)
            }
            Read::Storage { key } => {
                let stored = self.methods.state_get_storage(key, Some(at)).await;
                stored.map_err(of("state_getStorage"))
            }
        }
    }

    async fn call(&self, function: &str, arguments: &[u8], at: Hash) -> Result<Vec<u8>, CallError> {
        let answer = self.methods.state_call(function, Some(arguments), Some(at)).await;
        answer.map_err(of("state_call"))
    }

    /// All storage keys that begin with `prefix`.
    pub(super) async fn keys(&self, prefix: &[u8], at: Hash) -> Result<Vec<Vec<u8>>, CallError> {
        let method = "state_getKeysPaged";
        let mut keys: Vec<Vec<u8>> = Vec::new();
        loop {
            let start = keys.last().map(Vec::as_slice);
            let page = self.methods.state_get_keys_paged(prefix, PAGE, start, Some(at)).await;
            let page = page.map_err(of(method))?;
            // Keys rise from page to page: a node that repeats itself would never end.
            let rises = keys.last().is_none_or(|last| page.iter().all(|key| key > last));
            if !rises {
                return Err(CallError::garbled(method, "a page begins before the last one ends"));
            }
            let is_last = page.len() < PAGE as usize;
            keys.extend(page);
            if is_last {
                return Ok(keys);
            }
        }
    }
}

/// A pool's error. The number of a runtime's own check comes as a text of a fixed form, or, from
/// other nodes, as a number.
fn refusal(code: i64, data: &Json) -> Refusal {
    let text = data.as_str().unwrap_or_default();
    let custom = text.strip_prefix("Custom error: ").and_then(|number| number.parse().ok());
    let custom = custom.or_else(|| data["invalid"]["custom"].as_u64()?.try_into().ok());
    Refusal::from_pool(code, custom, text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
