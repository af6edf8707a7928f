//! Signed transactions: accepted, and refused for each reason with a node's message.

use super::support::*;
use crate::devchain::node::{DevNode, Generation, NodeError};

fn remark(node: &DevNode) -> Vec<u8> {
    call(node, "System", "remark", &[&[4, 9]])
}

fn refusal(node: &mut DevNode, bytes: &[u8]) -> (i64, String) {
    let NodeError { code, data, .. } = node.submit(bytes).unwrap_err();
    (code, data.unwrap_or_default())
}

#[test]
fn signed_transactions_are_taken_and_counted() {
    for generation in GENERATIONS {
        let mut node = node(generation);
        let signer = keypair(3);
        let draft = Draft::new(&node, &signer.account_id(), remark(&node));
        let bytes = draft.sign(&node, &signer);
        let hash = node.submit(&bytes).unwrap();
        assert_eq!(hash.0, crate::wallet::blake2b_256(&bytes));
        assert_eq!(node.pending(), std::slice::from_ref(&bytes));
        assert_eq!(node.next_nonce(&signer.account_id()), 1);
        assert_eq!(advance(&mut node).included, [hash]);
        assert!(node.pending().is_empty());
        let block = node.block(None).unwrap();
        let extrinsics = block["block"]["extrinsics"].as_array().unwrap();
        assert_eq!(extrinsics.len(), 2);
        assert_eq!(extrinsics[1], format!("0x{}", hex::encode(&bytes)));
    }
}

#[test]
fn long_and_immortal_ones_are_taken_too() {
    let mut node = node(Generation::Modular);
    let signer = keypair(3);
    let long = [vec![0x91, 0x07], vec![9; 484]].concat();
    let long = call(&node, "System", "remark", &[&long]);
    let mut draft = Draft::new(&node, &signer.account_id(), long);
    node.submit(&draft.sign(&node, &signer)).unwrap();
    draft = Draft { era: None, nonce: 1, call: remark(&node), ..draft };
    node.submit(&draft.sign(&node, &signer)).unwrap();
    assert_eq!(advance(&mut node).included.len(), 2);
}

#[test]
fn what_was_altered_has_a_bad_signature() {
    let mut node = node(Generation::Modular);
    advance(&mut node);
    let signer = keypair(3);
    let draft = Draft::new(&node, &signer.account_id(), remark(&node));
    let good = draft.sign(&node, &signer);
    let foreign =
        [Draft { spec_version: 342, ..draft.clone() }, Draft { genesis: [7; 32], ..draft.clone() }];
    let mut altered: Vec<_> = foreign.iter().map(|draft| draft.sign(&node, &signer)).collect();
    let place_of = |part: &[u8]| good.windows(part.len()).position(|found| found == part).unwrap();
    let signer_at = place_of(&signer.account_id().0);
    for place in [signer_at, signer_at + 40, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[place] ^= 1;
        altered.push(bytes);
    }
    for bytes in altered {
        let bad = (1010, "Transaction has a bad signature".to_owned());
        assert_eq!(refusal(&mut node, &bytes), bad);
    }
    node.submit(&good).unwrap();
}

#[test]
fn nonces_and_copies_are_told_apart() {
    let mut node = node(Generation::Modular);
    let signer = keypair(3);
    let draft = Draft::new(&node, &signer.account_id(), remark(&node));
    let first = draft.sign(&node, &signer);
    node.submit(&first).unwrap();
    assert_eq!(refusal(&mut node, &first).0, 1013);
    let twin = Draft { era: None, ..draft.clone() }.sign(&node, &signer);
    assert_eq!(refusal(&mut node, &twin).0, 1014);
    advance(&mut node);
    let outdated = (1010, "Transaction is outdated".to_owned());
    assert_eq!(refusal(&mut node, &first), outdated);
    assert_eq!(refusal(&mut node, &twin), outdated);
}

#[test]
fn an_era_must_begin_at_a_known_block_and_ends() {
    let mut node = node(Generation::Modular);
    let signer = keypair(3);
    let draft = Draft::new(&node, &signer.account_id(), remark(&node));
    let ahead = Draft { era: Some((64, 1)), ..draft.clone() }.sign(&node, &signer);
    let ancient = "Transaction has an ancient birth block".to_owned();
    assert_eq!(refusal(&mut node, &ahead), (1010, ancient));
    // Four blocks from genesis: in block 5 the era starts at another block.
    let short = Draft { era: Some((4, 0)), ..draft }.sign(&node, &signer);
    (0..4).for_each(|_| drop(advance(&mut node)));
    assert_eq!(refusal(&mut node, &short).1, "Transaction has a bad signature");
}

