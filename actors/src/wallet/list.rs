//! What wallets there are: addresses, and whether their files are encrypted. Opens no coldkey and
//! asks for no password; a damaged file is told of and passed over.

use std::collections::BTreeSet;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sn1::wallet::AccountId;
use sn1::wallet::keyfile::{KeyfileError, parse_keyfile};

use super::folder::PUBLIC_END;
use super::node::{is_encrypted, read_public};
use super::{WalletFault, WalletFolder, files, wallets_root};

/// How a secret file is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protection {
    /// With a password.
    Encrypted,
    /// Anyone who reads it can sign.
    Unencrypted,
    /// There is no secret file, or none that we may read.
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
    /// Its name; `coldkey` for the coldkey.
    pub name: String,
    /// `None` where no file tells it.
    pub address: Option<AccountId>,
    /// How the secret is kept.
    pub protection: Protection,
    /// The secret file, be it there or not.
    pub file: PathBuf,
    /// What is wrong with its files.
    pub faults: Vec<String>,
}

/// One wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WalletEntry {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub path: PathBuf,
    /// The coldkey.
    pub coldkey: KeyEntry,
    /// The hotkeys by name.
    pub hotkeys: Vec<KeyEntry>,
}

/// All wallets by name.
///
/// # Errors
/// [`WalletFault::Missing`] where the folder of wallets cannot be read.
pub fn list(root: &Path) -> Result<Vec<WalletEntry>, WalletFault> {
    let root = wallets_root(root)?;
    let names = names_in(&root, true).map_err(|error| {
        WalletFault::Missing(format!(
            "cannot read the folder of wallets {}: {error}; name another with --wallet.path",
            root.display()
        ))
    })?;
    // Names that no wallet can have belong to something else.
    let folders = names.iter().filter_map(|name| WalletFolder::new(&root, name).ok());
    Ok(folders.map(|folder| describe(&folder)).collect())
}

/// One wallet, from the files that are there.
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

/// Names of files or folders that are not hidden.
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
        key.faults.push(fault.to_string());
        None
    });
    key.address = public;
    if key.protection == Protection::Unencrypted {
        key.look_inside(&file);
    }
    Ok(key)
}

impl KeyEntry {
    fn new(name: &str, file: PathBuf) -> Self {
        let protection = Protection::NoSecret;
        Self { name: name.to_owned(), address: None, protection, file, faults: Vec::new() }
    }

    fn protect(&mut self, is_encrypted: std::io::Result<Option<bool>>) {
        match is_encrypted {
            Ok(Some(true)) => self.protection = Protection::Encrypted,
            Ok(Some(false)) => self.protection = Protection::Unencrypted,
            Ok(None) => {}
            Err(error) => self.faults.push(format!("{}: {error}", self.file.display())),
        }
        if self.protection != Protection::NoSecret && files::is_open_to_others(&self.file) {
            self.faults.push(format!("{}: others can use it (chmod 600)", self.file.display()));
        }
    }

    /// The secret's own address counts, and is held against the public half's.
    fn look_inside(&mut self, file: &Path) {
        let own = files::read(file)
            .map_err(|error| format!("{}: {error}", file.display()))
            .and_then(|bytes| {
                let shown = |reason: KeyfileError| format!("{}: {reason}", file.display());
                parse_keyfile(&bytes).map_err(shown)
            });
        match own.map(|pair| pair.account_id()) {
            Err(fault) => self.faults.push(fault),
            Ok(own) => {
                if let Some(public) = self.address.filter(|public| *public != own) {
                    self.faults.push(format!("its public half is of {public}"));
                }
                self.address = Some(own);
            }
        }
    }
}

impl KeyEntry {
    /// A line for the key, and one for each fault.
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
