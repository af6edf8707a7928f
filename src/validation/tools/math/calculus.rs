//! Derivatives, integrals, limits and extremes, all ending in one number.

use rand::RngCore;

use super::text::{
    between, factor, four_decimals, one_of, polynomial, quotient, rounded, signed, two_decimals,
};
use super::{Family, ProblemText, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "calculus",
    families: &[
        Family { name: "derivative_at_point", make: derivative_at_point },
        Family { name: "second_derivative", make: second_derivative },
        Family { name: "definite_integral", make: definite_integral },
        Family { name: "area_under_wave", make: area_under_wave },
        Family { name: "limit_of_quotient", make: limit_of_quotient },
        Family { name: "limit_at_infinity", make: limit_at_infinity },
        Family { name: "parabola_extreme", make: parabola_extreme },
        Family { name: "product_rule", make: product_rule },
        Family { name: "exponential_slope", make: exponential_slope },
        Family { name: "falling_stone_speed", make: falling_stone_speed },
    ],
};

fn derivative_at_point(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b, c) = (factor(rng, 9), factor(rng, 12), factor(rng, 30));
    let (d, x) = (signed(rng, 50), signed(rng, 8));
    let terms = polynomial(&[a, b, c, d]);
    let problem = one_of(
        rng,
        [
            format!("Find the derivative of ${terms}$ at x = {x}."),
            format!("If f(x) = {terms}, what is f'({x})?"),
            format!("What is the slope of the curve y = {terms} where x is {x}?"),
        ],
    );
    (problem, (3 * a * x * x + 2 * b * x + c).to_string())
}

fn second_derivative(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b, c) = (factor(rng, 9), factor(rng, 12), factor(rng, 30));
    let (d, x) = (signed(rng, 50), signed(rng, 8));
    let terms = polynomial(&[a, b, c, d]);
    let problem = one_of(
        rng,
        [
            format!("Find the second derivative of {terms} at x = {x}."),
            format!("Let f(x) = {terms}. Compute $f''({x})$."),
            format!("Differentiate {terms} twice and put in x = {x}. What do you get?"),
        ],
    );
    (problem, (6 * a * x + 2 * b).to_string())
}

fn definite_integral(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b, c) = (factor(rng, 30), factor(rng, 30), signed(rng, 40));
    let (low, span) = (between(rng, 0, 5), between(rng, 1, 6));
    let high = low + span;
    let terms = polynomial(&[a, b, c]);
    let at = |x: i64| 2 * a * x * x * x + 3 * b * x * x + 6 * c * x;
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("Integrate ${terms}$ from {low} to {high}. {ask}"),
            format!("What is the definite integral of {terms} with limits {low} and {high}? {ask}"),
            format!("Compute the integral of f(x) = {terms} over x from {low} to {high}. {ask}"),
        ],
    );
    (problem, quotient(at(high) - at(low), 6, 2))
}

fn area_under_wave(rng: &mut dyn RngCore) -> ProblemText {
    let (height, stretch, end) = (between(rng, 2, 30), between(rng, 2, 9), between(rng, 1, 9));
    let area = height as f64 * (1.0 - ((stretch * end) as f64).cos()) / stretch as f64;
    let ask = four_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "Integrate ${height}\\sin({stretch}x)$ from x = 0 to x = {end}, in radians. {ask}"
            ),
            format!(
                "What is the integral of {height} sin({stretch}x) with x in radians, from 0 to {end}? {ask}"
            ),
            format!(
                "Find the definite integral of {height}*sin({stretch}*x) over x from 0 to {end} (radians). {ask}"
            ),
        ],
    );
    (problem, rounded(area, 4))
}

fn limit_of_quotient(rng: &mut dyn RngCore) -> ProblemText {
    let (root, other) = (between(rng, 1, 30), between(rng, 1, 30));
    let top = polynomial(&[1, -(root + other), root * other]);
    let problem = one_of(
        rng,
        [
            format!("What is the limit of ({top}) / (x - {root}) as x approaches {root}?"),
            format!("Find $\\lim_{{x}} \\frac{{{top}}}{{x - {root}}}$ for x going to {root}."),
            format!(
                "Which value does ({top}) divided by (x - {root}) tend to as x tends to {root}?"
            ),
        ],
    );
    (problem, (root - other).to_string())
}

fn limit_at_infinity(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b, c) = (factor(rng, 30), factor(rng, 30), signed(rng, 30));
    let (d, e, f) = (factor(rng, 30), factor(rng, 30), signed(rng, 30));
    let (top, bottom) = (polynomial(&[a, b, c]), polynomial(&[d, e, f]));
    let ask = four_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("What is the limit of ({top}) / ({bottom}) as x goes to infinity? {ask}"),
            format!("Find $\\lim_{{x \\to \\infty}} \\frac{{{top}}}{{{bottom}}}$. {ask}"),
            format!(
                "As x grows without bound, ({top}) divided by ({bottom}) approaches which number? {ask}"
            ),
        ],
    );
    (problem, quotient(a, d, 4))
}

fn parabola_extreme(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b, c) = (between(rng, 2, 12), factor(rng, 40), signed(rng, 60));
    let terms = polynomial(&[a, b, c]);
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("What is the smallest value of ${terms}$? {ask}"),
            format!("Find the minimum value that f(x) = {terms} takes. {ask}"),
            format!("How low does the parabola y = {terms} go? Give the smallest y. {ask}"),
        ],
    );
    (problem, quotient(4 * a * c - b * b, 4 * a, 2))
}

