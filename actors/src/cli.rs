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
    #[command(after_help = exit::help(exit::LOCALNET))]
    Localnet(Box<LocalnetArguments>),
    /// Run a validator: ask miners, score their answers, set weights
    #[command(after_help = exit::help(exit::NODE))]
    Validator(Box<RoleArguments<NeuronSettings>>),
    /// Run a miner: answer validators
    #[command(after_help = exit::help(exit::NODE))]
    Miner(Box<RoleArguments<MinerNeuron>>),
    /// Run a chain of its own on this machine, which the official SDK takes for a real one
    #[command(after_help = exit::help(exit::DEVCHAIN))]
    Devchain(Box<DevchainArguments>),
    /// Ask miners, and see their answers stream in side by side
    #[command(after_help = exit::help(exit::QUERY))]
    Query(Box<QueryArguments>),
    /// List, show and make wallets, as the official wallet keeps them
    #[command(after_help = exit::help(exit::WALLET))]
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
}
