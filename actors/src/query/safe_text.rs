//! Text from strangers, made safe for a terminal and for lines of JSON.
//!
//! A terminal obeys control characters: escape sequences move the cursor, rename the window or type
//! into the shell. Characters that reorder or hide text can make one answer look like another. All
//! of them are shown as `\u{...}`; line breaks stay, and tabs become spaces.

use std::fmt::Write;

/// Whether a terminal acts on `letter` instead of showing it: control characters of both sets,
/// marks that set the direction, line separators, and characters without width and meaning in
/// prose. The two joiners are allowed, because scripts and emoji need them.
fn acts(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{061c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// `text` with its line breaks, and with everything else that acts on a terminal made visible.
pub(super) fn shown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.replace("\r\n", "\n").chars() {
        match letter {
            '\n' => safe.push('\n'),
            '\t' => safe.push_str("    "),
            letter if acts(letter) => safe.extend(letter.escape_unicode()),
            letter => safe.push(letter),
        }
    }
    safe
}

/// `text` on one line, cut after `most` characters.
pub(super) fn shown_on_a_line(text: &str, most: usize) -> String {
    let mut start: String = text.chars().take(most).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    shown(&start).replace('\n', " ")
}

/// A line of JSON in which everything that acts on a terminal is escaped. JSON allows this within
/// strings, and such characters can be nowhere else.
pub(super) fn escaped_json(line: &str) -> String {
    let mut safe = String::with_capacity(line.len());
    for letter in line.chars() {
        if acts(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(letter);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_made_visible() {
        let table = [
            ("plain, naïve 🐝 日本", "plain, naïve 🐝 日本"),
            ("two\nlines\r\nthree", "two\nlines\nthree"),
            ("a\tb", "a    b"),
            ("\u{1b}[2J\u{1b}]0;title\u{7}", "\\u{1b}[2J\\u{1b}]0;title\\u{7}"),
            ("over\rwritten", "over\\u{d}written"),
            ("\u{9b}31m\u{7f}\u{0}", "\\u{9b}31m\\u{7f}\\u{0}"),
            ("\u{202e}txt.exe\u{2066}", "\\u{202e}txt.exe\\u{2066}"),
            ("a\u{200b}b\u{feff}\u{2028}\u{e0041}", "a\\u{200b}b\\u{feff}\\u{2028}\\u{e0041}"),
            ("👩\u{200d}🔬", "👩\u{200d}🔬"),
        ];
        for (text, safe) in table {
            assert_eq!(shown(text), safe);
        }
    }

    #[test]
    fn one_line_is_one_line_and_not_longer_than_wanted() {
        assert_eq!(shown_on_a_line("a\nb\u{1b}", 9), "a b\\u{1b}");
        assert_eq!(shown_on_a_line("abcdef", 3), "abc…");
        assert_eq!(shown_on_a_line("abc", 3), "abc");
    }

    #[test]
    fn escaped_json_means_the_same_and_acts_on_nothing() {
        let text = "a\u{9b}b\u{202e}c\u{7f}\u{e0041}\u{1b}\n\"\\ü";
        let line = escaped_json(&serde_json::to_string(text).unwrap());
        assert!(!line.chars().any(acts), "{line}");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }
}
