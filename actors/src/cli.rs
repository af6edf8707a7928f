//! The command line: which command, and in the modules below each command's flags.

mod devchain;
mod faults;
mod localnet;
mod query;
mod role;
mod time;
mod wallet;

use clap::{Parser, Subcommand};
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

const ROLE_EXIT_CODES: &str = "Exit codes: 0 told to stop, 64 wrong flag or setting, 65 damaged \
    key, model or state file, 66 missing wallet or model, 67 the hotkey is not registered, 68 no \
    such subnet, 69 no chain, port, device or model support, 70 the node gave up, 73 the state \
    cannot be written, 77 wrong or missing password, or an unencrypted coldkey";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a whole subnet on this machine: chain, validator and miners in one process
    Localnet(Box<LocalnetArguments>),
    /// Run a validator: ask miners, score their answers, set weights
    #[command(after_help = ROLE_EXIT_CODES)]
    Validator(Box<RoleArguments<NeuronSettings>>),
    /// Run a miner: answer validators
    #[command(after_help = ROLE_EXIT_CODES)]
    Miner(Box<RoleArguments<MinerNeuron>>),
    /// Run a chain of its own on this machine, which the official SDK takes for a real one
    #[command(after_help = "Exit codes: 0 told to stop, 64 wrong flag, 65 damaged state file, 69 \
                            port in use, 70 the node gave up, 73 the state file cannot be written")]
    Devchain(Box<DevchainArguments>),
    /// Ask miners, and see their answers stream in side by side
    #[command(after_help = "Exit codes: 0 every miner answered with status 200 and a text, \
                            1 some did, 2 none did; 64 and above: nobody was asked, or the output \
                            was lost")]
    Query(Box<QueryArguments>),
    /// List, show and make wallets, as the official wallet keeps them
    #[command(after_help = "Exit codes: 64 wrong flag, 65 damaged key file or bad secret, 66 \
                            missing file, 73 a file is in the way or cannot be written, 77 wrong \
                            or missing password")]
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
