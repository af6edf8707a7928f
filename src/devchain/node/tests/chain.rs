//! A node over several blocks: reads, upgrades and restarts.

use super::support::*;
use crate::chain::decode::{Read, Runtime, SnapshotPlan, Value};
use crate::chain::{Collateral, Hash, Head};
use crate::devchain::node::history::KEPT_STATES;
use crate::devchain::node::{DevNode, Generation};

/// What a client reads: every query of the plan, answered at one block.
fn snapshot(node: &DevNode, at: Hash) -> crate::chain::Metagraph {
    let runtime = decoder(node);
    let plan = SnapshotPlan::choose(&runtime).unwrap();
    let reads = plan.reads(&runtime, NETUID).unwrap();
    let answers: Vec<_> = reads.iter().map(|read| answer(node, read, at)).collect();
    let number = node.header(Some(at)).unwrap()["number"].as_str().unwrap().to_owned();
    let number = u64::from_str_radix(number.trim_start_matches("0x"), 16).unwrap();
    let head = Head { number, hash: at };
    plan.decode(&runtime, NETUID, head, &answers).unwrap().metagraph
}

fn answer(node: &DevNode, read: &Read, at: Hash) -> Option<Vec<u8>> {
    match read {
        Read::Call { function, arguments } => {
            Some(node.call(function, arguments, Some(at)).unwrap())
        }
        Read::Storage { key } => node.storage(key, Some(at)).unwrap(),
    }
}

#[test]
fn our_own_client_reads_the_metagraph_that_the_chain_has() {
    for generation in GENERATIONS {
        let mut node = node(generation);
        populate(&mut node, 5);
        (0..12).for_each(|_| drop(advance(&mut node)));
        let at = node.best();
        let mut truth = node.chain().metagraph(NETUID).unwrap();
        truth.head = at;
        if generation == Generation::Collateral {
            // Its columns are told, and no registration locks any.
            truth.collateral = vec![Collateral::default(); 5];
        }
        assert_eq!(truth.neurons.len(), 5);
        assert_eq!(snapshot(&node, at.hash), truth, "{generation:?}");
    }
}

#[test]
fn generation_names_are_those_of_settings() {
    assert_eq!(serde_json::to_string(&Generation::Stateful).unwrap(), "\"stateful\"");
}

