//! `sn1 validator`: conversations with miners, and weights on chain.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use sn1::llm::tokenizer::Tokenizer;

use super::preflight::{Start, start};
use super::run::{Course, channels, run};
use super::{Failure, RoleOptions};
use crate::app::models;
use crate::app::parts::{Inference, Validator, ValidatorSettings};
use crate::app::tree::{self, NodeParts};
use crate::axon::AxonRecord;
use crate::dendrite::DendriteLimits;
use crate::exit::Exit;
use crate::inference::Capability;
use crate::inference::backends::{ChosenBackends, InferenceSettings};
use crate::settings::{NeuronSettings, NodeSettings};

/// The models of a validator, found on disk.
struct Models {
    backends: ChosenBackends,
    inference: InferenceSettings,
    tokenizer: Arc<Tokenizer>,
}

/// Checks everything, then asks, scores and sets weights until a signal comes or the tree gives up.
///
/// # Errors
/// See [`Failure`].
pub async fn validator(
    settings: NodeSettings<NeuronSettings>,
    options: RoleOptions,
    metrics: PrometheusHandle,
) -> Result<(), Failure> {
    check_port(&settings)?;
    let models = find_models(&settings)?;
    let begun = start(&settings, &options).await?;
    if begun.is_main && !models.backends.offer(Capability::Generate) {
        return Err(no_model("and on the main network a validator needs one"));
    }
    let channels = channels();
    let specs = tree::build(parts(&settings, &begun, models, metrics)?, &channels.0)?;
    let subnet = Some(begun.chain.feeds.metagraph());
    let Start { mut console, state: _locked, .. } = begun;
    let greeting = Some("started; Ctrl-C stops".to_owned());
    let course = Course { faults: &options.faults, subnet, greeting, ..Course::new("Node", specs) };
    run(course, channels, &mut console).await?.verdict()
}

/// Nothing listens on a validator's port, so nobody chooses one.
fn check_port(settings: &NodeSettings<NeuronSettings>) -> Result<(), Failure> {
    let section = &settings.axon;
    if section.off || section.port != 0 || section.external_port != 0 {
        return Ok(());
    }
    let text = "axon.port is 0, but a validator publishes its port without listening there: name a \
                port with --axon.port, or say --axon.off";
    Err(Failure::usage(text.to_owned()))
}

fn find_models(settings: &NodeSettings<NeuronSettings>) -> Result<Models, Failure> {
    let (neuron, folder) = (&settings.neuron, &settings.models.folder);
    models::note_device(&neuron.device);
    let backends = ChosenBackends::default();
    let has_model = backends.offer(Capability::Generate);
    if !has_model && neuron.tasks.iter().any(|kind| kind.definition().needs_model()) {
        return Err(no_model(
            "which these tasks need; elsewhere than on the main network --neuron.tasks math \
             --neuron.task_p 1 goes without (but for the model's file, whose tokenizer counts answers)",
        ));
    }
    let (model, tokenizer) = models::find_model(&neuron.model_id, folder)?;
    let encoder = Some(models::find_encoder(&settings.models.encoder, folder)?);
    let inference = InferenceSettings { model, encoder, n_threads: neuron.threads };
    backends.check(&inference)?;
    Ok(Models { backends, inference, tokenizer })
}

fn no_model(why: &str) -> Failure {
    Failure::new(
        Exit::Unavailable,
        format!(
            "this build has no libtorch and so no language model, {why}: build with default features"
        ),
    )
}

fn parts(
    settings: &NodeSettings<NeuronSettings>,
    begun: &Start,
    models: Models,
    metrics: PrometheusHandle,
) -> Result<NodeParts, Failure> {
    let inference = Inference::new(&models.backends, &models.inference);
    let validator = ValidatorSettings {
        netuid: begun.netuid,
        hotkey: begun.hotkey.clone(),
        neuron: settings.neuron.clone(),
        state_file: begun.state.validator_file()?,
        events_file: begun.state.events_file()?,
        external_ip: begun.external.ip(),
        allow_local_addresses: begun.is_local,
        limits: DendriteLimits::default(),
        tokenizer: models.tokenizer,
        expected: Arc::from([]),
        seed: rand::random(),
        block_time: settings.block_time(),
        failpoints: begun.failpoints.clone(),
    };
    Ok(NodeParts {
        validator: Some(Validator::new(validator, &inference)?),
        inference: Some(inference),
        published: published(settings, begun),
        ..begun.parts(settings, metrics)?
    })
}

/// The validator's address, as the Python one publishes it, though nothing is served there.
fn published(settings: &NodeSettings<NeuronSettings>, begun: &Start) -> Option<AxonRecord> {
    if settings.axon.off {
        return None;
    }
    if !begun.is_reachable() {
        begun.console.say(format_args!(
            "{} is no address that others can dial, so it is not published: set --axon.external_ip, \
             or say --axon.off",
            begun.external.ip()
        ));
        return None;
    }
    let record = begun.record(settings, settings.axon.port);
    begun.console.say(format_args!("published as {}", record.external));
    Some(record)
}