fn product_rule(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b, c) = (factor(rng, 9), signed(rng, 20), factor(rng, 9));
    let (d, x) = (signed(rng, 20), signed(rng, 10));
    let (first, second) = (polynomial(&[a, b]), polynomial(&[c, d]));
    let slope = a * (c * x + d) + c * (a * x + b);
    let problem = one_of(
        rng,
        [
            format!("Find the derivative of $({first})({second})$ at x = {x}."),
            format!("Let f(x) = ({first})({second}). What is f'({x})?"),
            format!(
                "Use the product rule on ({first}) times ({second}) and evaluate the derivative at x = {x}."
            ),
        ],
    );
    (problem, slope.to_string())
}

fn exponential_slope(rng: &mut dyn RngCore) -> ProblemText {
    let (size, rate, x) = (between(rng, 2, 20), between(rng, 2, 9), between(rng, 1, 3));
    let slope = (size * rate) as f64 * ((rate * x) as f64 / 10.0).exp() / 10.0;
    let rate = format!("0.{rate}");
    let ask = four_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("What is the derivative of ${size}e^{{{rate}x}}$ at x = {x}? {ask}"),
            format!(
                "A culture has {size} e^({rate} t) cells at time t. How fast does it grow at t = {x}? {ask}"
            ),
            format!("Find f'(x) for f(x) = {size} exp({rate} x) where x is {x}. {ask}"),
        ],
    );
    (problem, rounded(slope, 4))
}

fn falling_stone_speed(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b, at) = (between(rng, 2, 12), between(rng, 2, 40), between(rng, 1, 15));
    let problem = one_of(
        rng,
        [
            format!(
                "After t seconds a stone has moved s(t) = {a}t^2 + {b}t metres. What is its speed in metres per second at t = {at}?"
            ),
            format!(
                "A car's position is s = {a}t^2 + {b}t, in metres after t seconds. How fast is it, in metres per second, after {at} seconds?"
            ),
            format!(
                "The distance covered is {a}t^2 + {b}t metres at time t. Find the rate of change at t = {at}."
            ),
        ],
    );
    (problem, (2 * a * at + b).to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use crate::validation::tools::math::tests::Check;

    /// Simpson's rule with many strips.
    fn integral(low: f64, high: f64, function: impl Fn(f64) -> f64) -> f64 {
        let strips = 2000;
        let width = (high - low) / f64::from(strips);
        (0..strips)
            .map(|strip| low + f64::from(strip) * width)
            .map(|x| function(x) + 4.0 * function(x + width / 2.0) + function(x + width))
            .sum::<f64>()
            * width
            / 6.0
    }

    /// The slope by differences on both sides, at two widths, so that errors up to the fourth order
    /// cancel.
    fn slope(x: f64, function: impl Fn(f64) -> f64) -> f64 {
        let near = |width: f64| (function(x + width) - function(x - width)) / (2.0 * width);
        (4.0 * near(0.01) - near(0.02)) / 3.0
    }

    /// A cubic with its powers written out, from the numbers in the order of its text.
    fn cubic(n: &[f64]) -> impl Fn(f64) -> f64 + '_ {
        |x| n[0] * x.powf(n[1]) + n[2] * x.powf(n[3]) + n[4] * x + n[5]
    }

    /// A quadratic with its power written out, from the numbers in the order of its text.
    fn quadratic(n: &[f64]) -> impl Fn(f64) -> f64 + '_ {
        |x| n[0] * x.powf(n[1]) + n[2] * x + n[3]
    }

    fn whole(value: f64) -> f64 {
        assert!((value - value.round()).abs() < 1e-4, "{value}");
        value.round()
    }

    pub(in crate::validation::tools::math) const CHECKS: &[Check] = &[
        ("derivative_at_point", |n| whole(slope(n[6], cubic(n)))),
        ("second_derivative", |n| {
            let f = cubic(n);
            whole(f(n[6] + 1.0) + f(n[6] - 1.0) - 2.0 * f(n[6]))
        }),
        ("definite_integral", |n| integral(n[4], n[5], quadratic(n))),
        ("area_under_wave", |n| integral(n[2], n[3], |x| n[0] * (n[1] * x).sin())),
        ("limit_of_quotient", |n| {
            let last = n[n.len() - 1];
            let top = |x: f64| x.powf(n[0]) + n[1] * x + n[2];
            whole((top(last + 1e-3) - top(last - 1e-3)) / 2e-3)
        }),
        ("limit_at_infinity", |n| quadratic(n)(1e12) / quadratic(&n[4..])(1e12)),
        ("parabola_extreme", |n| {
            let f = quadratic(n);
            let (mut low, mut high) = (-1e3, 1e3);
            for _ in 0..300 {
                let third = (high - low) / 3.0;
                if f(low + third) < f(high - third) { high -= third } else { low += third }
            }
            f(low)
        }),
        ("product_rule", |n| whole(slope(n[4], |x| (n[0] * x + n[1]) * (n[2] * x + n[3])))),
        ("exponential_slope", |n| slope(n[2], |x| n[0] * (n[1] * x).exp())),
        ("falling_stone_speed", |n| whole(slope(n[3], |t| n[0] * t.powf(n[1]) + n[2] * t))),
    ];
}
