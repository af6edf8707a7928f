//! Splits a word into the tokens of an expression.
//!
//! Owns Python's number literals, and the reference's repeating decimals (`0.[3]`). Refuses every
//! character that no accepted expression contains, before any work is done.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Num, Zero};

use super::number::{Fault, Number};

/// One token of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
    Number(Number),
    /// A number times the imaginary unit.
    Imaginary(Number),
    Name(&'a str),
    Operator(Operator),
    /// One or two exclamation marks after a value.
    Factorial {
        double: bool,
    },
    Open,
    Close,
    Dot,
}

/// The unary and binary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Plus,
    Minus,
    Times,
    Divide,
    FloorDivide,
    Modulo,
    Power,
    Invert,
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
}

/// All tokens of `word` up to its comment, or a fault if it cannot be an expression.
pub(super) fn tokens(word: &str) -> Result<Vec<Token<'_>>, Fault> {
    let code = word.split('#').next().unwrap_or_default();
    if code.is_empty() || !code.chars().all(may_occur) {
        return Err(Fault::NoNumber);
    }
    let mut rest = code;
    let mut found = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (token, used) = match first {
            '0'..='9' => number(rest)?,
            '.' if rest[1..].starts_with(|next: char| next.is_ascii_digit()) => number(rest)?,
            _ if starts_name(first) => name(rest),
            _ => symbol(rest)?,
        };
        found.push(token);
        rest = &rest[used..];
    }
    Ok(found)
}

fn may_occur(character: char) -> bool {
    match character {
        '\0'..='\x7f' => {
            character.is_ascii_alphanumeric() || "+-*/%()!~&|<>^._[]".contains(character)
        }
        other => other.is_alphanumeric(),
    }
}

fn starts_name(character: char) -> bool {
    character == '_' || character.is_alphabetic()
}

fn continues_name(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

fn name(rest: &str) -> (Token<'_>, usize) {
    let used = rest.find(|character| !continues_name(character)).unwrap_or(rest.len());
    (Token::Name(&rest[..used]), used)
}

fn symbol(rest: &str) -> Result<(Token<'_>, usize), Fault> {
    use Operator::{
        And, Divide, FloorDivide, Invert, Minus, Modulo, Or, Plus, Power, ShiftLeft, ShiftRight,
        Times, Xor,
    };
    for (text, operator) in [
        ("**", Power),
        ("//", FloorDivide),
        ("<<", ShiftLeft),
        (">>", ShiftRight),
        ("+", Plus),
        ("-", Minus),
        ("*", Times),
        ("/", Divide),
        ("%", Modulo),
        ("~", Invert),
        ("&", And),
        ("|", Or),
        ("^", Xor),
    ] {
        if rest.starts_with(text) {
            return Ok((Token::Operator(operator), text.len()));
        }
    }
    if rest.starts_with('!') {
        let marks = rest.len() - rest.trim_start_matches('!').len();
        let double = marks == 2;
        return if marks <= 2 {
            Ok((Token::Factorial { double }, marks))
        } else {
            Err(Fault::NoNumber)
        };
    }
    match rest.as_bytes().first() {
        Some(b'(') => Ok((Token::Open, 1)),
        Some(b')') => Ok((Token::Close, 1)),
        Some(b'.') => Ok((Token::Dot, 1)),
        _ => Err(Fault::NoNumber),
    }
}

/// Reads the number literal at the start of `rest`, which starts with a digit or with a point and a
/// digit.
fn number(rest: &str) -> Result<(Token<'_>, usize), Fault> {
    if let Some((radix, body)) = prefixed(rest) {
        let used = digits(body, radix, true);
        let whole = (used != 0).then(|| whole(&body[..used], radix)).ok_or(Fault::NoNumber)??;
        return ends(rest, 2 + used, Token::Number(whole));
    }
    let before = digits(rest, 10, false);
    let pointed = rest[before..].starts_with('.');
    let mut used = before;
    if pointed {
        used += 1 + digits(&rest[before + 1..], 10, false);
        if let Some(repeating) = repeating(&rest[..before], &rest[before + 1..used], &rest[used..])
        {
            return repeating.map(|(number, more)| (Token::Number(number), used + more));
        }
    }
    let power = exponent(&rest[used..]);
    used += power;
    let text = rest[..used].replace('_', "");
    let imaginary = rest[used..].starts_with(['j', 'J']);
    if pointed || power != 0 {
        let decimal = Number::Decimal(text.parse().map_err(|_| Fault::NoNumber)?);
        return finish(rest, used, decimal, imaginary);
    }
    if text.starts_with('0') && text.bytes().any(|digit| digit != b'0') && !imaginary {
        return Err(Fault::NoNumber); // Two literals side by side: zeros, then the rest.
    }
    finish(rest, used, whole(&text, 10)?, imaginary)
}

fn finish(
    rest: &str,
    used: usize,
    number: Number,
    imaginary: bool,
) -> Result<(Token<'_>, usize), Fault> {
    if imaginary {
        ends(rest, used + 1, Token::Imaginary(number))
    } else {
        ends(rest, used, Token::Number(number))
    }
}

/// Checks that a literal does not run into a name or another literal.
fn ends<'a>(rest: &str, used: usize, token: Token<'a>) -> Result<(Token<'a>, usize), Fault> {
    if rest[used..].starts_with(continues_name) { Err(Fault::NoNumber) } else { Ok((token, used)) }
}

