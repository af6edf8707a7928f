//! What a node of the chain is asked, as types. One session is one connection to one node.

use futures_util::future::try_join_all;
use serde_json::{Value as Json, json};
use sn1::chain::decode::{Read, Runtime, metadata_of_answer};
use sn1::chain::{Hash, Head};

use super::connection::Connection;
use super::endpoint::Endpoint;
use super::{CallError, Deadlines};

/// Metadata versions that are asked for by number, in order: both tell the runtime APIs.
const METADATA_VERSIONS: [u32; 2] = [15, 16];
const METADATA_AT_VERSION: &str = "Metadata_metadata_at_version";

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
        let method = "chain_getHeader";
        let hash = block_hash(&self.connection, json!([])).await?;
        let header = self.connection.call(method, json!([hash])).await?;
        let number = header["number"].as_str().and_then(|text| text.strip_prefix("0x"));
        let number = number.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let number = number.ok_or_else(|| garbled(method, &header["number"]))?;
        Ok(Head { number, hash })
    }

    /// The version of the runtime that answers at that block.
    pub(super) async fn spec_version(&self, at: Hash) -> Result<u32, CallError> {
        let method = "state_getRuntimeVersion";
        let version = self.connection.call(method, json!([at])).await?;
        let number = version["specVersion"].as_u64().and_then(|number| number.try_into().ok());
        number.ok_or_else(|| garbled(method, &version["specVersion"]))
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
                return Ok(metadata.to_vec());
            }
        }
        let method = "state_getMetadata";
        bytes(method, &self.connection.call(method, json!([at])).await?)
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
    async fn read(&self, read: &Read, at: Hash) -> Result<Option<Vec<u8>>, CallError> {
        let hex = |bytes: &[u8]| format!("0x{}", hex::encode(bytes));
        let (method, params) = match read {
            Read::Call { function, arguments } => {
                ("state_call", json!([function, hex(arguments), at]))
            }
            Read::Storage { key } => ("state_getStorage", json!([hex(key), at])),
        };
        let answer = self.connection.call(method, params).await?;
        let is_empty = answer.is_null() && matches!(read, Read::Storage { .. });
        if is_empty { Ok(None) } else { bytes(method, &answer).map(Some) }
    }
}

async fn block_hash(connection: &Connection, params: Json) -> Result<Hash, CallError> {
    let method = "chain_getBlockHash";
    let answer = connection.call(method, params).await?;
    serde_json::from_value(answer.clone()).map_err(|_| garbled(method, &answer))
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
