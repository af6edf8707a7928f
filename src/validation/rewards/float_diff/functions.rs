//! The functions that an expression may call, each with one number, since commas were removed.
//!
//! Owns the values that must be exact: angles that are simple fractions of a turn, and whole
//! results.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{FromPrimitive, One, ToPrimitive, Zero};

use super::gamma::log_gamma;
use super::number::Number::{self, Exact, Real, Turn, Unsigned};
use super::number::{Fault, Fuel};
use super::power::{double_factorial, factorial, gamma_at, power};

/// Whether `name` is a function that [`call`] knows.
pub(super) fn is_known(name: &str) -> bool {
    KNOWN.binary_search(&name).is_ok()
}

const KNOWN: [&str; 61] = [
    "Abs",
    "Add",
    "Float",
    "Integer",
    "Max",
    "Min",
    "Mul",
    "N",
    "Number",
    "Rational",
    "S",
    "abs",
    "acos",
    "acosh",
    "acot",
    "acoth",
    "acsc",
    "acsch",
    "asec",
    "asech",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "cbrt",
    "ceiling",
    "conjugate",
    "cos",
    "cosh",
    "cot",
    "coth",
    "csc",
    "csch",
    "deg",
    "exp",
    "expand",
    "factorial",
    "factorial2",
    "floor",
    "frac",
    "gamma",
    "im",
    "ln",
    "log",
    "loggamma",
    "max",
    "min",
    "nsimplify",
    "rad",
    "re",
    "round",
    "sec",
    "sech",
    "sign",
    "simplify",
    "sin",
    "sinh",
    "sqrt",
    "sympify",
    "tan",
    "tanh",
];

/// The value of the function `name` at `x`. A fault outside the function's domain and where the
/// value is complex.
pub(super) fn call(name: &str, x: &Number, fuel: &mut Fuel) -> Result<Number, Fault> {
    if *x == Unsigned {
        return Err(Fault::NoNumber);
    }
    match name {
        "Add" | "Max" | "Min" | "Mul" | "N" | "Number" | "S" | "conjugate" | "expand" | "max"
        | "min" | "nsimplify" | "re" | "simplify" | "sympify" => Ok(x.clone()),
        "Float" => Ok(Number::Decimal(x.approximate())),
        "Rational" => rational(x),
        "Integer" => truncate(x),
        "im" => Ok(Number::whole(0)),
        "abs" | "Abs" => Ok(if x.is_negative() { x.negate() } else { x.clone() }),
        "sign" => sign(x),
        "floor" => x.floor(),
        "ceiling" => Ok(x.negate().floor()?.negate()),
        "frac" => x.add(&x.floor()?.negate()),
        "round" => round(x),
        "sqrt" => power(x, &fraction(1, 2)),
        "cbrt" => power(x, &fraction(1, 3)),
        "deg" => x.multiply(&Number::whole(180))?.divide(&half_turns(1, 1)),
        "rad" => x.multiply(&half_turns(1, 180)),
        "factorial" => factorial(x, fuel),
        "factorial2" => double_factorial(x, fuel),
        "gamma" => gamma_function(x, fuel),
        "loggamma" => numeric(x, |value| log_gamma(value).unwrap_or(f64::NAN)),
        _ => transcendental(name, x),
    }
}

fn transcendental(name: &str, x: &Number) -> Result<Number, Fault> {
    match name {
        "exp" => exponential(x),
        "ln" | "log" => logarithm(x),
        "sin" => wave(x, &fraction(-1, 2)),
        "cos" => wave(x, &Number::whole(0)),
        "tan" => wave(x, &fraction(-1, 2))?.divide(&wave(x, &Number::whole(0))?),
        "cot" => wave(x, &Number::whole(0))?.divide(&wave(x, &fraction(-1, 2))?),
        "sec" => Number::whole(1).divide(&wave(x, &Number::whole(0))?),
        "csc" => Number::whole(1).divide(&wave(x, &fraction(-1, 2))?),
        "asin" => arc(x, f64::asin, &[(-2, -1, 2), (-1, -1, 6), (1, 1, 6), (2, 1, 2)]),
        "acos" => arc(x, f64::acos, &[(-2, 1, 1), (-1, 2, 3), (0, 1, 2), (1, 1, 3)]),
        "atan" => arc(x, f64::atan, &[(-2, -1, 4), (2, 1, 4)]),
        "asec" => transcendental("acos", &inverse(x)?),
        "acsc" => transcendental("asin", &inverse(x)?),
        "acot" if x.is_zero() => Ok(half_turns(1, 2)),
        "acot" => transcendental("atan", &inverse(x)?),
        _ => hyperbolic(name, x),
    }
}

