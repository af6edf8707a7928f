//! Transactions against the metadata of five real runtimes: what was encoded is decoded by another
//! hand, and compared.

use frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed};
use parity_scale_codec::{Decode, Encode};
use proptest::prelude::*;
use subxt::ext::frame_decode::extrinsics::decode_extrinsic;
use subxt::ext::scale_value::Composite;
use subxt::{Metadata, dynamic};

use super::*;
use crate::chain::decode::Value;
use crate::chain::{AxonInfo, Netuid, PrometheusInfo, Uid, WeightSetting, WeightVector};
use crate::testing::vector_path;
use crate::wallet::AccountId;

const RUNTIMES: [(u32, &str); 5] = [
    (293, "local_293_v15"),
    (343, "finney_343_v14"),
    (343, "finney_343_v15"),
    (365, "finney_365_v16"),
    (381, "devnet_381_v16"),
];

fn metadata(file: &str) -> Vec<u8> {
    std::fs::read(vector_path(&format!("chain/recorded/metadata/{file}.scale"))).unwrap()
}

fn runtime((spec_version, file): (u32, &str)) -> Runtime {
    Runtime::new(spec_version, &metadata(file)).unwrap()
}

fn alice() -> Keypair {
    Keypair::from_dev_path("//Alice").unwrap()
}

fn terms(nonce: u32, last_block: u64) -> SigningTerms {
    SigningTerms {
        genesis: Hash([0x2f; 32]),
        transaction_version: 1,
        mortality: Mortality { nonce, last_block },
        birth_hash: Hash([0xdb; 32]),
    }
}

fn plain(n: u16) -> WeightSetting {
    let entries = (0..n).map(|uid| (Uid(uid), 65_535 - uid)).collect();
    WeightSetting::Plain { weights: WeightVector::new(entries).unwrap(), version_key: 2_190 }
}

fn sealed() -> WeightSetting {
    WeightSetting::Sealed { commit: vec![9; 500], reveal_round: 23_456_789, version: 4 }
}

fn axon() -> AxonInfo {
    AxonInfo::for_address("203.0.113.7:8091".parse().unwrap(), 10_005_000)
}

fn prometheus() -> PrometheusInfo {
    PrometheusInfo::for_address("[2001:db8::1]:9100".parse().unwrap(), 10_005_000)
}

/// What another hand reads: call, arguments, nonce, era's bytes, signer.
struct Read {
    call: String,
    arguments: Vec<(String, String)>,
    extensions: Vec<(String, Vec<u8>)>,
    address: Vec<u8>,
    signature: Vec<u8>,
    call_bytes: Vec<u8>,
}

fn read(runtime: &Runtime, bytes: &[u8]) -> Read {
    let metadata: &Metadata = runtime.metadata();
    let cursor = &mut &*bytes;
    let found = decode_extrinsic(cursor, metadata, metadata.types()).unwrap();
    assert!(cursor.is_empty(), "nothing is left over");
    let shown = |range: std::ops::Range<usize>, type_id: u32| {
        let value = crate::chain::decode::decode_value(&bytes[range], type_id, metadata.types());
        let value: Value<'_> = value.unwrap();
        format!("{value:?}")
    };
    let signed = found.signature_payload().unwrap();
    Read {
        call: found.call_name().to_owned(),
        arguments: found
            .call_data()
            .map(|argument| (argument.name().to_owned(), shown(argument.range(), *argument.ty())))
            .collect(),
        extensions: found
            .transaction_extension_payload()
            .unwrap()
            .iter()
            .map(|extension| (extension.name().to_owned(), bytes[extension.range()].to_vec()))
            .collect(),
        address: bytes[signed.address_range()].to_vec(),
        signature: bytes[signed.signature_range()].to_vec(),
        call_bytes: bytes[found.call_data_range()].to_vec(),
    }
}

