//! Reads a word as an arithmetic expression and works it out on the way.
//!
//! Owns the grammar: Python's operators with Python's precedence, factorials behind a value, calls
//! with one argument. Refuses attributes, strings, lists, comparisons and everything else that
//! Python knows (docs/spec/mechanism.md#quirk-6), and expressions nested deeper than [`DEEPEST`].

use num_bigint::BigInt;
use num_rational::BigRational;

use super::functions;
use super::lexer::{Operator, Token, tokens};
use super::names::{constant, is_reserved, member};
use super::number::{Fault, Fuel, Number};
use super::power::{double_factorial, factorial, shift};
use super::value::Value;

/// How deep parentheses, signs and powers may nest.
const DEEPEST: usize = 64;

/// What an operation on unknowns may cost, in steps of [`Fuel`].
const UNKNOWN_STEPS: u64 = 2000;

/// What a word turned out to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Outcome {
    /// An expression with this value, which may be infinite or NaN.
    Number(f64),
    /// No expression, or one without a real value.
    NoNumber,
    /// An expression that would take too much work.
    OverBound,
}

/// Works out `word`, which holds no white space and no commas.
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

    /// Runs `parse` one level deeper.
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

    /// Operators that bind at least as tightly as `loosest`, from left to right.
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

    /// A power binds more tightly than a sign before it, and less than a sign behind it.
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

    /// What stands between an opened parenthesis and its end.
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

/// How tightly a binary operator binds; powers are not among them.
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
mod tests {
    use super::*;

    fn value(word: &str) -> Option<f64> {
        match evaluate(word, &mut Fuel::full()) {
            Outcome::Number(number) => Some(number),
            Outcome::NoNumber | Outcome::OverBound => None,
        }
    }

    /// Every case was recorded from the reference's own evaluator.
    #[test]
    fn expressions_have_the_references_values() {
        for (word, expected) in [
            ("-2**2", -4.0),
            ("2**-1**2", 0.5),
            ("2**3**2", 512.0),
            ("2**0.5**2", 1.189_207_115_002_721),
            ("10^2^3", 11.0),
            ("4/2^3", 1.0),
            ("5|2+1", 7.0),
            ("~5&3", 2.0),
            ("5<<2+1", 40.0),
            ("5++5", 10.0),
            ("+-+5", -5.0),
            ("-7%4", 1.0),
            ("7.5%-2", -0.5),
            ("10%3.3", 0.100_000_000_000_000_53),
            ("-5//3", -2.0),
            ("0.3//0.1", 2.0),
            ("18//2.5e-2", 719.0),
            ("7/2//-1", -3.0),
            ("8**(1/3)", 2.0),
            ("27**(2/3)", 9.0),
            ("(-2)**2.0", 4.0),
            ("2**200%1000", 376.0),
            ("100!%101", 100.0),
            ("200!/198!", 39_800.0),
            ("10**400/10**399", 10.0),
            ("1/3*3", 1.0),
            ("0.1+0.2", 0.300_000_000_000_000_04),
            ("0.1+0.2-0.3", 5.551_115_123_125_783e-17),
            ("round(5/2)", 2.0),
            ("Integer(-5/2)", -2.0),
            ("deg(pi)", 180.0),
            ("cbrt(27)", 3.0),
        ] {
            let found = value(word).unwrap_or(f64::NAN);
            assert!((found - expected).abs() <= 1e-12 * expected.abs(), "{word}: {found}");
        }
    }

    #[test]
    fn factorials_bind_to_the_value_before_them() {
        for (word, expected) in [
            ("-5!", Some(-120.0)),
            ("2**3!", Some(64.0)),
            ("3!**2", Some(36.0)),
            ("5!-3!", Some(114.0)),
            ("(5!)!", Some(6.689_502_913_449_127e198)),
            ("sqrt(4)!", Some(2.0)),
            ("31!!", Some(191_898_783_962_510_625.0)),
            ("(-3)!!", Some(-1.0)),
            ("(1/2)!", Some(0.886_226_925_452_758)),
            ("2e3!", Some(f64::INFINITY)),
            ("5!!!", None),
            ("!5", None),
            ("5!5", None),
            ("(!5)", None),
            ("(-1)!", None),
            ("2.5!!", None),
        ] {
            let found = value(word);
            let fits = match (found, expected) {
                (Some(found), Some(expected)) => {
                    found == expected || (found - expected).abs() <= 1e-12 * expected.abs()
                }
                (found, expected) => found == expected,
            };
            assert!(fits, "{word}: {found:?}");
        }
    }

