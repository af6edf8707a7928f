//! The names that an expression may use as values, and those that it may not use as unknowns.

use std::f64::consts::E;
use std::sync::LazyLock;

use num_bigint::BigInt;
use num_rational::BigRational;

use super::number::Number;

/// The value of a named constant; `None` for any other name, including the imaginary unit.
pub(super) fn constant(name: &str) -> Option<Number> {
    Some(match name {
        "pi" => Number::turn(BigRational::from_integer(BigInt::from(1))),
        "E" => Number::Real(E),
        "oo" => Number::Real(f64::INFINITY),
        "nan" => Number::Real(f64::NAN),
        "zoo" => Number::Unsigned,
        "EulerGamma" => Number::Real(0.577_215_664_901_532_9),
        "GoldenRatio" => Number::Real(1.618_033_988_749_895),
        "Catalan" => Number::Real(0.915_965_594_177_219),
        "TribonacciConstant" => Number::Real(1.839_286_755_214_161_2),
        _ => return None,
    })
}

/// The value of a member of the registry `S`, the only name that has members.
pub(super) fn member(name: &str) -> Option<Number> {
    Some(match name {
        "Zero" => Number::whole(0),
        "One" => Number::whole(1),
        "NegativeOne" => Number::whole(-1),
        "Half" => Number::exact(BigRational::new(BigInt::from(1), BigInt::from(2))),
        "Pi" => return constant("pi"),
        "Exp1" => return constant("E"),
        "Infinity" => return constant("oo"),
        "NegativeInfinity" => Number::Real(f64::NEG_INFINITY),
        "NaN" => return constant("nan"),
        "ComplexInfinity" => return constant("zoo"),
        "EulerGamma" | "GoldenRatio" | "Catalan" | "TribonacciConstant" => return constant(name),
        _ => return None,
    })
}

/// Whether a name means something other than a number to the reference, so that it is neither an
/// unknown nor a value: its functions and types, and Python's keywords. Lists only names that could
/// also be words in a text.
pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.binary_search(&name).is_ok()
}

static RESERVED: LazyLock<Vec<&str>> = LazyLock::new(|| WORDS.split_whitespace().collect());

/// The reserved names, sorted by their bytes.
const WORDS: &str = "\
    Abs Add Adjoint And Array Atom Basic CC Chi Ci Circle Complement Complexes Contains Curve \
    Derivative Dict Domain Dummy EX Ei Eijk Ellipse Eq Equality Equivalent Expr FF False Float \
    Function GF Ge Gt Heaviside ITE Id Identity Idx Implies Indexed Integer Integers Integral \
    Interval Inverse LC LM LT Lambda Le Li Limit Line Lt Matrix Max Min Mod Monomial Mul N Nand \
    Naturals Ne None Nor Not Number O Options Or Order Ordinal Parabola Permanent Piecewise \
    Plane Point Poly Polygon Pow Predicate Product Q QQ Quaternion RR Range Rational Rationals \
    Ray Reals Rel Rem S Segment Set Shi Si Sieve Subs Sum Symbol Trace Transpose Triangle True \
    Tuple Unequality Union Wild Xor Ynm ZZ Znm abs abundance acos acosh acot acoth acsc acsch \
    adjoint all and any apart arg arity as ascii asec asech asin asinh ask assert assuming async \
    atan atanh await banded bell bernoulli beta betainc bin binomial break breakpoint callable \
    cancel capture cartes catalan cbrt ceiling centroid chr class collect comp compile compose \
    composite conjugate content continue cos cosh cot coth csc csch decompose def deg degree del \
    denom diag diff dir div divisors divmod elif else euler eval evaluate except exec exp eye \
    factor factorial factorial2 false ff fibonacci field finally flatten floor for format frac \
    fraction from gcd global globals groebner group harmonic hash hessian hex horner id if im \
    import in input integrate intervals is isolate isprime iter lambda latex lcm len lex limit \
    ln locals log lucas max maximum min minimum next nextprime nonlocal not numer oct ones open \
    or ord ordered partition pass per plot pow prefixes pretty preview prime primitive print \
    prod product public python quo rad raise re reduced refine rem repr residue resultant return \
    rf ring root rootof roots round rsolve sec sech series seterr shape sift sign sin sinc sinh \
    solve sorted sqrt sqrtdenest subfactorial sum symbols take tan tanh test threaded timed \
    together totient trace transpose tribonacci true trunc try use var vectorize while with \
    yield zeros ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_are_sorted_and_no_constants() {
        assert!(RESERVED.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(RESERVED.iter().all(|name| constant(name).is_none()));
    }
}