#[test]
fn each_runtime_reads_back_what_was_sent() {
    for of in RUNTIMES {
        let runtime = runtime(of);
        let (weights, commit) = (plain(3), sealed());
        let netuid = Netuid(61);
        let hotkey = AccountId([7; 32]);
        let is_old = of.0 == 293;
        let table = [
            (
                Call::Weights { netuid, setting: &weights },
                if is_old { "set_weights" } else { "set_mechanism_weights" },
                [("dests", "[Uint(0), Uint(1), Uint(2)]"), ("version_key", "Uint(2190)")],
            ),
            (
                Call::Weights { netuid, setting: &commit },
                "commit_timelocked_mechanism_weights",
                [("netuid", "Uint(61)"), ("reveal_round", "Uint(23456789)")],
            ),
            (
                Call::ServeAxon { netuid, axon: &axon() },
                "serve_axon",
                [("ip", "Uint(3405803783)"), ("protocol", "Uint(4)")],
            ),
            (
                Call::ServePrometheus { netuid, prometheus: &prometheus() },
                "serve_prometheus",
                [("port", "Uint(9100)"), ("ip_type", "Uint(6)")],
            ),
            (
                Call::BurnedRegister { netuid, hotkey },
                "burned_register",
                [("netuid", "Uint(61)"), ("hotkey", "Bytes([7, 7, ")],
            ),
            (
                Call::AddStake { netuid, hotkey, amount: 5_000_000_001 },
                "add_stake",
                [("hotkey", "Bytes([7, 7, "), ("amount_staked", "Uint(5000000001)")],
            ),
        ];
        for (call, name, arguments) in table {
            if is_old && name.starts_with("commit_") {
                // It opens a commit in one block only, whatever its call takes.
                call.encode(&runtime).unwrap_err();
                continue;
            }
            let encoded = call.encode(&runtime).unwrap();
            let terms = terms(5, 6_852_700);
            let signed = sign(&runtime, &call, &alice(), &terms).unwrap();
            assert_eq!(signed.hash, Hash(blake2b_256(&signed.bytes)));
            let read = read(&runtime, &signed.bytes);
            assert_eq!((read.call.as_str(), &read.call_bytes), (name, &encoded), "{of:?}");
            for (name, value) in arguments {
                let found = read.arguments.iter().find(|(found, _)| found == name);
                let shown = found.map(|(_, shown)| shown.trim_start_matches("List("));
                assert!(shown.is_some_and(|shown| shown.starts_with(value)), "{name}: {found:?}");
            }
        }
    }
}

/// The signature covers exactly what the runtime puts together itself: call, what the extensions
/// wrote, and what each of them implies, written down here by hand.
#[test]
fn signatures_cover_what_the_extensions_imply() {
    for of in RUNTIMES {
        let runtime = runtime(of);
        for n_weights in [1, 200] {
            let setting = plain(n_weights);
            let call = Call::Weights { netuid: Netuid(1), setting: &setting };
            let terms = terms(77, 1_000);
            let signed = sign(&runtime, &call, &alice(), &terms).unwrap();
            let read = read(&runtime, &signed.bytes);
            let extra: Vec<u8> = read.extensions.iter().flat_map(|(_, b)| b.clone()).collect();
            let spec_version = of.0.to_le_bytes().to_vec();
            let mut implied = [spec_version, 1u32.to_le_bytes().to_vec(), vec![0x2f; 32]].concat();
            implied.extend([0xdb; 32]);
            implied.push(0);
            let mut payload = [&read.call_bytes[..], &extra, &implied].concat();
            assert_eq!(payload.len() > 256, n_weights == 200);
            if payload.len() > 256 {
                payload = blake2b_256(&payload).to_vec();
            }
            let alice = alice().account_id();
            assert_eq!(read.address, [&[0][..], &alice.0].concat());
            let (kind, signature) = read.signature.split_first().unwrap();
            assert_eq!(*kind, 1);
            alice.verify_plain(&payload, signature.try_into().unwrap()).unwrap();
            let of = |name: &str| {
                let found = read.extensions.iter().find(|(found, _)| found == name);
                found.unwrap_or_else(|| panic!("{name} is not there")).1.clone()
            };
            assert_eq!(of("CheckNonce"), [77 << 2 | 1, 1]);
            // Born in block 937: 937 % 64 = 41 above the 5 that stands for 64 blocks.
            assert_eq!(of("CheckMortality"), [0x95, 0x02]);
            assert_eq!(
                (of("ChargeTransactionPayment"), of("CheckMetadataHash")),
                (vec![0], vec![0])
            );
        }
    }
}