fn hyperbolic(name: &str, x: &Number) -> Result<Number, Fault> {
    match name {
        "sinh" => numeric(x, f64::sinh),
        "cosh" => numeric(x, f64::cosh),
        "tanh" => numeric(x, f64::tanh),
        "coth" => inverse(&numeric(x, f64::tanh)?),
        "sech" => inverse(&numeric(x, f64::cosh)?),
        "csch" => inverse(&numeric(x, f64::sinh)?),
        "asinh" => numeric(x, f64::asinh),
        "acosh" => numeric(x, f64::acosh),
        "atanh" => numeric(x, f64::atanh),
        "acoth" => numeric(&inverse(x)?, f64::atanh),
        "asech" => numeric(&inverse(x)?, f64::acosh),
        "acsch" => numeric(&inverse(x)?, f64::asinh),
        _ => Err(Fault::NoNumber),
    }
}

/// Applies a function on doubles. If it returns NaN, the value is complex, which is a fault; 0 and
/// 1 stay exact.
fn numeric(x: &Number, function: impl Fn(f64) -> f64) -> Result<Number, Fault> {
    let value = function(x.approximate());
    if value.is_nan() && !x.is_nan() {
        return Err(Fault::NoNumber);
    }
    if matches!(x, Exact(_)) && (value == 0.0 || value == 1.0) {
        return Ok(Number::whole(if value == 0.0 { 0 } else { 1 }));
    }
    let result = Number::computed(value, x, x)?;
    // An infinity from a finite number is an overflow, except at a pole.
    Ok(match result {
        Real(value) if value.is_infinite() && x.approximate().abs() > 1.0 && is_finite(x) => {
            Number::Decimal(value)
        }
        other => other,
    })
}

fn is_finite(x: &Number) -> bool {
    x.approximate().is_finite()
}

fn exponential(x: &Number) -> Result<Number, Fault> {
    numeric(x, f64::exp)
}

fn logarithm(x: &Number) -> Result<Number, Fault> {
    if x.is_zero() {
        return Ok(Unsigned);
    }
    numeric(x, f64::ln)
}

fn inverse(x: &Number) -> Result<Number, Fault> {
    Number::whole(1).divide(x)
}

fn fraction(top: i64, bottom: i64) -> Number {
    Exact(BigRational::new(BigInt::from(top), BigInt::from(bottom)))
}

fn half_turns(top: i64, bottom: i64) -> Number {
    Number::turn(BigRational::new(BigInt::from(top), BigInt::from(bottom)))
}

fn rational(x: &Number) -> Result<Number, Fault> {
    match x {
        Turn(_) => Err(Fault::NoNumber),
        Real(value) if value.is_finite() => Err(Fault::NoNumber),
        other => Ok(other.clone()),
    }
}

fn truncate(x: &Number) -> Result<Number, Fault> {
    if !is_finite(x) {
        return Err(Fault::NoNumber);
    }
    if x.is_negative() { Ok(x.negate().floor()?.negate()) } else { x.floor() }
}

fn sign(x: &Number) -> Result<Number, Fault> {
    if x.is_nan() {
        return Ok(x.clone());
    }
    let direction = if x.is_negative() { -1 } else { 1 };
    Ok(Number::whole(if x.is_zero() { 0 } else { direction }))
}

