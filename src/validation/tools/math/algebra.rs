//! Equations, functions, logarithms, vectors and matrices.

use rand::RngCore;

use super::text::{
    between, factor, four_decimals, one_of, polynomial, quotient, rounded, signed, two_decimals,
};
use super::{Family, ProblemText, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "algebra",
    families: &[
        Family { name: "linear_equation", make: linear_equation },
        Family { name: "equation_with_unknown_twice", make: unknown_twice },
        Family { name: "two_equations", make: two_equations },
        Family { name: "quadratic_larger_root", make: quadratic_larger_root },
        Family { name: "quadratic_irrational_root", make: quadratic_irrational_root },
        Family { name: "polynomial_value", make: polynomial_value },
        Family { name: "function_composition", make: function_composition },
        Family { name: "logarithm", make: logarithm },
        Family { name: "natural_logarithm", make: natural_logarithm },
        Family { name: "exponential_equation", make: exponential_equation },
        Family { name: "slope_of_line", make: slope_of_line },
        Family { name: "distance_between_points", make: distance_between_points },
        Family { name: "dot_product", make: dot_product },
        Family { name: "determinant", make: determinant },
        Family { name: "vector_length", make: vector_length },
    ],
};

fn linear_equation(rng: &mut dyn RngCore) -> ProblemText {
    let (a, x, b) = (between(rng, 2, 19), signed(rng, 30), signed(rng, 99));
    let left = polynomial(&[a, b]);
    let right = a * x + b;
    let problem = one_of(
        rng,
        [
            format!("Solve for x: ${left} = {right}$."),
            format!("Which x satisfies {left} = {right}?"),
            format!("Find the value of x if {left} = {right}."),
        ],
    );
    (problem, x.to_string())
}

fn unknown_twice(rng: &mut dyn RngCore) -> ProblemText {
    let (c, more) = (between(rng, 2, 9), between(rng, 1, 9));
    let (x, b) = (signed(rng, 25), between(rng, 226, 400));
    let a = c + more;
    let (left, right) = (polynomial(&[a, b]), polynomial(&[c, more * x + b]));
    let problem = one_of(
        rng,
        [
            format!("Solve ${left} = {right}$ for x."),
            format!("For which x are {left} and {right} equal?"),
            format!("If {left} = {right}, what is x?"),
        ],
    );
    (problem, x.to_string())
}

fn two_equations(rng: &mut dyn RngCore) -> ProblemText {
    let (x, y) = (signed(rng, 15), signed(rng, 15));
    let (a, b, c) = (between(rng, 2, 9), between(rng, 2, 9), between(rng, 2, 9));
    // One more than the value that would make the two equations parallel.
    let d = b * c + 1;
    let (first, second) = (a * x + b * y, a * c * x + d * y);
    let e = a * c;
    let problem = one_of(
        rng,
        [
            format!("Given ${a}x + {b}y = {first}$ and ${e}x + {d}y = {second}$, solve for x."),
            format!(
                "Two equations hold: {a}x + {b}y = {first} and {e}x + {d}y = {second}. What is x?"
            ),
            format!("Find x in the system {a}x + {b}y = {first}, {e}x + {d}y = {second}."),
        ],
    );
    (problem, x.to_string())
}

fn quadratic_larger_root(rng: &mut dyn RngCore) -> ProblemText {
    // Both roots have the same sign, so neither factor vanishes.
    let (near, gap) = (between(rng, 1, 15), between(rng, 1, 20));
    let small = if between(rng, 0, 1) == 0 { near } else { -near - gap };
    let large = small + gap;
    let terms = polynomial(&[1, -(small + large), small * large]);
    let problem = one_of(
        rng,
        [
            format!("What is the larger root of ${terms} = 0$?"),
            format!("Solve {terms} = 0 and give the larger solution."),
            format!("Of the two solutions of {terms} = 0, which is the greater one?"),
        ],
    );
    (problem, large.to_string())
}

fn quadratic_irrational_root(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b, c) = (between(rng, 2, 9), between(rng, 2, 30), between(rng, 1, 30));
    let terms = polynomial(&[a, b, -c]);
    let root = ((b * b + 4 * a * c) as f64).sqrt();
    // This form of the positive root loses no digits to cancellation.
    let answer = 2.0 * c as f64 / (b as f64 + root);
    let ask = four_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("Find the positive solution of ${terms} = 0$. {ask}"),
            format!("Which positive x makes {terms} = 0 true? {ask}"),
            format!("The equation {terms} = 0 has one positive root. What is it? {ask}"),
        ],
    );
    (problem, rounded(answer, 4))
}

