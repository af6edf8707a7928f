//! Sums, products, quotients, fractions, powers and roots.

use rand::RngCore;

use super::text::{
    between, four_decimals, hundredths, one_of, quotient, rounded, signed, tenths, two_decimals,
};
use super::{Family, ProblemText, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "arithmetic",
    families: &[
        Family { name: "addition", make: addition },
        Family { name: "subtraction", make: subtraction },
        Family { name: "multiplication", make: multiplication },
        Family { name: "division", make: division },
        Family { name: "decimal_sum", make: decimal_sum },
        Family { name: "decimal_product", make: decimal_product },
        Family { name: "order_of_operations", make: order_of_operations },
        Family { name: "fraction_sum", make: fraction_sum },
        Family { name: "fraction_division", make: fraction_division },
        Family { name: "exponentiation", make: exponentiation },
        Family { name: "square_root", make: square_root },
        Family { name: "cube_root", make: cube_root },
        Family { name: "absolute_difference", make: absolute_difference },
    ],
};

fn addition(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b, c) = (between(rng, 11, 9999), between(rng, 11, 9999), between(rng, 11, 999));
    let problem = one_of(
        rng,
        [
            format!("What is ${a} + {b} + {c}$?"),
            format!("Add up {a}, {b} and {c}."),
            format!("Find the sum of the numbers {a}, {b} and {c}."),
        ],
    );
    (problem, (a + b + c).to_string())
}

fn subtraction(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b) = (between(rng, 100, 99_999), between(rng, 100, 99_999));
    let problem = one_of(
        rng,
        [
            format!("Compute {a} minus {b}."),
            format!("Starting from {a}, take away {b}. What is left?"),
            format!("What do you get when you begin with {a} and subtract {b}?"),
        ],
    );
    (problem, (a - b).to_string())
}

fn multiplication(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b) = (between(rng, 12, 999), between(rng, 12, 999));
    let problem = one_of(
        rng,
        [
            format!("What is ${a} \\cdot {b}$?"),
            format!("Multiply {a} by {b}."),
            format!("Work out the product of {a} and {b}."),
        ],
    );
    (problem, (a * b).to_string())
}

fn division(rng: &mut dyn RngCore) -> ProblemText {
    let (b, answer) = (between(rng, 3, 99), between(rng, 3, 999));
    let a = b * answer;
    let problem = one_of(
        rng,
        [
            format!("What is ${a} \\div {b}$?"),
            format!("Divide {a} by {b}."),
            format!("How many times does {b} fit into {a}?"),
        ],
    );
    (problem, answer.to_string())
}

fn decimal_sum(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b) = (between(rng, 101, 99_999), between(rng, 101, 99_999));
    let (first, second) = (hundredths(a), hundredths(b));
    let problem = one_of(
        rng,
        [
            format!("What is {first} + {second}?"),
            format!("Add the decimals {first} and {second}."),
            format!("Calculate the total of {first} and {second}."),
        ],
    );
    (problem, hundredths(a + b))
}

fn decimal_product(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b) = (between(rng, 11, 999), between(rng, 11, 999));
    let (first, second) = (tenths(a), tenths(b));
    let problem = one_of(
        rng,
        [
            format!("What is ${first} \\times {second}$?"),
            format!("Multiply {first} by {second} exactly."),
            format!("Find the exact product of the decimals {first} and {second}."),
        ],
    );
    (problem, hundredths(a * b))
}

fn order_of_operations(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b) = (between(rng, 2, 99), between(rng, 2, 30));
    let (d, gap) = (between(rng, 2, 40), between(rng, 1, 40));
    let c = d + gap;
    let inner = format!("{a} + {b} * ({c} minus {d})");
    let problem = one_of(
        rng,
        [
            format!("Evaluate {inner}."),
            format!("Mind the order of operations: what is {inner}?"),
            format!("Simplify the expression {inner} to a single number."),
        ],
    );
    (problem, (a + b * gap).to_string())
}

