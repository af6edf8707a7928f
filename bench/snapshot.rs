//! CPU time from a node's answer to a shared snapshot of the subnet, on recorded mainnet answers:
//! 1,024 neurons of subnet 1. Run with `cargo bench --bench snapshot`.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use sn1::chain::decode::{Runtime, SnapshotPlan};
use sn1::chain::{Hash, Head, Netuid};

const ROUNDS: usize = 200;

fn recorded(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/chain/recorded");
    std::fs::read(folder.join(name)).unwrap()
}

fn measure<T>(what: &str, mut work: impl FnMut() -> T) {
    let time = |_| {
        let start = Instant::now();
        std::hint::black_box(work());
        start.elapsed()
    };
    let mut times: Vec<Duration> = (0..ROUNDS).map(time).collect();
    times.sort();
    let (median, worst) = (times[ROUNDS / 2], times[ROUNDS - 1]);
    println!("{what:<40} median {median:>10.2?}   worst of {ROUNDS} {worst:>10.2?}");
}

fn main() {
    let metadata = recorded("metadata/finney_343_v15.scale");
    measure("metadata, once a runtime", || Runtime::new(343, &metadata).unwrap());
    let runtime = Runtime::new(343, &metadata).unwrap();
    let plan = SnapshotPlan::choose(&runtime).unwrap();
    let graph = recorded("metagraph_sn1_block_6852690/get_selective_mechagraph.scale");
    let reply = format!(r#"{{"jsonrpc":"2.0","id":1,"result":"0x{}"}}"#, hex::encode(&graph));
    let head = Head { number: 6_852_690, hash: Hash::default() };
    measure("snapshot of 1,024 neurons", || {
        let reply: Value = serde_json::from_str(&reply).unwrap();
        let graph = hex::decode(&reply["result"].as_str().unwrap()[2..]).unwrap();
        let answers = [Some(graph), None, None];
        Arc::new(plan.decode(&runtime, Netuid(1), head, &answers).unwrap())
    });
}