fn events(node: &DevNode, runtime: &Runtime, at: Hash) -> Vec<String> {
    let Read::Storage { key } = runtime.storage("System", "Events", ()).unwrap() else { panic!() };
    let bytes = node.storage(&key, Some(at)).unwrap();
    let events = runtime.decode_storage("System", "Events", bytes.as_deref()).unwrap().unwrap();
    let name = |event: &Value<'_>| match event.field("event").unwrap() {
        Value::Case(pallet, event) => match event.as_ref() {
            Value::Case(name, inner) => format!("{pallet}.{name} {inner:?}"),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    events.list("events").unwrap().iter().map(name).collect()
}

#[test]
fn events_tell_success_failure_fee_and_the_modules_error() {
    for generation in GENERATIONS {
        let mut node = node(generation);
        populate(&mut node, 1);
        let happened = events(&node, &decoder(&node), node.best().hash);
        let names: Vec<_> = happened.iter().map(|event| event.split(' ').next().unwrap()).collect();
        let wanted = [
            "System.ExtrinsicSuccess",
            "Balances.Withdraw",
            "Balances.Withdraw",
            "SubtensorModule.StakeAdded",
            "TransactionPayment.TransactionFeePaid",
            "System.ExtrinsicSuccess",
        ];
        assert_eq!(names, wanted, "{generation:?}");
        let again = call(
            &node,
            "SubtensorModule",
            "burned_register",
            &[&1_u16.to_le_bytes(), &keypair(11).account_id().0],
        );
        carry_out(&mut node, &keypair(1), again);
        let runtime = &node.history.newest().runtime;
        let (pallet, error) =
            runtime.error_index("SubtensorModule", "HotKeyAlreadyRegisteredInSubNet").unwrap();
        let failed = events(&node, &decoder(&node), node.best().hash).pop().unwrap();
        assert!(failed.starts_with("System.ExtrinsicFailed"), "{failed}");
        assert!(failed.contains(&format!("Uint({pallet})")), "{failed}");
        assert!(failed.contains(&format!("Bytes([{error}, 0, 0, 0])")), "{failed}");
    }
}

#[test]
fn the_sudo_account_changes_settings_and_nobody_else() {
    let mut node = node(Generation::Modular);
    let tempo =
        call(&node, "AdminUtils", "sudo_set_tempo", &[&1_u16.to_le_bytes(), &99_u16.to_le_bytes()]);
    let wrapped = call(&node, "Sudo", "sudo", &[&tempo]);
    carry_out(&mut node, &keypair(2), wrapped.clone());
    assert_eq!(node.chain().metagraph(NETUID).unwrap().hyperparameters.tempo, 10);
    carry_out(&mut node, &keypair(1), wrapped);
    assert_eq!(node.chain().metagraph(NETUID).unwrap().hyperparameters.tempo, 99);
    let happened = events(&node, &decoder(&node), node.best().hash);
    assert!(happened.iter().any(|event| event.starts_with("Sudo.Sudid")), "{happened:?}");
}

#[test]
fn blocks_are_chained_and_finality_follows() {
    let mut node = node(Generation::Modular);
    let genesis = node.genesis_hash();
    assert_eq!(node.finalized(), node.best());
    let first = advance(&mut node);
    assert_eq!(node.header(None).unwrap()["parentHash"], genesis.to_string());
    assert_eq!(first.finalized.number, 0);
    (0..4).for_each(|_| drop(advance(&mut node)));
    assert_eq!((node.best().number, node.finalized().number), (5, 3));
    assert_eq!(node.block_hash(3), Some(node.finalized().hash));
    assert_eq!(node.block_hash(6), None);
    let runtime = decoder(&node);
    let stored = |entry: (&str, &str), at| {
        let Read::Storage { key } = runtime.storage(entry.0, entry.1, ()).unwrap() else {
            panic!()
        };
        let bytes = node.storage(&key, Some(at)).unwrap();
        runtime.decode_storage(entry.0, entry.1, bytes.as_deref()).unwrap()
    };
    let third = node.block_hash(3).unwrap();
    assert_eq!(stored(("System", "Number"), third), Some(Value::Uint(3)));
    let time = u128::from(STARTED_MS + 3 * BLOCK_MS);
    assert_eq!(stored(("Timestamp", "Now"), third), Some(Value::Uint(time)));
}

#[test]
fn old_states_are_gone_and_unknown_blocks_unknown() {
    let mut node = node(Generation::Modular);
    (0..KEPT_STATES + 5).for_each(|_| drop(advance(&mut node)));
    let old = node.block_hash(2).unwrap();
    let discarded = node.storage(&[0; 32], Some(old)).unwrap_err();
    assert_eq!(discarded.code, 4003);
    assert!(discarded.message.contains("State already discarded for 0x"), "{discarded}");
    assert!(node.runtime_version(Some(old)).is_ok());
    assert!(node.call("Metadata_metadata_versions", &[], Some(old)).is_ok());
    assert_eq!(node.call("AuraApi_slot_duration", &[], Some(old)), Err(discarded));
    let unknown = node.call("Core_version", &[], Some(Hash([9; 32]))).unwrap_err();
    assert!(unknown.message.contains("UnknownBlock"), "{unknown}");
    let recent = node.best().number - 300;
    assert!(node.storage(&[0; 32], node.block_hash(recent)).is_ok());
    assert!(node.call("Nothing_at_all", &[], None).unwrap_err().message.contains("not found"));
}

#[test]
fn an_upgrade_holds_from_its_block_on_and_old_blocks_keep_theirs() {
    let mut node = node(Generation::Modular);
    populate(&mut node, 2);
    let before = node.best();
    let old = decoder(&node);
    node.schedule_upgrade(Generation::Stateful);
    let upgraded = advance(&mut node);
    assert!(upgraded.upgraded);
    let version =
        |at: Hash| node.runtime_version(Some(at)).unwrap()["specVersion"].as_u64().unwrap();
    assert_eq!((version(before.hash), version(upgraded.best.hash)), (343, 425));
    // The old runtime carried the block out, so its events are encoded by the old one.
    let happened = events(&node, &old, upgraded.best.hash);
    assert!(happened.iter().any(|event| event.starts_with("System.CodeUpdated")), "{happened:?}");
    let behind = advance(&mut node);
    assert!(!behind.upgraded);
    let mut truth = node.chain().metagraph(NETUID).unwrap();
    truth.head = behind.best;
    assert_eq!(snapshot(&node, behind.best.hash), truth);
    let new = decoder(&node);
    let index = new.storage("SubtensorModule", "SubnetEpochIndex", (1_u16,)).unwrap();
    assert!(answer(&node, &index, behind.best.hash).is_some());
    assert!(!old.has_storage("SubtensorModule", "SubnetEpochIndex"));
    node.schedule_upgrade(Generation::Modular);
    advance(&mut node);
    assert_eq!(node.runtime_version(None).unwrap()["specVersion"], 426);
}

#[test]
fn a_restart_keeps_the_newest_state_the_hashes_and_the_pool() {
    let mut node = node(Generation::Modular);
    populate(&mut node, 2);
    node.schedule_upgrade(Generation::Stateful);
    advance(&mut node);
    (0..3).for_each(|_| drop(advance(&mut node)));
    let signer = keypair(3);
    let remark = call(&node, "System", "remark", &[&[4, 9]]);
    let draft = Draft::new(&node, &signer.account_id(), remark);
    node.submit(&draft.sign(&node, &signer)).unwrap();
    let text = serde_json::to_string(&node).unwrap();
    let mut read: DevNode = serde_json::from_str(&text).unwrap();
    assert_eq!((read.best(), read.genesis_hash()), (node.best(), node.genesis_hash()));
    assert_eq!(read.block(None), node.block(None));
    assert_eq!(read.block_hash(1), node.block_hash(1));
    assert_eq!(read.pending(), node.pending());
    assert_eq!(read.finalized(), read.best());
    let first = node.block_hash(1);
    assert_eq!(read.runtime_version(first), node.runtime_version(first));
    assert_eq!(advance(&mut read).best, advance(&mut node).best);
}

#[test]
fn keys_are_listed_by_prefix_in_pages() {
    let mut node = node(Generation::Modular);
    populate(&mut node, 5);
    let hotkey = keypair(13).account_id();
    let runtime = decoder(&node);
    let Read::Storage { key } =
        runtime.storage("SubtensorModule", "IsNetworkMember", (hotkey.0, 1_u16)).unwrap()
    else {
        panic!()
    };
    let prefix = &key[..key.len() - 2];
    assert_eq!(node.keys(prefix, 100, Some(prefix), None).unwrap(), std::slice::from_ref(&key));
    assert!(node.keys(prefix, 100, Some(&key), None).unwrap().is_empty());
    let Read::Storage { key } = runtime.storage("SubtensorModule", "Keys", (1_u16, 0_u16)).unwrap()
    else {
        panic!()
    };
    let all = node.keys(&key[..32], 100, None, None).unwrap();
    assert_eq!(all.len(), 5);
    let page = node.keys(&key[..32], 2, Some(&all[1]), None).unwrap();
    assert_eq!(page, all[2..4]);
    for key in node.keys(&[], 10_000, None, None).unwrap() {
        assert!(node.storage(&key, None).unwrap().is_some(), "{}", hex::encode(key));
    }
}

#[test]
fn every_answer_fits_the_runtimes_own_types() {
    for generation in GENERATIONS {
        let mut node = node(generation);
        populate(&mut node, 3);
        let runtime = decoder(&node);
        let account = keypair(1).account_id().0;
        let hotkey = keypair(11).account_id().0;
        let netuid = 1_u16.to_le_bytes();
        let cases: Vec<(&str, &str, Vec<u8>)> = vec![
            ("Core", "version", vec![]),
            ("Metadata", "metadata_versions", vec![]),
            ("SubnetInfoRuntimeApi", "get_subnet_hyperparams_v3", netuid.to_vec()),
            ("StakeInfoRuntimeApi", "get_coldkey_lock", [&account[..], &netuid].concat()),
            ("StakeInfoRuntimeApi", "get_hotkey_conviction", [&hotkey[..], &netuid].concat()),
            ("StakeInfoRuntimeApi", "get_most_convicted_hotkey_on_subnet", netuid.to_vec()),
            ("AccountNonceApi", "account_nonce", account.to_vec()),
            ("AuraApi", "slot_duration", vec![]),
            ("NeuronInfoRuntimeApi", "get_neurons", netuid.to_vec()),
            ("NeuronInfoRuntimeApi", "get_neuron", [netuid, [2, 0]].concat()),
            ("NeuronInfoRuntimeApi", "get_neuron_lite", [netuid, [9, 0]].concat()),
            ("SubnetInfoRuntimeApi", "get_subnet_info_v2", netuid.to_vec()),
            ("SubnetInfoRuntimeApi", "get_subnets_info_v2", vec![]),
            ("SubnetInfoRuntimeApi", "get_subnet_hyperparams", netuid.to_vec()),
            ("SubnetInfoRuntimeApi", "get_subnet_hyperparams_v2", netuid.to_vec()),
            ("SubnetInfoRuntimeApi", "get_all_dynamic_info", vec![]),
            ("SubnetInfoRuntimeApi", "get_dynamic_info", netuid.to_vec()),
            ("SubnetInfoRuntimeApi", "get_all_metagraphs", vec![]),
            ("SubnetInfoRuntimeApi", "get_metagraph", netuid.to_vec()),
            ("SubnetInfoRuntimeApi", "get_mechagraph", [&netuid[..], &[0]].concat()),
            ("SubnetInfoRuntimeApi", "get_subnet_state", netuid.to_vec()),
            ("StakeInfoRuntimeApi", "get_stake_info_for_coldkey", account.to_vec()),
            ("StakeInfoRuntimeApi", "get_stake_info_for_coldkeys", [&[4][..], &account].concat()),
            (
                "StakeInfoRuntimeApi",
                "get_stake_info_for_hotkey_coldkey_netuid",
                [&hotkey[..], &account, &netuid].concat(),
            ),
            ("DelegateInfoRuntimeApi", "get_delegates", vec![]),
            ("DelegateInfoRuntimeApi", "get_delegate", hotkey.to_vec()),
            ("DelegateInfoRuntimeApi", "get_delegated", account.to_vec()),
            ("SubnetRegistrationRuntimeApi", "get_network_registration_cost", vec![]),
            ("SwapRuntimeApi", "current_alpha_price", netuid.to_vec()),
            ("SwapRuntimeApi", "sim_swap_tao_for_alpha", [&netuid[..], &[1; 8]].concat()),
        ];
        for (api, method, arguments) in cases {
            let answer = node.call(&format!("{api}_{method}"), &arguments, None).unwrap();
            let read = runtime.decode_call(api, method, &answer, None);
            assert!(read.is_ok(), "{api}.{method}: {read:?}");
        }
    }
}

#[test]
fn free_calls_tell_that_they_cost_nothing() {
    let mut node = node(Generation::Collateral);
    populate(&mut node, 1);
    let axon = [&1_u16.to_le_bytes()[..], &[0; 4], &[9; 16], &[1, 0, 6, 4, 0, 0]].concat();
    let serve = call(&node, "SubtensorModule", "serve_axon", &[&axon]);
    carry_out(&mut node, &keypair(11), serve);
    let happened = events(&node, &decoder(&node), node.best().hash);
    let names: Vec<_> = happened.iter().map(|event| event.split(' ').next().unwrap()).collect();
    let wanted = [
        "System.ExtrinsicSuccess",
        "SubtensorModule.AxonServed",
        "TransactionPayment.TransactionFeePaid",
        "System.ExtrinsicSuccess",
    ];
    assert_eq!(names, wanted);
    assert!(happened[2].contains("(\"actual_fee\", Uint(0))"), "{}", happened[2]);
}

#[test]
fn hyperparameters_are_listed_by_name_and_kind() {
    for generation in GENERATIONS {
        let node = node(generation);
        let (api, method) = ("SubnetInfoRuntimeApi", "get_subnet_hyperparams_v3");
        let answer = node.call(&format!("{api}_{method}"), &1_u16.to_le_bytes(), None).unwrap();
        let runtime = decoder(&node);
        let read = runtime.decode_call(api, method, &answer, None).unwrap();
        let listed = read.some().unwrap().list("hyperparameters").unwrap();
        let value = |name: &str| {
            let is_it = |entry: &&Value<'_>| {
                entry.field("name") == Some(&Value::Bytes(name.as_bytes().to_vec()))
            };
            listed.iter().find(is_it).map(|entry| format!("{:?}", entry.field("value").unwrap()))
        };
        assert_eq!(value("tempo").unwrap(), "Case(\"U16\", Uint(10))");
        assert_eq!(value("registration_allowed").unwrap(), "Case(\"Bool\", Bool(true))");
        assert!(value("min_burn").unwrap().starts_with("Case(\"TaoBalance\""));
        let has_collateral = generation == Generation::Collateral;
        assert_eq!(value("collateral_lock_share").is_some(), has_collateral, "{generation:?}");
    }
}

