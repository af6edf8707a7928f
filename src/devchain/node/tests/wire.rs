//! Metadata, keys and values: our bytes compared with recorded ones.

use super::support::*;
use crate::chain::decode::{Runtime, Value};
use crate::devchain::node::block::{Header, slot_log};
use crate::devchain::node::tree::Tree;
use crate::devchain::node::{Generation, keys, metadata_without_docs};
use crate::testing::vector_path;

/// The logs of the recorded header: slot, Ethereum block, seal.
const RECORDED_LOGS: [&str; 3] = [
    "06617572612007eebc0800000000",
    "0466726f6e8801e4783b7f433d5462d1b84cfc851cbcf2fe886103b02fab1cce30f82cdaf0d37000",
    "056175726101015e77e14c4e02e720bbd213a708dac67de5ea3494b41b6a87f03eee2d2d71557f2c960bd462e144\
     33e758c6fe2584abec9b22b0d550bd25c76f836b413c526b8d",
];

fn recorded() -> Vec<u8> {
    std::fs::read(vector_path("chain/recorded/metadata/finney_343_v15.scale")).unwrap()
}

#[test]
fn the_metadata_is_the_recorded_one_without_its_documentation() {
    let kept = include_bytes!("../metadata/spec_343_v15.scale");
    assert!(metadata_without_docs(&recorded()).unwrap() == kept, "make it again: see examples/");
    assert!(kept.len() * 10 < recorded().len() * 7, "{} bytes", kept.len());
}

#[test]
fn every_generation_is_read_in_both_versions() {
    for generation in GENERATIONS {
        let face = face(generation);
        for version in [14, 15] {
            let read = Runtime::new(face.spec_version(), face.metadata(version).unwrap()).unwrap();
            let is_stateful = generation != Generation::Modular;
            assert_eq!(read.has_storage("SubtensorModule", "SubnetEpochIndex"), is_stateful);
            assert_eq!(read.has_api("SubnetInfoRuntimeApi", "get_metagraph"), version == 15);
            let is_newest = generation == Generation::Collateral;
            assert_eq!(read.has_storage("SubtensorModule", "CollateralLockShare"), is_newest);
            assert!(read.has_storage("SubtensorModule", "HotkeyLock"));
        }
        assert!(face.metadata(16).is_none());
        let version = face.version_json().unwrap();
        assert_eq!(version["specVersion"], generation.spec_version());
        assert_eq!(version["specName"], "node-subtensor");
        assert_eq!(version["transactionVersion"], 1);
        assert_eq!(face.constant("Aura", "SlotDuration"), Some(Value::Uint(BLOCK_MS.into())));
    }
}

#[test]
fn the_newer_generation_has_moved_everything_of_the_subnet_pallet() {
    let (old, new) = (face(Generation::Modular), face(Generation::Stateful));
    assert_eq!(old.call_index("SubtensorModule", "set_weights"), Some((7, 0)));
    assert_ne!(new.call_index("SubtensorModule", "set_weights"), Some((7, 0)));
    assert_eq!(old.error_index("SubtensorModule", "SettingWeightsTooFast"), Some((7, 28)));
    let moved = new.error_index("SubtensorModule", "SettingWeightsTooFast").unwrap();
    assert!(moved.0 != 7 && moved.1 != 28, "{moved:?}");
    assert_eq!(
        old.call_index("Balances", "transfer_all"),
        new.call_index("Balances", "transfer_all")
    );
}

/// Turns a decoded answer back into a tree; leaks the metadata's names, which must be static.
fn tree_of(value: &Value<'_>) -> Tree {
    let leak = |name: &str| -> &'static str { Box::leak(name.to_owned().into_boxed_str()) };
    match value {
        Value::Bool(value) => (*value).into(),
        Value::Uint(number) => (*number).into(),
        Value::Int(number) => Tree::Int(*number),
        Value::Bytes(bytes) => bytes.as_slice().into(),
        Value::Text(text) => text.as_str().into(),
        Value::List(list) => Tree::List(list.iter().map(tree_of).collect()),
        Value::Record(fields) => {
            Tree::Record(fields.iter().map(|(name, value)| (leak(name), tree_of(value))).collect())
        }
        Value::Case(name, inner) => Tree::Case(leak(name), Box::new(tree_of(inner))),
    }
}

#[test]
fn recorded_answers_are_written_to_the_byte() {
    let face = face(Generation::Modular);
    let reader = Runtime::new(343, &recorded()).unwrap();
    let answers = [
        ("NeuronInfoRuntimeApi", "get_neurons_lite"),
        ("SubnetInfoRuntimeApi", "get_selective_mechagraph"),
        ("SubnetInfoRuntimeApi", "get_subnet_state"),
    ];
    for (api, method) in answers {
        let path = format!("chain/recorded/metagraph_sn1_block_6852690/{method}.scale");
        let bytes = std::fs::read(vector_path(&path)).unwrap();
        let read = reader.decode_call(api, method, &bytes, None).unwrap();
        assert!(encoded(&face, api, method, &tree_of(&read)) == bytes, "{method}");
    }
}

#[test]
fn what_a_tree_lacks_is_the_default_and_what_the_type_lacks_is_left_out() {
    let face = face(Generation::Modular);
    let reader = Runtime::new(343, &recorded()).unwrap();
    let (api, method) = ("NeuronInfoRuntimeApi", "get_neuron_lite");
    let tree = Tree::some(Tree::Record(vec![("uid", 300_u16.into()), ("unheard_of", true.into())]));
    let bytes = encoded(&face, api, method, &tree);
    let read = reader.decode_call(api, method, &bytes, None).unwrap();
    let neuron = read.some().unwrap();
    assert_eq!(neuron.field("uid"), Some(&Value::Uint(300)));
    assert_eq!(neuron.field("hotkey"), Some(&Value::Bytes(vec![0; 32])));
    assert_eq!(neuron.field("unheard_of"), None);
    assert_eq!(encoded(&face, api, method, &Tree::Default), [0]);
}

