//! Values for a call, encoded by the shape of the types in the metadata: wrappers of one field are
//! seen through, since runtimes add and rename them while the bytes stay the same.

use scale_info::{Field, PortableRegistry, TypeDef, TypeDefPrimitive, form::PortableForm};

/// Deeper than any type that is sent.
const MAX_DEPTH: u32 = 16;

/// A value to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// An unsigned number of any width, compact or not.
    Uint(u128),
    /// A list or an array of bytes, such as an account id.
    Bytes(Vec<u8>),
    /// A list of values.
    List(Vec<Self>),
    /// One case of several with what it holds. Where the type has no cases, what it holds is taken.
    Case(&'static str, Box<Self>),
}

impl Argument {
    /// A list of numbers.
    pub fn numbers(numbers: impl IntoIterator<Item = u16>) -> Self {
        Self::List(numbers.into_iter().map(|number| Self::Uint(number.into())).collect())
    }

    /// Writes the value as the type `type_id`.
    ///
    /// # Errors
    /// How value and type differ.
    pub(super) fn encode(
        &self,
        type_id: u32,
        types: &PortableRegistry,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        self.encode_at(type_id, types, out, MAX_DEPTH)
    }

    fn encode_at(
        &self,
        type_id: u32,
        types: &PortableRegistry,
        out: &mut Vec<u8>,
        depth: u32,
    ) -> Result<(), String> {
        let depth = depth.checked_sub(1).ok_or("its type is nested too deeply")?;
        let found = types.resolve(type_id).ok_or("its type is not in the metadata")?;
        let inside =
            |value: &Self, type_id, out: &mut Vec<u8>| value.encode_at(type_id, types, out, depth);
        match (&found.type_def, self) {
            (TypeDef::Variant(cases), Self::Case(name, value)) => {
                let case = cases.variants.iter().find(|case| case.name == *name);
                let case = case.ok_or_else(|| format!("its type has no case {name}"))?;
                out.push(case.index);
                inside(value, sole_field(&case.fields)?, out)
            }
            (_, Self::Case(_, value)) => inside(value, type_id, out),
            (TypeDef::Composite(wrapper), value) => {
                inside(value, sole_field(&wrapper.fields)?, out)
            }
            (TypeDef::Tuple(wrapper), value) if wrapper.fields.len() == 1 => {
                inside(value, wrapper.fields[0].id, out)
            }
            (TypeDef::Compact(_), Self::Uint(number)) => {
                compact(*number, out);
                Ok(())
            }
            (TypeDef::Primitive(primitive), Self::Uint(number)) => plain(*number, primitive, out),
            (TypeDef::Sequence(list), Self::Bytes(bytes)) => {
                is_byte(list.type_param.id, types)?;
                compact(bytes.len() as u128, out);
                out.extend(bytes);
                Ok(())
            }
            (TypeDef::Sequence(list), Self::List(values)) => {
                compact(values.len() as u128, out);
                values.iter().try_for_each(|value| inside(value, list.type_param.id, out))
            }
            (TypeDef::Array(array), Self::Bytes(bytes)) => {
                is_byte(array.type_param.id, types)?;
                if usize::try_from(array.len) != Ok(bytes.len()) {
                    return Err(format!("it holds {} bytes, not {}", array.len, bytes.len()));
                }
                out.extend(bytes);
                Ok(())
            }
            (wanted, value) => Err(format!("{} is no {}", value.kind(), kind(wanted))),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Uint(_) => "a number",
            Self::Bytes(_) => "a list of bytes",
            Self::List(_) => "a list",
            Self::Case(..) => "a case",
        }
    }
}

fn kind(wanted: &TypeDef<PortableForm>) -> &'static str {
    match wanted {
        TypeDef::Composite(_) => "record",
        TypeDef::Variant(_) => "case of several",
        TypeDef::Sequence(_) => "list",
        TypeDef::Array(_) => "array",
        TypeDef::Tuple(_) => "tuple",
        TypeDef::Primitive(_) => "plain value",
        TypeDef::Compact(_) => "compact number",
        TypeDef::BitSequence(_) => "list of bits",
    }
}

fn sole_field(fields: &[Field<PortableForm>]) -> Result<u32, String> {
    match fields {
        [field] => Ok(field.ty.id),
        fields => Err(format!("its type has {} fields, not one", fields.len())),
    }
}

fn is_byte(type_id: u32, types: &PortableRegistry) -> Result<(), String> {
    let found = types.resolve(type_id).map(|found| &found.type_def);
    let is = matches!(found, Some(TypeDef::Primitive(TypeDefPrimitive::U8)));
    if is { Ok(()) } else { Err("a list of bytes is no list of anything else".to_owned()) }
}

fn plain(number: u128, primitive: &TypeDefPrimitive, out: &mut Vec<u8>) -> Result<(), String> {
    let width = match primitive {
        TypeDefPrimitive::U8 => 1,
        TypeDefPrimitive::U16 => 2,
        TypeDefPrimitive::U32 => 4,
        TypeDefPrimitive::U64 => 8,
        TypeDefPrimitive::U128 => 16,
        TypeDefPrimitive::Bool if number < 2 => 1,
        _ => return Err("a number is no such plain value".to_owned()),
    };
    let bytes = number.to_le_bytes();
    if bytes[width..].iter().any(|&byte| byte != 0) {
        return Err(format!("{number} does not fit {width} bytes"));
    }
    out.extend(&bytes[..width]);
    Ok(())
}

/// A number in as few bytes as it needs.
pub(super) fn compact(number: u128, out: &mut Vec<u8>) {
    let bytes = number.to_le_bytes();
    match number {
        0..0x40 => out.push((number as u8) << 2),
        0x40..0x4000 => out.extend(((number as u16) << 2 | 0b01).to_le_bytes()),
        0x4000..0x4000_0000 => out.extend(((number as u32) << 2 | 0b10).to_le_bytes()),
        _ => {
            let len = bytes.len() - number.leading_zeros() as usize / 8;
            out.push(((len - 4) as u8) << 2 | 0b11);
            out.extend(&bytes[..len]);
        }
    }
}

/// Whether values of the type take no bytes.
pub(super) fn is_empty(type_id: u32, types: &PortableRegistry) -> bool {
    fn is_empty_at(type_id: u32, types: &PortableRegistry, depth: u32) -> bool {
        let Some(found) = types.resolve(type_id) else { return false };
        let Some(depth) = depth.checked_sub(1) else { return false };
        match &found.type_def {
            TypeDef::Composite(record) => {
                record.fields.iter().all(|field| is_empty_at(field.ty.id, types, depth))
            }
            TypeDef::Tuple(tuple) => {
                tuple.fields.iter().all(|field| is_empty_at(field.id, types, depth))
            }
            TypeDef::Array(array) => {
                array.len == 0 || is_empty_at(array.type_param.id, types, depth)
            }
            _ => false,
        }
    }
    is_empty_at(type_id, types, MAX_DEPTH)
}
