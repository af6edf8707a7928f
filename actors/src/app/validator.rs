//! `sn1 validator`: conversations with miners, and weights on chain.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use sn1::llm::tokenizer::Tokenizer;

use super::console::Console;
use super::preflight::{
    Check, Ground, Obstacle, Outcome, Preflight, Ready, Verdict, found, node_checks, open_files,
    take,
};
use super::{Failure, RoleOptions};
use crate::app::models;
use crate::app::parts::{Inference, Validator, ValidatorSettings};
use crate::app::tree::NodeParts;
use crate::axon::AxonRecord;
use crate::exit::Exit;
use crate::inference::backends::{ChosenBackends, InferenceSettings};
use crate::messages::inference::Capability;
use crate::settings::ValidatorConfig;

/// The models of a validator, found on disk.
struct Models {
    backends: ChosenBackends,
    inference: InferenceSettings,
    tokenizer: Arc<Tokenizer>,
}

type ValidatorGround<'a> = Ground<'a, ValidatorConfig, Option<Models>>;

/// Everything that can be wrong with a validator.
fn preflight<'a>() -> Preflight<ValidatorGround<'a>> {
    let mut checks = vec![
        Check::now("models", "the language model and the sentence encoder", find_models),
        Check::now("open files", "the limit of open files", open_files),
    ];
    checks.extend(node_checks());
    checks.push(Check::now("model on main", "a language model where others rely on it", on_main));
    Preflight(checks)
}

/// Checks everything, then asks, scores and sets weights until a signal comes or the tree gives up.
///
/// # Errors
/// See [`Failure`].
pub async fn validator(
    settings: ValidatorConfig,
    options: RoleOptions,
    metrics: PrometheusHandle,
) -> Result<(), Failure> {
    let console = Console::with_notices(&options.notices);
    let mut ground = ValidatorGround::new(&settings, &options, None);
    preflight().pass(&mut ground, &console).await?;
    let (ready, models) = ground.ready()?;
    let models = take(models, "models")?;
    ready
        .run(&options, console, |ready, console| {
            let published = published(&settings, ready, console);
            parts(&settings, ready, models, published, metrics)
        })
        .await
}

fn find_models(ground: &mut ValidatorGround<'_>) -> Verdict {
    let asking = &ground.settings.asking;
    let (folder, tasks) = (asking.folder.folder.resolved(), &asking.conversation.tasks);
    models::note_devices(&asking.compute.device);
    let backends = ChosenBackends::default();
    let has_model = backends.offer(Capability::Generate);
    if !has_model && tasks.iter().any(|kind| kind.definition().needs_model()) {
        return Err(no_model(
            "which these tasks need; elsewhere than on the main network --neuron.tasks math \
             --neuron.task_p 1 goes without (but for the model's file, whose tokenizer counts answers)",
        ));
    }
    let (model, tokenizer) = models::find_model(&asking.model.model_id.resolved(), &folder)?;
    let encoder = Some(models::find_encoder(&asking.encoder.encoder.resolved(), &folder)?);
    let inference = InferenceSettings { model, encoder, n_threads: asking.compute.threads };
    backends.check(&inference).map_err(Failure::from)?;
    ground.role = Some(Models { backends, inference, tokenizer });
    Ok(Outcome::pass())
}

fn on_main(ground: &mut ValidatorGround<'_>) -> Verdict {
    let has_model = found(&ground.role, "models")?.backends.offer(Capability::Generate);
    match ground.is_main()? && !has_model {
        true => Err(no_model("and on the main network a validator needs one")),
        false => Ok(Outcome::pass()),
    }
}

fn no_model(why: &str) -> Obstacle {
    let text = format!(
        "this build has no libtorch and so no language model, {why}: build with default features"
    );
    Failure::new(Exit::Unavailable, text).into()
}

fn parts(
    settings: &ValidatorConfig,
    ready: &Ready,
    models: Models,
    published: Option<AxonRecord>,
    metrics: PrometheusHandle,
) -> Result<NodeParts, Failure> {
    let inference = Inference::new(&models.backends, &models.inference);
    let validator = ValidatorSettings {
        netuid: ready.netuid,
        hotkey: ready.hotkey.clone(),
        asking: settings.asking.clone(),
        state_file: ready.state.validator_file()?,
        events_file: ready.state.events_file()?,
        external_ip: ready.external.ip(),
        allow_local_addresses: ready.is_local,
        tokenizer: models.tokenizer,
        expected: Arc::from([]),
        seed: rand::random(),
        block_time: settings.node.blocks.block_time,
        failpoints: ready.failpoints.clone(),
    };
    Ok(NodeParts {
        validator: Some(Validator::new(validator, &inference)?),
        inference: Some(inference),
        published,
        ..ready.parts(&settings.node, metrics)?
    })
}

/// The validator's address, as the Python one publishes it, though nothing is served there.
fn published(settings: &ValidatorConfig, ready: &Ready, console: &Console) -> Option<AxonRecord> {
    if settings.node.published.off {
        return None;
    }
    if !ready.is_reachable() {
        console.say(format_args!(
            "others cannot dial {}, so this address is not published: set --axon.external_ip, or \
             give --axon.off",
            ready.external.ip()
        ));
        return None;
    }
    let record = ready.record(&settings.node, settings.axon.port);
    console.say(format_args!("published as {}", record.external));
    Some(record)
}
