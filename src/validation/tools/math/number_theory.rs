//! Divisors, primes, remainders and digits.

use rand::RngCore;

use super::text::{between, one_of};
use super::{Family, ProblemText, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "number_theory",
    families: &[
        Family { name: "greatest_common_divisor", make: greatest_common_divisor },
        Family { name: "least_common_multiple", make: least_common_multiple },
        Family { name: "remainder", make: remainder },
        Family { name: "power_remainder", make: power_remainder },
        Family { name: "largest_prime_factor", make: largest_prime_factor },
        Family { name: "divisor_count", make: divisor_count },
        Family { name: "divisor_sum", make: divisor_sum },
        Family { name: "prime_count", make: prime_count },
        Family { name: "digit_sum", make: digit_sum },
        Family { name: "multiples_in_range", make: multiples_in_range },
        Family { name: "coprime_count", make: coprime_count },
    ],
};

fn common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// The prime factors of `number`, smallest first, each as often as it occurs.
fn prime_factors(mut number: i64) -> Vec<i64> {
    let mut factors = Vec::new();
    let mut prime = 2;
    while prime * prime <= number {
        while number % prime == 0 {
            factors.push(prime);
            number /= prime;
        }
        prime += 1;
    }
    if 1 < number {
        factors.push(number);
    }
    factors
}

/// Each prime factor of `number` with its power.
fn prime_powers(number: i64) -> Vec<(i64, u32)> {
    let mut powers: Vec<(i64, u32)> = Vec::new();
    for prime in prime_factors(number) {
        match powers.last_mut() {
            Some((last, power)) if *last == prime => *power += 1,
            _ => powers.push((prime, 1)),
        }
    }
    powers
}

fn greatest_common_divisor(rng: &mut dyn RngCore) -> ProblemText {
    let shared = between(rng, 2, 60);
    let (a, b) = (shared * between(rng, 2, 40), shared * between(rng, 2, 40));
    let problem = one_of(
        rng,
        [
            format!("What is the greatest common divisor of {a} and {b}?"),
            format!("Find $\\gcd({a}, {b})$."),
            format!("Which is the largest whole number that divides both {a} and {b}?"),
        ],
    );
    (problem, common_divisor(a, b).to_string())
}

fn least_common_multiple(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b) = (between(rng, 4, 120), between(rng, 4, 120));
    let problem = one_of(
        rng,
        [
            format!("What is the least common multiple of {a} and {b}?"),
            format!("Find the smallest positive number that both {a} and {b} divide."),
            format!(
                "Two lights blink every {a} and every {b} seconds. They blink together now; after how many seconds do they next do so?"
            ),
        ],
    );
    (problem, (a / common_divisor(a, b) * b).to_string())
}

fn remainder(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b) = (between(rng, 1000, 999_999), between(rng, 3, 97));
    let problem = one_of(
        rng,
        [
            format!("What is the remainder when {a} is divided by {b}?"),
            format!("Divide {a} by {b} with whole numbers only. What remains?"),
            format!("{a} eggs are packed in boxes of {b}. How many eggs are left over?"),
        ],
    );
    (problem, (a % b).to_string())
}

fn power_remainder(rng: &mut dyn RngCore) -> ProblemText {
    let (base, exponent, divisor) =
        (between(rng, 2, 60), between(rng, 5, 400), between(rng, 5, 97));
    let answer = (0..exponent).fold(1, |power: i64, _| power * base % divisor);
    let problem = one_of(
        rng,
        [
            format!(
                "What is the remainder of ${base}^{{{exponent}}}$ after division by {divisor}?"
            ),
            format!(
                "Raise {base} to the power {exponent}. What remains when the result is divided by {divisor}?"
            ),
            format!("Compute {base}^{exponent} modulo {divisor}."),
        ],
    );
    (problem, answer.to_string())
}

fn largest_prime_factor(rng: &mut dyn RngCore) -> ProblemText {
    let number = between(rng, 100, 20_000);
    let problem = one_of(
        rng,
        [
            format!("What is the largest prime factor of {number}?"),
            format!("Which is the greatest prime number that divides {number}?"),
            format!("Factor {number} into primes and give the largest of them."),
        ],
    );
    let answer = prime_factors(number).last().copied().unwrap_or(number);
    (problem, answer.to_string())
}

fn divisor_count(rng: &mut dyn RngCore) -> ProblemText {
    let number = between(rng, 20, 3000);
    let problem = one_of(
        rng,
        [
            format!("How many positive divisors does {number} have?"),
            format!("Count the whole numbers that divide {number}, including the trivial ones."),
            format!(
                "In how many ways can {number} chairs be set out in equal rows, counting each row length once?"
            ),
        ],
    );
    let count: u32 = prime_powers(number).iter().map(|(_, power)| power + 1).product();
    (problem, count.to_string())
}

