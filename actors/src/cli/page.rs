//! The page `docs/command-line.md`: the help of every command, written by `make generate` and
//! compared with the commands by a test.

use std::path::Path;

use clap::{Command, CommandFactory};

use super::Arguments;

const HEAD: &str = "# Command line

<!-- Written from the commands in actors/src/cli by `make generate`. -->

What each command does is told in [commands.md](commands.md), and what a setting is in
[settings.md](settings.md). The codes that a command ends with, and what to do about each, are in
[operate.md](operate.md).
";

/// The whole page.
fn page() -> String {
    let mut command = Arguments::command();
    command.build();
    let mut text = HEAD.to_owned();
    add(&mut command, &mut text);
    text
}

/// The help of a command, then that of the commands below it.
fn add(command: &mut Command, text: &mut String) {
    let name = command.get_bin_name().unwrap_or("sn1").to_owned();
    let help = command.render_help().to_string();
    let lines: Vec<_> = help.lines().map(str::trim_end).collect();
    *text += &format!("\n## `{name}`\n\n```text\n{}\n```\n", lines.join("\n").trim_end());
    for below in command.get_subcommands_mut().filter(|below| below.get_name() != "help") {
        add(below, text);
    }
}

#[test]
fn generated_page_of_the_command_line_is_the_shipped_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/command-line.md");
    if std::env::var_os("SN1_UPDATE").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == page(), "docs/command-line.md is out of date: run `make generate`");
}
