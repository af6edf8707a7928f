//! Terms and outcomes read with the metadata of real runtimes. What is not stored has the runtime's
//! own defaults.

use super::*;
use crate::chain::{Hash, Refusal, StoredCommit};
use crate::testing::vector_path;
use crate::wallet::blake2b_256;

const SN1: Netuid = Netuid(1);
const HOTKEY: AccountId = AccountId([3; 32]);

fn bytes(path: &str) -> Vec<u8> {
    std::fs::read(vector_path(&format!("chain/recorded/{path}.scale"))).unwrap()
}

fn runtime(spec_version: u32, file: &str) -> Runtime {
    Runtime::new(spec_version, &bytes(&format!("metadata/{file}"))).unwrap()
}

fn mainnet() -> Runtime {
    runtime(343, "finney_343_v15")
}

const HEAD: Head = Head { number: 6_852_690, hash: Hash([0xdb; 32]) };

/// Answers by entry; all others are not stored.
fn answers(
    plan: &WeightTermsPlan,
    runtime: &Runtime,
    stake: Vec<u8>,
    stored: &[(&str, &str, Vec<u8>)],
) -> Vec<Option<Vec<u8>>> {
    let reads = plan.reads(runtime, SN1, &HOTKEY).unwrap();
    let mut answers = vec![None; reads.len()];
    answers[0] = Some(stake);
    for (pallet, entry, value) in stored {
        let n_keys = runtime.entry(pallet, entry).unwrap().keys().len();
        let key = match n_keys {
            0 => runtime.storage(pallet, entry, ()),
            1 => runtime.storage(pallet, entry, (SN1.0,)),
            _ => runtime.storage(pallet, entry, (SN1.0, HOTKEY.0)),
        };
        let key = key.unwrap();
        let at = reads.iter().position(|read| *read == key).expect("it is asked for");
        answers[at] = Some(value.clone());
    }
    answers
}

fn list(values: &[Vec<u8>]) -> Vec<u8> {
    let len = values.len() as u16;
    let len = if len < 64 { vec![(len << 2) as u8] } else { (len << 2 | 1).to_le_bytes().to_vec() };
    [len, values.concat()].concat()
}

#[test]
fn terms_are_read_by_name() {
    let runtime = mainnet();
    let plan = WeightTermsPlan::choose(&runtime).unwrap();
    let last_updates: Vec<_> = (0..1024u64).map(|uid| (uid * 7).to_le_bytes().to_vec()).collect();
    let permits: Vec<_> = (0..1024).map(|uid| vec![u8::from(uid == 3)]).collect();
    let of = |entry, value| ("SubtensorModule", entry, value);
    let mut stored = vec![
        of("NetworksAdded", vec![1]),
        of("Uids", 3u16.to_le_bytes().to_vec()),
        of("LastUpdate", list(&last_updates)),
        of("ValidatorPermit", list(&permits)),
        of("SubnetworkN", 1024u16.to_le_bytes().to_vec()),
        of("Tempo", 99u16.to_le_bytes().to_vec()),
        of("WeightsVersionKey", 2_190u64.to_le_bytes().to_vec()),
        of("StakeThreshold", 1_000u64.to_le_bytes().to_vec()),
        of("SubnetOwnerHotkey", HOTKEY.0.to_vec()),
        of("CommitRevealWeightsEnabled", vec![1]),
        of("CommitRevealWeightsVersion", 4u16.to_le_bytes().to_vec()),
        of("RevealPeriodEpochs", 2u64.to_le_bytes().to_vec()),
        ("Drand", "LastStoredRound", 777u64.to_le_bytes().to_vec()),
    ];
    let graph = bytes("metagraph_sn1_block_6852690/get_selective_mechagraph");
    let read = |stored: &[_]| {
        let answers = answers(&plan, &runtime, graph.clone(), stored);
        plan.decode(&runtime, SN1, &HOTKEY, HEAD, &answers)
    };
    let terms = read(&stored).unwrap();
    assert_eq!((terms.head, terms.uid, terms.n_neurons), (HEAD, Some(Uid(3)), 1024));
    assert_eq!((terms.has_permit, terms.is_owner, terms.last_update), (true, true, 21));
    let text = vector_path("chain/recorded/metagraph_sn1_block_6852690/get_subnet_state.json");
    let state: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(text).unwrap()).unwrap();
    assert_eq!(Some(terms.stake), state["total_stake"][3].as_u64());
    let settings = &terms.hyperparameters;
    assert_eq!((settings.tempo, settings.weights_version_key), (99, 2_190));
    assert_eq!((settings.stake_threshold, settings.commit_reveal_enabled), (1_000, true));
    let reveal = terms.reveal.unwrap();
    assert_eq!((reveal.version, reveal.period_epochs, reveal.last_stored_round), (4, 2, 777));
    assert_eq!(reveal.block_time, 12.0);
    let epochs = ModularEpochs { netuid: SN1, tempo: 99, head: HEAD.number };
    assert_eq!(reveal.schedule, EpochSchedule::Modular(epochs));

    stored.retain(|(_, entry, _)| *entry != "Uids" && *entry != "CommitRevealWeightsEnabled");
    stored.push(of("CommitRevealWeightsEnabled", vec![0]));
    let terms = read(&stored).unwrap();
    assert_eq!((terms.uid, terms.has_permit, terms.stake, terms.last_update), (None, false, 0, 0));
    assert_eq!(terms.reveal, None);

    stored.retain(|(_, entry, _)| *entry != "NetworksAdded");
    assert_eq!(read(&stored), Err(DecodeError::NoSubnet(SN1)));
}

