//! What subxt does not promise and this node does: why values and events are read by our own
//! visitor of its decoder ([decision 001](../../../docs/decisions/001-chain-client.md)).

use scale_info::form::PortableForm;
use scale_info::{
    Field, PortableType, Type, TypeDef, TypeDefPrimitive, TypeDefSequence, TypeDefTuple,
    TypeDefVariant, Variant,
};
use subxt::dynamic;
use subxt::error::DispatchError;
use subxt::ext::codec::{Compact, Encode};
use subxt::ext::scale_decode::DecodeAsType;
use subxt::ext::scale_value::ValueDef;

use super::*;
use crate::testing::vector_path;

/// A case that holds a list of itself, a list of nothing, and a list of bytes.
const NESTED: u32 = 0;
const NOTHINGS: u32 = 2;
const BYTES: u32 = 4;

fn types() -> PortableRegistry {
    let list = |of: u32| TypeDef::Sequence(TypeDefSequence::new(of.into()));
    let field = Field::new(None, 1.into(), None, Vec::new());
    let case = Variant::<PortableForm>::new("Of".to_owned(), vec![field], 0, Vec::new());
    let defs = [
        TypeDef::Variant(TypeDefVariant::new([case])),
        list(NESTED),
        list(3),
        TypeDef::Tuple(TypeDefTuple::new_portable([])),
        list(5),
        TypeDef::Primitive(TypeDefPrimitive::U8),
    ];
    let plain = |type_def| Type {
        path: Default::default(),
        type_params: Vec::new(),
        type_def,
        docs: Vec::new(),
    };
    let types = (0..).zip(defs).map(|(id, of)| PortableType::new(id, plain(of))).collect();
    PortableRegistry { types }
}

fn by_subxt(bytes: &[u8], type_id: u32) -> dynamic::Value {
    dynamic::Value::decode_as_type(&mut &*bytes, type_id, &types()).unwrap().remove_context()
}

fn n_values(value: &dynamic::Value) -> usize {
    match &value.value {
        ValueDef::Composite(list) => list.len(),
        other => panic!("it is a list, not {other:?}"),
    }
}

#[test]
fn subxt_knows_no_bounds() {
    let types = types();
    // Two hundred of these overflow the stack of a test's thread, inside subxt.
    let nested = [[0_u8, 4].repeat(20), vec![0, 0]].concat();
    by_subxt(&nested, NESTED);
    assert_eq!(decode_value(&nested, NESTED, &types).unwrap_err(), "it is nested too deeply");

    // Four bytes fill as many values as they claim.
    assert_eq!(n_values(&by_subxt(&Compact(100_000_u32).encode(), NOTHINGS)), 100_000);
    let many = Compact(2_000_001_u32).encode();
    assert_eq!(decode_value(&many, NOTHINGS, &types).unwrap_err(), "it holds too many values");

    // Each byte becomes a value, of a size that is a multiple of ours for the whole list.
    let bytes = vec![7_u8; 1_000].encode();
    assert_eq!(n_values(&by_subxt(&bytes, BYTES)), 1_000);
    assert!(size_of::<dynamic::Value>() >= 32);
    assert_eq!(decode_value(&bytes, BYTES, &types), Ok(Value::Bytes(vec![7; 1_000])));
}

#[test]
fn an_error_that_subxt_does_not_list_is_still_named() {
    let path = vector_path("chain/recorded/metadata/finney_343_v15.scale");
    let mut bytes = std::fs::read(path).unwrap();
    let (old, new) = (b"Exhausted", b"Exhaustes");
    while let Some(at) = bytes.windows(old.len()).position(|part| part == old) {
        bytes[at..at + new.len()].copy_from_slice(new);
    }
    let runtime = Runtime::new(343, &bytes).unwrap();
    let metadata = runtime.client().metadata();
    let error_type = metadata.dispatch_error_ty().unwrap();
    let named = |byte: &u8| {
        let value = decode_value(&[*byte], error_type, metadata.types());
        matches!(value, Ok(Value::Case("Exhaustes", _)))
    };
    let exhausted = (0..=u8::MAX).find(named).unwrap();
    // To subxt this is no refusal but an event that cannot be decoded.
    DispatchError::decode_from(vec![exhausted], metadata).unwrap_err();
}
