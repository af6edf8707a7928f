//! `sn1 validator`: conversations with miners, and weights on chain.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;

use super::console::Console;
use super::preflight::{Preflight, Ready, Verdict, open_files};
use super::{Failure, RoleOptions};
use crate::app::models::AskingModels;
use crate::app::parts::{Inference, Validator, ValidatorSettings};
use crate::app::tree::NodeParts;
use crate::axon::{AxonRecord, published_as};
use crate::exit::Exit;
use crate::inference::backends::ChosenBackends;
use crate::messages::inference::Capability;
use crate::settings::{AskingConfig, Role, ValidatorConfig};

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
    let preflight = Preflight { console: &console };
    let models = find_models(&settings.asking);
    let models =
        preflight.check("models", "the language model and the sentence encoder", models)?;
    preflight.check("open files", "the limit of open files", open_files())?;
    let ready = preflight.node(Role::Validator, &settings.node, &options).await?;
    let on_main = check_on_main(ready.is_main, &models);
    preflight.check("model on main", "a language model where others rely on it", on_main)?;
    ready
        .run(&options, console, |ready, console| {
            let published = published(&settings, ready, console);
            parts(&settings, ready, models, published, metrics)
        })
        .await
}

fn find_models(asking: &AskingConfig) -> Verdict<AskingModels> {
    let mut tasks = asking.conversation.tasks.iter();
    let needs_model = tasks.any(|kind| kind.definition().needs_model());
    if needs_model && !ChosenBackends::default().offer(Capability::Generate) {
        return Err(no_model(
            "which these tasks need; elsewhere than on the main network --neuron.tasks math \
             --neuron.task_p 1 goes without (but for the model's file, whose tokenizer counts answers)",
        ));
    }
    Ok(AskingModels::find(asking)?.into())
}

fn check_on_main(is_main: bool, models: &AskingModels) -> Verdict<()> {
    match is_main && !models.backends.offer(Capability::Generate) {
        true => Err(no_model("and on the main network a validator needs one")),
        false => Ok(().into()),
    }
}

fn no_model(why: &str) -> Failure {
    let text = format!(
        "this build has no libtorch and so no language model, {why}: build with default features"
    );
    Failure::new(Exit::Unavailable, text)
}

fn parts(
    settings: &ValidatorConfig,
    ready: &Ready,
    models: AskingModels,
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
    console.say(published_as(&record, &ready.known));
    Some(record)
}
