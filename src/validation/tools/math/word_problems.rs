//! Everyday questions: travel, work, mixtures, ages, money and measures.

use rand::RngCore;

use super::text::{between, hundredths, one_of, person, quotient, tenths, two_decimals};
use super::{Family, ProblemText, Topic};

pub(super) const TOPIC: Topic = Topic {
    name: "word_problems",
    families: &[
        Family { name: "travel_time", make: travel_time },
        Family { name: "two_trains", make: two_trains },
        Family { name: "working_together", make: working_together },
        Family { name: "mixture_strength", make: mixture_strength },
        Family { name: "future_age", make: future_age },
        Family { name: "recipe_scaling", make: recipe_scaling },
        Family { name: "coins", make: coins },
        Family { name: "ticket_sales", make: ticket_sales },
        Family { name: "fuel_cost", make: fuel_cost },
        Family { name: "celsius_to_fahrenheit", make: celsius_to_fahrenheit },
        Family { name: "consecutive_numbers", make: consecutive_numbers },
        Family { name: "map_scale", make: map_scale },
    ],
};

fn travel_time(rng: &mut dyn RngCore) -> ProblemText {
    let (distance, speed) = (between(rng, 20, 1500), between(rng, 15, 160));
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "How many hours does it take to drive {distance} km at {speed} km per hour? {ask}"
            ),
            format!(
                "A bus covers {distance} kilometres at a steady {speed} kilometres per hour. For how many hours does it travel? {ask}"
            ),
            format!(
                "A boat has {distance} km to go and makes {speed} km an hour. In how many hours does it arrive? {ask}"
            ),
        ],
    );
    (problem, quotient(distance, speed, 2))
}

fn two_trains(rng: &mut dyn RngCore) -> ProblemText {
    let (first, second, apart) =
        (between(rng, 30, 150), between(rng, 30, 150), between(rng, 50, 1200));
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "Two trains travel towards each other at {first} and {second} km per hour. They start {apart} km apart. After how many hours do they meet? {ask}"
            ),
            format!(
                "Driving towards each other at {first} km/h and {second} km/h, two cars begin {apart} km apart. How many hours pass until they meet? {ask}"
            ),
            format!(
                "One cyclist rides at {first} and another at {second} kilometres per hour, in opposite directions from the same spot. After how many hours are they {apart} km apart? {ask}"
            ),
        ],
    );
    (problem, quotient(apart, first + second, 2))
}

fn working_together(rng: &mut dyn RngCore) -> ProblemText {
    let (first, second) = (between(rng, 2, 40), between(rng, 2, 40));
    let (who, other) = (person(rng), person(rng));
    let other = if who == other { "Mira" } else { other };
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "{who} paints a fence in {first} hours and {other} needs {second} hours. How many hours do they need together? {ask}"
            ),
            format!(
                "One pump empties a pool in {first} hours, another in {second} hours. How many hours do both take at once? {ask}"
            ),
            format!(
                "Alone, {who} finishes a job in {first} days, while {other} takes {second} days. In how many days do they finish it together? {ask}"
            ),
        ],
    );
    (problem, quotient(first * second, first + second, 2))
}

fn mixture_strength(rng: &mut dyn RngCore) -> ProblemText {
    let (first, strong) = (between(rng, 2, 40), between(rng, 1, 90));
    let (second, weak) = (between(rng, 2, 40), between(rng, 1, 90));
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "{first} litres of salt water at {strong} percent are mixed with {second} litres at {weak} percent. How strong is the mixture, in percent? {ask}"
            ),
            format!(
                "You pour together {first} litres of juice with {strong}% sugar and {second} litres with {weak}% sugar. What percentage of sugar results? {ask}"
            ),
            format!(
                "Mixing {first} kg of an alloy with {strong} percent copper and {second} kg with {weak} percent copper gives an alloy with how many percent copper? {ask}"
            ),
        ],
    );
    (problem, quotient(first * strong + second * weak, first + second, 2))
}

