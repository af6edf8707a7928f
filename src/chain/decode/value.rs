//! An answer as a tree with the metadata's names.
//!
//! Wrappers of one unnamed field (account ids, balances, subnet numbers) are seen through, since
//! runtimes add and rename them while the bytes stay the same. Lists of bytes are kept as bytes.
//! The answer is foreign: depth and number of values are bounded, and nothing is set aside for a
//! length that is only claimed.

use std::cell::Cell;

use scale_decode::visitor::types::{Array, Composite, Sequence, Str, Tuple, Variant};
use scale_decode::visitor::{
    DecodeAsTypeResult, DecodeError as ScaleError, IgnoreVisitor, Visitor, decode_with_visitor,
};
use scale_info::{PortableRegistry, TypeDef, TypeDefPrimitive};

use super::DecodeError;
use crate::wallet::AccountId;

/// Deeper than any answer that is read here.
const MAX_DEPTH: u32 = 32;
/// Values in one answer. A subnet of 4,096 neurons needs a tenth of it.
const MAX_VALUES: u32 = 2_000_000;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'m> {
    /// True or false.
    Bool(bool),
    /// An unsigned number of any width, compact or not.
    Uint(u128),
    /// A signed number of any width.
    Int(i128),
    /// A list or an array of bytes.
    Bytes(Vec<u8>),
    /// A text.
    Text(String),
    /// A list, an array or a tuple.
    List(Vec<Value<'m>>),
    /// Fields by name; only the wanted ones, where some were named.
    Record(Vec<(&'m str, Value<'m>)>),
    /// One case of several, and what it holds.
    Case(&'m str, Box<Value<'m>>),
}

impl<'m> Value<'m> {
    /// The field of that name, in a record.
    pub fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Record(fields) => fields.iter().find(|(key, _)| *key == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// What is in an `Option`: `None` for its empty case, and the value itself where it is none.
    pub fn some(&self) -> Option<&Self> {
        match self {
            Self::Case("None", _) => None,
            Self::Case("Some", value) => Some(value),
            value => Some(value),
        }
    }

    /// As a number that fits `T`. `field` is for the error.
    ///
    /// # Errors
    /// [`DecodeError::Shape`]
    pub fn number<T: TryFrom<u128>>(&self, field: &str) -> Result<T, DecodeError> {
        let number = if let Self::Uint(number) = self { T::try_from(*number).ok() } else { None };
        number.ok_or_else(|| self.is_not("a number in its range", field))
    }

    /// As true or false.
    ///
    /// # Errors
    /// [`DecodeError::Shape`]
    pub fn truth(&self, field: &str) -> Result<bool, DecodeError> {
        if let Self::Bool(value) = self { Ok(*value) } else { Err(self.is_not("a bool", field)) }
    }

    /// As an account id: 32 bytes.
    ///
    /// # Errors
    /// [`DecodeError::Shape`]
    pub fn account(&self, field: &str) -> Result<AccountId, DecodeError> {
        let bytes = if let Self::Bytes(bytes) = self { bytes.as_slice() } else { &[] };
        let account = bytes.try_into().map(AccountId);
        account.map_err(|_| self.is_not("an account of 32 bytes", field))
    }

    /// As a list of values. A list of bytes is none.
    ///
    /// # Errors
    /// [`DecodeError::Shape`]
    pub fn list(&self, field: &str) -> Result<&[Self], DecodeError> {
        if let Self::List(list) = self { Ok(list) } else { Err(self.is_not("a list", field)) }
    }

    fn is_not(&self, wanted: &'static str, field: &str) -> DecodeError {
        let found = match self {
            Self::Bool(_) => "a bool",
            Self::Uint(_) | Self::Int(_) => "another number",
            Self::Bytes(_) => "bytes",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Record(_) => "a record",
            Self::Case(..) => "one case of several",
        };
        DecodeError::Shape { field: field.to_owned(), wanted, found }
    }
}

/// Reads the whole of `bytes` as the type `type_id`. Of the outermost records only the fields in
/// `wanted` are kept, if it is given.
pub(super) fn decode<'m>(
    bytes: &[u8],
    type_id: u32,
    types: &'m PortableRegistry,
    wanted: Option<&[&str]>,
) -> Result<Value<'m>, String> {
    let left = Cell::new(MAX_VALUES);
    let reader = Reader { types, wanted, depth: 0, left: &left };
    let mut rest = bytes;
    let value = decode_with_visitor(&mut rest, type_id, types, reader).map_err(text)?;
    if !rest.is_empty() {
        return Err(format!("{} bytes too many", rest.len()));
    }
    Ok(value)
}

