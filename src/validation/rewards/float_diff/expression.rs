//! Parses a word as an arithmetic expression and evaluates it at the same time.
//!
//! Owns the grammar: Python's operators with Python's precedence, factorials after a value, calls
//! with one argument. Refuses attributes, strings, lists, comparisons and everything else in Python
//! (docs/spec/mechanism.md#quirk-6), and expressions nested deeper than [`DEEPEST`].

use num_bigint::BigInt;
use num_rational::BigRational;

use super::functions;
use super::lexer::{Operator, Token, tokens};
use super::names::{constant, is_reserved, member};
use super::number::{Fault, Fuel, Number};
use super::power::{double_factorial, factorial, shift};
use super::value::Value;

/// Most levels of nested parentheses, signs and powers.
const DEEPEST: usize = 64;

/// Cost of an operation on unknowns, in steps of [`Fuel`].
const UNKNOWN_STEPS: u64 = 2000;

/// The result of evaluating a word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Outcome {
    /// An expression with this value, which may be infinite or NaN.
    Number(f64),
    /// The word is not an expression, or has no real value.
    NoNumber,
    /// The expression would need too much work.
    OverBound,
}

/// Evaluates `word`, which contains neither white space nor commas.
pub(super) fn evaluate(word: &str, fuel: &mut Fuel) -> Outcome {
    let value = fuel.spend(word.len() as u64 + 32).and_then(|()| {
        let mut parser = Parser { tokens: tokens(word)?, next: 0, depth: 0, fuel };
        parser.whole()
    });
    match value {
        Ok(number) => number.finish().map_or(Outcome::NoNumber, Outcome::Number),
        Err(Fault::NoNumber) => Outcome::NoNumber,
        Err(Fault::OverBound) => Outcome::OverBound,
    }
}

struct Parser<'a, 'f> {
    tokens: Vec<Token<'a>>,
    next: usize,
    depth: usize,
    fuel: &'f mut Fuel,
}

