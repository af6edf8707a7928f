//! One version of the runtime that the node presents: its metadata and what follows from it.

use std::collections::HashMap;
use std::fmt;

use frame_metadata::v14::{PalletConstantMetadata, StorageEntryMetadata, StorageEntryType};
use frame_metadata::v15::{PalletMetadata, RuntimeApiMethodMetadata, RuntimeMetadataV15};
use frame_metadata::{RuntimeMetadataPrefixed, v15};
use parity_scale_codec::Encode;
use scale_info::form::PortableForm;
use scale_info::{PortableRegistry, TypeDef};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::editor::PALLET;
use super::encode::encode;
use super::hashing::entry_prefix;
use super::strip::read_v15;
use super::tree::Tree;
use super::{collateral, official_cli, older, stateful};
use crate::chain::decode::{Value, decode_value};

/// Recorded metadata of spec 343, without its documentation.
const RECORDED: &[u8] = include_bytes!("metadata/spec_343_v15.scale");
/// The transaction version, the same in all runtimes here.
pub(super) const TRANSACTION_VERSION: u32 = 1;

/// The family of runtimes that the node presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Generation {
    /// Spec 343 as recorded on the main network: epochs follow from the block number.
    Modular,
    /// As from spec 423: epochs follow from state on the chain. The subnet pallet, its calls,
    /// errors and events have other indexes, and the selective metagraph lacks one field.
    Stateful,
    /// As from spec 486: epochs as in [`Self::Stateful`], miners' collateral, subnets without
    /// consensus. Indexes are the runtime's.
    Collateral,
}

impl Generation {
    /// Every generation with its name, the oldest first.
    pub const NAMED: [(&'static str, Self); 3] = [
        ("modular", Self::Modular),
        ("stateful", Self::Stateful),
        ("collateral", Self::Collateral),
    ];

    /// The spec version that a chain of this generation starts with.
    pub fn spec_version(self) -> u32 {
        match self {
            Self::Modular => 343,
            Self::Stateful => 425,
            Self::Collateral => 486,
        }
    }

    /// Whether epochs follow from state on the chain.
    pub(super) fn is_stateful(self) -> bool {
        self >= Self::Stateful
    }
}

/// The input from which a runtime can be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Spec {
    pub(super) generation: Generation,
    pub(super) spec_version: u32,
    /// Milliseconds between two blocks, for the metadata's constants.
    pub(super) block_time_ms: u64,
}

/// A runtime, whose parts are found by name, never by index.
pub(super) struct Runtime {
    spec: Spec,
    metadata: RuntimeMetadataV15,
    v14: Vec<u8>,
    v15: Vec<u8>,
    /// Indexes of pallet and entry, by the first 32 bytes of a storage key.
    entries: HashMap<[u8; 32], (usize, usize)>,
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("spec", &self.spec).finish_non_exhaustive()
    }
}

/// One storage entry, with the name of its pallet.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) pallet: &'a str,
    pub(super) meta: &'a StorageEntryMetadata<PortableForm>,
}

impl Entry<'_> {
    /// The type id of the value.
    pub(super) fn value_type(&self) -> u32 {
        match &self.meta.ty {
            StorageEntryType::Plain(value) | StorageEntryType::Map { value, .. } => value.id,
        }
    }
}

impl Runtime {
    /// Makes the runtime of `spec`.
    #[expect(clippy::expect_used, reason = "the metadata is part of this program, tests read it")]
    pub(super) fn new(spec: Spec) -> Self {
        Self::from_recorded(spec).expect("the recorded metadata is whole")
    }

    fn from_recorded(spec: Spec) -> Result<Self, String> {
        let mut metadata = read_v15(RECORDED)?;
        official_cli::add(&mut metadata)?;
        match spec.generation {
            Generation::Modular => {}
            Generation::Stateful => stateful::change(&mut metadata)?,
            Generation::Collateral => collateral::change(&mut metadata)?,
        }
        set_constants(&mut metadata, spec)?;
        let v14 = RuntimeMetadataPrefixed::from(older::to_v14(&metadata)?).encode();
        let v15 = RuntimeMetadataPrefixed::from(metadata.clone()).encode();
        let entries = index_entries(&metadata.pallets);
        Ok(Self { spec, metadata, v14, v15, entries })
    }