fn fraction_sum(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b) = (between(rng, 1, 19), between(rng, 2, 19));
    let (c, d) = (between(rng, 1, 19), between(rng, 2, 19));
    let ask = four_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("What is $\\frac{{{a}}}{{{b}}} + \\frac{{{c}}}{{{d}}}$ as a decimal? {ask}"),
            format!("Add the fractions {a}/{b} and {c}/{d}. {ask}"),
            format!("Write the sum of {a}/{b} and {c}/{d} as a decimal. {ask}"),
        ],
    );
    (problem, quotient(a * d + c * b, b * d, 4))
}

fn fraction_division(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b) = (between(rng, 1, 19), between(rng, 2, 19));
    let (c, d) = (between(rng, 1, 19), between(rng, 2, 19));
    let ask = four_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("What is $\\frac{{{a}}}{{{b}}} \\div \\frac{{{c}}}{{{d}}}$? {ask}"),
            format!("Divide the fraction {a}/{b} by the fraction {c}/{d}. {ask}"),
            format!("The fraction {a}/{b} is divided by {c}/{d}. What comes out? {ask}"),
        ],
    );
    (problem, quotient(a * d, b * c, 4))
}

fn exponentiation(rng: &mut dyn RngCore) -> ProblemText {
    let (base, exponent) = (signed(rng, 19), between(rng, 2, 7));
    let power = (0..exponent).fold(1, |product: i64, _| product * base);
    let problem = one_of(
        rng,
        [
            format!("What is $({base})^{{{exponent}}}$?"),
            format!("Raise {base} to the power {exponent}."),
            format!("Work out the power with base {base} and exponent {exponent}."),
        ],
    );
    (problem, power.to_string())
}

fn square_root(rng: &mut dyn RngCore) -> ProblemText {
    let root = between(rng, 11, 999);
    let square = root * root;
    let problem = one_of(
        rng,
        [
            format!("What is $\\sqrt{{{square}}}$?"),
            format!("Find the square root of {square}."),
            format!("Which positive number gives {square} when squared?"),
        ],
    );
    (problem, root.to_string())
}

fn cube_root(rng: &mut dyn RngCore) -> ProblemText {
    let number = between(rng, 10, 9999);
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("What is the cube root of {number}? {ask}"),
            format!("Find the number whose cube is {number}. {ask}"),
            format!(
                "A cube has a volume of {number} cubic metres. How many metres long is its edge? {ask}"
            ),
        ],
    );
    (problem, rounded((number as f64).cbrt(), 2))
}

fn absolute_difference(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b) = (signed(rng, 500), signed(rng, 500));
    let problem = one_of(
        rng,
        [
            format!("How far apart are {a} and {b} on the number line?"),
            format!("Find the absolute difference between {a} and {b}."),
            format!("What is the distance from {a} to {b} on a number line?"),
        ],
    );
    (problem, (a - b).abs().to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use crate::validation::tools::math::tests::Check;

    pub(in crate::validation::tools::math) const CHECKS: &[Check] = &[
        ("addition", |n| n.iter().sum()),
        ("subtraction", |n| -(n[1] - n[0])),
        ("multiplication", |n| (0..n[1] as u64).map(|_| n[0]).sum()),
        ("division", |n| {
            let (large, small) = (n[0].max(n[1]), n[0].min(n[1]));
            (1..).map(f64::from).find(|k| small * k >= large).unwrap()
        }),
        ("decimal_sum", |n| (n[0] * 100.0 + n[1] * 100.0).round() / 100.0),
        ("decimal_product", |n| (n[0] * 10.0).round() * (n[1] * 10.0).round() / 100.0),
        ("order_of_operations", |n| n[0] + n[1] * n[2] - n[1] * n[3]),
        ("fraction_sum", |n| n[0] / n[1] + n[2] / n[3]),
        ("fraction_division", |n| (n[0] / n[1]) / (n[2] / n[3])),
        ("exponentiation", |n| n[0].powf(n[1])),
        ("square_root", |n| (0..).map(f64::from).find(|x| x * x >= n[0]).unwrap()),
        ("cube_root", |n| {
            let (mut low, mut high) = (0.0, n[0]);
            for _ in 0..200 {
                let middle: f64 = (low + high) / 2.0;
                if middle.powi(3) < n[0] { low = middle } else { high = middle }
            }
            low
        }),
        ("absolute_difference", |n| n[0].max(n[1]) - n[0].min(n[1])),
    ];
}
