//! What is written from the declaration: the shipped settings files, and in the tests the page of
//! all settings.

use std::fmt::Write;

use super::load::Loaded;
use super::role::{Role, RoleConfig};

/// Longest line of a settings file.
const WIDTH: usize = 100;

/// The settings file of a role: every key with its default and what it is.
pub fn file(role: Role) -> String {
    let label = role.label();
    let mut text = comment(&format!(
        "Defaults of `sn1 {label}`. Copy this file, or print it with `sn1 config init {label}`; \
         change what you like, and pass it with --config. Variables (SN1_AXON__PORT) override it, \
         and flags (--axon.port) override those. An unknown key is an error."
    ));
    let mut current = "";
    for setting in role.settings() {
        let (table, name) = setting.table_and_name();
        if table != current {
            // Writing to a string cannot fail; so below.
            let _ = write!(text, "\n[{table}]");
            current = table;
        }
        let rule = setting.rule.as_ref().map(|rule| format!(" It must be {rule}."));
        let about = format!("{}{}", setting.help(), rule.unwrap_or_default());
        let mark = if setting.gives_way { "# " } else { "" };
        let _ = write!(text, "\n{}{mark}{name} = {}\n", comment(&about), setting.toml());
    }
    text
}

/// The settings that a command would run with, as a settings file without secrets, and behind each
/// where it comes from.
pub fn effective<C: RoleConfig>(loaded: &Loaded<C>) -> String {
    let (mut text, mut current) = (String::new(), String::new());
    for setting in super::role::in_order(&loaded.config) {
        let (table, name) = setting.table_and_name();
        if table != current {
            let _ = writeln!(text, "\n[{table}]");
            current = table.to_owned();
        }
        let origin = loaded.origin(&setting.key);
        let _ = writeln!(text, "{name} = {}  # {origin}", setting.redacted_toml());
    }
    text
}

/// Lines of a comment.
fn comment(text: &str) -> String {
    let mut lines = vec!["#".to_owned()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().filter(|line| line.chars().count() + word.len() < WIDTH);
        match line {
            Some(line) => *line += &format!(" {word}"),
            None => lines.push(format!("# {word}")),
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests;
