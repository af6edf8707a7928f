//! Arithmetic and geometric sequences and their sums.

use rand::RngCore;

use super::text::{between, factor, four_decimals, one_of, quotient, signed};
use super::{Family, ProblemText, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "sequences",
    families: &[
        Family { name: "arithmetic_sequence_term", make: arithmetic_sequence_term },
        Family { name: "arithmetic_series", make: arithmetic_series },
        Family { name: "geometric_sequence_term", make: geometric_sequence_term },
        Family { name: "geometric_series", make: geometric_series },
        Family { name: "infinite_series", make: infinite_series },
        Family { name: "sum_of_squares", make: sum_of_squares },
    ],
};

fn arithmetic_sequence_term(rng: &mut dyn RngCore) -> ProblemText {
    let (start, step, place) = (signed(rng, 90), signed(rng, 40), between(rng, 10, 120));
    let (second, third) = (start + step, start + 2 * step);
    let problem = one_of(
        rng,
        [
            format!("Find term number {place} of the sequence {start}, {second}, {third}, ..."),
            format!(
                "What is term {place} of the arithmetic sequence that begins {start}, {second}, {third}?"
            ),
            format!(
                "Give the term at place {place} in the progression {start}, {second}, {third} and so on."
            ),
        ],
    );
    (problem, (start + (place - 1) * step).to_string())
}

fn arithmetic_series(rng: &mut dyn RngCore) -> ProblemText {
    let (start, step, count) = (signed(rng, 60), signed(rng, 30), between(rng, 8, 80));
    let (second, third) = (start + step, start + 2 * step);
    let sum = count * (2 * start + (count - 1) * step) / 2;
    let problem = one_of(
        rng,
        [
            format!("Find the sum of the first {count} terms of {start}, {second}, {third}, ..."),
            format!(
                "What do the first {count} terms of the arithmetic sequence {start}, {second}, {third}, ... add up to?"
            ),
            format!(
                "Add the first {count} members of the progression {start}, {second}, {third} and so on."
            ),
        ],
    );
    (problem, sum.to_string())
}

fn geometric_sequence_term(rng: &mut dyn RngCore) -> ProblemText {
    let (start, ratio, place) = (signed(rng, 12), factor(rng, 5), between(rng, 4, 10));
    let (second, third) = (start * ratio, start * ratio * ratio);
    let term = (1..place).fold(start, |term, _| term * ratio);
    let problem = one_of(
        rng,
        [
            format!(
                "Find term number {place} of the geometric sequence {start}, {second}, {third}, ..."
            ),
            format!(
                "What is term {place} of the geometric progression starting {start}, {second}, {third}?"
            ),
            format!(
                "Give the term at place {place} of the geometric sequence {start}, {second}, {third} and so on."
            ),
        ],
    );
    (problem, term.to_string())
}

fn geometric_series(rng: &mut dyn RngCore) -> ProblemText {
    let (start, ratio, count) = (between(rng, 1, 20), between(rng, 2, 5), between(rng, 4, 9));
    let sum = start * ((0..count).fold(1, |power: i64, _| power * ratio) - 1) / (ratio - 1);
    let problem = one_of(
        rng,
        [
            format!(
                "A geometric series starts with {start} and has ratio {ratio}. Add its first {count} terms."
            ),
            format!(
                "The first term is {start} and each next term is {ratio} times the last. What is the sum of {count} terms?"
            ),
            format!(
                "With first term {start} and common ratio {ratio}, find the sum of the first {count} terms."
            ),
        ],
    );
    (problem, sum.to_string())
}

fn infinite_series(rng: &mut dyn RngCore) -> ProblemText {
    let (start, bottom) = (between(rng, 1, 60), between(rng, 3, 15));
    let top = between(rng, 1, bottom - 1);
    let ask = four_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "An infinite geometric series has first term {start} and ratio {top}/{bottom}. Find its sum. {ask}"
            ),
            format!(
                "Starting from {start}, each term is {top}/{bottom} of the one before it. What do all the terms add up to? {ask}"
            ),
            format!(
                "What is $\\sum_{{k}} {start} \\cdot \\left(\\frac{{{top}}}{{{bottom}}}\\right)^k$, with k running over all whole numbers from zero on? {ask}"
            ),
        ],
    );
    (problem, quotient(start * bottom, bottom - top, 4))
}

fn sum_of_squares(rng: &mut dyn RngCore) -> ProblemText {
    let (first, more) = (between(rng, 1, 20), between(rng, 2, 40));
    let last = first + more;
    let up_to = |n: i64| n * (n + 1) * (2 * n + 1) / 6;
    let problem = one_of(
        rng,
        [
            format!("Add the squares of all whole numbers from {first} to {last}."),
            format!("What is $\\sum_{{k={first}}}^{{{last}}} k \\cdot k$?"),
            format!(
                "Square every integer from {first} up to and including {last}, then add the squares. What is the total?"
            ),
        ],
    );
    (problem, (up_to(last) - up_to(first - 1)).to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use crate::validation::tools::math::tests::Check;

    /// The members of a sequence, each computed from the one before it.
    fn walk(start: f64, count: f64, next: impl Fn(f64) -> f64) -> Vec<f64> {
        let mut members = vec![start];
        while (members.len() as f64) < count {
            members.push(next(members[members.len() - 1]));
        }
        members
    }

    pub(in crate::validation::tools::math) const CHECKS: &[Check] = &[
        ("arithmetic_sequence_term", |n| {
            let step = n[3] - n[2];
            walk(n[1], n[0], |last| last + step)[n[0] as usize - 1]
        }),
        ("arithmetic_series", |n| {
            let step = n[2] - n[1];
            walk(n[1], n[0], |last| last + step).iter().sum()
        }),
        ("geometric_sequence_term", |n| {
            let ratio = n[3] / n[2];
            walk(n[1], n[0], |last| last * ratio)[n[0] as usize - 1]
        }),
        ("geometric_series", |n| walk(n[0], n[2], |last| last * n[1]).iter().sum()),
        ("infinite_series", |n| {
            let ratio = n[1] / n[2];
            walk(n[0], 2000.0, |last| last * ratio).iter().sum()
        }),
        ("sum_of_squares", |n| (n[0] as i64..=n[1] as i64).map(|k| (k * k) as f64).sum()),
    ];
}
