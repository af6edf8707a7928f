//! A subnet of two implementations: `sn1 devchain`, a miner of the official Python SDK that
//! registers itself and publishes its axon, and `sn1 validator`, which finds it on the chain, asks
//! it, scores its answers and seals weights for it. It passes with a line that says `skipped` when
//! the SDK is not installed (`make sdk`).

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the tests of the axon and the dendrite use more of it")]
#[path = "interop/sdk.rs"]
mod interop;
#[expect(dead_code, reason = "the tests of miners use more of it")]
#[path = "roles/node.rs"]
mod node;
#[expect(dead_code, reason = "the tests of the chain itself use more of it")]
#[path = "devchain/process.rs"]
mod process;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use interop::{Peer, Sdk, root};
use node::{Home, NETUID, Node, client, is_ready, key, metric, query, register, until};
use process::{DevChain, SOON};
use serde::Deserialize;
use sn1::chain::{Chain, RevealOutcome, Uid};
use sn1::store::{MinerTally, Store};
use sn1::wallet::AccountId;
use sn1_actors::chain::subtensor::Subtensor;

const VALIDATOR: &str = "//Validator";
const RAO_PER_TAO: u64 = 1_000_000_000;
/// Blocks between two weight settings.
const EPOCH_LENGTH: &str = "8";
/// A fast chain that takes only sealed weights, as the main network's subnets do.
const CHAIN: [&str; 13] = [
    "--block-time",
    "200ms",
    "--allow-loopback-axons",
    "--serving-rate-limit",
    "0",
    "--weights-rate-limit",
    "0",
    "--commit-reveal",
    "on",
    "--tempo",
    "10",
    "--generation",
    "stateful",
];

/// The Python miner's first line: its place on the chain.
#[derive(Deserialize)]
struct Served {
    uid: u16,
    hotkey: String,
    port: u16,
}

/// The Python miner's line about a question.
#[derive(Deserialize)]
struct Told {
    caller: String,
    question: String,
    answer: String,
}

/// Adds enough stake for a permit.
async fn stake(client: &Subtensor) {
    let (coldkey, hotkey) = (key("//Alice"), key(VALIDATOR).account_id());
    client.add_stake(&coldkey, NETUID, hotkey, 1000 * RAO_PER_TAO).await.unwrap();
}

/// The command that starts a validator; without a language model it makes only mathematics tasks.
fn validator(home: &Home, chain: &DevChain, epoch_length: &str) -> Command {
    let mut command = home.node("validator", chain.url());
    command.args(["--neuron.tasks", "math", "--neuron.task_p", "1", "--neuron.timeout", "5"]);
    command.args(["--neuron.epoch_length", epoch_length, "--state.folder"]).arg(state(home));
    command.arg("--models.folder").arg(root().join("models"));
    command
}

fn state(home: &Home) -> PathBuf {
    home.path().join("state")
}

