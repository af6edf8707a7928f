//! UTF-8 text in pieces: decodes what arrives and cuts what is sent, never inside a character
//! (docs/spec/wire.md#streamed-reply and docs/spec/wire.md#axon-duties).

/// What to do with a character that is split over two reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SplitCharacters {
    /// Join the parts. A miner that cuts inside a character is not punished for it.
    #[default]
    Join,
    /// Fail, as the Python dendrites do. The result then depends on how the network groups the
    /// bytes.
    Refuse,
}

/// The bytes can never become UTF-8, or the stream ends inside a character.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("reply is not utf-8 at byte {offset} of the stream")]
pub struct BadUtf8 {
    /// Offset of the offending byte in the whole stream.
    pub offset: u64,
    /// The valid text that precedes it in the same read.
    pub valid: String,
}

/// Decodes a byte stream piece by piece. At most three bytes wait for the rest of a character.
#[derive(Debug, Clone, Default)]
pub struct Utf8Stream {
    pending: Vec<u8>,
    n_decoded: u64,
    split: SplitCharacters,
}

impl Utf8Stream {
    /// A decoder at the start of a stream; `split` says what to do with a split character.
    pub fn new(split: SplitCharacters) -> Self {
        Self { split, ..Self::default() }
    }

    /// Decodes the next bytes and returns the characters that they complete.
    ///
    /// # Errors
    /// The bytes are not UTF-8. The decoder must not be used afterwards.
    pub fn push(&mut self, bytes: &[u8]) -> Result<String, BadUtf8> {
        self.pending.extend_from_slice(bytes);
        let (n_valid, fatal) = match std::str::from_utf8(&self.pending) {
            Ok(text) => (text.len(), false),
            Err(error) => (error.valid_up_to(), error.error_len().is_some()),
        };
        let rest = self.pending.split_off(n_valid);
        let valid = into_text(std::mem::replace(&mut self.pending, rest));
        self.n_decoded += n_valid as u64;
        if fatal || (self.split == SplitCharacters::Refuse && !self.pending.is_empty()) {
            return Err(BadUtf8 { offset: self.n_decoded, valid });
        }
        Ok(valid)
    }

    /// Ends the stream and checks that no character is incomplete.
    ///
    /// # Errors
    /// The last character is incomplete.
    pub fn finish(self) -> Result<(), BadUtf8> {
        if self.pending.is_empty() {
            return Ok(());
        }
        Err(BadUtf8 { offset: self.n_decoded, valid: String::new() })
    }
}

/// The caller has checked the bytes; the fallback only avoids a panic.
fn into_text(checked: Vec<u8>) -> String {
    String::from_utf8(checked)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Cuts `text` into pieces of at most `max_bytes`, each of whole characters. A character wider
/// than `max_bytes` makes a piece of its own.
pub fn pieces(text: &str, max_bytes: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let mut cut = max_bytes.min(rest.len());
        while !rest.is_char_boundary(cut) {
            cut -= 1;
        }
        let (piece, tail) = rest.split_at(cut.max(first.len_utf8()));
        rest = tail;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn split_characters_are_joined_or_refused() {
        let mut joined = Utf8Stream::new(SplitCharacters::Join);
        assert_eq!(joined.push(b"caf\xc3").unwrap(), "caf");
        assert_eq!(joined.push(b"\xa9").unwrap(), "é");
        joined.finish().unwrap();

        let mut refused = Utf8Stream::new(SplitCharacters::Refuse);
        let error = refused.push(b"caf\xc3").unwrap_err();
        assert_eq!(error, BadUtf8 { offset: 3, valid: "caf".into() });
    }

    #[test]
    fn garbage_and_unfinished_ends_are_errors() {
        let mut stream = Utf8Stream::default();
        assert_eq!(stream.push(b"Hello ").unwrap(), "Hello ");
        assert_eq!(stream.push(b"a\xff").unwrap_err(), BadUtf8 { offset: 7, valid: "a".into() });

        let mut stream = Utf8Stream::default();
        assert_eq!(stream.push(&[0xf0, 0x9f]).unwrap(), "");
        assert_eq!(stream.finish().unwrap_err().offset, 0);
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_text(text in any::<String>(), n_bytes in 1..7usize) {
            let mut stream = Utf8Stream::default();
            let mut out = String::new();
            for read in text.as_bytes().chunks(n_bytes) {
                out.push_str(&stream.push(read).unwrap());
            }
            stream.finish().unwrap();
            prop_assert_eq!(out, text);
        }

        #[test]
        fn any_bytes_never_panic(reads in proptest::collection::vec(any::<Vec<u8>>(), 0..5)) {
            let mut stream = Utf8Stream::default();
            for read in reads {
                if stream.push(&read).is_err() {
                    break;
                }
            }
        }

        #[test]
        fn pieces_join_to_the_text(text in any::<String>(), max_bytes in 0..9usize) {
            let all: Vec<&str> = pieces(&text, max_bytes).collect();
            prop_assert_eq!(all.concat(), text.as_str());
            let fits = |piece: &&str| piece.len() <= max_bytes || piece.chars().count() == 1;
            prop_assert!(all.iter().all(fits));
        }
    }
}
