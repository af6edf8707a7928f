//! The changes in the runtimes from spec 423 on (docs/spec/chain.md#stateful-epochs and
//! docs/spec/chain.md#upgrades), applied to the recorded metadata: the epoch's state on the chain,
//! moved indexes, and a removed field.

use frame_metadata::v14::{
    StorageEntryMetadata, StorageEntryModifier, StorageEntryType, StorageHasher,
};
use frame_metadata::v15::{
    RuntimeApiMethodMetadata, RuntimeApiMethodParamMetadata, RuntimeMetadataV15,
};
use scale_info::form::PortableForm;
use scale_info::{PortableRegistry, TypeDef, TypeDefPrimitive, Variant};

const PALLET: &str = "SubtensorModule";
/// The new index of the subnet pallet, which is free in the recorded runtime.
const PALLET_INDEX: u8 = 9;
/// Added to the indexes of calls and events; the largest recorded one stays below 255.
const MOVED_BY: u8 = 3;
/// The removed field of the selective metagraph, unused since spec 397.
pub(super) const DROPPED_FIELD: &str = "rank";
/// Storage entries of the stateful schedule, each a map from netuid to u64.
const EPOCH_STATE: [&str; 3] = ["SubnetEpochIndex", "LastEpochBlock", "PendingEpochAt"];

/// Turns the recorded metadata into that of the newer generation.
///
/// # Errors
/// A sentence if the recorded metadata lacks what is to be changed.
pub(super) fn change(metadata: &mut RuntimeMetadataV15) -> Result<(), String> {
    move_pallet(metadata)?;
    move_variants(metadata)?;
    drop_field(&mut metadata.types)?;
    let u16_type = primitive(&metadata.types, &TypeDefPrimitive::U16)?;
    let u64_type = primitive(&metadata.types, &TypeDefPrimitive::U64)?;
    add_storage(metadata, u16_type, u64_type)?;
    add_api(metadata, u16_type, u64_type)
}

fn move_pallet(metadata: &mut RuntimeMetadataV15) -> Result<(), String> {
    let pallet = metadata.pallets.iter_mut().find(|pallet| pallet.name == PALLET);
    pallet.ok_or("no subnet pallet")?.index = PALLET_INDEX;
    for found in &mut metadata.types.types {
        let name = found.ty.path.segments.last();
        let is_outer = name.is_some_and(|name| name.starts_with("Runtime"));
        if let TypeDef::Variant(variant) = &mut found.ty.type_def
            && is_outer
        {
            let cases = variant.variants.iter_mut().filter(|case| case.name == PALLET);
            cases.for_each(|case| case.index = PALLET_INDEX);
        }
    }
    Ok(())
}

fn move_variants(metadata: &mut RuntimeMetadataV15) -> Result<(), String> {
    let pallet = metadata.pallets.iter().find(|pallet| pallet.name == PALLET);
    let pallet = pallet.ok_or("no subnet pallet")?;
    let calls = pallet.calls.as_ref().ok_or("no calls")?.ty.id;
    let events = pallet.event.as_ref().ok_or("no events")?.ty.id;
    let errors = pallet.error.as_ref().ok_or("no errors")?.ty.id;
    for moved in [calls, events] {
        let cases = cases_of(&mut metadata.types, moved)?;
        cases.iter_mut().for_each(|case| case.index = case.index.wrapping_add(MOVED_BY));
    }
    let errors = cases_of(&mut metadata.types, errors)?;
    let last = errors.iter().map(|case| case.index).max().unwrap_or(0);
    errors.iter_mut().for_each(|case| case.index = last.wrapping_sub(case.index));
    // The official client looks an error up by its position in the list.
    errors.sort_by_key(|case| case.index);
    Ok(())
}

fn cases_of(
    types: &mut PortableRegistry,
    type_id: u32,
) -> Result<&mut Vec<Variant<PortableForm>>, String> {
    let found = types.types.iter_mut().find(|found| found.id == type_id);
    match found.map(|found| &mut found.ty.type_def) {
        Some(TypeDef::Variant(variant)) => Ok(&mut variant.variants),
        _ => Err(format!("type {type_id} is no variant")),
    }
}

fn drop_field(types: &mut PortableRegistry) -> Result<(), String> {
    let found = types.types.iter_mut().find(|found| {
        found.ty.path.segments.last().is_some_and(|name| name == "SelectiveMetagraph")
    });
    match found.map(|found| &mut found.ty.type_def) {
        Some(TypeDef::Composite(composite)) => {
            composite.fields.retain(|field| field.name.as_deref() != Some(DROPPED_FIELD));
            Ok(())
        }
        _ => Err("no selective metagraph".to_owned()),
    }
}

fn primitive(types: &PortableRegistry, wanted: &TypeDefPrimitive) -> Result<u32, String> {
    let found = types.types.iter().find(
        |found| matches!(&found.ty.type_def, TypeDef::Primitive(primitive) if primitive == wanted),
    );
    found.map(|found| found.id).ok_or_else(|| format!("no type {wanted:?}"))
}

fn add_storage(metadata: &mut RuntimeMetadataV15, key: u32, value: u32) -> Result<(), String> {
    let pallet = metadata.pallets.iter_mut().find(|pallet| pallet.name == PALLET);
    let storage = pallet.and_then(|pallet| pallet.storage.as_mut()).ok_or("no storage")?;
    storage.entries.extend(EPOCH_STATE.map(|name| StorageEntryMetadata {
        name: name.to_owned(),
        modifier: StorageEntryModifier::Default,
        ty: StorageEntryType::Map {
            hashers: vec![StorageHasher::Identity],
            key: key.into(),
            value: value.into(),
        },
        default: vec![0; 8],
        docs: Vec::new(),
    }));
    Ok(())
}

fn add_api(metadata: &mut RuntimeMetadataV15, netuid: u32, number: u32) -> Result<(), String> {
    let output = option_of(&metadata.types, number)?;
    let api = metadata.apis.iter_mut().find(|api| api.name == "SubnetInfoRuntimeApi");
    api.ok_or("no subnet API")?.methods.push(RuntimeApiMethodMetadata {
        name: "get_next_epoch_start_block".to_owned(),
        inputs: vec![RuntimeApiMethodParamMetadata {
            name: "netuid".to_owned(),
            ty: netuid.into(),
        }],
        output: output.into(),
        docs: Vec::new(),
    });
    Ok(())
}

fn option_of(types: &PortableRegistry, inner: u32) -> Result<u32, String> {
    let found = types.types.iter().find(|found| {
        let is_option = found.ty.path.segments.last().is_some_and(|name| name == "Option");
        let parameter = found.ty.type_params.first().and_then(|parameter| parameter.ty);
        is_option && parameter.is_some_and(|parameter| parameter.id == inner)
    });
    found.map(|found| found.id).ok_or_else(|| format!("no option of type {inner}"))
}
