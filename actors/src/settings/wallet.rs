//! Which hotkey signs.

use super::FilePath;
use super::declare::section;

/// Where the official wallet keeps wallets.
pub const WALLETS_ROOT: &str = "~/.bittensor/wallets";

section! {
    /// Which hotkey signs, and how it is opened.
    pub struct WalletSection["wallet"] {
        /// The wallet whose hotkey signs.
        name: String = "default".to_owned();
        /// The hotkey in that wallet.
        hotkey: String = "default".to_owned();
        /// The folder of all wallets.
        path: FilePath = FilePath::new(WALLETS_ROOT);
        /// A file with the password of an encrypted hotkey; without one its BT_PW_ variable, then a
        /// prompt.
        password_file: Option<FilePath> = None, also(&["password-file"]);
        /// Go on although the wallet's coldkey lies on this machine without a password.
        allow_unencrypted_coldkey: bool = false;
    }
}
