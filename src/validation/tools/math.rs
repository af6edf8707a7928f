//! `math`: makes mathematics problems whose solution is one number.
//!
//! Owns the families of problems, their wordings, and the format of a solution: always a plain
//! decimal that [`parse_reference`](crate::validation::rewards::float_diff::parse_reference)
//! accepts. A problem with a rounded solution says so in words. The same seed gives the same
//! problem. Excludes computer science, as the reference does (docs/spec/mechanism.md#math-dataset),
//! and problems with several answers.

mod algebra;
mod arithmetic;
mod calculus;
mod geometry;
mod number_theory;
mod percentages;
mod sequences;
mod shapes;
mod statistics;
pub(in crate::validation) mod text;
mod word_problems;

use rand::{Rng, RngCore};

use super::{Context, Sources, Stats, Tool, ToolError};

/// The key of the solution in the context's `extra`.
pub const SOLUTION: &str = "solution";

/// The tool `math`.
#[derive(Debug)]
pub struct ProblemGenerator;

impl Tool for ProblemGenerator {
    fn name(&self) -> &'static str {
        "math"
    }

    fn draw(&self, _: &Sources, mut rng: &mut dyn RngCore) -> Result<Context, ToolError> {
        Ok(generate(&mut rng).into())
    }
}

/// A problem with its solution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MathProblem {
    /// Field of mathematics, such as `geometry`.
    pub topic: &'static str,
    /// The kind of problem within the topic, such as `circle_area`: a task's subtopic.
    pub family: &'static str,
    /// The question, in plain words with a little LaTeX.
    pub problem: String,
    /// The answer, as a decimal: exact, or rounded as the problem asks.
    pub solution: String,
}

impl From<MathProblem> for Context {
    fn from(problem: MathProblem) -> Self {
        let extra = [(SOLUTION.to_owned(), problem.solution.into())].into_iter().collect();
        Self {
            title: problem.topic.to_owned(),
            topic: problem.topic.to_owned(),
            subtopic: problem.family.to_owned(),
            content: problem.problem,
            source: "MathDataset".to_owned(),
            extra,
            stats: Stats::random(),
            ..Self::default()
        }
    }
}

/// The text of a problem and its solution.
type ProblemText = (String, String);

/// One kind of problem, with its generator.
struct Family {
    name: &'static str,
    make: fn(&mut dyn RngCore) -> ProblemText,
}

/// One topic with its families.
struct Topic {
    name: &'static str,
    families: &'static [Family],
}

const TOPICS: [Topic; 10] = [
    arithmetic::TOPIC,
    algebra::TOPIC,
    sequences::TOPIC,
    geometry::TOPIC,
    shapes::TOPIC,
    number_theory::TOPIC,
    statistics::TOPIC,
    calculus::TOPIC,
    percentages::TOPIC,
    word_problems::TOPIC,
];

/// A problem of a family that is drawn uniformly from all.
pub fn generate(rng: &mut impl Rng) -> MathProblem {
    let mut at = rng.random_range(0..families().count());
    for topic in &TOPICS {
        match topic.families.get(at) {
            Some(family) => return draft(topic, family, rng),
            None => at -= topic.families.len(),
        }
    }
    draft(&TOPICS[0], &TOPICS[0].families[0], rng)
}

/// A problem of the family called `name`; `None` if there is no such family.
pub fn generate_family(name: &str, rng: &mut impl Rng) -> Option<MathProblem> {
    TOPICS.iter().find_map(|topic| {
        let family = topic.families.iter().find(|family| family.name == name)?;
        Some(draft(topic, family, rng))
    })
}

/// The names of all families, without repeats.
pub fn families() -> impl Iterator<Item = &'static str> {
    TOPICS.iter().flat_map(|topic| topic.families.iter().map(|family| family.name))
}

