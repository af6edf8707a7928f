//! `sn1 miner` and `sn1 validator`, the real binary against `sn1 devchain`: what is refused and
//! how, and that a miner serves, appears on the chain, survives the chain's faults and stops in
//! order.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the tests of the chain itself use more of it")]
#[path = "devchain/process.rs"]
mod process;

#[path = "roles/limiter.rs"]
mod limiter;

#[expect(dead_code, reason = "the test of a whole subnet uses more of it")]
#[path = "roles/node.rs"]
mod node;

#[path = "roles/alive.rs"]
mod alive;

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::Duration;

use limiter::{Answers, Limiter};
use node::{Home, NETUID, Node, client, is_ready, key, metric, page, query, register, said, until};
use process::{DevChain, sn1};
use serde_json::json;
use sn1::chain::Chain;
use sn1::synapse::SDK_VERSION;
use sn1::telemetry::{ALL, INFERENCE_REQUESTS, Kind, Metric};

/// Which counters a role has, by how their names begin.
const OF_A_MINER: [&str; 4] = ["sn1_actor_", "sn1_task_", "sn1_chain_", "sn1_axon_"];
const OF_A_VALIDATOR: [&str; 6] = [
    "sn1_actor_",
    "sn1_chain_",
    "sn1_weights_",
    "sn1_conversation_",
    "sn1_dendrite_",
    "sn1_events_",
];

/// A fast chain that lets neurons serve on this machine.
const QUICK: [&str; 5] =
    ["--block-time", "100ms", "--allow-loopback-axons", "--serving-rate-limit", "0"];

/// Runs the command to its end; it must exit with this code and print these words.
fn refused(command: &mut Command, code: i32, words: &[&str]) {
    let output = command.output().unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "no `{word}` in: {said}");
    }
}

#[tokio::test]
async fn a_registered_miner_serves_and_is_found_on_the_chain() {
    let chain = DevChain::start(&QUICK);
    let home = Home::of("//Bob");
    let hotkey = key("//Bob").account_id();
    let network = format!("--network {} ", chain.url());
    let words = ["is not registered on subnet 1", "register", &network, &hotkey.to_string()];
    // The first endpoint does not answer.
    let both = format!("ws://127.0.0.1:1,{}", chain.url());
    refused(&mut home.miner(&both), 67, &words);

    let client = client(&chain);
    register(&client, "//Bob").await;
    register(&client, "//Charlie").await;
    let mut miner = Node::start(&mut home.miner(chain.url()));
    let pages = miner.pages();
    let line = miner.line_with("axon on");
    let (_, address) = line.split_once("published as ").unwrap();
    let address: SocketAddr = address.parse().unwrap();
    miner.line_with(&format!("the chain shows us at {address}"));
    let known = client.metagraph(NETUID).await.unwrap();
    let neuron = known.neuron_of(&hotkey).unwrap();
    assert_eq!(neuron.axon.socket_address(), Some(address));
    assert_eq!((neuron.axon.version, neuron.axon.ip_type), (SDK_VERSION, 4));
    until(pages, "/readyz", is_ready);
    let answer = query(&home, &chain, neuron.uid.0, "Who built the fort?");
    assert!(answer.to_string().contains("Who built the fort?"), "{answer}");

    // The folder belongs to this node for as long as it runs.
    refused(&mut home.miner(chain.url()), 73, &["another node"]);
    assert_eq!(miner.terminate(), Some(0));
}

/// `increase()` sees a first event only if the series was there before it.
fn counts_from_the_start(page: &str, of_role: &[&str]) {
    let is_counter = |metric: &&Metric| metric.kind == Kind::Counter;
    let of_role = |metric: &&Metric| {
        let has_pool = page.contains("actor=\"InferencePool\"");
        of_role.iter().any(|start| metric.name.starts_with(start))
            || (has_pool && metric.name == INFERENCE_REQUESTS.name)
    };
    for metric in ALL.iter().filter(is_counter).filter(of_role) {
        let closed = metric.labels.iter().filter(|label| label.values.closed().next().is_some());
        for label in closed.clone() {
            for value in label.values.closed() {
                let part = format!("{}=\"{value}\"", label.name);
                let is_it = |line: &str| line.starts_with(metric.name) && line.contains(&part);
                assert!(page.lines().any(is_it), "no {}{{{part}}}", metric.name);
            }
        }
        let is_it = |line: &str| line.starts_with(metric.name);
        assert!(page.lines().any(is_it), "no {}", metric.name);
    }
}

