//! An answer as a tree with the metadata's names.
//!
//! Wrappers of one unnamed field (account ids, balances, subnet numbers) are seen through, since
//! runtimes add and rename them while the bytes stay the same. Lists of bytes are kept as bytes.
//! The answer is foreign, and so are the types: depth and number of values are bounded, also of what
//! is skipped, and nothing is set aside for a length that is only claimed.

use std::cell::Cell;

use scale_info::{PortableRegistry, TypeDef, TypeDefPrimitive};
use subxt::ext::codec::{Compact, Decode};
use subxt::ext::scale_decode::visitor::types::{Composite, Str, Tuple, Variant};
use subxt::ext::scale_decode::visitor::{
    DecodeAsTypeResult, DecodeError as ScaleError, Visitor, decode_with_visitor,
};

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
    let mut rest = bytes;
    let value = decode_next(&mut rest, type_id, types, wanted)?;
    if !rest.is_empty() {
        return Err(format!("{} bytes too many", rest.len()));
    }
    Ok(value)
}

/// Reads the type `type_id` from the front of `bytes` and moves past it.
pub(super) fn decode_next<'m>(
    bytes: &mut &[u8],
    type_id: u32,
    types: &'m PortableRegistry,
    wanted: Option<&[&str]>,
) -> Result<Value<'m>, String> {
    let left = Cell::new(MAX_VALUES);
    let reader = Reader { types, wanted, is_kept: true, depth: 0, left: &left };
    decode_with_visitor(bytes, type_id, types, reader).map_err(text)
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
    /// Whether what is read is wanted: else it is walked over under the same bounds.
    is_kept: bool,
    depth: u32,
    left: &'a Cell<u32>,
}

type Visited<'m> = Result<Value<'m>, ReadError>;
type Registry = PortableRegistry;

impl Reader<'_> {
    /// The reader of one more value, one level further down, or an error at a bound. It must come
    /// before the value is begun: of a value that was begun, `scale_decode` walks over the rest,
    /// however deep and long that is.
    fn enter(self) -> Result<Self, ReadError> {
        let left = self.left.get().checked_sub(1).ok_or(ReadError::TooMany)?;
        self.left.set(left);
        let depth = self.depth + 1;
        if depth > MAX_DEPTH { Err(ReadError::TooDeep) } else { Ok(Self { depth, ..self }) }
    }

    fn is_byte(self, type_id: u32) -> bool {
        let found = self.types.resolve(type_id).map(|found| &found.type_def);
        matches!(found, Some(TypeDef::Primitive(TypeDefPrimitive::U8)))
    }

    /// A list or an array, `None` for any other type. `scale_decode` is not asked, because it walks
    /// over the rest of a list after an error.
    fn list<'m>(self, input: &mut &[u8], type_id: u32, types: &'m Registry) -> Option<Visited<'m>> {
        let (item, len) = match &types.resolve(type_id)?.type_def {
            TypeDef::Array(array) => (array.type_param.id, Ok(array.len)),
            TypeDef::Sequence(list) => {
                (list.type_param.id, Compact::<u32>::decode(input).map(|len| len.0))
            }
            _ => return None,
        };
        Some(len.map_err(|error| ScaleError::from(error).into()).and_then(|len| {
            if self.is_byte(item) {
                return self.take_bytes(input, len as usize);
            }
            self.gather((0..len).map(|_| decode_with_visitor(input, item, types, self)))
        }))
    }

    fn fields<'m>(self, fields: &mut Composite<'_, 'm, Registry>) -> Visited<'m> {
        if fields.remaining() == 1 && fields.peek_name().is_none() {
            return fields.decode_item(self).unwrap_or(Ok(Value::List(Vec::new())));
        }
        if fields.remaining() == 0 || fields.has_unnamed_fields() {
            return self.gather(std::iter::from_fn(|| fields.decode_item(self)));
        }
        let mut record = Vec::new();
        while let Some(name) = fields.peek_name() {
            let is_wanted = self.wanted.is_none_or(|wanted| wanted.contains(&name));
            let is_kept = self.is_kept && is_wanted;
            let reader = Self { wanted: None, is_kept, ..self };
            let value = fields.decode_item(reader).transpose()?;
            record.extend(value.filter(|_| is_kept).map(|value| (name, value)));
        }
        Ok(Value::Record(record))
    }

    fn gather<'m>(self, values: impl Iterator<Item = Visited<'m>>) -> Visited<'m> {
        let mut list = Vec::new();
        for value in values {
            let value = value?;
            if self.is_kept {
                list.push(value);
            }
        }
        Ok(Value::List(list))
    }

    fn take_bytes(self, input: &mut &[u8], len: usize) -> Result<Value<'static>, ReadError> {
        let (bytes, rest) = input.split_at_checked(len).ok_or(ScaleError::NotEnoughInput)?;
        *input = rest;
        Ok(Value::Bytes(if self.is_kept { bytes.to_vec() } else { Vec::new() }))
    }
}

macro_rules! numbers {
    ($($visit:ident: $type:ty => $case:ident,)*) => {$(
        fn $visit<'scale, 'm>(self, value: $type, _: u32) -> Result<Self::Value<'scale, 'm>, Self::Error> {
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

    /// Every value passes here before it is begun.
    fn unchecked_decode_as_type<'scale, 'm>(
        self,
        input: &mut &'scale [u8],
        type_id: u32,
        types: &'m Registry,
    ) -> DecodeAsTypeResult<Self, Result<Self::Value<'scale, 'm>, Self::Error>> {
        let reader = match self.enter() {
            Ok(reader) => reader,
            Err(error) => return DecodeAsTypeResult::Decoded(Err(error)),
        };
        match reader.list(input, type_id, types) {
            Some(list) => DecodeAsTypeResult::Decoded(list),
            None => DecodeAsTypeResult::Skipped(reader),
        }
    }

    fn visit_u256<'m>(self, value: &[u8; 32], _: u32) -> Result<Self::Value<'_, 'm>, Self::Error> {
        self.take_bytes(&mut value.as_slice(), value.len())
    }

    fn visit_str<'scale, 'm>(
        self,
        value: &mut Str<'scale>,
        _: u32,
    ) -> Result<Self::Value<'scale, 'm>, Self::Error> {
        Ok(Value::Text(if self.is_kept { value.as_str()?.to_owned() } else { String::new() }))
    }

    fn visit_tuple<'scale, 'm>(
        self,
        list: &mut Tuple<'scale, 'm, Registry>,
        _: u32,
    ) -> Result<Self::Value<'scale, 'm>, Self::Error> {
        self.gather(std::iter::from_fn(|| list.decode_item(self)))
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
