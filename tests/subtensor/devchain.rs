//! The client against `sn1 devchain`, which it treats as a real node.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use sn1::chain::commit_reveal::{WeightsPayload, plan_reveal, seal_weights};
use sn1::chain::{
    AxonInfo, Chain, ChainError, Netuid, PrometheusInfo, Refusal, Uid, WeightSetting, WeightVector,
};
use sn1::wallet::Keypair;
use sn1_actors::chain::subtensor::{Roots, Subtensor, SubtensorSettings};

use super::deadlines;

const NETUID: Netuid = Netuid(1);

/// A chain in another process; it ends when this is dropped.
struct DevChain {
    child: Child,
    url: String,
}

impl DevChain {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sn1"));
        command.args(["devchain", "--port", "0"]).args(arguments).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines.next().unwrap().unwrap();
        Self { child, url }
    }
}

impl Drop for DevChain {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn key(path: &str) -> Keypair {
    Keypair::from_dev_path(path).unwrap()
}

/// A client. The chain serves from the moment at which it prints its address.
async fn client(chain: &DevChain) -> Subtensor {
    let network = chain.url.parse().unwrap();
    let client = Subtensor::new(SubtensorSettings {
        network,
        deadlines: deadlines(),
        roots: Roots::default(),
    });
    client.head().await.unwrap();
    client
}

async fn set_weights(client: &Subtensor, setting: &WeightSetting) -> Result<u64, ChainError> {
    let hotkey = key("//Bob");
    let mortality = client.next_transaction(&hotkey.account_id()).await.unwrap();
    let included = client.submit_weights(&hotkey, NETUID, setting, mortality).await?;
    Ok(included.head.number)
}

#[tokio::test]
async fn a_neuron_registers_serves_and_sets_weights() {
    for generation in ["modular", "stateful"] {
        let rules =
            ["--generation", generation, "--block-time", "100ms", "--weights-rate-limit", "0"];
        let chain = DevChain::start(&[&rules[..], &["--commit-reveal", "off"]].concat());
        let client = client(&chain).await;
        let (coldkey, hotkey) = (key("//Alice"), key("//Bob"));
        let me = hotkey.account_id();
        client.burned_register(&coldkey, NETUID, me).await.unwrap();
        let axon = AxonInfo::for_address("203.0.113.7:8091".parse().unwrap(), 10_005_000);
        Chain::serve_axon(&client, &hotkey, NETUID, axon).await.unwrap();
        let metrics = PrometheusInfo::for_address("203.0.113.7:9100".parse().unwrap(), 1);
        Chain::serve_prometheus(&client, &hotkey, NETUID, metrics).await.unwrap();
        let record = client.prometheus(NETUID, &me).await.unwrap().unwrap();
        assert_eq!(record.info, metrics, "{generation}");
        let metagraph = client.metagraph(NETUID).await.unwrap();
        let neuron = metagraph.neuron_of(&me).unwrap();
        assert!(neuron.axon.is_same_endpoint(&axon), "{generation}");
        let terms = client.weight_terms(NETUID, &me).await.unwrap();
        assert_eq!((terms.uid, terms.reveal.is_none()), (Some(neuron.uid), true));
        // Without a permit, a hotkey may set weights only for itself.
        let weights = WeightVector::new(vec![(neuron.uid, 65_535)]).unwrap();
        let setting = WeightSetting::Plain { weights, version_key: 0 };
        let block = set_weights(&client, &setting).await.unwrap();
        assert_eq!(client.weights(NETUID, neuron.uid).await.unwrap(), [(neuron.uid, 65_535)]);
        let terms = client.weight_terms(NETUID, &me).await.unwrap();
        assert_eq!(terms.last_update, block);
        let stranger = key("//Charlie");
        let mortality = client.next_transaction(&stranger.account_id()).await.unwrap();
        let error = client.submit_weights(&stranger, NETUID, &setting, mortality).await;
        let Err(ChainError::Refused { refusal, .. }) = error else { panic!("{error:?}") };
        assert_eq!(refusal.class(), sn1::chain::RefusalClass::Stop, "{refusal}");
        let again = client.burned_register(&coldkey, NETUID, me).await;
        let Err(ChainError::Refused { refusal, .. }) = again else { panic!("{again:?}") };
        assert_eq!(refusal, Refusal::HotKeyAlreadyRegisteredInSubNet);
    }
}

/// The newest names: what a registration locks is told by name, and absent where it is not known.
#[tokio::test]
async fn collateral_is_known_where_the_runtime_tells_it() {
    for (generation, is_told) in [("modular", false), ("collateral", true)] {
        let chain = DevChain::start(&["--generation", generation, "--block-time", "100ms"]);
        let client = client(&chain).await;
        client.burned_register(&key("//Alice"), NETUID, key("//Bob").account_id()).await.unwrap();
        let known = client.metagraph(NETUID).await.unwrap();
        let told = if is_told { known.neurons.len() } else { 0 };
        assert_eq!((known.collateral.len(), known.neurons.is_empty()), (told, false));
        client.weight_terms(NETUID, &key("//Bob").account_id()).await.unwrap();
    }
}

#[tokio::test]
async fn sealed_weights_are_committed_found_and_opened() {
    for generation in ["modular", "stateful"] {
        let rules =
            ["--generation", generation, "--block-time", "100ms", "--weights-rate-limit", "0"];
        let more = ["--commit-reveal", "on", "--tempo", "20"];
        let chain = DevChain::start(&[&rules[..], &more].concat());
        let client = client(&chain).await;
        let (coldkey, hotkey) = (key("//Alice"), key("//Bob"));
        let me = hotkey.account_id();
        client.burned_register(&coldkey, NETUID, me).await.unwrap();
        let terms = client.weight_terms(NETUID, &me).await.unwrap();
        let reveal = terms.reveal.unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let plan = plan_reveal(
            &reveal.schedule,
            reveal.period_epochs,
            &reveal.beacon,
            now.as_secs_f64(),
            reveal.block_time,
        )
        .unwrap();
        let weights = WeightVector::new(vec![(Uid(0), 65_535)]).unwrap();
        let payload = WeightsPayload::new(me, &weights, 0);
        let commit = seal_weights(reveal.beacon.key(), plan.round, &payload, &mut rand::rng());
        let setting = WeightSetting::Sealed {
            commit: commit.unwrap(),
            reveal_round: plan.round,
            version: reveal.version,
        };
        let block = set_weights(&client, &setting).await.unwrap();
        let commits = client.weight_commits(NETUID, &me).await.unwrap();
        assert_eq!(commits.len(), 1, "{generation}");
        assert_eq!((commits[0].block, commits[0].round), (block, plan.round));
        assert_eq!(Some(commits[0].hash), setting.commit_hash());
        let opened = async {
            while client.weights(NETUID, Uid(0)).await.unwrap().is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(super::SOON, opened).await.unwrap();
    }
}
