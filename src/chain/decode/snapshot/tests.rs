//! Snapshots against answers that were recorded on mainnet, and what the Python stack made of them.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;
use crate::chain::{AxonInfo, Hash, Neuron, Uid};
use crate::testing::{vector_json, vector_path};

const RECORDED: &str = "chain/recorded/metagraph_sn1_block_6852690";
const SN1: Netuid = Netuid(1);

fn bytes(path: &str) -> Vec<u8> {
    std::fs::read(vector_path(path)).unwrap()
}

fn answer(name: &str) -> Vec<u8> {
    bytes(&format!("{RECORDED}/{name}.scale"))
}

fn said(name: &str) -> Json {
    vector_json(&format!("{RECORDED}/{name}.json"))
}

fn runtime(spec_version: u32, file: &str) -> Runtime {
    Runtime::new(spec_version, &bytes(&format!("chain/recorded/metadata/{file}.scale"))).unwrap()
}

fn mainnet() -> Runtime {
    runtime(343, "finney_343_v15")
}

fn head() -> Head {
    Head { number: 6_852_690, hash: Hash([0xdb; 32]) }
}

fn number(json: &Json) -> u64 {
    json.as_u64().unwrap()
}

/// What the recorded JSON files say of each neuron.
fn recorded_neurons() -> Vec<Neuron> {
    let (lite, state) = (said("get_neurons_lite"), said("get_subnet_state"));
    let columns = lite["columns"].as_array().unwrap();
    let at = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let neuron = |row: &Json| {
        let field = |name: &str| &row[at(name)];
        let share = |name: &str| u16::try_from(number(field(name))).unwrap();
        let axon = &row[at("axon")];
        let small = |i: usize| u8::try_from(number(&axon[i])).unwrap();
        let uid = usize::try_from(number(field("uid"))).unwrap();
        Neuron {
            uid: Uid(uid as u16),
            hotkey: field("hotkey").as_str().unwrap().parse().unwrap(),
            coldkey: field("coldkey").as_str().unwrap().parse().unwrap(),
            stake: number(&state["total_stake"][uid]),
            validator_permit: field("validator_permit").as_bool().unwrap(),
            active: field("active").as_bool().unwrap(),
            axon: AxonInfo {
                block: number(&axon[0]),
                version: number(&axon[1]) as u32,
                ip: axon[2].as_str().unwrap().parse().unwrap(),
                port: number(&axon[3]) as u16,
                ip_type: small(4),
                protocol: small(5),
                placeholder1: small(6),
                placeholder2: small(7),
            },
            last_update: number(field("last_update")),
            registered_at: number(&state["block_at_registration"][uid]),
            incentive: share("incentive"),
            dividends: share("dividends"),
            consensus: share("consensus"),
            validator_trust: share("validator_trust"),
            emission: number(field("emission")),
        }
    };
    let rows = lite["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 1024);
    rows.iter().map(neuron).collect()
}

/// A storage answer for each entry that the plan reads, in SCALE as the recorded subnet has it.
fn stored(entry: &str) -> Option<Vec<u8>> {
    let graph = said("get_selective_mechagraph");
    let setting = STORED_SETTINGS.iter().find(|(_, stored)| *stored == entry);
    match (entry, setting) {
        ("StakeThreshold", _) => Some(1_000_000_000_000u64.to_le_bytes().to_vec()),
        ("ValidatorTrust", _) => {
            let trusts = recorded_neurons().into_iter().map(|neuron| neuron.validator_trust);
            let list = trusts.flat_map(u16::to_le_bytes);
            Some([1, 16].into_iter().chain(list).collect())
        }
        (_, Some((name, _))) => match &graph[name] {
            Json::Bool(value) => Some(vec![u8::from(*value)]),
            value => {
                let width = match *name {
                    "weights_version" | "weights_rate_limit" | "burn" | "serving_rate_limit"
                    | "bonds_moving_avg" => 8,
                    _ => 2,
                };
                Some(number(value).to_le_bytes()[..width].to_vec())
            }
        },
        (entry, None) => panic!("nothing was recorded for {entry}"),
    }
}

fn answers(plan: &SnapshotPlan) -> Vec<Option<Vec<u8>>> {
    let names = plan.generation.apis().iter().map(|(_, name)| Some(answer(name)));
    names.chain(plan.storage.iter().map(|entry| stored(entry))).collect()
}

fn check_recorded(snapshot: &Snapshot) {
    let graph = said("get_selective_mechagraph");
    assert_eq!(snapshot.absent, Vec::<String>::new());
    let metagraph = &snapshot.metagraph;
    assert_eq!((metagraph.netuid, metagraph.head), (SN1, head()));
    for (neuron, wanted) in metagraph.neurons.iter().zip(recorded_neurons()) {
        assert_eq!(*neuron, wanted);
    }
    assert_eq!(metagraph.neurons.len(), 1024);
    let rules = &metagraph.hyperparameters;
    let table = [
        ("tempo", u64::from(rules.tempo)),
        ("kappa", u64::from(rules.kappa)),
        ("min_allowed_weights", u64::from(rules.min_allowed_weights)),
        ("max_weights_limit", u64::from(rules.max_weight_limit)),
        ("weights_version", rules.weights_version_key),
        ("weights_rate_limit", rules.weights_rate_limit),
        ("activity_cutoff", u64::from(rules.activity_cutoff)),
        ("max_validators", u64::from(rules.max_validators)),
        ("max_uids", u64::from(rules.max_uids)),
        ("burn", rules.burn),
        ("immunity_period", u64::from(rules.immunity_period)),
        ("serving_rate_limit", rules.serving_rate_limit),
        ("bonds_moving_avg", rules.bonds_moving_average),
    ];
    for (name, value) in table {
        assert_eq!(number(&graph[name]), value, "{name}");
    }
    assert_eq!(rules.stake_threshold, 1_000_000_000_000);
    assert!(rules.commit_reveal_enabled);
}

#[test]
fn the_recorded_metagraph_decodes_to_the_recorded_values() {
    let runtime = mainnet();
    let plan = SnapshotPlan::choose(&runtime).unwrap();
    assert_eq!(plan.apis(), ["SubnetInfoRuntimeApi.get_selective_mechagraph"]);
    check_recorded(&plan.decode(&runtime, SN1, head(), &answers(&plan)).unwrap());
}

#[test]
fn the_recorded_neurons_and_state_decode_to_the_same() {
    let runtime = mainnet();
    let generation = Generation::Neurons;
    let plan = SnapshotPlan { generation, storage: generation.storage() };
    check_recorded(&plan.decode(&runtime, SN1, head(), &answers(&plan)).unwrap());
}

#[test]
fn the_recorded_call_is_the_one_that_is_made() {
    let about: Json = said("about");
    let runtime = mainnet();
    for (api, method) in [(NEURON_API, "get_neurons_lite"), (SUBNET_API, "get_subnet_state")] {
        let Read::Call { function, arguments } = runtime.call(api, method, (1u16,)).unwrap() else {
            panic!("a runtime API is called");
        };
        let wanted = about["calls"][&function]["call_data"].as_str().unwrap();
        assert_eq!(format!("0x{}", hex::encode(arguments)), wanted);
    }
    let all: Vec<u16> = (0..=73).collect();
    let selective = runtime.call(SUBNET_API, "get_selective_mechagraph", (1u16, 0u8, all));
    let Ok(Read::Call { function, arguments }) = selective else { panic!("{selective:?}") };
    let wanted = about["calls"][&function]["call_data"].as_str().unwrap();
    assert_eq!(format!("0x{}", hex::encode(arguments)), wanted);
}

#[test]
fn each_recorded_runtime_is_asked_in_its_best_way() {
    let table = [
        (293, "local_293_v15", "get_selective_metagraph"),
        (343, "finney_343_v15", "get_selective_mechagraph"),
        (365, "finney_365_v16", "get_selective_mechagraph"),
        (381, "devnet_381_v16", "get_selective_mechagraph"),
    ];
    for (spec_version, file, method) in table {
        let runtime = runtime(spec_version, file);
        let plan = SnapshotPlan::choose(&runtime).unwrap();
        assert_eq!(plan.apis(), [format!("{SUBNET_API}.{method}")], "{file}");
        let reads = plan.reads(&runtime, SN1).unwrap();
        assert_eq!(reads.len(), 3, "{file}");
        for generation in Generation::NEWEST_FIRST {
            if generation.is_in(&runtime) {
                let plan = SnapshotPlan { generation, storage: generation.storage() };
                plan.reads(&runtime, SN1).unwrap();
            }
        }
    }
}

/// The indexes of the selective APIs are the positions of the answer's fields, in every runtime
/// at hand: the table of fields agrees with the metadata.
#[test]
fn the_selective_indexes_agree_with_the_metadata() {
    for (api, graph) in [
        (mainnet(), answer("get_selective_mechagraph")),
        (runtime(365, "finney_365_v16"), answer("get_selective_mechagraph")),
    ] {
        let value = api.decode_call(SUBNET_API, "get_selective_mechagraph", &graph, None).unwrap();
        let Some(Value::Record(fields)) = value.some() else { panic!("a record") };
        for (name, index) in FIELDS {
            assert_eq!(fields[usize::from(index)].0, name);
        }
    }
}

#[test]
fn a_runtime_without_the_apis_is_named() {
    let runtime = runtime(343, "finney_343_v14");
    let error = SnapshotPlan::choose(&runtime).unwrap_err();
    assert!(error.is_final());
    let text = error.to_string();
    for part in ["runtime 343 has no", "get_selective_mechagraph", "get_neurons_lite"] {
        assert!(text.contains(part), "{text}");
    }
    let error = runtime.storage(PALLET, "SubnetEpochIndex", (1u16,)).unwrap_err();
    assert_eq!(error.to_string().find("runtime 343 has no storage"), Some(0), "{error}");
    let error = runtime.call_fields(PALLET, "set_weights_twice").unwrap_err();
    assert!(error.to_string().contains("call SubtensorModule.set_weights_twice"), "{error}");
}

/// Why the places of newer fields can be found by their names.
#[test]
fn the_selective_apis_know_each_field_by_its_place() {
    for (spec_version, file) in [
        (293, "local_293_v15"),
        (343, "finney_343_v15"),
        (365, "finney_365_v16"),
        (381, "devnet_381_v16"),
    ] {
        let runtime = runtime(spec_version, file);
        for method in ["get_selective_mechagraph", "get_selective_metagraph"] {
            let Ok(fields) = runtime.answer_fields(SUBNET_API, method) else { continue };
            for (name, index) in FIELDS {
                assert_eq!(fields.get(usize::from(index)), Some(&name), "{file} {method}");
            }
        }
    }
}

#[test]
fn collateral_is_read_by_name_where_there_is_some() {
    let runtime = mainnet();
    let list = |numbers: [u128; 2]| Value::List(numbers.map(Value::Uint).into());
    let read = |record: Vec<(&'static str, Value<'static>)>| {
        let value = Value::Record(record);
        let graph = Fields { runtime: &runtime, answer: "graph", value: &value };
        neurons::collateral(graph, COLLATERAL, 2)
    };
    assert_eq!(read(vec![("tempo", Value::Uint(99))]), Ok(Vec::new()));
    let found = read(vec![
        ("collateral_earned", list([0, 7])),
        ("collateral_locked", list([5, 6])),
        ("collateral_new", list([1, 1])),
    ]);
    let of = |locked, earned| crate::chain::Collateral { locked, min: 0, earned };
    assert_eq!(found, Ok(vec![of(5, 0), of(6, 7)]));
    assert!(read(vec![("collateral_min", Value::List(vec![Value::Uint(1)]))]).is_err());
}

#[test]
fn calls_are_told_apart_by_presence_and_field() {
    let (old, new) = (runtime(293, "local_293_v15"), mainnet());
    let commit = "commit_timelocked_mechanism_weights";
    let fields = ["netuid", "mecid", "commit", "reveal_round", "commit_reveal_version"];
    assert_eq!(new.call_fields(PALLET, commit).unwrap(), fields);
    assert!(old.call_fields(PALLET, commit).is_err());
    assert_eq!(old.call_fields(PALLET, "commit_crv3_weights").unwrap().len(), 3);
    assert!(!new.has_storage(PALLET, "SubnetEpochIndex"));
}

#[test]
fn storage_keys_and_defaults_come_from_the_metadata() {
    let runtime = mainnet();
    let Read::Storage { key } = runtime.storage(PALLET, "Tempo", (1u16,)).unwrap() else {
        panic!("storage is read");
    };
    assert_eq!((key.len(), &key[32..]), (34, &[1, 0][..]));
    let tempo = runtime.decode_storage(PALLET, "Tempo", None).unwrap().unwrap();
    assert_eq!(tempo.number::<u16>("Tempo"), Ok(360));
    assert_eq!(runtime.decode_storage(PALLET, "Uids", None), Ok(None));
    let wrong = runtime.storage(PALLET, "Tempo", (1u16, 2u16)).unwrap_err();
    assert!(wrong.to_string().contains("expected 1 key parts but got 2"), "{wrong}");
}

#[test]
fn an_unknown_subnet_and_another_one_are_told() {
    let runtime = mainnet();
    let plan = SnapshotPlan::choose(&runtime).unwrap();
    let decode = |netuid, answers: &[_]| plan.decode(&runtime, netuid, head(), answers);
    let none = [Some(vec![0]), stored("StakeThreshold"), None];
    assert_eq!(decode(SN1, &none), Err(DecodeError::NoSubnet(SN1)));
    assert!(matches!(decode(Netuid(2), &answers(&plan)), Err(DecodeError::Shape { .. })));
    let mut uneven = answers(&plan);
    uneven[2] = Some(vec![4, 0, 0]);
    assert!(matches!(decode(SN1, &uneven), Err(DecodeError::Uneven { found: 1, .. })));
}

#[test]
fn a_truncated_or_longer_answer_is_refused() {
    let runtime = mainnet();
    let plan = SnapshotPlan::choose(&runtime).unwrap();
    let whole = answers(&plan);
    let graph = whole[0].clone().unwrap();
    for bytes in [&graph[..graph.len() - 1], &graph[..1], &[], &[&graph[..], &[0]].concat()] {
        let mut answers = whole.clone();
        answers[0] = Some(bytes.to_vec());
        let error = plan.decode(&runtime, SN1, head(), &answers).unwrap_err();
        assert!(matches!(error, DecodeError::Answer { .. }), "{error}");
    }
}

#[test]
fn what_only_resembles_metadata_is_refused() {
    let magic = b"meta".as_slice();
    for bytes in [&[][..], &[4], &[8, 0], &[0x0c, 1, 2], magic, &[magic, &[15]].concat()] {
        assert!(Runtime::new(343, bytes).is_err(), "{bytes:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Foreign bytes end in a value or an error, for every kind of answer.
    #[test]
    fn any_answer_is_read_or_refused(
        noise in proptest::collection::vec(any::<u8>(), 0..600),
        at in any::<prop::sample::Index>(),
    ) {
        thread_local! {
            static KNOWN: (Runtime, [Vec<u8>; 3]) = (mainnet(), [
                answer("get_selective_mechagraph"),
                answer("get_neurons_lite"),
                answer("get_subnet_state"),
            ]);
        }
        KNOWN.with(|(runtime, recorded)| {
            for generation in Generation::NEWEST_FIRST {
                let plan = SnapshotPlan { generation, storage: generation.storage() };
                let n = plan.reads(runtime, SN1).unwrap().len();
                let _ = plan.decode(runtime, SN1, head(), &vec![Some(noise.clone()); n]);
                for whole in recorded {
                    let mut answer = whole.clone();
                    let at = at.index(answer.len());
                    let end = answer.len().min(at + noise.len());
                    answer[at..end].copy_from_slice(&noise[..end - at]);
                    let _ = plan.decode(runtime, SN1, head(), &vec![Some(answer); n]);
                }
            }
        });
    }

    /// Metadata is foreign too.
    #[test]
    fn any_metadata_is_read_or_refused(
        noise in proptest::collection::vec(any::<u8>(), 1..8),
        at in any::<prop::sample::Index>(),
    ) {
        thread_local! {
            static KNOWN: Vec<u8> = bytes("chain/recorded/metadata/finney_343_v15.scale");
        }
        let mut metadata = KNOWN.with(Clone::clone);
        let at = at.index(metadata.len() - noise.len());
        metadata[at..at + noise.len()].copy_from_slice(&noise);
        if let Ok(runtime) = Runtime::new(343, &metadata)
            && let Ok(plan) = SnapshotPlan::choose(&runtime)
        {
            let _ = plan.reads(&runtime, SN1);
            let answers = [Some(answer("get_selective_mechagraph")), None, None, None];
            let _ = plan.decode(&runtime, SN1, head(), &answers);
        }
    }
}
