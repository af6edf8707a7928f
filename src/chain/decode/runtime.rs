//! One spec version of the chain's runtime: what it has, by name.

use std::fmt;

use scale_info::TypeDef;
use subxt::client::OfflineClientAtBlockImpl;
use subxt::ext::frame_decode::helpers::{IntoDecodableValues, IntoEncodableValues as Arguments};
use subxt::metadata::{
    RuntimeApiMethodMetadata, StorageEntryMetadata, TransactionExtensionMetadata,
};
use subxt::storage::{DynamicAddress, StorageEntry};
use subxt::utils::H256;
use subxt::{Metadata, OfflineClient, OfflineClientAtBlock, dynamic};

use super::config::SubtensorConfig;
use super::value::{self, Value};
use super::{DecodeError, Item, metadata};
use crate::chain::Hash;

/// One question to the chain, to be asked at the block whose runtime made it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Read {
    /// `state_call`.
    Call {
        /// Trait and method, joined by an underscore.
        function: String,
        /// The arguments in SCALE.
        arguments: Vec<u8>,
    },
    /// `state_getStorage`.
    Storage {
        /// The whole key.
        key: Vec<u8>,
    },
}

/// One spec version's metadata, V14 to V16, as a client of subxt that is not connected to anything.
/// V14 tells no runtime APIs: with it, they are missing.
pub struct Runtime {
    client: OfflineClientAtBlock<SubtensorConfig>,
}

/// Keys of a storage entry, in order.
pub trait Keys: Arguments + IntoDecodableValues {}

impl<K: Arguments + IntoDecodableValues> Keys for K {}

type Entry<'a, K> = StorageEntry<
    'a,
    SubtensorConfig,
    OfflineClientAtBlockImpl<SubtensorConfig>,
    DynamicAddress<K, dynamic::Value>,
>;

fn client(config: SubtensorConfig) -> Result<OfflineClientAtBlock<SubtensorConfig>, String> {
    // Any block: the config answers alike for all of them.
    OfflineClient::new_with_config(config).at_block(0_u64).map_err(|error| error.to_string())
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("spec_version", &self.spec_version())
            .finish_non_exhaustive()
    }
}

impl Runtime {
    /// Reads `metadata`.
    ///
    /// # Errors
    /// [`DecodeError::Metadata`]
    pub fn new(spec_version: u32, metadata: &[u8]) -> Result<Self, DecodeError> {
        let broken = |reason: String| DecodeError::Metadata { spec_version, reason };
        let metadata = metadata::read(metadata).map_err(broken)?.arc();
        // Only a signature covers the other two.
        let (transaction_version, genesis) = (0, H256::zero());
        let config = SubtensorConfig { metadata, spec_version, transaction_version, genesis };
        client(config).map(|client| Self { client }).map_err(broken)
    }

    /// The version that the metadata is of.
    pub fn spec_version(&self) -> u32 {
        self.client.spec_version()
    }

    /// The runtime in subxt's hands.
    pub(in crate::chain) fn client(&self) -> &OfflineClientAtBlock<SubtensorConfig> {
        &self.client
    }

    /// The same for signing, which covers the chain's first block and the transactions' version.
    pub(in crate::chain) fn signing(
        &self,
        genesis: Hash,
        transaction_version: u32,
    ) -> Result<OfflineClientAtBlock<SubtensorConfig>, DecodeError> {
        let spec_version = self.spec_version();
        let (metadata, genesis) = (self.client.metadata(), H256(genesis.0));
        let config = SubtensorConfig { metadata, spec_version, transaction_version, genesis };
        client(config).map_err(|reason| DecodeError::Metadata { spec_version, reason })
    }

    /// Whether the runtime has that API.
    pub fn has_api(&self, api: &str, method: &str) -> bool {
        self.api(api, method).is_ok()
    }

    /// Whether the runtime has that storage entry. Presence tells generations apart: a runtime
    /// with `SubtensorModule.SubnetEpochIndex` has the stateful epoch schedule.
    pub fn has_storage(&self, pallet: &str, entry: &str) -> bool {
        self.entry(pallet, entry).is_ok()
    }