fn divisor_sum(rng: &mut dyn RngCore) -> ProblemText {
    let number = between(rng, 10, 1500);
    let problem = one_of(
        rng,
        [
            format!(
                "What is the sum of all positive divisors of {number}, the number itself included?"
            ),
            format!("Add up every whole number that divides {number}, including that number."),
            format!(
                "Find the total of all divisors of {number}, from one up to the number itself."
            ),
        ],
    );
    let sum: i64 = prime_powers(number)
        .iter()
        .map(|(prime, power)| (prime.pow(power + 1) - 1) / (prime - 1))
        .product();
    (problem, sum.to_string())
}

fn prime_count(rng: &mut dyn RngCore) -> ProblemText {
    let (low, span) = (between(rng, 2, 400), between(rng, 15, 200));
    let high = low + span;
    let problem = one_of(
        rng,
        [
            format!("How many prime numbers are there from {low} to {high}, both included?"),
            format!("Count the primes p with ${low} \\le p \\le {high}$."),
            format!(
                "How many of the whole numbers from {low} up to and including {high} are prime?"
            ),
        ],
    );
    let count = (low..=high).filter(|number| prime_factors(*number).len() == 1).count();
    (problem, count.to_string())
}

fn digit_sum(rng: &mut dyn RngCore) -> ProblemText {
    let number = between(rng, 10_000, 999_999_999);
    let problem = one_of(
        rng,
        [
            format!("What is the sum of the digits of {number}?"),
            format!("Add the digits of the number {number}."),
            format!("Take the number {number} and add up all its digits. What is the total?"),
        ],
    );
    let sum: u32 = number.to_string().chars().filter_map(|digit| digit.to_digit(10)).sum();
    (problem, sum.to_string())
}

fn multiples_in_range(rng: &mut dyn RngCore) -> ProblemText {
    let (divisor, low) = (between(rng, 3, 29), between(rng, 10, 500));
    let high = low + between(rng, 50, 2000);
    let problem = one_of(
        rng,
        [
            format!("How many multiples of {divisor} lie between {low} and {high}, ends included?"),
            format!(
                "How many whole numbers divisible by {divisor} are there from {low} to {high} inclusive?"
            ),
            format!("Count the multiples of {divisor} that are at least {low} and at most {high}."),
        ],
    );
    (problem, (high / divisor - (low - 1) / divisor).to_string())
}

fn coprime_count(rng: &mut dyn RngCore) -> ProblemText {
    let number = between(rng, 10, 900);
    let problem = one_of(
        rng,
        [
            format!(
                "How many positive whole numbers up to {number} have no common factor with it but one?"
            ),
            format!("Evaluate Euler's totient function at {number}."),
            format!(
                "What is $\\varphi({number})$, the count of numbers from one to it that are coprime to it?"
            ),
        ],
    );
    let count =
        prime_powers(number).iter().fold(number, |count, (prime, _)| count / prime * (prime - 1));
    (problem, count.to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use crate::validation::tools::math::tests::Check;

    fn divides(divisor: i64, number: f64) -> bool {
        number as i64 % divisor == 0
    }

    fn divisors(number: f64) -> Vec<i64> {
        (1..=number as i64).filter(|divisor| divides(*divisor, number)).collect()
    }

    fn is_prime(number: i64) -> bool {
        divisors(number as f64).len() == 2
    }

    pub(in crate::validation::tools::math) const CHECKS: &[Check] = &[
        ("greatest_common_divisor", |n| {
            divisors(n[0]).into_iter().rfind(|divisor| divides(*divisor, n[1])).unwrap() as f64
        }),
        ("least_common_multiple", |n| {
            (1..).map(|k| f64::from(k) * n[0]).find(|many| divides(n[1] as i64, *many)).unwrap()
        }),
        ("remainder", |n| n[0] - (n[0] / n[1]).floor() * n[1]),
        ("power_remainder", |n| {
            // Exponentiation by squaring, bit by bit.
            let (mut square, mut left, divisor) = (n[0] as i64, n[1] as i64, n[2] as i64);
            let mut answer = 1;
            while left != 0 {
                if left % 2 == 1 {
                    answer = answer * square % divisor;
                }
                square = square * square % divisor;
                left /= 2;
            }
            answer as f64
        }),
        ("largest_prime_factor", |n| {
            divisors(n[0]).into_iter().rfind(|divisor| is_prime(*divisor)).unwrap() as f64
        }),
        ("divisor_count", |n| divisors(n[0]).len() as f64),
        ("divisor_sum", |n| divisors(n[0]).iter().sum::<i64>() as f64),
        ("prime_count", |n| {
            (n[0] as i64..=n[n.len() - 1] as i64).filter(|p| is_prime(*p)).count() as f64
        }),
        ("digit_sum", |n| {
            let (mut rest, mut sum) = (n[0] as i64, 0);
            while rest != 0 {
                sum += rest % 10;
                rest /= 10;
            }
            sum as f64
        }),
        ("multiples_in_range", |n| {
            (n[1] as i64..=n[2] as i64).filter(|many| many % n[0] as i64 == 0).count() as f64
        }),
        ("coprime_count", |n| {
            let shares =
                |k: i64| divisors(k as f64).into_iter().any(|d| d != 1 && divides(d, n[0]));
            (1..=n[0] as i64).filter(|k| !shares(*k)).count() as f64
        }),
    ];
}
