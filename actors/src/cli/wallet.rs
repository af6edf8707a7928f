//! Flags of `sn1 wallet`, and those that name the wallet of a node.

mod make;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;
use sn1_actors::output;
use sn1_actors::wallet::{
    DEFAULT_ROOT, NodeWallet, PasswordSource, WalletEntry, WalletFault, WalletFolder, describe,
    list,
};

use make::{NewArguments, RegenArguments};

/// The wallet of a node: which hotkey, and how it is opened.
#[derive(Debug, Clone, Args)]
pub(crate) struct NodeWalletArguments {
    /// The wallet whose hotkey signs
    #[arg(long = "wallet.name", value_name = "NAME")]
    wallet_name: Option<String>,
    /// The hotkey in that wallet
    #[arg(long = "wallet.hotkey", value_name = "NAME")]
    wallet_hotkey: Option<String>,
    /// Where wallets are [default: ~/.bittensor/wallets]
    #[arg(long = "wallet.path", value_name = "DIR")]
    wallet_path: Option<PathBuf>,
    /// A file with the password of an encrypted hotkey; else its BT_PW_ variable, else a prompt
    #[arg(long = "password-file", value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Go on although the wallet's coldkey lies here without a password
    #[arg(long = "wallet.allow_unencrypted_coldkey")]
    allow_unencrypted_coldkey: bool,
}

impl NodeWalletArguments {
    /// Whether a wallet is named in any way.
    pub(crate) fn is_named(&self) -> bool {
        self.wallet_name.is_some() || self.wallet_hotkey.is_some() || self.wallet_path.is_some()
    }

    /// The wallet, with the official wallet's names where none are given.
    pub(crate) fn wallet(&self) -> NodeWallet {
        let or_default = |name: &Option<String>| name.as_deref().unwrap_or("default").to_owned();
        NodeWallet {
            path: self.wallet_path.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_ROOT)),
            name: or_default(&self.wallet_name),
            hotkey: or_default(&self.wallet_hotkey),
            password: PasswordSource { file: self.password_file.clone() },
            allow_unencrypted_coldkey: self.allow_unencrypted_coldkey,
        }
    }
}

/// Flags of `sn1 wallet`.
#[derive(Debug, Args)]
pub(crate) struct WalletArguments {
    #[command(subcommand)]
    command: WalletCommand,
}

#[derive(Debug, Subcommand)]
enum WalletCommand {
    /// All wallets with their addresses, hotkeys included
    List {
        #[command(flatten)]
        common: Common,
    },
    /// One wallet: addresses, and which files are encrypted
    Show {
        /// The wallet
        #[arg(long = "wallet.name", value_name = "NAME", default_value = "default")]
        name: String,
        /// Only this hotkey
        #[arg(long = "wallet.hotkey", value_name = "NAME")]
        hotkey: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Make a coldkey and a hotkey, or a hotkey alone
    New(NewArguments),
    /// Make a key again from its secret phrase, seed or secret URI
    Regen(RegenArguments),
}

#[derive(Debug, Args)]
struct Common {
    /// Where wallets are
    #[arg(long = "wallet.path", value_name = "DIR", default_value = DEFAULT_ROOT)]
    path: PathBuf,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

impl WalletArguments {
    /// Does what the flags say, and prints it.
    pub(crate) fn run(&self) -> Result<(), WalletFault> {
        match &self.command {
            WalletCommand::List { common } => common.print_wallets(&list(&common.path)?),
            WalletCommand::Show { name, hotkey, common } => {
                let wallet = show(&WalletFolder::new(&common.path, name)?, hotkey.as_deref())?;
                common.print(&wallet, wallet.to_string())?;
                match wallet.hotkeys.iter().find(|key| hotkey.is_some() && key.is_damaged) {
                    Some(key) => Err(WalletFault::DamagedHotkey(key.name.clone())),
                    None => Ok(()),
                }
            }
            WalletCommand::New(arguments) => arguments.run(),
            WalletCommand::Regen(arguments) => arguments.run(),
        }
    }
}

impl Common {
    fn print_wallets(&self, wallets: &[WalletEntry]) -> Result<(), WalletFault> {
        if wallets.is_empty() && !self.json {
            output::note(format_args!("there are no wallets in {}", self.path.display()));
        }
        self.print(wallets, wallets.iter().map(ToString::to_string).collect())
    }

    /// JSON on one line, or the text as it is.
    fn print(&self, value: &(impl Serialize + ?Sized), text: String) -> Result<(), WalletFault> {
        let text = match self.json {
            true => serde_json::to_string(value).map(|json| json + "\n"),
            false => Ok(text),
        };
        let text = zeroize::Zeroizing::new(text.map_err(|error| unwritable(error.into()))?);
        output::print(&text).map_err(unwritable)
    }
}

fn unwritable(source: std::io::Error) -> WalletFault {
    WalletFault::Write { path: PathBuf::from("standard output"), source }
}

fn show(folder: &WalletFolder, hotkey: Option<&str>) -> Result<WalletEntry, WalletFault> {
    if !folder.path().is_dir() {
        return Err(WalletFault::Missing(format!(
            "there is no wallet {}: `sn1 wallet list` shows those that are",
            folder.path().display()
        )));
    }
    let mut wallet = describe(folder);
    if let Some(name) = hotkey {
        wallet.hotkeys.retain(|key| key.name == name);
        if wallet.hotkeys.is_empty() {
            let path = folder.hotkey(name)?;
            return Err(WalletFault::Missing(format!("there is no hotkey {}", path.display())));
        }
    }
    Ok(wallet)
}
