//! Reads the bytes of a GGUF file from front to back.

use std::collections::HashMap;

use super::kind::kind_name;
use super::value::{Array, Element, Value};
use super::{GgufDamage, TensorInfo, TensorKind};

/// Least bytes of one metadata entry: an empty key, a type and one byte.
const LEAST_ENTRY_BYTES: usize = 8 + 4 + 1;
/// Least bytes of one tensor's description: an empty name, one dimension, type and offset.
const LEAST_TENSOR_BYTES: usize = 8 + 4 + 8 + 4 + 8;
const ARRAY_ID: u32 = 9;
const DEFAULT_ALIGNMENT: u64 = 32;
const MAX_ALIGNMENT: u64 = 65536;
const MAX_DIMS: u32 = 4;

/// The content that [`parse`] found in a file.
pub(super) struct Parsed<'a> {
    pub(super) metadata: HashMap<&'a str, Value<'a>>,
    pub(super) tensors: HashMap<&'a str, TensorInfo<'a>>,
}

/// Parses a whole file.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed<'_>, GgufDamage> {
    let mut cursor = Cursor { bytes, at: 0 };
    if bytes.get(..4) != Some(b"GGUF") {
        return Err(GgufDamage::NotGguf);
    }
    cursor.take(4, "the magic")?;
    let version = cursor.u32("the version")?;
    if !matches!(version, 2 | 3) {
        return Err(GgufDamage::Version { version });
    }
    let n_tensors = cursor.u64("the tensor count")?;
    let n_entries = cursor.u64("the metadata count")?;
    let n_entries = cursor.count(n_entries, LEAST_ENTRY_BYTES, "metadata entries")?;
    let metadata = read_metadata(&mut cursor, n_entries)?;
    let n_tensors = cursor.count(n_tensors, LEAST_TENSOR_BYTES, "tensors")?;
    let places = (0..n_tensors).map(|_| read_place(&mut cursor)).collect::<Result<Vec<_>, _>>()?;
    let alignment = alignment(&metadata)?;
    let tensors = locate(bytes, cursor.at, alignment, places)?;
    Ok(Parsed { metadata, tensors })
}

/// The description of a tensor, before its bytes are located.
struct Place<'a> {
    name: &'a str,
    dims: Vec<usize>,
    kind: TensorKind,
    offset: u64,
    n_bytes: u64,
}

fn read_metadata<'a>(
    cursor: &mut Cursor<'a>,
    n_entries: usize,
) -> Result<HashMap<&'a str, Value<'a>>, GgufDamage> {
    let mut metadata = HashMap::with_capacity(n_entries.min(1024));
    for _ in 0..n_entries {
        let key = cursor.text("a metadata key")?;
        let value = read_value(cursor, key)?;
        if metadata.insert(key, value).is_some() {
            return Err(GgufDamage::Twice { what: "metadata", name: key.into() });
        }
    }
    Ok(metadata)
}

fn read_value<'a>(cursor: &mut Cursor<'a>, key: &str) -> Result<Value<'a>, GgufDamage> {
    let what = || format!("the value of metadata `{key}`");
    let id = cursor.u32(&what())?;
    if id == ARRAY_ID {
        return read_array(cursor, key).map(Value::Array);
    }
    let element = element(id, key)?;
    let Some(width) = element.width() else {
        return cursor.text(&what()).map(Value::Text);
    };
    let bytes = cursor.take(width as u64, &what())?;
    element.scalar(bytes).ok_or_else(|| GgufDamage::ValueType { key: key.into(), id })
}

fn read_array<'a>(cursor: &mut Cursor<'a>, key: &str) -> Result<Array<'a>, GgufDamage> {
    let what = format!("the elements of metadata `{key}`");
    let element = element(cursor.u32(&what)?, key)?;
    let count = cursor.u64(&what)?;
    let len = cursor.count(count, element.width().unwrap_or(8), &what)?;
    let start = cursor.at;
    match element.width() {
        Some(width) => {
            cursor.take((len as u64).saturating_mul(width as u64), &what)?;
        }
        None => {
            for _ in 0..len {
                cursor.text(&what)?;
            }
        }
    }
    Ok(Array { element, len, bytes: &cursor.bytes[start..cursor.at] })
}

fn element(id: u32, key: &str) -> Result<Element, GgufDamage> {
    Element::from_id(id).ok_or_else(|| GgufDamage::ValueType { key: key.into(), id })
}

