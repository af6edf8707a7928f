//! Character classes and letter case as in the reference validator's runtime.
//!
//! The standard library's classes differ from those in two places: the runtime counts the four
//! information separators as white space, and does not count combining marks and circled letters as
//! word characters. Scores and cleaned references depend on both (docs/spec/mechanism.md#cleaners).

/// White space: the Unicode property, and the information separators `0x1C` to `0x1F`.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// The words of `text`, separated by runs of [`is_space`].
pub(crate) fn words(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// A word character: a letter, a number or the underscore, but not a combining mark.
pub(crate) fn is_word(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    c.is_alphanumeric() && !is_alphabetic_mark(c)
}

/// Title-cases the first character and lower-cases all others; whether a sigma is final depends on
/// the whole piece.
pub(crate) fn capitalize(piece: &str) -> String {
    let Some(first) = piece.chars().next() else {
        return String::new();
    };
    let lower = piece.to_lowercase();
    // Only the final sigma makes the lower case of a character depend on what follows, and both of
    // its forms take the same number of bytes.
    let skipped: usize = first.to_lowercase().map(char::len_utf8).sum();
    let mut out = String::with_capacity(piece.len());
    push_title(first, &mut out);
    out.push_str(lower.get(skipped..).unwrap_or_default());
    out
}

/// Appends the title case of `c`, which is its upper case with these exceptions.
fn push_title(c: char, out: &mut String) {
    match c {
        // Digraphs have a title case of their own.
        'Ǆ'..='ǆ' => out.push('ǅ'),
        'Ǉ'..='ǉ' => out.push('ǈ'),
        'Ǌ'..='ǌ' => out.push('ǋ'),
        'Ǳ'..='ǳ' => out.push('ǲ'),
        // Georgian capitals are used for whole words only.
        '\u{10d0}'..='\u{10ff}' => out.push(c),
        // Greek letters with an iota below keep it below.
        '\u{1f80}'..='\u{1faf}' => out.extend(char::from_u32(u32::from(c) | 8)),
        '\u{1fb3}' | '\u{1fbc}' => out.push('\u{1fbc}'),
        '\u{1fc3}' | '\u{1fcc}' => out.push('\u{1fcc}'),
        '\u{1ff3}' | '\u{1ffc}' => out.push('\u{1ffc}'),
        '\u{1fb2}' | '\u{1fb4}' | '\u{1fb7}' | '\u{1fc2}' | '\u{1fc4}' | '\u{1fc7}'
        | '\u{1ff2}' | '\u{1ff4}' | '\u{1ff7}' => {
            out.extend(c.to_uppercase().map(|c| if c == 'Ι' { '\u{345}' } else { c }));
        }
        // Ligatures: only the first of their letters becomes a capital.
        'ß' | 'և' | '\u{fb00}'..='\u{fb06}' | '\u{fb13}'..='\u{fb17}' => {
            let mut letters = c.to_uppercase();
            out.extend(letters.next());
            out.extend(letters.flat_map(char::to_lowercase));
        }
        _ => out.extend(c.to_uppercase()),
    }
}

/// Whether `c`, known to be alphanumeric, is a mark or a circled letter.
fn is_alphabetic_mark(c: char) -> bool {
    let code = u32::from(c);
    ALPHABETIC_MARKS
        .binary_search_by(|&(first, last)| {
            if last < code {
                std::cmp::Ordering::Less
            } else if first > code {
                std::cmp::Ordering::Greater
            } else {
                std::cmp::Ordering::Equal
            }
        })
        .is_ok()
}

/// Ranges whose alphanumeric characters are marks or circled letters, by Unicode 14. A range may
/// contain characters that are not alphanumeric at all.
#[rustfmt::skip]
const ALPHABETIC_MARKS: &[(u32, u32)] = &[
    (0x345, 0x36F), (0x5B0, 0x5C7), (0x610, 0x61A), (0x64B, 0x65F),
    (0x670, 0x670), (0x6D6, 0x6E4), (0x6E7, 0x6ED), (0x711, 0x711),
    (0x730, 0x73F), (0x7A6, 0x7B0), (0x816, 0x817), (0x81B, 0x823),
    (0x825, 0x827), (0x829, 0x82C), (0x8D4, 0x903), (0x93A, 0x93B),
    (0x93E, 0x94F), (0x955, 0x957), (0x962, 0x963), (0x981, 0x983),
    (0x9BE, 0x9CC), (0x9D7, 0x9D7), (0x9E2, 0x9E3), (0xA01, 0xA03),
    (0xA3E, 0xA51), (0xA70, 0xA71), (0xA75, 0xA83), (0xABE, 0xACC),
    (0xAE2, 0xAE3), (0xAFA, 0xB03), (0xB3E, 0xB57), (0xB62, 0xB63),
    (0xB82, 0xB82), (0xBBE, 0xBCC), (0xBD7, 0xBD7), (0xC00, 0xC04),
    (0xC3E, 0xC56), (0xC62, 0xC63), (0xC81, 0xC83), (0xCBE, 0xCD6),
    (0xCE2, 0xCE3), (0xD00, 0xD03), (0xD3E, 0xD4C), (0xD57, 0xD57),
    (0xD62, 0xD63), (0xD81, 0xD83), (0xDCF, 0xDDF), (0xDF2, 0xDF3),
    (0xE31, 0xE31), (0xE34, 0xE3A), (0xE4D, 0xE4D), (0xEB1, 0xEB1),
    (0xEB4, 0xEBC), (0xECD, 0xECD), (0xF71, 0xF83), (0xF8D, 0xFBC),
    (0x102B, 0x103E), (0x1056, 0x1059), (0x105E, 0x1060), (0x1062, 0x1064),
    (0x1067, 0x106D), (0x1071, 0x1074), (0x1082, 0x108D), (0x108F, 0x108F),
    (0x109A, 0x109D), (0x1712, 0x1713), (0x1732, 0x1733), (0x1752, 0x1753),
    (0x1772, 0x1773), (0x17B6, 0x17C8), (0x1885, 0x1886), (0x18A9, 0x18A9),
    (0x1920, 0x1938), (0x1A17, 0x1A1B), (0x1A55, 0x1A74), (0x1ABF, 0x1B04),
    (0x1B35, 0x1B43), (0x1B80, 0x1B82), (0x1BA1, 0x1BAD), (0x1BE7, 0x1BF1),
    (0x1C24, 0x1C36), (0x1DD3, 0x1DF4), (0x24B6, 0x24E9), (0x2DE0, 0x2DFF),
    (0xA674, 0xA67B), (0xA69E, 0xA69F), (0xA802, 0xA802), (0xA80B, 0xA80B),
    (0xA823, 0xA827), (0xA880, 0xA881), (0xA8B4, 0xA8C5), (0xA8FF, 0xA8FF),
    (0xA926, 0xA92A), (0xA947, 0xA952), (0xA980, 0xA983), (0xA9B4, 0xA9BF),
    (0xA9E5, 0xA9E5), (0xAA29, 0xAA36), (0xAA43, 0xAA43), (0xAA4C, 0xAA4D),
    (0xAA7B, 0xAA7D), (0xAAB0, 0xAAB0), (0xAAB2, 0xAAB4), (0xAAB7, 0xAAB8),
    (0xAABE, 0xAABE), (0xAAEB, 0xAAEF), (0xAAF5, 0xAAF5), (0xABE3, 0xABEA),
    (0xFB1E, 0xFB1E), (0x10376, 0x1037A), (0x10A01, 0x10A0F), (0x10D24, 0x10D27),
    (0x10EAB, 0x10EAC), (0x11000, 0x11002), (0x11038, 0x11045), (0x11073, 0x11074),
    (0x11080, 0x11082), (0x110B0, 0x110C2), (0x11100, 0x11102), (0x11127, 0x11132),
    (0x11145, 0x11146), (0x11180, 0x11182), (0x111B3, 0x111BF), (0x111CE, 0x111CF),
    (0x1122C, 0x1123E), (0x112DF, 0x112E8), (0x11300, 0x11303), (0x1133E, 0x1134C),
    (0x11357, 0x11357), (0x11362, 0x11363), (0x11435, 0x11445), (0x114B0, 0x114C1),
    (0x115AF, 0x115BE), (0x115DC, 0x115DD), (0x11630, 0x11640), (0x116AB, 0x116B5),
    (0x1171D, 0x1172A), (0x1182C, 0x11838), (0x11930, 0x1193C), (0x11940, 0x11940),
    (0x11942, 0x11942), (0x119D1, 0x119DF), (0x119E4, 0x119E4), (0x11A01, 0x11A0A),
    (0x11A35, 0x11A39), (0x11A3B, 0x11A3E), (0x11A51, 0x11A5B), (0x11A8A, 0x11A97),
    (0x11C2F, 0x11C3E), (0x11C92, 0x11CB6), (0x11D31, 0x11D43), (0x11D47, 0x11D47),
    (0x11D8A, 0x11D96), (0x11EF3, 0x11EF6), (0x16F4F, 0x16F4F), (0x16F51, 0x16F92),
    (0x16FF0, 0x16FF1), (0x1BC9E, 0x1BC9E), (0x1E000, 0x1E02A), (0x1E947, 0x1E947),
    (0x1F130, 0x1F189),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_circled_letters_are_no_word_characters() {
        for c in ['a', '_', '7', 'é', '²', '½', 'क', '漢', 'ª'] {
            assert!(is_word(c), "{c} is a word character");
        }
        for c in ['\u{93e}', '\u{94d}', '\u{301}', 'Ⓐ', '-', ' ', '’'] {
            assert!(!is_word(c), "{c} is no word character");
        }
    }

    #[test]
    fn the_table_is_sorted_and_disjoint() {
        assert!(
            ALPHABETIC_MARKS.windows(2).all(|pair| pair[0].0 <= pair[0].1 && pair[0].1 < pair[1].0)
        );
    }

    #[test]
    fn capitals_follow_title_case() {
        let cases = [
            ("", ""),
            ("hELLO World", "Hello world"),
            ("ǆungla", "ǅungla"),
            ("ŉoun", "ʼNoun"),
            ("ßA", "Ssa"),
            ("ﬁNE", "Fine"),
            ("ΟΔΟΣ ΤΕΛΟΣ", "Οδος τελος"),
            ("ΣΑΣ", "Σας"),
            ("İI", "İi"),
            ("ᾳ", "ᾼ"),
            ("ა", "ა"),
        ];
        for (text, expected) in cases {
            assert_eq!(capitalize(text), expected, "{text}");
        }
    }
}
