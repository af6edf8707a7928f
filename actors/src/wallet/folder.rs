//! The paths of a wallet's files.

use std::path::{Path, PathBuf};

use super::WalletFault;

/// The folder in which the official wallet stores wallets.
pub const DEFAULT_ROOT: &str = crate::settings::WALLETS_ROOT;
/// The suffix of the file with a hotkey's public half.
pub(super) const PUBLIC_END: &str = "pub.txt";

/// The folder of all wallets; `~` stands for the home folder.
///
/// # Errors
/// [`WalletFault::Usage`] when there is no home folder.
pub fn wallets_root(path: &Path) -> Result<PathBuf, WalletFault> {
    match path.strip_prefix("~") {
        Err(_) => Ok(path.to_owned()),
        Ok(below) => std::env::home_dir().map(|home| home.join(below)).ok_or_else(|| {
            WalletFault::Usage(
                "no home folder is set: give the folder of wallets with --wallet.path".to_owned(),
            )
        }),
    }
}

/// The folder of one wallet. Knows only paths, and reads nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletFolder {
    path: PathBuf,
    name: String,
}

impl WalletFolder {
    /// The wallet `name` below the folder of all wallets.
    ///
    /// # Errors
    /// [`WalletFault::Usage`] for a name that is not a plain file name.
    pub fn new(root: &Path, name: &str) -> Result<Self, WalletFault> {
        checked(name, "--wallet.name")?;
        Ok(Self { path: wallets_root(root)?.join(name), name: name.to_owned() })
    }

    /// The wallet's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The wallet's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of the secret coldkey file.
    pub fn coldkey(&self) -> PathBuf {
        self.path.join("coldkey")
    }

    /// The path of the coldkey's public half.
    pub fn coldkeypub(&self) -> PathBuf {
        self.path.join("coldkeypub.txt")
    }

    /// The folder of all hotkeys.
    pub fn hotkeys(&self) -> PathBuf {
        self.path.join("hotkeys")
    }

    /// The path of a secret hotkey file.
    ///
    /// # Errors
    /// [`WalletFault::Usage`] for a name that is not a plain file name.
    pub fn hotkey(&self, name: &str) -> Result<PathBuf, WalletFault> {
        checked(name, "--wallet.hotkey")?;
        Ok(self.hotkeys().join(name))
    }

    /// The path of a hotkey's public half.
    ///
    /// # Errors
    /// As for [`WalletFolder::hotkey`].
    pub fn hotkeypub(&self, name: &str) -> Result<PathBuf, WalletFault> {
        checked(name, "--wallet.hotkey")?;
        Ok(self.hotkeys().join(format!("{name}{PUBLIC_END}")))
    }
}

/// Checks a name from the command line, which becomes part of a path.
fn checked(name: &str, flag: &str) -> Result<(), WalletFault> {
    let is_plain = !name.is_empty()
        && !name.starts_with('.')
        && !name.contains(|letter: char| letter == '/' || letter.is_control())
        && !name.ends_with(PUBLIC_END);
    is_plain.then_some(()).ok_or_else(|| {
        WalletFault::Usage(format!(
            "{flag}: `{}` cannot be the name of a file: leave out slashes, a dot in front and \
             {PUBLIC_END} at the end",
            name.escape_debug()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::{Exit, Exits};

    #[test]
    fn names_stay_below_the_folder_of_wallets() {
        let root = Path::new("/wallets");
        for name in ["", ".", "..", "a/b", "/etc", ".hidden", "a\nb", "mepub.txt"] {
            let error = WalletFolder::new(root, name).unwrap_err();
            assert_eq!(error.exit(), Exit::Usage, "{name:?}");
            assert!(WalletFolder::new(root, "me").unwrap().hotkey(name).is_err(), "{name:?}");
        }
        let folder = WalletFolder::new(root, "me").unwrap();
        assert_eq!(folder.hotkey("h-1.x y").unwrap(), Path::new("/wallets/me/hotkeys/h-1.x y"));
        assert_eq!(folder.hotkeypub("h").unwrap(), Path::new("/wallets/me/hotkeys/hpub.txt"));
    }

    #[test]
    fn a_tilde_is_the_home_folder() {
        let home = std::env::home_dir().unwrap();
        assert_eq!(wallets_root(Path::new("~/x/y")).unwrap(), home.join("x/y"));
        assert_eq!(wallets_root(Path::new("/a/~")).unwrap(), Path::new("/a/~"));
    }
}