#[test]
fn the_runtimes_own_checks_have_numbers() {
    let mut node = node(Generation::Stateful);
    populate(&mut node, 1);
    let hotkey = keypair(11);
    let weights = |netuid: u16| -> Vec<u8> {
        [&netuid.to_le_bytes()[..], &[0, 4, 0, 0, 4, 255, 255], &7_u64.to_le_bytes()].concat()
    };
    let mut custom = |signer: u8, pallet: &str, name: &str, fields: &[u8]| {
        let signer = keypair(signer);
        let call = call(&node, pallet, name, &[fields]);
        let draft = Draft::new(&node, &signer.account_id(), call);
        let bytes = draft.sign(&node, &signer);
        refusal(&mut node, &bytes)
    };
    let axon_of = |ip: u128, port: u16, ip_type: u8| {
        [
            &1_u16.to_le_bytes()[..],
            &1_u32.to_le_bytes(),
            &ip.to_le_bytes(),
            &port.to_le_bytes(),
            &[ip_type, 4, 0, 0],
        ]
        .concat()
    };
    let axon = |ip, port| axon_of(ip, port, 4);
    let number = |n: u8| (1010, format!("Custom error: {n}"));
    let set = "set_mechanism_weights";
    assert_eq!(custom(11, "SubtensorModule", set, &weights(1)), number(6));
    assert_eq!(custom(5, "SubtensorModule", set, &weights(1)), number(1));
    assert_eq!(custom(11, "SubtensorModule", "serve_axon", &axon(0xffff_ffff, 1)), number(11));
    assert_eq!(custom(11, "SubtensorModule", "serve_axon", &axon_of(9, 1, 5)), number(255));
    assert_eq!(custom(11, "SubtensorModule", "serve_axon", &axon(0x0102_0304, 0)), number(13));
    assert_eq!(custom(5, "SubtensorModule", "serve_axon", &axon(0x0102_0304, 1)), number(10));
    let poor = custom(77, "System", "remark", &[0]);
    assert_eq!(poor.0, 1010);
    assert!(poor.1.starts_with("Inability to pay some fees"), "{poor:?}");
    assert_eq!(node.next_nonce(&hotkey.account_id()), 0);
}

#[test]
fn bytes_that_are_none_are_refused_before_anything_else() {
    let mut node = node(Generation::Modular);
    let signer = keypair(3);
    let good = Draft::new(&node, &signer.account_id(), remark(&node)).sign(&node, &signer);
    let unsigned = crate::devchain::node::extrinsic::set_time(&node.history.newest().runtime, 5);
    let cut = &good[..good.len() - 1];
    for bytes in [&[][..], &[0], cut, &unsigned.unwrap(), &[good.as_slice(), &[0]].concat()] {
        assert_eq!(refusal(&mut node, bytes).0, 1002, "{}", hex::encode(bytes));
    }
    let no_call = Draft::new(&node, &signer.account_id(), vec![250, 0]).sign(&node, &signer);
    assert_eq!(refusal(&mut node, &no_call).0, 1002);
    assert!(node.pending().is_empty());
}

#[test]
fn calls_in_calls_are_taken_but_not_without_end() {
    let to_somebody = [&[0][..], &[7; 32], &[0]].concat();
    // The bytes between a call's index and the inner call: the length of a list, or other fields.
    let wrappers: [(&str, &str, &[u8]); 5] = [
        ("Utility", "batch", &[4]),
        ("Utility", "batch_all", &[4]),
        ("Utility", "force_batch", &[4]),
        ("Sudo", "sudo", &[]),
        ("Proxy", "proxy", &to_somebody),
    ];
    for generation in GENERATIONS {
        let mut node = node(generation);
        let signer = keypair(3);
        for (pallet, name, fields) in wrappers {
            let wrapper = call(&node, pallet, name, &[fields]);
            let nested = |node: &DevNode, depth: usize, innermost: &[u8]| {
                let call = [wrapper.repeat(depth), innermost.to_vec()].concat();
                Draft::new(node, &signer.account_id(), call).sign(node, &signer)
            };
            let twice = nested(&node, 2, &remark(&node));
            let hash = node.submit(&twice).unwrap();
            assert_eq!(advance(&mut node).included, [hash], "{pallet}.{name}");
            for (depth, innermost) in
                [(100, remark(&node)), (30_000, remark(&node)), (30_000, vec![])]
            {
                let endless = nested(&node, depth, &innermost);
                let (code, data) = refusal(&mut node, &endless);
                let is_told = data.contains("nested too deeply");
                assert!(code == 1002 && is_told, "{depth} times {pallet}.{name}: {code} {data}");
            }
        }
        assert!(node.pending().is_empty());
    }
}