/// An extension that is not known may stay away as long as it is empty.
#[test]
fn an_unknown_extension_that_wants_something_is_named() {
    let renamed = |from: &str, to: &str| {
        let mut bytes = metadata("finney_343_v15");
        while let Some(at) = bytes.windows(from.len()).position(|part| part == from.as_bytes()) {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
        Runtime::new(343, &bytes).unwrap()
    };
    let setting = plain(1);
    let sign = |runtime: &Runtime| {
        let call = Call::Weights { netuid: Netuid(1), setting: &setting };
        sign(runtime, &call, &alice(), &terms(0, 100))
    };
    sign(&renamed("CheckWeight", "CheckHeight")).unwrap();
    let name = "CheckOnceX";
    let error = sign(&renamed("CheckNonce", name)).unwrap_err();
    let spec_version = 343;
    assert_eq!(error, TransactionError::UnknownExtension { spec_version, name: name.to_owned() });
    let error = sign(&renamed("CheckGenesis", "CheckExodusX")).unwrap_err();
    assert!(error.to_string().contains("CheckExodusX"), "{error}");
}

/// The metadata with another type for what the extension writes into a transaction.
fn runtime_where(extension: &str, holds_what: &str) -> Runtime {
    let bytes = metadata("finney_343_v15");
    let RuntimeMetadataPrefixed(magic, metadata) = Decode::decode(&mut &bytes[..]).unwrap();
    let RuntimeMetadata::V15(mut metadata) = metadata else { panic!("it is of version 15") };
    let extensions = &mut metadata.extrinsic.signed_extensions;
    let of = |name: &str| extensions.iter().position(|found| found.identifier == name).unwrap();
    let (extension, holds_what) = (of(extension), of(holds_what));
    extensions[extension].ty = extensions[holds_what].ty;
    let edited = RuntimeMetadataPrefixed(magic, RuntimeMetadata::V15(metadata)).encode();
    Runtime::new(343, &edited).unwrap()
}

/// subxt alone would leave the nonce out, or write it where something else is wanted.
#[test]
fn a_known_extension_that_has_come_to_hold_something_else_is_named() {
    let call = Call::BurnedRegister { netuid: Netuid(1), hotkey: AccountId([7; 32]) };
    let terms = terms(5, 1_000);
    for holds_what in ["CheckWeight", "CheckMortality"] {
        let runtime = runtime_where("CheckNonce", holds_what);
        let payload = call.payload(&runtime).unwrap();
        let client = runtime.signing(terms.genesis, 1).unwrap();
        let params = extensions::params(&terms, 937);
        let signable = client.transactions().create_v4_signable_offline(&payload, params);
        signable.unwrap().sign(&OurKey(&alice())).unwrap();
        let error = sign(&runtime, &call, &alice(), &terms).unwrap_err();
        let (spec_version, name) = (343, "CheckNonce".to_owned());
        assert_eq!(error, TransactionError::UnknownExtension { spec_version, name });
    }
}

/// subxt alone drops an argument that the call does not take, and says nothing.
#[test]
fn an_argument_too_many_is_not_dropped_in_silence() {
    let runtime = runtime(RUNTIMES[2]);
    let hotkey = ("hotkey", dynamic::Value::from_bytes([7; 32]));
    let lost = ("limit_price", dynamic::Value::u128(5));
    let given = [("netuid", dynamic::Value::u128(1)), hotkey, lost];
    let payload = dynamic::tx("SubtensorModule", "burned_register", Composite::named(given));
    runtime.client().transactions().call_data(&payload).unwrap();
    let axon = axon();
    let call = Call::ServeAxon { netuid: Netuid(1), axon: &axon };
    let error = call.encode(&runtime_with(b"protocol", b"protokol")).unwrap_err();
    assert!(error.to_string().contains("it takes no `protocol`"), "{error}");
}

fn runtime_with(from: &[u8], to: &[u8]) -> Runtime {
    let mut bytes = metadata("finney_343_v15");
    while let Some(at) = bytes.windows(from.len()).position(|part| part == from) {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    Runtime::new(343, &bytes).unwrap()
}

#[test]
fn a_call_that_the_runtime_lacks_or_that_wants_more_is_named() {
    let axon = axon();
    let call = Call::ServeAxon { netuid: Netuid(1), axon: &axon };
    let error = call.encode(&runtime_with(b"serve_axon", b"serve_exon")).unwrap_err();
    assert!(matches!(error, DecodeError::Missing { .. }), "{error}");
    assert!(error.to_string().contains("call SubtensorModule.serve_axon"), "{error}");
    let error = call.encode(&runtime_with(b"placeholder1", b"pla_eholder1")).unwrap_err();
    assert!(error.to_string().contains("it wants `pla_eholder1`"), "{error}");
}

#[test]
fn no_era_begins_before_the_chain() {
    let runtime = runtime(RUNTIMES[2]);
    let call = Call::BurnedRegister { netuid: Netuid(1), hotkey: AccountId([7; 32]) };
    assert_eq!(sign(&runtime, &call, &alice(), &terms(0, 62)), Err(TransactionError::Era(62)));
    assert_eq!((birth_block(63), birth_block(62)), (Some(0), None));
    assert_eq!(birth_block(last_block(1_000)), Some(1_000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Weights of any length and any nonce and block come back as they were.
    #[test]
    fn any_weights_come_back(
        weights in prop::collection::btree_map(any::<u16>(), 1u16.., 1..300),
        nonce in any::<u32>(),
        last_block in 63u64..1 << 32,
        which in 0..RUNTIMES.len(),
    ) {
        let runtime = runtime(RUNTIMES[which]);
        let entries: Vec<_> = weights.iter().map(|(uid, weight)| (Uid(*uid), *weight)).collect();
        let weights_of = WeightVector::new(entries).unwrap();
        let setting = WeightSetting::Plain { weights: weights_of.clone(), version_key: u64::MAX };
        let call = Call::Weights { netuid: Netuid(1), setting: &setting };
        let signed = sign(&runtime, &call, &alice(), &terms(nonce, last_block)).unwrap();
        let read = read(&runtime, &signed.bytes);
        let shown = |values: Vec<u16>| {
            let values = values.into_iter().map(|value| Value::Uint(value.into())).collect();
            format!("{:?}", Value::List(values))
        };
        let of = |name: &str| &read.arguments.iter().find(|(found, _)| found == name).unwrap().1;
        let (uids, values) = weights_of.entries().iter().map(|(uid, weight)| (uid.0, *weight)).unzip();
        prop_assert_eq!(of("dests"), &shown(uids));
        prop_assert_eq!(of("weights"), &shown(values));
        prop_assert_eq!(of("version_key"), "Uint(18446744073709551615)");
        let era = &read.extensions.iter().find(|(name, _)| name == "CheckMortality").unwrap().1;
        let era = u16::from_le_bytes([era[0], era[1]]);
        prop_assert_eq!((era & 0xf, u64::from(era >> 4)), (5, (last_block - 63) % 64));
    }
}
