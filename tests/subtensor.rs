//! The client of the real chain, and `sn1 query` with it, against nodes that serve recorded mainnet
//! data and misbehave.

#![expect(clippy::disallowed_methods, reason = "a test's tasks need no name")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "subtensor/devchain.rs"]
mod devchain;
#[path = "subtensor/follow.rs"]
mod follow;
#[path = "subtensor/ledger.rs"]
mod ledger;
#[path = "subtensor/limits.rs"]
mod limits;
#[path = "subtensor/node.rs"]
mod node;
#[path = "subtensor/submit.rs"]
mod submit;
#[path = "subtensor/tls.rs"]
mod tls;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sn1::chain::decode::DecodeError;
use sn1::chain::{AxonInfo, Netuid};
use sn1::synapse::body::Prompt;
use sn1::wallet::Keypair;
use sn1_actors::axon::{Answering, AxonSettings, ChunkSink, Miner, StandaloneAxon};
use sn1_actors::chain::subtensor::{
    CallError, Deadlines, Network, Roots, Subtensor, SubtensorError, SubtensorSettings,
};

use node::{Data, Fault, Node};

const SN1: Netuid = Netuid(1);
/// The deadline of every wait.
const SOON: Duration = Duration::from_secs(60);

/// Short enough for a test, long enough for a busy machine.
fn deadlines() -> Deadlines {
    Deadlines {
        connect: Duration::from_secs(10),
        call: Duration::from_secs(20),
        ping_every: Duration::from_millis(50),
        silence: Duration::from_secs(2),
        look_every: Duration::from_millis(20),
        longest_pause: Duration::from_millis(20),
        ..Deadlines::default()
    }
}

fn client(nodes: &[&Node], deadlines: Deadlines) -> Subtensor {
    let network = Network(nodes.iter().map(|node| node.url().parse().unwrap()).collect());
    Subtensor::new(SubtensorSettings { network, deadlines, roots: Roots::default() })
}

