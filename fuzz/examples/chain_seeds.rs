//! Writes the seeds that need a chain: transactions, answers and requests of the small dev chains.
//! Run it after the dev chain changes: `cargo run --manifest-path fuzz/Cargo.toml --example
//! chain_seeds`. Files named finding-* are inputs that once failed; they are left alone.

use std::path::Path;

use serde_json::{Value, json};
use sn1::chain::decode::{Read, SnapshotPlan, WeightTermsPlan};
use sn1::chain::transaction::Call;
use sn1::chain::{AxonInfo, Netuid, Uid, WeightSetting, WeightVector};
use sn1::devchain::rpc::{hex, methods};
use sn1_fuzz::dev_node::{Kept, NODES, keypair};

const NETUID: Netuid = Netuid(1);

fn write(target: &str, name: &str, parts: &[&[u8]]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    std::fs::create_dir_all(&folder).expect("a folder for seeds");
    std::fs::write(folder.join(name), parts.concat()).expect("a seed");
}

fn main() {
    for (at, kept) in NODES.iter().enumerate() {
        let at = u8::try_from(at).expect("two chains");
        transactions(at, kept);
        answers(at, kept);
        requests(at, kept);
    }
}

/// Each kind signed by its key, and as a call to be signed.
fn transactions(at: u8, kept: &Kept) {
    let weights = WeightVector::new(vec![(Uid(0), u16::MAX), (Uid(1), 9)]).expect("two weights");
    let plain = WeightSetting::Plain { weights, version_key: 7 };
    let sealed = WeightSetting::Sealed { commit: vec![7; 200], reveal_round: 99, version: 4 };
    let axon = AxonInfo { ip: 0x0102_0304, port: 8091, ip_type: 4, ..AxonInfo::default() };
    let calls = [
        ("register", 4, Call::BurnedRegister { netuid: NETUID, hotkey: keypair(13).account_id() }),
        ("serve", 5, Call::ServeAxon { netuid: NETUID, axon: &axon }),
        ("weights", 4, Call::Weights { netuid: NETUID, setting: &plain }),
        ("sealed", 4, Call::Weights { netuid: NETUID, setting: &sealed }),
    ];
    for (name, signer, call) in calls {
        let call = call.encode(kept.runtime).expect("the runtime has it");
        let flags = 2 * at;
        let file = format!("{name}-{at}");
        write("signed_extrinsics", &format!("{file}-call"), &[&[flags | 1, signer, 0], &call]);
        let signer = [1, 2, 3, 4, 11, 12, 77][usize::from(signer)];
        let nonce = kept.node.next_nonce(&keypair(signer).account_id());
        write("signed_extrinsics", &file, &[&[flags], &kept.signed(signer, nonce, &call)]);
    }
}

fn ask(kept: &Kept, read: &Read) -> Option<Vec<u8>> {
    match read {
        Read::Call { function, arguments } => {
            Some(kept.node.call(function, arguments, None).expect("the API answers"))
        }
        Read::Storage { key } => kept.node.storage(key, None).expect("the state is there"),
    }
}

/// Answers behind their lengths.
fn joined(kept: &Kept, reads: &[Read]) -> Vec<u8> {
    let piece = |read| match ask(kept, read) {
        None => u16::MAX.to_le_bytes().to_vec(),
        Some(answer) => {
            let len = u16::try_from(answer.len()).expect("a short answer");
            [&len.to_le_bytes()[..], &answer].concat()
        }
    };
    reads.iter().flat_map(piece).collect()
}

