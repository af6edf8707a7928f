//! Suggestions for misspelt names. One that is not near helps nobody, so there is none then.

/// How much alike two names must be: one letter of five may differ, of a shorter name one.
const ENOUGH: f64 = 0.8;

/// The candidate most like `word`, if it is much like it.
pub fn near<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |candidate: &str| {
        let whole = strsim::normalized_damerau_levenshtein(word, candidate);
        let leaf = strsim::normalized_damerau_levenshtein(last(word), last(candidate));
        // A common table must not make short names alike that are not.
        if leaf < 0.5 { 0.0 } else { whole }
    };
    let rated = candidates.map(|candidate| (likeness(candidate), candidate));
    let best = rated.max_by(|(a, _), (b, _)| a.total_cmp(b));
    let (likeness, candidate) = best?;
    let is_near =
        likeness >= ENOUGH || likeness > 0.0 && strsim::damerau_levenshtein(word, candidate) == 1;
    is_near.then_some(candidate)
}

fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// `; did you mean ...?`, where a candidate is near; nothing where none is.
pub fn hint<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    near(word, candidates).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_letter_of_a_short_name_may_differ() {
        assert_eq!(hint("dorp", ["drop", "shut"].into_iter()), "; did you mean `drop`?");
        assert_eq!(hint("nope", ["modular", "stateful", "collateral"].into_iter()), "");
    }

    #[test]
    fn only_near_names_are_suggested() {
        let known = ["neuron.sample_size", "neuron.temperature", "neuron.device", "wallet.name"];
        let table = [
            ("neuron.sampel_size", Some("neuron.sample_size")),
            ("neuron.temprature", Some("neuron.temperature")),
            ("wallet.nmae", Some("wallet.name")),
            ("neuron.epoch_length", None),
            ("neuron.gpus", None),
            ("port", None),
            ("wallet.port", None),
            ("wallet.nam", Some("wallet.name")),
        ];
        for (word, expected) in table {
            assert_eq!(near(word, known.into_iter()), expected, "{word}");
        }
    }
}