fn text(error: ReadError) -> String {
    match error {
        ReadError::Scale(error) => error.to_string(),
        ReadError::TooDeep => "it is nested too deeply".to_owned(),
        ReadError::TooMany => "it holds too many values".to_owned(),
    }
}

enum ReadError {
    Scale(ScaleError),
    TooDeep,
    TooMany,
}

impl From<ScaleError> for ReadError {
    fn from(error: ScaleError) -> Self {
        Self::Scale(error)
    }
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    types: &'a PortableRegistry,
    wanted: Option<&'a [&'a str]>,
    depth: u32,
    left: &'a Cell<u32>,
}

type Visited<'m> = Result<Value<'m>, ReadError>;
type Registry = PortableRegistry;

impl Reader<'_> {
    /// The reader for what lies inside, or an error at a bound.
    fn inside(self) -> Result<Self, ReadError> {
        self.count()?;
        let depth = self.depth + 1;
        if depth > MAX_DEPTH { Err(ReadError::TooDeep) } else { Ok(Self { depth, ..self }) }
    }

    fn count(self) -> Result<(), ReadError> {
        let left = self.left.get().checked_sub(1).ok_or(ReadError::TooMany)?;
        self.left.set(left);
        Ok(())
    }

    fn is_byte(self, type_id: u32) -> bool {
        let found = self.types.resolve(type_id).map(|found| &found.type_def);
        matches!(found, Some(TypeDef::Primitive(TypeDefPrimitive::U8)))
    }

    /// The length of the array type `type_id`, if it is one of plain bytes.
    fn byte_array(self, type_id: u32) -> Option<usize> {
        match &self.types.resolve(type_id)?.type_def {
            TypeDef::Array(array) if self.is_byte(array.type_param.id) => {
                usize::try_from(array.len).ok()
            }
            _ => None,
        }
    }

    fn is_byte_list(self, type_id: u32) -> bool {
        match self.types.resolve(type_id).map(|found| &found.type_def) {
            Some(TypeDef::Sequence(list)) => self.is_byte(list.type_param.id),
            _ => false,
        }
    }

    fn fields<'m>(self, fields: &mut Composite<'_, 'm, Registry>) -> Visited<'m> {
        let inside = self.inside()?;
        if fields.remaining() == 1 && fields.peek_name().is_none() {
            return fields.decode_item(inside).unwrap_or(Ok(Value::List(Vec::new())));
        }
        if fields.remaining() == 0 || fields.has_unnamed_fields() {
            return gather(|| fields.decode_item(inside));
        }
        let mut record = Vec::new();
        while let Some(name) = fields.peek_name() {
            if self.wanted.is_some_and(|wanted| !wanted.contains(&name)) {
                fields.decode_item(IgnoreVisitor::new()).transpose()?;
            } else if let Some(value) = fields.decode_item(Self { wanted: None, ..inside }) {
                record.push((name, value?));
            }
        }
        Ok(Value::Record(record))
    }
}

fn gather<'m>(mut next: impl FnMut() -> Option<Visited<'m>>) -> Visited<'m> {
    std::iter::from_fn(&mut next).collect::<Result<_, _>>().map(Value::List)
}

