//! Amounts of TAO.

use sn1::chain::RAO_PER_TAO;

use crate::settings::value::{Scalar, Shape};

/// An amount of TAO, kept in rao. More than a `u64` of rao holds, eighteen billion TAO, is as much as
/// there can be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tao {
    rao: u64,
}

impl Tao {
    /// So many rao.
    pub const fn from_rao(rao: u64) -> Self {
        Self { rao }
    }

    /// So many whole TAO.
    pub const fn whole(tao: u64) -> Self {
        Self { rao: tao.saturating_mul(RAO_PER_TAO) }
    }

    /// In rao.
    pub const fn rao(self) -> u64 {
        self.rao
    }

    /// In TAO, as near as a float gets.
    pub fn as_f64(self) -> f64 {
        self.rao as f64 / RAO_PER_TAO as f64
    }

    /// Reads TAO with up to nine decimals. `None` is no amount, or more than can be.
    pub fn exact(text: &str) -> Option<Self> {
        let (whole, decimals) = digits(text)?;
        let rao = whole.parse::<u64>().ok()?.checked_mul(RAO_PER_TAO)?.checked_add(decimals)?;
        Some(Self { rao })
    }
}

/// The digits before the point, and what follows it in rao.
fn digits(text: &str) -> Option<(&str, u64)> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    if whole.is_empty() || part.len() > 9 || !is_number(whole) || !is_number(part) {
        return None;
    }
    Some((whole, format!("{part:0<9}").parse().ok()?))
}

impl Scalar for Tao {
    const SHAPE: Shape = Shape::Number;
    const PLACEHOLDER: &'static str = "TAO";

    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let wrong = || "an amount of TAO, such as 5 or 0.25".to_owned();
        match Self::exact(text) {
            Some(amount) => Ok(amount),
            None => digits(text).map(|_| Self { rao: u64::MAX }).ok_or_else(wrong),
        }
    }

    fn text(&self) -> String {
        let (whole, part) = (self.rao / RAO_PER_TAO, self.rao % RAO_PER_TAO);
        let part = format!("{part:09}");
        let decimals = part.trim_end_matches('0');
        if decimals.is_empty() { whole.to_string() } else { format!("{whole}.{decimals}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_nine_decimals() {
        let table = [
            ("1", 1_000_000_000),
            ("0.25", 250_000_000),
            ("0.000000001", 1),
            ("007.5", 7_500_000_000),
        ];
        for (text, rao) in table {
            assert_eq!(Tao::exact(text), Some(Tao::from_rao(rao)), "{text}");
        }
        for text in ["", ".5", "1.0000000001", "-1", "1e3", "99999999999", "1,5"] {
            assert!(Tao::exact(text).is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again_and_a_limit_may_be_higher_than_can_be() {
        for text in ["4096", "0", "0.25", "0.000000001"] {
            assert_eq!(Tao::parse(text).unwrap().text(), text);
        }
        assert_eq!(Tao::parse("1000000000000"), Ok(Tao::from_rao(u64::MAX)));
        assert!(Tao::parse("-1").is_err());
    }
}
