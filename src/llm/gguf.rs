//! Reads GGUF model files (versions 2 and 3, little-endian).
//!
//! The reader borrows from the bytes of the file and copies only names. It checks every offset and
//! size against the file's length, and every count against the remaining bytes, before it allocates
//! anything: a damaged or hostile file causes a [`GgufError`] that names the file and the damaged
//! part, never a panic. It refuses big-endian files, nested arrays, tensor types without a fixed
//! known layout and files that are split into several parts.

mod dequant;
mod error;
mod kind;
mod read;
mod value;

use std::collections::HashMap;

pub use dequant::dequantize;
pub use error::{GgufDamage, GgufError};
pub use kind::TensorKind;
pub use value::{Array, Value};

/// The place of one tensor in the file and its storage type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo<'a> {
    /// Name of the tensor, such as `blk.0.attn_q.weight`.
    pub name: &'a str,
    /// Dimensions, innermost first: `[576, 1536]` is a row-major matrix of 1536 rows and 576
    /// columns.
    pub dims: Vec<usize>,
    /// How its numbers are stored.
    pub kind: TensorKind,
    /// The stored bytes, checked to lie inside the file and to fit `dims` and `kind`.
    pub bytes: &'a [u8],
}

impl TensorInfo<'_> {
    /// Number of elements, the product of the dimensions.
    pub fn n_elements(&self) -> usize {
        self.dims.iter().product()
    }
}

/// A parsed GGUF file: its metadata and its tensors.
#[derive(Clone, Debug)]
pub struct Gguf<'a> {
    file: String,
    metadata: HashMap<&'a str, Value<'a>>,
    tensors: HashMap<&'a str, TensorInfo<'a>>,
}

impl<'a> Gguf<'a> {
    /// Parses all of `bytes`; `file` is the file name that errors state.
    ///
    /// # Errors
    /// Any damage, see [`GgufDamage`].
    pub fn parse(file: &str, bytes: &'a [u8]) -> Result<Self, GgufError> {
        let parsed = read::parse(bytes).map_err(|damage| GgufError::new(file, damage))?;
        Ok(Self { file: file.to_owned(), metadata: parsed.metadata, tensors: parsed.tensors })
    }

    /// The name of the file, as given to [`Gguf::parse`].
    pub fn file(&self) -> &str {
        &self.file
    }

    /// A metadata value; `None` if the file lacks the key.
    pub fn value(&self, key: &str) -> Option<&Value<'a>> {
        self.metadata.get(key)
    }

    /// The tensors, in no particular order.
    pub fn tensors(&self) -> impl Iterator<Item = &TensorInfo<'a>> {
        self.tensors.values()
    }

    /// Whether the file has a tensor called `name`.
    pub fn has_tensor(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The tensor called `name`.
    ///
    /// # Errors
    /// [`GgufDamage::MissingTensor`] if the file has no such tensor.
    pub fn tensor(&self, name: &str) -> Result<&TensorInfo<'a>, GgufError> {
        self.tensors
            .get(name)
            .ok_or_else(|| self.error(GgufDamage::MissingTensor { name: name.into() }))
    }

    /// A required text value.
    ///
    /// # Errors
    /// The key is missing or holds another type.
    pub fn text(&self, key: &str) -> Result<&'a str, GgufError> {
        match self.required(key)? {
            Value::Text(text) => Ok(text),
            _ => Err(self.wrong_type(key, "a text")),
        }
    }

    /// A required non-negative integer, whatever its width in the file.
    ///
    /// # Errors
    /// The key is missing, holds another type, or a number too large for `T`.
    pub fn integer<T: TryFrom<u64>>(&self, key: &str) -> Result<T, GgufError> {
        self.required(key)?
            .as_u64()
            .and_then(|wide| T::try_from(wide).ok())
            .ok_or_else(|| self.wrong_type(key, "a non-negative integer"))
    }

    /// Like [`Gguf::integer`], but `None` if the key is missing.
    ///
    /// # Errors
    /// The key holds another type, or a number too large for `T`.
    pub fn optional_integer<T: TryFrom<u64>>(&self, key: &str) -> Result<Option<T>, GgufError> {
        self.value(key).map(|_| self.integer(key)).transpose()
    }

    /// A required floating-point number.
    ///
    /// # Errors
    /// The key is missing or holds another type.
    pub fn float(&self, key: &str) -> Result<f64, GgufError> {
        match self.required(key)? {
            Value::F32(number) => Ok(f64::from(*number)),
            Value::F64(number) => Ok(*number),
            _ => Err(self.wrong_type(key, "a floating-point number")),
        }
    }

    /// A required array of texts, such as the vocabulary.
    ///
    /// # Errors
    /// The key is missing or holds another type.
    pub fn texts(&self, key: &str) -> Result<Vec<&'a str>, GgufError> {
        self.array(key)?.texts().ok_or_else(|| self.wrong_type(key, "an array of texts"))
    }

    /// A required array of integers, such as the token types.
    ///
    /// # Errors
    /// The key is missing or holds another type.
    pub fn integers(&self, key: &str) -> Result<Vec<i64>, GgufError> {
        self.array(key)?.integers().ok_or_else(|| self.wrong_type(key, "an array of integers"))
    }

    /// The error for a metadata value that has the right type but is invalid, for this reason.
    pub fn bad_value(&self, key: &str, reason: impl Into<String>) -> GgufError {
        self.error(GgufDamage::BadValue { key: key.into(), reason: reason.into() })
    }

    /// The error for `damage` in this file.
    pub fn error(&self, damage: GgufDamage) -> GgufError {
        GgufError::new(&self.file, damage)
    }

    fn required(&self, key: &str) -> Result<&Value<'a>, GgufError> {
        self.value(key).ok_or_else(|| self.error(GgufDamage::MissingKey { key: key.into() }))
    }

    fn array(&self, key: &str) -> Result<&Array<'a>, GgufError> {
        match self.required(key)? {
            Value::Array(array) => Ok(array),
            _ => Err(self.wrong_type(key, "an array")),
        }
    }

    fn wrong_type(&self, key: &str, wanted: &'static str) -> GgufError {
        self.error(GgufDamage::WrongType { key: key.into(), wanted })
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