    pub(super) fn spec(&self) -> Spec {
        self.spec
    }

    pub(super) fn spec_version(&self) -> u32 {
        self.spec.spec_version
    }

    pub(super) fn types(&self) -> &PortableRegistry {
        &self.metadata.types
    }

    /// The metadata in format `version`, from the magic number on; `None` for an unknown format.
    pub(super) fn metadata(&self, version: u32) -> Option<&[u8]> {
        match version {
            14 => Some(&self.v14),
            15 => Some(&self.v15),
            _ => None,
        }
    }

    pub(super) fn extrinsic(&self) -> &v15::ExtrinsicMetadata<PortableForm> {
        &self.metadata.extrinsic
    }

    fn pallet(&self, name: &str) -> Option<&PalletMetadata<PortableForm>> {
        self.metadata.pallets.iter().find(|pallet| pallet.name == name)
    }

    /// Finds trait and method of a function by its full name, such as `Core_version`.
    pub(super) fn function(
        &self,
        name: &str,
    ) -> Option<(&str, &RuntimeApiMethodMetadata<PortableForm>)> {
        self.metadata.apis.iter().find_map(|api| {
            let method = name.strip_prefix(api.name.as_str())?.strip_prefix('_')?;
            let method = api.methods.iter().find(|found| found.name == method)?;
            Some((api.name.as_str(), method))
        })
    }

    /// The storage entry that a key of at least 32 bytes belongs to.
    pub(super) fn entry_of_key(&self, key: &[u8]) -> Option<Entry<'_>> {
        let prefix: [u8; 32] = key.get(..32)?.try_into().ok()?;
        let (pallet, entry) = *self.entries.get(&prefix)?;
        let pallet = self.metadata.pallets.get(pallet)?;
        let meta = pallet.storage.as_ref()?.entries.get(entry)?;
        Some(Entry { pallet: &pallet.name, meta })
    }

    /// Every storage entry of every pallet.
    pub(super) fn all_entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.metadata.pallets.iter().flat_map(|pallet| {
            let entries = pallet.storage.iter().flat_map(|storage| &storage.entries);
            entries.map(|meta| Entry { pallet: &pallet.name, meta })
        })
    }

    /// Whether the subnet pallet stores something under this name.
    pub(super) fn stores(&self, name: &str) -> bool {
        self.entry_of_key(&entry_prefix(PALLET, name)).is_some()
    }

    /// The pallet's index and the index of the error called `name`.
    pub(super) fn error_index(&self, pallet: &str, name: &str) -> Option<(u8, u8)> {
        let pallet = self.pallet(pallet)?;
        let error = self.variant_index(pallet.error.as_ref()?.ty.id, name)?;
        Some((pallet.index, error))
    }

    /// The pallet's index and the index of the call called `name`.
    pub(super) fn call_index(&self, pallet: &str, name: &str) -> Option<(u8, u8)> {
        let pallet = self.pallet(pallet)?;
        let call = self.variant_index(pallet.calls.as_ref()?.ty.id, name)?;
        Some((pallet.index, call))
    }

    fn variant_index(&self, type_id: u32, name: &str) -> Option<u8> {
        let TypeDef::Variant(variant) = &self.types().resolve(type_id)?.type_def else {
            return None;
        };
        variant.variants.iter().find(|case| case.name == name).map(|case| case.index)
    }

    /// Encodes `tree` as the type `type_id`.
    ///
    /// # Errors
    /// A sentence if the tree does not fit the type.
    pub(super) fn encode(&self, tree: &Tree, type_id: u32) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        encode(tree, type_id, self.types(), &mut out)?;
        Ok(out)
    }

    /// Encodes `System.Events`.
    #[expect(clippy::expect_used, reason = "every event that this chain has is in the metadata")]
    pub(super) fn events(&self, events: &Tree) -> Vec<u8> {
        let key = entry_prefix("System", "Events");
        let entry = self.entry_of_key(&key).expect("every runtime stores its events");
        self.encode(events, entry.value_type()).expect("events fit the metadata")
    }

    /// A constant of a pallet, decoded.
    pub(super) fn constant(&self, pallet: &str, name: &str) -> Option<Value<'_>> {
        let constants = &self.pallet(pallet)?.constants;
        let constant = constants.iter().find(|constant| constant.name == name)?;
        decode_value(&constant.value, constant.ty.id, self.types()).ok()
    }

    /// The answer of `Core_version`, which is also the constant `System.Version`.
    pub(super) fn version_bytes(&self) -> Option<&[u8]> {
        let constants = &self.pallet("System")?.constants;
        let constant = constants.iter().find(|constant| constant.name == "Version")?;
        Some(&constant.value)
    }

    /// The answer of `state_getRuntimeVersion`.
    pub(super) fn version_json(&self) -> Option<Json> {
        let version = self.constant("System", "Version")?;
        let number = |name| version.field(name)?.number::<u32>(name).ok();
        let text = |name| match version.field(name)? {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        };
        let apis = version.field("apis")?.list("apis").ok()?.iter().filter_map(api_json);
        Some(json!({
            "specName": text("spec_name")?,
            "implName": text("impl_name")?,
            "authoringVersion": number("authoring_version")?,
            "specVersion": number("spec_version")?,
            "implVersion": number("impl_version")?,
            "apis": apis.collect::<Vec<_>>(),
            "transactionVersion": number("transaction_version")?,
            "systemVersion": number("system_version")?,
            "stateVersion": number("system_version")?,
        }))
    }
}