#[tokio::test]
async fn every_counter_of_a_role_is_there_from_the_start() {
    let chain = DevChain::start(&QUICK);
    let (miner, validator) = (Home::of("//Bob"), Home::of("//Charlie"));
    let client = client(&chain);
    register(&client, "//Bob").await;
    register(&client, "//Charlie").await;
    let miner = Node::start(&mut miner.miner(chain.url()));
    let mut command = validator.node("validator", chain.url());
    command.args(["--neuron.tasks", "math", "--neuron.task_p", "1", "--neuron.axon_off"]);
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/../models");
    command.args(["--models.folder", models]);
    let validator = Node::start(&mut command);
    for (mut node, of_role) in [(miner, &OF_A_MINER[..]), (validator, &OF_A_VALIDATOR)] {
        let pages = node.pages();
        // The last part to start is that of the conversations, or the publisher of an axon.
        until(pages, "/metrics", |page| {
            page.contains("sn1_axon_records") || page.contains("sn1_conversation_t")
        });
        counts_from_the_start(&page(pages, "/metrics"), of_role);
        assert_eq!(node.terminate(), Some(0));
    }
}

#[tokio::test]
async fn a_miner_outlives_lost_connections_and_a_runtime_upgrade() {
    let chain = DevChain::start(&QUICK);
    let home = Home::of("//Bob");
    let client = client(&chain);
    register(&client, "//Bob").await;
    register(&client, "//Charlie").await;
    let mut miner = Node::start(&mut home.miner(chain.url()));
    let pages = miner.pages();
    miner.line_with("the chain shows us at");
    until(pages, "/readyz", is_ready);
    let spec = metric(&page(pages, "/metrics"), "sn1_chain_spec_version");
    chain.ask("dev_drop_connections", json!([]));
    until(pages, "/metrics", |reply| metric(reply, "sn1_chain_connections_lost_total") >= 1.0);
    chain.ask("dev_upgrade", json!(["stateful"]));
    let changed = |reply: &str| metric(reply, "sn1_chain_spec_version") > spec;
    let upgraded = until(pages, "/metrics", changed);
    let block = metric(&upgraded, "sn1_metagraph_block");
    until(pages, "/metrics", |reply| metric(reply, "sn1_metagraph_block") > block + 3.0);
    until(pages, "/readyz", is_ready);
    let uid = client.metagraph(NETUID).await.unwrap();
    let uid = uid.neuron_of(&key("//Bob").account_id()).unwrap().uid;
    let answer = query(&home, &chain, uid.0, "still there?");
    assert!(answer.to_string().contains("still there?"), "{answer}");
    assert_eq!(miner.terminate(), Some(0));
}

/// The chain starts after the node, goes away while it runs, and comes back.
#[tokio::test]
async fn a_chain_that_is_late_or_away_is_waited_for() {
    let home = Home::of("//Bob");
    let file = home.path().join("chain.sqlite").display().to_string();
    let start = |port: &str| {
        let state = ["devchain", "--port", port, "--state-file", &file];
        DevChain::adopt(sn1(&state).args(QUICK).spawn().unwrap())
    };
    let chain = start("0");
    register(&client(&chain), "//Bob").await;
    let url = chain.url().to_owned();
    let port = url.rsplit(':').next().unwrap();
    chain.kill();

    let mut miner = Node::start(home.miner(&url).args(["--subtensor.retry_forever"]));
    miner.errors_until("the chain does not answer yet");
    let chain = start(port);
    let pages = miner.pages();
    until(pages, "/readyz", is_ready);
    let lost = metric(&page(pages, "/metrics"), "sn1_chain_connections_lost_total");
    assert!(lost < 1.0, "a chain that is late is no lost node");

    chain.kill();
    let away = until(pages, "/readyz", |reply| {
        ["chain: waiting: no node of the chain has answered", "metagraph: waiting: read"]
            .iter()
            .all(|line| reply.contains(line))
    });
    assert!(away.contains("registration: ready"), "{away}");
    // It was tried again by now.
    until(pages, "/readyz", |reply| reply.contains("Connection refused"));
    let _chain = start(port);
    until(pages, "/readyz", is_ready);
    let said = miner.errors_until("the chain is back");
    let about = said.iter().filter(|line| line.contains("WARN")).collect::<Vec<_>>();
    assert_eq!(about.len(), 1, "one line tells of the outage: {said:#?}");
    assert!(about[0].contains("trying it again"), "there is no next node: {}", about[0]);
    let lost = metric(&page(pages, "/metrics"), "sn1_chain_connections_lost_total");
    assert!((lost - 1.0).abs() < 0.5, "{lost} nodes lost");
    assert_eq!(miner.terminate(), Some(0));
}

