//! Wallets on disk, as the official wallet keeps them: finding, listing, opening and making them.
//!
//! A wallet is a folder with `coldkey`, `coldkeypub.txt` and `hotkeys/`. A node opens a hotkey and
//! reads `coldkeypub.txt`; nothing here ever opens a coldkey. Of that file only the beginning is
//! looked at, to say whether it is encrypted, and [`NodeWallet::open`] refuses to go on when it is
//! not: a machine that runs a node is no place for it.
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
    /// Wrong flags or names.
    #[error("{0}")]
    Usage(String),
    /// A key file that gives no key.
    #[error("{path}: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: KeyfileError,
    },
    /// What was typed or piped in is no secret.
    #[error("{0}")]
    BadSecret(String),
    /// A file that cannot be read.
    #[error("{0}")]
    Missing(String),
    /// A file that is in the way.
    #[error("{} is already there: choose other names, or replace it with --force", .0.display())]
    Exists(PathBuf),
    /// A file that cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No password, or not the right one.
    #[error("{0}")]
    Locked(String),
    /// A coldkey that anyone with access to the machine can use.
    #[error(
        "{} is a coldkey without a password: take it off this machine (a node needs only \
         coldkeypub.txt) or encrypt it, or accept the risk with --wallet.allow_unencrypted_coldkey",
        .0.display()
    )]
    UnencryptedColdkey(PathBuf),
    /// Ctrl-C at a prompt.
    #[error("interrupted")]
    Interrupted,
}

impl Exits for WalletFault {
    fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Damaged { .. } | Self::BadSecret(_) => Exit::Damaged,
            Self::Missing(_) => Exit::Missing,
            Self::Exists(_) | Self::Write { .. } => Exit::CannotWrite,
            Self::Locked(_) | Self::UnencryptedColdkey(_) => Exit::Locked,
            Self::Interrupted => Exit::Interrupted,
        }
    }
}
