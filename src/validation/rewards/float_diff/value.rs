//! Values that may contain unknowns, so that unknown words can cancel: `win-win` is 0, `x/x` is 1.
//!
//! Owns just enough algebra for that: sums of products of whole powers. The imaginary unit is also
//! an unknown, whose fourth power is one. Anything more complex becomes an unknown that is named by
//! its own text. Does not solve, expand or factor.

use std::collections::BTreeMap;
use std::fmt::Write;

use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive};

use super::number::{Fault, Number};
use super::power::power;

/// The name of the imaginary unit; no other unknown can have it.
const IMAGINARY: &str = "I";

/// Sums of more terms, and names of more bytes, are a fault.
const MOST_TERMS: usize = 32;
const LONGEST_NAME: usize = 512;

/// Unknowns with their powers, which are never zero.
type Product = BTreeMap<String, i64>;

/// The value of an expression or of a part of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A value without unknowns.
    Number(Number),
    /// A sum of products with their factors. At least one product contains an unknown.
    Sum(Vec<(Product, Number)>),
}

impl Value {
    /// The unknown called `name`.
    pub(super) fn unknown(name: &str) -> Self {
        Self::Sum(vec![(Product::from([(name.to_owned(), 1)]), Number::whole(1))])
    }

    /// The imaginary unit.
    pub(super) fn imaginary() -> Self {
        Self::unknown(IMAGINARY)
    }

    /// An unknown that stands for `name` applied to `parts`.
    pub(super) fn opaque(name: &str, parts: &[&Self]) -> Result<Self, Fault> {
        let mut text = format!("{name}(");
        for part in parts {
            part.describe(&mut text);
            text.push(';');
            if LONGEST_NAME < text.len() {
                return Err(Fault::NoNumber);
            }
        }
        Ok(Self::unknown(&text))
    }

