//! The command line: which command, and in the modules below each command's flags.

mod devchain;
mod faults;
mod localnet;
pub(crate) mod logging;
mod query;
mod role;
mod time;
mod wallet;

use clap::{Parser, Subcommand};
use sn1_actors::exit;
use sn1_actors::settings::{MinerNeuron, NeuronSettings};

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
    Validator(Box<RoleArguments<NeuronSettings>>),
    /// Run a miner: answer validators
    #[command(after_help = exit::help("miner"))]
    Miner(Box<RoleArguments<MinerNeuron>>),
    /// Run a chain of its own on this machine, which the official SDK takes for a real one
    #[command(after_help = exit::help("devchain"))]
    Devchain(Box<DevchainArguments>),
    /// Ask miners, and see their answers stream in side by side
    #[command(after_help = exit::help("query"))]
    Query(Box<QueryArguments>),
    /// List, show and make wallets, as the official wallet keeps them
    #[command(after_help = exit::help("wallet"))]
    Wallet(Box<WalletArguments>),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

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
}