fn polynomial_value(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b) = (factor(rng, 9), factor(rng, 9));
    let (c, d, x) = (factor(rng, 20), signed(rng, 50), signed(rng, 9));
    let terms = polynomial(&[a, b, c, d]);
    let value = ((a * x + b) * x + c) * x + d;
    let problem = one_of(
        rng,
        [
            format!("Evaluate ${terms}$ at x = {x}."),
            format!("Let f(x) = {terms}. What is f({x})?"),
            format!("What is the value of {terms} when x is {x}?"),
        ],
    );
    (problem, value.to_string())
}

fn function_composition(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b, c, d) = (factor(rng, 9), signed(rng, 20), factor(rng, 9), signed(rng, 20));
    let x = signed(rng, 12);
    let (outer, inner) = (polynomial(&[a, b]), polynomial(&[c, d]));
    let problem = one_of(
        rng,
        [
            format!("If f(x) = {outer} and g(x) = {inner}, find f(g({x}))."),
            format!("Let f(x) = {outer} and g(x) = {inner}. What is $f(g({x}))$?"),
            format!("With f(x) = {outer} and g(x) = {inner}, work out f of g of {x}."),
        ],
    );
    (problem, (a * (c * x + d) + b).to_string())
}

fn logarithm(rng: &mut dyn RngCore) -> ProblemText {
    let (base, exponent) = (between(rng, 2, 12), between(rng, 2, 8));
    let number = (0..exponent).fold(1, |product: i64, _| product * base);
    let problem = one_of(
        rng,
        [
            format!("What is $\\log_{{{base}}}({number})$?"),
            format!("Find the logarithm to base {base} of {number}."),
            format!("To which power must {base} be raised to give {number}?"),
        ],
    );
    (problem, exponent.to_string())
}

fn natural_logarithm(rng: &mut dyn RngCore) -> ProblemText {
    let number = between(rng, 2, 5000);
    let ask = four_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("What is $\\ln({number})$? {ask}"),
            format!("Compute the natural logarithm of {number}. {ask}"),
            format!("Solve $e^x = {number}$ for x. {ask}"),
        ],
    );
    (problem, rounded((number as f64).ln(), 4))
}

fn exponential_equation(rng: &mut dyn RngCore) -> ProblemText {
    let (base, exponent, shift) = (between(rng, 2, 7), between(rng, 3, 8), between(rng, 1, 20));
    let number = (0..exponent).fold(1, |product: i64, _| product * base);
    let problem = one_of(
        rng,
        [
            format!("Solve for x: ${base}^{{x + {shift}}} = {number}$."),
            format!("Find x such that {base}^(x + {shift}) = {number}."),
            format!("If {base}^(x + {shift}) equals {number}, what is x?"),
        ],
    );
    (problem, (exponent - shift).to_string())
}

fn slope_of_line(rng: &mut dyn RngCore) -> ProblemText {
    let (x, y) = (signed(rng, 20), signed(rng, 20));
    let (run, rise) = (between(rng, 1, 20), signed(rng, 30));
    let (u, v) = (x + run, y + rise);
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("What is the slope of the line through $({x}, {y})$ and $({u}, {v})$? {ask}"),
            format!("A line passes through ({x}, {y}) and ({u}, {v}). Find its gradient. {ask}"),
            format!("Find the slope between the points ({x}, {y}) and ({u}, {v}). {ask}"),
        ],
    );
    (problem, quotient(rise, run, 2))
}

fn distance_between_points(rng: &mut dyn RngCore) -> ProblemText {
    let (x, y) = (signed(rng, 30), signed(rng, 30));
    let (right, up) = (signed(rng, 50), signed(rng, 50));
    let (u, v) = (x + right, y + up);
    let distance = ((right * right + up * up) as f64).sqrt();
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("Find the distance between $({x}, {y})$ and $({u}, {v})$. {ask}"),
            format!("How far is the point ({x}, {y}) from the point ({u}, {v})? {ask}"),
            format!("A segment joins ({x}, {y}) to ({u}, {v}). How long is it? {ask}"),
        ],
    );
    (problem, rounded(distance, 2))
}