/// The runtime's default is the public beacon: the constants for runtimes without it are the same.
#[test]
fn the_beacon_is_the_chains_own() {
    let runtime = mainnet();
    let plan = WeightTermsPlan::choose(&runtime).unwrap();
    let none = answers(&plan, &runtime, vec![], &[]);
    let stored = plan.stored(&runtime, &none).unwrap();
    let terms = Terms { runtime: &runtime, stored, netuid: SN1, head: HEAD };
    let told = terms.beacon().unwrap();
    let terms = Terms { stored: Stored::new(), ..terms };
    assert_eq!(terms.beacon().unwrap(), told);
    assert_eq!((told.genesis(), told.period()), (1_692_803_367, 3));
}

#[test]
fn every_recorded_runtime_has_a_plan_or_says_what_it_lacks() {
    let on = [
        ("SubtensorModule", "NetworksAdded", vec![1]),
        ("SubtensorModule", "CommitRevealWeightsEnabled", vec![1]),
    ];
    for (spec_version, file) in
        [(343, "finney_343_v15"), (365, "finney_365_v16"), (381, "devnet_381_v16")]
    {
        let runtime = runtime(spec_version, file);
        let plan = WeightTermsPlan::choose(&runtime).unwrap();
        let answers = answers(&plan, &runtime, vec![], &on);
        let terms = plan.decode(&runtime, SN1, &HOTKEY, HEAD, &answers).unwrap();
        let reveal = terms.reveal.unwrap();
        assert_eq!(reveal.version, 4, "{file}");
        assert!(commits_of_next_epoch(&runtime, SN1, &reveal.schedule).unwrap().is_some());
    }
    // A runtime that opens a commit in one block only is refused when weights are to be sealed.
    let runtime_293 = runtime(293, "local_293_v15");
    let plan = WeightTermsPlan::choose(&runtime_293).unwrap();
    let sealed = answers(&plan, &runtime_293, vec![], &on);
    let error = plan.decode(&runtime_293, SN1, &HOTKEY, HEAD, &sealed).unwrap_err();
    assert!(error.to_string().contains("CRV3WeightCommits opens a commit in one block"), "{error}");
    let plain = answers(&plan, &runtime_293, vec![], &on[..1]);
    let terms = plan.decode(&runtime_293, SN1, &HOTKEY, HEAD, &plain).unwrap();
    assert_eq!(terms.reveal, None);
    let error = WeightTermsPlan::choose(&runtime(343, "finney_343_v14")).unwrap_err();
    assert!(error.to_string().contains("SubnetInfoRuntimeApi.get_selective_mechagraph"), "{error}");
}