fn prefixed(rest: &str) -> Option<(u32, &str)> {
    let radix = match rest.as_bytes() {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => return None,
    };
    Some((radix, &rest[2..]))
}

/// Length of the digits at the start of `text`, with single underscores between them, and before
/// them if `leading` is set.
fn digits(text: &str, radix: u32, leading: bool) -> usize {
    let mut end = 0;
    let mut gap = !leading;
    for (at, byte) in text.bytes().enumerate() {
        if char::from(byte).is_digit(radix) {
            end = at + 1;
            gap = false;
        } else if byte == b'_' && !gap {
            gap = true;
        } else {
            break;
        }
    }
    end
}

/// Length of the exponent at the start of `text`; 0 if there is none.
fn exponent(text: &str) -> usize {
    let Some(body) = text.strip_prefix(['e', 'E']) else {
        return 0;
    };
    let unsigned = body.strip_prefix(['+', '-']).unwrap_or(body);
    match digits(unsigned, 10, false) {
        0 => 0,
        used => text.len() - unsigned.len() + used,
    }
}

fn whole(text: &str, radix: u32) -> Result<Number, Fault> {
    let value =
        BigInt::from_str_radix(&text.replace('_', ""), radix).map_err(|_| Fault::NoNumber)?;
    Ok(Number::exact(BigRational::from_integer(value)))
}

/// A decimal whose last digits, in brackets, repeat for ever, and the length of the bracket; `None`
/// if no bracket follows.
fn repeating(before: &str, after: &str, rest: &str) -> Option<Result<(Number, usize), Fault>> {
    let body = rest.strip_prefix('[')?;
    let used = digits(body, 10, false);
    Some(if used != 0 && body[used..].starts_with(']') {
        repeating_value(before, after, &body[..used]).map(|number| (number, used + 2))
    } else {
        Err(Fault::NoNumber)
    })
}

fn repeating_value(before: &str, after: &str, cycle: &str) -> Result<Number, Fault> {
    let parse = |text: &str| -> Result<BigInt, Fault> {
        let plain = format!("0{}", text.replace('_', ""));
        BigInt::from_str_radix(&plain, 10).map_err(|_| Fault::NoNumber)
    };
    let length = |text: &str| text.bytes().filter(|byte| *byte != b'_').count();
    let (start, fraction, repeated) = (parse(before)?, parse(after)?, parse(cycle)?);
    let padded = 1 < length(before) && before.starts_with('0') && !start.is_zero();
    if padded || repeated.is_zero() {
        return Err(Fault::NoNumber);
    }
    let ten = BigInt::from(10);
    let shift = ten.pow(u32::try_from(length(after)).map_err(|_| Fault::OverBound)?);
    let nines = ten.pow(u32::try_from(length(cycle)).map_err(|_| Fault::OverBound)?) - 1;
    let value = BigRational::from_integer(start)
        + BigRational::new(fraction, shift.clone())
        + BigRational::new(repeated, nines * shift);
    Ok(Number::exact(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only_number(word: &str) -> Option<f64> {
        match tokens(word).as_deref() {
            Ok([Token::Number(number)]) => number.finish(),
            _ => None,
        }
    }

    #[test]
    fn literals_are_pythons() {
        for (word, expected) in [
            ("0", 0.0),
            ("000", 0.0),
            ("0_0", 0.0),
            ("42", 42.0),
            ("1_000", 1000.0),
            ("1_000.5", 1000.5),
            ("1_0e1_0", 1e11),
            ("007.5", 7.5),
            ("01e5", 1e5),
            ("1.e5", 1e5),
            (".5", 0.5),
            ("0x_fF", 255.0),
            ("0o17", 15.0),
            ("0B1_0", 2.0),
            ("0.2[1]", 19.0 / 90.0),
            ("5.[12]", 507.0 / 99.0),
            ("0.[03]", 3.0 / 99.0),
            ("5#abc'", 5.0),
        ] {
            assert_eq!(only_number(word), Some(expected), "{word}");
        }
    }

    #[test]
    fn near_literals_are_not() {
        for word in [
            "017", "1__0", "1_", "1_.5", "1._5", "36m", "31th", "303e", "0x", "0xg", "0b2", "08",
            "1.2.3", "1e", "0.[0]", "01.[3]", "1.5.", "#6", "",
        ] {
            assert_eq!(only_number(word), None, "{word}");
        }
    }

    #[test]
    fn foreign_characters_end_it_at_once() {
        for word in ["$5", "5%?", "'5'", "{5}", "x=5", "5;", "3×4", "≈1", "`5`", "5\\", "5 6"] {
            assert_eq!(tokens(word), Err(Fault::NoNumber), "{word}");
        }
    }
}
