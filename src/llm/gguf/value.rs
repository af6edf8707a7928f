//! Metadata values of a GGUF file.

/// One metadata value, with the type that the file states.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// An unsigned integer of any width.
    Unsigned(u64),
    /// A signed integer of any width.
    Signed(i64),
    /// A single-precision number.
    F32(f32),
    /// A double-precision number.
    F64(f64),
    /// A boolean value.
    Bool(bool),
    /// A text in UTF-8.
    Text(&'a str),
    /// An array without nested arrays.
    Array(Array<'a>),
}

impl Value<'_> {
    /// The value as a non-negative integer; `None` for anything else.
    pub(crate) fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Unsigned(number) => Some(*number),
            Self::Signed(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }
}

/// A metadata array; its elements are parsed on request.
#[derive(Clone, Debug, PartialEq)]
pub struct Array<'a> {
    pub(super) element: Element,
    pub(super) len: usize,
    pub(super) bytes: &'a [u8],
}

impl<'a> Array<'a> {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the array has no elements.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The elements as texts; `None` if they have another type.
    pub fn texts(&self) -> Option<Vec<&'a str>> {
        if self.element != Element::Text {
            return None;
        }
        let mut texts = Vec::with_capacity(self.len);
        let mut rest = self.bytes;
        for _ in 0..self.len {
            let (length, tail) = rest.split_first_chunk::<8>()?;
            let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
            let (text, tail) = tail.split_at_checked(length)?;
            texts.push(std::str::from_utf8(text).ok()?);
            rest = tail;
        }
        Some(texts)
    }

    /// The elements as integers; `None` if they have another type or exceed `i64`.
    pub fn integers(&self) -> Option<Vec<i64>> {
        let width = self.element.width()?;
        self.bytes.chunks_exact(width).map(|bytes| self.element.integer(bytes)).collect()
    }
}

/// The type of a value, by its number in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Bool,
    Text,
    U64,
    I64,
    F64,
}

impl Element {
    pub(super) fn from_id(id: u32) -> Option<Self> {
        Some(match id {
            0 => Self::U8,
            1 => Self::I8,
            2 => Self::U16,
            3 => Self::I16,
            4 => Self::U32,
            5 => Self::I32,
            6 => Self::F32,
            7 => Self::Bool,
            8 => Self::Text,
            10 => Self::U64,
            11 => Self::I64,
            12 => Self::F64,
            _ => return None,
        })
    }

    /// Bytes of one element; `None` for texts, whose length varies.
    pub(super) fn width(self) -> Option<usize> {
        match self {
            Self::U8 | Self::I8 | Self::Bool => Some(1),
            Self::U16 | Self::I16 => Some(2),
            Self::U32 | Self::I32 | Self::F32 => Some(4),
            Self::U64 | Self::I64 | Self::F64 => Some(8),
            Self::Text => None,
        }
    }

    /// Parses a value of fixed width from `bytes`, which must be [`Element::width`] long.
    pub(super) fn scalar<'a>(self, bytes: &[u8]) -> Option<Value<'a>> {
        Some(match self {
            Self::F32 => Value::F32(f32::from_le_bytes(bytes.try_into().ok()?)),
            Self::F64 => Value::F64(f64::from_le_bytes(bytes.try_into().ok()?)),
            Self::Bool => Value::Bool(*bytes.first()? != 0),
            Self::U64 => Value::Unsigned(u64::from_le_bytes(bytes.try_into().ok()?)),
            Self::U8 | Self::U16 | Self::U32 => {
                Value::Unsigned(u64::try_from(self.integer(bytes)?).ok()?)
            }
            Self::I8 | Self::I16 | Self::I32 | Self::I64 => Value::Signed(self.integer(bytes)?),
            Self::Text => return None,
        })
    }

    fn integer(self, bytes: &[u8]) -> Option<i64> {
        Some(match self {
            Self::U8 => i64::from(*bytes.first()?),
            Self::I8 => i64::from(i8::from_le_bytes(bytes.try_into().ok()?)),
            Self::U16 => i64::from(u16::from_le_bytes(bytes.try_into().ok()?)),
            Self::I16 => i64::from(i16::from_le_bytes(bytes.try_into().ok()?)),
            Self::U32 => i64::from(u32::from_le_bytes(bytes.try_into().ok()?)),
            Self::I32 => i64::from(i32::from_le_bytes(bytes.try_into().ok()?)),
            Self::U64 => i64::try_from(u64::from_le_bytes(bytes.try_into().ok()?)).ok()?,
            Self::I64 => i64::from_le_bytes(bytes.try_into().ok()?),
            Self::F32 | Self::F64 | Self::Bool | Self::Text => return None,
        })
    }
}