#[test]
fn sealed_commits_of_one_hotkey_are_found() {
    let runtime = runtime(343, "finney_343_v15");
    let commits = WeightCommits::choose(&runtime).unwrap();
    let one = |who: AccountId, block: u64, byte: u8| {
        let sealed = list(&vec![vec![byte]; 70]);
        let (block, round) = (block.to_le_bytes().to_vec(), 99u64.to_le_bytes().to_vec());
        [who.0.to_vec(), block, sealed, round].concat()
    };
    let stored = list(&[one(HOTKEY, 5, 1), one(AccountId([8; 32]), 6, 2), one(HOTKEY, 7, 3)]);
    let found = commits.decode(&runtime, &HOTKEY, Some(&stored)).unwrap();
    let stored_commit =
        |block: u64, byte: u8| StoredCommit { block, round: 99, hash: blake2b_256(&[byte; 70]) };
    assert_eq!(found, [stored_commit(5, 1), stored_commit(7, 3)]);
    assert_eq!(commits.decode(&runtime, &HOTKEY, None), Ok(vec![]));
    let epoch = commits.of_epoch(&runtime, SN1, 12).unwrap();
    let Read::Storage { key } = epoch else { panic!("it is storage") };
    assert!(key.starts_with(&commits.prefix(&runtime, SN1).unwrap()));
}

/// One event of transaction `index`, in the runtime's own numbers.
fn event(runtime: &Runtime, index: u32, name: &str, fields: &[u8]) -> Vec<u8> {
    let system = runtime.metadata().pallet_by_name("System").unwrap();
    let variants = system.event_variants().unwrap();
    let variant = variants.iter().find(|variant| variant.name == name).unwrap();
    let phase = [&[0][..], &index.to_le_bytes()].concat();
    [phase, vec![system.event_index(), variant.index], fields.to_vec(), vec![0]].concat()
}

#[test]
fn outcomes_are_told_by_the_errors_names() {
    const DISPATCHED: [u8; 4] = [0, 0, 0, 1];
    for (spec_version, file) in
        [(293, "local_293_v15"), (343, "finney_343_v15"), (381, "devnet_381_v16")]
    {
        let runtime = runtime(spec_version, file);
        let subtensor = runtime.metadata().pallet_by_name("SubtensorModule").unwrap();
        let errors = subtensor.error_variants().unwrap();
        let error = errors.iter().find(|e| e.name == "SettingWeightsTooFast").unwrap().index;
        let module = [&[3, subtensor.error_index(), error, 0, 0, 0][..], &DISPATCHED].concat();
        let events = list(&[
            event(&runtime, 0, "ExtrinsicSuccess", &DISPATCHED),
            event(&runtime, 1, "ExtrinsicFailed", &module),
            event(&runtime, 2, "ExtrinsicFailed", &[&[2][..], &DISPATCHED].concat()),
            event(&runtime, 3, "ExtrinsicFailed", &[&[7, 0][..], &DISPATCHED].concat()),
        ]);
        let outcome = |index| runtime.outcome(Some(&events), index);
        assert_eq!(outcome(0), Ok(Ok(())), "{file}");
        assert_eq!(outcome(1), Ok(Err(Refusal::SettingWeightsTooFast)));
        let unknown = |name: &str| Ok(Err(Refusal::Unknown { name: name.to_owned() }));
        assert_eq!(outcome(2), unknown("BadOrigin"));
        assert_eq!(outcome(3), unknown("Token.FundsUnavailable"));
        let error = outcome(4).unwrap_err();
        assert!(error.to_string().contains("nothing of transaction 4"), "{error}");
        assert!(runtime.outcome(Some(&events[..9]), 0).is_err());
    }
}

#[test]
fn single_records_are_read() {
    let runtime = mainnet();
    let pair = |uid: u16, weight: u16| [uid.to_le_bytes(), weight.to_le_bytes()].concat();
    let stored = list(&[pair(2, 65_535), pair(9, 1)]);
    let weights = runtime.decode_weights(Some(&stored)).unwrap();
    assert_eq!(weights, [(Uid(2), 65_535), (Uid(9), 1)]);
    assert_eq!(runtime.decode_weights(None), Ok(vec![]));
    assert_eq!(runtime.decode_prometheus(None), Ok(None));
    let ip = 3_405_803_783u128.to_le_bytes().to_vec();
    let record = [77u64.to_le_bytes().to_vec(), 5u32.to_le_bytes().to_vec(), ip];
    let record = [record.concat(), 9_100u16.to_le_bytes().to_vec(), vec![4]].concat();
    let record = runtime.decode_prometheus(Some(&record)).unwrap().unwrap();
    assert_eq!((record.block, record.info.port, record.info.ip_type), (77, 9_100, 4));
    assert_eq!(runtime.decode_account_nonce(None), Ok(0));
}
