//! The answer that carries metadata: an `Option` of bytes whose type no metadata tells.

/// The metadata in the answer of `Metadata_metadata_at_version`: `None` where the runtime has not
/// that version, or where the bytes are no such answer.
pub fn metadata_of_answer(answer: &[u8]) -> Option<&[u8]> {
    let (1, rest) = answer.split_first().map(|(&flag, rest)| (flag, rest))? else { return None };
    let (len, rest) = compact(rest)?;
    (rest.len() == len).then_some(rest)
}

/// A compact length of at most four bytes, and what follows it.
fn compact(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let width = match bytes.first()? & 0b11 {
        0b00 => 1,
        0b01 => 2,
        0b10 => 4,
        _ => return None,
    };
    let (head, rest) = bytes.split_at_checked(width)?;
    let mut word = [0; 4];
    word[..width].copy_from_slice(head);
    Some(((u32::from_le_bytes(word) >> 2) as usize, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_each_width_are_read() {
        for len in [0usize, 63, 64, 16_383, 16_384, 300_000] {
            let word = (len as u32) << 2;
            let head = match len {
                0..64 => vec![word as u8],
                64..16_384 => (word as u16 | 1).to_le_bytes().to_vec(),
                _ => (word | 2).to_le_bytes().to_vec(),
            };
            let answer = [vec![1], head, vec![7; len]].concat();
            assert_eq!(metadata_of_answer(&answer), Some(vec![7; len].as_slice()), "{len}");
            assert_eq!(metadata_of_answer(&answer[..answer.len() - 1]), None, "{len}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for answer in [&[][..], &[0], &[1], &[2, 0], &[1, 3, 0, 0, 0], &[1, 4], &[1, 0, 9]] {
            assert_eq!(metadata_of_answer(answer), None, "{answer:?}");
        }
    }
}