    /// Whether the runtime has that call.
    pub fn has_call(&self, pallet: &str, call: &str) -> bool {
        self.call_fields(pallet, call).is_ok()
    }

    /// The names of a call's fields, in order.
    ///
    /// # Errors
    /// [`DecodeError::Missing`]
    pub fn call_fields(&self, pallet: &str, call: &str) -> Result<Vec<&str>, DecodeError> {
        let found = self.metadata().pallet_by_name(pallet);
        let found = found.and_then(|found| found.call_variant_by_name(call));
        let found = found.ok_or_else(|| self.missing(Item::Call(format!("{pallet}.{call}"))))?;
        Ok(found.fields.iter().map(|field| field.name.as_deref().unwrap_or_default()).collect())
    }

    /// The names of the fields of what an API answers, in order; of an optional answer, those of
    /// what it may hold. None for an answer without named fields.
    ///
    /// # Errors
    /// [`DecodeError::Missing`]
    pub(super) fn answer_fields(&self, api: &str, method: &str) -> Result<Vec<&str>, DecodeError> {
        let (mut id, types) = (self.api(api, method)?.output_ty(), self.metadata().types());
        loop {
            match types.resolve(id).map(|found| &found.type_def) {
                Some(TypeDef::Composite(record)) => {
                    let names = record.fields.iter();
                    return Ok(names
                        .map(|field| field.name.as_deref().unwrap_or_default())
                        .collect());
                }
                Some(TypeDef::Variant(cases)) => {
                    let held = cases.variants.iter().find(|case| case.name == "Some");
                    let Some(field) = held.and_then(|case| case.fields.first()) else { break };
                    id = field.ty.id;
                }
                _ => break,
            }
        }
        Ok(Vec::new())
    }

    /// The question to a runtime API.
    ///
    /// # Errors
    /// [`DecodeError::Missing`], [`DecodeError::Arguments`].
    pub fn call(
        &self,
        api: &str,
        method: &str,
        arguments: impl Arguments,
    ) -> Result<Read, DecodeError> {
        self.api(api, method)?;
        let apis = self.client.runtime_apis();
        let call = dynamic::runtime_api_call::<_, dynamic::Value>(api, method, arguments);
        let item = || Item::Api(format!("{api}.{method}"));
        let arguments = apis.encode_args(&call);
        let arguments = arguments.map_err(|error| self.refused(item(), error.to_string()))?;
        Ok(Read::Call { function: apis.encode_name(&call), arguments })
    }

    /// The question to a storage entry, `keys` in order (`()` for a plain value).
    ///
    /// # Errors
    /// [`DecodeError::Missing`], [`DecodeError::Arguments`].
    pub fn storage(&self, pallet: &str, entry: &str, keys: impl Keys) -> Result<Read, DecodeError> {
        let key = self.address(pallet, entry)?.fetch_key(keys);
        let item = || Item::Storage(format!("{pallet}.{entry}"));
        let key = key.map_err(|error| self.refused(item(), error.to_string()))?;
        Ok(Read::Storage { key })
    }