fn future_age(rng: &mut dyn RngCore) -> ProblemText {
    let (child, times) = (between(rng, 1, 15), between(rng, 2, 4));
    let years = between(rng, 1, 20);
    let parent = times * (child + years) - years;
    let who = person(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "{who} is {parent} years old and has a child aged {child}. In how many years will the parent be {times} times as old as the child?"
            ),
            format!(
                "A mother is {parent} and her son {child} years old. After how many years is she {times} times as old as he is then?"
            ),
            format!(
                "An oak is {parent} years old, a birch beside it {child}. In how many years will the oak be {times} times as old as the birch?"
            ),
        ],
    );
    (problem, years.to_string())
}

fn recipe_scaling(rng: &mut dyn RngCore) -> ProblemText {
    let (grams, people, guests) =
        (between(rng, 100, 1500), between(rng, 2, 12), between(rng, 2, 60));
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "A recipe takes {grams} grams of flour for {people} people. How many grams are needed for {guests} people? {ask}"
            ),
            format!(
                "With {grams} g of rice you feed {people} guests. How many grams do {guests} guests need? {ask}"
            ),
            format!(
                "If {grams} grams of seed are enough for {people} square metres, how many grams do {guests} square metres take? {ask}"
            ),
        ],
    );
    (problem, quotient(grams * guests, people, 2))
}

fn coins(rng: &mut dyn RngCore) -> ProblemText {
    let (small, large) = (between(rng, 1, 60), between(rng, 1, 60));
    let (count, value) = (small + large, 5 * small + 20 * large);
    let who = person(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "{who} has {count} coins, each worth 5 or 20 cents, with a total of {value} cents. How many of them are the larger coins?"
            ),
            format!(
                "A box holds {count} coins, some of 5 and some of 20 cents, worth {value} cents in all. How many are worth more?"
            ),
            format!(
                "In all {count} stamps of 5 and 20 cents cost {value} cents. How many of the dearer kind are among them?"
            ),
        ],
    );
    (problem, large.to_string())
}

fn ticket_sales(rng: &mut dyn RngCore) -> ProblemText {
    let (adult, child) = (between(rng, 8, 40), between(rng, 2, 20));
    let (adults, children) = (between(rng, 10, 400), between(rng, 10, 300));
    let problem = one_of(
        rng,
        [
            format!(
                "Tickets cost {adult} dollars for adults and {child} dollars for children. What do {adults} adults and {children} children pay in all?"
            ),
            format!(
                "A zoo charges {adult} euros per adult and {child} euros per child. How many euros does it take from {adults} adults and {children} children?"
            ),
            format!(
                "At {adult} and {child} dollars a seat, a theatre sells {adults} dear and {children} cheap seats. How many dollars does it earn?"
            ),
        ],
    );
    (problem, (adult * adults + child * children).to_string())
}

fn fuel_cost(rng: &mut dyn RngCore) -> ProblemText {
    let (distance, use_tenths, price) =
        (between(rng, 50, 2000), between(rng, 35, 120), between(rng, 90, 260));
    let (rate, cost) = (tenths(use_tenths), hundredths(price));
    let ask = two_decimals(rng);
    let problem = one_of(
        rng,
        [
            format!(
                "For a trip of {distance} km a car burns {rate} litres every hundred kilometres, at {cost} dollars a litre. What does the fuel cost in dollars? {ask}"
            ),
            format!(
                "You drive {distance} km. The car needs {rate} litres per hundred km and a litre costs {cost} euros. How many euros do you spend on fuel? {ask}"
            ),
            format!(
                "Over {distance} kilometres, using {rate} litres for each hundred of them and paying {cost} dollars per litre, what is the fuel bill? {ask}"
            ),
        ],
    );
    (problem, quotient(distance * use_tenths * price, 100_000, 2))
}

