//! Numbers as Python reads and writes them in headers: `int()`, `float()` and `repr(float)`.
//!
//! Only ASCII digits count, because a header is Latin-1 and Latin-1 has no other decimal digits.
//! Integers beyond 128 bits are refused although Python has no such limit.

use std::borrow::Cow;

/// `int(text)`: surrounding white space, a sign, leading zeros and single underscores between
/// digits are allowed. `None` where Python raises, or if the number exceeds `i128`.
pub fn parse_int(text: &str) -> Option<i128> {
    let text = text.trim_matches(is_python_space);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = without_underscores(digits)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if text.starts_with('-') { format!("-{digits}").parse().ok() } else { digits.parse().ok() }
}

/// `float(text)`: also `inf`, `infinity` and `nan` in any letter case. `None` where Python raises.
pub fn parse_float(text: &str) -> Option<f64> {
    without_underscores(text.trim_matches(is_python_space))?.parse().ok()
}

/// `repr(number)`: the shortest digits that give the same number, such as `12.0`, `0.75`, `9e-05`,
/// `1e+16`.
pub fn float_text(number: f64) -> String {
    if !number.is_finite() {
        return if number.is_nan() {
            "nan".to_owned()
        } else {
            (if number > 0.0 { "inf" } else { "-inf" }).to_owned()
        };
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>().unwrap_or(0) {
        -4..=15 => format!("{number:?}"),
        exponent @ ..0 => format!("{mantissa}e-{:02}", -exponent),
        exponent => format!("{mantissa}e+{exponent:02}"),
    }
}

/// The Latin-1 characters that `str.strip()` removes.
fn is_python_space(c: char) -> bool {
    matches!(c, '\t'..='\r' | '\x1c'..='\x20' | '\u{85}' | '\u{a0}')
}

/// The text without its underscores, or `None` if one does not stand between two digits.
fn without_underscores(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('_') {
        return Some(text.into());
    }
    let bytes = text.as_bytes();
    let is_digit =
        |idx: Option<usize>| idx.and_then(|idx| bytes.get(idx)).is_some_and(u8::is_ascii_digit);
    let all_between_digits = bytes
        .iter()
        .enumerate()
        .filter(|&(_, byte)| *byte == b'_')
        .all(|(idx, _)| is_digit(idx.checked_sub(1)) && is_digit(idx.checked_add(1)));
    all_between_digits.then(|| text.replace('_', "").into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers_follow_python() {
        for (text, expected) in [
            ("5", Some(5)),
            (" \t0012\u{a0}", Some(12)),
            ("1_000", Some(1000)),
            ("-0", Some(0)),
            ("+7", Some(7)),
            ("1180591620717411303424", Some(1 << 70)),
            ("", None),
            ("_1", None),
            ("1_", None),
            ("1__0", None),
            ("1.0", None),
            ("+-1", None),
            ("- 1", None),
            ("0x10", None),
            ("\u{b2}", None),
        ] {
            assert_eq!(parse_int(text), expected, "{text:?}");
        }
        assert_eq!(parse_int(&"9".repeat(40)), None);
    }

    #[test]
    fn floats_follow_python() {
        for (text, expected) in [
            ("12.0", Some(12.0)),
            (" 1_0.5e-1 ", Some(1.05)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("1e9", Some(1e9)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("1e999", Some(f64::INFINITY)),
            ("", None),
            (".", None),
            ("abc", None),
            ("1_.0", None),
            ("0x1p3", None),
        ] {
            assert_eq!(parse_float(text), expected, "{text:?}");
        }
        assert!(parse_float("NaN").is_some_and(f64::is_nan));
    }

    #[test]
    fn float_text_is_the_python_repr() {
        for (number, expected) in [
            (12.0, "12.0"),
            (0.75, "0.75"),
            (0.0001, "0.0001"),
            (9e-5, "9e-05"),
            (1.5e-7, "1.5e-07"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.25e100, "1.25e+100"),
            (-0.0, "-0.0"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(float_text(number), expected);
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            let _ = (parse_int(&text), parse_float(&text));
        }

        #[test]
        fn numbers_survive_the_round_trip(int in any::<i128>(), float in any::<f64>()) {
            prop_assert_eq!(parse_int(&int.to_string()), Some(int));
            let back = parse_float(&float_text(float)).unwrap();
            prop_assert!(back == float || (back.is_nan() && float.is_nan()));
        }
    }
}