    /// The answer of a runtime API. Of the outermost records only the fields in `wanted` are kept,
    /// if it is given; the others cost little.
    ///
    /// # Errors
    /// [`DecodeError::Missing`], [`DecodeError::Answer`].
    pub fn decode_call(
        &self,
        api: &str,
        method: &str,
        answer: &[u8],
        wanted: Option<&[&str]>,
    ) -> Result<Value<'_>, DecodeError> {
        let type_id = self.api(api, method)?.output_ty();
        let value = value::decode(answer, type_id, self.metadata().types(), wanted);
        value.map_err(|reason| self.unfit(Item::Api(format!("{api}.{method}")), reason))
    }

    /// The value of a storage entry: its default where nothing is stored, `None` where it has none.
    ///
    /// # Errors
    /// [`DecodeError::Missing`], [`DecodeError::Answer`].
    pub fn decode_storage(
        &self,
        pallet: &str,
        entry: &str,
        stored: Option<&[u8]>,
    ) -> Result<Option<Value<'_>>, DecodeError> {
        let found = self.entry(pallet, entry)?;
        let Some(bytes) = stored.or(found.default_value()) else { return Ok(None) };
        let value = value::decode(bytes, found.value_ty(), self.metadata().types(), None);
        value
            .map(Some)
            .map_err(|reason| self.unfit(Item::Storage(format!("{pallet}.{entry}")), reason))
    }

    /// What the keys of all values of a storage map begin with, `keys` the first of its keys.
    ///
    /// # Errors
    /// [`DecodeError::Missing`], [`DecodeError::Arguments`].
    pub fn storage_prefix(
        &self,
        pallet: &str,
        entry: &str,
        keys: Vec<dynamic::Value>,
    ) -> Result<Vec<u8>, DecodeError> {
        let item = || Item::Storage(format!("{pallet}.{entry}"));
        let address = self.address::<Vec<dynamic::Value>>(pallet, entry)?;
        // subxt counts the keys of a plain value down from zero.
        if address.is_plain() {
            return Err(self.refused(item(), "it is not a map".to_owned()));
        }
        address.iter_key(keys).map_err(|error| self.refused(item(), error.to_string()))
    }

    /// A pallet's constant; `None` where the runtime has none of that name.
    ///
    /// # Errors
    /// [`DecodeError::Answer`]
    pub fn constant(&self, pallet: &str, name: &str) -> Result<Option<Value<'_>>, DecodeError> {
        let found = self.metadata().pallet_by_name(pallet);
        let Some(found) = found.and_then(|found| found.constant_by_name(name)) else {
            return Ok(None);
        };
        let value = value::decode(found.value(), found.ty(), self.metadata().types(), None);
        value
            .map(Some)
            .map_err(|reason| self.unfit(Item::Constant(format!("{pallet}.{name}")), reason))
    }

    /// The names of a module error's pallet and variant, by their numbers in this runtime.
    pub(super) fn module_error(&self, pallet: u8, error: u8) -> Option<(&str, &str)> {
        let found = self.metadata().pallet_by_error_index(pallet)?;
        Some((found.name(), found.error_variant_by_index(error)?.name.as_str()))
    }

    /// The extensions of a version 4 transaction, in order.
    pub(in crate::chain) fn transaction_extensions(
        &self,
    ) -> Result<Vec<TransactionExtensionMetadata<'_>>, DecodeError> {
        let found = self.metadata().extrinsic().transaction_extensions_by_version(0);
        let found = found.map(Iterator::collect);
        found.ok_or_else(|| self.missing(Item::Call("transaction extensions".to_owned())))
    }

    pub(in crate::chain) fn metadata(&self) -> &Metadata {
        self.client.metadata_ref()
    }

    /// The error for something that is not there.
    pub(in crate::chain) fn missing(&self, item: Item) -> DecodeError {
        DecodeError::Missing { spec_version: self.spec_version(), item }
    }

    pub(super) fn unfit(&self, item: Item, reason: String) -> DecodeError {
        DecodeError::Answer { spec_version: self.spec_version(), item, reason }
    }

    pub(in crate::chain) fn refused(&self, item: Item, reason: String) -> DecodeError {
        DecodeError::Arguments { spec_version: self.spec_version(), item, reason }
    }

    fn api(&self, api: &str, method: &str) -> Result<RuntimeApiMethodMetadata<'_>, DecodeError> {
        let found = self.metadata().runtime_api_trait_by_name(api);
        let found = found.and_then(|found| found.method_by_name(method));
        found.ok_or_else(|| self.missing(Item::Api(format!("{api}.{method}"))))
    }

    /// A storage entry in subxt's hands, with keys of the types `K`.
    fn address<K: Keys>(&self, pallet: &str, entry: &str) -> Result<Entry<'_, K>, DecodeError> {
        self.entry(pallet, entry)?;
        let found = self.client.storage().entry(dynamic::storage(pallet, entry));
        found.map_err(|_| self.missing(Item::Storage(format!("{pallet}.{entry}"))))
    }

    pub(super) fn entry(
        &self,
        pallet: &str,
        entry: &str,
    ) -> Result<&StorageEntryMetadata, DecodeError> {
        let found = self.metadata().pallet_by_name(pallet);
        let found = found.and_then(|found| found.storage()?.entry_by_name(entry));
        found.ok_or_else(|| self.missing(Item::Storage(format!("{pallet}.{entry}"))))
    }
}
