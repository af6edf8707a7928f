//! `sn1 miner`: one axon, and what keeps its address on chain.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use sn1::llm::request::GenerateSettings;

use super::preflight::{Start, start};
use super::run::{Course, channels, run};
use super::{Failure, RoleOptions};
use crate::app::machine::bind;
use crate::app::models;
use crate::app::parts::{Inference, MinerSettings};
use crate::app::tree::{self, NodeParts};
use crate::axon::Miner;
use crate::exit::Exit;
use crate::inference::Capability;
use crate::inference::backends::{ChosenBackends, InferenceSettings};
use crate::miners::{Build, MinerOptions};
use crate::settings::{MinerNeuron, NodeSettings};

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
    let begun = start(&settings, &options).await?;
    check_address(&settings, &begun)?;
    let channels = channels();
    let parts = parts(&settings, &begun, responder, listener, metrics)?;
    let specs = tree::build(parts, &channels.0)?;
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

fn parts(
    settings: &NodeSettings<MinerNeuron>,
    begun: &Start,
    responder: Responder,
    listener: TcpListener,
    metrics: PrometheusHandle,
) -> Result<NodeParts, Failure> {
    let section = &settings.axon;
    let bound = listener.local_addr().map_err(Failure::unshared)?;
    let record = begun.record(settings, bound.port());
    let published = match section.off {
        true => "not published".to_owned(),
        false => format!("published as {}", record.external),
    };
    begun.console.say(format_args!("axon on {bound}, {published}"));
    let miner = MinerSettings {
        number: None,
        hotkey: begun.hotkey.clone(),
        listener,
        record: (!section.off).then_some(record),
        n_threads: section.threads,
        limits: section.limits.clone(),
        rules: section.rules.clone(),
        miner: responder.miner,
    };
    let inference = responder.inference;
    Ok(NodeParts { inference, miners: vec![miner], ..begun.parts(settings, metrics)? })
}
