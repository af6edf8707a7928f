//! The same metadata in the older format V14, which does not describe runtime APIs.

use frame_metadata::v14::{
    ExtrinsicMetadata, PalletMetadata, RuntimeMetadataV14, SignedExtensionMetadata,
};
use frame_metadata::v15::{self, RuntimeMetadataV15};
use scale_info::form::PortableForm;
use scale_info::interner::UntrackedSymbol;

/// Converts to V14 with the same types, under the same type numbers.
///
/// # Errors
/// A sentence if the types do not include a signed transaction.
pub(super) fn to_v14(metadata: &RuntimeMetadataV15) -> Result<RuntimeMetadataV14, String> {
    let extensions = metadata.extrinsic.signed_extensions.iter();
    let signed_extensions = extensions.map(|extension| SignedExtensionMetadata {
        identifier: extension.identifier.clone(),
        ty: extension.ty,
        additional_signed: extension.additional_signed,
    });
    Ok(RuntimeMetadataV14 {
        types: metadata.types.clone(),
        pallets: metadata.pallets.iter().map(pallet).collect(),
        extrinsic: ExtrinsicMetadata {
            ty: extrinsic_type(metadata)?.into(),
            version: metadata.extrinsic.version,
            signed_extensions: signed_extensions.collect(),
        },
        ty: metadata.ty,
    })
}

fn pallet(pallet: &v15::PalletMetadata<PortableForm>) -> PalletMetadata<PortableForm> {
    PalletMetadata {
        name: pallet.name.clone(),
        storage: pallet.storage.clone(),
        calls: pallet.calls.clone(),
        event: pallet.event.clone(),
        constants: pallet.constants.clone(),
        error: pallet.error.clone(),
        index: pallet.index,
    }
}

/// The type of a transaction that has exactly the metadata's signed extensions.
fn extrinsic_type(metadata: &RuntimeMetadataV15) -> Result<u32, String> {
    let extra = metadata.extrinsic.extra_ty.id;
    let found = metadata.types.types.iter().find(|found| {
        let is_extrinsic =
            found.ty.path.segments.last().is_some_and(|name| name == "UncheckedExtrinsic");
        let mut parameters = found.ty.type_params.iter();
        is_extrinsic
            && parameters.any(|parameter| parameter.ty.is_some_and(|ty| type_id(ty) == extra))
    });
    found.map(|found| found.id).ok_or_else(|| "no type of signed transactions".to_owned())
}

fn type_id(symbol: UntrackedSymbol<std::any::TypeId>) -> u32 {
    symbol.id
}
