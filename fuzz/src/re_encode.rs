//! Values back to bytes, by the metadata's types: another hand than the decoder's.

use frame_metadata::v14::StorageEntryType as Entry14;
use frame_metadata::v15::StorageEntryType as Entry15;
use frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed};
use parity_scale_codec::{Compact, Decode, Encode};
use scale_info::form::PortableForm;
use scale_info::{Field, PortableRegistry, TypeDef, TypeDefPrimitive};
use sn1::chain::decode::Value;

/// What a runtime's answers are: names, and the type of the value.
pub(crate) struct Described {
    types: PortableRegistry,
    /// Pallet, entry, type.
    pub(crate) storage: Vec<(String, String, u32)>,
    /// Trait, method, type.
    pub(crate) apis: Vec<(String, String, u32)>,
}

impl Described {
    /// Of metadata in version 14 or 15.
    pub(crate) fn new(metadata: &[u8]) -> Self {
        let metadata = RuntimeMetadataPrefixed::decode(&mut &*metadata).expect("recorded metadata");
        let (mut storage, mut apis) = (Vec::new(), Vec::new());
        let types = match metadata.1 {
            RuntimeMetadata::V14(metadata) => {
                for pallet in metadata.pallets {
                    for entry in pallet.storage.into_iter().flat_map(|storage| storage.entries) {
                        let (Entry14::Plain(ty) | Entry14::Map { value: ty, .. }) = entry.ty;
                        storage.push((pallet.name.clone(), entry.name, ty.id));
                    }
                }
                metadata.types
            }
            RuntimeMetadata::V15(metadata) => {
                for pallet in metadata.pallets {
                    for entry in pallet.storage.into_iter().flat_map(|storage| storage.entries) {
                        let (Entry15::Plain(ty) | Entry15::Map { value: ty, .. }) = entry.ty;
                        storage.push((pallet.name.clone(), entry.name, ty.id));
                    }
                }
                for api in metadata.apis {
                    for method in api.methods {
                        apis.push((api.name.clone(), method.name, method.output.id));
                    }
                }
                metadata.types
            }
            _ => panic!("metadata of another version"),
        };
        Self { types, storage, apis }
    }

    /// The bytes of a value of that type.
    pub(crate) fn encode(&self, value: &Value<'_>, ty: u32) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(value, ty, &mut out);
        out
    }

    fn write(&self, value: &Value<'_>, ty: u32, out: &mut Vec<u8>) {
        let def = &self.types.resolve(ty).expect("a type of the metadata").type_def;
        match (def, value) {
            (TypeDef::Composite(composite), value) => self.fields(value, &composite.fields, out),
            (TypeDef::Variant(cases), Value::Case(name, value)) => {
                let case = cases.variants.iter().find(|case| case.name == *name).expect("a case");
                out.push(case.index);
                self.fields(value, &case.fields, out);
            }
            (TypeDef::Sequence(list), value) => {
                Compact(u32::try_from(len(value)).expect("a length")).encode_to(out);
                self.items(value, list.type_param.id, out);
            }
            (TypeDef::Array(array), value) => {
                assert_eq!(len(value), array.len as usize);
                self.items(value, array.type_param.id, out);
            }
            (TypeDef::Tuple(tuple), Value::List(list)) => {
                assert_eq!(list.len(), tuple.fields.len());
                tuple.fields.iter().zip(list).for_each(|(ty, value)| self.write(value, ty.id, out));
            }
            (TypeDef::Compact(inner), value) => self.compact(value, inner.type_param.id, out),
            (TypeDef::Primitive(primitive), value) => write_primitive(value, primitive, out),
            (def, value) => panic!("{value:?} as {def:?}"),
        }
    }

    fn fields(&self, value: &Value<'_>, fields: &[Field<PortableForm>], out: &mut Vec<u8>) {
        match (fields, value) {
            ([field], value) if field.name.is_none() => self.write(value, field.ty.id, out),
            (fields, Value::Record(record)) => {
                assert_eq!(record.len(), fields.len());
                for (field, (name, value)) in fields.iter().zip(record) {
                    assert_eq!(field.name.as_deref(), Some(*name));
                    self.write(value, field.ty.id, out);
                }
            }
            (fields, Value::List(list)) => {
                assert_eq!(list.len(), fields.len());
                fields
                    .iter()
                    .zip(list)
                    .for_each(|(field, value)| self.write(value, field.ty.id, out));
            }
            (_, value) => panic!("{value:?} has no fields"),
        }
    }

    fn items(&self, value: &Value<'_>, ty: u32, out: &mut Vec<u8>) {
        match value {
            Value::Bytes(bytes) => out.extend(bytes),
            Value::List(list) => list.iter().for_each(|value| self.write(value, ty, out)),
            value => panic!("{value:?} is no list"),
        }
    }

    /// Wrappers are named or not; what is in them is one number, or nothing at all.
    fn compact(&self, value: &Value<'_>, ty: u32, out: &mut Vec<u8>) {
        match value {
            Value::Uint(number) => Compact(*number).encode_to(out),
            Value::Record(fields) if fields.len() == 1 => self.compact(&fields[0].1, ty, out),
            Value::List(list) if list.len() == 1 => self.compact(&list[0], ty, out),
            value => panic!("{value:?} is not compact"),
        }
    }
}

fn len(value: &Value<'_>) -> usize {
    match value {
        Value::Bytes(bytes) => bytes.len(),
        Value::List(list) => list.len(),
        value => panic!("{value:?} is no list"),
    }
}

fn write_primitive(value: &Value<'_>, primitive: &TypeDefPrimitive, out: &mut Vec<u8>) {
    use TypeDefPrimitive as P;
    let width = match primitive {
        P::U8 | P::I8 => 1,
        P::U16 | P::I16 => 2,
        P::U32 | P::I32 => 4,
        P::U64 | P::I64 => 8,
        _ => 16,
    };
    match (value, primitive) {
        (Value::Bool(value), P::Bool) => out.push(u8::from(*value)),
        (Value::Text(text), P::Str) => text.encode_to(out),
        (Value::Bytes(bytes), P::U256) => out.extend(bytes),
        (Value::Uint(n), P::U8 | P::U16 | P::U32 | P::U64 | P::U128) => {
            out.extend(&n.to_le_bytes()[..width]);
        }
        (Value::Int(n), P::I8 | P::I16 | P::I32 | P::I64 | P::I128) => {
            out.extend(&n.to_le_bytes()[..width]);
        }
        (value, primitive) => panic!("{value:?} as {primitive:?}"),
    }
}
