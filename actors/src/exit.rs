//! The exit codes of `sn1`, after sysexits.h: one table, from which every command's help, the
//! operator's page and the units for systemd are checked. It names no error: each error says by
//! [`Exits`] which code it ends the process with.

use strum::{EnumIter, IntoEnumIterator};

/// How a process of `sn1` ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter)]
pub enum Exit {
    /// It has done its work, or was told to stop.
    Done,
    /// A query got answers from some miners only.
    SomeAnswered,
    /// A query got no answer.
    NoneAnswered,
    /// A flag or a setting is wrong.
    Usage,
    /// A file of the operator's is damaged or cannot be used.
    Damaged,
    /// A required file does not exist.
    Missing,
    /// The subnet does not know the hotkey.
    NotRegistered,
    /// The chain does not know the subnet.
    NoSubnet,
    /// Something outside this process is unavailable.
    Unavailable,
    /// The tree of actors gave up.
    GaveUp,
    /// The disk cannot be written, or holds a file that must not be replaced.
    CannotWrite,
    /// A key is not protected, or cannot be opened.
    Locked,
    /// The operator pressed Ctrl-C at a prompt.
    Interrupted,
}

type Commands = &'static [&'static str];

const ALL: Commands = &["validator", "miner", "localnet", "devchain", "query", "config", "wallet"];
/// Commands that keep files of their own.
const KEEPERS: Commands = &["validator", "miner", "localnet", "devchain", "query", "wallet"];
const NODES: Commands = &["validator", "miner"];
/// Commands that read a subnet of the chain.
const READS_SUBNET: Commands = &["validator", "miner", "query"];
const QUERY: Commands = &["query"];
/// Commands that run until they are stopped or done.
const RUNS: Commands = &["validator", "miner", "localnet", "devchain", "query"];
/// Commands that read files which must exist.
const READERS: Commands = &["validator", "miner", "localnet", "query", "config", "wallet"];
/// Commands that open keys.
const SIGNERS: Commands = &["validator", "miner", "query", "wallet"];

impl Exit {
    /// Exit code, meaning, what the operator does about it, and the commands that can end so.
    const fn row(self) -> (u8, &'static str, &'static str, Commands) {
        match self {
            Self::Done => (0, "done, or told to stop", "nothing", ALL),
            Self::SomeAnswered => (
                1,
                "some miners answered with status 200 and a text, others did not",
                "read the table",
                QUERY,
            ),
            Self::NoneAnswered => {
                (2, "no miner answered with status 200 and a text", "read the table", QUERY)
            }
            Self::Usage => {
                (64, "wrong flag or setting", "correct the one that the message names", ALL)
            }
            Self::Damaged => {
                (65, "damaged key, model or state file", "replace it, or move it away", KEEPERS)
            }
            Self::Missing => {
                (66, "missing wallet, model or file", "put it there, or name another", READERS)
            }
            Self::NotRegistered => (
                67,
                "the hotkey is not registered",
                "register it from the machine that has its coldkey",
                NODES,
            ),
            Self::NoSubnet => {
                (68, "no such subnet", "set netuid and network to ones that exist", READS_SUBNET)
            }
            Self::Unavailable => (
                69,
                "no chain, port, device or model support",
                "check the network, and which program uses the port, then start it again",
                RUNS,
            ),
            Self::GaveUp => (70, "the node gave up", "start it again; its state is intact", RUNS),
            Self::CannotWrite => {
                (73, "a file or folder cannot be written", "check its owner and the disk", ALL)
            }
            Self::Locked => (
                77,
                "wrong or missing password, or an unencrypted coldkey",
                "name the password file, or take the coldkey off this machine",
                SIGNERS,
            ),
            Self::Interrupted => (130, "interrupted at a prompt", "nothing", SIGNERS),
        }
    }

    /// The process's exit code.
    pub const fn code(self) -> u8 {
        self.row().0
    }

    /// The meaning, without a full stop.
    pub const fn meaning(self) -> &'static str {
        self.row().1
    }

    /// Whether the same command may succeed later although nobody changed anything: then a service
    /// manager restarts it.
    pub const fn passes_by_itself(self) -> bool {
        matches!(self, Self::Unavailable | Self::GaveUp)
    }
}

/// An error that ends the process.
pub trait Exits: std::error::Error {
    /// The way in which the error ends the process.
    fn exit(&self) -> Exit;
}

/// The ways in which a command can end, by code.
pub fn exits_of(command: &str) -> impl Iterator<Item = Exit> {
    Exit::iter().filter(move |exit| exit.row().3.contains(&command))
}

/// The end of a command's help.
pub fn help(command: &str) -> String {
    let lines = exits_of(command).map(|exit| format!("\n  {:>3}  {}", exit.code(), exit.meaning()));
    format!("Exit codes:{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    /// What the system's loader ends a process with when a library of it is missing. No command does.
    const NOT_LOADED: u8 = 127;
    const OPENS: &str = "<!-- exit codes -->\n";
    const CLOSES: &str = "<!-- end of exit codes -->";

    /// The table of the operator's page, in Markdown.
    fn table() -> String {
        let rows = Exit::iter().map(|exit| {
            let (code, meaning, remedy, commands) = exit.row();
            format!("| {code} | {meaning} | {remedy} | {} |\n", commands.join(", "))
        });
        let head = "| code | meaning | what to do | commands |\n|---|---|---|---|\n";
        std::iter::once(head.to_owned()).chain(rows).collect()
    }

    fn checkout() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    #[test]
    fn codes_rise_and_every_command_can_end_well() {
        assert!(Exit::iter().map(Exit::code).is_sorted_by(|a, b| a < b));
        assert!(ALL.iter().all(|command| exits_of(command).next() == Some(Exit::Done)));
    }

    #[test]
    fn one_page_has_the_table_of_codes() {
        let docs = std::fs::read_dir(checkout().join("docs")).unwrap();
        let docs = docs.map(|entry| entry.unwrap().path());
        let pages = docs.chain([checkout().join("README.md")]);
        let pages = pages.filter(|path| path.extension().is_some_and(|kind| kind == "md"));
        let texts = pages.map(|path| std::fs::read_to_string(path).unwrap());
        let tables = texts.filter_map(|text| {
            let (_, after) = text.split_once(OPENS)?;
            Some(after.split_once(CLOSES)?.0.trim().to_owned())
        });
        let tables = tables.collect::<Vec<_>>();
        assert_eq!(tables, [table().trim()], "write this between the marks:\n{}", table());
    }

    #[test]
    fn units_restart_what_passes_by_itself_and_nothing_else() {
        for role in NODES {
            let lasting =
                exits_of(role).filter(|exit| !exit.passes_by_itself() && *exit != Exit::Done);
            let mut lasting: Vec<u8> = lasting.map(Exit::code).chain([NOT_LOADED]).collect();
            lasting.sort_unstable();
            let lasting = lasting.iter().map(u8::to_string).collect::<Vec<_>>().join(" ");
            let unit = format!("sn1-{role}.service");
            let text = std::fs::read_to_string(checkout().join("config").join(&unit)).unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix("RestartPreventExitStatus="));
            assert_eq!(line, Some(&*lasting), "{unit}");
            assert!(text.lines().any(|line| line == "Restart=on-failure"), "{unit}");
        }
    }
}
