//! The exit codes of `sn1`, after sysexits.h: one table, from which every command's help, the
//! operator's page and the units for systemd are checked. It names no error: each error says by
//! [`Exits`] which code it ends the process with.

/// How a process of `sn1` ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Its work is done, or it was told to stop.
    Done,
    /// A query got answers from some miners only.
    SomeAnswered,
    /// A query got no answer.
    NoneAnswered,
    /// A flag or a setting is wrong.
    Usage,
    /// A file of the operator's cannot be used.
    Damaged,
    /// A file that must be there is not.
    Missing,
    /// The subnet does not know the hotkey.
    NotRegistered,
    /// The chain does not know the subnet.
    NoSubnet,
    /// Something outside this process is not to be had.
    Unavailable,
    /// The tree of actors gave up.
    GaveUp,
    /// The disk takes nothing, or holds something that must not be replaced.
    CannotWrite,
    /// A key is not protected, or not opened.
    Locked,
    /// Ctrl-C at a prompt.
    Interrupted,
}

/// The codes of `sn1 validator` and `sn1 miner`.
pub const NODE: &[Exit] = &[
    Exit::Done,
    Exit::Usage,
    Exit::Damaged,
    Exit::Missing,
    Exit::NotRegistered,
    Exit::NoSubnet,
    Exit::Unavailable,
    Exit::GaveUp,
    Exit::CannotWrite,
    Exit::Locked,
    Exit::Interrupted,
];
/// The codes of `sn1 localnet`.
pub const LOCALNET: &[Exit] = &[
    Exit::Done,
    Exit::Usage,
    Exit::Damaged,
    Exit::Missing,
    Exit::Unavailable,
    Exit::GaveUp,
    Exit::CannotWrite,
];
/// The codes of `sn1 devchain`.
pub const DEVCHAIN: &[Exit] =
    &[Exit::Done, Exit::Usage, Exit::Damaged, Exit::Unavailable, Exit::GaveUp, Exit::CannotWrite];
/// The codes of `sn1 query`.
pub const QUERY: &[Exit] = &[
    Exit::Done,
    Exit::SomeAnswered,
    Exit::NoneAnswered,
    Exit::Usage,
    Exit::Damaged,
    Exit::Missing,
    Exit::Unavailable,
    Exit::GaveUp,
    Exit::CannotWrite,
    Exit::Locked,
    Exit::Interrupted,
];
/// The codes of `sn1 wallet`.
pub const WALLET: &[Exit] = &[
    Exit::Done,
    Exit::Usage,
    Exit::Damaged,
    Exit::Missing,
    Exit::CannotWrite,
    Exit::Locked,
    Exit::Interrupted,
];

/// Every command that has a list of codes.
pub const COMMANDS: [(&str, &[Exit]); 6] = [
    ("validator", NODE),
    ("miner", NODE),
    ("localnet", LOCALNET),
    ("devchain", DEVCHAIN),
    ("query", QUERY),
    ("wallet", WALLET),
];

impl Exit {
    /// All of them, by their codes.
    pub const ALL: [Self; 13] = [
        Self::Done,
        Self::SomeAnswered,
        Self::NoneAnswered,
        Self::Usage,
        Self::Damaged,
        Self::Missing,
        Self::NotRegistered,
        Self::NoSubnet,
        Self::Unavailable,
        Self::GaveUp,
        Self::CannotWrite,
        Self::Locked,
        Self::Interrupted,
    ];

    /// Code, meaning, and what the operator does about it.
    const fn row(self) -> (u8, &'static str, &'static str) {
        match self {
            Self::Done => (0, "done, or told to stop", "nothing"),
            Self::SomeAnswered => (
                1,
                "some miners answered with status 200 and a text, others did not",
                "read the table",
            ),
            Self::NoneAnswered => {
                (2, "no miner answered with status 200 and a text", "read the table")
            }
            Self::Usage => (64, "wrong flag or setting", "correct the one that the message names"),
            Self::Damaged => {
                (65, "damaged key, model or state file", "replace it, or move it away")
            }
            Self::Missing => (66, "missing wallet, model or file", "put it there, or name another"),
            Self::NotRegistered => {
                (67, "the hotkey is not registered", "register it from where its coldkey is")
            }
            Self::NoSubnet => (68, "no such subnet", "set netuid and network to ones that exist"),
            Self::Unavailable => (
                69,
                "no chain, port, device or model support",
                "check the network and what uses the port, then start it again",
            ),
            Self::GaveUp => (70, "the node gave up", "start it again; its state is intact"),
            Self::CannotWrite => {
                (73, "a file or folder cannot be written", "check its owner and the disk")
            }
            Self::Locked => (
                77,
                "wrong or missing password, or an unencrypted coldkey",
                "name the password file, or take the coldkey off this machine",
            ),
            Self::Interrupted => (130, "interrupted at a prompt", "nothing"),
        }
    }

    /// The process's exit code.
    pub const fn code(self) -> u8 {
        self.row().0
    }

    /// What it means, without a full stop.
    pub const fn meaning(self) -> &'static str {
        self.row().1
    }

    /// What the operator does about it, without a full stop.
    pub const fn remedy(self) -> &'static str {
        self.row().2
    }

    /// Whether the same command may succeed later though nobody changed anything: then a service
    /// manager starts it again.
    pub const fn passes_by_itself(self) -> bool {
        matches!(self, Self::Unavailable | Self::GaveUp)
    }
}

/// An error that ends the process.
pub trait Exits: std::error::Error {
    /// How.
    fn exit(&self) -> Exit;
}

/// The end of a command's help.
pub fn help(exits: &[Exit]) -> String {
    let lines = exits.iter().map(|exit| format!("\n  {:>3}  {}", exit.code(), exit.meaning()));
    format!("Exit codes:{}", lines.collect::<String>())
}

/// The table of the operator's page, in Markdown.
pub fn table() -> String {
    let mut text = "| code | meaning | what to do | commands |\n|---|---|---|---|\n".to_owned();
    for exit in Exit::ALL {
        let commands = COMMANDS.iter().filter(|(_, exits)| exits.contains(&exit));
        let commands = commands.map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let (code, meaning, remedy) = exit.row();
        text.push_str(&format!("| {code} | {meaning} | {remedy} | {commands} |\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    const OPENS: &str = "<!-- exit codes -->\n";
    const CLOSES: &str = "<!-- end of exit codes -->";

    fn checkout() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    #[test]
    fn codes_rise_and_every_command_lists_them_in_order() {
        let codes = |exits: &[Exit]| exits.iter().map(|exit| exit.code()).collect::<Vec<_>>();
        assert!(codes(&Exit::ALL).is_sorted_by(|a, b| a < b));
        for (name, exits) in COMMANDS {
            assert!(codes(exits).is_sorted_by(|a, b| a < b), "{name}");
        }
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
        let lasting = NODE.iter().filter(|exit| !exit.passes_by_itself() && **exit != Exit::Done);
        let lasting = lasting.map(|exit| exit.code().to_string()).collect::<Vec<_>>().join(" ");
        for unit in ["sn1-validator.service", "sn1-miner.service"] {
            let text = std::fs::read_to_string(checkout().join("config").join(unit)).unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix("RestartPreventExitStatus="));
            assert_eq!(line, Some(&*lasting), "{unit}");
            assert!(text.lines().any(|line| line == "Restart=on-failure"), "{unit}");
        }
    }
}
