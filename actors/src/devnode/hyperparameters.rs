//! The subnet's hyperparameters by name, for command lines and tests. The names are the runtime's,
//! as in [`HyperparameterValue`].

use serde_json::{Value, json};
use sn1::devchain::{GenesisConfig, HyperparameterValue};

use super::words::WordError;

/// Every name that can be set.
pub const NAMES: [&str; 20] = [
    "tempo",
    "weights_set_rate_limit",
    "weights_version_key",
    "min_allowed_weights",
    "max_weights_limit",
    "immunity_period",
    "activity_cutoff",
    "kappa",
    "bonds_moving_average",
    "max_allowed_validators",
    "max_allowed_uids",
    "serving_rate_limit",
    "stake_threshold",
    "commit_reveal_weights_enabled",
    "reveal_period_epochs",
    "commit_reveal_weights_version",
    "burn",
    "min_burn",
    "max_burn",
    "adjustment_interval",
];

/// A hyperparameter by its name; dashes count as underscores.
///
/// # Errors
/// An unknown name, or a value that the runtime does not accept.
pub fn named(name: &str, value: Value) -> Result<HyperparameterValue, WordError> {
    let name = name.trim().replace('-', "_");
    if !NAMES.contains(&name.as_str()) {
        return Err(WordError::unknown("hyperparameter", &name, &NAMES));
    }
    let setting: HyperparameterValue = serde_json::from_value(json!({ name.as_str(): value }))
        .map_err(|error| WordError::Value { name: name.clone(), reason: error.to_string() })?;
    if setting.is_allowed() { Ok(setting) } else { Err(WordError::OutOfBounds(name)) }
}

/// Parses `name=value`; booleans are `on` and `off`.
///
/// # Errors
/// As for [`named`], and when the text has another form.
pub fn in_words(text: &str) -> Result<HyperparameterValue, WordError> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| WordError::form(text, "NAME=VALUE, such as tempo=10"))?;
    let value = match value.trim() {
        "on" => Value::Bool(true),
        "off" => Value::Bool(false),
        other => serde_json::from_str(other).unwrap_or_else(|_| other.into()),
    };
    named(name, value)
}

/// Sets a hyperparameter in the genesis state.
pub fn apply(genesis: &mut GenesisConfig, setting: HyperparameterValue) {
    setting.set_in(&mut genesis.hyperparameters, &mut genesis.rules);
}

#[cfg(test)]
mod tests {
    use super::super::default_genesis;
    use super::*;

    #[test]
    fn settings_are_set_by_their_names() {
        let mut genesis = default_genesis();
        let words = [
            "tempo=7",
            "weights-set-rate-limit=0",
            "commit_reveal_weights_enabled=on",
            "burn = 12",
        ];
        for text in words {
            apply(&mut genesis, in_words(text).unwrap());
        }
        let subnet = &genesis.hyperparameters;
        assert_eq!((subnet.tempo, subnet.weights_rate_limit, subnet.burn), (7, 0, 12));
        assert!(subnet.commit_reveal_enabled);
    }

    #[test]
    fn every_name_is_known_to_the_chain_and_changes_something() {
        for name in NAMES {
            let value = named(name, json!(3)).or_else(|_| named(name, json!(true)));
            let mut genesis = default_genesis();
            apply(&mut genesis, value.unwrap());
            assert_ne!(genesis, default_genesis(), "{name}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let table = [
            ("tmepo=7", "did you mean `tempo`"),
            ("tempo", "NAME=VALUE"),
            ("reveal_period_epochs=0", "out of bounds"),
            ("reveal_period_epochs=5000", "out of bounds"),
            ("tempo=70000", "`tempo`"),
            ("tempo=soon", "`tempo`"),
            ("commit_reveal_weights_enabled=3", "`commit_reveal_weights_enabled`"),
        ];
        for (text, part) in table {
            let error = in_words(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
