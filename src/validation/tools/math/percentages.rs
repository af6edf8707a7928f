//! Percentages, prices and interest.

use rand::RngCore;

use super::text::{between, hundredths, one_of, person, quotient, rounded, tenths, two_decimals};
use super::{Family, ProblemText, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "percentages",
    families: &[
        Family { name: "percentage_of_number", make: percentage_of_number },
        Family { name: "what_percentage", make: what_percentage },
        Family { name: "percentage_change", make: percentage_change },
        Family { name: "price_before_discount", make: price_before_discount },
        Family { name: "discounted_price", make: discounted_price },
        Family { name: "price_with_tax", make: price_with_tax },
        Family { name: "two_changes", make: two_changes },
        Family { name: "simple_interest", make: simple_interest },
        Family { name: "compound_interest", make: compound_interest },
        Family { name: "profit_percentage", make: profit_percentage },
        Family { name: "tip_per_person", make: tip_per_person },
    ],
};

fn percentage_of_number(rng: &mut dyn RngCore) -> ProblemText {
    let (percent, number) = (between(rng, 2, 180), between(rng, 10, 5000));
    let problem = one_of(
        rng,
        [
            format!("What is {percent} percent of {number}?"),
            format!("Find exactly {percent}% of {number}."),
            format!(
                "Of a group, {percent} percent is wanted, where the group counts as {number}. How much is that?"
            ),
        ],
    );
    (problem, hundredths(percent * number))
}

fn what_percentage(rng: &mut dyn RngCore) -> ProblemText {
    let whole = between(rng, 20, 3000);
    let part = between(rng, 1, whole);
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!("What percentage is {part} of {whole}? {ask}"),
            format!("{part} seats out of {whole} are taken. What percent is that? {ask}"),
            format!("Express {part} as a percentage of {whole}. {ask}"),
        ],
    );
    (problem, quotient(100 * part, whole, 2))
}

fn percentage_change(rng: &mut dyn RngCore) -> ProblemText {
    let (old, rise) = (between(rng, 20, 2000), between(rng, 1, 1500));
    let new = old + rise;
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "A town grew from {old} to {new} inhabitants. By what percent did it grow? {ask}"
            ),
            format!("What is the percentage increase from {old} to {new}? {ask}"),
            format!(
                "The price of a flight went up from {old} to {new} dollars. How many percent is the rise? {ask}"
            ),
        ],
    );
    (problem, quotient(100 * rise, old, 2))
}

fn price_before_discount(rng: &mut dyn RngCore) -> ProblemText {
    let (twentieth, percent) = (between(rng, 2, 60), 5 * between(rng, 1, 14));
    let full = 20 * twentieth;
    let paid = full * (100 - percent) / 100;
    let problem = one_of(
        rng,
        [
            format!(
                "After a discount of {percent} percent a coat costs {paid} dollars. What did it cost before?"
            ),
            format!(
                "With {percent}% off, a lamp sells for {paid} euros. Find its original price in euros."
            ),
            format!(
                "Taking {percent} percent off the list price leaves {paid} dollars. How many dollars is the list price?"
            ),
        ],
    );
    (problem, full.to_string())
}

fn discounted_price(rng: &mut dyn RngCore) -> ProblemText {
    let (full, percent) = (between(rng, 10, 900), between(rng, 3, 80));
    let problem = one_of(
        rng,
        [
            format!(
                "A jacket costs {full} dollars and is reduced by {percent} percent. What is the new price in dollars?"
            ),
            format!(
                "From a bill of {full} euros, {percent}% is taken off. How many euros remain to be paid?"
            ),
            format!("What is left of {full} after it drops by {percent} percent?"),
        ],
    );
    (problem, hundredths(full * (100 - percent)))
}

fn price_with_tax(rng: &mut dyn RngCore) -> ProblemText {
    let (net, percent) = (between(rng, 10, 2500), between(rng, 3, 27));
    let problem = one_of(
        rng,
        [
            format!(
                "A desk costs {net} dollars before a sales tax of {percent} percent. What is the total price in dollars?"
            ),
            format!(
                "The net price is {net} euros, and {percent} percent of tax are added. How many euros is it in all?"
            ),
            format!("What does an item of {net} dollars come to with {percent}% tax on top?"),
        ],
    );
    (problem, hundredths(net * (100 + percent)))
}

fn two_changes(rng: &mut dyn RngCore) -> ProblemText {
    let (start, up, down) = (between(rng, 50, 4000), between(rng, 2, 60), between(rng, 2, 60));
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "A share worth {start} dollars gains {up} percent and then loses {down} percent. What is it worth now? {ask}"
            ),
            format!(
                "The number {start} is raised by {up}% and the result lowered by {down}%. What comes out? {ask}"
            ),
            format!(
                "A herd of {start} grows by {up} percent in a year and shrinks by {down} percent in the next. What size does this calculation give? {ask}"
            ),
        ],
    );
    (problem, quotient(start * (100 + up) * (100 - down), 10_000, 2))
}

