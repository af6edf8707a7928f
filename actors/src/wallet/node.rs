//! What a node uses of a wallet: the hotkey, and the coldkey's address.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sn1::wallet::encryption::{Encryption, EncryptionError};
use sn1::wallet::keyfile::{KeyfileError, open_keyfile, parse_keyfile, parse_public_keyfile};
use sn1::wallet::{AccountId, Keypair};

use crate::settings::{FilePath, WalletSection};

use super::{PasswordSource, WalletFault, WalletFolder, files};

/// Which wallet and hotkey a node uses. Holds no secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeWallet {
    /// The folder of all wallets; `~` stands for the home folder.
    pub path: PathBuf,
    /// The wallet's name.
    pub name: String,
    /// The name of the hotkey in it.
    pub hotkey: String,
    /// Where the password of an encrypted hotkey comes from.
    pub password: PasswordSource,
    /// Whether to accept a coldkey on this machine that is not encrypted.
    pub allow_unencrypted_coldkey: bool,
}

/// The keys of an opened wallet.
#[derive(Debug, Clone)]
pub struct OpenWallet {
    /// The key that signs for the node.
    pub hotkey: Keypair,
    /// The owner's address; `None` when `coldkeypub.txt` is missing or damaged.
    pub coldkey: Option<AccountId>,
    /// What the operator should know, a sentence each.
    pub notices: Vec<String>,
}

impl From<&WalletSection> for NodeWallet {
    fn from(section: &WalletSection) -> Self {
        let WalletSection { name, hotkey, path, password_file, allow_unencrypted_coldkey } =
            section;
        Self {
            path: path.resolved(),
            name: name.clone(),
            hotkey: hotkey.clone(),
            password: PasswordSource { file: password_file.as_ref().map(FilePath::resolved) },
            allow_unencrypted_coldkey: *allow_unencrypted_coldkey,
        }
    }
}

impl NodeWallet {
    /// Opens the hotkey, and asks for its password if it has one. The coldkey stays closed.
    ///
    /// # Errors
    /// See [`WalletFault`]; [`WalletFault::UnencryptedColdkey`] comes before anything else is read.
    pub fn open(&self) -> Result<OpenWallet, WalletFault> {
        let folder = WalletFolder::new(&self.path, &self.name)?;
        let mut notices = Vec::new();
        match refuse_unencrypted_coldkey(&folder) {
            Err(WalletFault::UnencryptedColdkey(path)) if self.allow_unencrypted_coldkey => {
                notices.push(format!("{} is a coldkey without a password", path.display()));
            }
            verdict => verdict?,
        }
        let path = folder.hotkey(&self.hotkey)?;
        let hotkey = open_hotkey(&path, &self.password)?;
        if files::is_open_to_others(&path) {
            notices.push(format!(
                "{} can be used by others on this machine: chmod 600 closes it",
                path.display()
            ));
        }
        let coldkey = read_public(&folder.coldkeypub()).unwrap_or_else(|fault| {
            notices.push(fault.to_string());
            None
        });
        Ok(OpenWallet { hotkey, coldkey, notices })
    }
}

/// Refuses a wallet whose coldkey is on this machine without a password. Reads only the first bytes
/// of the file; a coldkey that this process may not read counts as absent.
///
/// # Errors
/// [`WalletFault::UnencryptedColdkey`], or [`WalletFault::Missing`] when the disk fails.
pub fn refuse_unencrypted_coldkey(folder: &WalletFolder) -> Result<(), WalletFault> {
    let path = folder.coldkey();
    match is_encrypted(&path) {
        Ok(Some(false)) => Err(WalletFault::UnencryptedColdkey(path)),
        Ok(_) => Ok(()),
        Err(error) => Err(unreadable("coldkey", &path, &error)),
    }
}

/// Whether a file starts like an encrypted one; `None` when it does not exist or is empty.
pub(super) fn is_encrypted(path: &Path) -> std::io::Result<Option<bool>> {
    let start = files::read_start(path, Encryption::N_START_BYTES)?;
    let start = start.filter(|start| !start.is_empty());
    Ok(start.map(|start| Encryption::of(&start).is_some()))
}

fn open_hotkey(path: &Path, password: &PasswordSource) -> Result<Keypair, WalletFault> {
    let bytes = files::read(path).map_err(|error| unreadable("hotkey", path, &error))?;
    let opened = match parse_keyfile(&bytes) {
        Err(KeyfileError::Encrypted(_)) => open_keyfile(&bytes, &password.of_existing(path)?),
        opened => opened,
    };
    opened.map_err(|reason| match reason {
        KeyfileError::Sealed(EncryptionError::WrongPassword(_)) => {
            WalletFault::Locked(format!("{}: {reason}", path.display()))
        }
        reason => WalletFault::Damaged { path: path.to_owned(), reason },
    })
}

fn unreadable(kind: &str, path: &Path, error: &std::io::Error) -> WalletFault {
    WalletFault::Missing(format!(
        "cannot read the {kind} file {}: {error}; choose one with --wallet.name, --wallet.hotkey \
         and --wallet.path",
        path.display()
    ))
}

/// The address in a public key file; `None` when the file does not exist.
pub(super) fn read_public(path: &Path) -> Result<Option<AccountId>, WalletFault> {
    match files::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(WalletFault::Missing(format!("cannot read {}: {error}", path.display()))),
        Ok(bytes) => parse_public_keyfile(&bytes)
            .map(Some)
            .map_err(|reason| WalletFault::Damaged { path: path.to_owned(), reason }),
    }
}
