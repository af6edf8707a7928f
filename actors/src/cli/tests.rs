//! The command line as a whole, and its page `docs/command-line.md`: the help of every command,
//! written by `make generate`.

use std::path::Path;

use super::*;

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
fn add(command: &mut clap::Command, text: &mut String) {
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

fn refused(line: &str) -> String {
    parse(line.split_whitespace().map(OsString::from)).unwrap_err().to_string()
}

#[test]
fn an_unknown_flag_comes_with_a_near_one_only() {
    let error = refused("sn1 validator --neuron.sampel_size 3");
    assert!(error.contains("'--neuron.sampel_size'"), "{error}");
    assert!(error.contains("'--neuron.sample_size'"), "{error}");
    assert!(refused("sn1 wallet new --wallet.nam me").contains("'--wallet.name'"));
    let error = refused("sn1 miner --neuron.sample_size 3");
    assert!(!error.contains("similar") && !error.contains("--axon"), "{error}");
}

#[test]
fn a_node_is_never_a_mock_one() {
    let Ok(Arguments { command: Command::Validator(arguments) }) =
        parse(["sn1", "validator", "--mock"].map(OsString::from))
    else {
        panic!("not a validator");
    };
    assert!(arguments.load().unwrap_err().to_string().contains("sn1 localnet"));
}

#[test]
fn the_command_line_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn the_help_of_every_command_lists_its_exit_codes() {
    for command in Arguments::command().get_subcommands() {
        let codes = exit::help(command.get_name());
        let help = command.get_after_help().map(ToString::to_string);
        assert_eq!(help, Some(codes), "{}", command.get_name());
    }
}