fn dot_product(rng: &mut dyn RngCore) -> ProblemText {
    let mut draw = || signed(rng, 20);
    let (a, b, c, d, e, f) = (draw(), draw(), draw(), draw(), draw(), draw());
    let problem = one_of(
        rng,
        [
            format!("What is $[{a}, {b}, {c}] \\cdot [{d}, {e}, {f}]$?"),
            format!("Find the dot product of ({a}, {b}, {c}) and ({d}, {e}, {f})."),
            format!(
                "Compute the scalar product of the vectors ({a}, {b}, {c}) and ({d}, {e}, {f})."
            ),
        ],
    );
    (problem, (a * d + b * e + c * f).to_string())
}

fn determinant(rng: &mut dyn RngCore) -> ProblemText {
    let mut draw = || signed(rng, 40);
    let (a, b, c, d) = (draw(), draw(), draw(), draw());
    let problem = one_of(
        rng,
        [
            format!(
                "Find the determinant of $\\begin{{bmatrix}} {a} & {b} \\\\ {c} & {d} \\end{{bmatrix}}$."
            ),
            format!("A matrix has rows ({a}, {b}) and ({c}, {d}). What is its determinant?"),
            format!("Compute the determinant of [[{a}, {b}], [{c}, {d}]]."),
        ],
    );
    (problem, (a * d - b * c).to_string())
}

fn vector_length(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b, c) = (signed(rng, 60), signed(rng, 60), signed(rng, 60));
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("What is the Euclidean norm of the vector [{a}, {b}, {c}]? {ask}"),
            format!("How long is the vector ({a}, {b}, {c})? {ask}"),
            format!("Find the magnitude of $({a}, {b}, {c})$. {ask}"),
        ],
    );
    (problem, rounded(((a * a + b * b + c * c) as f64).sqrt(), 2))
}

#[cfg(test)]
pub(super) mod tests {
    use crate::validation::tools::math::tests::Check;

    /// The whole number within 1,000 of zero that solves an equation.
    fn search(mut holds: impl FnMut(f64) -> bool) -> f64 {
        let found: Vec<f64> = (-1000..=1000).map(f64::from).filter(|x| holds(*x)).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found[0]
    }

    /// The zero of an increasing function between two values, found by bisection.
    fn bisect(mut low: f64, mut high: f64, function: impl Fn(f64) -> f64) -> f64 {
        for _ in 0..200 {
            let middle = (low + high) / 2.0;
            if function(middle) < 0.0 { low = middle } else { high = middle }
        }
        low
    }

    pub(in crate::validation::tools::math) const CHECKS: &[Check] = &[
        ("linear_equation", |n| search(|x| n[0] * x + n[1] == n[2])),
        ("equation_with_unknown_twice", |n| search(|x| n[0] * x + n[1] == n[2] * x + n[3])),
        ("two_equations", |n| {
            search(|x| {
                let y = (n[2] - n[0] * x) / n[1];
                (n[3] * x + n[4] * y - n[5]).abs() < 1e-9
            })
        }),
        ("quadratic_larger_root", |n| {
            // The numbers are the power 2, both factors, and 0.
            let (b, c) = (n[1], n[2]);
            (-1000..=1000).rev().map(f64::from).find(|x| x * x + b * x + c == 0.0).unwrap()
        }),
        ("quadratic_irrational_root", |n| bisect(0.0, 1e3, |x| n[0] * x * x + n[2] * x + n[3])),
        ("polynomial_value", |n| {
            let x = n[6];
            n[0] * x.powi(3) + n[2] * x.powi(2) + n[4] * x + n[5]
        }),
        ("function_composition", |n| {
            let inner = n[2] * n[4] + n[3];
            n[0] * inner + n[1]
        }),
        ("logarithm", |n| search(|x| 0.0 < x && (n[0].powf(x) - n[1]).abs() < 1e-6)),
        ("natural_logarithm", |n| bisect(0.0, 20.0, |x| x.exp() - n[0])),
        ("exponential_equation", |n| search(|x| (n[0].powf(x + n[1]) / n[2] - 1.0).abs() < 1e-12)),
        ("slope_of_line", |n| (n[1] - n[3]) / (n[0] - n[2])),
        ("distance_between_points", |n| (n[0] - n[2]).hypot(n[1] - n[3])),
        ("dot_product", |n| (0..3).map(|at| n[at] * n[at + 3]).sum()),
        ("determinant", |n| {
            // Elimination: the first entry of the second row becomes zero.
            n[0] * (n[3] - n[2] / n[0] * n[1])
        }),
        ("vector_length", |n| n[0].hypot(n[1]).hypot(n[2])),
    ];
}
