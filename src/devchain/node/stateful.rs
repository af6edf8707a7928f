//! The changes in the runtimes from spec 423 on (docs/spec/chain.md#stateful-epochs and
//! docs/spec/chain.md#upgrades), applied to the recorded metadata: the epoch's state on the chain,
//! moved indexes, and a removed field.

use frame_metadata::v14::StorageHasher;
use frame_metadata::v15::RuntimeMetadataV15;
use scale_info::{TypeDef, TypeDefPrimitive};

use super::editor::{Editor, PALLET};

/// The new index of the subnet pallet, which is free in the recorded runtime.
const PALLET_INDEX: u8 = 9;
/// Added to the indexes of calls and events; the largest recorded one stays below 255.
const MOVED_BY: u8 = 3;
/// The removed field of the selective metagraph, unused since spec 397.
pub(super) const DROPPED_FIELD: &str = "rank";
/// Storage entries of the stateful schedule, each a map from netuid to u64.
const EPOCH_STATE: [&str; 3] = ["SubnetEpochIndex", "LastEpochBlock", "PendingEpochAt"];

/// Turns the recorded metadata into that of spec 425. Its indexes and its missing field are made
/// up: a client that goes by name does not notice.
///
/// # Errors
/// A sentence if the recorded metadata lacks what is to be changed.
pub(super) fn change(metadata: &mut RuntimeMetadataV15) -> Result<(), String> {
    move_pallet(metadata)?;
    let mut editor = Editor { metadata };
    move_variants(&mut editor)?;
    let fields = editor.fields_of("SelectiveMetagraph")?;
    fields.retain(|field| field.name.as_deref() != Some(DROPPED_FIELD));
    add_epoch_state(editor.metadata)
}

/// Adds the state of the epoch, and the function that tells the next one.
///
/// # Errors
/// A sentence if the recorded metadata lacks what is to be changed.
pub(super) fn add_epoch_state(metadata: &mut RuntimeMetadataV15) -> Result<(), String> {
    let mut editor = Editor { metadata };
    let netuid = editor.primitive(TypeDefPrimitive::U16)?;
    let number = editor.primitive(TypeDefPrimitive::U64)?;
    for name in EPOCH_STATE {
        editor.store(name, &[(StorageHasher::Identity, netuid)], number, Some(vec![0; 8]))?;
    }
    editor.call(141, "trigger_epoch", &[("netuid", netuid)])?;
    editor.errors(&["EpochTriggerAlreadyPending", "DynamicTempoBlockedByCommitReveal"])?;
    let (api, output) = ("SubnetInfoRuntimeApi", editor.option(number));
    editor.function(api, "get_next_epoch_start_block", &[("netuid", netuid)], output)
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

fn move_variants(editor: &mut Editor<'_>) -> Result<(), String> {
    let pallet = editor.pallet()?;
    let calls = pallet.calls.as_ref().ok_or("no calls")?.ty.id;
    let events = pallet.event.as_ref().ok_or("no events")?.ty.id;
    let errors = pallet.error.as_ref().ok_or("no errors")?.ty.id;
    for moved in [calls, events] {
        let cases = editor.cases_of(moved)?;
        cases.iter_mut().for_each(|case| case.index = case.index.wrapping_add(MOVED_BY));
    }
    let errors = editor.cases_of(errors)?;
    let last = errors.iter().map(|case| case.index).max().unwrap_or(0);
    errors.iter_mut().for_each(|case| case.index = last.wrapping_sub(case.index));
    // The official client looks an error up by its position in the list.
    errors.sort_by_key(|case| case.index);
    Ok(())
}
