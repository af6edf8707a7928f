//! Averages, spread, counting and probability.

use rand::RngCore;

use super::text::{between, four_decimals, list, one_of, quotient, rounded, several, two_decimals};
use super::{Family, ProblemText, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "statistics",
    families: &[
        Family { name: "mean", make: mean },
        Family { name: "median", make: median },
        Family { name: "data_range", make: data_range },
        Family { name: "standard_deviation", make: standard_deviation },
        Family { name: "geometric_mean", make: geometric_mean },
        Family { name: "harmonic_mean", make: harmonic_mean },
        Family { name: "weighted_mean", make: weighted_mean },
        Family { name: "combinations", make: combinations },
        Family { name: "permutations", make: permutations },
        Family { name: "dice_sum_probability", make: dice_sum_probability },
        Family { name: "drawing_without_return", make: drawing_without_return },
        Family { name: "coin_toss_probability", make: coin_toss_probability },
        Family { name: "missing_value", make: missing_value },
    ],
};

fn mean(rng: &mut dyn RngCore) -> ProblemText {
    let count = between(rng, 4, 8);
    let values = several(rng, count, 1, 200);
    let text = list(&values);
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("What is the mean of {text}? {ask}"),
            format!("Find the average of the numbers {text}. {ask}"),
            format!(
                "A runner's distances in kilometres this month were {text}. What was the average? {ask}"
            ),
        ],
    );
    (problem, quotient(values.iter().sum(), count, 2))
}

fn median(rng: &mut dyn RngCore) -> ProblemText {
    let count = between(rng, 5, 10);
    let mut values = several(rng, count, 1, 300);
    let text = list(&values);
    let problem = one_of(
        rng,
        [
            format!("What is the median of {text}?"),
            format!("Find the exact median of this data: {text}."),
            format!("Sort the numbers {text} and give their median."),
        ],
    );
    values.sort_unstable();
    let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    (problem, quotient(low + high, 2, 1))
}

fn data_range(rng: &mut dyn RngCore) -> ProblemText {
    let count = between(rng, 5, 10);
    let values = several(rng, count, -200, 300);
    let text = list(&values);
    let problem = one_of(
        rng,
        [
            format!("What is the range of the data {text}?"),
            format!("How far apart are the largest and the smallest of {text}?"),
            format!("Temperatures of {text} were measured. What is their range?"),
        ],
    );
    let (low, high) = (values.iter().min(), values.iter().max());
    let range = high.copied().unwrap_or_default() - low.copied().unwrap_or_default();
    (problem, range.to_string())
}

fn standard_deviation(rng: &mut dyn RngCore) -> ProblemText {
    let count = between(rng, 4, 8);
    let values = several(rng, count, 1, 120);
    let text = list(&values);
    let (sum, squares): (i64, i64) =
        values.iter().fold((0, 0), |(sum, squares), value| (sum + value, squares + value * value));
    let spread = ((count * squares - sum * sum) as f64).sqrt() / count as f64;
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("Find the population standard deviation of {text}. {ask}"),
            format!("The whole population is {text}. What is its standard deviation? {ask}"),
            format!(
                "Compute the standard deviation of {text}, treating them as the full population. {ask}"
            ),
        ],
    );
    (problem, rounded(spread, 2))
}

fn geometric_mean(rng: &mut dyn RngCore) -> ProblemText {
    let count = between(rng, 2, 5);
    let values = several(rng, count, 2, 99);
    let text = list(&values);
    let product: i64 = values.iter().product();
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("What is the geometric mean of {text}? {ask}"),
            format!("Find the geometric mean of the numbers {text}. {ask}"),
            format!("Given {text}, work out their geometric mean. {ask}"),
        ],
    );
    (problem, rounded((product as f64).powf(1.0 / count as f64), 2))
}

fn harmonic_mean(rng: &mut dyn RngCore) -> ProblemText {
    let (a, b, c) = (between(rng, 2, 60), between(rng, 2, 60), between(rng, 2, 60));
    let text = list(&[a, b, c]);
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("What is the harmonic mean of {text}? {ask}"),
            format!("Find the harmonic mean of the numbers {text}. {ask}"),
            format!(
                "A cyclist rides three equal laps at {text} kilometres per hour. What is the average speed in kilometres per hour? {ask}"
            ),
        ],
    );
    (problem, quotient(3 * a * b * c, a * b + b * c + c * a, 2))
}

