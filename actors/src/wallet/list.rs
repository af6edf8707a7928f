//! Lists wallets: addresses, and whether the files are encrypted. Opens no coldkey and asks for no
//! password; a damaged file is reported and skipped.

use std::collections::BTreeSet;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sn1::wallet::AccountId;
use sn1::wallet::encryption::Sealed;
use sn1::wallet::keyfile::{KeyfileError, parse_keyfile};

use super::folder::PUBLIC_END;
use super::node::{is_encrypted, read_public};
use super::{WalletFault, WalletFolder, files, wallets_root};
use crate::exit::{Exit, Exits};

/// How a secret key file is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// It is encrypted with a password.
    Encrypted,
    /// Not at all: anyone who reads the file can sign.
    Unencrypted,
    /// There is no secret file, or this process may not read it.
    NoSecret,
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encrypted => "encrypted",
            Self::Unencrypted => "not encrypted",
            Self::NoSecret => "public half only",
        })
    }
}

/// One key of a wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyEntry {
    /// The hotkey's name; `coldkey` for the coldkey.
    pub name: String,
    /// Its address; `None` when no file contains it.
    pub address: Option<AccountId>,
    /// How the secret file is protected.
    pub protection: Protection,
    /// The path of the secret file, whether or not it exists.
    pub file: PathBuf,
    /// What is wrong with its files, a sentence each.
    pub faults: Vec<String>,
    /// Whether one of its files is damaged, so that no node can use the key.
    #[serde(skip)]
    pub is_damaged: bool,
}

/// One wallet with its keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WalletEntry {
    /// The wallet's name.
    pub name: String,
    /// The wallet's folder.
    pub path: PathBuf,
    /// The entry of the coldkey.
    pub coldkey: KeyEntry,
    /// The entries of the hotkeys, sorted by name.
    pub hotkeys: Vec<KeyEntry>,
}

/// All wallets, sorted by name.
///
/// # Errors
/// [`WalletFault::Missing`] when the folder of wallets cannot be read.
pub fn list(root: &Path) -> Result<Vec<WalletEntry>, WalletFault> {
    let root = wallets_root(root)?;
    let names = names_in(&root, true).map_err(|error| {
        WalletFault::Missing(format!(
            "cannot read the folder of wallets {}: {error}; name another with --wallet.path",
            root.display()
        ))
    })?;
    // A folder whose name no wallet can have is something else.
    let folders = names.iter().filter_map(|name| WalletFolder::new(&root, name).ok());
    Ok(folders.map(|folder| describe(&folder)).collect())
}

/// Describes one wallet from the files that exist.
pub fn describe(folder: &WalletFolder) -> WalletEntry {
    let (hotkeys, fault) = match names_in(&folder.hotkeys(), false) {
        Ok(names) => (names, None),
        Err(error) if error.kind() == ErrorKind::NotFound => (BTreeSet::new(), None),
        Err(error) => (BTreeSet::new(), Some(format!("hotkeys: {error}"))),
    };
    let mut coldkey = describe_coldkey(folder);
    coldkey.faults.extend(fault);
    let names: BTreeSet<_> =
        hotkeys.iter().map(|name| name.strip_suffix(PUBLIC_END).unwrap_or(name)).collect();
    WalletEntry {
        name: folder.name().to_owned(),
        path: folder.path().to_owned(),
        coldkey,
        hotkeys: names.into_iter().filter_map(|name| describe_hotkey(folder, name).ok()).collect(),
    }
}

/// The names of the files or folders in a folder, without hidden ones.
fn names_in(folder: &Path, are_folders: bool) -> std::io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(name) = name.filter(|name| !name.starts_with('.')) else { continue };
        if path.is_dir() == are_folders {
            names.insert(name.to_owned());
        }
    }
    Ok(names)
}

