//! Wallets on disk, as the official wallet stores them: finding, listing, opening and making them.
//!
//! A wallet is a folder with `coldkey`, `coldkeypub.txt` and `hotkeys/`. A node opens a hotkey and
//! reads `coldkeypub.txt`; no code here ever opens a coldkey. Only the first bytes of that file are
//! read, to see whether it is encrypted. [`NodeWallet::open`] refuses a wallet whose coldkey is
//! not: it does not belong on a machine that runs a node.
//!
//! Secrets come from a file, the environment or a prompt without echo, never from a command line.

mod create;
mod files;
mod folder;
mod list;
mod node;
mod passwords;
mod terminal;

use std::path::PathBuf;

use sn1::wallet::keyfile::KeyfileError;

use crate::exit::{Exit, Exits};

pub use create::{Key, Made, NewFiles, Origin, read_origin};
pub use folder::{DEFAULT_ROOT, WalletFolder, wallets_root};
pub use list::{KeyEntry, Protection, WalletEntry, describe, list};
pub use node::{NodeWallet, OpenWallet, refuse_unencrypted_coldkey};
pub use passwords::PasswordSource;
pub use terminal::read_secret;

/// Why a wallet was not read or made.
#[derive(Debug, thiserror::Error)]
pub enum WalletFault {
    /// A flag or a name is wrong.
    #[error("{0}")]
    Usage(String),
    /// A key file is damaged.
    #[error("{path}: {reason}")]
    Damaged {
        /// The path of the key file.
        path: PathBuf,
        /// What is wrong with it.
        reason: KeyfileError,
    },
    /// The hotkey that was asked for is damaged, as was printed.
    #[error("the hotkey {0} is damaged: no node can use it")]
    DamagedHotkey(String),
    /// The text that was typed or piped in is not a valid secret.
    #[error("{0}")]
    BadSecret(String),
    /// A file does not exist or cannot be read.
    #[error("{0}")]
    Missing(String),
    /// A file of that name exists already.
    #[error("{} exists already: choose another name, or replace it with --force", .0.display())]
    Exists(PathBuf),
    /// A file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The path of the file.
        path: PathBuf,
        /// The error from the system.
        source: std::io::Error,
    },
    /// There is no password, or it is wrong.
    #[error("{0}")]
    Locked(String),
    /// The coldkey is not encrypted: anyone with access to the machine can use it.
    #[error(
        "{} is a coldkey without a password: take it off this machine (a node needs only \
         coldkeypub.txt) or encrypt it, or accept the risk with --wallet.allow_unencrypted_coldkey",
        .0.display()
    )]
    UnencryptedColdkey(PathBuf),
    /// The operator pressed Ctrl-C at a prompt.
    #[error("interrupted")]
    Interrupted,
}

impl Exits for WalletFault {
    fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Damaged { .. } | Self::DamagedHotkey(_) | Self::BadSecret(_) => Exit::Damaged,
            Self::Missing(_) => Exit::Missing,
            Self::Exists(_) | Self::Write { .. } => Exit::CannotWrite,
            Self::Locked(_) | Self::UnencryptedColdkey(_) => Exit::Locked,
            Self::Interrupted => Exit::Interrupted,
        }
    }
}