    #[test]
    fn exact_values_are_exact() {
        for (word, expected) in [
            ("sin(pi)", 0.0),
            ("cos(pi/2)", 0.0),
            ("sin(pi/6)", 0.5),
            ("tan(45*pi/180)", 1.0),
            ("sqrt(2)*sqrt(3)-sqrt(6)", 0.0),
            ("sqrt(2)**2-2", 0.0),
            ("pi-pi", 0.0),
            ("7*pi//pi", 7.0),
            ("floor(log(8)/log(2))", 3.0),
            ("sqrt(4/9)*3", 2.0),
        ] {
            assert_eq!(value(word), Some(expected), "{word}");
        }
    }

    #[test]
    fn unknowns_only_count_when_they_cancel() {
        for (word, expected) in [
            ("win-win", Some(0.0)),
            ("x/x", Some(1.0)),
            ("5*x/x", Some(5.0)),
            ("x-x+5", Some(5.0)),
            ("x/y*y/x", Some(1.0)),
            ("0*x", Some(0.0)),
            ("x**0", Some(1.0)),
            ("x%x", Some(0.0)),
            ("x//x", Some(1.0)),
            ("(a+b)/(b+a)", Some(1.0)),
            ("2*(x+1)-2*x-2", Some(0.0)),
            ("sin(x)-sin(x)", Some(0.0)),
            ("f(2)/f(2)", Some(1.0)),
            ("2**x/2**x", Some(1.0)),
            ("x!-x!", Some(0.0)),
            ("I*I", Some(-1.0)),
            ("2j*2j", Some(-4.0)),
            ("sqrt(-4)*sqrt(-4)", Some(-4.0)),
            ("(3+4*I)*(3-4*I)", Some(25.0)),
            ("ha-ha-ha", None),
            ("step-by-step", None),
            ("well-being", None),
            ("a/a/a", None),
            ("x", None),
            ("x^x", None),
            ("~x", None),
            ("sin-sin", None),
            ("test-test", None),
            ("I", None),
        ] {
            assert_eq!(value(word), expected, "{word}");
        }
    }

    #[test]
    fn infinities_are_numbers_only_with_a_sign() {
        assert_eq!(value("oo+5"), Some(f64::INFINITY));
        assert_eq!(value("-oo"), Some(f64::NEG_INFINITY));
        assert_eq!(value("171!"), Some(f64::INFINITY));
        assert_eq!(value("2**10000000"), Some(f64::INFINITY));
        assert_eq!(value("1/oo"), Some(0.0));
        assert_eq!(value("1/(1/0)"), Some(0.0));
        assert!(value("0/0").is_some_and(f64::is_nan));
        assert!(value("oo-oo").is_some_and(f64::is_nan));
        for word in ["1/0", "zoo", "0**-1", "5%0", "5//0", "log(0)", "tan(pi/2)"] {
            assert_eq!(value(word), None, "{word}");
        }
    }

    #[test]
    fn nothing_but_arithmetic_is_read() {
        for word in [
            "().__class__",
            "exec(\"x\")",
            "__import__('os')",
            "x.y",
            "S.Half.p",
            "1.real",
            "5==5",
            "5<6",
            "x=5",
            "[5]",
            "{5}",
            "'5'",
            "()",
            "(5",
            "5)",
            "3(4)",
            "(3)(4)",
            "eval(5)",
            "open(5)",
            "pi(5)",
            "I(3)",
            "True",
            "None",
            "lambda",
            "2.5&1",
            "1/2^3",
            "5>>-1",
            "(-8)**(1/3)",
            "asin(2)",
            "log(-1)",
        ] {
            assert_eq!(evaluate(word, &mut Fuel::full()), Outcome::NoNumber, "{word}");
        }
    }

    #[test]
    fn too_much_work_is_told_apart() {
        for word in ["9**9**9", "2**2**99", "(10**9)!", "1<<10**12", "(10**9)!!"] {
            assert_eq!(evaluate(word, &mut Fuel::full()), Outcome::OverBound, "{word}");
        }
        let mut spent = Fuel::full();
        assert!(spent.spend(u64::MAX).is_err());
        assert_eq!(evaluate("5", &mut spent), Outcome::OverBound);
    }
}
