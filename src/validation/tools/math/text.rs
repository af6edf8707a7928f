//! Formats numbers and terms for problems and solutions.

use rand::{Rng, RngCore};

/// One of `options`, drawn uniformly.
pub(in crate::validation) fn pick<'a, T: ?Sized>(
    rng: &mut dyn RngCore,
    options: &[&'a T],
) -> &'a T {
    options[rng.random_range(0..options.len())]
}

/// One of a problem's wordings, drawn uniformly.
pub(super) fn one_of<const N: usize>(rng: &mut dyn RngCore, wordings: [String; N]) -> String {
    let at = rng.random_range(0..N);
    wordings.into_iter().nth(at).unwrap_or_default()
}

/// A whole number within `low..=high`.
pub(super) fn between(rng: &mut dyn RngCore, low: i64, high: i64) -> i64 {
    rng.random_range(low..=high)
}

/// A whole number within `-high..=high`, but not zero.
pub(super) fn signed(rng: &mut dyn RngCore, high: i64) -> i64 {
    let size = between(rng, 1, high);
    if rng.random() { size } else { -size }
}

/// A coefficient of an unknown: as [`signed`], but neither 1 nor -1.
pub(super) fn factor(rng: &mut dyn RngCore, high: i64) -> i64 {
    let size = between(rng, 2, high);
    if rng.random() { size } else { -size }
}

/// `top / bottom` with this many decimals; halves are rounded away from zero.
pub(super) fn quotient(top: i64, bottom: i64, places: u32) -> String {
    let scale = 10i128.pow(places);
    let (top, bottom) = (i128::from(top) * scale, i128::from(bottom));
    let magnitude = (2 * top.abs() + bottom.abs()) / (2 * bottom.abs());
    let sign = if magnitude != 0 && (top < 0) != (bottom < 0) { "-" } else { "" };
    if places == 0 {
        return format!("{sign}{magnitude}");
    }
    let width = places as usize;
    format!("{sign}{}.{:0width$}", magnitude / scale, magnitude % scale)
}

/// A number of hundredths, as a number with two decimals.
pub(super) fn hundredths(count: i64) -> String {
    quotient(count, 100, 2)
}

/// A number of tenths, as a number with one decimal.
pub(super) fn tenths(count: i64) -> String {
    quotient(count, 10, 1)
}

/// An irrational value rounded to this many decimals.
pub(super) fn rounded(value: f64, places: usize) -> String {
    format!("{value:.places$}")
}

/// One of several ways to ask for two decimals in words, without a digit.
pub(super) fn two_decimals(rng: &mut dyn RngCore) -> &'static str {
    pick(
        rng,
        &[
            "Round to two decimal places.",
            "Give the answer rounded to two decimals.",
            "Please round your answer to two decimal places.",
            "Round the result to the nearest hundredth.",
        ],
    )
}

/// One of several ways to ask for four decimals in words, without a digit.
pub(super) fn four_decimals(rng: &mut dyn RngCore) -> &'static str {
    pick(
        rng,
        &[
            "Round to four decimal places.",
            "Give a decimal rounded to four places.",
            "Please round your answer to four decimals.",
        ],
    )
}

/// A polynomial in `x`, from the highest power to the lowest: `3x^2 - x + 7`.
pub(super) fn polynomial(factors: &[i64]) -> String {
    let mut text = String::new();
    for (at, factor) in factors.iter().enumerate() {
        let power = factors.len() - 1 - at;
        if *factor == 0 {
            continue;
        }
        text.push_str(match (text.is_empty(), *factor < 0) {
            (true, true) => "-",
            (true, false) => "",
            (false, true) => " - ",
            (false, false) => " + ",
        });
        if factor.abs() != 1 || power == 0 {
            text.push_str(&factor.abs().to_string());
        }
        match power {
            0 => {}
            1 => text.push('x'),
            _ => text.push_str(&format!("x^{power}")),
        }
    }
    text
}

/// Numbers separated by commas, with `and` before the last.
pub(super) fn list(items: &[i64]) -> String {
    let texts: Vec<String> = items.iter().map(i64::to_string).collect();
    match texts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// `count` whole numbers within `low..=high`.
pub(super) fn several(rng: &mut dyn RngCore, count: i64, low: i64, high: i64) -> Vec<i64> {
    (0..count).map(|_| between(rng, low, high)).collect()
}

/// The first name of a person, drawn uniformly.
pub(super) fn person(rng: &mut dyn RngCore) -> &'static str {
    pick(
        rng,
        &[
            "Amara", "Bea", "Chen", "Dov", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas",
            "Kofi", "Lena",
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_are_rounded_away_from_zero_at_halves() {
        for (top, bottom, places, expected) in [
            (1, 8, 2, "0.13"),
            (-1, 8, 2, "-0.13"),
            (1, -8, 3, "-0.125"),
            (7, 2, 0, "4"),
            (-1, 300, 2, "0.00"),
            (200, 3, 2, "66.67"),
            (1999, 1000, 2, "2.00"),
        ] {
            assert_eq!(quotient(top, bottom, places), expected);
        }
    }

    #[test]
    fn terms_read_naturally() {
        assert_eq!(polynomial(&[3, -1, 7]), "3x^2 - x + 7");
        assert_eq!(polynomial(&[1, 0, -1]), "x^2 - 1");
        assert_eq!(list(&[1, 2, 3]), "1, 2 and 3");
        assert_eq!(list(&[4]), "4");
        assert_eq!(hundredths(1205), "12.05");
        assert_eq!(tenths(-5), "-0.5");
    }
}
