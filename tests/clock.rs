//! `sn1 miner` on a machine whose clock is wrong: it serves whoever is right, and says what is wrong.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the tests of the chain itself use more of it")]
#[path = "devchain/process.rs"]
mod process;

#[expect(dead_code, reason = "the test of a whole subnet uses more of it")]
#[path = "roles/node.rs"]
mod node;

#[path = "support/programs.rs"]
mod programs;

use std::path::PathBuf;
use std::time::Instant;

use node::{Home, NETUID, Node, client, key, metric, page, register, until};
use process::{DevChain, SOON};
use programs::program;
use sn1::chain::{Chain, Uid};

/// A fast chain that lets neurons serve on this machine.
const QUICK: [&str; 5] =
    ["--block-time", "100ms", "--allow-loopback-axons", "--serving-rate-limit", "0"];

/// The library that shifts a program's clock; `None`, with a message, when the test is skipped.
fn library() -> Option<PathBuf> {
    program("faketime", "faketime")?;
    let folders = std::fs::read_dir("/usr/lib").unwrap().filter_map(Result::ok);
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    Some(found.find(|path| path.is_file()).unwrap())
}

/// Whether this uid answers a question of `//Charlie`.
fn is_answered(home: &Home, chain: &DevChain, uid: Uid) -> bool {
    let (uid, message) = (uid.to_string(), "What time is it?");
    let asked = ["query", "--uids", &uid, "--message", message, "--wallet.uri", "//Charlie"];
    let mut command = home.command(&asked);
    let output = command.args(["--json", "--subtensor.chain_endpoint", chain.url()]).output();
    output.unwrap().status.success()
}

#[tokio::test]
async fn a_miner_whose_clock_is_wrong_serves_and_says_so() {
    let Some(library) = library() else { return };
    let chain = DevChain::start(&QUICK);
    let home = Home::of("//Bob");
    let client = client(&chain);
    register(&client, "//Bob").await;
    register(&client, "//Charlie").await;
    let uid = client.metagraph(NETUID).await.unwrap();
    let uid = uid.neuron_of(&key("//Bob").account_id()).unwrap().uid;
    for (shift, words, sign) in
        [("-8", "s behind the chain's blocks", -1.0), ("+20", "s ahead of the chain's blocks", 1.0)]
    {
        let mut command = home.miner(chain.url());
        command.arg("--logging.debug");
        command.env("LD_PRELOAD", &library).env("FAKETIME", shift);
        // Only the time of day is wrong; the kernel's own timers are never.
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        let mut miner = Node::start(&mut command);
        let pages = miner.pages();
        miner.line_with("the chain shows us at");
        let seen = until(pages, "/readyz", |reply| reply.contains("clock: waiting"));
        assert!(seen.contains(words), "{seen}");
        let offset = metric(&page(pages, "/metrics"), "sn1_node_clock_offset_seconds");
        assert!(offset * sign > 3.0, "{shift}: {offset}");
        // The caller's clock is right. Whoever called before the miner began is not served, and by
        // a clock that is ahead it takes as long as it is ahead until nobody can have.
        let began = Instant::now();
        while !is_answered(&home, &chain, uid) {
            assert!(began.elapsed() < SOON, "{shift}");
        }
        assert!(miner.error_with(words).contains("WARN"));
        // Each request has its line.
        let line = miner.error_with("outcome=\"complete\"");
        assert!(line.contains("step=\"answer\"") && line.contains("uid="), "{line}");
        assert_eq!(miner.terminate(), Some(0));
    }
}
