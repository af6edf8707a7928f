//! Powers, roots, shifts and factorials: the operations whose results can be huge.
//!
//! Owns their limits (docs/spec/mechanism.md#quirk-7): exact up to [`MOST_BITS`], estimated up to
//! [`HAZARD_BITS`], and a fault beyond that.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::gamma::gamma;
use super::number::Number::{self, Decimal, Exact, Real, Unsigned};
use super::number::{Fault, Fuel, HAZARD_BITS, MOST_BITS};

/// Factorials of larger numbers are estimated; as doubles all of them are infinite.
const LARGEST_EXACT_FACTORIAL: u64 = 700;

/// Factorials of larger numbers are a fault (docs/spec/mechanism.md#quirk-7).
const LARGEST_FACTORIAL: u64 = 1_000_000;

/// `base` to the power `exponent`; a fault if the result is complex.
pub(super) fn power(base: &Number, exponent: &Number) -> Result<Number, Fault> {
    if exponent.is_zero() {
        return Ok(Number::whole(1));
    }
    if *base == Unsigned || *exponent == Unsigned {
        return Err(Fault::NoNumber);
    }
    if base.is_zero() {
        return Ok(match exponent {
            _ if exponent.is_nan() => Real(f64::NAN),
            _ if exponent.is_negative() => Unsigned,
            _ => Number::whole(0),
        });
    }
    if let (Exact(base), Exact(exponent)) = (base, exponent) {
        return if exponent.is_integer() {
            whole_power(base, exponent.numer())
        } else {
            root_power(base, exponent)
        };
    }
    let (low, high) = (base.approximate(), exponent.approximate());
    if low < 0.0 && (high.fract() != 0.0 || high.is_infinite()) {
        return Err(Fault::NoNumber);
    }
    Number::computed(low.powf(high), base, exponent)
}

fn whole_power(base: &BigRational, exponent: &BigInt) -> Result<Number, Fault> {
    if base.is_one() || (base.is_integer() && base.numer().abs().is_one()) {
        let even = (exponent % 2u8).is_zero();
        return Ok(Exact(if even { base.abs() } else { base.clone() }));
    }
    let bits = base.numer().bits().max(base.denom().bits());
    match exponent.to_i32() {
        Some(small) if bits * u64::from(small.unsigned_abs()) <= MOST_BITS => {
            Ok(Number::exact(base.pow(small)))
        }
        Some(large) => estimated_power(base, large),
        None => Err(Fault::OverBound),
    }
}

/// A power with too many bits: its logarithm decides whether it is infinite, zero or a double.
fn estimated_power(base: &BigRational, exponent: i32) -> Result<Number, Fault> {
    let log = logarithm(&base.numer().abs()) - logarithm(base.denom());
    let bits = (base.numer().bits().max(base.denom().bits())) as f64 * f64::from(exponent).abs();
    if HAZARD_BITS < bits {
        return Err(Fault::OverBound);
    }
    let magnitude = match base.abs().to_f64() {
        Some(near) if near.is_finite() && 0.0 < near => near.powi(exponent),
        _ => (log * f64::from(exponent)).exp(),
    };
    let negative = base.is_negative() && exponent % 2 != 0;
    Ok(Decimal(if negative { -magnitude } else { magnitude }))
}

/// The natural logarithm of a positive whole number of any length.
fn logarithm(value: &BigInt) -> f64 {
    let excess = value.bits().saturating_sub(60);
    let top = (value >> excess).to_f64().unwrap_or(f64::NAN);
    top.ln() + excess as f64 * std::f64::consts::LN_2
}

/// A fractional power of a positive fraction: exact if the root is, otherwise a double.
fn root_power(base: &BigRational, exponent: &BigRational) -> Result<Number, Fault> {
    if base.is_negative() {
        return Err(Fault::NoNumber);
    }
    if let Some(degree) = exponent.denom().to_u32().filter(|degree| *degree <= 64)
        && let (Some(top), Some(bottom)) =
            (exact_root(base.numer(), degree), exact_root(base.denom(), degree))
    {
        return whole_power(&BigRational::new(top, bottom), exponent.numer());
    }
    let (base, exponent) = (Number::exact(base.clone()), Number::exact(exponent.clone()));
    Number::computed(base.approximate().powf(exponent.approximate()), &base, &exponent)
}

fn exact_root(value: &BigInt, degree: u32) -> Option<BigInt> {
    let root = value.nth_root(degree);
    (root.pow(degree) == *value).then_some(root)
}

/// `value` shifted left by `count` bits, or right if `count` is negative.
pub(super) fn shift(value: &BigInt, count: &BigInt, left: bool) -> Result<Number, Fault> {
    if count.is_negative() {
        return Err(Fault::NoNumber);
    }
    if value.is_zero() {
        return Ok(Number::whole(0));
    }
    let count = count.to_u64().unwrap_or(u64::MAX);
    if !left && MOST_BITS < count {
        return Ok(Number::whole(if value.is_negative() { -1 } else { 0 }));
    }
    if !left || value.bits().saturating_add(count) <= MOST_BITS {
        let shifted = if left { value << count } else { value >> count };
        return Ok(Exact(BigRational::from_integer(shifted)));
    }
    if HAZARD_BITS < count as f64 {
        return Err(Fault::OverBound);
    }
    Ok(Decimal(if value.is_negative() { f64::NEG_INFINITY } else { f64::INFINITY }))
}

/// The factorial, computed by the gamma function if the number is not whole.
pub(super) fn factorial(value: &Number, fuel: &mut Fuel) -> Result<Number, Fault> {
    match value {
        Exact(whole) if whole.is_integer() => {
            if whole.is_negative() {
                return Ok(Unsigned);
            }
            falling_product(whole.numer(), 1, fuel)
        }
        Unsigned => Err(Fault::NoNumber),
        _ => gamma_at(value, 1.0),
    }
}

/// The gamma function at `value + shift`; a fault at its poles.
pub(super) fn gamma_at(value: &Number, shift: f64) -> Result<Number, Fault> {
    let result = gamma(value.approximate() + shift).ok_or(Fault::NoNumber)?;
    Number::computed(result, value, value)
}

/// The product of every second number down from this one; also defined for odd negative numbers.
pub(super) fn double_factorial(value: &Number, fuel: &mut Fuel) -> Result<Number, Fault> {
    let whole = value.as_whole().ok_or(Fault::NoNumber)?;
    if !whole.is_negative() {
        return falling_product(whole, 2, fuel);
    }
    if (whole % 2u8).is_zero() {
        return Err(Fault::NoNumber);
    }
    let mirrored: BigInt = -whole - 2;
    let product = if mirrored.is_negative() {
        Number::whole(1)
    } else {
        falling_product(&mirrored, 2, fuel)?
    };
    let flips: BigInt = (mirrored + 1) / 2;
    let sign = Number::whole(if (flips % 2u8).is_zero() { 1 } else { -1 });
    sign.divide(&product)
}

/// `value * (value - step) * (value - 2 step) * ...` down to the last positive factor.
fn falling_product(value: &BigInt, step: usize, fuel: &mut Fuel) -> Result<Number, Fault> {
    let top = value.to_u64().filter(|top| *top <= LARGEST_FACTORIAL).ok_or(Fault::OverBound)?;
    if LARGEST_EXACT_FACTORIAL < top {
        return Ok(Decimal(f64::INFINITY));
    }
    fuel.spend(top * 64)?;
    let product = (1..=top).rev().step_by(step).fold(BigInt::one(), |product, next| product * next);
    Ok(Number::exact(BigRational::from_integer(product)))
}