#[test]
fn misfits_are_told() {
    let face = face(Generation::Modular);
    let output = face.function("AccountNonceApi_account_nonce").unwrap().1.output.id;
    for tree in [Tree::Uint(1 << 32), Tree::Bool(true), Tree::Bytes(vec![1])] {
        assert!(face.encode(&tree, output).is_err(), "{tree:?}");
    }
    assert_eq!(face.encode(&Tree::Uint(7), output), Ok(vec![7, 0, 0, 0]));
}

/// Keys and values as the main network answered them (spec 208 to 320; `rpc_pairs.json` of the
/// recorded data), for netuids, hotkeys and hashers, which runtimes do not change.
#[test]
fn recorded_storage_keys_are_found_again() {
    let face = face(Generation::Modular);
    let pallet = "658faa385070e074c85bf6b568cf0555";
    let hotkey = "1a33474e4a857009da52aaa4080f176465f99c09763e03b9cd5ee038cec4093e";
    let cases = [
        ("0e30450fc4d507a846032a7fa65d9a43", "NetworksAdded", "0100".to_owned(), vec!["0100"]),
        (
            "aab1b4e78e1ea8305462ee53b3686dc8",
            "Uids",
            format!("0e005d3e588dc49748e3395ac2bc5a234374{hotkey}"),
            vec!["0e00", hotkey],
        ),
        (
            "ea6aa4e81a33d2c120ef55203e0eb560",
            "IsNetworkMember",
            format!("5d3e588dc49748e3395ac2bc5a234374{hotkey}6300"),
            vec![hotkey, "6300"],
        ),
        (
            "a1e7036061f484bc3048a64b64e35ec4",
            "Weights",
            "17000a00".to_owned(),
            vec!["1700", "0a00"],
        ),
        ("7641384bb339f3758acddfd7053d3317", "Tempo", "1700".to_owned(), vec!["1700"]),
        ("5f3bb7bcd0a076a48abf8c256d221721", "TotalNetworks", String::new(), vec![]),
    ];
    for (entry, name, rest, wanted) in cases {
        let key = hex::decode(format!("{pallet}{entry}{rest}")).unwrap();
        let found = face.entry_of_key(&key).unwrap();
        assert_eq!((found.pallet, found.meta.name.as_str()), ("SubtensorModule", name));
        let keys = keys::keys_of(found, &face, &key[32..]).unwrap();
        let keys: Vec<String> = keys.iter().map(|key| hex::encode(&key.0)).collect();
        assert_eq!(keys, wanted, "{name}");
        let mut longer = key;
        longer.push(0);
        assert!(keys::keys_of(found, &face, &longer[32..]).is_none(), "{name}");
    }
}

#[test]
fn recorded_values_are_written_to_the_byte() {
    let face = face(Generation::Modular);
    let value = |pallet: &str, entry: &str, tree: Tree| {
        let key = crate::devchain::node::hashing::entry_prefix(pallet, entry);
        hex::encode(face.encode(&tree, face.entry_of_key(&key).unwrap().value_type()).unwrap())
    };
    let account = Tree::Record(vec![
        ("nonce", 0x8d_u32.into()),
        ("consumers", 1_u32.into()),
        ("providers", 1_u32.into()),
        ("sufficients", 0_u32.into()),
        (
            "data",
            Tree::Record(vec![
                ("free", 7_450_117_072_u64.into()),
                ("reserved", 100_000_000_u64.into()),
                ("flags", (1_u128 << 127).into()),
            ]),
        ),
    ]);
    let recorded = "8d000000010000000100000000000000d0c30fbc0100000000e1f505000000000000000000\
                    00000000000000000000000000000000000080";
    assert_eq!(value("System", "Account", account), recorded);
    let row = Tree::list([(10_u16, 65_535_u16)]);
    assert_eq!(value("SubtensorModule", "Weights", row), "040a00ffff");
    assert_eq!(value("SubtensorModule", "Tempo", 1_000_u16.into()), "e803");
    assert_eq!(value("SubtensorModule", "Difficulty", 10_000_000_u64.into()), "8096980000000000");
}

#[test]
fn a_recorded_header_has_its_recorded_hash() {
    let hash = |text: &str| serde_json::from_value(serde_json::Value::from(text)).unwrap();
    let logs = RECORDED_LOGS.map(|log| hex::decode(log).unwrap());
    let header = Header {
        parent: hash("0xb5a3b72cc914b520a12e45e9f73fc3076b86fbae1be20b191fb7da4967c6ac47"),
        number: 0x63_fe87,
        state_root: hash("0x800d3090504b36e496fc579edf9db972a9cbc7522d52d96d4804e3396b21be7d"),
        extrinsics_root: hash("0xe3ccef094f2e6176bc4a2d2f42a2d0b0c5f815c8506cf4299c8390c0eac62d39"),
        logs: logs.to_vec(),
    };
    let recorded = "0x2830271e820b419253b79cbafea83f726354bbef26eb318835ffa774288de9ff";
    assert_eq!(header.hash().to_string(), recorded);
    assert_eq!(header.to_json()["number"], "0x63fe87");
    assert_eq!(slot_log(0x08bc_ee07), logs[0]);
}
