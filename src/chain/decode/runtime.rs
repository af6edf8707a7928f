//! One spec version of the chain's runtime: what it has, by name.

use std::fmt;

use frame_decode::extrinsics::ExtrinsicTypeInfo;
use frame_decode::runtime_apis::{IntoEncodableValues as Arguments, encode_runtime_api_inputs};
use frame_decode::storage::{IntoEncodableValues as Keys, encode_storage_key};
use parity_scale_codec::Decode;
use scale_info::Variant;
use scale_info::form::PortableForm;
use subxt_metadata::{
    Metadata, RuntimeApiMethodMetadata, StorageEntryMetadata, TransactionExtensionMetadata,
};

use super::value::{self, Value};
use super::{DecodeError, Item, wrappers};

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

/// One spec version's metadata, V14 to V16. V14 tells no runtime APIs: with it, they are missing.
pub struct Runtime {
    spec_version: u32,
    metadata: Metadata,
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("spec_version", &self.spec_version).finish_non_exhaustive()
    }
}

impl Runtime {
    /// Reads `metadata`, which opens with the magic number. Anything else is refused unread: readers
    /// that guess at wrappings can be led round in circles.
    ///
    /// # Errors
    /// [`DecodeError::Metadata`]
    pub fn new(spec_version: u32, metadata: &[u8]) -> Result<Self, DecodeError> {
        let broken = |reason: String| DecodeError::Metadata { spec_version, reason };
        let metadata =
            Metadata::decode(&mut &*metadata).map_err(|error| broken(error.to_string()))?;
        if let Some(id) = wrappers::endless(metadata.types()) {
            return Err(broken(format!("type {id} wraps itself")));
        }
        Ok(Self { spec_version, metadata })
    }

    /// The version that the metadata is of.
    pub fn spec_version(&self) -> u32 {
        self.spec_version
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
        self.call_variant(pallet, call).is_ok()
    }

    /// The names of a call's fields, in order.
    ///
    /// # Errors
    /// [`DecodeError::Missing`]
    pub fn call_fields(&self, pallet: &str, call: &str) -> Result<Vec<&str>, DecodeError> {
        let (_, found) = self.call_variant(pallet, call)?;
        Ok(found.fields.iter().map(|field| field.name.as_deref().unwrap_or_default()).collect())
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
        let types = self.metadata.types();
        let arguments = encode_runtime_api_inputs(api, method, arguments, &self.metadata, types);
        let item = || Item::Api(format!("{api}.{method}"));
        let arguments = arguments.map_err(|error| self.refused(item(), error.to_string()))?;
        Ok(Read::Call { function: format!("{api}_{method}"), arguments })
    }

    /// The question to a storage entry, `keys` in order (`()` for a plain value).
    ///
    /// # Errors
    /// [`DecodeError::Missing`], [`DecodeError::Arguments`].
    pub fn storage(&self, pallet: &str, entry: &str, keys: impl Keys) -> Result<Read, DecodeError> {
        let wanted = self.entry(pallet, entry)?.keys().len();
        let n_keys = keys.num_encodable_values();
        let item = || Item::Storage(format!("{pallet}.{entry}"));
        if n_keys != wanted {
            return Err(self.refused(item(), format!("{wanted} keys, not {n_keys}")));
        }
        let types = self.metadata.types();
        let key = encode_storage_key(pallet, entry, keys, &self.metadata, types);
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
        let value = value::decode(answer, type_id, self.metadata.types(), wanted);
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
        let value = value::decode(bytes, found.value_ty(), self.metadata.types(), None);
        value
            .map(Some)
            .map_err(|reason| self.unfit(Item::Storage(format!("{pallet}.{entry}")), reason))
    }