fn draft(topic: &Topic, family: &Family, rng: &mut impl Rng) -> MathProblem {
    let (problem, solution) = (family.make)(rng);
    MathProblem { topic: topic.name, family: family.name, problem, solution }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::validation::rewards::float_diff::parse_reference;

    /// Solves a problem again in another way, from the numbers in its text.
    pub(super) type Check = (&'static str, fn(&[f64]) -> f64);

    const SEEDS: u64 = 200;

    fn problem(family: &str, seed: u64) -> MathProblem {
        generate_family(family, &mut ChaCha8Rng::seed_from_u64(seed)).unwrap()
    }

    /// The numbers in a text, in order. A minus counts if it stands before a number and not after
    /// one, also with one space between, as in `3x - 5`.
    fn numbers(text: &str) -> Vec<f64> {
        let characters: Vec<char> = text.chars().collect();
        let mut found = Vec::new();
        let mut at = 0;
        while at < characters.len() {
            if !characters[at].is_ascii_digit() {
                at += 1;
                continue;
            }
            let before = text_before(&characters, at);
            let mut plain = String::new();
            while at < characters.len() {
                let next_is_digit = characters.get(at + 1).is_some_and(char::is_ascii_digit);
                match characters[at] {
                    digit if digit.is_ascii_digit() => plain.push(digit),
                    '.' if next_is_digit => plain.push('.'),
                    _ => break,
                }
                at += 1;
            }
            let number: f64 = plain.parse().unwrap();
            found.push(if before { -number } else { number });
        }
        found
    }

    fn text_before(characters: &[char], at: usize) -> bool {
        let mut before = characters[..at].iter().rev().skip_while(|character| **character == ' ');
        before.next() == Some(&'-')
    }

    fn checks() -> Vec<Check> {
        [
            arithmetic::tests::CHECKS,
            algebra::tests::CHECKS,
            sequences::tests::CHECKS,
            geometry::tests::CHECKS,
            shapes::tests::CHECKS,
            number_theory::tests::CHECKS,
            statistics::tests::CHECKS,
            calculus::tests::CHECKS,
            percentages::tests::CHECKS,
            word_problems::tests::CHECKS,
        ]
        .concat()
    }

    /// Half a unit of the last decimal place of `solution`, or nearly zero if the problem does not
    /// ask for rounding.
    fn tolerance(problem: &MathProblem) -> f64 {
        let places = problem.solution.split_once('.').map_or(0, |(_, digits)| digits.len());
        let asks = ["Round to", "Round the", "rounded", "round your"];
        if asks.iter().any(|ask| problem.problem.contains(ask)) {
            0.5 * 10f64.powi(-i32::try_from(places).unwrap()) * (1.0 + 1e-6)
        } else {
            1e-9
        }
    }

    #[test]
    fn every_solution_is_right_by_another_way() {
        let checks = checks();
        for family in families() {
            let (_, check) = checks.iter().find(|(name, _)| *name == family).unwrap_or_else(|| {
                panic!("no check for {family}");
            });
            for seed in 0..SEEDS {
                let problem = problem(family, seed);
                let stated = numbers(&problem.problem);
                let expected = check(&stated);
                let solution = parse_reference(&problem.solution).unwrap();
                let slack = tolerance(&problem) + 1e-9 * expected.abs();
                assert!(
                    (solution - expected).abs() <= slack,
                    "{problem:?}: {expected} from {stated:?}"
                );
            }
        }
        assert_eq!(checks.len(), families().count());
    }

    #[test]
    fn every_solution_is_a_finite_decimal() {
        for family in families() {
            for seed in 0..SEEDS {
                let problem = problem(family, seed);
                let solution = parse_reference(&problem.solution);
                assert!(solution.is_some_and(f64::is_finite), "{problem:?}");
                assert_ne!(problem.solution, "-0", "{problem:?}");
                assert!(10 < problem.problem.len(), "{problem:?}");
                assert_eq!(problem.problem.trim(), problem.problem);
                assert!(!problem.problem.contains("  "), "{problem:?}");
            }
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_problem() {
        for family in families() {
            let made: BTreeSet<String> = (0..SEEDS)
                .map(|seed| {
                    let first = problem(family, seed);
                    assert_eq!(first, problem(family, seed));
                    first.problem
                })
                .collect();
            assert!(SEEDS / 4 < made.len() as u64, "{family} makes only {} texts", made.len());
        }
    }

    #[test]
    fn families_are_many_and_their_names_differ() {
        let names: BTreeSet<_> = families().collect();
        assert_eq!(names.len(), families().count());
        assert!(40 <= names.len(), "{}", names.len());
        assert_eq!(generate_family("no_such_family", &mut ChaCha8Rng::seed_from_u64(1)), None);
    }

    #[test]
    fn all_families_are_drawn() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let drawn: BTreeSet<_> =
            (0..40 * families().count()).map(|_| generate(&mut rng).family).collect();
        assert_eq!(drawn, families().collect());
    }
}