fn read_place<'a>(cursor: &mut Cursor<'a>) -> Result<Place<'a>, GgufDamage> {
    let name = cursor.text("a tensor's name")?;
    let what = format!("the description of tensor `{name}`");
    let n_dims = cursor.u32(&what)?;
    if n_dims == 0 || n_dims > MAX_DIMS {
        return Err(GgufDamage::Dimensions { tensor: name.into(), dims: vec![u64::from(n_dims)] });
    }
    let dims = (0..n_dims).map(|_| cursor.u64(&what)).collect::<Result<Vec<_>, _>>()?;
    let id = cursor.u32(&what)?;
    let kind = TensorKind::from_id(id)
        .ok_or_else(|| GgufDamage::TensorKind { tensor: name.into(), kind: kind_name(id) })?;
    let offset = cursor.u64(&what)?;
    let (n_bytes, dims) =
        size(kind, &dims).ok_or_else(|| GgufDamage::Dimensions { tensor: name.into(), dims })?;
    Ok(Place { name, dims, kind, offset, n_bytes })
}

/// Bytes and dimensions of a tensor; `None` if its dimensions are impossible.
fn size(kind: TensorKind, dims: &[u64]) -> Option<(u64, Vec<usize>)> {
    let innermost = *dims.first()?;
    let block_len = kind.block_len() as u64;
    if dims.contains(&0) || !innermost.is_multiple_of(block_len) {
        return None;
    }
    let n_elements = dims.iter().try_fold(1u64, |all, dim| all.checked_mul(*dim))?;
    let n_bytes = (n_elements / block_len).checked_mul(kind.block_bytes() as u64)?;
    let dims = dims.iter().map(|dim| usize::try_from(*dim).ok()).collect::<Option<Vec<_>>>()?;
    Some((n_bytes, dims))
}

fn alignment(metadata: &HashMap<&str, Value<'_>>) -> Result<u64, GgufDamage> {
    let Some(value) = metadata.get("general.alignment") else {
        return Ok(DEFAULT_ALIGNMENT);
    };
    let alignment = value.as_u64().unwrap_or(0);
    if alignment.is_power_of_two() && alignment <= MAX_ALIGNMENT {
        Ok(alignment)
    } else {
        Err(GgufDamage::Alignment { alignment })
    }
}

fn locate<'a>(
    bytes: &'a [u8],
    header_end: usize,
    alignment: u64,
    places: Vec<Place<'a>>,
) -> Result<HashMap<&'a str, TensorInfo<'a>>, GgufDamage> {
    let data_start = (header_end as u64).next_multiple_of(alignment);
    let mut tensors = HashMap::with_capacity(places.len());
    for place in places {
        let tensor = slice(bytes, data_start, alignment, &place)?;
        let info =
            TensorInfo { name: place.name, dims: place.dims, kind: place.kind, bytes: tensor };
        if tensors.insert(place.name, info).is_some() {
            return Err(GgufDamage::Twice { what: "tensor", name: place.name.into() });
        }
    }
    Ok(tensors)
}

fn slice<'a>(
    bytes: &'a [u8],
    data_start: u64,
    alignment: u64,
    place: &Place<'_>,
) -> Result<&'a [u8], GgufDamage> {
    if !place.offset.is_multiple_of(alignment) {
        return Err(GgufDamage::Misaligned {
            tensor: place.name.into(),
            offset: place.offset,
            alignment,
        });
    }
    range(data_start, place).and_then(|range| bytes.get(range)).ok_or_else(|| {
        GgufDamage::OutsideFile {
            tensor: place.name.into(),
            offset: place.offset,
            bytes: place.n_bytes,
        }
    })
}

fn range(data_start: u64, place: &Place<'_>) -> Option<std::ops::Range<usize>> {
    let start = data_start.checked_add(place.offset)?;
    let end = start.checked_add(place.n_bytes)?;
    Some(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
}

/// A position in the file that only moves forward and never past the end.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn take(&mut self, n_bytes: u64, what: &str) -> Result<&'a [u8], GgufDamage> {
        let left = self.left();
        let truncated =
            || GgufDamage::Truncated { what: what.to_owned(), at: self.at, needs: n_bytes, left };
        let n_bytes = usize::try_from(n_bytes).map_err(|_| truncated())?;
        let rest = &self.bytes[self.at..];
        let (taken, _) = rest.split_at_checked(n_bytes).ok_or_else(truncated)?;
        self.at += n_bytes;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], GgufDamage> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64, what)?);
        Ok(array)
    }

    fn u32(&mut self, what: &str) -> Result<u32, GgufDamage> {
        self.array(what).map(u32::from_le_bytes)
    }

    fn u64(&mut self, what: &str) -> Result<u64, GgufDamage> {
        self.array(what).map(u64::from_le_bytes)
    }

    fn text(&mut self, what: &str) -> Result<&'a str, GgufDamage> {
        let length = self.u64(what)?;
        let at = self.at;
        let bytes = self.take(length, what)?;
        std::str::from_utf8(bytes).map_err(|_| GgufDamage::NotText { what: what.to_owned(), at })
    }

    /// `count` as a `usize`, if that many items of at least `least` bytes can still follow.
    fn count(&self, count: u64, least: usize, what: &str) -> Result<usize, GgufDamage> {
        let most = self.left() / least;
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= most)
            .ok_or_else(|| GgufDamage::TooMany { what: what.to_owned(), count, left: self.left() })
    }
}