impl<'a> Parser<'a, '_> {
    fn whole(&mut self) -> Result<Number, Fault> {
        let value = self.binary(0)?;
        if self.next < self.tokens.len() {
            return Err(Fault::NoNumber);
        }
        value.number().cloned()
    }

    fn peek(&self) -> Option<&Token<'a>> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<Token<'a>> {
        let token = self.tokens.get(self.next).cloned();
        self.next += 1;
        token
    }

    fn accept(&mut self, expected: &Token<'_>) -> bool {
        let found = self.peek() == Some(expected);
        self.next += usize::from(found);
        found
    }

    /// Runs `parse` one nesting level deeper.
    fn nested(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<Value, Fault>,
    ) -> Result<Value, Fault> {
        self.depth += 1;
        if DEEPEST < self.depth {
            return Err(Fault::NoNumber);
        }
        let value = parse(self)?;
        self.depth -= 1;
        Ok(value)
    }

    /// Parses operators that bind at least as tightly as `loosest`, from left to right.
    fn binary(&mut self, loosest: u8) -> Result<Value, Fault> {
        let mut left = self.unary()?;
        while let Some(Token::Operator(operator)) = self.peek() {
            let operator = *operator;
            let Some(strength) = strength(operator).filter(|strength| loosest <= *strength) else {
                break;
            };
            self.next += 1;
            let right = self.binary_operand(strength + 1)?;
            left = self.combine(operator, left, right)?;
        }
        Ok(left)
    }

    fn binary_operand(&mut self, loosest: u8) -> Result<Value, Fault> {
        self.nested(|parser| parser.binary(loosest))
    }

    fn unary(&mut self) -> Result<Value, Fault> {
        let Some(Token::Operator(operator)) = self.peek() else {
            return self.power();
        };
        let operator = *operator;
        self.next += 1;
        match operator {
            Operator::Plus => self.nested(Self::unary),
            Operator::Minus => Ok(self.nested(Self::unary)?.negate()),
            Operator::Invert => {
                let value = self.nested(Self::unary)?;
                let whole = value.number()?.as_whole().ok_or(Fault::NoNumber)?;
                Ok(from_whole(-whole - 1))
            }
            _ => Err(Fault::NoNumber),
        }
    }

    /// A power binds more tightly than a sign before it, and less tightly than a sign after it.
    fn power(&mut self) -> Result<Value, Fault> {
        let base = self.postfix()?;
        if !self.accept(&Token::Operator(Operator::Power)) {
            return Ok(base);
        }
        let exponent = self.nested(Self::unary)?;
        self.combine(Operator::Power, base, exponent)
    }

    fn postfix(&mut self) -> Result<Value, Fault> {
        let value = self.primary()?;
        let Some(Token::Factorial { double }) = self.peek() else {
            return Ok(value);
        };
        let double = *double;
        self.next += 1;
        match &value {
            Value::Number(number) if double => double_factorial(number, self.fuel),
            Value::Number(number) => factorial(number, self.fuel),
            Value::Sum(_) => return Value::opaque(if double { "!!" } else { "!" }, &[&value]),
        }
        .map(Value::Number)
    }

    fn primary(&mut self) -> Result<Value, Fault> {
        match self.take() {
            Some(Token::Number(number)) => Ok(Value::Number(number)),
            Some(Token::Imaginary(number)) => Value::Number(number).multiply(Value::imaginary()),
            Some(Token::Open) => self.closed(),
            Some(Token::Name(name)) if self.accept(&Token::Open) => self.call(name),
            Some(Token::Name("S")) if self.accept(&Token::Dot) => match self.take() {
                Some(Token::Name("ImaginaryUnit")) => Ok(Value::imaginary()),
                Some(Token::Name(name)) => member(name).map(Value::Number).ok_or(Fault::NoNumber),
                _ => Err(Fault::NoNumber),
            },
            Some(Token::Name("I")) => Ok(Value::imaginary()),
            Some(Token::Name(name)) if is_reserved(name) => Err(Fault::NoNumber),
            Some(Token::Name(name)) => {
                Ok(constant(name).map_or_else(|| Value::unknown(name), Value::Number))
            }
            _ => Err(Fault::NoNumber),
        }
    }

    /// Parses the content of an opened parenthesis up to its end.
    fn closed(&mut self) -> Result<Value, Fault> {
        let value = self.nested(|parser| parser.binary(0))?;
        if self.accept(&Token::Close) { Ok(value) } else { Err(Fault::NoNumber) }
    }

    fn call(&mut self, name: &str) -> Result<Value, Fault> {
        let argument = self.closed()?;
        if !functions::is_known(name) {
            let usable = !is_reserved(name) && constant(name).is_none() && name != "I";
            self.fuel.spend(UNKNOWN_STEPS)?;
            return if usable { Value::opaque(name, &[&argument]) } else { Err(Fault::NoNumber) };
        }
        match &argument {
            Value::Number(negative) if name == "sqrt" && negative.is_negative() => {
                argument.power(Value::Number(half()))
            }
            Value::Number(number) => {
                self.fuel.spend_on(number, number)?;
                functions::call(name, number, self.fuel).map(Value::Number)
            }
            Value::Sum(_) => {
                self.fuel.spend(UNKNOWN_STEPS)?;
                Value::opaque(name, &[&argument])
            }
        }
    }

    fn combine(&mut self, operator: Operator, left: Value, right: Value) -> Result<Value, Fault> {
        if let (Value::Number(a), Value::Number(b)) = (&left, &right) {
            self.fuel.spend_on(a, b)?;
        } else {
            self.fuel.spend(UNKNOWN_STEPS)?;
        }
        match operator {
            Operator::Plus => left.add(right),
            Operator::Minus => left.add(right.negate()),
            Operator::Times => left.multiply(right),
            Operator::Divide => left.divide(right),
            Operator::Power => left.power(right),
            Operator::FloorDivide if is_same_unknown(&left, &right) => {
                Ok(Value::Number(Number::whole(1)))
            }
            Operator::Modulo if is_same_unknown(&left, &right) => {
                Ok(Value::Number(Number::whole(0)))
            }
            Operator::FloorDivide => {
                left.number()?.floor_divide(right.number()?).map(Value::Number)
            }
            Operator::Modulo => left.number()?.modulo(right.number()?).map(Value::Number),
            _ => bitwise(operator, left.number()?, right.number()?),
        }
    }
}

/// How tightly a binary operator binds; `None` for powers, which are parsed separately.
fn strength(operator: Operator) -> Option<u8> {
    use Operator::{
        And, Divide, FloorDivide, Invert, Minus, Modulo, Or, Plus, Power, ShiftLeft, ShiftRight,
        Times, Xor,
    };
    match operator {
        Or => Some(0),
        Xor => Some(1),
        And => Some(2),
        ShiftLeft | ShiftRight => Some(3),
        Plus | Minus => Some(4),
        Times | Divide | FloorDivide | Modulo => Some(5),
        Power | Invert => None,
    }
}

fn is_same_unknown(left: &Value, right: &Value) -> bool {
    matches!(left, Value::Sum(_)) && left == right
}

fn bitwise(operator: Operator, left: &Number, right: &Number) -> Result<Value, Fault> {
    let (Some(a), Some(b)) = (left.as_whole(), right.as_whole()) else {
        return Err(Fault::NoNumber);
    };
    match operator {
        Operator::And => Ok(from_whole(a & b)),
        Operator::Or => Ok(from_whole(a | b)),
        Operator::Xor => Ok(from_whole(a ^ b)),
        Operator::ShiftLeft => shift(a, b, true).map(Value::Number),
        Operator::ShiftRight => shift(a, b, false).map(Value::Number),
        _ => Err(Fault::NoNumber),
    }
}

fn from_whole(value: BigInt) -> Value {
    Value::Number(Number::exact(BigRational::from_integer(value)))
}

fn half() -> Number {
    Number::exact(BigRational::new(BigInt::from(1), BigInt::from(2)))
}

#[cfg(test)]
mod tests;