fn answers(at: u8, kept: &Kept) {
    let runtime = kept.runtime;
    let plan = SnapshotPlan::choose(runtime).expect("a metagraph API");
    let reads = plan.reads(runtime, NETUID).expect("questions");
    write("scale_answers", &format!("snapshot-{at}"), &[&[0, 0], &joined(kept, &reads)]);
    let plan = WeightTermsPlan::choose(runtime).expect("a stake API");
    let hotkey = keypair(11).account_id();
    let reads = plan.reads(runtime, NETUID, &hotkey).expect("questions");
    write("scale_answers", &format!("terms-{at}"), &[&[1, 0], &joined(kept, &reads)]);
    let events = ask(kept, &runtime.events().expect("events")).expect("the block has some");
    write("scale_answers", &format!("events-{at}"), &[&[4, 0, 1], &events]);
    for place in 0..60_u16 {
        let zeros = [0; 40];
        write("scale_answers", &format!("api-{place}"), &[&[3, 0], &place.to_le_bytes(), &zeros]);
    }
    for place in (0..400_u16).step_by(7) {
        let parts: [&[u8]; 3] = [&[2, 0], &place.to_le_bytes(), &[4; 24]];
        write("scale_answers", &format!("storage-{place}"), &parts);
    }
    let commit: [&[u8]; 5] = [&[5, 0], &hotkey.0, &[4], &hotkey.0, &[9; 60]];
    write("scale_answers", "commits", &commit);
    write("scale_answers", "metadata", &[&[6, 0, 1, 40], b"meta\x0f\0\0\0\0\0"]);
    for place in [5_u32, 900, 70_000, 140_000] {
        let parts: [&[u8]; 3] = [&[7, 0], &place.to_le_bytes()[..3], &[8]];
        write("scale_answers", &format!("edited-{place}"), &parts);
    }
}

/// One request for each method, one batch, and what a node answers to it.
fn requests(at: u8, kept: &Kept) {
    let alice = keypair(1).account_id().to_ss58();
    let events = kept.runtime.events().expect("events");
    let Read::Storage { key } = events else { panic!("events are stored") };
    let hash = json!(kept.node.best().hash);
    let side = [1 | (2 * at)];
    for (name, _) in methods::METHODS {
        let params = match name {
            "account_nextIndex" | "system_accountNextIndex" => json!([alice]),
            "author_submitExtrinsic" | "payment_queryInfo" => json!(["0x0484"]),
            "chain_getBlockHash" => json!([[0, "0x1", 2]]),
            "chain_getHead" => json!([]),
            "state_call" | "state_callAt" => json!(["Core_version", "0x", hash]),
            "state_queryStorageAt" => json!([[hex(&key)], hash]),
            _ if name.starts_with("state_getKeysPaged") => json!([hex(&key[..16]), 3, null, hash]),
            _ if name.starts_with("state_getKeys") => json!([hex(&key[..16]), hash]),
            _ if name.starts_with("state_getStorage") => json!({ "key": hex(&key), "hash": hash }),
            _ => json!([hash]),
        };
        let text = request(name, &params).to_string();
        write("rpc_frames", &format!("{name}-{at}"), &[&side, text.as_bytes()]);
    }
    let apis = ["NeuronInfoRuntimeApi_get_neurons_lite", "SubnetInfoRuntimeApi_get_subnet_state"];
    for (place, api) in apis.into_iter().enumerate() {
        let text = request("state_call", &json!([api, "0x0100"])).to_string();
        write("rpc_frames", &format!("api-{place}-{at}"), &[&side, text.as_bytes()]);
    }
    let batch = json!([request("system_chain", &json!([])), 3, {"jsonrpc": "2.0", "method": "a"}]);
    write("rpc_frames", &format!("batch-{at}"), &[&side, batch.to_string().as_bytes()]);
    let told = [
        json!({"jsonrpc": "2.0", "id": 1, "result": "0x00"}),
        json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 1010, "message": "m", "data": "d"}}),
        json!({"jsonrpc": "2.0", "method": "n", "params": {"subscription": "a", "result": {}}}),
        json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "Parse error"}}),
    ];
    for (place, message) in told.into_iter().enumerate() {
        let text = message.to_string();
        write("rpc_frames", &format!("told-{place}"), &[&[0], text.as_bytes()]);
    }
}

fn request(method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}