    /// The number, or a fault if the value contains an unknown.
    pub(super) fn number(&self) -> Result<&Number, Fault> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Sum(_) => Err(Fault::NoNumber),
        }
    }

    /// Appends a text that equal values share and others do not.
    fn describe(&self, text: &mut String) {
        match self {
            Self::Number(number) => number.describe(text),
            Self::Sum(terms) => {
                for (product, factor) in terms {
                    factor.describe(text);
                    for (name, exponent) in product {
                        // Writing to a string cannot fail.
                        let _ = write!(text, "*{name}^{exponent}");
                    }
                    text.push('+');
                }
            }
        }
    }

    fn into_terms(self) -> Vec<(Product, Number)> {
        match self {
            Self::Number(number) => vec![(Product::new(), number)],
            Self::Sum(terms) => terms,
        }
    }

    /// Merges equal products, drops zero terms and sorts, so that equal sums have the same form.
    fn collect(terms: Vec<(Product, Number)>) -> Result<Self, Fault> {
        let mut sum: BTreeMap<Product, Number> = BTreeMap::new();
        for (product, factor) in terms {
            if factor.is_nan() {
                return Ok(Self::Number(factor));
            }
            let joined = match sum.remove(&product) {
                Some(known) => known.add(&factor)?,
                None => factor,
            };
            if !joined.is_zero() {
                sum.insert(product, joined);
            }
        }
        if MOST_TERMS < sum.len() {
            return Err(Fault::NoNumber);
        }
        Ok(match sum.len() {
            0 => Self::Number(Number::whole(0)),
            1 if sum.contains_key(&Product::new()) => {
                Self::Number(sum.remove(&Product::new()).ok_or(Fault::NoNumber)?)
            }
            _ => Self::Sum(sum.into_iter().collect()),
        })
    }

    pub(super) fn negate(self) -> Self {
        match self {
            Self::Number(number) => Self::Number(number.negate()),
            Self::Sum(terms) => {
                Self::Sum(terms.into_iter().map(|(name, factor)| (name, factor.negate())).collect())
            }
        }
    }

    pub(super) fn add(self, other: Self) -> Result<Self, Fault> {
        if let (Self::Number(a), Self::Number(b)) = (&self, &other) {
            return a.add(b).map(Self::Number);
        }
        let mut terms = self.into_terms();
        terms.extend(other.into_terms());
        Self::collect(terms)
    }

    pub(super) fn multiply(self, other: Self) -> Result<Self, Fault> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.multiply(&b).map(Self::Number),
            (Self::Number(factor), sum) | (sum, Self::Number(factor)) => sum.scale(&factor),
            (left, right) if left.is_complex() && right.is_complex() => left.distribute(&right),
            (left, right) => {
                let (left_product, left_factor) = left.single()?;
                let (right_product, right_factor) = right.single()?;
                multiply_terms(&left_product, &left_factor, &right_product, &right_factor)
                    .and_then(|term| Self::collect(vec![term]))
            }
        }
    }

    fn scale(self, factor: &Number) -> Result<Self, Fault> {
        let scaled: Result<_, _> = self
            .into_terms()
            .into_iter()
            .map(|(product, old)| Ok((product, old.multiply(factor)?)))
            .collect();
        Self::collect(scaled?)
    }

    /// Whether the imaginary unit is the only unknown.
    fn is_complex(&self) -> bool {
        match self {
            Self::Number(_) => true,
            Self::Sum(terms) => {
                terms.iter().all(|(product, _)| product.keys().all(|name| name == IMAGINARY))
            }
        }
    }

    fn distribute(self, other: &Self) -> Result<Self, Fault> {
        let right = other.clone().into_terms();
        let mut terms = Vec::new();
        for (left_product, left_factor) in self.into_terms() {
            for (right_product, right_factor) in &right {
                terms.push(multiply_terms(
                    &left_product,
                    &left_factor,
                    right_product,
                    right_factor,
                )?);
            }
        }
        Self::collect(terms)
    }

    /// This value as one product: a longer sum becomes an unknown of its own.
    fn single(self) -> Result<(Product, Number), Fault> {
        let whole = match self {
            Self::Sum(terms) if terms.len() == 1 => terms,
            other => Self::opaque("", &[&other])?.into_terms(),
        };
        whole.into_iter().next().ok_or(Fault::NoNumber)
    }

    pub(super) fn divide(self, other: Self) -> Result<Self, Fault> {
        if let (Self::Number(a), Self::Number(b)) = (&self, &other) {
            return a.divide(b).map(Self::Number);
        }
        match other {
            Self::Number(number) => self.scale(&Number::whole(1).divide(&number)?),
            sum => self.multiply(sum.raise_whole(-1)?),
        }
    }

    fn raise_whole(self, exponent: i64) -> Result<Self, Fault> {
        let (product, factor) = self.single()?;
        let raised: Option<Product> = product
            .into_iter()
            .map(|(name, old)| Some((name, old.checked_mul(exponent)?)))
            .collect();
        let factor = power(&factor, &Number::whole(exponent))?;
        Self::collect(vec![reduce(raised.ok_or(Fault::NoNumber)?, factor)?])
    }

    /// This value to a power. An even root of a negative fraction is imaginary.
    pub(super) fn power(self, exponent: Self) -> Result<Self, Fault> {
        match (self, exponent) {
            (_, Self::Number(zero)) if zero.is_zero() => Ok(Self::Number(Number::whole(1))),
            (Self::Number(base), Self::Number(exponent)) => match halves(&base, &exponent) {
                Some(turns) => Self::Number(power(&base.negate(), &exponent)?)
                    .multiply(Self::imaginary().raise_whole(turns)?),
                None => power(&base, &exponent).map(Self::Number),
            },
            (Self::Number(one), Self::Sum(_)) if one == Number::whole(1) => Ok(Self::Number(one)),
            (base, Self::Number(exponent)) if exponent.as_whole().is_some() => {
                let times = exponent.as_whole().and_then(ToPrimitive::to_i64);
                base.raise_whole(times.ok_or(Fault::NoNumber)?)
            }
            (base, exponent) => Self::opaque("**", &[&base, &exponent]),
        }
    }
}

/// The odd number of halves in the exponent of a negative fraction; `None` in all other cases.
fn halves(base: &Number, exponent: &Number) -> Option<i64> {
    match (base, exponent) {
        (Number::Exact(base), Number::Exact(exponent)) if base.is_negative() => {
            let doubled: BigRational = exponent + exponent;
            (!exponent.is_integer() && doubled.is_integer()).then(|| doubled.to_i64())?
        }
        _ => None,
    }
}

fn multiply_terms(
    left: &Product,
    left_factor: &Number,
    right: &Product,
    right_factor: &Number,
) -> Result<(Product, Number), Fault> {
    let mut product = left.clone();
    for (name, exponent) in right {
        let total = product.get(name).copied().unwrap_or(0).checked_add(*exponent);
        product.insert(name.clone(), total.ok_or(Fault::NoNumber)?);
    }
    reduce(product, left_factor.multiply(right_factor)?)
}

/// Drops powers of zero, and reduces powers of the imaginary unit to zero or one.
fn reduce(mut product: Product, factor: Number) -> Result<(Product, Number), Fault> {
    let turns = product.remove(IMAGINARY).unwrap_or(0).rem_euclid(4);
    product.retain(|_, exponent| *exponent != 0);
    if MOST_TERMS < product.len() {
        return Err(Fault::NoNumber);
    }
    if turns % 2 == 1 {
        product.insert(IMAGINARY.to_owned(), 1);
    }
    Ok((product, if 2 <= turns { factor.negate() } else { factor }))
}
