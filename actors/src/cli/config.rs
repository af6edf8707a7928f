//! `sn1 config`: prints, checks and explains settings.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use sn1_actors::app::{Failure, miner_kind};
use sn1_actors::exit::Exit;
use sn1_actors::output;
use sn1_actors::settings::{
    self, Loaded, LocalnetConfig, MinerConfig, QueryConfig, Role, RoleConfig, SettingsError,
    Sources, ValidatorConfig,
};

use super::flags::SettingFlags;

/// Flags of `sn1 config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArguments {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print a settings file with every key, its default and what it is
    Init {
        /// The command that the file is for
        role: Role,
    },
    /// Read a settings file and say what is wrong with it
    Check {
        /// The settings file
        file: PathBuf,
        /// The command that the file is for [default: the one that its name tells, or every one
        /// that takes it]
        #[arg(long)]
        role: Option<Role>,
    },
    /// Print the settings that a command would run with, and where each comes from
    #[command(subcommand)]
    Show(ShownRole),
}

#[derive(Debug, Subcommand)]
enum ShownRole {
    /// Of `sn1 validator`
    Validator(Box<SettingFlags<ValidatorConfig>>),
    /// Of `sn1 miner`
    Miner(Box<SettingFlags<MinerConfig>>),
    /// Of `sn1 localnet`
    Localnet(Box<SettingFlags<LocalnetConfig>>),
    /// Of `sn1 query`
    Query(Box<SettingFlags<QueryConfig>>),
}

impl ConfigArguments {
    /// Does what the flags say, and prints it.
    pub(crate) fn run(&self) -> Result<Exit, Failure> {
        match &self.command {
            ConfigCommand::Init { role } => print(&settings::settings_file(*role)),
            ConfigCommand::Check { file, role } => check(file, *role),
            ConfigCommand::Show(role) => print(&role.text()?),
        }
    }
}

/// What is said of a file that this command takes.
fn notices(role: Role, file: &Path) -> Result<Vec<String>, Failure> {
    fn read<C: RoleConfig>(file: &Path) -> Result<Loaded<C>, SettingsError> {
        settings::load(&Sources { file: Some(file.to_owned()), ..Sources::default() })
    }
    Ok(match role {
        Role::Validator => read::<ValidatorConfig>(file)?.notices,
        Role::Miner => {
            let loaded = read::<MinerConfig>(file)?;
            miner_kind(&loaded)?;
            loaded.notices
        }
        Role::Localnet => read::<LocalnetConfig>(file)?.notices,
        Role::Query => read::<QueryConfig>(file)?.notices,
    })
}

/// The command that a name such as `miner.toml` or `my-miner.toml` tells.
fn told_by(file: &Path) -> Option<Role> {
    let stem = file.file_stem()?.to_str()?.to_lowercase();
    Role::value_variants().iter().copied().rev().find(|role| stem.contains(role.label()))
}

impl ShownRole {
    fn text(&self) -> Result<String, SettingsError> {
        fn text<C: RoleConfig>(flags: &SettingFlags<C>) -> Result<String, SettingsError> {
            let loaded: Loaded<C> = flags.load()?;
            loaded.notices.iter().for_each(output::note);
            Ok(settings::effective(&loaded))
        }
        match self {
            Self::Validator(flags) => text(flags),
            Self::Miner(flags) => text(flags),
            Self::Localnet(flags) => text(flags),
            Self::Query(flags) => text(flags),
        }
    }
}

fn check(file: &Path, role: Option<Role>) -> Result<Exit, Failure> {
    if let Err(error) = std::fs::metadata(file) {
        let text = format!("cannot read the settings file {}: {error}", file.display());
        return Err(Failure::new(Exit::Missing, text));
    }
    if let Some(role) = role.or_else(|| told_by(file)) {
        return print(&taken(file, role, &notices(role, file)?));
    }
    let (mut text, mut reasons) = (String::new(), Vec::new());
    for role in Role::value_variants() {
        match notices(*role, file) {
            Ok(notices) => text += &taken(file, *role, &notices),
            Err(error) => reasons.push(format!("sn1 {} refuses it: {error}", role.label())),
        }
    }
    if reasons.len() < Role::value_variants().len() {
        return print(&text);
    }
    Err(Failure::new(Exit::Usage, reasons.join("\n       ")))
}

fn taken(file: &Path, role: Role, notices: &[String]) -> String {
    let first = format!("{} is a settings file for sn1 {}\n", file.display(), role.label());
    notices.iter().fold(first, |text, notice| text + &format!("note: {notice}\n"))
}

/// A reader that has read enough is no error.
fn print(text: &str) -> Result<Exit, Failure> {
    match output::print(text) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let text = format!("cannot write standard output: {error}");
            Err(Failure::new(Exit::CannotWrite, text))
        }
        _ => Ok(Exit::Done),
    }
}