/// Waits until the weights of that neuron on the chain are for this miner alone.
async fn until_weights_are_for(miner: Uid, client: &Subtensor, validator: Uid) {
    let deadline = Instant::now() + SOON;
    loop {
        let weights = client.weights(NETUID, validator).await.unwrap();
        if weights == [(miner, u16::MAX)] {
            return;
        }
        assert!(Instant::now() < deadline, "the chain's weights are {weights:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The uid of this hotkey on the chain, and the address of its axon.
async fn place(client: &Subtensor, hotkey: &AccountId) -> (Uid, Option<SocketAddr>) {
    let known = client.metagraph(NETUID).await.unwrap();
    let neuron = known.neuron_of(hotkey).unwrap();
    (neuron.uid, neuron.axon.socket_address())
}

#[tokio::test]
async fn a_python_miner_that_registers_itself_is_asked_scored_and_given_weight() {
    let Some(sdk) = Sdk::find("10.5.0") else { return };
    let chain = DevChain::start(&CHAIN);
    let client = client(&chain);
    register(&client, VALIDATOR).await;
    stake(&client).await;
    let home = Home::of(VALIDATOR);
    let python = Peer::start(&sdk, "tests/subnet/miner.py", &["--url", chain.url()]);
    let served: Served = python.line();
    let miner: AccountId = served.hotkey.parse().unwrap();
    let serves_at = SocketAddr::from((Ipv4Addr::LOCALHOST, served.port));
    assert_eq!(place(&client, &miner).await, (Uid(served.uid), Some(serves_at)));

    let mut first_life = Node::start(&mut validator(&home, &chain, EPOCH_LENGTH));
    let pages = first_life.pages();
    first_life.line_with("weights of");
    until(pages, "/readyz", is_ready);
    until(pages, "/metrics", |page| {
        metric(page, "sn1_weights_commits_total{outcome=\"landed\"") > 0.0
    });
    first_life.kill();

    // The second life continues where the first one ended.
    let mut second_life = Node::start(&mut validator(&home, &chain, EPOCH_LENGTH));
    let pages = second_life.pages();
    second_life.line_with("weights of");
    let (own, _) = place(&client, &key(VALIDATOR).account_id()).await;
    until_weights_are_for(Uid(served.uid), &client, own).await;
    let answered = "sn1_dendrite_responses_total{status=\"200\"}";
    let page = until(pages, "/metrics", |page| {
        metric(page, "sn1_weights_reveals_total{outcome=\"revealed\"}") > 0.0
            && metric(page, "sn1_conversation_reward_sum") > 0.0
    });
    assert!(metric(&page, answered) > 0.0, "{page}");
    assert_eq!(metric(&page, "sn1_neuron_validator_permit"), 1.0);
    assert_eq!(second_life.terminate(), Some(0));

    let told: Told = python.line();
    assert_eq!(told.caller, key(VALIDATOR).account_id().to_ss58());
    assert!(!told.question.is_empty() && told.answer.starts_with("I make that"), "{}", told.answer);
    check_what_was_kept(&home, &miner);

    // Every neuron of the subnet may ask it.
    register(&client, "//Charlie").await;
    let answer = query(&home, &chain, served.uid, "What is 17 + 4?").to_string();
    assert!(answer.contains("I make that 21."), "{answer}");
}

#[tokio::test]
async fn a_validator_without_a_permit_says_so_before_any_window_opens() {
    let chain = DevChain::start(&CHAIN);
    let client = client(&chain);
    register(&client, VALIDATOR).await;
    let home = Home::of(VALIDATOR);
    let mut node = Node::start(&mut validator(&home, &chain, "100000"));
    let pages = node.pages();
    until(pages, "/readyz", |page| page.contains("weights: waiting: the hotkey has no validator"));
    stake(&client).await;
    until(pages, "/readyz", is_ready);
    assert_eq!(node.terminate(), Some(0));
}

/// Checks turns and journal after both lives.
fn check_what_was_kept(home: &Home, miner: &AccountId) {
    let store = Store::open(&state(home).join("validator.sqlite")).unwrap();
    let tallies = store.miner_tallies().unwrap();
    let [MinerTally { hotkey, requests, mean_reward, by_status }] = &tallies[..] else {
        panic!("somebody else was asked: {tallies:?}")
    };
    assert_eq!(hotkey, miner);
    assert!(*mean_reward > 0.0 && by_status["200"] > 0, "{tallies:?}");
    assert_eq!(by_status.values().sum::<u64>(), *requests);
    let commits = store.commits().unwrap();
    let landed: Vec<u64> = commits.iter().filter_map(|commit| commit.landed()).collect();
    assert!(landed.len() >= 2, "{commits:?}");
    let epoch_length: u64 = EPOCH_LENGTH.parse().unwrap();
    let are_apart = landed.windows(2).all(|pair| pair[1] > pair[0] + epoch_length);
    assert!(are_apart, "twice in a window: {commits:?}");
    assert!(commits.iter().any(|commit| commit.reveal == Some(RevealOutcome::Revealed)));
    assert!(commits.iter().all(|commit| commit.intent.sealed.is_some()), "{commits:?}");
}
