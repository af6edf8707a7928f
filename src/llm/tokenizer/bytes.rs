//! The bytes that byte-level tokens stand for.
//!
//! A byte-level vocabulary writes every byte as one printable character: printable Latin-1
//! characters stand for themselves, all other bytes are moved to U+0100 and up, in order.

/// The bytes of every token of a vocabulary, in one allocation.
#[derive(Debug)]
pub(super) struct TokenBytes {
    bytes: Vec<u8>,
    /// Offset at which each token's bytes end.
    ends: Vec<usize>,
}

impl TokenBytes {
    /// Fails with a reason if a token has a character outside the byte alphabet.
    pub(super) fn new(tokens: &[&str], is_control: impl Fn(usize) -> bool) -> Result<Self, String> {
        let mut all = Self { bytes: Vec::new(), ends: Vec::with_capacity(tokens.len()) };
        for (id, token) in tokens.iter().enumerate() {
            if !is_control(id) {
                for character in token.chars() {
                    let byte = byte_of(character)
                        .ok_or_else(|| format!("has {token:?}, which is not a byte-level token"))?;
                    all.bytes.push(byte);
                }
            }
            all.ends.push(all.bytes.len());
        }
        Ok(all)
    }

    /// The bytes of one token; empty for an id outside the vocabulary.
    pub(super) fn get(&self, id: u32) -> &[u8] {
        let id = id as usize;
        let Some(&end) = self.ends.get(id) else {
            return &[];
        };
        let start = id.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..end]
    }

    pub(super) fn n_tokens(&self) -> usize {
        self.ends.len()
    }
}

/// Whether a byte stands for itself.
fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff)
}

/// The byte that a character of the alphabet stands for; `None` for other characters.
fn byte_of(character: char) -> Option<u8> {
    let code = u32::from(character);
    if let Ok(byte) = u8::try_from(code) {
        return is_plain(byte).then_some(byte);
    }
    let idx = usize::try_from(code.checked_sub(0x100)?).ok()?;
    (0..=255u8).filter(|byte| !is_plain(*byte)).nth(idx)
}

/// The character that stands for a byte.
#[cfg(test)]
pub(super) fn character_of(byte: u8) -> char {
    if is_plain(byte) {
        return char::from(byte);
    }
    let n_before = (0..byte).filter(|byte| !is_plain(*byte)).count() as u32;
    char::from_u32(0x100 + n_before).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_maps_every_byte_once() {
        for byte in 0..=255u8 {
            assert_eq!(byte_of(character_of(byte)), Some(byte));
        }
        assert_eq!(byte_of('Ġ'), Some(b' '));
        assert_eq!(byte_of('Ċ'), Some(b'\n'));
        assert_eq!(byte_of(' '), None);
        assert_eq!(byte_of('語'), None);
    }

    #[test]
    fn tokens_are_found_and_foreign_ones_refused() {
        let bytes = TokenBytes::new(&["<s>", "Ġa", "é"], |id| id == 0).unwrap();
        let found: Vec<&[u8]> = (0..4).map(|id| bytes.get(id)).collect();
        assert_eq!(found, [&b""[..], b" a", b"\xe9", b""]);
        assert_eq!(bytes.n_tokens(), 3);
        let error = TokenBytes::new(&["a b"], |_| false).unwrap_err();
        assert_eq!(error, "has \"a b\", which is not a byte-level token");
    }
}
