//! How the body of a reply is packed: unpacks gzip and deflate as the SDK's client does, though this
//! node asks for neither (docs/spec/wire.md#odd-replies).
//!
//! A few bytes can unpack to very many, so the caller says how many it takes.

use std::borrow::Cow;

use flate2::{Crc, Decompress, FlushDecompress, Status};

/// Longest head of a gzip member, in bytes: it may hold a name and a comment.
const MAX_MEMBER_HEAD_BYTES: usize = 8 * 1024;

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Coding {
    /// The body is the text, whatever the header says.
    #[default]
    Plain,
    /// RFC 1952, one member after another.
    Gzip,
    /// RFC 1950, or bare RFC 1951.
    Deflate,
}

impl Coding {
    /// The coding that a header names; `None` for one that cannot be unpacked. Like the SDK's
    /// client, takes an unknown word for plain text.
    pub fn named(header: &[u8]) -> Option<Self> {
        match header.trim_ascii().to_ascii_lowercase().as_slice() {
            b"gzip" => Some(Self::Gzip),
            b"deflate" => Some(Self::Deflate),
            b"br" | b"zstd" => None,
            _ => Some(Self::Plain),
        }
    }
}

/// Why a body cannot be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// The bytes do not have the coding that the head states.
    #[error("the body does not have the content coding that its head states")]
    Garbled,
    /// The text is longer than the caller takes.
    #[error("the unpacked text is too long")]
    TooLarge,
}

/// Unpacks a body in pieces.
#[derive(Debug)]
pub struct Unpacker(Kind);

#[derive(Debug)]
enum Kind {
    Plain,
    Gzip(Box<Members>),
    /// `None` until the first byte tells whether the stream has a head.
    Deflate(Option<Inflater>),
}

impl Unpacker {
    /// An unpacker for one body.
    pub fn new(coding: Coding) -> Self {
        Self(match coding {
            Coding::Plain => Kind::Plain,
            Coding::Gzip => Kind::Gzip(Box::default()),
            Coding::Deflate => Kind::Deflate(None),
        })
    }

    /// What the next bytes of the body unpack to, at most `n_max` bytes if they are packed.
    ///
    /// # Errors
    /// The bytes do not unpack, or to more; the unpacker must not be used afterwards.
    pub fn push<'a>(
        &mut self,
        bytes: &'a [u8],
        n_max: usize,
    ) -> Result<Cow<'a, [u8]>, UnpackError> {
        let mut text = Text { bytes: Vec::new(), n_max };
        match (&mut self.0, bytes.first()) {
            (Kind::Plain, _) | (_, None) => return Ok(bytes.into()),
            (Kind::Gzip(members), _) => members.push(bytes, &mut text)?,
            (Kind::Deflate(inflater), Some(first)) => {
                let inflater = inflater.get_or_insert_with(|| Inflater::new(first & 15 == 8));
                if !inflater.push(bytes, &mut text)?.is_empty() {
                    return Err(UnpackError::Garbled);
                }
            }
        }
        Ok(text.bytes.into())
    }

    /// Whether the body ended before its coding did. Like the SDK's client, does not ask this of
    /// gzip.
    pub fn is_cut(&self) -> bool {
        matches!(&self.0, Kind::Deflate(Some(inflater)) if !inflater.is_done)
    }
}

/// What one push unpacks to, and how long it may become.
struct Text {
    bytes: Vec<u8>,
    n_max: usize,
}

/// The members of a gzip body, one after another.
#[derive(Debug, Default)]
struct Members {
    part: MemberPart,
    /// The bytes of a head or of a checksum that is still incomplete.
    pending: Vec<u8>,
    crc: Crc,
}

#[derive(Debug, Default)]
enum MemberPart {
    #[default]
    Head,
    Data(Inflater),
    Checksum,
}

impl Members {
    fn push(&mut self, mut bytes: &[u8], text: &mut Text) -> Result<(), UnpackError> {
        while !bytes.is_empty() {
            let n_before = self.pending.len();
            bytes = match &mut self.part {
                MemberPart::Head => {
                    self.pending.extend_from_slice(bytes);
                    let Some(n_head) = member_head(&self.pending)? else { return Ok(()) };
                    self.pending.clear();
                    self.part = MemberPart::Data(Inflater::new(false));
                    &bytes[n_head - n_before..]
                }
                MemberPart::Data(inflater) => {
                    let n_text = text.bytes.len();
                    let rest = inflater.push(bytes, text)?;
                    self.crc.update(&text.bytes[n_text..]);
                    if inflater.is_done {
                        self.part = MemberPart::Checksum;
                    }
                    rest
                }
                MemberPart::Checksum => {
                    let (mine, rest) = bytes.split_at(bytes.len().min(8 - n_before));
                    self.pending.extend_from_slice(mine);
                    if self.pending.len() == 8 {
                        self.end_member()?;
                    }
                    rest
                }
            };
        }
        Ok(())
    }

    fn end_member(&mut self) -> Result<(), UnpackError> {
        let expected = [self.crc.sum().to_le_bytes(), self.crc.amount().to_le_bytes()];
        if self.pending != expected.concat() {
            return Err(UnpackError::Garbled);
        }
        *self = Self::default();
        Ok(())
    }
}

