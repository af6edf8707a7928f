//! Passwords of key files, and how the official wallet passes one in the environment.
//!
//! The variable is named after the file; its value is the password XORed with that name, in base64.
//! That hides it from a glance, but protects it from nobody.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The prefix of every such variable.
const VARIABLE_START: &str = "BT_PW_";

/// A password. `Debug` shows nothing of it; it is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    /// The password made of these bytes, unchanged.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The password in the value of the variable `name`, or `None` if the value is not base64.
    pub fn from_variable(name: &str, value: &str) -> Option<Self> {
        let hidden = Zeroizing::new(STANDARD.decode(value.trim()).ok()?);
        Some(Self::new(xor(&hidden, name.as_bytes())))
    }

    /// The value that the variable `name` must hold to pass this password.
    pub fn to_variable(&self, name: &str) -> String {
        STANDARD.encode(xor(&self.0, name.as_bytes()))
    }

    /// The number of characters, or of bytes if it is not UTF-8.
    pub fn n_characters(&self) -> usize {
        std::str::from_utf8(&self.0).map_or(self.0.len(), |text| text.chars().count())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

fn xor(bytes: &[u8], name: &[u8]) -> Vec<u8> {
    bytes.iter().zip(name.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
}

/// The variable in which the official wallet looks for the password of the key file at `path`.
pub fn password_variable(path: &str) -> String {
    format!("{VARIABLE_START}{}", path.replace(['.', '/'], "_")).to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names and values that bittensor-wallet 4.1.1 made for the password `pässword1`.
    #[test]
    fn variables_are_those_of_the_official_wallet() {
        let table = [
            (
                "/home/me/.bittensor/wallets/my-wallet/coldkey",
                "BT_PW__HOME_ME__BITTENSOR_WALLETS_MY-WALLET_COLDKEY",
                "Mpf7IyQoMDorfA==",
            ),
            (
                "~/.bittensor/wallets/w x/hotkeys/h_1",
                "BT_PW_~__BITTENSOR_WALLETS_W X_HOTKEYS_H_1",
                "Mpf7IyQoES07cw==",
            ),
            ("rel/a.b/c", "BT_PW_REL_A_B_C", "Mpf7IyQoPTcobg=="),
            ("/tmp/ünï/coldkey", "BT_PW__TMP_ÜNÏ_COLDKEY", "Mpf7IyQoMCYpYQ=="),
        ];
        let password = Password::new("pässword1");
        for (path, name, value) in table {
            assert_eq!(password_variable(path), name);
            assert_eq!(password.to_variable(name), value);
            assert_eq!(Password::from_variable(name, value).as_ref(), Some(&password));
        }
        assert_eq!(Password::from_variable("BT_PW_X", "not base64!"), None);
        assert_eq!(password.n_characters(), 9);
    }

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(format!("{:?}", Password::new("hunter2")), "Password");
    }
}
