//! Words a problem as somebody would who asks for help with it.
//!
//! Owns the `math` task's challenge: greeting, punctuation, problem, white space and request, in
//! four layouts (docs/spec/mechanism.md#prompts). The problem is always part of it, unchanged. Uses
//! no model for the wording: the challenge costs nothing.

use rand::Rng;

use crate::validation::tools::math::text::pick;

/// One part of a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Greeting,
    Punctuation,
    Problem,
    WhiteSpace,
    Request,
    /// The end of the challenge; later parts are ignored.
    End,
}

/// The orders of the parts. Two of them end after the problem.
const LAYOUTS: [&[Part]; 4] = [
    &[Part::Greeting, Part::Punctuation, Part::Problem, Part::WhiteSpace, Part::Request],
    &[Part::Greeting, Part::Punctuation, Part::Request, Part::WhiteSpace, Part::Problem],
    &[Part::Problem, Part::End, Part::WhiteSpace, Part::Request],
    &[Part::Problem, Part::End, Part::Greeting, Part::Punctuation, Part::Request],
];

/// A challenge that asks for help with `problem`. In half of the draws it is the problem alone.
pub(super) fn challenge(problem: &str, rng: &mut impl Rng) -> String {
    let layout = LAYOUTS[rng.random_range(0..LAYOUTS.len())];
    let greeting = pick(rng, &GREETINGS);
    let punctuation = pick(rng, &PUNCTUATION);
    let parts = layout.iter().take_while(|part| **part != Part::End);
    parts.fold(String::new(), |text, part| {
        text + match part {
            Part::Greeting => greeting,
            Part::Punctuation if greeting.is_empty() => "",
            Part::Punctuation => punctuation,
            Part::Problem => problem,
            Part::WhiteSpace => pick(rng, &WHITE_SPACE),
            Part::Request => pick(rng, &REQUESTS),
            Part::End => "",
        }
    })
}

const GREETINGS: [&str; 27] = [
    "",
    "Hello",
    "Hi",
    "Hey",
    "Hi there",
    "Hello there",
    "Hey there",
    "Good morning",
    "Good afternoon",
    "Good evening",
    "Good day",
    "Greetings",
    "Howdy",
    "Hiya",
    "Morning",
    "Evening all",
    "Hello again",
    "Hi again",
    "Hey you",
    "Dear assistant",
    "Hello, my friend",
    "Hi, clever machine",
    "Hey, quick question",
    "Sorry to bother you",
    "Excuse me",
    "Pardon me",
    "Welcome back to my homework",
];

const PUNCTUATION: [&str; 20] = [
    ", ", ". ", "! ", "!! ", "!!! ", "... ", ": ", "; ", " - ", " -- ", ",\n", ".\n", "!\n", ":\n",
    "\n", "\n\n", ",\n\n", "!\n\n", ".\n\n", " ",
];

const WHITE_SPACE: [&str; 4] = [" ", "\n", "\n\n", "  "];

