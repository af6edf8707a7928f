//! Who asks: a hotkey of the official wallet, or a development key.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sn1::wallet::Keypair;
use sn1::wallet::keyfile::parse_keyfile;

use super::{QueryError, notice};

/// Far above the size of any key file.
const MAX_KEYFILE_BYTES: u64 = 64 * 1024;
/// What group and others may do with a file.
const OTHERS: u32 = 0o077;

/// Where the asking key comes from. Holds no secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallerKey {
    /// `hotkeys/<hotkey>` in the folder of one wallet.
    Wallet {
        /// The folder of all wallets; `~` is the home folder.
        path: PathBuf,
        /// The wallet.
        name: String,
        /// The hotkey in it.
        hotkey: String,
    },
    /// A key of the public development phrase, such as `//Alice`.
    Development(String),
}

impl CallerKey {
    /// The key pair. Warns when others on this machine can read the file.
    pub(super) fn load(&self) -> Result<Keypair, QueryError> {
        match self {
            Self::Development(path) => Keypair::from_dev_path(path)
                .map_err(|error| QueryError::Usage(format!("--wallet.uri: {error}"))),
            Self::Wallet { path, name, hotkey } => {
                load_file(&home(path)?.join(name).join("hotkeys").join(hotkey))
            }
        }
    }
}

/// The error for a query without a key.
pub(super) fn nobody() -> QueryError {
    QueryError::Usage(
        "say who asks: --wallet.name and --wallet.hotkey, or --wallet.uri //Alice for a \
         development key"
            .to_owned(),
    )
}

fn home(path: &Path) -> Result<PathBuf, QueryError> {
    match path.strip_prefix("~") {
        Err(_) => Ok(path.to_owned()),
        Ok(below) => std::env::home_dir().map(|home| home.join(below)).ok_or_else(|| {
            QueryError::Usage("there is no home folder: name one with --wallet.path".to_owned())
        }),
    }
}

fn load_file(path: &Path) -> Result<Keypair, QueryError> {
    let shown = path.display();
    let missing = |error: std::io::Error| {
        QueryError::Missing(format!(
            "cannot read the hotkey file {shown}: {error}; choose one with --wallet.name, \
             --wallet.hotkey and --wallet.path"
        ))
    };
    let file = File::open(path).map_err(missing)?;
    let mode = file.metadata().map_err(missing)?.permissions().mode();
    if mode & OTHERS != 0 {
        notice(&format!("{shown} can be used by others on this machine: chmod 600 closes it"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_KEYFILE_BYTES).read_to_end(&mut bytes).map_err(missing)?;
    parse_keyfile(&bytes)
        .map_err(|error| QueryError::Damaged { path: path.to_owned(), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wallets() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/wallet")
    }

    fn wallet_with(file: &str) -> (tempfile::TempDir, CallerKey) {
        let folder = tempfile::tempdir().unwrap();
        let hotkeys = folder.path().join("miner/hotkeys");
        std::fs::create_dir_all(&hotkeys).unwrap();
        std::fs::copy(wallets().join(file), hotkeys.join("default")).unwrap();
        let path = folder.path().to_owned();
        let key = CallerKey::Wallet { path, name: "miner".into(), hotkey: "default".into() };
        (folder, key)
    }

    #[test]
    fn a_hotkey_is_found_where_the_official_wallet_keeps_it() {
        let (_folder, key) = wallet_with("uri");
        let alice = Keypair::from_dev_path("//Alice").unwrap().account_id();
        assert_eq!(key.load().unwrap().account_id(), alice);
        assert_eq!(CallerKey::Development("//Alice".into()).load().unwrap().account_id(), alice);
    }

    #[test]
    fn what_cannot_be_used_names_the_file_and_has_its_own_exit_code() {
        let (_folder, key) = wallet_with("encrypted");
        let error = key.load().unwrap_err();
        assert_eq!(error.exit_code(), 65);
        assert!(error.to_string().contains("miner/hotkeys/default: the key file is encrypted"));
        let CallerKey::Wallet { path, name, .. } = key else { panic!("a wallet") };
        let error = CallerKey::Wallet { path, name, hotkey: "other".into() }.load().unwrap_err();
        assert_eq!(error.exit_code(), 66);
        let error = CallerKey::Development("Alice".into()).load().unwrap_err();
        assert_eq!(error.exit_code(), 64);
    }

    #[test]
    fn a_tilde_is_the_home_folder() {
        let home_folder = std::env::home_dir().unwrap();
        assert_eq!(home(Path::new("~/x/y")).unwrap(), home_folder.join("x/y"));
        assert_eq!(home(Path::new("/a/~")).unwrap(), Path::new("/a/~"));
    }
}
