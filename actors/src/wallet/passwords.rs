//! Where the password of a key file comes from: a file, an environment variable, or the keyboard.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use sn1::wallet::password::{Password, password_variable};

use super::WalletFault;
use super::files;
use super::terminal::read_secret;

/// The least length of a new password in characters.
const MIN_CHARACTERS: usize = 8;

/// Where to look for a password first. After it come the official wallet's variable for the key
/// file, and a prompt if standard input is a terminal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PasswordSource {
    /// A file that contains only the password; a line feed at its end is ignored.
    pub file: Option<PathBuf>,
}

impl PasswordSource {
    /// The password of a key file that exists.
    ///
    /// # Errors
    /// [`WalletFault::Locked`] when there is none, [`WalletFault::Missing`] for a password file
    /// that cannot be read.
    pub fn of_existing(&self, keyfile: &Path) -> Result<Password, WalletFault> {
        match self.without_prompt(keyfile)? {
            Some(password) => Ok(password),
            None => prompt(keyfile, &format!("Password of {}", keyfile.display())),
        }
    }

    /// The password of a key file that will be made; at a prompt it is typed twice.
    ///
    /// # Errors
    /// As for an existing file, and [`WalletFault::Usage`] for a password that is too short or was
    /// typed differently the second time.
    pub fn of_new(&self, keyfile: &Path) -> Result<Password, WalletFault> {
        let password = match self.without_prompt(keyfile)? {
            Some(password) => password,
            None => {
                let first = prompt(keyfile, &format!("New password of {}", keyfile.display()))?;
                if first != prompt(keyfile, "The same again")? {
                    return Err(WalletFault::Usage("the two passwords differ".to_owned()));
                }
                first
            }
        };
        if password.n_characters() < MIN_CHARACTERS {
            return Err(WalletFault::Usage(format!(
                "a password needs at least {MIN_CHARACTERS} characters"
            )));
        }
        Ok(password)
    }

    fn without_prompt(&self, keyfile: &Path) -> Result<Option<Password>, WalletFault> {
        match &self.file {
            Some(file) => password_file(file).map(Some),
            None => from_environment(keyfile),
        }
    }
}

fn password_file(path: &Path) -> Result<Password, WalletFault> {
    let bytes = files::read(path).map_err(|error| {
        WalletFault::Missing(format!("cannot read the password file {}: {error}", path.display()))
    })?;
    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    Ok(Password::new(line.strip_suffix(b"\r").unwrap_or(line)))
}

fn variable(keyfile: &Path) -> String {
    password_variable(&keyfile.to_string_lossy())
}

fn from_environment(keyfile: &Path) -> Result<Option<Password>, WalletFault> {
    let name = variable(keyfile);
    let Ok(value) = std::env::var(&name) else { return Ok(None) };
    match Password::from_variable(&name, &value) {
        Some(password) => Ok(Some(password)),
        None => Err(WalletFault::Locked(format!(
            "the variable {name} does not contain a password in the official wallet's encoding \
             (base64)"
        ))),
    }
}

fn prompt(keyfile: &Path, text: &str) -> Result<Password, WalletFault> {
    if !std::io::stdin().is_terminal() {
        return Err(WalletFault::Locked(format!(
            "{} needs a password, and there is no terminal to ask for it: name a file with \
             --password-file, or set {}",
            keyfile.display(),
            variable(keyfile)
        )));
    }
    Ok(Password::new(read_secret(text)?.as_bytes()))
}