fn weighted_mean(rng: &mut dyn RngCore) -> ProblemText {
    let (exam, homework) = (between(rng, 20, 100), between(rng, 20, 100));
    let (first, second) = (between(rng, 2, 9), between(rng, 2, 9));
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "An exam mark of {exam} counts with weight {first} and a homework mark of {homework} with weight {second}. What is the final mark? {ask}"
            ),
            format!(
                "Find the weighted average of {exam} with weight {first} and {homework} with weight {second}. {ask}"
            ),
            format!(
                "Someone buys at {exam} euros a share {first} times and at {homework} euros a share {second} times, one share each time. What is the average price? {ask}"
            ),
        ],
    );
    (problem, quotient(exam * first + homework * second, first + second, 2))
}

/// The number of ways to choose `picked` out of `total`.
fn choose(total: i64, picked: i64) -> i64 {
    (0..picked).fold(1, |ways, at| ways * (total - at) / (at + 1))
}

fn combinations(rng: &mut dyn RngCore) -> ProblemText {
    let total = between(rng, 5, 30);
    let picked = between(rng, 2, (total - 1).min(8));
    let problem = one_of(
        rng,
        [
            format!(
                "From {total} people, a committee of {picked} is chosen. How many committees are possible?"
            ),
            format!("In how many ways can you choose from {total} books a set of {picked}?"),
            format!("What is $\\binom{{{total}}}{{{picked}}}$?"),
        ],
    );
    (problem, choose(total, picked).to_string())
}

fn permutations(rng: &mut dyn RngCore) -> ProblemText {
    let total = between(rng, 5, 20);
    let picked = between(rng, 2, (total - 1).min(7));
    let ways: i64 = (total - picked + 1..=total).product();
    let problem = one_of(
        rng,
        [
            format!(
                "Of {total} runners, the first {picked} get different prizes. In how many ways can the prizes be given?"
            ),
            format!(
                "How many ordered selections from {total} objects have {picked} different objects each?"
            ),
            format!("Find the number of permutations of {total} things taken {picked} at a time."),
        ],
    );
    (problem, ways.to_string())
}

fn dice_sum_probability(rng: &mut dyn RngCore) -> ProblemText {
    let (sides, more) = (between(rng, 4, 20), between(rng, 4, 20));
    let sum = between(rng, 2, sides + more);
    let ways = (1..=sides).filter(|first| (1..=more).contains(&(sum - first))).count() as i64;
    let ask = four_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "A fair die with {sides} faces and one with {more} faces are rolled. How likely is a sum of {sum}? {ask}"
            ),
            format!(
                "You roll a fair die of {sides} faces and another of {more}. What is the probability that they add up to {sum}? {ask}"
            ),
            format!(
                "Two spinners carry the numbers from one to {sides} and from one to {more}, all equally likely. With what probability is their total {sum}? {ask}"
            ),
        ],
    );
    (problem, quotient(ways, sides * more, 4))
}

fn drawing_without_return(rng: &mut dyn RngCore) -> ProblemText {
    let (red, blue) = (between(rng, 2, 20), between(rng, 2, 20));
    let total = red + blue;
    let ask = four_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "A bag holds {red} red and {blue} blue marbles. Two are drawn without putting any back. What is the probability that both are red? {ask}"
            ),
            format!(
                "Of the cards in a stack, {red} are red and {blue} are blue. Two are taken at once at random. How likely are two red ones? {ask}"
            ),
            format!(
                "From {red} red and {blue} blue socks in the dark you pick two. With what probability are both of them red? {ask}"
            ),
        ],
    );
    (problem, quotient(red * (red - 1), total * (total - 1), 4))
}

