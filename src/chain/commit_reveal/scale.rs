//! The few SCALE forms that commits are made of: bytes, little-endian integers, and vectors with a
//! compact length. Reading is strict: one encoding for each value, nothing left over.

/// Why bytes are not the expected SCALE encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScaleError {
    /// The bytes end inside a field.
    #[error("the bytes end inside {0}")]
    Truncated(&'static str),
    /// A length is longer than it needs to be, or beyond 32 bits.
    #[error("the length of {0} is not in its shortest form")]
    Length(&'static str),
    /// The hotkey is no 32-byte account id.
    #[error("the hotkey has {0} bytes, not 32")]
    Hotkey(usize),
    /// Bytes follow the last field.
    #[error("{0} bytes follow the last field")]
    Trailing(usize),
}

/// Appends `length` in compact form.
pub(super) fn write_length(out: &mut Vec<u8>, length: usize) {
    match length {
        0..=0x3f => out.push((length as u8) << 2),
        0x40..=0x3fff => out.extend_from_slice(&((length as u16) << 2 | 1).to_le_bytes()),
        0x4000..=0x3fff_ffff => out.extend_from_slice(&((length as u32) << 2 | 2).to_le_bytes()),
        _ => {
            let bytes = (length as u64).to_le_bytes();
            let n_bytes = 8 - (length as u64).leading_zeros() as usize / 8;
            out.push(((n_bytes - 4) as u8) << 2 | 3);
            out.extend_from_slice(&bytes[..n_bytes]);
        }
    }
}

/// Appends a vector of 16-bit numbers: compact length, then each number little endian.
pub(super) fn write_u16s(out: &mut Vec<u8>, values: impl ExactSizeIterator<Item = u16>) {
    write_length(out, values.len());
    out.extend(values.flat_map(u16::to_le_bytes));
}

/// Reads fields off the front of some bytes.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next `length` bytes.
    pub(super) fn bytes(
        &mut self,
        length: usize,
        field: &'static str,
    ) -> Result<&'a [u8], ScaleError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(ScaleError::Truncated(field))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], ScaleError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(ScaleError::Truncated(field))?;
        self.0 = rest;
        Ok(*taken)
    }

    /// A compact length of at most 32 bits, in its shortest form only.
    pub(super) fn length(&mut self, field: &'static str) -> Result<usize, ScaleError> {
        let first = *self.0.first().ok_or(ScaleError::Truncated(field))?;
        let (value, smallest) = match first & 3 {
            0 => (u32::from(self.array::<1>(field)?[0] >> 2), 0),
            1 => (u32::from(u16::from_le_bytes(self.array(field)?) >> 2), 0x40),
            2 => (u32::from_le_bytes(self.array(field)?) >> 2, 0x4000),
            _ if first == 3 => {
                let [_, bytes @ ..] = self.array::<5>(field)?;
                (u32::from_le_bytes(bytes), 0x4000_0000)
            }
            _ => return Err(ScaleError::Length(field)),
        };
        if value < smallest {
            return Err(ScaleError::Length(field));
        }
        usize::try_from(value).map_err(|_| ScaleError::Length(field))
    }

    /// A vector of 16-bit numbers. Takes memory only for what is there.
    pub(super) fn u16s(&mut self, field: &'static str) -> Result<Vec<u16>, ScaleError> {
        let n_bytes = self.length(field)?.checked_mul(2).ok_or(ScaleError::Length(field))?;
        let (pairs, _) = self.bytes(n_bytes, field)?.as_chunks::<2>();
        Ok(pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect())
    }

    /// A 64-bit number.
    pub(super) fn u64(&mut self, field: &'static str) -> Result<u64, ScaleError> {
        self.array(field).map(u64::from_le_bytes)
    }

    /// That nothing is left.
    pub(super) fn end(&self) -> Result<(), ScaleError> {
        if self.0.is_empty() { Ok(()) } else { Err(ScaleError::Trailing(self.0.len())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths with their encodings, from the SCALE specification's rules for compact integers.
    const LENGTHS: [(usize, &[u8]); 7] = [
        (0, &[0x00]),
        (1, &[0x04]),
        (63, &[0xfc]),
        (64, &[0x01, 0x01]),
        (16_383, &[0xfd, 0xff]),
        (16_384, &[0x02, 0x00, 0x01, 0x00]),
        (1 << 30, &[0x03, 0x00, 0x00, 0x00, 0x40]),
    ];

    #[test]
    fn lengths_have_one_form() {
        for (length, bytes) in LENGTHS {
            let mut out = Vec::new();
            write_length(&mut out, length);
            assert_eq!(out, bytes);
            let mut reader = Reader(bytes);
            assert_eq!(reader.length("it"), Ok(length));
            assert_eq!(reader.end(), Ok(()));
            let mut short = Reader(&bytes[..bytes.len() - 1]);
            assert_eq!(short.length("it"), Err(ScaleError::Truncated("it")));
        }
    }

    #[test]
    fn longer_forms_of_a_length_are_refused() {
        for bytes in [
            &[0xfd, 0x00][..],
            &[0xfe, 0xff, 0x00, 0x00],
            &[0x03, 0xff, 0xff, 0xff, 0x3f],
            &[0x07, 0x00, 0x00, 0x00, 0x00, 0x01],
        ] {
            assert_eq!(Reader(bytes).length("it"), Err(ScaleError::Length("it")), "{bytes:?}");
        }
    }
}