const REQUESTS: [&str; 107] = [
    "Can you help me with this?",
    "Could you help me with this one?",
    "Would you help me out here?",
    "Can you solve this for me?",
    "Could you solve this one, please?",
    "Please solve this.",
    "Please help.",
    "Please help me with this problem.",
    "I need help with this.",
    "I need some help with this one, please.",
    "I could use a hand with this.",
    "Help me out with this, will you?",
    "Any help is welcome.",
    "Any help would be great.",
    "I would be glad of any help.",
    "I am stuck on this.",
    "I am completely stuck on this one.",
    "I got stuck here and can't go on.",
    "I can't work this out.",
    "I can't seem to get this right.",
    "I keep getting this wrong.",
    "I tried twice and got two different results.",
    "I have no idea how to start with this.",
    "I don't know where to begin with this.",
    "How would you do this?",
    "How do I solve this?",
    "How do I work this out?",
    "How is this done?",
    "What is the answer?",
    "What is the answer to this?",
    "What's the solution here?",
    "What would the result be?",
    "What do you get for this?",
    "Do you know the answer?",
    "Do you know how to solve this?",
    "Do you see how this works?",
    "Can you find the answer?",
    "Can you find the solution to this?",
    "Can you work this out for me?",
    "Can you figure this out?",
    "Can you calculate this?",
    "Can you compute this for me?",
    "Can you tell me the answer?",
    "Can you tell me how to do this?",
    "Can you show me how this is done?",
    "Can you explain how to solve this?",
    "Can you walk me through this?",
    "Can you take me through this step by step?",
    "Could you show your steps?",
    "Could you explain your steps as well?",
    "Could you give me the answer with a short explanation?",
    "Could you check what the answer should be?",
    "Could you have a look at this?",
    "Could you take a look at this problem?",
    "Could you give this a try?",
    "Would you mind solving this?",
    "Would you mind helping me with this?",
    "Would you be so kind as to solve this?",
    "Would you be able to solve this problem?",
    "Will you help me find the answer?",
    "Give me the answer, please.",
    "Give me a hand with this, please.",
    "Give me the final number, please.",
    "Just the answer is fine.",
    "Just give me the result.",
    "Show me the way to the answer.",
    "Show me how to solve it.",
    "Show all the steps, please.",
    "Explain this to me, please.",
    "Explain it as you would to a beginner.",
    "Tell me the answer, please.",
    "Tell me what the result is.",
    "Work this out for me, please.",
    "Work it out and tell me what you get.",
    "Solve this problem for me.",
    "Solve this as fast as you can, please.",
    "Find the answer for me, would you?",
    "Find the solution, please.",
    "Calculate this for me.",
    "Let me know what you get.",
    "Let me know the answer.",
    "Let me see how you would solve this.",
    "I want to check my own answer to this.",
    "I want to be sure of the answer.",
    "I want to understand how this is solved.",
    "I would like to know the answer.",
    "I would like to see how you do this.",
    "I'd love to know how this works.",
    "I'm curious what the answer is.",
    "I'm preparing for a test and this came up.",
    "I'm studying for an exam, so please help.",
    "I'm helping my daughter with this and we disagree.",
    "I'm not good at mathematics, so please help.",
    "My teacher gave us this one.",
    "My homework has this question in it.",
    "My friends and I can't agree on this.",
    "This is from my homework, please help.",
    "This one is hard for me.",
    "This one is due tomorrow, please help.",
    "This has been bothering me all day.",
    "It should be easy, but not for me.",
    "A short answer will do.",
    "A quick answer would be appreciated.",
    "Thanks in advance for the answer.",
    "Thank you for your help with this.",
    "Many thanks if you can solve this.",
    "Be quick, please, I need this now.",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const PROBLEM: &str = "What is $5 \\cdot \\frac{3}{4}$?";

    fn challenges(count: u64) -> impl Iterator<Item = String> {
        (0..count).map(|seed| challenge(PROBLEM, &mut ChaCha8Rng::seed_from_u64(seed)))
    }

    #[test]
    fn all_phrases_differ() {
        let distinct = |phrases: &[&str]| phrases.iter().collect::<BTreeSet<_>>().len();
        assert_eq!(distinct(&GREETINGS), GREETINGS.len());
        assert_eq!(distinct(&PUNCTUATION), PUNCTUATION.len());
        assert_eq!(distinct(&WHITE_SPACE), WHITE_SPACE.len());
        assert_eq!(distinct(&REQUESTS), REQUESTS.len());
        assert_eq!(GREETINGS.iter().filter(|greeting| greeting.is_empty()).count(), 1);
        // A digit would look like part of the problem.
        let phrases = GREETINGS.iter().chain(&REQUESTS);
        assert!(phrases.into_iter().all(|phrase| !phrase.contains(|c: char| c.is_ascii_digit())));
    }

    #[test]
    fn every_challenge_holds_the_problem_once_and_unchanged() {
        for text in challenges(500) {
            assert_eq!(text.matches(PROBLEM).count(), 1, "{text:?}");
            let rest = text.replacen(PROBLEM, "", 1);
            let asks = REQUESTS.iter().any(|request| rest.contains(request));
            assert!(rest.is_empty() || asks, "{text:?}");
        }
    }

    #[test]
    fn half_of_them_are_the_problem_alone() {
        let bare = challenges(2000).filter(|text| text == PROBLEM).count();
        assert!((900..=1100).contains(&bare), "{bare}");
    }

    #[test]
    fn the_problem_comes_first_or_last_or_after_a_greeting() {
        let all: BTreeSet<_> = challenges(2000).collect();
        assert!(all.iter().any(|text| text.ends_with(PROBLEM) && text != PROBLEM));
        assert!(all.iter().any(|text| text.starts_with(PROBLEM) && text != PROBLEM));
        let middle = |text: &String| !text.starts_with(PROBLEM) && !text.ends_with(PROBLEM);
        assert!(all.iter().any(middle));
        assert_eq!(challenges(50).collect::<Vec<_>>(), challenges(50).collect::<Vec<_>>());
    }
}
