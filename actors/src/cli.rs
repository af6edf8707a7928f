//! The command line: which command, and in the modules below each command's flags.

mod localnet;
mod query;
mod time;
mod wallet;

use clap::{Parser, Subcommand};

pub(crate) use localnet::LocalnetArguments;
pub(crate) use query::QueryArguments;
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
    Localnet(Box<LocalnetArguments>),
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