#[test]
fn stakes_and_fees_are_told() {
    let mut node = node(Generation::Modular);
    populate(&mut node, 2);
    let runtime = decoder(&node);
    let (api, method) = ("StakeInfoRuntimeApi", "get_stake_info_for_coldkey");
    let answer = node.call(&format!("{api}_{method}"), &keypair(2).account_id().0, None).unwrap();
    let read = runtime.decode_call(api, method, &answer, None).unwrap();
    let [stake] = read.list("stakes").unwrap() else { panic!("{read:?}") };
    assert_eq!(stake.field("stake"), Some(&Value::Uint(2_000_000_000)));
    assert_eq!(stake.field("is_registered"), Some(&Value::Bool(true)));
    let fee_of = |call: Vec<u8>| {
        let signer = keypair(3);
        let bytes = Draft::new(&node, &signer.account_id(), call).sign(&node, &signer);
        let arguments = [&bytes[..], &(bytes.len() as u32).to_le_bytes()].concat();
        let answer = node.call("TransactionPaymentApi_query_info", &arguments, None).unwrap();
        let read =
            runtime.decode_call("TransactionPaymentApi", "query_info", &answer, None).unwrap();
        read.field("partial_fee").unwrap().number::<u64>("fee").unwrap()
    };
    assert!(fee_of(call(&node, "System", "remark", &[&[0]])) > 0);
    let fields = [&1_u16.to_le_bytes()[..], &[0; 23]].concat();
    assert_eq!(fee_of(call(&node, "SubtensorModule", "serve_prometheus", &[&fields])), 0);
}