fn coin_toss_probability(rng: &mut dyn RngCore) -> ProblemText {
    let tosses = between(rng, 3, 30);
    let heads = between(rng, tosses / 4, tosses - tosses / 4);
    let answer = choose(tosses, heads) as f64 / 2f64.powi(tosses as i32);
    let ask = four_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "A fair coin is tossed {tosses} times. What is the probability of exactly {heads} heads? {ask}"
            ),
            format!(
                "In {tosses} tosses of a fair coin, how likely is it to see heads exactly {heads} times? {ask}"
            ),
            format!(
                "Someone guesses all {tosses} questions of a true-or-false test. With what probability are exactly {heads} right? {ask}"
            ),
        ],
    );
    (problem, rounded(answer, 4))
}

fn missing_value(rng: &mut dyn RngCore) -> ProblemText {
    let known = several(rng, 4, 1, 100);
    let sum: i64 = known.iter().sum();
    // The mean is whole, and large enough to make the missing number positive.
    let average = sum / 5 + between(rng, 1, 30);
    let text = list(&known);
    let problem = one_of(
        rng,
        [
            format!(
                "Five numbers have a mean of {average}. Four of them are {text}. What is the fifth?"
            ),
            format!(
                "The average of five results is {average}. If four results are {text}, find the missing one."
            ),
            format!(
                "To reach an average of {average} over five tests, what is needed in the last one after {text}?"
            ),
        ],
    );
    (problem, (5 * average - sum).to_string())
}

#[cfg(test)]
pub(super) mod tests {
    use crate::validation::tools::math::tests::Check;

    fn sorted(values: &[f64]) -> Vec<f64> {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        values
    }

    fn average(values: impl Iterator<Item = f64> + Clone) -> f64 {
        values.clone().sum::<f64>() / values.count() as f64
    }

    /// Row `total` of Pascal's triangle.
    fn pascal(total: usize) -> Vec<f64> {
        (0..total).fold(vec![1.0], |row, _| {
            let shifted = row.iter().copied().chain([0.0]);
            [0.0].into_iter().chain(row.iter().copied()).zip(shifted).map(|(a, b)| a + b).collect()
        })
    }

    pub(in crate::validation::tools::math) const CHECKS: &[Check] = &[
        ("mean", |n| {
            // The mean of each value's distance from the first.
            n[0] + average(n.iter().map(|value| value - n[0]))
        }),
        ("median", |n| {
            // Removes the outer two until one or two are left.
            let values = sorted(n);
            let mut inner = &values[..];
            while 2 < inner.len() {
                inner = &inner[1..inner.len() - 1];
            }
            average(inner.iter().copied())
        }),
        ("data_range", |n| sorted(n)[n.len() - 1] - sorted(n)[0]),
        ("standard_deviation", |n| {
            let centre = average(n.iter().copied());
            average(n.iter().map(|value| (value - centre).powi(2))).sqrt()
        }),
        ("geometric_mean", |n| average(n.iter().map(|value| value.ln())).exp()),
        ("harmonic_mean", |n| 1.0 / average(n.iter().map(|value| 1.0 / value))),
        ("weighted_mean", |n| {
            let first = std::iter::repeat_n(n[0], n[1] as usize);
            average(first.chain(std::iter::repeat_n(n[2], n[3] as usize)))
        }),
        ("combinations", |n| pascal(n[0] as usize)[n[1] as usize]),
        ("permutations", |n| (0..n[1] as u32).map(|taken| n[0] - f64::from(taken)).product()),
        ("dice_sum_probability", |n| {
            let rolls = (1..=n[0] as u32).flat_map(|a| (1..=n[1] as u32).map(move |b| a + b));
            let all = rolls.clone().count() as f64;
            rolls.filter(|sum| f64::from(*sum) == n[2]).count() as f64 / all
        }),
        ("drawing_without_return", |n| {
            let total = (n[0] + n[1]) as usize;
            let pairs = (0..total).flat_map(|a| (0..a).map(move |b| (a, b)));
            let red = |marble: usize| (marble as f64) < n[0];
            average(pairs.map(|(a, b)| f64::from(red(a) && red(b))))
        }),
        ("coin_toss_probability", |n| {
            let row = pascal(n[0] as usize);
            row[n[1] as usize] / row.iter().sum::<f64>()
        }),
        ("missing_value", |n| {
            // The mean comes first in every wording.
            (-1000..=1000)
                .map(f64::from)
                .find(|fifth| (n[1..].iter().sum::<f64>() + fifth) / 5.0 == n[0])
                .unwrap()
        }),
    ];
}