fn api_json(api: &Value<'_>) -> Option<Json> {
    match api.list("api").ok()? {
        [Value::Bytes(id), version] => {
            Some(json!([format!("0x{}", hex::encode(id)), version.number::<u32>("version").ok()?]))
        }
        _ => None,
    }
}

fn index_entries(pallets: &[PalletMetadata<PortableForm>]) -> HashMap<[u8; 32], (usize, usize)> {
    let mut entries = HashMap::new();
    for (i, pallet) in pallets.iter().enumerate() {
        if let Some(storage) = &pallet.storage {
            for (j, entry) in storage.entries.iter().enumerate() {
                entries.insert(entry_prefix(&storage.prefix, &entry.name), (i, j));
            }
        }
    }
    entries
}

/// Writes block time and spec version into the metadata's constants.
fn set_constants(metadata: &mut RuntimeMetadataV15, spec: Spec) -> Result<(), String> {
    constant(metadata, "Aura", "SlotDuration")?.value = spec.block_time_ms.encode();
    constant(metadata, "Timestamp", "MinimumPeriod")?.value = (spec.block_time_ms / 2).encode();
    let version = constant(metadata, "System", "Version")?;
    let (old, type_id) = (version.value.clone(), version.ty.id);
    let new = with_spec_version(&old, type_id, &metadata.types, spec)?;
    constant(metadata, "System", "Version")?.value = new;
    Ok(())
}

fn constant<'a>(
    metadata: &'a mut RuntimeMetadataV15,
    pallet: &str,
    name: &str,
) -> Result<&'a mut PalletConstantMetadata<PortableForm>, String> {
    let pallets = metadata.pallets.iter_mut().filter(|found| found.name == pallet);
    let mut constants = pallets.flat_map(|found| &mut found.constants);
    let found = constants.find(|found| found.name == name);
    found.ok_or_else(|| format!("no constant {pallet}.{name}"))
}

/// The bytes of a `RuntimeVersion`, with the spec version replaced.
fn with_spec_version(
    old: &[u8],
    type_id: u32,
    types: &PortableRegistry,
    spec: Spec,
) -> Result<Vec<u8>, String> {
    let value = decode_value(old, type_id, types)?;
    let Value::Record(fields) = value else { return Err("the version is no record".to_owned()) };
    let texts = fields.iter().filter_map(|(_, field)| match field {
        Value::Text(text) => Some(text.encode().len()),
        _ => None,
    });
    let at = texts.sum::<usize>() + 4; // Two names and the authoring version come first.
    let mut bytes = old.to_vec();
    let place = bytes.get_mut(at..at + 4).ok_or("the version is too short")?;
    place.copy_from_slice(&spec.spec_version.to_le_bytes());
    Ok(bytes)
}
