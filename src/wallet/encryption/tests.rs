use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::testing::vector_path;

fn vector(name: &str) -> Vec<u8> {
    std::fs::read(vector_path(&format!("chain/vectors/wallets/{name}"))).unwrap()
}

fn password() -> Password {
    let file: serde_json::Value = crate::testing::vector_json("chain/vectors/keys.json");
    Password::new(file["wallets"]["password"].as_str().unwrap())
}

#[test]
fn a_wrong_password_says_so() {
    let bytes = vector("old_formats/ansible");
    let sealed = Sealed::parse(&bytes).unwrap().unwrap();
    assert_eq!(sealed.encryption(), Encryption::AnsibleVault);
    assert!(sealed.open(&password()).is_ok());
    let error = sealed.open(&Password::new("correct-Horse-7-battery")).unwrap_err();
    assert_eq!(error, EncryptionError::WrongPassword(Encryption::AnsibleVault));
}

#[test]
fn a_cut_file_is_damaged_or_fails_its_seal_but_never_opens() {
    static KEY: LazyLock<nacl::Key> = LazyLock::new(|| Zeroizing::new([7; 32]));
    let bytes = nacl::seal_with(b"secret", &KEY, [1; 24]).unwrap();
    assert_eq!(nacl::Box::parse(&bytes).unwrap().open(&KEY).unwrap(), b"secret");
    for n in 0..bytes.len() {
        let opened = nacl::Box::parse(&bytes[..n]).and_then(|sealed| sealed.open(&KEY));
        assert_eq!(opened, None, "{n} bytes");
    }
    let vault = vector("old_formats/ansible");
    let keys = vault::Vault::parse(&vault).unwrap().keys(&password());
    assert!(vault::Vault::parse(&vault).unwrap().open(&keys).is_some());
    let fernet = vector("old_formats/fernet");
    for n in 0..vault.len() - 1 {
        let opened = vault::Vault::parse(&vault[..n]).and_then(|sealed| sealed.open(&keys));
        assert_eq!(opened, None, "{n} bytes");
    }
    let wrong = Zeroizing::new([0; 32]);
    for n in 0..fernet.len() {
        let opened = fernet::Token::parse(&fernet[..n]).and_then(|sealed| sealed.open(&wrong));
        assert_eq!(opened, None, "{n} bytes");
    }
}

#[test]
fn the_shortest_files_say_that_they_are_damaged() {
    let table: [(&[u8], Encryption); 4] = [
        (b"$NACL", Encryption::Nacl),
        (b"$ANSIBLE_VAULT;1.1;AES256\n6162", Encryption::AnsibleVault),
        (b"$ANSIBLE_VAULT;1.2;AES256\n", Encryption::AnsibleVault),
        (b"gAAAAA", Encryption::Fernet),
    ];
    for (bytes, encryption) in table {
        let error = Sealed::parse(bytes).unwrap().unwrap_err();
        assert_eq!(error, EncryptionError::Damaged(encryption));
    }
    assert!(Sealed::parse(b"{}").is_none() && Sealed::parse(b"").is_none());
    let longest = [Encryption::Nacl, Encryption::AnsibleVault, Encryption::Fernet];
    let longest = longest.iter().map(|form| form.start().len()).max();
    assert_eq!(longest, Some(Encryption::N_START_BYTES));
}

proptest! {
    /// Covers parsing alone: no password is stretched.
    #[test]
    fn any_bytes_after_a_known_beginning_are_taken_apart_or_refused(
        start in prop::sample::select(vec![
            &b"$NACL"[..], b"$ANSIBLE_VAULT;1.1;AES256\n", b"gAAAAA", b"",
        ]),
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "[0-9a-f\n]{0,400}".prop_map(String::into_bytes),
            "[A-Za-z0-9_=-]{0,400}".prop_map(String::into_bytes),
        ],
    ) {
        let bytes = [start, &body].concat();
        match Sealed::parse(&bytes) {
            Some(Ok(Sealed(Form::Nacl(sealed)))) => {
                prop_assert_eq!(sealed.open(&Zeroizing::new([0; 32])), None);
            }
            Some(Ok(Sealed(Form::AnsibleVault(sealed)))) => {
                prop_assert_eq!(sealed.open(&Zeroizing::new([0; 80])), None);
            }
            Some(Ok(Sealed(Form::Fernet(sealed)))) => {
                prop_assert_eq!(sealed.open(&Zeroizing::new([0; 32])), None);
            }
            Some(Err(EncryptionError::Damaged(encryption))) => {
                prop_assert_eq!(Encryption::of(&bytes), Some(encryption));
            }
            Some(Err(error)) => prop_assert!(false, "{}", error),
            None => prop_assert_eq!(Encryption::of(&bytes), None),
        }
    }

    #[test]
    fn what_was_sealed_opens_and_a_changed_byte_breaks_the_seal(
        plain in prop::collection::vec(any::<u8>(), 0..300),
        key in any::<[u8; 32]>(),
        nonce in any::<[u8; 24]>(),
        change in any::<prop::sample::Index>(),
    ) {
        let key = Zeroizing::new(key);
        let mut bytes = nacl::seal_with(&plain, &key, nonce).unwrap();
        let opened = nacl::Box::parse(&bytes).unwrap().open(&key);
        prop_assert_eq!(opened.as_ref(), Some(&plain));
        let at = 5 + change.index(bytes.len() - 5);
        bytes[at] ^= 1;
        prop_assert_eq!(nacl::Box::parse(&bytes).unwrap().open(&key), None);
    }
}
