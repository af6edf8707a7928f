//! The chunked framing (RFC 9112, section 7.1), byte by byte.

use super::ReplyError;

/// Most bytes of chunk extensions and of leading zeros in a whole reply.
pub(super) const MAX_SIDE_BYTES: usize = 16 * 1024;
/// Most bytes of trailers; the SDK's client accepts as many in one line.
pub(super) const MAX_TRAILER_BYTES: usize = 8190;

/// Reads chunks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Chunks {
    pub(super) part: Part,
    /// While the size is read, its value so far; then the bytes of the chunk that are still
    /// missing.
    left: u64,
    has_digits: bool,
    n_side_bytes: usize,
    n_trailer_bytes: usize,
}

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Part {
    #[default]
    Size,
    /// White space after the size.
    SizeSpace,
    /// The first byte of an extension, which may not be empty.
    ExtensionStart,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    LastLf,
    End,
}

impl Chunks {
    /// Consumes bytes up to the end of the body and returns the rest.
    ///
    /// # Errors
    /// The bytes are not chunks.
    pub(super) fn push<'a>(
        &mut self,
        mut bytes: &'a [u8],
        body: &mut Vec<u8>,
    ) -> Result<&'a [u8], ReplyError> {
        while self.part != Part::End {
            let Some((&byte, rest)) = bytes.split_first() else { return Ok(&[]) };
            if self.part == Part::Data {
                let n_left = usize::try_from(self.left).unwrap_or(usize::MAX);
                let (mine, rest) = bytes.split_at(n_left.min(bytes.len()));
                body.extend_from_slice(mine);
                self.left -= mine.len() as u64;
                if self.left == 0 {
                    self.part = Part::DataCr;
                }
                bytes = rest;
            } else {
                self.part = self.step(byte).ok_or(ReplyError::Chunks)?;
                bytes = rest;
            }
        }
        Ok(bytes)
    }

    /// The part that follows this byte; for bytes outside chunk data.
    fn step(&mut self, byte: u8) -> Option<Part> {
        match (self.part, byte) {
            (Part::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => self.digit(byte),
            (Part::Size | Part::SizeSpace, _) if !self.has_digits => None,
            (Part::Size | Part::SizeSpace, b' ' | b'\t') => self.beside(Part::SizeSpace),
            (Part::Size | Part::SizeSpace, b';') => self.beside(Part::ExtensionStart),
            (Part::Size | Part::SizeSpace | Part::Extension, b'\r') => Some(Part::SizeLf),
            (Part::ExtensionStart | Part::Extension, b'\t' | b' '..=b'~') => {
                self.beside(Part::Extension)
            }
            (Part::SizeLf, b'\n') => Some(self.after_size()),
            (Part::DataCr, b'\r') => Some(Part::DataLf),
            // The SDK's client takes a line end without CR after the data.
            (Part::DataCr | Part::DataLf, b'\n') => Some(self.next_chunk()),
            (Part::TrailerStart, b'\r') => Some(Part::LastLf),
            (Part::LastLf, b'\n') => Some(Part::End),
            (Part::TrailerName, b':') => self.trailer(Part::TrailerValue),
            (Part::TrailerStart | Part::TrailerName, byte) if is_token(byte) => {
                self.trailer(Part::TrailerName)
            }
            (Part::TrailerValue, b'\r') => Some(Part::TrailerLf),
            (Part::TrailerValue, byte) if byte != b'\n' => self.trailer(Part::TrailerValue),
            (Part::TrailerLf, b'\n') => Some(Part::TrailerStart),
            _ => None,
        }
    }

    fn digit(&mut self, byte: u8) -> Option<Part> {
        let digit = char::from(byte).to_digit(16)?;
        self.has_digits = true;
        self.left = self.left.checked_mul(16)?.checked_add(u64::from(digit))?;
        // Without a limit, leading zeros could go on for ever.
        if self.left == 0 { self.beside(Part::Size) } else { Some(Part::Size) }
    }

    fn beside(&mut self, part: Part) -> Option<Part> {
        self.n_side_bytes += 1;
        (self.n_side_bytes <= MAX_SIDE_BYTES).then_some(part)
    }

    fn after_size(&self) -> Part {
        if self.left == 0 { Part::TrailerStart } else { Part::Data }
    }

    fn next_chunk(&mut self) -> Part {
        (self.left, self.has_digits) = (0, false);
        Part::Size
    }

    fn trailer(&mut self, part: Part) -> Option<Part> {
        self.n_trailer_bytes += 1;
        (self.n_trailer_bytes <= MAX_TRAILER_BYTES).then_some(part)
    }
}

/// Whether a header's name may hold this byte (RFC 9110, section 5.6.2).
pub(in crate::synapse) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