/// A provider that limits its callers, and one that takes transactions but tells no news of them.
#[tokio::test]
async fn a_miner_serves_behind_a_provider_that_limits_or_lacks_something() {
    let chain = DevChain::start(&QUICK);
    register(&client(&chain), "//Bob").await;
    let lacks = Answers::Lacks("author_submitAndWatchExtrinsic");
    for answers in [Answers::Limit(6), Answers::Limit(40), lacks] {
        // Another home each time: the port is another one, so that the address is published anew.
        let (home, provider) = (Home::of("//Bob"), Limiter::start(chain.url(), answers));
        let mut miner = Node::start(&mut home.miner(&provider.url));
        let pages = miner.pages();
        miner.line_with("the chain shows us at");
        until(pages, "/readyz", is_ready);
        let n_answered = provider.n_answered();
        until(pages, "/readyz", |reply| {
            is_ready(reply) && provider.n_answered() > n_answered
                || matches!(answers, Answers::Lacks(_))
        });
        let lost = metric(&page(pages, "/metrics"), "sn1_chain_connections_lost_total");
        assert!(lost < 1.0, "{answers:?}: {lost} nodes lost");
        // One for the checks at the start, and one for the tree.
        assert_eq!(provider.n_connections(), 2, "{answers:?}");
        assert!(provider.n_answered() > 0, "{answers:?}");
        assert_eq!(miner.terminate(), Some(0));
    }
}

/// Counts the lines of a chain's absence of three minutes: a measurement, see BENCHMARKS.md.
#[ignore = "it takes three minutes"]
#[tokio::test]
async fn lines_of_an_outage() {
    const OUTAGE: Duration = Duration::from_secs(180);
    let (chain, home) = (DevChain::start(&QUICK), Home::of("//Bob"));
    register(&client(&chain), "//Bob").await;
    let mut miner = Node::start(&mut home.miner(chain.url()));
    let pages = miner.pages();
    until(pages, "/readyz", is_ready);
    chain.kill();
    std::thread::sleep(OUTAGE);
    let tries = metric(&page(pages, "/metrics"), "sn1_chain_errors_total");
    let said = miner.said_so_far();
    let lines: Vec<_> = said.iter().skip_while(|line| !line.contains("lost the chain")).collect();
    println!(
        "{} lines in {} s, {tries} failed questions: {lines:#?}",
        lines.len(),
        OUTAGE.as_secs()
    );
    assert!(lines.len() <= 4, "one when it goes, and one a minute");
}

/// The chain limits how often an address changes, and refuses loopback addresses as a real one does.
#[tokio::test]
async fn an_address_that_is_not_published_yet_says_until_when_and_why() {
    let chain = DevChain::start(&["--block-time", "100ms", "--serving-rate-limit", "30"]);
    let home = Home::of("//Bob");
    register(&client(&chain), "//Bob").await;
    let mut refused = Node::start(&mut home.miner(chain.url()));
    let said = refused.errors_until("record not published");
    let last = said.last().unwrap();
    assert!(last.contains("--axon.external_ip") && last.contains("127.0.0.2"), "{last}");
    let pages = refused.pages();
    until(pages, "/readyz", |reply| reply.contains("address: waiting: 127.0.0.1:"));
    assert_eq!(refused.terminate(), Some(0));

    let unheard = ["--axon.external_ip", "2a01::9"];
    let words = ["listens on 0.0.0.0", "--axon.ip"];
    self::refused(home.miner(chain.url()).args(unheard), 64, &words);
    let miner = |ip: &str| Node::start(home.miner(chain.url()).args(["--axon.external_ip", ip]));
    let mut first = miner("127.0.0.2");
    first.line_with("published as 127.0.0.2:");
    first.line_with("the chain shows us at 127.0.0.2:");
    assert_eq!(first.terminate(), Some(0));
    let mut second = miner("127.0.0.3");
    let pages = second.pages();
    second.line_with("which waits until block");
    until(pages, "/readyz", |reply| {
        reply.contains("address: waiting: 127.0.0.3:") && reply.contains("waits until block")
    });
    second.line_with("the chain shows us at 127.0.0.3:");
    until(pages, "/readyz", |reply| reply.contains("address: ready"));
    assert_eq!(second.terminate(), Some(0));
}

