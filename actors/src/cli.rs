//! The command line: which command, and in the modules below each command's flags.

mod config;
mod devchain;
mod faults;
mod flags;
mod ignored;
mod localnet;
pub(crate) mod logging;
mod query;
mod role;
mod wallet;

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};
use sn1_actors::exit;
use sn1_actors::settings::{MinerConfig, ValidatorConfig, near};

pub(crate) use config::ConfigArguments;
pub(crate) use devchain::DevchainArguments;
pub(crate) use localnet::LocalnetArguments;
pub(crate) use query::QueryArguments;
pub(crate) use role::RoleArguments;
pub(crate) use wallet::WalletArguments;

/// Node software for Bittensor Subnet 1.
#[derive(Debug, Parser)]
#[command(name = "sn1", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a whole subnet on this machine: chain, validator and miners in one process
    #[command(after_help = exit::help("localnet"))]
    Localnet(Box<LocalnetArguments>),
    /// Run a validator: ask miners, score their answers, set weights
    #[command(after_help = exit::help("validator"))]
    Validator(Box<RoleArguments<ValidatorConfig>>),
    /// Run a miner: answer validators
    #[command(after_help = exit::help("miner"))]
    Miner(Box<RoleArguments<MinerConfig>>),
    /// Run a chain of its own on this machine, which the official SDK takes for a real one
    #[command(after_help = exit::help("devchain"))]
    Devchain(Box<DevchainArguments>),
    /// Ask miners, and see their answers stream in side by side
    #[command(after_help = exit::help("query"))]
    Query(Box<QueryArguments>),
    /// Print, check and explain settings
    #[command(after_help = exit::help("config"))]
    Config(Box<ConfigArguments>),
    /// List, show and make wallets, as the official wallet keeps them
    #[command(after_help = exit::help("wallet"))]
    Wallet(Box<WalletArguments>),
}

/// Reads the command line. A flag that is not known comes with a near one, if there is one.
///
/// # Errors
/// A wrong command line; also help and version, which are asked for.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Arguments, clap::Error> {
    let words: Vec<_> = words.into_iter().collect();
    Arguments::try_parse_from(&words).map_err(|error| with_near_flag(error, &words))
}

fn with_near_flag(mut error: clap::Error, words: &[OsString]) -> clap::Error {
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let Some(ContextValue::String(unknown)) = error.remove(ContextKind::InvalidArg) else {
        return error;
    };
    error.insert(ContextKind::InvalidArg, ContextValue::String(unknown.clone()));
    // The library's own choices, however far: a flag, and a usage that names it.
    error.remove(ContextKind::SuggestedArg);
    error.remove(ContextKind::Usage);
    let flags = flags_of(words);
    if let Some(near) = near(unknown.trim_start_matches('-'), flags.iter().map(String::as_str)) {
        error.insert(ContextKind::SuggestedArg, ContextValue::String(format!("--{near}")));
    }
    error
}

/// The names of all shown flags of the command in this line.
fn flags_of(words: &[OsString]) -> Vec<String> {
    let mut command = Arguments::command();
    for word in words.iter().skip(1).filter_map(|word| word.to_str()) {
        match command.find_subcommand(word) {
            Some(found) => command = found.clone(),
            None => break,
        }
    }
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    shown.filter_map(|arg| arg.get_long().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests;
