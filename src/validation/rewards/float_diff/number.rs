//! The numbers in an expression, with their sums, products and remainders.
//!
//! Owns exactness: whole numbers and fractions stay exact up to [`MOST_BITS`], and so do multiples
//! of pi, since `sin(pi)` must be exactly zero. Everything else is a double that remembers whether
//! it began as a decimal. Powers are in `power`.

use std::fmt::Write;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{FromPrimitive, One, Signed, ToPrimitive, Zero};

/// Exact numbers of more bits than this become doubles, usually infinite ones.
pub(super) const MOST_BITS: u64 = 8192;

/// Whole numbers of more bits than this are not even estimated: the word is not a number
/// (docs/spec/mechanism.md#quirk-7).
pub(super) const HAZARD_BITS: f64 = 1e8;

/// Why an expression has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not a number or not an expression; another way of parsing may still succeed.
    NoNumber,
    /// It needs too much work; no other way of parsing is tried.
    OverBound,
}

/// One number of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Number {
    /// A whole number or a fraction, exact.
    Exact(BigRational),
    /// This multiple of pi; never zero.
    Turn(BigRational),
    /// An irrational value, an infinity or NaN, computed without decimals.
    Real(f64),
    /// A decimal, or a value computed from one; infinite after an overflow.
    Decimal(f64),
    /// An infinity without a sign, such as one over zero.
    Unsigned,
}

use Number::{Decimal, Exact, Real, Turn, Unsigned};

/// The work that one completion may still cause, in steps of about a nanosecond.
#[derive(Debug)]
pub(super) struct Fuel(u64);

impl Fuel {
    /// Enough for any honest text; some milliseconds for the worst.
    pub(super) fn full() -> Self {
        Self(3_000_000)
    }

    /// Uses `steps`. Fails once nothing is left, and always from then on.
    pub(super) fn spend(&mut self, steps: u64) -> Result<(), Fault> {
        self.0 = self.0.saturating_sub(steps);
        if self.0 == 0 { Err(Fault::OverBound) } else { Ok(()) }
    }

    /// Uses the possible cost of one operation on numbers of these sizes: a greatest common
    /// divisor.
    pub(super) fn spend_on(&mut self, left: &Number, right: &Number) -> Result<(), Fault> {
        let bits = left.bits() + right.bits();
        self.spend(8 + bits * bits / 64)
    }
}

impl Number {
    /// The exact whole number `value`.
    pub(super) fn whole(value: i64) -> Self {
        Exact(BigRational::from_integer(BigInt::from(value)))
    }

    /// An exact number, or the nearest double if it has too many bits.
    pub(super) fn exact(value: BigRational) -> Self {
        if value.numer().bits() + value.denom().bits() <= MOST_BITS {
            Exact(value)
        } else {
            Decimal(value.to_f64().unwrap_or(f64::NAN))
        }
    }

    /// `multiple` times pi; exactly zero if `multiple` is zero.
    pub(super) fn turn(multiple: BigRational) -> Self {
        if multiple.is_zero() {
            return Self::whole(0);
        }
        match Self::exact(multiple) {
            Exact(kept) => Turn(kept),
            other => Decimal(other.approximate() * std::f64::consts::PI),
        }
    }

    /// The result of arithmetic on doubles: a decimal if `like` or `also` is one. A NaN from an
    /// overflow is a fault; a NaN from explicit infinities is a value.
    pub(super) fn computed(value: f64, like: &Self, also: &Self) -> Result<Self, Fault> {
        let decimal = matches!(like, Decimal(_)) || matches!(also, Decimal(_));
        if value.is_nan() && !like.is_nan() && !also.is_nan() {
            let overflowed =
                |number: &Self| !matches!(number, Real(_)) && number.approximate().is_infinite();
            if overflowed(like) || overflowed(also) {
                return Err(Fault::NoNumber);
            }
        }
        Ok(if decimal && !value.is_nan() { Decimal(value) } else { Real(value) })
    }