/// Rounds to the nearest whole number, halves to the even one.
fn round(x: &Number) -> Result<Number, Fault> {
    match x {
        Exact(value) => {
            let two = BigInt::from(2);
            let low = value.floor();
            let rest = value - &low;
            let half = BigRational::new(BigInt::one(), two.clone());
            let up = rest > half || (rest == half && !(low.numer() % two).is_zero());
            Ok(Exact(if up { low + BigRational::one() } else { low }))
        }
        _ if is_finite(x) => BigInt::from_f64(x.approximate().round_ties_even())
            .map(|whole| Exact(BigRational::from_integer(whole)))
            .ok_or(Fault::NoNumber),
        _ => Err(Fault::NoNumber),
    }
}

/// The gamma function; exact if its argument is whole.
fn gamma_function(x: &Number, fuel: &mut Fuel) -> Result<Number, Fault> {
    match x.as_whole() {
        Some(_) => factorial(&x.add(&Number::whole(-1))?, fuel),
        None => gamma_at(x, 0.0),
    }
}

/// The cosine of `x` plus `shift` half turns, so that one rule serves sine and cosine.
fn wave(x: &Number, shift: &Number) -> Result<Number, Fault> {
    let sine = !shift.is_zero();
    let turn = match x {
        Turn(multiple) => multiple.clone(),
        Exact(zero) if zero.is_zero() => zero.clone(),
        _ => return numeric(x, if sine { f64::sin } else { f64::cos }),
    };
    let Exact(shift) = shift else {
        return Err(Fault::NoNumber);
    };
    let two = BigRational::from_integer(BigInt::from(2));
    let angle = turn + shift;
    let angle = &angle - (&angle / &two).floor() * &two;
    cosine_of_turn(&angle)
}

/// The cosine of `angle` times pi, for an angle in 0..=2: exact at every sixth of a turn and every
/// quarter.
fn cosine_of_turn(angle: &BigRational) -> Result<Number, Fault> {
    let sixths = angle * BigRational::from_integer(BigInt::from(6));
    let exact = match sixths.is_integer().then(|| sixths.to_i64()).flatten() {
        Some(0) => Some((1, 1)),
        Some(2 | 10) => Some((1, 2)),
        Some(3 | 9) => Some((0, 1)),
        Some(4 | 8) => Some((-1, 2)),
        Some(6) => Some((-1, 1)),
        _ => None,
    };
    if let Some((top, bottom)) = exact {
        return Ok(fraction(top, bottom));
    }
    // Near a zero, the sine is more exact.
    let angle = angle.to_f64().ok_or(Fault::NoNumber)?;
    Ok(Real(if angle < 1.0 {
        ((0.5 - angle) * std::f64::consts::PI).sin()
    } else {
        ((angle - 1.5) * std::f64::consts::PI).sin()
    }))
}

/// An inverse function that is exact at some halves: `(halves, top, bottom)` says that its value at
/// that many halves is `top / bottom` half turns.
fn arc(
    x: &Number,
    function: impl Fn(f64) -> f64,
    exact: &[(i64, i64, i64)],
) -> Result<Number, Fault> {
    if let Exact(value) = x {
        let doubled = value * BigRational::from_integer(BigInt::from(2));
        let halves = doubled.is_integer().then(|| doubled.to_i64()).flatten();
        let known = exact.iter().find(|(at, _, _)| Some(*at) == halves);
        if let Some((_, top, bottom)) = known {
            return Ok(half_turns(*top, *bottom));
        }
    }
    numeric(x, function)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_functions_are_sorted_and_all_answer() {
        assert!(KNOWN.windows(2).all(|pair| pair[0] < pair[1]));
        for name in KNOWN {
            let answers = [fraction(1, 2), Number::whole(1), Number::whole(3)]
                .iter()
                .any(|x| call(name, x, &mut Fuel::full()).is_ok());
            assert!(answers, "{name}");
        }
        assert_eq!(call("eval", &Number::whole(1), &mut Fuel::full()), Err(Fault::NoNumber));
    }
}
