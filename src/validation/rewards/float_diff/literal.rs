//! Plain decimals, parsed as the reference parses text that is not an expression.
//!
//! Owns the sign, underscores, exponents, the named infinities and NaN, and digits of every script.

/// Parses `text` as one decimal number; `None` if it is anything else.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    let trimmed = text.trim_matches(super::is_space);
    let (negative, body) = split_sign(trimmed);
    let magnitude = parse_named(body).or_else(|| decimal(body))?;
    Some(if negative { -magnitude } else { magnitude })
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Parses an infinity or NaN by its name, in any letter case.
pub(super) fn parse_named(body: &str) -> Option<f64> {
    if body.eq_ignore_ascii_case("inf") || body.eq_ignore_ascii_case("infinity") {
        Some(f64::INFINITY)
    } else if body.eq_ignore_ascii_case("nan") {
        Some(f64::NAN)
    } else {
        None
    }
}

/// Parses digits with at most one point and one exponent. An underscore must stand between two
/// digits.
fn decimal(body: &str) -> Option<f64> {
    let first = body.chars().next()?;
    if first != '.' && digit_value(first).is_none() {
        return None;
    }
    let mut plain = String::with_capacity(body.len());
    let mut characters = body.chars().peekable();
    let mut after_digit = false;
    while let Some(character) = characters.next() {
        if let Some(digit) = digit_value(character) {
            plain.push(char::from(digit));
            after_digit = true;
        } else if character == '_' {
            let before_digit = characters.peek().copied().and_then(digit_value).is_some();
            if !(after_digit && before_digit) {
                return None;
            }
        } else if matches!(character, '.' | 'e' | 'E' | '+' | '-') {
            plain.push(character);
            after_digit = false;
        } else {
            return None;
        }
    }
    plain.parse().ok()
}

/// The ASCII digit that `character` stands for in any script; `None` if it is not a digit.
fn digit_value(character: char) -> Option<u8> {
    let code = u32::from(character);
    let zero = *ZEROS.get(ZEROS.partition_point(|zero| *zero <= code).checked_sub(1)?)?;
    u8::try_from(code - zero).ok().filter(|digit| *digit < 10).map(|digit| b'0' + digit)
}

/// The zero of each run of ten decimal digits in Unicode 14, in ascending order.
const ZEROS: [u32; 66] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66,
    0xde6, 0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90,
    0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
    0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650,
    0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50,
    0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_plain_decimal_may_look_like() {
        for (text, expected) in [
            ("12", 12.0),
            (" 12 \n", 12.0),
            ("+1_0.5_0e1", 105.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("-1e-3", -0.001),
            ("1e400", f64::INFINITY),
            ("00279", 279.0),
            ("５０", 50.0),
            ("1２.٣", 12.3),
            ("-iNf", f64::NEG_INFINITY),
            ("INFINITY", f64::INFINITY),
        ] {
            assert_eq!(parse_float(text), Some(expected), "{text:?}");
        }
        assert!(parse_float("NaN").is_some_and(f64::is_nan));
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "", " ", ".", "+", "-", "--1", "1__0", "_1", "1_", "1_.5", "1._5", "1e", "1e+", "e5",
            "1,000", "0x10", "1/2", "abc", "infinit", "½", "1 0", "1.2.3", "1_e5", "²",
        ] {
            assert_eq!(parse_float(text), None, "{text:?}");
        }
    }

    #[test]
    fn zeros_are_in_order_and_apart() {
        assert!(ZEROS.windows(2).all(|pair| pair[0] + 10 <= pair[1]));
    }
}
