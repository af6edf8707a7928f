//! Removes the documentation strings from metadata: half the size, the same types and names.

use frame_metadata::v15::RuntimeMetadataV15;
use frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed};
use parity_scale_codec::{Decode, Encode};
use scale_info::form::PortableForm;
use scale_info::{Field, PortableRegistry, TypeDef};

/// Removes the documentation strings from V15 metadata that starts with the magic number. The dev
/// chain's own metadata was made with it (`examples/devchain_metadata.rs`).
///
/// # Errors
/// A sentence if `bytes` are not V15 metadata.
pub fn metadata_without_docs(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut metadata = read_v15(bytes)?;
    clear(&mut metadata);
    Ok(RuntimeMetadataPrefixed::from(metadata).encode())
}

/// Decodes V15 metadata that starts with the magic number.
pub(super) fn read_v15(mut bytes: &[u8]) -> Result<RuntimeMetadataV15, String> {
    let read = RuntimeMetadataPrefixed::decode(&mut bytes);
    match read.map_err(|error| format!("cannot read the metadata: {error}"))?.1 {
        RuntimeMetadata::V15(metadata) => Ok(metadata),
        other => Err(format!("metadata of version {} where 15 is needed", other.version())),
    }
}

fn clear(metadata: &mut RuntimeMetadataV15) {
    clear_types(&mut metadata.types);
    for pallet in &mut metadata.pallets {
        pallet.docs.clear();
        pallet.constants.iter_mut().for_each(|constant| constant.docs.clear());
        let entries = pallet.storage.iter_mut().flat_map(|storage| &mut storage.entries);
        entries.for_each(|entry| entry.docs.clear());
    }
    for api in &mut metadata.apis {
        api.docs.clear();
        api.methods.iter_mut().for_each(|method| method.docs.clear());
    }
}

fn clear_types(types: &mut PortableRegistry) {
    for found in &mut types.types {
        found.ty.docs.clear();
        match &mut found.ty.type_def {
            TypeDef::Composite(composite) => clear_fields(&mut composite.fields),
            TypeDef::Variant(variant) => {
                for case in &mut variant.variants {
                    case.docs.clear();
                    clear_fields(&mut case.fields);
                }
            }
            _ => {}
        }
    }
}

fn clear_fields(fields: &mut [Field<PortableForm>]) {
    fields.iter_mut().for_each(|field| field.docs.clear());
}