    /// What the keys of all values of a storage entry begin with, `keys` the first of its keys.
    ///
    /// # Errors
    /// [`DecodeError::Missing`], [`DecodeError::Arguments`].
    pub fn storage_prefix(
        &self,
        pallet: &str,
        entry: &str,
        keys: impl Keys,
    ) -> Result<Vec<u8>, DecodeError> {
        self.entry(pallet, entry)?;
        let prefix = encode_storage_key(pallet, entry, keys, &self.metadata, self.metadata.types());
        let item = || Item::Storage(format!("{pallet}.{entry}"));
        prefix.map_err(|error| self.refused(item(), error.to_string()))
    }

    /// A pallet's constant; `None` where the runtime has none of that name.
    ///
    /// # Errors
    /// [`DecodeError::Answer`]
    pub fn constant(&self, pallet: &str, name: &str) -> Result<Option<Value<'_>>, DecodeError> {
        let found = self.metadata.pallet_by_name(pallet);
        let Some(found) = found.and_then(|found| found.constant_by_name(name)) else {
            return Ok(None);
        };
        let value = value::decode(found.value(), found.ty(), self.metadata.types(), None);
        value
            .map(Some)
            .map_err(|reason| self.unfit(Item::Constant(format!("{pallet}.{name}")), reason))
    }

    /// The names of a module error's pallet and variant, by their numbers in this runtime.
    pub(super) fn module_error(&self, pallet: u8, error: u8) -> Option<(&str, &str)> {
        let found = self.metadata.pallet_by_error_index(pallet)?;
        Some((found.name(), found.error_variant_by_index(error)?.name.as_str()))
    }

    /// The pallet's number, and the call with its number and fields.
    pub(in crate::chain) fn call_variant(
        &self,
        pallet: &str,
        call: &str,
    ) -> Result<(u8, &Variant<PortableForm>), DecodeError> {
        let found = self.metadata.pallet_by_name(pallet);
        let found =
            found.and_then(|found| Some((found.call_index(), found.call_variant_by_name(call)?)));
        found.ok_or_else(|| self.missing(Item::Call(format!("{pallet}.{call}"))))
    }

    /// The types of a signer's address and signature.
    pub(in crate::chain) fn signer_types(&self) -> Result<(u32, u32), DecodeError> {
        let found = self.metadata.extrinsic_signature_info();
        let found = found.map(|found| (found.address_id, found.signature_id));
        found.map_err(|error| self.missing(Item::Call(format!("signed extrinsic ({error})"))))
    }

    /// The extensions of a version 4 transaction, in order.
    pub(in crate::chain) fn transaction_extensions(
        &self,
    ) -> Result<Vec<TransactionExtensionMetadata<'_>>, DecodeError> {
        let found = self.metadata.extrinsic().transaction_extensions_by_version(0);
        let found = found.map(Iterator::collect);
        found.ok_or_else(|| self.missing(Item::Call("transaction extensions".to_owned())))
    }

    pub(in crate::chain) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The error for something that is not there.
    pub(in crate::chain) fn missing(&self, item: Item) -> DecodeError {
        DecodeError::Missing { spec_version: self.spec_version, item }
    }

    pub(super) fn unfit(&self, item: Item, reason: String) -> DecodeError {
        DecodeError::Answer { spec_version: self.spec_version, item, reason }
    }

    pub(in crate::chain) fn refused(&self, item: Item, reason: String) -> DecodeError {
        DecodeError::Arguments { spec_version: self.spec_version, item, reason }
    }

    fn api(&self, api: &str, method: &str) -> Result<RuntimeApiMethodMetadata<'_>, DecodeError> {
        let found = self.metadata.runtime_api_trait_by_name(api);
        let found = found.and_then(|found| found.method_by_name(method));
        found.ok_or_else(|| self.missing(Item::Api(format!("{api}.{method}"))))
    }

    pub(super) fn entry(
        &self,
        pallet: &str,
        entry: &str,
    ) -> Result<&StorageEntryMetadata, DecodeError> {
        let found = self.metadata.pallet_by_name(pallet);
        let found = found.and_then(|found| found.storage()?.entry_by_name(entry));
        found.ok_or_else(|| self.missing(Item::Storage(format!("{pallet}.{entry}"))))
    }
}