    /// The number as a double; NaN for an infinity without a sign.
    pub(super) fn approximate(&self) -> f64 {
        match self {
            Exact(value) => value.to_f64().unwrap_or(f64::NAN),
            Turn(multiple) => multiple.to_f64().unwrap_or(f64::NAN) * std::f64::consts::PI,
            Real(value) | Decimal(value) => *value,
            Unsigned => f64::NAN,
        }
    }

    /// The number as the final value of a word; `None` for an infinity without a sign.
    pub(super) fn finish(&self) -> Option<f64> {
        (*self != Unsigned).then(|| self.approximate())
    }

    /// Appends a text that equal numbers share and others do not.
    pub(super) fn describe(&self, text: &mut String) {
        // Writing to a string cannot fail.
        let _ = match self {
            Exact(value) => write!(text, "{value}"),
            Turn(multiple) => write!(text, "{multiple}pi"),
            other => write!(text, "{other:?}"),
        };
    }

    pub(super) fn is_nan(&self) -> bool {
        matches!(self, Real(value) | Decimal(value) if value.is_nan())
    }

    /// Whether the value is zero, exact or decimal.
    pub(super) fn is_zero(&self) -> bool {
        match self {
            Exact(value) => value.is_zero(),
            Real(value) | Decimal(value) => *value == 0.0,
            Turn(_) | Unsigned => false,
        }
    }

    pub(super) fn is_negative(&self) -> bool {
        match self {
            Exact(value) | Turn(value) => value.is_negative(),
            Real(value) | Decimal(value) => *value < 0.0,
            Unsigned => false,
        }
    }

    /// The exact whole number; `None` if the number is not exact or not whole.
    pub(super) fn as_whole(&self) -> Option<&BigInt> {
        match self {
            Exact(value) if value.is_integer() => Some(value.numer()),
            _ => None,
        }
    }

    fn bits(&self) -> u64 {
        match self {
            Exact(value) | Turn(value) => value.numer().bits() + value.denom().bits(),
            _ => 1,
        }
    }

    pub(super) fn negate(&self) -> Self {
        match self {
            Exact(value) => Exact(-value),
            Turn(multiple) => Turn(-multiple),
            Real(value) => Real(-value),
            Decimal(value) => Decimal(-value),
            Unsigned => Unsigned,
        }
    }

    pub(super) fn add(&self, other: &Self) -> Result<Self, Fault> {
        match (self, other) {
            (Exact(a), Exact(b)) => Ok(Self::exact(a + b)),
            (Turn(a), Turn(b)) => Ok(Self::turn(a + b)),
            (Unsigned, _) | (_, Unsigned) => Err(Fault::NoNumber),
            _ => {
                let (a, b) = (self.approximate(), other.approximate());
                let sum = a + b;
                if cancels(sum, a, b) && !matches!((self, other), (Decimal(_), _) | (_, Decimal(_)))
                {
                    return Ok(Self::whole(0));
                }
                Self::computed(sum, self, other)
            }
        }
    }

    pub(super) fn multiply(&self, other: &Self) -> Result<Self, Fault> {
        match (self, other) {
            (Exact(a), Exact(b)) => Ok(Self::exact(a * b)),
            (Exact(a), Turn(b)) | (Turn(b), Exact(a)) => Ok(Self::turn(a * b)),
            (Unsigned, _) | (_, Unsigned) => Err(Fault::NoNumber),
            (Exact(zero), other) | (other, Exact(zero))
                if zero.is_zero() && other.approximate().is_finite() =>
            {
                Ok(Self::whole(0))
            }
            _ => Self::computed(self.approximate() * other.approximate(), self, other),
        }
    }