fn failures(error: SubtensorError) -> Vec<CallError> {
    match error {
        SubtensorError::Unreachable { failures, .. } => {
            failures.into_iter().map(|failure| failure.error).collect()
        }
        error => panic!("the nodes were to blame: {error}"),
    }
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !is_so() {
        assert!(Instant::now() < deadline, "not within {SOON:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_snapshot_is_of_one_block_and_the_metadata_is_read_once() {
    let node = Node::start(Data::mainnet(), None);
    let client = client(&[&node], deadlines());
    for _ in 0..2 {
        let snapshot = client.snapshot(SN1).await.unwrap();
        let metagraph = snapshot.metagraph;
        assert_eq!((metagraph.head.number, metagraph.neurons.len()), (node::BLOCK, 1024));
        assert_eq!(metagraph.head.hash.to_string(), node::HEAD);
        assert_eq!(metagraph.neurons.iter().filter(|n| n.axon.is_serving()).count(), 827);
        assert_eq!(metagraph.neurons.iter().filter(|n| n.validator_permit).count(), 12);
        assert_eq!(snapshot.absent, ["SubtensorModule.ValidatorTrust"]);
    }
    let asked = node.asked();
    let times = |name: &str| asked.iter().filter(|call| call.contains(name)).count();
    assert_eq!((times("Metadata_metadata_at_version"), times("get_selective_mechagraph")), (1, 2));
    let at = |call: &&String| call.starts_with("state_");
    assert!(asked.iter().filter(at).all(|call| call.contains(node::HEAD)), "{asked:?}");
}

#[tokio::test]
async fn a_runtime_upgrade_is_followed() {
    let node = Node::start(Data::mainnet(), None);
    let client = client(&[&node], deadlines());
    client.snapshot(SN1).await.unwrap();
    node.upgrade(365, "finney_365_v16", 16);
    assert_eq!(client.snapshot(SN1).await.unwrap().metagraph.neurons.len(), 1024);
    let asked = node.asked();
    assert_eq!(asked.iter().filter(|call| call.contains("metadata_at_version")).count(), 3);
}

#[tokio::test]
async fn a_runtime_that_lacks_the_apis_is_named_and_nobody_else_is_asked() {
    let node = Node::start(Data::mainnet(), None);
    node.upgrade(343, "finney_343_v14", 14);
    let other = Node::start(Data::mainnet(), None);
    let client = client(&[&node, &other], deadlines());
    let error = client.snapshot(SN1).await.unwrap_err();
    let SubtensorError::Chain(DecodeError::Missing { spec_version: 343, item }) = &error else {
        panic!("{error}");
    };
    assert!(item.to_string().contains("SubnetInfoRuntimeApi.get_selective_mechagraph"), "{item}");
    assert_eq!(other.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn an_unknown_subnet_is_told() {
    let node = Node::start(Data { graph: vec![0], ..Data::mainnet() }, None);
    let error = client(&[&node], deadlines()).snapshot(SN1).await.unwrap_err();
    assert_eq!(error.to_string(), "subnet 1 does not exist on this chain");
}

#[tokio::test]
async fn each_kind_of_bad_node_is_left_for_the_next() {
    let short = Duration::from_secs(3);
    for fault in [
        Fault::NoHandshake,
        Fault::CloseOn("state_call"),
        Fault::CloseOn("chain_getBlockHash"),
        Fault::RefuseOn("state_call"),
        Fault::GarbageOn("state_call"),
        Fault::NonsenseOn("chain_getHeader"),
        Fault::NoAnswerOn("state_getStorage"),
        Fault::Deaf,
    ] {
        let bad = Node::start(Data::mainnet(), Some(fault));
        let good = Node::start(Data::mainnet(), None);
        let is_mute = matches!(fault, Fault::Deaf | Fault::NoHandshake | Fault::NoAnswerOn(_));
        let within = match is_mute {
            true => Deadlines { connect: short, call: short, ..deadlines() },
            false => deadlines(),
        };
        let lone = client(&[&bad], within).snapshot(SN1).await.unwrap_err();
        let [error] = &failures(lone)[..] else { panic!("{fault:?}: one attempt") };
        let is_told = match fault {
            Fault::NoHandshake => {
                matches!(error, CallError::Late { attempted, .. } if attempted == "connecting")
            }
            Fault::CloseOn(_) | Fault::GarbageOn(_) => matches!(error, CallError::Closed { .. }),
            Fault::RefuseOn(_) => matches!(error, CallError::Refused { code: -32603, .. }),
            Fault::NonsenseOn(_) => matches!(error, CallError::Garbled { .. }),
            Fault::NoAnswerOn(method) => {
                matches!(error, CallError::Late { attempted, .. } if *attempted == method)
            }
            Fault::Deaf => matches!(error, CallError::Late { .. } | CallError::Closed { .. }),
            Fault::TurnAway(_) | Fault::LimitEvery(..) | Fault::Lacks(_) => unreachable!(),
        };
        assert!(is_told, "{fault:?}: {error}");
        if !is_mute {
            let both = client(&[&bad, &good], deadlines());
            let snapshot = both.snapshot(SN1).await;
            assert_eq!(snapshot.unwrap().metagraph.neurons.len(), 1024, "{fault:?}");
            // From now on the good node is asked first.
            let n_calls = bad.asked().len();
            both.head().await.unwrap();
            assert_eq!(bad.asked().len(), n_calls, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn a_half_open_socket_is_noticed_while_nobody_asks() {
    let node = Node::start(Data::mainnet(), None);
    let client = client(&[&node], deadlines());
    client.head().await.unwrap();
    assert_eq!(node.n_open(), 1);
    node.fall_deaf();
    // The client hangs up by itself, then connects again and is served.
    until("the deaf connection is given up", || node.n_hung_up() == 1).await;
    node.hear_again();
    client.head().await.unwrap();
    assert_eq!(node.n_accepted(), 2);
}

#[tokio::test]
async fn a_node_of_another_chain_is_refused() {
    let node = Node::start(Data::mainnet(), None);
    let stranger = Node::start(Data { genesis: [7; 32], ..Data::mainnet() }, None);
    let client = client(&[&node, &stranger], deadlines());
    client.head().await.unwrap();
    node.stop_serving();
    let errors = failures(client.head().await.unwrap_err());
    assert!(errors.iter().any(|error| matches!(error, CallError::OtherChain { .. })), "{errors:?}");
}

#[tokio::test]
async fn nothing_is_left_behind_by_many_reconnects() {
    const ROUNDS: usize = 1_000;
    let node = Node::start(Data::mainnet(), Some(Fault::CloseOn("chain_getHeader")));
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let client = client(&[&node], deadlines());
    for _ in 0..ROUNDS {
        client.head().await.unwrap_err();
    }
    assert_eq!(node.n_accepted(), ROUNDS);
    until("all tasks of the client end", || tasks() == before).await;
    node.heal();
    let clients: Vec<_> = (0..8).map(|_| client.clone()).collect();
    client.head().await.unwrap();
    for clone in &clients {
        clone.head().await.unwrap();
    }
    assert_eq!((node.n_accepted(), tasks()), (ROUNDS + 1, before + 1));
    drop((client, clients));
    until("the last connection ends", || node.n_open() == 0 && tasks() == before).await;
}

#[tokio::test]
async fn an_error_says_what_where_and_what_to_do() {
    let node = Node::start(Data::mainnet(), Some(Fault::RefuseOn("chain_getHeader")));
    let text = client(&[&node], deadlines()).snapshot(SN1).await.unwrap_err().to_string();
    for part in
        ["while reading the metagraph", &node.url(), "chain_getHeader was refused", "--subtensor."]
    {
        assert!(text.contains(part), "{text}");
    }
}

/// Answers with the messages that it received.
struct Echo;

impl Miner for Echo {
    fn answer(&self, prompt: Prompt, _: Duration, sink: ChunkSink) -> Answering {
        Box::pin(async move { Ok(sink.send(prompt.messages.join(" ")).await?) })
    }
}

fn query(arguments: &[&str]) -> (Option<i32>, String, String) {
    query_with(arguments, &[])
}

fn query_with(
    arguments: &[&str],
    variables: &[(&str, std::path::PathBuf)],
) -> (Option<i32>, String, String) {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sn1"));
    command.current_dir(home.path()).env("HOME", home.path()).arg("query").args(arguments);
    command.env_remove("SSL_CERT_FILE").envs(variables.iter().cloned());
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn query_finds_a_miner_on_the_chain_and_asks_it() {
    let (hotkey, caller) = ("//subtensor-test//miner", "//subtensor-test//caller");
    let key = |path: &str| Keypair::from_dev_path(path).unwrap();
    let callers = [(key(caller).account_id(), 100.0)];
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let settings = AxonSettings::new("echo", key(hotkey));
    let axon = StandaloneAxon::start(listen, settings, &callers, Arc::new(Echo)).unwrap();
    let mut data = Data::mainnet();
    data.move_in(3, key(hotkey).account_id(), AxonInfo::for_address(axon.address(), 10_005_000));
    let node = Node::start(data, None);
    let url = node.url();
    let flags = ["--uids", "3", "--netuid", "1", "--subtensor.chain_endpoint", &url];
    let rest = ["--wallet.uri", caller, "--message", "who is there?", "--timeout", "20s", "--json"];
    let (code, out, err) = query(&[&flags[..], &rest].concat());
    assert_eq!(code, Some(0), "{out}\n{err}");
    assert!(out.contains("who is there?") && out.contains("\"uid\":3"), "{out}");
    drop(axon);
}

#[test]
fn query_says_which_nodes_failed() {
    let node = Node::start(Data::mainnet(), Some(Fault::RefuseOn("state_call")));
    let url = node.url();
    let flags = ["--uids", "3", "--subtensor.network", &url, "--message", "hello"];
    let (code, out, err) = query(&flags);
    assert_eq!((code, out.as_str()), (Some(69), ""), "{err}");
    assert!(err.contains(&url) && err.contains("state_call was refused"), "{err}");
    let (code, _, err) = query(&["--uids", "3", "--subtensor.network", "mainnet"]);
    assert_eq!(code, Some(64), "{err}");
    assert!(err.contains("finney, test, archive, local"), "{err}");
}
