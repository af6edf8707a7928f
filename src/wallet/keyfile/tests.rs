use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::testing::{vector_json, vector_path};

fn file(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/wallet");
    std::fs::read(format!("{folder}/{name}")).unwrap()
}

fn with(name: &str, changes: Value) -> Vec<u8> {
    let mut members: Value = serde_json::from_slice(&file(name)).unwrap();
    for (member, value) in changes.as_object().unwrap() {
        members[member] = value.clone();
    }
    serde_json::to_vec(&members).unwrap()
}

#[test]
fn files_of_the_official_wallet_give_the_address_they_state() {
    let table = [
        ("phrase", "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"),
        ("phrase-7.4.0", "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"),
        ("seed", "5DtDLm5rQHShDqojQpsvcN8tRXHVFaecfDoRet1SU6BFD9Fi"),
        ("uri", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
        ("uri-7.4.0", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
        ("path", "5FRaqNtMuzJ4yxKAz2cSiDHRhJrMbjb5fJkDWhT3N2UXstD4"),
    ];
    for (name, address) in table {
        let pair = parse_keyfile(&file(name)).unwrap();
        assert_eq!(pair.account_id().to_ss58(), address, "{name}");
        let signature = pair.sign(b"message");
        assert_eq!(pair.account_id().verify(b"message", &signature), Ok(()), "{name}");
    }
}

#[test]
fn either_secret_alone_is_enough() {
    let phrase = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV";
    let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    let exported = "0x98319d4ff8a9508c4bb0cf0b5a78d760a0b2082c02775e6e82370816fedfff48\
                    925a225d97aa00682d6a59b95b18780c10d7032336e88f3442b42361f4a66011";
    let table = [
        (with("phrase", json!({"privateKey": null})), phrase),
        (with("phrase", json!({"secretSeed": null})), phrase),
        (with("phrase", json!({"secretSeed": "0xzz"})), phrase),
        (with("uri", json!({"privateKey": exported})), alice),
    ];
    for (bytes, address) in table {
        assert_eq!(parse_keyfile(&bytes).unwrap().account_id().to_ss58(), address);
    }
}

#[test]
fn what_cannot_be_used_is_refused_in_one_sentence_without_the_secret() {
    let bob = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
    let table = [
        (file("encrypted"), "encrypted (NaCl)"),
        (b"$ANSIBLE_VAULT;1.1;AES256\n6162".to_vec(), "encrypted (Ansible Vault)"),
        (b"gAAAAABabc".to_vec(), "encrypted (Fernet)"),
        (file("ed25519"), "ed25519"),
        (file("public"), "neither privateKey nor secretSeed nor"),
        (with("uri", json!({"ss58Address": bob})), "states 5FHneW46"),
        (with("uri", json!({"ss58Address": "5Fnope"})), "no valid ss58Address"),
        (with("uri", json!({"cryptoType": 2})), "of the kind 2,"),
        (with("uri", json!({"cryptoType": "ml-dsa-65", "ss58Address": bob})), "of the kind ml-dsa-65,"),
        (with("uri", json!({"cryptoType": "ed25519", "ss58Address": bob})), "ed25519"),
        (with("uri", json!({"cryptoType": "ed25519", "ss58Address": null})), "ed25519"),
        (
            br#"{"encoded": "33a6f309", "encoding": {"type": ["scrypt"]}, "address": "5F", "meta": {}}"#
                .to_vec(),
            "export of polkadot.js",
        ),
        (with("uri", json!({"privateKey": "0x33a6f309"})), "damaged"),
        (with("uri", json!({"privateKey": 33_600_309, "secretSeed": null})), "neither privateKey"),
        (b"".to_vec(), "not a key file"),
        (b"{\"privateKey\":\"0x33a6f309".to_vec(), "not a key file"),
        (b"0x33a6f309".to_vec(), "not a key file"),
    ];
    for (bytes, part) in table {
        let error = parse_keyfile(&bytes).unwrap_err().to_string();
        assert!(error.contains(part) && error.lines().count() == 1, "{part}: {error}");
        assert!(!error.contains("33a6f309") && !error.contains("33600309"), "{error}");
    }
}

#[test]
fn debug_texts_hold_no_secret() {
    let pair = parse_keyfile(&file("phrase")).unwrap();
    let members: Members = serde_json::from_slice(&file("phrase")).unwrap();
    let shown = format!("{pair:?} {members:?}");
    assert!(shown.contains("5DfhGyQd"), "{shown}");
    assert!(!shown.contains("fac7959d") && !shown.contains("05d65584"), "{shown}");
}

fn vector(name: &str) -> Vec<u8> {
    std::fs::read(vector_path(&format!("chain/vectors/wallets/{name}"))).unwrap()
}

#[test]
fn wallets_of_the_chain_vectors_open_as_recorded() {
    let keys: Value = vector_json("chain/vectors/keys.json");
    let wallets = &keys["wallets"];
    let password = Password::new(wallets["password"].as_str().unwrap());
    let table = [
        ("vector/coldkey", "coldkey"),
        ("vector/hotkeys/default", "hotkey"),
        ("plain/coldkey", "coldkey"),
        ("plain/hotkeys/second", "plain_hotkey_second"),
        ("old_formats/ansible", "hotkey"),
        ("old_formats/fernet", "hotkey"),
        ("old_formats/no_private_key.json", "hotkey"),
    ];
    for (name, account) in table {
        let pair = open_keyfile(&vector(name), &password).unwrap();
        assert_eq!(pair.account_id().to_ss58(), wallets[account], "{name}");
    }
    for wallet in ["vector", "plain"] {
        let account = parse_public_keyfile(&vector(&format!("{wallet}/coldkeypub.txt")));
        assert_eq!(account.unwrap().to_ss58(), wallets["coldkey"]);
    }
}

#[test]
fn the_oldest_forms_are_read() {
    let phrase = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    let seed = "0x6fa2796b0071cac425d8a7851038318c2c37dcebfe4bae73197ce93e75909bd2";
    let address = "5EHgWw2Af1pnoc7f1A8bfmM97W3DAYW8xr82RfhLL9oAabAe";
    let spaced = json!({"secretPhrase": phrase, " ss58Address": address}).to_string();
    for text in [phrase, &format!("{phrase}\n"), seed, &seed[2..], &spaced] {
        let pair = parse_keyfile(text.as_bytes()).unwrap();
        assert_eq!(pair.account_id().to_ss58(), address);
    }
}

/// What bittensor-wallet 4.1.1 and bittensor 11.3.0 both read, and both sign with.
#[test]
fn every_form_that_both_official_wallets_read_is_read() {
    let phrase = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    let seed = "6fa2796b0071cac425d8a7851038318c2c37dcebfe4bae73197ce93e75909bd2";
    let address = "5EHgWw2Af1pnoc7f1A8bfmM97W3DAYW8xr82RfhLL9oAabAe";
    let bytes = hex::decode(seed).unwrap();
    let whole = json!({"secretPhrase": phrase, "secretSeed": seed, "ss58Address": address});
    let kinds = json!([
        1,
        1.0,
        "1",
        "1.0",
        " 1 ",
        "sr25519",
        "SR25519",
        null,
        true,
        -1,
        1.5,
        [1],
        "",
        "ed25519",
        "ecdsa"
    ]);
    let kinds = kinds.as_array().unwrap().iter().map(|kind| ("cryptoType", kind.clone()));
    let others = [
        ("secretSeed", json!(bytes)),
        ("secretSeed", json!("zz")),
        ("secretSeed", json!("11".repeat(32))),
        ("secretPhrase", json!(["legal"])),
        ("ss58Address", json!(null)),
        ("ss58Address", json!(5)),
        ("publicKey", json!(bytes)),
        ("publicKey", json!(5)),
        ("accountId", json!({"a": 1})),
    ];
    let changed = kinds.chain(others).map(|(member, value)| {
        let mut file = whole.clone();
        file[member] = value;
        file
    });
    let short = [
        json!({"privateKey": format!("0x{seed}"), "ss58Address": address}),
        json!({"privateKey": seed}),
        json!({"secretSeed": seed}),
        json!({"secretSeed": bytes, "ss58Address": address}),
        json!({"secretPhrase": format!("  {phrase}\n")}),
    ];
    for file in changed.chain(short) {
        let pair = parse_keyfile(file.to_string().as_bytes());
        let account = pair.as_ref().map(|pair| pair.account_id().to_ss58());
        assert_eq!(account.as_deref(), Ok(address), "{file}");
    }
    for name in ["type-float", "type-name", "type-text", "seed-list", "no-address"] {
        let pair = parse_keyfile(&file(&format!("lenient/{name}"))).unwrap();
        assert_eq!(pair.account_id().to_ss58(), address, "{name}");
    }
}

#[test]
fn public_files_must_agree_with_themselves() {
    let bob = json!({"ss58Address": "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"});
    let table = [
        (with("public", json!({"publicKey": format!("0x{}", "ab".repeat(32))})), "two accounts"),
        (with("public", json!({"accountId": "0x12"})), "two accounts"),
        (with("uri", bob), "two accounts"),
        (with("public", json!({"ss58Address": "5F"})), "no valid ss58Address"),
        (b"0x33a6f309".to_vec(), "not a key file"),
        (file("encrypted"), "not a key file"),
    ];
    for (bytes, part) in table {
        let error = parse_public_keyfile(&bytes).unwrap_err().to_string();
        assert!(error.contains(part), "{part}: {error}");
    }
    let bob = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
    assert_eq!(parse_public_keyfile(&file("public")).unwrap().to_ss58(), bob);
    let ed25519 = parse_public_keyfile(&file("ed25519")).unwrap().to_ss58();
    assert_eq!(ed25519, "5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu");
}

#[test]
fn a_file_that_opens_to_no_key_says_so() {
    let password = Password::new("correct");
    let sealed = crate::wallet::encryption::seal(b"not a key", &password, [3; 24]).unwrap();
    let error = open_keyfile(&sealed, &password).unwrap_err();
    assert!(matches!(error, KeyfileError::Format { .. }), "{error}");
    let error = open_keyfile(&sealed[..30], &password).unwrap_err();
    assert_eq!(error, KeyfileError::Sealed(EncryptionError::Damaged(Encryption::Nacl)));
}

proptest! {
    #[test]
    fn any_bytes_are_a_key_or_an_error(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "\\{(\"(ss58Address|privateKey|secretSeed|secretPhrase|cryptoType)\":(\"[0-9a-fx ]{0,70}\"|1|null),?){0,5}\\}"
                .prop_map(String::into_bytes),
        ],
    ) {
        let _ = parse_keyfile(&bytes);
        let _ = parse_public_keyfile(&bytes);
    }

    #[test]
    fn a_file_cut_or_changed_anywhere_gives_its_own_key_or_none(
        at in any::<prop::sample::Index>(),
        byte in prop::option::of(any::<u8>()),
    ) {
        let mut bytes = file("phrase");
        let at = at.index(bytes.len());
        match byte {
            Some(byte) => bytes[at] = byte,
            None => bytes.truncate(at),
        }
        if let Ok(pair) = parse_keyfile(&bytes) {
            let address = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV";
            prop_assert_eq!(pair.account_id().to_ss58(), address);
        }
    }
}
