//! The persona: the human that the model plays when it writes a challenge.
//!
//! Owns the moods, tones and profiles and the system prompt that names them
//! (docs/spec/mechanism.md#agent). The profile is not part of the prompt; it is drawn for the event
//! log only. Knows no task: the task's words are arguments.

use rand::Rng;

/// The persona's mood, with an article, as used in a sentence.
pub const MOODS: [&str; 9] = [
    "an interested",
    "a concerned",
    "an impatient",
    "a tired",
    "a confused",
    "an annoyed",
    "a curious",
    "an upbeat",
    "a lazy",
];

/// The persona's way of writing.
pub const TONES: [&str; 11] = [
    "formal",
    "informal",
    "indifferent",
    "casual",
    "rushed",
    "polite",
    "impolite",
    "friendly",
    "unfriendly",
    "positive",
    "negative",
];

/// The persona's occupation, for the event log.
pub const PROFILES: [&str; 6] =
    ["student", "teacher", "parent", "hacker", "programmer", "scientist"];

/// A human invented for one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Persona {
    /// One of [`PROFILES`]; only logged.
    pub profile: &'static str,
    /// One of [`MOODS`].
    pub mood: &'static str,
    /// One of [`TONES`].
    pub tone: &'static str,
}

impl Persona {
    /// A persona with every trait drawn uniformly: profile, then mood, then tone.
    pub fn draw(rng: &mut impl Rng) -> Self {
        Self {
            profile: PROFILES[rng.random_range(0..PROFILES.len())],
            mood: MOODS[rng.random_range(0..MOODS.len())],
            tone: TONES[rng.random_range(0..TONES.len())],
        }
    }

    /// The system prompt that makes a model write as this human (docs/spec/mechanism.md#agent).
    ///
    /// `desc` and `goal` are the task's own texts, such as "get help solving a math problem" and
    /// "to get the answer to the following math question"; `query` is the question itself.
    pub fn system_prompt(
        &self,
        desc: &str,
        goal: &str,
        query: &str,
        topic: &str,
        subtopic: &str,
    ) -> String {
        let Self { mood, tone, .. } = self;
        // Some goals begin with "to", others with the verb.
        let goal = goal.strip_prefix("to ").unwrap_or(goal);
        format!(
            "Let us play roles. You are {mood} human who writes in {a_tone} {tone} tone, and you \
             use an assistant to {desc} about {topic} ({subtopic}). Stay in this role: write only \
             what the human would write, and never as the assistant. You need neither greet nor \
             be polite, unless it suits your mood and tone. Your spelling and grammar are those of \
             such a human too. The one thing you want from the conversation is to {goal}: {query}",
            a_tone = article(tone),
        )
    }
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use serde_json::Value;

    use super::*;
    use crate::testing::vector_lines;

    #[test]
    fn every_trait_of_the_recorded_events_is_known() {
        let mut checked = 0;
        for event in vector_lines::<Value>("validation/vectors/event.jsonl") {
            let values = &event["output"]["values"];
            for (field, known) in
                [("mood", &MOODS[..]), ("tone", &TONES[..]), ("profile", &PROFILES[..])]
            {
                if let Some(name) = values[field].as_str() {
                    assert!(known.contains(&name), "{field}: {name:?}");
                    checked += 1;
                }
            }
        }
        assert_ne!(checked, 0);
    }

    #[test]
    fn all_traits_are_drawn_and_the_same_seed_draws_the_same() {
        let draw = |seed| Persona::draw(&mut ChaCha8Rng::seed_from_u64(seed));
        let personas: Vec<_> = (0..500).map(draw).collect();
        assert_eq!(personas, (0..500).map(draw).collect::<Vec<_>>());
        let count =
            |of: fn(&Persona) -> &str| personas.iter().map(of).collect::<BTreeSet<_>>().len();
        assert_eq!(count(|persona| persona.mood), MOODS.len());
        assert_eq!(count(|persona| persona.tone), TONES.len());
        assert_eq!(count(|persona| persona.profile), PROFILES.len());
    }

    #[test]
    fn the_prompt_holds_all_it_is_given_but_not_the_profile() {
        for tone in TONES {
            for mood in MOODS {
                let persona = Persona { profile: "hacker", mood, tone };
                let prompt = persona.system_prompt(
                    "get help on answering a question",
                    "to get the answer to the following question",
                    "why is {the sky} blue?",
                    "Light",
                    "Scattering",
                );
                for part in [
                    mood,
                    tone,
                    "to get help on answering a question about Light (Scattering)",
                    "is to get the answer to the following question: why is {the sky} blue?",
                ] {
                    assert!(prompt.contains(part), "{part:?} is missing in {prompt:?}");
                }
                assert!(!prompt.contains("hacker") && !prompt.contains("to to "));
            }
        }
    }

    #[test]
    fn tones_take_their_article() {
        assert_eq!((article("informal"), article("rushed")), ("an", "a"));
    }
}
