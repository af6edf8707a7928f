//! The numbers that an expression can stand for, and their sums, products and remainders.
//!
//! Owns exactness: whole numbers and fractions stay exact up to [`MOST_BITS`], and so do multiples
//! of pi, since `sin(pi)` has to be zero and not nearly so. Everything else is a binary double that
//! remembers whether it began as a decimal. Powers live in `power`.

use std::fmt::Write;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{FromPrimitive, One, Signed, ToPrimitive, Zero};

/// Exact numbers of more bits than this become doubles, infinite ones as a rule.
pub(super) const MOST_BITS: u64 = 8192;

/// Whole numbers of more bits than this aren't even estimated: the word is no number
/// (docs/spec/mechanism.md#quirk-7).
pub(super) const HAZARD_BITS: f64 = 1e8;

/// Why an expression has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Not a number, or not an expression: another reading may still succeed.
    NoNumber,
    /// Beyond what we are willing to compute: no other reading is tried.
    OverBound,
}

/// One number of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Number {
    /// A whole number or a fraction.
    Exact(BigRational),
    /// This many times pi; never zero.
    Turn(BigRational),
    /// An irrational value, an infinity or NaN, reached without decimals.
    Real(f64),
    /// A decimal, or something computed from one; infinite when it overflowed.
    Decimal(f64),
    /// Infinite without a sign, as one over zero.
    Unsigned,
}

use Number::{Decimal, Exact, Real, Turn, Unsigned};

/// The work that one completion may cause, in steps of about a nanosecond.
#[derive(Debug)]
pub(super) struct Fuel(u64);

impl Fuel {
    /// Enough for any honest text; some milliseconds of the worst.
    pub(super) fn full() -> Self {
        Self(3_000_000)
    }

    /// Takes `steps` away. Fails once nothing is left, and from then on always.
    pub(super) fn spend(&mut self, steps: u64) -> Result<(), Fault> {
        self.0 = self.0.saturating_sub(steps);
        if self.0 == 0 { Err(Fault::OverBound) } else { Ok(()) }
    }

    /// Takes away what one operation on numbers of these sizes may cost: a greatest common divisor.
    pub(super) fn spend_on(&mut self, left: &Number, right: &Number) -> Result<(), Fault> {
        let bits = left.bits() + right.bits();
        self.spend(8 + bits * bits / 64)
    }
}

impl Number {
    /// The whole number `value`.
    pub(super) fn whole(value: i64) -> Self {
        Exact(BigRational::from_integer(BigInt::from(value)))
    }

    /// An exact number, or the double next to it when it is too long to keep.
    pub(super) fn exact(value: BigRational) -> Self {
        if value.numer().bits() + value.denom().bits() <= MOST_BITS {
            Exact(value)
        } else {
            Decimal(value.to_f64().unwrap_or(f64::NAN))
        }
    }

    /// `multiple` times pi.
    pub(super) fn turn(multiple: BigRational) -> Self {
        if multiple.is_zero() {
            return Self::whole(0);
        }
        match Self::exact(multiple) {
            Exact(kept) => Turn(kept),
            other => Decimal(other.approximate() * std::f64::consts::PI),
        }
    }

    /// The result of arithmetic on doubles: a decimal where `like` or `also` is one. NaN that
    /// stems from an overflow, and not from infinities that were asked for, is no number.
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

    /// The number as the final value of a word; none for an infinity without a sign.
    pub(super) fn finish(&self) -> Option<f64> {
        (*self != Unsigned).then(|| self.approximate())
    }

    /// Writes a text that only an equal number has.
    pub(super) fn describe(&self, text: &mut String) {
        // Writing to a string can't fail.
        let _ = match self {
            Exact(value) => write!(text, "{value}"),
            Turn(multiple) => write!(text, "{multiple}pi"),
            other => write!(text, "{other:?}"),
        };
    }

    pub(super) fn is_nan(&self) -> bool {
        matches!(self, Real(value) | Decimal(value) if value.is_nan())
    }

    /// Zero in value, exact or decimal.
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

    /// The exact whole number this is, if it is one.
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

    /// A quotient. Zero over zero is NaN, anything else over zero is infinite without a sign.
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
    /// divided by exactly what a decimal's double is, so that `18//0.025` is 719, and a fraction
    /// other than a half loses its broken part before a whole number divides it.
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

    /// A remainder with the sign of the divisor.
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

/// The exact whole number that a rounded double is; infinities and NaN stay doubles.
fn from_double(value: f64) -> Number {
    BigInt::from_f64(value)
        .map_or(Real(value), |whole| Exact(BigRational::new_raw(whole, BigInt::one())))
}

/// Takes a value that rounding left next to a whole number to be that whole number.
fn settle(value: f64) -> f64 {
    let nearest = value.round();
    if (value - nearest).abs() <= 1e-13 * value.abs().max(1.0) { nearest } else { value }
}

/// Whether a sum of exact but irrational terms is rounding noise, and so zero.
fn cancels(sum: f64, a: f64, b: f64) -> bool {
    sum.is_finite() && sum.abs() <= 8.0 * f64::EPSILON * a.abs().max(b.abs())
}