fn take_bytes(bytes: &[u8], len: usize) -> Result<Value<'static>, ReadError> {
    let bytes = bytes.get(..len).ok_or(ScaleError::NotEnoughInput)?;
    Ok(Value::Bytes(bytes.to_vec()))
}

macro_rules! numbers {
    ($($visit:ident: $type:ty => $case:ident,)*) => {$(
        fn $visit<'scale, 'm>(self, value: $type, _: u32) -> Result<Self::Value<'scale, 'm>, Self::Error> {
            self.count()?;
            Ok(Value::$case(value.into()))
        }
    )*};
}

impl Visitor for Reader<'_> {
    type Value<'scale, 'm> = Value<'m>;
    type Error = ReadError;
    type TypeResolver = Registry;

    numbers! {
        visit_bool: bool => Bool,
        visit_u8: u8 => Uint,
        visit_u16: u16 => Uint,
        visit_u32: u32 => Uint,
        visit_u64: u64 => Uint,
        visit_u128: u128 => Uint,
        visit_i8: i8 => Int,
        visit_i16: i16 => Int,
        visit_i32: i32 => Int,
        visit_i64: i64 => Int,
        visit_i128: i128 => Int,
    }

    /// Arrays of bytes are taken whole: account ids are most of an answer.
    fn unchecked_decode_as_type<'scale, 'm>(
        self,
        input: &mut &'scale [u8],
        type_id: u32,
        _: &'m Registry,
    ) -> DecodeAsTypeResult<Self, Result<Self::Value<'scale, 'm>, Self::Error>> {
        let Some(len) = self.byte_array(type_id) else { return DecodeAsTypeResult::Skipped(self) };
        let bytes = self.count().and_then(|()| take_bytes(input, len));
        *input = input.get(len..).unwrap_or_default();
        DecodeAsTypeResult::Decoded(bytes)
    }

    fn visit_u256<'m>(self, value: &[u8; 32], _: u32) -> Result<Self::Value<'_, 'm>, Self::Error> {
        self.count()?;
        take_bytes(value, value.len())
    }

    fn visit_str<'scale, 'm>(
        self,
        value: &mut Str<'scale>,
        _: u32,
    ) -> Result<Self::Value<'scale, 'm>, Self::Error> {
        self.count()?;
        Ok(Value::Text(value.as_str()?.to_owned()))
    }

    fn visit_sequence<'scale, 'm>(
        self,
        list: &mut Sequence<'scale, 'm, Registry>,
        type_id: u32,
    ) -> Result<Self::Value<'scale, 'm>, Self::Error> {
        let inside = self.inside()?;
        if self.is_byte_list(type_id) {
            return take_bytes(list.bytes_from_undecoded(), list.remaining());
        }
        gather(|| list.decode_item(inside))
    }

    fn visit_array<'scale, 'm>(
        self,
        list: &mut Array<'scale, 'm, Registry>,
        _: u32,
    ) -> Result<Self::Value<'scale, 'm>, Self::Error> {
        let inside = self.inside()?;
        gather(|| list.decode_item(inside))
    }

    fn visit_tuple<'scale, 'm>(
        self,
        list: &mut Tuple<'scale, 'm, Registry>,
        _: u32,
    ) -> Result<Self::Value<'scale, 'm>, Self::Error> {
        let inside = self.inside()?;
        gather(|| list.decode_item(inside))
    }

    fn visit_composite<'scale, 'm>(
        self,
        fields: &mut Composite<'scale, 'm, Registry>,
        _: u32,
    ) -> Result<Self::Value<'scale, 'm>, Self::Error> {
        self.fields(fields)
    }

    fn visit_variant<'scale, 'm>(
        self,
        case: &mut Variant<'scale, 'm, Registry>,
        _: u32,
    ) -> Result<Self::Value<'scale, 'm>, Self::Error> {
        let name = case.name();
        Ok(Value::Case(name, Box::new(self.fields(case.fields())?)))
    }
}
