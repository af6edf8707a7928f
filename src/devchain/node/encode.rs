//! Encodes trees as SCALE bytes, with the types of the metadata.

use parity_scale_codec::{Compact, Encode};
use scale_info::form::PortableForm;
use scale_info::{Field, PortableRegistry, TypeDef, TypeDefPrimitive, Variant};

use super::tree::Tree;

/// Appends `tree` to `out`, encoded as the type `type_id`.
///
/// # Errors
/// A sentence if the tree has another shape than the type.
pub(super) fn encode(
    tree: &Tree,
    type_id: u32,
    types: &PortableRegistry,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    Encoder { types }.value(tree, type_id, out)
}

type Written = Result<(), String>;

#[derive(Clone, Copy)]
struct Encoder<'a> {
    types: &'a PortableRegistry,
}

impl<'a> Encoder<'a> {
    fn type_def(self, type_id: u32) -> Result<&'a TypeDef<PortableForm>, String> {
        let found = self.types.resolve(type_id).map(|found| &found.type_def);
        found.ok_or_else(|| format!("type {type_id} is not in the metadata"))
    }

    fn value(self, tree: &Tree, type_id: u32, out: &mut Vec<u8>) -> Written {
        match self.type_def(type_id)? {
            TypeDef::Composite(composite) => self.fields(tree, &composite.fields, out),
            TypeDef::Variant(variant) => self.variant(tree, &variant.variants, out),
            TypeDef::Sequence(sequence) => {
                Compact(len_of(tree)?).encode_to(out);
                self.items(tree, sequence.type_param.id, out)
            }
            TypeDef::Array(array) => self.array(tree, array.type_param.id, array.len, out),
            TypeDef::Tuple(tuple) => {
                let mut members = tuple.fields.iter().enumerate();
                members.try_for_each(|(i, member)| self.value(item(tree, i), member.id, out))
            }
            TypeDef::Primitive(primitive) => write_primitive(tree, primitive, out),
            TypeDef::Compact(compact) => self.compact(tree, compact.type_param.id, out),
            TypeDef::BitSequence(_) => Err("bit sequences are not written".to_owned()),
        }
    }

    fn fields(self, tree: &Tree, fields: &[Field<PortableForm>], out: &mut Vec<u8>) -> Written {
        if let [field] = fields {
            let inner = field.name.as_deref().and_then(|name| tree.field(name));
            return self.value(inner.unwrap_or(tree), field.ty.id, out);
        }
        for (i, field) in fields.iter().enumerate() {
            let inner = match (field.name.as_deref(), tree) {
                (Some(name), Tree::Record(_)) => tree.field(name).unwrap_or(&Tree::Default),
                _ => item(tree, i),
            };
            let named = |reason| format!("{}: {reason}", field.name.as_deref().unwrap_or("field"));
            self.value(inner, field.ty.id, out).map_err(named)?;
        }
        Ok(())
    }

    fn variant(self, tree: &Tree, cases: &[Variant<PortableForm>], out: &mut Vec<u8>) -> Written {
        let is_option = cases.iter().any(|case| case.name == "None")
            && cases.iter().any(|case| case.name == "Some");
        let (name, inner) = match tree {
            Tree::Case(name, inner) => (*name, inner.as_ref()),
            Tree::Default if is_option => ("None", tree),
            tree if is_option => ("Some", tree),
            Tree::Default => (first_case(cases)?, tree),
            _ => return Err("a case of several is needed".to_owned()),
        };
        let case = cases.iter().find(|case| case.name == name);
        let case = case.ok_or_else(|| format!("no case {name} in the metadata"))?;
        out.push(case.index);
        self.fields(inner, &case.fields, out)
    }

    fn items(self, tree: &Tree, type_id: u32, out: &mut Vec<u8>) -> Written {
        match tree {
            Tree::Bytes(bytes) if self.is_byte(type_id)? => out.extend_from_slice(bytes),
            Tree::Bytes(bytes) => {
                for byte in bytes {
                    self.value(&Tree::from(*byte), type_id, out)?;
                }
            }
            Tree::List(list) => {
                for inner in list {
                    self.value(inner, type_id, out)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn array(self, tree: &Tree, type_id: u32, len: u32, out: &mut Vec<u8>) -> Written {
        let found = len_of(tree)?;
        if found > len {
            return Err(format!("{found} items for an array of {len}"));
        }
        self.items(tree, type_id, out)?;
        (found..len).try_for_each(|_| self.value(&Tree::Default, type_id, out))
    }

    /// Encodes a compact number, also for a type that wraps one.
    fn compact(self, tree: &Tree, mut type_id: u32, out: &mut Vec<u8>) -> Written {
        while let TypeDef::Composite(composite) = self.type_def(type_id)? {
            let [field] = composite.fields.as_slice() else {
                return Ok(()); // The compact of nothing is nothing.
            };
            type_id = field.ty.id;
        }
        Compact(unsigned(tree)?).encode_to(out);
        Ok(())
    }

    fn is_byte(self, type_id: u32) -> Result<bool, String> {
        Ok(matches!(self.type_def(type_id)?, TypeDef::Primitive(TypeDefPrimitive::U8)))
    }
}

fn first_case(cases: &[Variant<PortableForm>]) -> Result<&str, String> {
    let first = cases.iter().min_by_key(|case| case.index);
    first.map(|case| case.name.as_str()).ok_or_else(|| "a type without values".to_owned())
}

/// The item at position `i` of a list; the default beyond its end, and for anything but a list.
fn item(tree: &Tree, i: usize) -> &Tree {
    match tree {
        Tree::List(list) => list.get(i).unwrap_or(&Tree::Default),
        _ => &Tree::Default,
    }
}

fn len_of(tree: &Tree) -> Result<u32, String> {
    let len = match tree {
        Tree::Bytes(bytes) => bytes.len(),
        Tree::List(list) => list.len(),
        Tree::Default => 0,
        _ => return Err("a list is needed".to_owned()),
    };
    u32::try_from(len).map_err(|_| "a list too long for SCALE".to_owned())
}

fn unsigned(tree: &Tree) -> Result<u128, String> {
    match tree {
        Tree::Uint(number) => Ok(*number),
        Tree::Default => Ok(0),
        _ => Err("an unsigned number is needed".to_owned()),
    }
}

fn signed(tree: &Tree) -> Result<i128, String> {
    match tree {
        Tree::Int(number) => Ok(*number),
        other => i128::try_from(unsigned(other)?).map_err(|_| "a number too large".to_owned()),
    }
}

fn write_primitive(tree: &Tree, primitive: &TypeDefPrimitive, out: &mut Vec<u8>) -> Written {
    match primitive {
        TypeDefPrimitive::Bool => match tree {
            Tree::Bool(value) => out.push(u8::from(*value)),
            Tree::Default => out.push(0),
            _ => return Err("true or false is needed".to_owned()),
        },
        TypeDefPrimitive::Str => match tree {
            Tree::Bytes(text) => text.encode_to(out),
            Tree::Default => out.push(0),
            _ => return Err("a text is needed".to_owned()),
        },
        TypeDefPrimitive::U8 => put_unsigned(tree, 1, out)?,
        TypeDefPrimitive::U16 => put_unsigned(tree, 2, out)?,
        TypeDefPrimitive::U32 => put_unsigned(tree, 4, out)?,
        TypeDefPrimitive::U64 => put_unsigned(tree, 8, out)?,
        TypeDefPrimitive::U128 => put_unsigned(tree, 16, out)?,
        TypeDefPrimitive::I8 => put_signed(tree, 1, out)?,
        TypeDefPrimitive::I16 => put_signed(tree, 2, out)?,
        TypeDefPrimitive::I32 => put_signed(tree, 4, out)?,
        TypeDefPrimitive::I64 => put_signed(tree, 8, out)?,
        TypeDefPrimitive::I128 => put_signed(tree, 16, out)?,
        TypeDefPrimitive::Char | TypeDefPrimitive::U256 | TypeDefPrimitive::I256 => {
            return Err("a primitive that no value here has".to_owned());
        }
    }
    Ok(())
}

fn put_unsigned(tree: &Tree, width: usize, out: &mut Vec<u8>) -> Written {
    let number = unsigned(tree)?;
    if width < 16 && number >> (8 * width) != 0 {
        return Err(format!("{number} does not fit {width} bytes"));
    }
    out.extend_from_slice(&number.to_le_bytes()[..width]);
    Ok(())
}

fn put_signed(tree: &Tree, width: usize, out: &mut Vec<u8>) -> Written {
    let number = signed(tree)?;
    let bound = 1_i128.checked_shl(8 * width as u32 - 1).filter(|_| width < 16);
    if bound.is_some_and(|bound| number >= bound || number < -bound) {
        return Err(format!("{number} does not fit {width} bytes"));
    }
    out.extend_from_slice(&number.to_le_bytes()[..width]);
    Ok(())
}
