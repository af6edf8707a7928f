//! The official wallet, in the environment into which `make sdk` installs the Python SDK.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The SDK version whose wallet is used.
const SDK: &str = "10.5.0";

/// An installed bittensor-wallet.
pub(crate) struct Wallet {
    python: PathBuf,
}

impl Wallet {
    /// The installed wallet; `None`, with a message, when the test is skipped.
    pub(crate) fn find() -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let folder = std::env::var_os("SN1_SDK_10")
            .map_or_else(|| root.join(format!("third_party/sdk-{SDK}")), PathBuf::from);
        let python = folder.join("bin/python");
        if python.exists() {
            return Some(Self { python });
        }
        println!("skipped: bittensor {SDK} is not installed (make sdk)");
        None
    }

    /// Opens a key file: its `address`, and whether it `signs`.
    pub(crate) fn open(&self, file: &Path, password: &str) -> Value {
        self.ask(&["open", file.to_str().unwrap(), password])
    }

    /// Makes a wallet with encrypted files: the addresses `coldkey` and `hotkey`, and the
    /// environment variable of the hotkey's password, as `variable` and `value`.
    pub(crate) fn make(&self, wallets: &Path, name: &str, password: &str) -> Value {
        self.ask(&["make", wallets.to_str().unwrap(), name, password])
    }

    fn ask(&self, arguments: &[&str]) -> Value {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let output = Command::new(&self.python)
            .arg(root.join("tests/wallet/official.py"))
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        serde_json::from_str(text.lines().last().unwrap()).unwrap()
    }
}
