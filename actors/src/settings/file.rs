//! Settings files: TOML whose tables are the parts of a key.

use std::path::Path;

use toml::{Table, Value};

use super::error::SettingsError;
use super::value::Given;

/// What a file gives, by key.
///
/// # Errors
/// A file that cannot be read or is no TOML.
pub(super) fn read(path: &Path) -> Result<Vec<(String, Given)>, SettingsError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| SettingsError::File { path: path.to_owned(), source })?;
    let table: Table = text.parse().map_err(|error: toml::de::Error| SettingsError::Syntax {
        path: path.to_owned(),
        reason: reason(&text, &error),
    })?;
    let mut all = Vec::new();
    flatten("", table, &mut all);
    Ok(all)
}

/// One line, with the number of the line that is meant.
fn reason(text: &str, error: &toml::de::Error) -> String {
    let what = error.message().lines().collect::<Vec<_>>().join(", ");
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("{what} (line {})", before.matches('\n').count() + 1),
        None => what,
    }
}

fn flatten(prefix: &str, table: Table, all: &mut Vec<(String, Given)>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(below) => flatten(&key, below, all),
            Value::Array(elements) => {
                all.push((key, Given::words(elements.into_iter().map(word).collect(), true)));
            }
            value => all.push((key, Given::word(word(value)))),
        }
    }
}

fn word(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Float(number) => number.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_the_parts_of_a_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.toml");
        std::fs::write(&path, "a = 1.0\n[b]\nc = \"007\"\n[b.d]\ne = [\"x,y\", 2]\n").unwrap();
        let found = read(&path).unwrap();
        let expected = [
            ("a", Given::word("1")),
            ("b.c", Given::word("007")),
            ("b.d.e", Given::words(vec!["x,y".to_owned(), "2".to_owned()], true)),
        ];
        let expected: Vec<_> = expected.map(|(key, given)| (key.to_owned(), given)).into();
        assert_eq!(found, expected);
        std::fs::write(&path, "a = 1\nb = \n").unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.lines().count() == 1, "{error}");
    }
}