fn simple_interest(rng: &mut dyn RngCore) -> ProblemText {
    let (amount, rate, years) =
        (between(rng, 100, 20_000), between(rng, 1, 15), between(rng, 2, 12));
    let problem = one_of(
        rng,
        [
            format!(
                "How much simple interest do {amount} dollars earn at {rate} percent a year over {years} years?"
            ),
            format!(
                "A loan of {amount} euros carries simple interest of {rate}% a year. How many euros of interest are due after {years} years?"
            ),
            format!(
                "Find the simple interest on {amount} dollars at {rate} percent per year for {years} years."
            ),
        ],
    );
    (problem, hundredths(amount * rate * years))
}

fn compound_interest(rng: &mut dyn RngCore) -> ProblemText {
    let (amount, rate, years) =
        (between(rng, 100, 20_000), between(rng, 10, 120), between(rng, 2, 15));
    let growth = 1.0 + rate as f64 / 1000.0;
    let percent = tenths(rate);
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "You put {amount} dollars in an account at {percent} percent interest, compounded yearly. How many dollars are there after {years} years? {ask}"
            ),
            format!(
                "A sum of {amount} euros grows by {percent}% every year, interest included. What is it after {years} years? {ask}"
            ),
            format!(
                "Find the final amount if {amount} dollars earn {percent} percent compound interest per year for {years} years. {ask}"
            ),
        ],
    );
    (problem, rounded(amount as f64 * growth.powi(years as i32), 2))
}

fn profit_percentage(rng: &mut dyn RngCore) -> ProblemText {
    let (cost, profit) = (between(rng, 10, 900), between(rng, 1, 500));
    let price = cost + profit;
    let who = person(rng);
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "{who} buys a bicycle for {cost} dollars and sells it for {price}. What is the profit as a percentage of the cost? {ask}"
            ),
            format!(
                "Cost price {cost}, selling price {price}: what percent profit is that on the cost? {ask}"
            ),
            format!(
                "A shop pays {cost} euros for a chair and asks {price} euros. How many percent does it add? {ask}"
            ),
        ],
    );
    (problem, quotient(100 * profit, cost, 2))
}

fn tip_per_person(rng: &mut dyn RngCore) -> ProblemText {
    let (bill, percent, friends) = (between(rng, 20, 600), between(rng, 5, 25), between(rng, 2, 9));
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "A dinner costs {bill} dollars. With a tip of {percent} percent added, {friends} friends share it equally. What does each pay? {ask}"
            ),
            format!(
                "To a bill of {bill} euros a tip of {percent}% is added, and {friends} people split the sum evenly. How many euros is one share? {ask}"
            ),
            format!(
                "Split a bill of {bill} dollars plus {percent} percent tip among {friends} people. How many dollars each? {ask}"
            ),
        ],
    );
    (problem, quotient(bill * (100 + percent), 100 * friends, 2))
}

#[cfg(test)]
pub(super) mod tests {
    use crate::validation::tools::math::tests::Check;

    pub(in crate::validation::tools::math) const CHECKS: &[Check] = &[
        ("percentage_of_number", |n| n[0] / 100.0 * n[1]),
        ("what_percentage", |n| {
            let one_percent = n[1] / 100.0;
            n[0] / one_percent
        }),
        ("percentage_change", |n| (n[1] / n[0] - 1.0) * 100.0),
        ("price_before_discount", |n| {
            let after = |full: f64| full - full * n[0] / 100.0;
            (1..).map(f64::from).find(|full| n[1] <= after(*full) + 1e-9).unwrap()
        }),
        ("discounted_price", |n| n[0] - n[0] / 100.0 * n[1]),
        ("price_with_tax", |n| n[0] + n[0] / 100.0 * n[1]),
        ("two_changes", |n| {
            let raised = n[0] + n[0] * n[1] / 100.0;
            raised - raised * n[2] / 100.0
        }),
        ("simple_interest", |n| (0..n[2] as u32).map(|_| n[0] / 100.0 * n[1]).sum()),
        ("compound_interest", |n| (0..n[2] as u32).fold(n[0], |sum, _| sum + sum * n[1] / 100.0)),
        ("profit_percentage", |n| (n[1] - n[0]) / (n[0] / 100.0)),
        ("tip_per_person", |n| {
            let (share, tip) = (n[0] / n[2], n[0] * n[1] / 100.0 / n[2]);
            share + tip
        }),
    ];
}
