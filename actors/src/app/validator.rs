//! `sn1 validator`: conversations with miners, and weights on chain.

use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use sn1::llm::tokenizer::Tokenizer;

use super::preflight::{Start, start};
use super::run::{Course, Listeners, channels, run};
use super::{Failure, RoleOptions};
use crate::app::models;
use crate::app::parts::{
    Conditions, Inference, VERSION_KEY, Validator, ValidatorSettings, telemetry,
};
use crate::axon::{AxonPublisher, AxonRecord};
use crate::chain::{CommitterSettings, SyncSettings};
use crate::dendrite::DendriteLimits;
use crate::exit::Exit;
use crate::inference::Capability;
use crate::inference::backends::{ChosenBackends, InferenceSettings};
use crate::settings::{NeuronSettings, NodeSettings};
use crate::supervision::{ChildSpec, Slot};

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
    let specs = tree(&settings, &begun, models, &channels.0, metrics)?;
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

fn tree(
    settings: &NodeSettings<NeuronSettings>,
    begun: &Start,
    models: Models,
    listeners: &Listeners,
    metrics: PrometheusHandle,
) -> Result<Vec<ChildSpec>, Failure> {
    let feeds = &begun.chain.feeds;
    let own = begun.hotkey.account_id();
    let validator = Validator::new(ValidatorSettings {
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
    })?;
    let inference = Inference::new(&models.backends, &models.inference);
    let conditions = Conditions::of_chain(feeds)
        .and_registration(feeds, own)
        .and_weights(feeds)
        .and("model", Arc::clone(&inference.ready));
    let pages =
        telemetry(metrics, &begun.telemetry, conditions, feeds, None).map_err(Failure::unshared)?;
    let conversation = validator.conversation(feeds, &inference, &listeners.notices);
    let mut specs = vec![
        pages,
        validator.event_log(),
        listeners.supervisor("ChainSupervisor", chain(settings, begun, listeners)?),
        listeners.supervisor("InferenceSupervisor", inference.children),
    ];
    specs.extend(publisher(settings, begun));
    specs.push(listeners.supervisor("ConversationSupervisor", conversation));
    Ok(specs)
}

fn chain(
    settings: &NodeSettings<NeuronSettings>,
    begun: &Start,
    listeners: &Listeners,
) -> Result<Vec<ChildSpec>, Failure> {
    let sync = SyncSettings {
        netuid: begun.netuid,
        own: Some(begun.hotkey.account_id()),
        every_blocks: settings.metagraph.every_blocks,
        min_interval: Duration::from_millis(200),
    };
    let committer = CommitterSettings {
        netuid: begun.netuid,
        hotkey: begun.hotkey.clone(),
        epoch_length: settings.neuron.epoch_length,
        version_key: VERSION_KEY,
        is_disabled: settings.neuron.disable_set_weights,
        state_file: begun.state.validator_file()?,
        failpoints: begun.failpoints.clone(),
    };
    // A setting that is signed waits for its block to be final, and is read back.
    let drain_within = 6 * settings.block_time() + Duration::from_secs(8);
    let notices = listeners.notices.clone();
    let committer = begun.chain.committer(committer, notices, drain_within);
    Ok(vec![begun.chain.link(), begun.chain.sync(sync), committer])
}

/// Keeps the validator's address on chain, as the Python one does, though nothing is served there.
fn publisher(settings: &NodeSettings<NeuronSettings>, begun: &Start) -> Option<ChildSpec> {
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
    let record = AxonRecord {
        netuid: begun.netuid,
        hotkey: begun.hotkey.clone(),
        external: begun.published(settings.axon.external_port, settings.axon.port),
        prometheus: begun.prometheus(settings),
    };
    begun.console.say(format_args!("published as {}", record.external));
    let chain = begun.chain.clone();
    Some(ChildSpec::new(&Slot::new("AxonPublisher"), move || {
        let (metagraph, hints) = (chain.feeds.metagraph(), chain.feeds.hints.clone());
        Ok(AxonPublisher::new(chain.client.clone(), record.clone(), metagraph, hints))
    }))
}
