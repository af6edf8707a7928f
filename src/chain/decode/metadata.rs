//! Metadata as bytes: out of the answer that carries it, and into subxt's form of it.

use frame_metadata::v16::RuntimeMetadataV16;
use frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed};
use parity_scale_codec::{Decode, DecodeAll};
use subxt::Metadata;

use super::types;

/// The metadata in the answer of `Metadata_metadata_at_version`, an `Option` of bytes whose type no
/// metadata tells: `None` where the runtime has not that version, or where the bytes are no such
/// answer.
pub fn metadata_of_answer(answer: &[u8]) -> Option<Vec<u8>> {
    Option::<Vec<u8>>::decode_all(&mut &*answer).ok()?
}

/// Reads metadata of the versions 14 to 16, which opens with the magic number. Anything else is
/// refused unread: subxt's reader that guesses at wrappings (`Metadata::decode_from`) never ends on
/// a list of bytes whose length counts itself.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn read(bytes: &[u8]) -> Result<Metadata, String> {
    let read = RuntimeMetadataPrefixed::decode(&mut &*bytes).map_err(|error| error.to_string())?;
    let metadata = match read.1 {
        RuntimeMetadata::V14(metadata) => Metadata::from_v14(metadata),
        RuntimeMetadata::V15(metadata) => Metadata::from_v15(metadata),
        RuntimeMetadata::V16(metadata) if has_its_extensions(&metadata) => {
            Metadata::from_v16(metadata)
        }
        RuntimeMetadata::V16(_) => return Err("an extension is not there".to_owned()),
        other => return Err(format!("its version is {}", other.version())),
    };
    let metadata = metadata.map_err(|error| error.to_string())?;
    match types::too_large(metadata.types()) {
        Some(id) => Err(format!("type {id} holds itself, or too much")),
        None => Ok(metadata),
    }
}

/// Whether every extension that a version names is listed: subxt panics where one is not.
fn has_its_extensions(metadata: &RuntimeMetadataV16) -> bool {
    let extrinsic = &metadata.extrinsic;
    let listed = extrinsic.transaction_extensions.len();
    let mut named = extrinsic.transaction_extensions_by_version.values().flatten();
    named.all(|index| usize::try_from(index.0).is_ok_and(|index| index < listed))
}

#[cfg(test)]
mod tests {
    use parity_scale_codec::{Compact, Encode};

    use super::*;
    use crate::testing::vector_path;

    #[test]
    fn lengths_of_each_width_are_read() {
        for len in [0usize, 63, 64, 16_383, 16_384, 300_000] {
            let answer = Some(vec![7_u8; len]).encode();
            assert_eq!(metadata_of_answer(&answer), Some(vec![7; len]), "{len}");
            assert_eq!(metadata_of_answer(&answer[..answer.len() - 1]), None, "{len}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for answer in [&[][..], &[0], &[1], &[2, 0], &[1, 3, 0, 0, 0], &[1, 4], &[1, 0, 9]] {
            assert_eq!(metadata_of_answer(answer), None, "{answer:?}");
        }
    }

    #[test]
    fn an_extension_that_is_not_listed_is_refused() {
        let path = vector_path("chain/recorded/metadata/finney_365_v16.scale");
        let bytes = std::fs::read(path).unwrap();
        let RuntimeMetadataPrefixed(magic, metadata) = Decode::decode(&mut &bytes[..]).unwrap();
        let RuntimeMetadata::V16(mut metadata) = metadata else { panic!("it is of version 16") };
        read(&bytes).unwrap();
        metadata.extrinsic.transaction_extensions_by_version.insert(0, vec![Compact(99)]);
        let edited = RuntimeMetadataPrefixed(magic, RuntimeMetadata::V16(metadata)).encode();
        assert_eq!(read(&edited).unwrap_err(), "an extension is not there");
    }
}
