//! The generated files are the shipped ones; `make generate` writes them. The page
//! `docs/settings.md` is made here, since only the repository needs it.

use std::path::{Path, PathBuf};

use super::*;
use crate::settings::declare::Setting;
use crate::settings::role::place;

/// The page `docs/settings.md`: every setting of every role.
fn page() -> String {
    let mut text = HEAD.to_owned();
    let mut rows: Vec<Row> = Vec::new();
    for role in [Role::Validator, Role::Miner, Role::Localnet, Role::Query] {
        for setting in role.settings() {
            match rows.iter_mut().find(|row| row.is_of(setting)) {
                Some(row) => row.readers.push((role, setting)),
                None => rows.push(Row { readers: vec![(role, setting)] }),
            }
        }
    }
    rows.sort_by_key(|row| place(row.first()));
    let mut current = None;
    for row in rows {
        let (table, _) = row.first().table_and_name();
        if current != Some(table) {
            let title = if table.is_empty() { "No table" } else { table };
            let _ = write!(text, "\n## {title}\n\n{COLUMNS}");
            current = Some(table);
        }
        text += &row.line();
    }
    text
}

const HEAD: &str = "# Settings

<!-- Written from the declarations in actors/src/settings by `make generate`. -->

Every key is a key of a settings file (`--config FILE`; `sn1 config init ROLE` prints one to start
from), a flag and an environment variable: `neuron.timeout` is the flag `--neuron.timeout` and the
variable `SN1_NEURON__TIMEOUT`. Flags override variables, variables override the file, and the file
overrides the defaults. `sn1 config show ROLE` prints what a command would run with and where each
value comes from; `sn1 config check FILE` finds what is wrong with a file.

All three are read by the same rules. A time is `15`, `15s`, `250ms`, `2m` or `1h 30m`; without a
unit it is in seconds. A switch is true, false, 1 or 0 in any letter case; its flag may stand alone. A
list is a comma list, several words behind a flag, or an array. A path may begin with `~`. An
empty variable is not set. Of a flag that is given twice the last counts.
";
const COLUMNS: &str =
    "| key | other flags | read by | default | what it is |\n|---|---|---|---|---|\n";

/// A setting with the roles that read it.
struct Row {
    readers: Vec<(Role, &'static Setting)>,
}

impl Row {
    fn first(&self) -> &'static Setting {
        self.readers[0].1
    }

    /// One key may be explained differently to two roles.
    fn is_of(&self, setting: &Setting) -> bool {
        self.first().key == setting.key && self.first().lines == setting.lines
    }

    fn line(&self) -> String {
        let setting = self.first();
        let own = (setting.flag != setting.key).then_some(&*setting.flag);
        let flags = own.into_iter().chain(setting.other_flags.iter().copied());
        let flags: Vec<_> = flags.map(|flag| format!("`--{flag}`")).collect();
        let roles: Vec<_> = self.readers.iter().map(|(role, _)| role.label()).collect();
        let rule = setting.rule.as_ref().map(|rule| format!(" It must be {rule}."));
        format!(
            "| `{}` | {} | {} | {} | {}{} |\n",
            setting.key,
            flags.join(" "),
            roles.join(", "),
            self.defaults(),
            setting.help().replace('|', "\\|"),
            rule.unwrap_or_default(),
        )
    }

    fn defaults(&self) -> String {
        let first = self.first().toml();
        let mut text = format!("`{first}`");
        for (role, setting) in self.readers.iter().filter(|(_, setting)| setting.toml() != first) {
            text += &format!(", {} `{}`", role.label(), setting.toml());
        }
        text
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Compares a file of the repository with what it is written from; `make generate` writes it.
fn holds(path: &str, expected: &str) {
    let file = root().join(path);
    if std::env::var_os("SN1_UPDATE").is_some() {
        std::fs::write(&file, expected).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == expected, "{path} is not what the declarations say: run `make generate`");
}

#[test]
fn generated_settings_files_are_the_shipped_ones() {
    for role in [Role::Validator, Role::Miner, Role::Localnet] {
        holds(&format!("config/{}.toml", role.label()), &file(role));
    }
}

#[test]
fn generated_page_of_settings_is_the_shipped_one() {
    holds("docs/settings.md", &page());
}

#[test]
fn lines_of_a_settings_file_are_short() {
    for role in [Role::Validator, Role::Miner, Role::Localnet] {
        for line in file(role).lines().filter(|line| line.starts_with('#')) {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
    }
}
