//! The key that asks: a hotkey of the official wallet, or a development key.

use sn1::wallet::Keypair;

use super::QueryError;
use crate::output::note;
use crate::wallet::NodeWallet;

/// Where that key comes from. Holds no secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallerKey {
    /// A hotkey of a wallet on this machine.
    Wallet(NodeWallet),
    /// A path from the public development phrase, such as `//Alice`.
    Development(String),
}

impl CallerKey {
    /// Loads the key pair. Reports what is unsafe about the wallet's files.
    pub(super) fn load(&self) -> Result<Keypair, QueryError> {
        match self {
            Self::Development(path) => Keypair::from_dev_path(path)
                .map_err(|error| QueryError::Usage(format!("--wallet.uri: {error}"))),
            Self::Wallet(wallet) => {
                let wallet = wallet.open()?;
                wallet.notices.iter().for_each(note);
                Ok(wallet.hotkey)
            }
        }
    }
}

/// The error for a query without a key.
pub(super) fn nobody() -> QueryError {
    QueryError::Usage(
        "no key to ask with: give --wallet.name and --wallet.hotkey, or --wallet.uri //Alice \
         for a development key"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::exit::{Exit, Exits};
    use crate::wallet::PasswordSource;

    fn wallet_with(file: &str) -> (tempfile::TempDir, NodeWallet) {
        let folder = tempfile::tempdir().unwrap();
        let hotkeys = folder.path().join("miner/hotkeys");
        std::fs::create_dir_all(&hotkeys).unwrap();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/wallet").join(file);
        std::fs::copy(from, hotkeys.join("default")).unwrap();
        let wallet = NodeWallet {
            path: folder.path().to_owned(),
            name: "miner".into(),
            hotkey: "default".into(),
            password: PasswordSource { file: Some(folder.path().join("password")) },
            allow_unencrypted_coldkey: false,
        };
        (folder, wallet)
    }

    #[test]
    fn a_hotkey_is_found_where_the_official_wallet_keeps_it() {
        let (_folder, wallet) = wallet_with("uri");
        let alice = Keypair::from_dev_path("//Alice").unwrap().account_id();
        assert_eq!(CallerKey::Wallet(wallet).load().unwrap().account_id(), alice);
        assert_eq!(CallerKey::Development("//Alice".into()).load().unwrap().account_id(), alice);
    }

    #[test]
    fn what_cannot_be_used_names_the_file_and_has_its_own_exit_code() {
        let (_folder, wallet) = wallet_with("ed25519");
        let error = CallerKey::Wallet(wallet.clone()).load().unwrap_err();
        assert_eq!(error.exit(), Exit::Damaged);
        assert!(error.to_string().contains("miner/hotkeys/default: the key file holds an ed25519"));
        let other = NodeWallet { hotkey: "other".into(), ..wallet };
        assert_eq!(CallerKey::Wallet(other).load().unwrap_err().exit(), Exit::Missing);
        let error = CallerKey::Development("Alice".into()).load().unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        let (_folder, wallet) = wallet_with("encrypted");
        let error = CallerKey::Wallet(wallet).load().unwrap_err();
        assert_eq!(error.exit(), Exit::Missing, "no password file: {error}");
    }
}
