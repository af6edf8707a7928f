//! Encrypted key files: recognises which of three forms a file has, opens each of them, and seals
//! new files in the first form.
//!
//! | form | begins with | key from password | cipher |
//! |---|---|---|---|
//! | NaCl | `$NACL` | argon2i, 512 MiB | XSalsa20-Poly1305 |
//! | Ansible Vault | `$ANSIBLE_VAULT` | PBKDF2, 10,000 rounds | AES-256-CTR, HMAC-SHA256 |
//! | Fernet | `gAAAAA` | PBKDF2, 10,000,000 rounds | AES-128-CBC, HMAC-SHA256 |
//!
//! [`Sealed::parse`] is cheap and checks the form alone; [`Sealed::open`] takes seconds on purpose.

mod fernet;
mod nacl;
mod vault;

use std::fmt;

use zeroize::Zeroizing;

use super::password::Password;

pub use nacl::seal;

/// The form of an encrypted key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// NaCl secretbox, which the official wallet writes today.
    Nacl,
    /// Ansible Vault, which the official wallet wrote before NaCl.
    AnsibleVault,
    /// Fernet, the oldest form.
    Fernet,
}

impl Encryption {
    /// The form whose prefix `bytes` has, or `None` if they are not encrypted.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        [Self::Nacl, Self::AnsibleVault, Self::Fernet]
            .into_iter()
            .find(|form| bytes.starts_with(form.start()))
    }

    /// How many leading bytes of a file [`Encryption::of`] needs.
    pub const N_START_BYTES: usize = 14;

    fn start(self) -> &'static [u8] {
        match self {
            Self::Nacl => b"$NACL",
            Self::AnsibleVault => b"$ANSIBLE_VAULT",
            Self::Fernet => b"gAAAAA",
        }
    }
}

impl fmt::Display for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nacl => "NaCl",
            Self::AnsibleVault => "Ansible Vault",
            Self::Fernet => "Fernet",
        })
    }
}

/// Why an encrypted key file could not be opened or made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncryptionError {
    /// The file does not have the form that its prefix names; usually it is truncated.
    #[error("the encrypted key file is damaged or cut off ({0})")]
    Damaged(Encryption),
    /// Authentication failed. A wrong password and a changed byte look the same.
    #[error("the password does not open the key file ({0}): it is wrong, or the file was changed")]
    WrongPassword(Encryption),
    /// The input exceeds what the cipher or the key derivation can take, which is gigabytes.
    #[error("the password or the key file is too long to be encrypted")]
    TooLong,
}

/// An encrypted key file, taken apart but not opened.
#[derive(Debug, Clone)]
pub struct Sealed(Form);

#[derive(Debug, Clone)]
enum Form {
    Nacl(nacl::Box),
    AnsibleVault(vault::Vault),
    Fernet(fernet::Token),
}

impl Sealed {
    /// Parses an encrypted file; `None` if the file is not encrypted.
    ///
    /// # Errors
    /// [`EncryptionError::Damaged`] if it does not have the form that its prefix names.
    pub fn parse(bytes: &[u8]) -> Option<Result<Self, EncryptionError>> {
        let encryption = Encryption::of(bytes)?;
        let form = match encryption {
            Encryption::Nacl => nacl::Box::parse(bytes).map(Form::Nacl),
            Encryption::AnsibleVault => vault::Vault::parse(bytes).map(Form::AnsibleVault),
            Encryption::Fernet => fernet::Token::parse(bytes).map(Form::Fernet),
        };
        Some(form.map(Self).ok_or(EncryptionError::Damaged(encryption)))
    }

    /// The form that the prefix of the file names.
    pub fn encryption(&self) -> Encryption {
        match self.0 {
            Form::Nacl(_) => Encryption::Nacl,
            Form::AnsibleVault(_) => Encryption::AnsibleVault,
            Form::Fernet(_) => Encryption::Fernet,
        }
    }

    /// Decrypts the file. Takes up to a few seconds, and 512 MiB of memory for NaCl.
    ///
    /// # Errors
    /// [`EncryptionError::WrongPassword`] or [`EncryptionError::TooLong`].
    pub fn open(&self, password: &Password) -> Result<Zeroizing<Vec<u8>>, EncryptionError> {
        let opened = match &self.0 {
            Form::Nacl(sealed) => sealed.open(&nacl::key(password)?),
            Form::AnsibleVault(sealed) => sealed.open(&sealed.keys(password)),
            Form::Fernet(sealed) => sealed.open(&fernet::key(password)),
        };
        opened.map(Zeroizing::new).ok_or(EncryptionError::WrongPassword(self.encryption()))
    }
}

#[cfg(test)]
mod tests;