    /// The quotient. Zero over zero is NaN, anything else over zero is an infinity without a sign.
    pub(super) fn divide(&self, other: &Self) -> Result<Self, Fault> {
        if self.is_nan() || other.is_nan() || (self.is_zero() && other.is_zero()) {
            return Ok(Real(f64::NAN));
        }
        match (self, other) {
            (Unsigned, _) => Err(Fault::NoNumber),
            (_, Unsigned) => Ok(Self::whole(0)),
            (_, divisor) if divisor.is_zero() => Ok(Unsigned),
            (Exact(a), Exact(b)) | (Turn(a), Turn(b)) => Ok(Self::exact(a / b)),
            (Turn(a), Exact(b)) => Ok(Self::turn(a / b)),
            (Exact(zero), _) if zero.is_zero() => Ok(Self::whole(0)),
            _ => Self::computed(self.approximate() / other.approximate(), self, other),
        }
    }

    /// The largest whole number not above the quotient. As in the reference, a whole number is
    /// divided by the exact value of a decimal's double, so that `18//0.025` is 719, and a fraction
    /// other than a half is truncated before a whole number divides it.
    pub(super) fn floor_divide(&self, other: &Self) -> Result<Self, Fault> {
        if other.is_zero() {
            return Err(Fault::NoNumber);
        }
        match (self, other) {
            (Exact(a), Exact(b)) if b.is_integer() && !a.is_integer() && !is_half(a) => {
                Ok(Exact((a.trunc() / b).floor()))
            }
            (Exact(whole), Decimal(divisor)) if whole.is_integer() => {
                match BigRational::from_float(*divisor) {
                    Some(divisor) => Ok(Exact((whole / divisor).floor())),
                    None => self.divide(other)?.floor(),
                }
            }
            _ => self.divide(other)?.floor(),
        }
    }

    /// The remainder, with the sign of the divisor.
    pub(super) fn modulo(&self, other: &Self) -> Result<Self, Fault> {
        if other.is_zero() {
            return Err(Fault::NoNumber);
        }
        match (self, other) {
            (Exact(a), Exact(b)) => Ok(Self::exact(a - b * (a / b).floor())),
            (Turn(a), Turn(b)) => Ok(Self::turn(a - b * (a / b).floor())),
            (Unsigned, _) | (_, Unsigned) => Err(Fault::NoNumber),
            (Decimal(a), Decimal(b))
                if a.is_finite() && b.is_finite() && (a / b).fract() == 0.0 =>
            {
                Ok(Decimal(0.0))
            }
            _ => {
                let divisor = other.approximate();
                let rest = self.approximate() % divisor;
                let crosses = rest != 0.0 && (rest < 0.0) != (divisor < 0.0);
                let rest = if crosses { rest + divisor } else { rest };
                let rest = if divisor.is_infinite() { f64::NAN } else { rest };
                Self::computed(rest, self, other)
            }
        }
    }

    /// The largest whole number not above this one; infinities and NaN stay as they are.
    pub(super) fn floor(&self) -> Result<Self, Fault> {
        match self {
            Exact(value) => Ok(Exact(value.floor())),
            Unsigned => Err(Fault::NoNumber),
            Turn(_) | Real(_) => Ok(from_double(settle(self.approximate()).floor())),
            Decimal(value) => Ok(from_double(value.floor())),
        }
    }
}

fn is_half(value: &BigRational) -> bool {
    value.numer().is_one() && *value.denom() == BigInt::from(2)
}

/// The exact whole number that a rounded double holds; infinities and NaN stay doubles.
fn from_double(value: f64) -> Number {
    BigInt::from_f64(value)
        .map_or(Real(value), |whole| Exact(BigRational::new_raw(whole, BigInt::one())))
}

/// Replaces a value that rounding left next to a whole number by that whole number.
fn settle(value: f64) -> f64 {
    let nearest = value.round();
    if (value - nearest).abs() <= 1e-13 * value.abs().max(1.0) { nearest } else { value }
}

/// Whether a sum of exact but irrational terms is rounding noise, and so counts as zero.
fn cancels(sum: f64, a: f64, b: f64) -> bool {
    sum.is_finite() && sum.abs() <= 8.0 * f64::EPSILON * a.abs().max(b.abs())
}