fn celsius_to_fahrenheit(rng: &mut dyn RngCore) -> ProblemText {
    let degrees = between(rng, -80, 400);
    let problem = one_of(
        rng,
        [
            format!("Convert {degrees} degrees Celsius to degrees Fahrenheit."),
            format!("What is {degrees} °C on the Fahrenheit scale?"),
            format!(
                "A thermometer reads {degrees} degrees Celsius. What does a Fahrenheit one read?"
            ),
        ],
    );
    (problem, quotient(9 * degrees + 160, 5, 1))
}

fn consecutive_numbers(rng: &mut dyn RngCore) -> ProblemText {
    let (start, count) = (between(rng, 1, 900), between(rng, 3, 9));
    let sum = count * start + count * (count - 1) / 2;
    let problem = one_of(
        rng,
        [
            format!(
                "The sum of {count} consecutive whole numbers is {sum}. What is the smallest of them?"
            ),
            format!("Adding {count} whole numbers in a row gives {sum}. Which number comes first?"),
            format!(
                "The numbers on {count} consecutive raffle tickets add up to {sum}. What is the lowest of them?"
            ),
        ],
    );
    (problem, start.to_string())
}

fn map_scale(rng: &mut dyn RngCore) -> ProblemText {
    let (millimetres, scale) = (between(rng, 5, 400), 1000 * between(rng, 2, 400));
    let text = tenths(millimetres);
    let problem = one_of(
        rng,
        [
            format!(
                "On a map, one centimetre stands for {scale} centimetres in nature. Two towns are {text} cm apart on it. How many kilometres is that exactly?"
            ),
            format!(
                "A map is drawn so that its lengths are {scale} times shorter than the real ones. How many real kilometres are {text} cm on the map, exactly?"
            ),
            format!(
                "At a map scale of one to {scale}, what distance in kilometres does a line of {text} cm show? Give the exact value."
            ),
        ],
    );
    (problem, quotient(millimetres * scale, 1_000_000, 4))
}

#[cfg(test)]
pub(super) mod tests {
    use crate::validation::tools::math::tests::Check;

    /// The smallest whole number up to 10,000 for which `holds` is true.
    fn first(holds: impl Fn(f64) -> bool) -> f64 {
        (0..=10_000).map(f64::from).find(|x| holds(*x)).unwrap()
    }

    pub(in crate::validation::tools::math) const CHECKS: &[Check] = &[
        ("travel_time", |n| {
            // The fraction of an hour for each kilometre.
            let per_kilometre = 1.0 / n[1];
            per_kilometre * n[0]
        }),
        ("two_trains", |n| {
            let (mut low, mut high) = (0.0, 1000.0);
            for _ in 0..200 {
                let hours = (low + high) / 2.0;
                if n[0] * hours + n[1] * hours < n[2] { low = hours } else { high = hours }
            }
            low
        }),
        ("working_together", |n| 1.0 / (1.0 / n[0] + 1.0 / n[1])),
        ("mixture_strength", |n| {
            let (salt, all) = (n[0] * n[1] / 100.0 + n[2] * n[3] / 100.0, n[0] + n[2]);
            salt / all * 100.0
        }),
        ("future_age", |n| first(|years| n[0] + years == n[2] * (n[1] + years))),
        ("recipe_scaling", |n| n[0] / n[1] * n[2]),
        ("coins", |n| first(|large| n[2] * large + n[1] * (n[0] - large) == n[3])),
        ("ticket_sales", |n| {
            let children = (0..n[3] as u32).map(|_| n[1]).sum::<f64>();
            (0..n[2] as u32).map(|_| n[0]).sum::<f64>() + children
        }),
        ("fuel_cost", |n| {
            let litres = n[0] / 100.0 * n[1];
            litres * n[2]
        }),
        ("celsius_to_fahrenheit", |n| {
            // A point on the line through the freezing point and the boiling point of water.
            32.0 + n[0] / 100.0 * (212.0 - 32.0)
        }),
        ("consecutive_numbers", |n| {
            first(|start| (0..n[0] as u32).map(|at| start + f64::from(at)).sum::<f64>() == n[1])
        }),
        ("map_scale", |n| n[0] * (n[1] / 100.0) / 1000.0),
    ];
}
