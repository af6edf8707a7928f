//! Key files: unencrypted ones of every age, public ones, and the three forms under a password.
//!
//! Input: a file. A vault is opened, with the password of the recorded wallets. The other two
//! forms are only taken apart: what their passwords cost is fixed, 512 MiB or ten million rounds.

use serde_json::Value;
use sn1::wallet::encryption::{Encryption, EncryptionError, Sealed};
use sn1::wallet::keyfile::{KeyfileError, open_keyfile, parse_keyfile, parse_public_keyfile};
use sn1::wallet::new_key::public_keyfile;
use sn1::wallet::password::Password;
use sn1::wallet::{AccountId, Keypair};

/// Of the wallets among the vectors.
const PASSWORD: &str = "Correct-Horse-7-battery";

/// Panics when a file gives another key than it states, or an error that tells a secret.
pub fn check(file: &[u8]) {
    check_public(file);
    let password = Password::new(PASSWORD);
    let Some(form) = Encryption::of(file) else {
        assert!(Sealed::parse(file).is_none());
        assert_eq!(account(open_keyfile(file, &password)), account(parse_keyfile(file)));
        return check_plain(file);
    };
    assert_eq!(account(parse_keyfile(file)), Err(KeyfileError::Encrypted(form)));
    match Sealed::parse(file).expect("it begins as a sealed one") {
        Err(error) => assert_eq!(error, EncryptionError::Damaged(form)),
        Ok(sealed) => check_sealed(&sealed, form, &password),
    }
}

fn account(read: Result<Keypair, KeyfileError>) -> Result<AccountId, KeyfileError> {
    read.map(|pair| pair.account_id())
}

fn check_sealed(sealed: &Sealed, form: Encryption, password: &Password) {
    assert_eq!(sealed.encryption(), form);
    if form != Encryption::AnsibleVault {
        return;
    }
    match sealed.open(password) {
        Err(error) => assert_eq!(error, EncryptionError::WrongPassword(form)),
        Ok(plain) => check_plain(&plain),
    }
}

/// A key that is given signs for the address that the file states, where it states one.
fn check_plain(file: &[u8]) {
    let members: Option<Value> = serde_json::from_slice(file).ok();
    match parse_keyfile(file) {
        Ok(pair) => {
            let account = pair.account_id();
            assert_eq!(account.verify(b"any message", &pair.sign(b"any message")), Ok(()));
            // A file may state no address; members of another type count as absent.
            let stated = members.as_ref().and_then(stated);
            assert!(stated.is_none_or(|stated| stated == account));
        }
        Err(error) => {
            let text = error.to_string();
            assert_eq!(text.lines().count(), 1, "{text:?}");
            let secrets = members.iter().flat_map(secrets);
            secrets.for_each(|secret| assert!(!text.contains(&secret), "{text}"));
        }
    }
}

fn stated(members: &Value) -> Option<AccountId> {
    let text = members.get("ss58Address").or_else(|| members.get(" ss58Address"))?;
    text.as_str()?.parse().ok()
}

/// The secrets that are long enough not to be in a sentence by chance.
fn secrets(members: &Value) -> Vec<String> {
    let of = |name: &str| members.get(name)?.as_str().map(str::to_owned);
    let all = ["privateKey", "secretSeed", "secretPhrase"].into_iter().filter_map(of);
    // An address is told, and may have been written in a secret's place.
    all.filter(|secret| secret.len() >= 60).collect()
}

/// A public file has one account, whatever the case of its digits, and no secret is needed for it.
fn check_public(file: &[u8]) {
    match parse_public_keyfile(file) {
        Ok(account) => {
            // What is in members that nobody asks for may be no text.
            let members: Option<Value> = serde_json::from_slice(file).ok();
            let members = members.filter(Value::is_object);
            assert!(members.is_none_or(|members| stated(&members) == Some(account)));
            let written = public_keyfile(&account).expect("it can be written");
            assert_eq!(parse_public_keyfile(&written), Ok(account));
        }
        Err(error) => assert_eq!(error.to_string().lines().count(), 1),
    }
}