fn describe_coldkey(folder: &WalletFolder) -> KeyEntry {
    let file = folder.coldkey();
    let mut key = KeyEntry::new("coldkey", file.clone());
    key.protect(is_encrypted(&file));
    match read_public(&folder.coldkeypub()) {
        Ok(Some(account)) => key.address = Some(account),
        Ok(None) => key.faults.push("coldkeypub.txt is missing".to_owned()),
        Err(fault) => key.faults.push(fault.to_string()),
    }
    key
}

fn describe_hotkey(folder: &WalletFolder, name: &str) -> Result<KeyEntry, WalletFault> {
    let file = folder.hotkey(name)?;
    let mut key = KeyEntry::new(name, file.clone());
    key.protect(is_encrypted(&file));
    let public = read_public(&folder.hotkeypub(name)?).unwrap_or_else(|fault| {
        key.is_damaged = fault.exit() == Exit::Damaged;
        key.faults.push(fault.to_string());
        None
    });
    key.address = public;
    match key.protection {
        Protection::Unencrypted => key.look_inside(&file),
        Protection::Encrypted => key.look_at_seal(&file),
        Protection::NoSecret => {}
    }
    Ok(key)
}

impl KeyEntry {
    fn new(name: &str, file: PathBuf) -> Self {
        let protection = Protection::NoSecret;
        let faults = Vec::new();
        Self { name: name.to_owned(), address: None, protection, file, faults, is_damaged: false }
    }

    fn protect(&mut self, is_encrypted: std::io::Result<Option<bool>>) {
        match is_encrypted {
            Ok(Some(true)) => self.protection = Protection::Encrypted,
            Ok(Some(false)) => self.protection = Protection::Unencrypted,
            Ok(None) => {}
            Err(error) => self.faults.push(format!("{}: {error}", self.file.display())),
        }
        if self.protection != Protection::NoSecret && files::is_open_to_others(&self.file) {
            self.faults.push(format!(
                "{}: other users can read or write it; run chmod 600",
                self.file.display()
            ));
        }
    }

    fn damaged(&mut self, fault: String) {
        self.is_damaged = true;
        self.faults.push(fault);
    }

    /// Whether an encrypted file is cut off shows without its password.
    fn look_at_seal(&mut self, file: &Path) {
        let sealed = files::read(file).ok().and_then(|bytes| Sealed::parse(&bytes));
        if let Some(Err(error)) = sealed {
            self.damaged(format!("{}: {error}", file.display()));
        }
    }

    /// Takes the address from the secret file, and compares it with the public half's.
    fn look_inside(&mut self, file: &Path) {
        let own = files::read(file)
            .map_err(|error| format!("{}: {error}", file.display()))
            .and_then(|bytes| {
                let shown = |reason: KeyfileError| format!("{}: {reason}", file.display());
                parse_keyfile(&bytes).map_err(shown)
            });
        match own.map(|pair| pair.account_id()) {
            Err(fault) => self.damaged(fault),
            Ok(own) => {
                if let Some(public) = self.address.filter(|public| *public != own) {
                    self.damaged(format!("its public file contains another address, {public}"));
                }
                self.address = Some(own);
            }
        }
    }
}

impl KeyEntry {
    /// Writes a line about the key, and one for each fault.
    fn write(&self, f: &mut fmt::Formatter<'_>, label: &str) -> fmt::Result {
        let address = self.address.map_or_else(|| "unknown address".to_owned(), |id| id.to_ss58());
        writeln!(f, "{label}  {address}  {}", self.protection)?;
        self.faults.iter().try_for_each(|fault| writeln!(f, "    ! {}", fault.escape_debug()))
    }
}

impl fmt::Display for WalletEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.coldkey.write(f, &self.name.escape_debug().to_string())?;
        let width = self.hotkeys.iter().map(|key| key.name.chars().count()).max().unwrap_or(0);
        self.hotkeys.iter().try_for_each(|key| {
            key.write(f, &format!("  {:width$}", key.name.escape_debug().to_string()))
        })
    }
}
