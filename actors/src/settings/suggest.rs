//! Suggestions for misspelt names. One that is not near helps nobody, so there is none then.

/// How much alike two names must be: one letter of five may differ.
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
    best.filter(|(likeness, _)| *likeness >= ENOUGH).map(|(_, candidate)| candidate)
}

fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// The candidate most like `word`, however little that is: for short lists of words.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> &'a str {
    let likeness = |candidate: &str| strsim::jaro_winkler(word, candidate);
    candidates.max_by(|a, b| likeness(a).total_cmp(&likeness(b))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ];
        for (word, expected) in table {
            assert_eq!(near(word, known.into_iter()), expected, "{word}");
        }
    }
}
