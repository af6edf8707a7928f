//! `sn1 miner`: one axon, and what keeps its address on chain.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use sn1::llm::request::GenerateSettings;

use super::preflight::{Start, start};
use super::run::{Course, Listeners, channels, run};
use super::{Failure, RoleOptions};
use crate::app::machine::bind;
use crate::app::models;
use crate::app::parts::{Conditions, Inference, MinerSettings, miner_children, telemetry};
use crate::axon::Miner;
use crate::chain::SyncSettings;
use crate::exit::Exit;
use crate::inference::Capability;
use crate::inference::backends::{ChosenBackends, InferenceSettings};
use crate::miners::{Build, MinerOptions};
use crate::settings::{MinerNeuron, NodeSettings};
use crate::supervision::ChildSpec;

/// What answers, and the actors that it needs.
struct Responder {
    miner: Arc<dyn Miner>,
    inference: Option<Inference>,
}

/// Checks everything, then serves until a signal comes or the tree gives up.
///
/// # Errors
/// See [`Failure`].
pub async fn miner(
    settings: NodeSettings<MinerNeuron>,
    options: RoleOptions,
    metrics: PrometheusHandle,
) -> Result<(), Failure> {
    let responder = responder(&settings)?;
    let address = SocketAddr::new(settings.axon.listen_ip()?, settings.axon.port);
    let listener = bind(address, "the axon", "axon.port")?;
    let mut begun = start(&settings, &options).await?;
    check_address(&settings, &begun)?;
    let channels = channels();
    let specs = tree(&settings, &mut begun, responder, listener, &channels.0, metrics)?;
    let subnet = Some(begun.chain.feeds.metagraph());
    let Start { mut console, state: _locked, .. } = begun;
    let greeting = Some("started; Ctrl-C stops".to_owned());
    let course = Course { faults: &options.faults, subnet, greeting, ..Course::new("Node", specs) };
    run(course, channels, &mut console).await?.verdict()
}

/// Makes the chosen miner, with a language model where it needs one.
fn responder(settings: &NodeSettings<MinerNeuron>) -> Result<Responder, Failure> {
    let options = options_of(&settings.neuron);
    match settings.neuron.miner.build() {
        Build::Alone(build) => Ok(Responder { miner: build(options), inference: None }),
        Build::WithModel(build) => {
            let inference = inference(settings)?;
            let miner = build(options, inference.pool.clone());
            Ok(Responder { miner, inference: Some(inference) })
        }
    }
}

fn options_of(neuron: &MinerNeuron) -> MinerOptions {
    MinerOptions {
        system_prompt: neuron.system_prompt.clone(),
        phrase: neuron.phrase.clone(),
        sampling: GenerateSettings {
            temperature: neuron.temperature,
            top_p: neuron.top_p,
            top_k: neuron.top_k,
            seed: rand::random(),
            ..GenerateSettings::greedy(neuron.max_tokens)
        },
        tokens_per_chunk: neuron.streaming_batch_size,
    }
}

fn inference(settings: &NodeSettings<MinerNeuron>) -> Result<Inference, Failure> {
    let backends = ChosenBackends::default();
    if !backends.offer(Capability::Generate) {
        let text = "this build has no libtorch and so no language model: choose --miner echo or \
                    --miner phrase, or build with default features";
        return Err(Failure::new(Exit::Unavailable, text.to_owned()));
    }
    let neuron = &settings.neuron;
    models::note_device(&neuron.device);
    let (model, _) = models::find_model(&neuron.model_id, &settings.models.folder)?;
    let settings = InferenceSettings { model, encoder: None, n_threads: neuron.threads };
    backends.check(&settings)?;
    Ok(Inference::new(&backends, &settings))
}

/// A miner that nobody can reach earns nothing, and does not notice.
fn check_address(settings: &NodeSettings<MinerNeuron>, begun: &Start) -> Result<(), Failure> {
    if settings.axon.off || begun.is_reachable() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "this machine speaks to the chain from {}, which nobody outside can dial: set \
         --axon.external_ip, and --axon.external_port where the router has another one",
        begun.external.ip()
    )))
}

fn tree(
    settings: &NodeSettings<MinerNeuron>,
    begun: &mut Start,
    responder: Responder,
    listener: TcpListener,
    listeners: &Listeners,
    metrics: PrometheusHandle,
) -> Result<Vec<ChildSpec>, Failure> {
    let Responder { miner, inference } = responder;
    let feeds = begun.chain.feeds.clone();
    let own = begun.hotkey.account_id();
    let conditions = Conditions::of_chain(&feeds).and_registration(&feeds, own);
    let conditions = match &inference {
        Some(inference) => conditions.and("model", Arc::clone(&inference.ready)),
        None => conditions,
    };
    let pages = telemetry(metrics, &begun.telemetry, conditions, &feeds, None)
        .map_err(Failure::unshared)?;
    let sync = SyncSettings {
        netuid: begun.netuid,
        own: Some(own),
        every_blocks: settings.metagraph.every_blocks,
        min_interval: Duration::from_millis(200),
    };
    let chain = vec![begun.chain.link(), begun.chain.sync(sync)];
    let axon = axon(settings, begun, miner, listener)?;
    let mut specs = vec![pages, listeners.supervisor("ChainSupervisor", chain)];
    let inference = inference.map(|inference| inference.children);
    specs.extend(inference.map(|model| listeners.supervisor("InferenceSupervisor", model)));
    specs.push(listeners.supervisor("AxonSupervisor", axon));
    Ok(specs)
}

/// The server, and unless it is off the publisher of its address.
fn axon(
    settings: &NodeSettings<MinerNeuron>,
    begun: &mut Start,
    miner: Arc<dyn Miner>,
    listener: TcpListener,
) -> Result<Vec<ChildSpec>, Failure> {
    let section = &settings.axon;
    let bound = listener.local_addr().map_err(Failure::unshared)?;
    let external = begun.published(section.external_port, bound.port());
    let published = match section.off {
        true => "not published".to_owned(),
        false => format!("published as {external}"),
    };
    begun.console.say(format_args!("axon on {bound}, {published}"));
    let children = miner_children(
        MinerSettings {
            number: None,
            netuid: begun.netuid,
            hotkey: begun.hotkey.clone(),
            listener,
            external,
            prometheus: begun.prometheus(settings),
            n_threads: section.threads,
            limits: section.limits.clone(),
            rules: section.rules.clone(),
            miner,
        },
        &begun.chain,
    );
    let n_children = if section.off { 1 } else { 2 };
    Ok(children.map_err(Failure::unshared)?.into_iter().take(n_children).collect())
}
