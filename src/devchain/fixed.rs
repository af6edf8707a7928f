//! The runtime's fixed-point number I32F32 and its operations (docs/spec/yuma.md#numbers).
//!
//! Every operation saturates and none panics. Products are rounded down, quotients towards zero,
//! and division by zero gives zero. The runtime uses I64F64 only where it converts a quotient to
//! I32F32 at once; [`I32F32::from_ratio`] gives the converted value directly.

use std::iter::Sum;
use std::ops::{Add, Div, Mul, Sub};

const FRACTION_BITS: u32 = 32;

/// A signed number with 32 integer and 32 fractional bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct I32F32(i64);

impl I32F32 {
    /// The number 0.
    pub const ZERO: Self = Self(0);
    /// The number 1.
    pub const ONE: Self = Self(1 << FRACTION_BITS);
    /// 65,535, the denominator of u16 scores.
    const U16_MAX: Self = Self((u16::MAX as i64) << FRACTION_BITS);

    /// The number `raw` / 2^32.
    pub const fn from_raw(raw: i64) -> Self {
        Self(raw)
    }

    /// The number times 2^32, as an integer.
    pub const fn raw(self) -> i64 {
        self.0
    }

    /// `numerator` / `denominator` rounded down; 0 for a denominator of 0.
    pub fn from_ratio(numerator: u64, denominator: u128) -> Self {
        let raw = (u128::from(numerator) << FRACTION_BITS).checked_div(denominator);
        Self(i64::try_from(raw.unwrap_or(0)).unwrap_or(i64::MAX))
    }

    /// A u16 score divided by 65,535.
    pub fn from_u16_share(value: u16) -> Self {
        Self::from(value) / Self::U16_MAX
    }

    /// The share as a u16 score of 65,535, rounded down and clamped.
    pub fn to_u16_share(self) -> u16 {
        let floored = (self * Self::U16_MAX).0 >> FRACTION_BITS;
        u16::try_from(floored.max(0)).unwrap_or(u16::MAX)
    }

    /// This share of `rao`, rounded down; 0 for a negative share.
    pub fn of_rao(self, rao: u64) -> u64 {
        let share = (i128::from(self.0.max(0)) * i128::from(rao)) >> FRACTION_BITS;
        u64::try_from(share).unwrap_or(u64::MAX)
    }

    /// Rounds to the nearest integer, halves up, and clamps to u16.
    fn round_to_u16(self) -> u16 {
        let half = Self(1 << (FRACTION_BITS - 1));
        let rounded = (self + half).0 >> FRACTION_BITS;
        u16::try_from(rounded.max(0)).unwrap_or(u16::MAX)
    }

    /// The raw value with 32 more fractional bits, as a dividend.
    fn widened(self) -> i128 {
        i128::from(self.0) << FRACTION_BITS
    }

    fn saturate(raw: i128) -> Self {
        let clamped = raw.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        Self(clamped as i64)
    }
}

impl From<u16> for I32F32 {
    fn from(value: u16) -> Self {
        Self(i64::from(value) << FRACTION_BITS)
    }
}

impl Add for I32F32 {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for I32F32 {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Mul for I32F32 {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self::saturate((i128::from(self.0) * i128::from(other.0)) >> FRACTION_BITS)
    }
}

impl Div for I32F32 {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let quotient = self.widened().checked_div(i128::from(other.0));
        Self::saturate(quotient.unwrap_or(0))
    }
}

impl Sum for I32F32 {
    fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
        values.fold(Self::ZERO, Add::add)
    }
}

/// Scales `values` so that the largest becomes 65,535, rounded to nearest, as the runtime does
/// before it stores weights (docs/spec/chain.md#weights-checks). All zeros stay zeros.
pub fn max_upscale(values: &[u16]) -> Vec<u16> {
    let largest = values.iter().copied().max().unwrap_or(0);
    let divisor = I32F32::from(largest);
    let scale = |value: u16| {
        // Above 32,768 the product would overflow I32F32, so the runtime divides first.
        if largest > 32_768 {
            I32F32::from(value) * (I32F32::U16_MAX / divisor)
        } else {
            I32F32::from(value) * I32F32::U16_MAX / divisor
        }
    };
    values.iter().map(|v| scale(*v).round_to_u16()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::testing::vector_json;

    fn u16s(value: &Value) -> Vec<u16> {
        serde_json::from_value(value.clone()).unwrap()
    }

    #[test]
    fn upscaling_matches_the_runtime() {
        let file: Value = vector_json("chain/vectors/yuma.json");
        let cases = file["set_weights_upscale"].as_array().unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            assert_eq!(max_upscale(&u16s(&case["input"])), u16s(&case["output"]));
        }
    }

    #[test]
    fn products_go_down_and_quotients_towards_zero() {
        let third = I32F32::ONE / I32F32::from(3);
        assert_eq!(third.raw(), (1 << 32) / 3);
        let minus_third = (I32F32::ZERO - I32F32::ONE) / I32F32::from(3);
        assert_eq!(minus_third.raw(), -((1 << 32) / 3));
        let smallest = I32F32::from_raw(-1);
        assert_eq!(smallest * third, I32F32::from_raw(-1));
        assert_eq!(I32F32::ONE / I32F32::ZERO, I32F32::ZERO);
        assert_eq!(I32F32::from_ratio(1, 0), I32F32::ZERO);
    }

    #[test]
    fn a_half_of_the_largest_score_is_kappa() {
        assert_eq!(I32F32::from_u16_share(u16::MAX), I32F32::ONE);
        assert_eq!(I32F32::from_u16_share(32_767).to_u16_share(), 32_766);
        assert_eq!(I32F32::ONE.to_u16_share(), u16::MAX);
        assert_eq!(I32F32::ONE.of_rao(u64::MAX), u64::MAX);
    }

    proptest! {
        #[test]
        fn no_operation_panics(a: i64, b: i64, rao: u64, whole: u128) {
            let (x, y) = (I32F32::from_raw(a), I32F32::from_raw(b));
            let _ = (x + y, x - y, x * y, x / y, x.to_u16_share(), x.of_rao(rao));
            let _ = (I32F32::from_ratio(rao, whole), x.round_to_u16());
        }

        #[test]
        fn upscaling_keeps_order_and_tops_out(values in proptest::collection::vec(any::<u16>(), 1..50)) {
            let scaled = max_upscale(&values);
            if values.iter().any(|v| *v != 0) {
                prop_assert_eq!(scaled.iter().copied().max(), Some(u16::MAX));
            }
            for i in 1..values.len() {
                prop_assert_eq!(values[i - 1] <= values[i], scaled[i - 1] <= scaled[i]);
            }
        }
    }
}