/// The length of a member's head (RFC 1952, section 2.3); `None` while it is incomplete.
fn member_head(bytes: &[u8]) -> Result<Option<usize>, UnpackError> {
    const BEGINNING: [u8; 3] = [0x1f, 0x8b, 8];
    let begins_well = bytes.iter().zip(BEGINNING).all(|(byte, expected)| *byte == expected);
    let flags = bytes.get(3).copied().unwrap_or_default();
    if !begins_well || flags & 0b1110_0000 != 0 {
        return Err(UnpackError::Garbled);
    }
    match end_of_member_head(bytes, flags) {
        None if MAX_MEMBER_HEAD_BYTES < bytes.len() => Err(UnpackError::Garbled),
        end => Ok(end),
    }
}

fn end_of_member_head(bytes: &[u8], flags: u8) -> Option<usize> {
    let mut end = 10;
    if flags & 4 != 0 {
        let length = bytes.get(end..end + 2)?;
        end += 2 + usize::from(u16::from_le_bytes([length[0], length[1]]));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            end += 1 + bytes.get(end..)?.iter().position(|byte| *byte == 0)?;
        }
    }
    end += if flags & 2 != 0 { 2 } else { 0 };
    (end <= bytes.len()).then_some(end)
}

/// A deflate stream.
#[derive(Debug)]
struct Inflater {
    inner: Decompress,
    is_done: bool,
}

impl Inflater {
    fn new(has_head: bool) -> Self {
        Self { inner: Decompress::new(has_head), is_done: false }
    }

    /// Unpacks up to the end of the stream and returns the rest of the bytes.
    fn push<'a>(&mut self, mut bytes: &'a [u8], text: &mut Text) -> Result<&'a [u8], UnpackError> {
        let mut buffer = [0; 8192];
        while !self.is_done {
            let (n_in, n_out) = (self.inner.total_in(), self.inner.total_out());
            let status = self.inner.decompress(bytes, &mut buffer, FlushDecompress::None);
            let status = status.map_err(|_| UnpackError::Garbled)?;
            let n_in = (self.inner.total_in() - n_in) as usize;
            let n_out = (self.inner.total_out() - n_out) as usize;
            (bytes, self.is_done) = (&bytes[n_in..], status == Status::StreamEnd);
            if text.n_max < text.bytes.len() + n_out {
                return Err(UnpackError::TooLarge);
            }
            text.bytes.extend_from_slice(&buffer[..n_out]);
            if n_in + n_out == 0 {
                break;
            }
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::{DeflateEncoder, ZlibEncoder};
    use flate2::{Compression, GzBuilder};
    use proptest::prelude::*;

    use super::*;

    fn packed(coding: Coding, is_raw: bool, text: &[u8]) -> Vec<u8> {
        let level = Compression::best();
        match coding {
            Coding::Plain => text.to_vec(),
            Coding::Gzip => {
                let head = GzBuilder::new().extra("extra").filename("name").comment("comment");
                let mut encoder = head.write(Vec::new(), level);
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            Coding::Deflate if is_raw => {
                let mut encoder = DeflateEncoder::new(Vec::new(), level);
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
            Coding::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(text).unwrap();
                encoder.finish().unwrap()
            }
        }
    }

    #[test]
    fn what_unpacks_to_more_than_is_taken_is_refused_in_time() {
        let bomb = vec![b'x'; 32 << 20];
        for (coding, is_raw) in
            [(Coding::Gzip, false), (Coding::Deflate, false), (Coding::Deflate, true)]
        {
            let bytes = packed(coding, is_raw, &bomb);
            let mut unpacker = Unpacker::new(coding);
            assert_eq!(unpacker.push(&bytes, 100_000), Err(UnpackError::TooLarge), "{coding:?}");
            let mut unpacker = Unpacker::new(coding);
            assert_eq!(unpacker.push(&bytes, bomb.len()).unwrap().len(), bomb.len(), "{coding:?}");
        }
    }

    proptest! {
        #[test]
        fn pieces_unpack_to_what_was_packed(
            text: Vec<u8>, coding in 0..4, cut in 1_usize..50
        ) {
            let (coding, is_raw) = [
                (Coding::Plain, false),
                (Coding::Gzip, false),
                (Coding::Deflate, false),
                (Coding::Deflate, true),
            ][coding as usize];
            let mut unpacker = Unpacker::new(coding);
            let mut unpacked = Vec::new();
            for piece in packed(coding, is_raw, &text).chunks(cut) {
                unpacked.extend_from_slice(&unpacker.push(piece, text.len()).unwrap());
            }
            prop_assert_eq!(unpacked, text);
            prop_assert!(!unpacker.is_cut());
        }

        #[test]
        fn any_bytes_unpack_or_are_refused(bytes: Vec<u8>, is_gzip: bool) {
            let coding = if is_gzip { Coding::Gzip } else { Coding::Deflate };
            if let Ok(text) = Unpacker::new(coding).push(&bytes, 1000) {
                prop_assert!(text.len() <= 1000);
            }
        }
    }
}