#[test]
fn what_cannot_start_says_why() {
    let chain = DevChain::start(&QUICK);
    let home = Home::of("//Bob");
    let url = chain.url();
    let taken = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    std::fs::write(home.path().join("node.toml"), "[neuron]\ntemprature = 0.5\n").unwrap();
    let table: [(&[&str], i32, &[&str]); 9] = [
        (&["--netuid", "9"], 68, &["subnet 9"]),
        (
            &["--subtensor.chain_endpoint", "ws://127.0.0.1:1", "--subtensor.connect_within", "0s"],
            69,
            &["--subtensor.chain_endpoint"],
        ),
        (&["--axon.port", &port], 69, &["--axon.port"]),
        (&["--wallet.hotkey", "other"], 66, &["hotkeys/other"]),
        (
            &["--config", "node.toml"],
            64,
            &["neuron.temprature", "`neuron.temperature`", "node.toml"],
        ),
        (&["--neuron.temprature", "1"], 64, &["--neuron.temperature"]),
        (&["--neuron.miner", "parrot"], 64, &["`parrot`", "the flag --miner", "echo"]),
        (&["--axon.external_ip", "here"], 64, &["axon.external_ip"]),
        (&["--telemetry.publish"], 64, &["--telemetry.ip"]),
    ];
    let endpoints = format!("ws://127.0.0.1:1,{url}");
    let nodes = ["query", "--uids", "0", "--netuid", "9", "--subtensor.chain_endpoint", &endpoints];
    let asked = ["--message", "x", "--wallet.uri", "//Alice"];
    refused(&mut home.command(&[&nodes[..], &asked].concat()), 68, &["subnet 9"]);
    for (flags, code, words) in table {
        let mut command = home.command(&["miner", "--miner", "echo", "--telemetry.port", "0"]);
        command.args(["--wallet.name", "me"]);
        let defaults =
            [("--wallet.hotkey", "h"), ("--axon.port", "0"), ("--subtensor.chain_endpoint", url)];
        for (flag, value) in defaults {
            if !flags.contains(&flag) {
                command.args([flag, value]);
            }
        }
        refused(command.args(flags), code, words);
    }
    let mut misspelt = home.miner(url);
    refused(misspelt.env("SN1_WALLET__NMAE", "me"), 64, &["wallet.nmae", "`wallet.name`"]);
}

#[test]
fn an_unencrypted_coldkey_is_refused_before_anything_else() {
    let home = Home::of("//Bob");
    let new = ["wallet", "new", "--wallet.name", "bare", "--wallet.hotkey", "h", "--no-password"];
    let output = home.with_input(&new, "");
    assert!(output.status.success(), "{}", said(&output));
    let mut command = home.command(&["miner", "--miner", "echo", "--wallet.name", "bare"]);
    command.args(["--wallet.hotkey", "h", "--axon.port", "0", "--telemetry.port", "0"]);
    let endpoint = ["--subtensor.chain_endpoint", "ws://127.0.0.1:1"];
    refused(command.args(endpoint), 77, &["coldkey without a password"]);
}

#[test]
fn nothing_is_broken_on_purpose_on_the_main_network() {
    let home = Home::of("//Bob");
    let finney = ["miner", "--miner", "echo", "--subtensor.network", "finney", "--axon.port", "0"];
    let mut faulty = home.command(&finney);
    refused(faulty.args(["--fault.panic", "ChainLink@1"]), 64, &["main network"]);
    let mut armed = home.command(&finney);
    refused(armed.env("SN1_FAILPOINT", "after_sign:1"), 64, &["main network"]);
}

#[test]
fn a_device_is_named_by_its_kind() {
    let home = Home::of("//Bob");
    let mut command = home.command(&["validator", "--neuron.device", "abacus"]);
    refused(&mut command, 64, &["neuron.device", "cpu or cuda"]);
}

#[test]
fn a_validator_publishes_a_port_that_is_named() {
    let home = Home::of("//Bob");
    let mut command = home.command(&["validator", "--axon.port", "0"]);
    refused(&mut command, 64, &["--axon.port", "--axon.off"]);
}

#[cfg(not(feature = "libtorch"))]
#[test]
fn a_build_without_models_names_the_choices() {
    let home = Home::of("//Bob");
    refused(&mut home.command(&["miner", "--axon.port", "0"]), 69, &["--miner echo"]);
    refused(&mut home.command(&["validator"]), 69, &["libtorch", "--neuron.tasks math"]);
}
